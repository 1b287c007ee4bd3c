"""Instants as systems write them: RFC 3339, and the compact form of backup names."""

import re
from datetime import UTC, datetime, timedelta

from drproof.model.errors import FormatError

# Hours and offsets have their bounds here: releases of Python differ in whether 24:00 is a time.
HOUR_MINUTE = r"(?:[01]\d|2[0-3]):[0-5]\d"
RFC3339 = re.compile(rf"\d{{4}}-\d\d-\d\dT{HOUR_MINUTE}:[0-5]\d(?:\.\d{{1,9}})?(?:Z|[+-]{HOUR_MINUTE})", re.ASCII)
EVIDENCE = re.compile(rf"\d{{4}}-\d\d-\d\dT{HOUR_MINUTE}:[0-5]\d\.\d{{3}}Z", re.ASCII)
COMPACT = re.compile(r"\d{8}T\d{6}Z", re.ASCII)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse(text: object) -> datetime:
    """Return an instant in UTC; a time without a zone is no instant.

    Raises:
        FormatError: `timestamp`.
    """
    if not isinstance(text, str) or not RFC3339.fullmatch(text):
        raise FormatError("timestamp", f"expected an instant such as 2026-01-31T12:00:00Z, got {text!r}")
    # `fromisoformat` keeps six digits of a second at most.
    trimmed = re.sub(r"(\.\d{6})\d+", r"\1", text)
    try:
        return datetime.fromisoformat(trimmed).astimezone(UTC)
    except (ValueError, OverflowError) as exc:
        raise FormatError("timestamp", f"expected an instant, got {text!r}: {exc}") from exc


def parse_evidence(text: object) -> datetime:
    """Return an instant in the one form that evidence has: UTC, with milliseconds.

    Raises:
        FormatError: `timestamp`.
    """
    if not isinstance(text, str) or not EVIDENCE.fullmatch(text):
        raise FormatError("timestamp", f"expected an instant such as 2026-01-31T12:00:00.000Z, got {text!r}")
    return parse(text)


def milliseconds(text: object) -> int:
    """Return an instant as milliseconds since the epoch."""
    return (parse(text) - EPOCH) // timedelta(milliseconds=1)


def parse_compact(text: str) -> datetime:
    """Return the instant of a compact name such as `20260131T120000Z`."""
    if not COMPACT.fullmatch(text):
        raise FormatError("timestamp", f"expected an instant such as 20260131T120000Z, got {text!r}")
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError as exc:
        raise FormatError("timestamp", f"expected an instant such as 20260131T120000Z, got {text!r}") from exc
