"""Whether an alarm noticed an outage: OK to ALARM on breaching data, and back, inside a window."""

import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from drproof.formats.alarm_history import Transition
from drproof.formats.timestamps import milliseconds

COMPARISONS: Mapping[str, Callable[[Decimal, Decimal], bool]] = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
"""How an alarm compares a datapoint with its threshold, in CloudWatch's words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """What the history of one alarm shows about a window."""

    noticed_at: str = ""
    healed_at: str = ""
    problem: str = ""


def detection(transitions: Iterable[Transition], *, since: str, until: str, comparison: str) -> Detection:
    """Return the first OK→ALARM→OK of the window, or why there is none; `comparison` is one of `COMPARISONS`."""
    ordered = tuple(transitions)
    inside = [t for t in ordered if milliseconds(since) <= milliseconds(t.at) <= milliseconds(until)]
    rises = [t for t in inside if (t.old, t.new) == ("OK", "ALARM")]
    if not rises:
        outside = "; it has transitions outside the window" if ordered and not inside else ""
        return Detection(problem=f"the alarm did not go from OK to ALARM in the window{outside}")
    rise = rises[0]
    if problem := _not_breaching(rise, since, comparison):
        return Detection(noticed_at=rise.at, problem=problem)
    falls = [t for t in inside if (t.old, t.new) == ("ALARM", "OK") and milliseconds(t.at) > milliseconds(rise.at)]
    if not falls:
        return Detection(noticed_at=rise.at, problem="the alarm did not go back to OK in the window")
    return Detection(noticed_at=rise.at, healed_at=falls[0].at)


def _not_breaching(rise: Transition, since: str, comparison: str) -> str:
    """Return why a rise rests on no breaching datapoint of the window, or ""."""
    if not rise.datapoints:
        return "the alarm went off on missing data: no datapoint breached"
    try:
        breaches = COMPARISONS[comparison]
        breached = any(breaches(Decimal(value), Decimal(rise.threshold)) for value in rise.datapoints)
    except InvalidOperation:
        return f"the threshold {rise.threshold!r} or a datapoint is no number"
    if not breached:
        return f"no evaluated datapoint is {comparison} {rise.threshold}"
    # Datapoints carry the start of their period, which may lie up to one period before the window.
    if not rise.newest_datapoint_at or milliseconds(rise.newest_datapoint_at) < milliseconds(since) - PERIOD_MS:
        return "the breaching datapoint is older than the window"
    return ""


PERIOD_MS = 300_000
"""The longest period of the alarms that drproof knows; a datapoint's timestamp is the start of its period."""
