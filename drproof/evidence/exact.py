"""Reading what is evidence itself: bytes that are the one form of a value, and a value that is exactly of its type."""

from collections.abc import Callable, Hashable
from functools import cache
from typing import Any, TypeVar, cast

import msgspec

from drproof.evidence.canonical import SORTED, canonical_value, is_plain, refuse_fraction
from drproof.model.codec import decode, encode
from drproof.model.errors import EvidenceError, FormatError

T = TypeVar("T")


def parsed(data: bytes) -> Any:  # noqa: ANN401 — any plain JSON
    """Return the value of canonical bytes.

    Raises:
        EvidenceError: `json`, for what has no one reading; `not-canonical`, for what is written in another way.
    """
    try:
        return canonical_value(data)
    except FormatError as exc:
        raise EvidenceError("json", str(exc)) from exc


def exactly(kind: type[T] | Callable[..., T], value: object) -> T:
    """Return plain JSON as a value of `kind`, which has each of its members and no other.

    Raises:
        EvidenceError: `shape`.
    """
    made = decode(kind, value)
    if encode(made) != value:
        # Readers of types fill in what is missing and pass over what they do not know; evidence has neither.
        raise EvidenceError("shape", f"not exactly a {getattr(kind, '__name__', kind)}: members are missing or added")
    return made


def known(kind: type[T] | Callable[..., T], value: object) -> T:
    """Return plain JSON as a value of `kind`, which has no member that the type does not know.

    Members with a default may be missing: an earlier version of drproof wrote what it knew, and is still believed.

    Raises:
        EvidenceError: `shape`.
    """
    made = decode(kind, value)
    whole = encode(made)
    if whole != value and not _within(value, whole):
        raise EvidenceError("shape", f"not a {getattr(kind, '__name__', kind)}: it has members that the type has not")
    return made


def _within(value: object, whole: object) -> bool:
    if isinstance(value, dict) and isinstance(whole, dict):
        return all(name in whole and _within(item, whole[name]) for name, item in value.items())
    if isinstance(value, list) and isinstance(whole, list):
        return len(value) == len(whole) and all(map(_within, value, whole))
    return value == whole and type(value) is type(whole)


def read_known(kind: type[T] | Callable[..., T], data: bytes) -> T:
    """Return the value of `kind` in canonical bytes, as of `known`.

    Raises:
        EvidenceError: `json`, `not-canonical` or `shape`.
    """
    made = _quick(kind, data)
    return known(kind, parsed(data)) if made is None else made


def read_exactly(kind: type[T] | Callable[..., T], data: bytes) -> T:
    """Return the value of `kind` whose one form these bytes are.

    Raises:
        EvidenceError: `json`, `not-canonical` or `shape`.
    """
    made = _quick(kind, data)
    return exactly(kind, parsed(data)) if made is None else made


def _quick(kind: type[T] | Callable[..., T], data: bytes) -> T | None:
    """Return the value when these bytes are without doubt its one form, whole; None sends them to the strict reader."""
    if not is_plain(data):
        return None
    try:
        made = _decoder(cast("Hashable", kind)).decode(data)
        return cast("T", made) if SORTED.encode(made) == data else None
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


@cache
def _decoder(kind: Hashable) -> "msgspec.json.Decoder[Any]":
    return msgspec.json.Decoder(cast("Any", kind), float_hook=refuse_fraction)
