"""Canonical bytes: RFC 8785, so that a digest means the same to every reader."""

import hashlib
import re
from typing import Any, NoReturn

import msgspec
import rfc8785

from drproof.formats.strict_json import MAX_DEPTH, is_deeper, parse
from drproof.model.errors import EvidenceError

SAFE_DIGITS = 15
"""Every integer of so many digits is kept exactly by every reader."""
ALIKE = bytes.maketrans(b"123456789", b"0" * 9)
LONG_RUN = b"0" * (SAFE_DIGITS + 1)
LONG_NUMBER = re.compile(rb"(?:^|[:,\[])-?[0-9]{%d}" % (SAFE_DIGITS + 1))
ASTRAL = bytes(range(0xF0, 0x100))
"""First bytes of characters beyond U+FFFF, whose place among keys differs between UTF-16 and UTF-8."""


def canonical(value: Any) -> bytes:  # noqa: ANN401 — any plain JSON
    """Return the one byte sequence of plain JSON.

    Raises:
        EvidenceError: `not-canonical`, for a float, an integer that readers round, or a lone surrogate.
    """
    if (quick := _quick_bytes(value)) is not None:
        return quick
    _refuse_floats(value, "$")
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as exc:
        raise EvidenceError("not-canonical", f"evidence cannot be written: {exc}") from exc


def canonical_value(data: bytes, name: str = "the document") -> Any:  # noqa: ANN401 — any plain JSON
    """Return the value whose canonical bytes these are.

    A quick reader says yes to nearly everything that was written canonically; whatever it does not say yes to is
    read again by the strict one, which alone refuses.

    Raises:
        FormatError: what `strict_json.parse` refuses, by its codes.
        EvidenceError: `not-canonical`, when the value has other bytes.
    """
    value = quick_value(data)
    if value is not None:
        return value
    value = parse(data)
    if canonical(value) != data:
        raise EvidenceError("not-canonical", f"{name} is not written canonically")
    return value


def quick_value(data: bytes) -> Any:  # noqa: ANN401 — any plain JSON
    """Return the value whose canonical bytes these are without doubt; None sends them to the strict reader."""
    if not is_plain(data):
        return None
    try:
        value = _QUICK.decode(data)
        return value if SORTED.encode(value) == data else None
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


def _quick_bytes(value: Any) -> bytes | None:  # noqa: ANN401 — any plain JSON
    """Return the canonical bytes where a quick writer's are, and read as the value that was written; else None.

    What it would write and the strict writer would not (a float, a date, a key that is no text) does not read so.
    """
    try:
        data: bytes = SORTED.encode(value)
        return data if is_plain(data) and _QUICK.decode(data) == value else None
    except (msgspec.MsgspecError, TypeError, ValueError, RecursionError):
        return None


def digest(data: bytes) -> str:
    """Return the SHA-256 of bytes in lower-case hex."""
    return hashlib.sha256(data).hexdigest()


def is_plain(data: bytes) -> bool:
    """Return whether nothing in the bytes asks for more care than a quick reader takes."""
    if is_deeper(data, MAX_DEPTH):
        return False
    if LONG_RUN in data.translate(ALIKE) and LONG_NUMBER.search(data):
        return False
    return data.isascii() or len(data.translate(None, ASTRAL)) == len(data)


def refuse_fraction(text: str) -> NoReturn:
    """Refuse a number that is no integer, so that a quick reader gives up."""
    del text
    raise ValueError


_QUICK = msgspec.json.Decoder(float_hook=refuse_fraction)
SORTED = msgspec.json.Encoder(order="sorted")


def _refuse_floats(value: object, where: str) -> None:
    if isinstance(value, float):
        raise EvidenceError("not-canonical", f"{where} is the float {value}: evidence has integers and text")
    if isinstance(value, dict):
        for key, item in value.items():
            _refuse_floats(item, f"{where}.{key}")
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            _refuse_floats(item, f"{where}[{number}]")
