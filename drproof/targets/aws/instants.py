"""Instants of the SDK in the one form that evidence uses."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any


def text(moment: datetime | None) -> str:
    """Return a moment in UTC to the millisecond; empty when there is none."""
    if moment is None:
        return ""
    moment = moment.astimezone(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def of_header(value: str) -> str:
    """Return the instant of an HTTP date; empty when it is none."""
    try:
        return text(parsedate_to_datetime(value))
    except (TypeError, ValueError):
        return ""


def plain(value: Any) -> Any:  # noqa: ANN401 — what the SDK parsed, as JSON
    """Return an answer of the SDK as plain JSON, its moments as texts."""
    if isinstance(value, datetime):
        return text(value)
    if isinstance(value, dict):
        return {str(key): plain(member) for key, member in value.items()}
    if isinstance(value, list):
        return [plain(member) for member in value]
    return value
