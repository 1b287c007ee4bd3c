"""Reading what is evidence itself: bytes that are the one form of a value, and a value that is exactly of its type."""

from collections.abc import Callable
from typing import Any, TypeVar

from drproof.evidence.canonical import canonical
from drproof.formats.strict_json import parse
from drproof.model.codec import decode, encode
from drproof.model.errors import EvidenceError, FormatError

T = TypeVar("T")


def parsed(data: bytes) -> Any:  # noqa: ANN401 — any plain JSON
    """Return the value of canonical bytes.

    Raises:
        EvidenceError: `json`, for what has no one reading; `not-canonical`, for what is written in another way.
    """
    try:
        value = parse(data)
    except FormatError as exc:
        raise EvidenceError("json", str(exc)) from exc
    if canonical(value) != data:
        raise EvidenceError("not-canonical", "not written canonically")
    return value


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
    if not _within(value, encode(made)):
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
    return known(kind, parsed(data))


def read_exactly(kind: type[T] | Callable[..., T], data: bytes) -> T:
    """Return the value of `kind` whose one form these bytes are.

    Raises:
        EvidenceError: `json`, `not-canonical` or `shape`.
    """
    return exactly(kind, parsed(data))
