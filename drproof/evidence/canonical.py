"""Canonical bytes: RFC 8785, so that a digest means the same to every reader."""

import hashlib
from typing import Any

import rfc8785

from drproof.model.errors import EvidenceError


def canonical(value: Any) -> bytes:  # noqa: ANN401 — any plain JSON
    """Return the one byte sequence of plain JSON.

    Raises:
        EvidenceError: `not-canonical`, for a float, an integer that readers round, or a lone surrogate.
    """
    _refuse_floats(value, "$")
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as exc:
        raise EvidenceError("not-canonical", f"evidence cannot be written: {exc}") from exc


def digest(data: bytes) -> str:
    """Return the SHA-256 of bytes in lower-case hex."""
    return hashlib.sha256(data).hexdigest()


def _refuse_floats(value: object, where: str) -> None:
    if isinstance(value, float):
        raise EvidenceError("not-canonical", f"{where} is the float {value}: evidence has integers and text")
    if isinstance(value, dict):
        for key, item in value.items():
            _refuse_floats(item, f"{where}.{key}")
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            _refuse_floats(item, f"{where}[{number}]")
