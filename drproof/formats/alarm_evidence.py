"""Alarm histories as they are handed in: CloudWatch's own answer, a bare list of its items, or the reference's digest.

The reference's digest keeps no reasons and no datapoints; what is read from it says so.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from drproof.formats.aws_instants import instant
from drproof.formats.receipts_v1 import word
from drproof.formats.strict_json import parse as parse_json
from drproof.formats.timestamps import milliseconds
from drproof.model.errors import FormatError

KIND = "alarm_transition_evidence"
STATE_UPDATE = "StateUpdate"
OTHER_KINDS = frozenset({"ConfigurationUpdate", "Action", "AlarmContributorStateUpdate", "AlarmContributorAction"})
STATES = frozenset({"OK", "ALARM", "INSUFFICIENT_DATA"})
SUMMARY = re.compile(r"from (OK|ALARM|INSUFFICIENT_DATA) to (OK|ALARM|INSUFFICIENT_DATA)\b", re.ASCII)
CROSSED = "Threshold Crossed:"
"""How CloudWatch begins every reason of its own; whoever sets a state by hand writes something else."""

NO_DATA = "no datapoints were received"
COMPARISONS = (
    ("greater than or equal to the threshold", "GreaterThanOrEqualToThreshold"),
    ("less than or equal to the threshold", "LessThanOrEqualToThreshold"),
    ("greater than the threshold", "GreaterThanThreshold"),
    ("less than the threshold", "LessThanThreshold"),
)
"""How a reason says that a datapoint was compared, and CloudWatch's word for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of an alarm's state, with what it says that it rests on."""

    alarm: str
    at: str
    old: str
    new: str
    said: str
    """`threshold` (CloudWatch compared), `missing_data` (it had nothing to compare), `other` (a reason that CloudWatch
    does not write), or `nothing` (no reason is kept)."""
    datapoints: tuple[str, ...] = ()
    newest_datapoint_at: str = ""
    threshold: str = ""
    comparison: str = ""
    period_ms: int = 0


def parse(document: object) -> tuple[Change, ...]:
    """Return every change of every alarm of a document, by alarm and time.

    Raises:
        FormatError: `alarm-empty` (there is none to read), `alarm-cut` (a page of a longer answer), `alarm-history`.
    """
    items = _items(document)
    if not items:
        raise FormatError("alarm-empty", "the alarm history has no item")
    try:
        changes = [change for item in items for change in _changes(item)]
        return tuple(sorted(changes, key=lambda change: (change.alarm, milliseconds(change.at))))
    except (KeyError, TypeError, AttributeError, ValueError) as exc:
        kind = type(exc).__name__
        raise FormatError("alarm-history", f"an item of the alarm history cannot be read: {kind}") from exc


def is_one(document: object) -> bool:
    """Return whether a document means to be an alarm history."""
    if isinstance(document, dict):
        return "AlarmHistoryItems" in document or document.get("kind") == KIND
    return (
        isinstance(document, list)
        and bool(document)
        and all(isinstance(item, dict) and "HistoryItemType" in item for item in document)
    )


def sequence_is_found(changes: Iterable[Change]) -> bool:
    """Return whether any alarm went from OK to ALARM and later back to OK: all that the reference asks for."""
    for _, mine in groupby(changes, key=lambda change: change.alarm):
        rose = False
        for change in mine:
            if rose and (change.old, change.new) == ("ALARM", "OK"):
                return True
            rose = rose or (change.old, change.new) == ("OK", "ALARM")
    return False


def _items(document: object) -> list[Any]:
    if isinstance(document, list):
        return document
    if not isinstance(document, dict):
        raise FormatError("alarm-history", "the alarm history is neither an object nor a list")
    if document.get("NextToken"):
        raise FormatError("alarm-cut", "the alarm history is one page of a longer one")
    if document.get("kind") == KIND:
        if document.get("schema_version") != 1:
            raise FormatError("alarm-history", f"the schema_version of the {KIND} is not 1")
        rows = document.get("alarms")
        return [{**row, KIND: True} for row in rows] if isinstance(rows, list) else []
    rows = document.get("AlarmHistoryItems")
    return rows if isinstance(rows, list) else []


def _changes(item: Mapping[str, Any]) -> Iterable[Change]:
    if KIND in item:
        return [
            _plain(item["alarm_name"], row["timestamp"], row["from"], row["to"], said="nothing")
            for row in item["transitions"]
        ]
    if item["HistoryItemType"] in OTHER_KINDS:
        return []
    if item["HistoryItemType"] != STATE_UPDATE:
        raise FormatError("alarm-history", "an item is of a kind that CloudWatch does not have")
    return [_change(item)]


def _change(item: Mapping[str, Any]) -> Change:
    data = item.get("HistoryData")
    data = parse_json(data, fractions=True) if isinstance(data, str) and data else data
    if not data:
        told = SUMMARY.search(item["HistorySummary"])
        if told is None:
            raise FormatError("alarm-history", "an item names no states, neither in its data nor in its summary")
        return _plain(item["AlarmName"], item["Timestamp"], told[1], told[2], said="nothing")
    new = data["newState"]
    why = new.get("stateReasonData") or {}
    rows = [row for row in why.get("evaluatedDatapoints") or [] if row.get("value") is not None]
    recent = [value for value in why.get("recentDatapoints") or [] if value is not None]
    values = [row["value"] for row in rows] or recent
    reason = word(new.get("stateReason"))
    period_ms = int(why.get("period") or 0) * 1000
    return _plain(
        item["AlarmName"],
        item["Timestamp"],
        data["oldState"]["stateValue"],
        new["stateValue"],
        said=_said(reason, why, has_values=bool(values)),
        datapoints=tuple(_decimal(value) for value in values),
        newest_datapoint_at=_newest(rows, why, len(recent), period_ms),
        threshold=_decimal(why["threshold"]) if "threshold" in why else "",
        comparison=next((name for text, name in COMPARISONS if text in reason), ""),
        period_ms=period_ms,
    )


def _plain(alarm: object, at: object, old: object, new: object, **facts: Any) -> Change:  # noqa: ANN401
    if not isinstance(alarm, str) or not alarm or old not in STATES or new not in STATES:
        raise FormatError("alarm-history", "an item names no alarm, or a state that alarms do not have")
    return Change(alarm=alarm, at=instant(at), old=str(old), new=str(new), **facts)


def _said(reason: str, why: Mapping[str, Any], *, has_values: bool) -> str:
    if not reason and not why:
        return "nothing"
    if not reason.startswith(CROSSED):
        return "other"
    return "threshold" if has_values and NO_DATA not in reason else "missing_data"


def _newest(rows: list[Mapping[str, Any]], why: Mapping[str, Any], count: int, period_ms: int) -> str:
    """Return when the newest datapoint with a value was measured; recent ones follow each other from the start date."""
    if rows:
        return max((instant(row["timestamp"]) for row in rows if "timestamp" in row), default="")
    if not count or "startDate" not in why:
        return ""
    return instant((milliseconds(instant(why["startDate"])) + (count - 1) * period_ms) / 1000)


def _decimal(value: object) -> str:
    """Return a number as text: evidence has no floats."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise FormatError("alarm-history", "a datapoint or a threshold is no number")
    return str(value).removesuffix(".0")
