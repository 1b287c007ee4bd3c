"""JSON that has one reading: no duplicate keys, no NaN, no floats, no integers that other readers round.

Documents of other systems may hold fractions; they are read with `fractions=True` and never written as evidence. A
refusal never repeats what stands there: it may be a password.
"""

import json
import math
import re
from itertools import accumulate
from typing import Any, NoReturn

from drproof.model.codec import MAX_INTEGER
from drproof.model.errors import FormatError

MAX_DEPTH = 64
LIMIT = 256 << 20
BETWEEN = re.compile(rb'(?:[^"\[\]{}]++|"[^"\\]*+(?:\\.[^"\\]*+)*+"?)++', re.DOTALL)
"""What stands between two brackets: texts, their brackets included, and everything else."""
_NAMES: tuple[tuple[type, str], ...] = (
    (type(None), "nothing"),
    (bool, "true or false"),
    (int, "a number"),
    (float, "a number"),
    (str, "a text"),
    (list, "a list"),
    (dict, "an object"),
)
STEP = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}


def parse(data: bytes | str, *, fractions: bool = False, limit: int = LIMIT) -> Any:  # noqa: ANN401 — any JSON value
    """Return the value of a JSON document.

    Raises:
        FormatError: `json-limit`, `json-utf8`, `json-depth`, `json-syntax`, `json-duplicate-key`, `json-number`.
    """
    if len(data) > limit:
        raise FormatError("json-limit", f"{len(data)} bytes, at most {limit} are read")
    try:
        text = data.decode("utf-8") if isinstance(data, bytes) else data
    except UnicodeDecodeError as exc:
        raise FormatError("json-utf8", f"not UTF-8: byte {exc.start}") from None
    written = data if isinstance(data, bytes) else data.encode("utf-8", "surrogatepass")
    deep = is_deeper(written, MAX_DEPTH)
    # Before it is parsed: how deep a parser gets before it gives up depends on its release and on its caller.
    if deep and is_deeper(written, MAX_DEPTH + 1):
        raise FormatError("json-depth", f"nested deeper than {MAX_DEPTH}")
    try:
        value = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_refuse_number,
            parse_float=_fraction if fractions else _refuse_number,
            parse_int=_integer,
        )
    except json.JSONDecodeError as exc:
        # The messages of readers in Python quote the character that they found.
        said = exc.msg if exc.msg.startswith("Expecting") else re.split("[:'\"]", exc.msg)[0].rstrip()
        raise FormatError("json-syntax", f"not JSON: {said} at line {exc.lineno}, column {exc.colno}") from None
    except RecursionError:
        raise FormatError("json-depth", "nested deeper than the stack of its reader leaves room for") from None
    # What came as UTF-8 holds a lone surrogate only where it was spelt out.
    if deep or isinstance(data, str) or b"\\u" in data:
        _check(value, 0)
    return value


def is_deeper(data: bytes, depth: int) -> bool:
    """Whether more than `depth` brackets are open at once, those inside texts not counted."""
    if data.count(b"[") + data.count(b"{") <= depth:
        return False
    return max(accumulate(map(STEP.__getitem__, BETWEEN.sub(b"", data))), default=0) > depth


def shape_of(value: object) -> str:
    """Return what a value of a document is, as its author calls it: a message to people names no type of Python."""
    return next((name for kind, name in _NAMES if isinstance(value, kind)), "no JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a key that comes twice: two readers would keep different ones."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise FormatError("json-duplicate-key", "a key of an object comes twice")
    return members


def _integer(text: str) -> int:
    if len(text) > len(str(MAX_INTEGER)) + 1 or abs(int(text)) > MAX_INTEGER:
        raise FormatError("json-number", "an integer that not every reader keeps exactly")
    return int(text)


def _fraction(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise FormatError("json-number", "a number beyond every number")
    return number


def _refuse_number(text: str) -> NoReturn:
    del text
    raise FormatError("json-number", "a number that is no integer")


def _check(value: object, depth: int) -> None:
    """Refuse what passes the parser and still has no one reading: deep nesting and lone surrogates."""
    if depth > MAX_DEPTH:
        raise FormatError("json-depth", f"nested deeper than {MAX_DEPTH}")
    if isinstance(value, str):
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            raise FormatError("json-utf8", "a text holds a lone surrogate") from None
    elif isinstance(value, list):
        for item in value:
            _check(item, depth + 1)
    elif isinstance(value, dict):
        for key, item in value.items():
            _check(key, depth + 1)
            _check(item, depth + 1)
