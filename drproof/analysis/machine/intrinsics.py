"""The intrinsic functions of the Amazon States Language, as its specification says they answer.

A call that the specification refuses is `RefusedError`: an execution fails with `States.IntrinsicFailure`. Two
functions answer differently each time; here they answer with what the run gives them, so that a replay is repeatable.
"""

import base64
import hashlib
import json
import re
from binascii import Error as NoBase64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

MOST_TEXT = 10_000
"""Signs that Base64 and hash functions take."""
MOST_ITEMS = 1_000
"""Items that States.ArrayRange makes."""
HASHES = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}
_digest = partial(hashlib.new, usedforsecurity=False)
PLACE = re.compile(r"\\(?P<sign>[{}'\\])|\{(?P<inner>[^{}]*)\}|(?P<stray>[{}])")


class RefusedError(ValueError):
    """Arguments that the function does not take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chance:
    """What cannot be foreseen, for one replay."""

    uuid: Callable[[], str]
    number: Callable[[int, int], int]
    """Return a number from the first to before the second."""


def call(name: str, arguments: Sequence[Any], chance: Chance) -> Any:  # noqa: ANN401 — any JSON value
    """Return what a function answers.

    Raises:
        RefusedError: there is no such function, or it does not take these arguments.
    """
    short = name.removeprefix("States.")
    if short == "UUID":
        _count(name, arguments, 0)
        return chance.uuid()
    if short == "MathRandom":
        start, end = _numbers(name, arguments[:2])
        if start >= end:
            raise RefusedError(f"{name}: {start} is not below {end}")
        return chance.number(start, end)
    function = FUNCTIONS.get(short)
    if function is None:
        raise RefusedError(f"{name} is no intrinsic function")
    least, most = COUNTS.get(short, (1, 1))
    if not least <= len(arguments) <= most:
        raise RefusedError(f"{name} takes {least} to {most} arguments, got {len(arguments)}")
    return function(*arguments)


def _format(template: Any, *values: Any) -> str:  # noqa: ANN401
    left = list(values)

    def filled(found: re.Match[str]) -> str:
        if found["sign"]:
            return found["sign"]
        if found["stray"] or found["inner"]:
            raise RefusedError("States.Format: a brace stands alone; write it as \\{ or \\}")
        if not left:
            raise RefusedError("States.Format: more places than values")
        value = left.pop(0)
        return value if isinstance(value, str) else _written(value)

    text = PLACE.sub(filled, _text("States.Format", template))
    if left:
        raise RefusedError("States.Format: more values than places")
    return text


def _string_to_json(text: Any) -> Any:  # noqa: ANN401
    try:
        return json.loads(_text("States.StringToJson", text))
    except ValueError:
        raise RefusedError("States.StringToJson: the text is no JSON") from None


def _array_partition(items: Any, size: Any) -> list[Any]:  # noqa: ANN401
    items, (size,) = _list("States.ArrayPartition", items), _numbers("States.ArrayPartition", [size])
    if size < 1:
        raise RefusedError("States.ArrayPartition: a part has at least one item")
    return [items[start : start + size] for start in range(0, len(items), size)]


def _array_range(first: Any, last: Any, by: Any) -> list[int]:  # noqa: ANN401
    first, last, by = _numbers("States.ArrayRange", [first, last, by])
    if by == 0:
        raise RefusedError("States.ArrayRange: it never gets there by 0")
    # The last number is among them, whichever way they go.
    numbers = range(first, last + by // abs(by), by)
    if len(numbers) > MOST_ITEMS:
        raise RefusedError(f"States.ArrayRange: {len(numbers)} items, at most {MOST_ITEMS}")
    return list(numbers)


def _array_item(items: Any, index: Any) -> Any:  # noqa: ANN401
    items, (index,) = _list("States.ArrayGetItem", items), _numbers("States.ArrayGetItem", [index])
    if not 0 <= index < len(items):
        raise RefusedError(f"States.ArrayGetItem: no item {index} among {len(items)}")
    return items[index]


def _array_unique(items: Any) -> list[Any]:  # noqa: ANN401
    kept: dict[str, Any] = {}
    for item in _list("States.ArrayUnique", items):
        kept.setdefault(_written(item), item)
    return list(kept.values())


def _array_contains(items: Any, item: Any) -> bool:  # noqa: ANN401
    # 1 and true are two values of JSON, and one of Python.
    return _written(item) in {_written(one) for one in _list("States.ArrayContains", items)}


def _encode(text: Any) -> str:  # noqa: ANN401
    return base64.b64encode(_short("States.Base64Encode", text).encode()).decode()


def _decode(text: Any) -> str:  # noqa: ANN401
    try:
        return base64.b64decode(_short("States.Base64Decode", text), validate=True).decode()
    except (NoBase64, UnicodeDecodeError):
        raise RefusedError("States.Base64Decode: the text is no Base64 of a text") from None


def _hash(value: Any, algorithm: Any) -> str:  # noqa: ANN401
    if algorithm not in HASHES:
        raise RefusedError(f"States.Hash: expected one of {', '.join(HASHES)}")
    text = value if isinstance(value, str) else _written(value)
    return _digest(HASHES[algorithm], _short("States.Hash", text).encode()).hexdigest()


def _merge(one: Any, other: Any, deep: Any) -> dict[str, Any]:  # noqa: ANN401
    if deep is not False or not isinstance(one, dict) or not isinstance(other, dict):
        raise RefusedError("States.JsonMerge: takes two objects and false")
    return {**one, **other}


def _add(one: Any, other: Any) -> int:  # noqa: ANN401
    first, second = _numbers("States.MathAdd", [one, other])
    return first + second


def _split(text: Any, signs: Any) -> list[str]:  # noqa: ANN401
    text, signs = _text("States.StringSplit", text), _text("States.StringSplit", signs)
    # Each sign of the second text splits by itself; empty parts are dropped.
    return [part for part in re.split(f"[{re.escape(signs)}]", text) if part] if signs else [text]


def _written(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise RefusedError(f"{name}: expected a text")
    return value


def _short(name: str, value: object) -> str:
    text = _text(name, value)
    if len(text) > MOST_TEXT:
        raise RefusedError(f"{name}: {len(text)} signs, at most {MOST_TEXT}")
    return text


def _list(name: str, value: object) -> list[Any]:
    if not isinstance(value, list):
        raise RefusedError(f"{name}: expected a list")
    return value


def _numbers(name: str, values: Sequence[object]) -> list[int]:
    numbers = [round(value) for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) != len(values) or not numbers:
        raise RefusedError(f"{name}: expected whole numbers")
    return numbers


def _count(name: str, arguments: Sequence[object], expected: int) -> None:
    if len(arguments) != expected:
        raise RefusedError(f"{name} takes {expected} arguments, got {len(arguments)}")


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "Format": _format,
    "StringToJson": _string_to_json,
    "JsonToString": _written,
    "Array": lambda *items: list(items),
    "ArrayPartition": _array_partition,
    "ArrayContains": _array_contains,
    "ArrayRange": _array_range,
    "ArrayGetItem": _array_item,
    "ArrayLength": lambda items: len(_list("States.ArrayLength", items)),
    "ArrayUnique": _array_unique,
    "Base64Encode": _encode,
    "Base64Decode": _decode,
    "Hash": _hash,
    "JsonMerge": _merge,
    "MathAdd": _add,
    "StringSplit": _split,
}
COUNTS: Mapping[str, tuple[int, int]] = {
    "Format": (1, MOST_ITEMS),
    "Array": (0, MOST_ITEMS),
    "ArrayPartition": (2, 2),
    "ArrayContains": (2, 2),
    "ArrayRange": (3, 3),
    "ArrayGetItem": (2, 2),
    "Hash": (2, 2),
    "JsonMerge": (3, 3),
    "MathAdd": (2, 2),
    "StringSplit": (2, 2),
}
"""How many arguments a function takes, at least and at most; one where it is not here."""
