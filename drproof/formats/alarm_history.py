"""The history of an alarm: its transitions, with the datapoints that they rest on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from drproof.formats.strict_json import parse as parse_json
from drproof.formats.timestamps import milliseconds
from drproof.model.errors import FormatError


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One change of an alarm's state."""

    at: str
    old: str
    new: str
    datapoints: tuple[str, ...]
    """The values that were evaluated, as decimal text; missing data has none."""
    newest_datapoint_at: str
    """When the newest evaluated datapoint was measured; empty when none was."""
    threshold: str


def parse(items: Iterable[Mapping[str, Any]]) -> tuple[Transition, ...]:
    """Return the transitions of an alarm's history, oldest first; items of other kinds are left out.

    Raises:
        FormatError: `alarm-history`, when an item is not what CloudWatch writes.
    """
    found = [_transition(item) for item in items if item.get("HistoryItemType") == "StateUpdate"]
    return tuple(sorted(found, key=lambda transition: milliseconds(transition.at)))


def _transition(item: Mapping[str, Any]) -> Transition:
    try:
        at = str(item["Timestamp"])
        milliseconds(at)
        data = parse_json(item["HistoryData"], fractions=True)
        old, new = data["oldState"]["stateValue"], data["newState"]["stateValue"]
        reason = data["newState"].get("stateReasonData") or {}
        rows = reason.get("evaluatedDatapoints") or []
        points = [(_instant(row["timestamp"]), row["value"]) for row in rows if row.get("value") is not None]
        newest = max((when for when, _ in points), key=milliseconds, default="")
    except (KeyError, TypeError, AttributeError, FormatError) as exc:
        raise FormatError("alarm-history", f"an item of the alarm's history cannot be read: {exc}") from exc
    return Transition(
        at=at,
        old=str(old),
        new=str(new),
        datapoints=tuple(_decimal(value) for _, value in points),
        newest_datapoint_at=newest,
        threshold=_decimal(reason["threshold"]) if "threshold" in reason else "",
    )


def _decimal(value: object) -> str:
    """Return a number as text: evidence has no floats."""
    return str(value).removesuffix(".0")


def _instant(text: object) -> str:
    """Return CloudWatch's `+0000` as RFC 3339 writes it."""
    word = str(text)
    return word[:-5] + "Z" if word.endswith("+0000") else word
