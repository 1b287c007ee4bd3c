"""Whether an alarm of a handed history noticed an outage: by a datapoint that breached, in time, and back again."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from drproof.analysis.alarm_window import COMPARISONS
from drproof.formats.alarm_evidence import Change
from drproof.formats.timestamps import milliseconds

YES, NO, UNKNOWN = "yes", "no", "unknown"
UNSAID = "the evidence does not keep why the alarm went off"
MISSING = "the alarm went off on missing data: no datapoint breached"
BY_HAND = "the alarm was set by hand: its reason is none that CloudWatch writes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Noticed:
    """Whether the outage was noticed, and why that is not shown."""

    status: str
    problem: str = ""


def noticed(changes: Iterable[Change], *, since_ms: int | None, until_ms: int | None) -> Noticed:
    """Return what the changes of one alarm, oldest first, show about the time from `since_ms` to `until_ms`.

    None stands for a time that nobody knows; a cause that is none needs no time to be refuted.
    """
    ordered = tuple(changes)
    rises = [change for change in ordered if (change.old, change.new) == ("OK", "ALARM")]
    if not rises:
        return Noticed(status=NO, problem="the alarm never went from OK to ALARM")
    results = [_rise(rise, ordered, since_ms, until_ms) for rise in rises]
    for status in (YES, UNKNOWN):
        for result in results:
            if result.status == status:
                return result
    # The newest first: it is the one nearest to the execution.
    return results[-1]


def _rise(rise: Change, ordered: tuple[Change, ...], since_ms: int | None, until_ms: int | None) -> Noticed:
    if cause := _no_breach(rise):
        return cause
    if since_ms is None or until_ms is None:
        return Noticed(status=UNKNOWN, problem="nobody says when the execution ran")
    at = milliseconds(rise.at)
    if not since_ms <= at <= until_ms:
        return Noticed(status=NO, problem="the alarm went off outside the time of the execution")
    if not rise.newest_datapoint_at or milliseconds(rise.newest_datapoint_at) < since_ms - rise.period_ms:
        return Noticed(status=NO, problem="the breaching datapoint is older than the time of the execution")
    healed = [
        change
        for change in ordered
        if (change.old, change.new) == ("ALARM", "OK") and at < milliseconds(change.at) <= until_ms
    ]
    if not healed:
        return Noticed(status=NO, problem="the alarm did not go back to OK in the time of the execution")
    return Noticed(status=YES)


def _no_breach(rise: Change) -> Noticed | None:
    """Return why a rise rests on no breaching datapoint, or None when it does."""
    problems = {"nothing": (UNKNOWN, UNSAID), "missing_data": (NO, MISSING), "other": (NO, BY_HAND)}
    if rise.said in problems:
        status, problem = problems[rise.said]
        return Noticed(status=status, problem=problem)
    if rise.comparison not in COMPARISONS or not rise.threshold:
        return Noticed(status=UNKNOWN, problem="nobody says how the alarm compares a datapoint with its threshold")
    breaches = COMPARISONS[rise.comparison]
    if not any(breaches(Decimal(value), Decimal(rise.threshold)) for value in rise.datapoints):
        return Noticed(status=NO, problem=f"no datapoint is {rise.comparison} {rise.threshold}")
    return None
