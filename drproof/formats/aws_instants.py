"""Instants as the AWS command line prints them, brought to the one form that evidence has: UTC, milliseconds, `Z`."""

from datetime import UTC, datetime, timedelta

from drproof.formats.timestamps import EPOCH, parse
from drproof.model.errors import FormatError


def instant(value: object) -> str:
    """Return an instant in UTC to the millisecond; later digits are cut, never rounded into the next second.

    Raises:
        FormatError: `timestamp`, for a text without a zone, and for anything that is neither text nor a number.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        # Version 1 of the command line prints seconds since the epoch.
        try:
            return _show(EPOCH + timedelta(microseconds=int(value * 1_000_000)))
        except OverflowError as exc:
            raise FormatError("timestamp", f"no instant has the number {value}") from exc
    text = str(value)
    # CloudWatch writes the zone without its colon.
    spelt = f"{text[:-2]}:{text[-2:]}" if text[-5:-4] in {"+", "-"} and text[-4:].isdigit() else text
    if not isinstance(value, str):
        raise FormatError("timestamp", f"expected an instant such as 2026-01-31T12:00:00Z, got {value!r}")
    return _show(parse(spelt))


def _show(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
