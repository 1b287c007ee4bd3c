"""The last layer: what is about to be kept is scanned, and what seems to hold a secret is not kept.

A hit says where and by which rule, never what. Structured facts that only look random (digests, ids, our own tokens)
stand in known places and are none.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, islice, pairwise
from typing import Any

from drproof.evidence.canonical import quick_value
from drproof.evidence.disguises import LAYERS, hides_nothing, unwrapped
from drproof.evidence.secret_rules import CONTEXT, NAME, STEMS, is_a_value, is_private_der
from drproof.evidence.signatures import Span, direct, signs_of, small_letters
from drproof.formats.strict_json import parse
from drproof.model.errors import EvidenceError

NAMED_VALUE = "named-value"
"""The rule of a value behind a name such as `password`."""

_TOGETHER = 256
"""How many texts are looked at as one: mostly, none of them shows anything."""
_BEFORE = 24
"""Characters of the longest name that tells of its value."""
_BREAK = re.compile(r"\s*[\r\n]+(?:[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z )?\s*")
_SEPARATOR = "\x00\n\x00"
HONEST_NAMES = frozenset({"token", "client_token"})
"""Members of our own documents that hold an idempotency token: 32 hex digits that we made from names."""
_IDEMPOTENCY = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """Where a file seems to hold a secret, and which rule says so."""

    where: str
    """A JSON pointer, or line and column."""
    rule: str


def spans(text: str) -> list[Span]:
    """Return the parts of a text that seem to be secrets, in order, none inside another."""
    return merged(_spans(text, LAYERS, {}))


def scan(data: bytes, *, journal: bool = False) -> tuple[Hit, ...]:
    """Return every place in a file that seems to hold a secret; JSON is read as JSON, a journal line by line."""
    text = data.decode("utf-8", errors="surrogateescape")
    if journal:
        return tuple(
            Hit(where=f"record {number}{hit.where}", rule=hit.rule)
            for number, line in enumerate(text.splitlines(), start=1)
            for hit in scan(line[9:].encode("utf-8", errors="surrogateescape"))
        )
    if text[:1] in ("{", "["):
        try:
            # What was written canonically, as nearly all is, needs no strict reader to be looked at.
            value = quick_value(data)
            return scan_json(parse(data) if value is None else value)
        except EvidenceError:
            pass
    return tuple(Hit(where=_position(text, span.start), rule=span.rule) for span in spans(text))


def scan_json(value: object) -> tuple[Hit, ...]:
    """Return every place in plain JSON that seems to hold a secret."""
    texts: dict[str, None] = {}
    if not _shows_by_its_form(value, "", texts) and not _suspicious(texts):
        return ()
    found: dict[tuple[str, str], None] = {}
    pointers: dict[str, list[str]] = {}
    for pointer, text, rule in _leaves(value, ""):
        if rule:
            found[pointer, rule] = None
        pointers.setdefault(text, []).append(pointer)
    for text, rules in _suspicious(pointers).items():
        for pointer in pointers[text]:
            found |= dict.fromkeys((pointer, rule) for rule in rules)
    return tuple(Hit(where=pointer or "/", rule=rule) for pointer, rule in sorted(found))


def masked(value: Any, mask: str) -> Any:  # noqa: ANN401 — plain JSON
    """Return plain JSON in which what seems to be a secret is masked."""
    return _masked(value, "", mask)


def cover(text: str, found: Iterable[Span], mask: str) -> str:
    """Return a text in which spans are masked."""
    parts, at = [], 0
    for start, end, _ in found:
        parts += [text[at:start], mask]
        at = end
    return "".join([*parts, text[at:]])


def _masked(value: Any, name: str, mask: str) -> Any:  # noqa: ANN401 — plain JSON
    if isinstance(value, str):
        return mask if _is_named(name, value) else cover(value, spans(value), mask)
    if isinstance(value, list):
        return _masked_list([_masked(item, name, mask) for item in value], mask)
    if isinstance(value, dict):
        pair = _pair(value)
        return {
            cover(key, spans(key), mask): mask if pair == key else _masked(item, key, mask)
            for key, item in value.items()
        }
    return value


def _masked_list(items: list[Any], mask: str) -> list[Any]:
    """Mask the items over which a secret is spread."""
    texts = [item if isinstance(item, str) else _SEPARATOR for item in items]
    for start, end, _ in _spread(texts):
        at = 0
        for number, text in enumerate(texts):
            if start < at + len(text) and at < end and isinstance(items[number], str):
                items[number] = mask
            at += len(text)
    return items


def _shows_by_its_form(value: object, name: str, texts: dict[str, None]) -> bool:
    """Return whether names, pairs or lists alone show something; take down every text. It names no places."""
    if isinstance(value, str):
        texts[value] = None
        return _tells(name) and _is_named(name, value)
    if isinstance(value, list):
        if value and _spread([item if isinstance(item, str) else _SEPARATOR for item in value]):
            return True
        return any(_shows_by_its_form(item, name, texts) for item in value)
    if isinstance(value, Mapping):
        if _form_tells(tuple(value)) and (any(map(_shows, value)) or _pair(value) is not None):
            return True
        for key, item in value.items():
            # Most are texts under harmless names, in documents of ten thousand rows.
            if type(item) is str and not _tells(key):
                texts[item] = None
            elif _shows_by_its_form(item, key, texts):
                return True
    return False


def _leaves(value: object, pointer: str, name: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield each text with its pointer, and the rule that its name alone breaks."""
    if isinstance(value, str):
        yield pointer, value, NAMED_VALUE if _is_named(name, value) else ""
    elif isinstance(value, list):
        texts = [item if isinstance(item, str) else _SEPARATOR for item in value]
        yield from ((pointer, "", span.rule) for span in _spread(texts))
        for number, item in enumerate(value):
            yield from _leaves(item, f"{pointer}/{number}", name)
    elif isinstance(value, Mapping):
        if (pair := _pair(value)) is not None:
            yield f"{pointer}/{pair}", "", NAMED_VALUE
        for key, item in value.items():
            inner = f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}"
            if _shows(key):
                yield f"{pointer}/<name>", key, ""
                inner = f"{pointer}/<name>"
            yield from _leaves(item, inner, key)


@lru_cache(maxsize=4096)
def _shows(name: str) -> bool:
    """Return whether the name of a member seems to hold a secret; a document has the same names again and again."""
    return bool(spans(name))


@lru_cache(maxsize=4096)
def _tells(name: str) -> bool:
    """Return whether a name may say of a value that it is a secret."""
    return NAME.search(name) is not None


@lru_cache(maxsize=4096)
def _form_tells(names: tuple[str, ...]) -> bool:
    """Return whether one of these names shows something, or they may be those of a pair."""
    return any(name.lower() == "value" or _shows(name) for name in names)


def _pair(value: Mapping[str, Any]) -> str | None:
    """Return the member that holds the value of `{"name": "DB_PASSWORD", "value": …}`, or of a secure parameter."""
    members = {key.lower(): key for key in value}
    held = members.get("value")
    if held is None or not isinstance(value[held], str):
        return None
    names = [str(value[members[key]]) for key in ("name", "key") if key in members]
    secure = any(text == "SecureString" for text in value.values())
    return held if (secure and value[held]) or any(_is_named(name, value[held]) for name in names) else None


def _is_named(name: str, value: str) -> bool:
    """Return whether the name of a value says that it is a secret."""
    match = NAME.search(name)
    if match is None or (name in HONEST_NAMES and (not value or _IDEMPOTENCY.fullmatch(value))):
        return False
    # A value is often a whole text here: a path, a sentence.
    return is_a_value(value, strong=match["strong"] is not None)


def _suspicious(texts: Iterable[str]) -> dict[str, set[str]]:
    """Return the texts that seem to hold a secret, with the rules; all are looked at in one pass."""
    left = iter(texts)
    found: dict[str, set[str]] = {}
    while some := list(islice(left, _TOGETHER)):
        if not _show_nothing(some):
            found |= {text: rules for text in some if text and (rules := {span.rule for span in spans(text)})}
    return found


def _show_nothing(texts: list[str]) -> bool:
    """Return whether no rule finds anything in any of the texts, from one look at all of them; False says nothing.

    The separator belongs to no name, sign or encoding, and ends no value sooner: a rule that finds something in one
    text finds something in all.
    """
    glued = _SEPARATOR.join(texts)
    if glued.count("\n") >= len(texts):
        # A text of several lines is also looked at across them.
        return False
    return not direct(glued) and not _in_context(glued) and hides_nothing(glued, is_private_der)


def _spans(text: str, layers: int, seen: dict[str, tuple[int, list[Span]]]) -> list[Span]:
    """Return what a text shows, and what so many layers hide in it; `seen` has what was taken apart before."""
    found = direct(text)
    found += _in_context(text)
    if "\n" in text:
        found += _split(text)
    if layers:
        for inner in unwrapped(text):
            if inner.data:
                if is_private_der(inner.data):
                    found.append(Span(inner.start, inner.end, "private-key"))
            elif inner.text != text and (hits := _hidden(inner.text, layers - 1, seen)):
                # Where all of a text was taken apart, no place in it is known any more.
                found.append(Span(inner.start, inner.end, hits[0].rule))
    return found


def _hidden(text: str, layers: int, seen: dict[str, tuple[int, list[Span]]]) -> list[Span]:
    """Return what was hidden; layers that are taken off in another order come to the same text."""
    looked, found = seen.get(text, (-1, []))
    if looked < layers:
        found = _spans(text, layers, seen)
        seen[text] = layers, found
    return found


def _in_context(text: str) -> list[Span]:
    small = small_letters(text)
    found: dict[int, Span] = {}
    for stem in STEMS:
        at = small.find(stem)
        while at >= 0:
            behind = small[at : at + _BEFORE * 2]
            if ":" in behind or "=" in behind:
                # The longest name wins: `client_secret` says more than `secret`.
                tries = (CONTEXT.match(text, start) for start in range(max(0, at - _BEFORE), at + 1))
                match = next((one for one in tries if one and one.start("link") > at), None)
                if match and is_a_value(match["value"], strong=match["strong"] is not None):
                    found[match.start("value")] = Span(match.start("value"), match.end("value"), NAMED_VALUE)
            at = small.find(stem, at + len(stem))
    return list(found.values())


def _split(text: str) -> list[Span]:
    """Return what stands over the end of a line."""
    joined, back = _joined(text)
    return [Span(back(start), back(end - 1) + 1, rule) for start, end, rule in _spread(joined)]


def _spread(parts: list[str]) -> list[Span]:
    """Return what is spread over parts of one text, by its places in all of them together.

    A secret at the beginning of a part is only seen where the part before it does not touch it: besides all parts, the
    pairs of neighbours are looked at.
    """
    if sum(map(bool, parts)) < 2:  # noqa: PLR2004
        return []
    joined = "".join(parts)
    signs = signs_of(joined)
    if not signs:
        # No pair of neighbours holds one either: no sign has the separator in it.
        return []
    found = direct(joined, signs)
    lengths = list(accumulate(map(len, parts), initial=0))
    for first in (0, 1):
        starts = [*range(min(first, 1)), *range(first, len(parts), 2)]
        glued = ["".join(parts[at:after]) for at, after in pairwise([*starts, len(parts)])]
        # Where a group begins among the separated groups, and where in the parts alone.
        apart = list(accumulate((len(text) + len(_SEPARATOR) for text in glued), initial=0))
        for start, end, rule in direct(_SEPARATOR.join(glued), signs):
            number = bisect_right(apart, start) - 1
            moved = lengths[starts[number]] - apart[number]
            found.append(Span(start + moved, end + moved, rule))
    return found


def lines_joined(text: str) -> tuple[str, Callable[[int], int]]:
    """Return a text without its line breaks, and what tells where a place in it stands in the text itself."""
    lines, back = _joined(text)
    return "".join(lines), back


def _joined(text: str) -> tuple[list[str], Callable[[int], int]]:
    lines, begins = [], []
    at = 0
    for match in _BREAK.finditer(text):
        lines.append(text[at : match.start()])
        begins.append(at)
        at = match.end()
    lines.append(text[at:])
    begins.append(at)
    places = list(accumulate(map(len, lines), initial=0))

    def back(position: int) -> int:
        number = min(bisect_right(places, position), len(lines)) - 1
        return begins[number] + position - places[number]

    return lines, back


def merged(found: list[Span]) -> list[Span]:
    """Return spans in order, those that overlap as one."""
    whole: list[Span] = []
    for span in sorted(found):
        if whole and span.start < whole[-1].end:
            last = whole[-1]
            whole[-1] = Span(last.start, max(last.end, span.end), last.rule)
        elif span.end > span.start:
            whole.append(span)
    return whole


def _position(text: str, at: int) -> str:
    line = text.count("\n", 0, at) + 1
    return f"line {line}, column {at - text.rfind(chr(10), 0, at)}"
