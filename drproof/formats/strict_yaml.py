"""YAML that has one reading: what JSON can say, and no scalar that another reader takes for something else.

Manifests and kubeconfigs are read by YAML 1.1 readers that disagree: for kubectl `no` is false, `0644` is 420, `1_000`
is a thousand and `1e3` a number. What is written so without quotes is refused, never guessed. A refusal names the line
and what is wrong, never the text that stands there: it may be a password.
"""

import re
from collections.abc import Iterator
from typing import Final

import yaml

from drproof.model.codec import MAX_INTEGER
from drproof.model.errors import FormatError

MAX_DEPTH = 64
LIMIT = 4 << 20
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

CORE: Final = "tag:yaml.org,2002:"
NULLS = frozenset({"", "~", "null", "Null", "NULL"})
TRUE = frozenset({"true", "True", "TRUE"})
FALSE = frozenset({"false", "False", "FALSE"})
NO_TAG: Final = "a tag that says what JSON cannot: quote a text that begins with !"
AMBIGUOUS = frozenset(
    {"y", "Y", "n", "N"} | {case(w) for w in ("yes", "no", "on", "off") for case in (str, str.title, str.upper)}
)
TOO_DEEP: Final = "exceeded maximum nesting depth"
"""What libyaml says; it looks further ahead than it has told of."""
QUOTED = re.compile(r"'.*'|\".*\"", re.DOTALL)
ODD_BREAK = re.compile("[\x85\u2028\u2029]")
"""Line breaks of YAML 1.1 that are characters like any other in YAML 1.2."""
INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")
FRACTION = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+([eE][-+][0-9]+)?")
NO_NUMBER = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
LOOSE_NUMBER = re.compile(
    r"[-+]?(0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+|(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?)"
)
"""What kubectl's reader takes for a number, once it has taken the underscores out."""


def parse(data: bytes | str, *, limit: int = LIMIT) -> object:
    """Return the value of the one document.

    Raises:
        FormatError: `yaml-documents` when there are more, or none; and what `parse_all` raises.
    """
    documents = parse_all(data, limit=limit)
    if len(documents) != 1:
        raise FormatError("yaml-documents", f"{len(documents)} documents, expected one")
    return documents[0]


def parse_all(data: bytes | str, *, limit: int = LIMIT) -> list[object]:
    """Return the values of the documents; those that hold nothing at all are left out.

    Raises:
        FormatError: `yaml-limit`, `yaml-utf8`, `yaml-syntax`, `yaml-depth`, `yaml-alias`, `yaml-tag`, `yaml-key`,
            `yaml-duplicate-key`, `yaml-number`, `yaml-ambiguous`; the message names the line.
    """
    events = _events(_text(data, limit))
    documents: list[object] = []
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            root = next(events)
            value = _value(events, root, 0)
            if not (isinstance(root, yaml.ScalarEvent) and _plain(root) and root.value == ""):
                documents.append(value)
    return documents


def _text(data: bytes | str, limit: int) -> str:
    if len(data) > limit:
        raise FormatError("yaml-limit", f"{len(data)} bytes, at most {limit} are read")
    try:
        text = data.decode("utf-8") if isinstance(data, bytes) else data
        # A lone surrogate passes as text and breaks the parser.
        text.encode("utf-8")
    except (UnicodeDecodeError, UnicodeEncodeError) as exc:
        raise FormatError("yaml-utf8", f"not UTF-8: place {exc.start}") from None
    if text.startswith("\ufeff"):
        raise FormatError("yaml-utf8", "begins with a byte order mark")
    if found := ODD_BREAK.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise FormatError("yaml-ambiguous", f"line {line}: {found[0]!a} breaks a line for some readers: escape it")
    return text


def _events(text: str) -> Iterator[yaml.Event]:
    """Yield the parser's events: what is refused is refused before anything is built from it."""
    try:
        yield from yaml.parse(text, Loader=LOADER)
    except yaml.MarkedYAMLError as exc:
        where = f"line {exc.problem_mark.line + 1}: " if exc.problem_mark else ""
        if exc.problem == TOO_DEEP:
            raise FormatError("yaml-depth", f"{where}nested deeper than {MAX_DEPTH}") from None
        # A parser quotes what it found.
        said = QUOTED.sub("something", str(exc.problem or exc.context))
        raise FormatError("yaml-syntax", f"{where}not YAML: {said}") from None
    except yaml.reader.ReaderError as exc:
        where = f"place {exc.position}: " if isinstance(exc.position, int) else ""
        raise FormatError("yaml-syntax", f"{where}not YAML: a character that it cannot hold") from None
    except (yaml.YAMLError, ValueError, OverflowError):
        raise FormatError("yaml-syntax", "not YAML: an escape or a version that it does not know") from None


def _value(events: Iterator[yaml.Event], event: yaml.Event, depth: int) -> object:
    if depth > MAX_DEPTH:
        raise _refused("yaml-depth", event, f"nested deeper than {MAX_DEPTH}")
    if getattr(event, "anchor", None) is not None:
        raise _refused("yaml-alias", event, "an anchor or an alias: quote a text that begins with & or *")
    if isinstance(event, yaml.ScalarEvent):
        return _scalar(event)
    if isinstance(event, yaml.SequenceStartEvent):
        _only_tag(event, "seq")
        return _sequence(events, depth)
    if isinstance(event, yaml.MappingStartEvent):
        _only_tag(event, "map")
        return _mapping(events, depth)
    raise _refused("yaml-syntax", event, f"{type(event).__name__} where a value is expected")


def _sequence(events: Iterator[yaml.Event], depth: int) -> list[object]:
    items: list[object] = []
    for event in events:
        if isinstance(event, yaml.SequenceEndEvent):
            break
        items.append(_value(events, event, depth + 1))
    return items


def _mapping(events: Iterator[yaml.Event], depth: int) -> dict[str, object]:
    members: dict[str, object] = {}
    for event in events:
        if isinstance(event, yaml.MappingEndEvent):
            break
        if isinstance(event, yaml.ScalarEvent) and _plain(event) and event.value == "<<":
            raise _refused("yaml-alias", event, "a merge key")
        name = _value(events, event, depth + 1)
        if not isinstance(name, str):
            raise _refused("yaml-key", event, "a key that is no text")
        if name in members:
            raise _refused("yaml-duplicate-key", event, "a key that comes twice")
        members[name] = _value(events, next(events), depth + 1)
    return members


def _plain(event: yaml.ScalarEvent) -> bool:
    """Whether the reader is left to find out what the scalar is."""
    return event.tag is None and event.implicit[0]


def _only_tag(event: yaml.SequenceStartEvent | yaml.MappingStartEvent, name: str) -> None:
    if event.tag is not None and event.tag != f"{CORE}{name}":
        raise _refused("yaml-tag", event, NO_TAG)


def _scalar(event: yaml.ScalarEvent) -> object:
    text = event.value
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise _refused("yaml-utf8", event, "a text holds a lone surrogate") from None
    if _plain(event):
        return _resolved(event, text)
    if event.tag in (None, f"{CORE}str"):
        return text
    kinds: dict[str, tuple[type, ...]] = {"null": (type(None),), "bool": (bool,), "int": (int,), "float": (float, int)}
    wanted = kinds.get(event.tag.removeprefix(CORE)) if event.tag.startswith(CORE) else None
    value = _resolved(event, text) if wanted else None
    if wanted is None or type(value) not in wanted:
        raise _refused("yaml-tag", event, NO_TAG)
    return value


def _resolved(event: yaml.ScalarEvent, text: str) -> object:
    """Return what every reader takes a plain scalar for."""
    if text in NULLS:
        return None
    if text in TRUE or text in FALSE:
        return text in TRUE
    if INTEGER.fullmatch(text):
        if len(text) > len(str(MAX_INTEGER)) + 1 or abs(int(text)) > MAX_INTEGER:
            raise _refused("yaml-number", event, "an integer that not every reader keeps exactly: quote it")
        return int(text)
    if NO_NUMBER.fullmatch(text):
        raise _refused("yaml-number", event, "an infinity, or what is no number: quote it")
    if FRACTION.fullmatch(text):
        number = float(text)
        if number in (float("inf"), float("-inf")):
            raise _refused("yaml-number", event, "a number beyond every number: quote it")
        return number
    if text in AMBIGUOUS:
        raise _refused("yaml-ambiguous", event, "a truth value to some readers and text to others: quote it")
    if text[0] in "+-.0123456789" and LOOSE_NUMBER.fullmatch(text.replace("_", "")):
        raise _refused("yaml-ambiguous", event, "a number to some readers: quote it or write it plainly")
    return text


def _refused(code: str, event: yaml.Event, what: str) -> FormatError:
    where = f"line {event.start_mark.line + 1}: " if event.start_mark else ""
    return FormatError(code, f"{where}{what}")
