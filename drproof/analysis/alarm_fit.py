"""Whether an alarm suits what it watches: quiet while all is well, and in time when it is not."""

from decimal import Decimal, InvalidOperation

from drproof.analysis.alarm_window import COMPARISONS
from drproof.analysis.ownership import SKEW_MS
from drproof.formats.durations import show
from drproof.formats.timestamps import milliseconds
from drproof.model.alarms import AlarmRule
from drproof.model.criteria import Cadence
from drproof.model.errors import FormatError

BREACHING, MISSING = "breaching", "missing"
QUIET = "OK"
"""The state of an alarm that tells nobody anything."""

RISING = frozenset({"GreaterThanThreshold", "GreaterThanOrEqualToThreshold"})
"""Comparisons that hold of everything above a threshold."""


AT_ONCE, LATER = frozenset({"Maximum"}), frozenset({"Average", "Minimum"})
"""What is an age when it is taken of ages, and breaches with the first of a period, or with a period of them."""


def tells_of_silence(rule: AlarmRule) -> bool:
    """Return whether somebody is told when the metric stops, as far as actions are enabled at all."""
    return rule.missing_data == BREACHING or _tells_that_it_has_no_data(rule)


def unknown(rule: AlarmRule, cadence: Cadence) -> str:
    """Return what nobody said and this needs, or ""."""
    if rule.kind != "metric" or not rule.period_ms * rule.periods * rule.datapoints:
        return f"{rule.name} has no metric and period of its own: it combines others"
    if not cadence.metrics_every_ms:
        return "nobody says how often metrics are published: set primary.metrics_every"
    if not cadence.age_metric:
        return "nobody says which metric tells how old the last good run is: set primary.age_metric"
    if _tells_age(rule, cadence):
        if rule.statistic not in AT_ONCE | LATER:
            return f"{rule.name} looks at {_named(rule)} of ages, and nobody knows what that says of one"
        if rule.comparison not in COMPARISONS or _threshold_ms(rule, cadence) is None:
            return f"nobody knows how {rule.name} compares a datapoint with its threshold"
        if not cadence.longest_gap_ms:
            return "nobody says when the pipeline runs: set primary.schedule"
    return ""


def false_alarm(rule: AlarmRule, cadence: Cadence) -> str:
    """Return why an alarm goes off on a healthy day, or ""; `unknown` has said nothing before."""
    covered = rule.period_ms * rule.periods // cadence.metrics_every_ms
    silent = max(0, rule.periods - covered)
    # Without data in any period the alarm has insufficient data; a breach it takes from as many as it needs.
    enough = rule.datapoints if rule.missing_data == BREACHING else rule.periods
    if tells_of_silence(rule) and silent >= enough:
        return (
            f"metrics come every {show(cadence.metrics_every_ms)}, and people are told when {enough} of {rule.periods} "
            f"periods of {show(rule.period_ms)} have no data"
        )
    threshold = _threshold_ms(rule, cadence)
    if _tells_age(rule, cadence) and threshold is not None:
        oldest = cadence.longest_gap_ms + cadence.slack_ms
        for age in (0, oldest):
            if COMPARISONS[rule.comparison](Decimal(age), threshold):
                return (
                    f"the last run of a healthy pipeline is up to {show(oldest)} old, and at {show(age)} it is "
                    f"{rule.comparison} {rule.threshold}"
                )
    return ""


def has_not_settled(rule: AlarmRule, cadence: Cadence, now_ms: int) -> bool:
    """Return whether an alarm says anything but OK, and not since so lately that data of a healthy site will end that.

    Since when must be known: an instant to come, or none, says nothing.
    """
    if rule.state == QUIET:
        return False
    try:
        since = milliseconds(rule.state_since)
    except FormatError:
        return True
    return not -SKEW_MS <= now_ms - since <= cadence.metrics_every_ms + rule.period_ms * rule.periods


def is_deaf_to_age(rule: AlarmRule, cadence: Cadence) -> bool:
    """Return whether an alarm watches the age of the last good run, and does not go off because it becomes older."""
    return _tells_age(rule, cadence) and rule.comparison not in RISING


def notices_after_ms(rule: AlarmRule, cadence: Cadence) -> int:
    """Return how long after the last good state the alarm goes off at the latest; `unknown` has said nothing before."""
    told = cadence.metrics_every_ms + rule.period_ms * rule.datapoints
    threshold = _threshold_ms(rule, cadence)
    if not _tells_age(rule, cadence) or threshold is None:
        return told
    # The period in which an age passes the threshold still has younger ones.
    mixed = rule.period_ms if rule.statistic in LATER else 0
    return told + mixed + int(threshold)


def unknown_of_a_fault(rule: AlarmRule, cadence: Cadence) -> str:
    """Return what nobody said and `goes_off_at_a_fault` needs, or ""."""
    if rule.kind != "metric" or not rule.metric:
        return f"{rule.name} has no metric of its own: it combines others"
    if not cadence.age_metric:
        return "nobody says which metric tells how old the last good run is: set primary.age_metric"
    if rule.statistic not in AT_ONCE | LATER:
        return f"{rule.name} looks at {_named(rule)} of {rule.metric}, and nobody knows what a fault makes of that"
    if rule.comparison not in COMPARISONS or _number(rule.threshold) is None:
        return f"nobody knows how {rule.name} compares a datapoint with its threshold"
    if not _tells_age(rule, cadence) and _number(cadence.fault_values.get(rule.metric, "")) is None:
        return f"nobody says what {rule.metric} is when the site is at fault: set primary.fault_values"
    return ""


def goes_off_at_a_fault(rule: AlarmRule, cadence: Cadence) -> bool:
    """Return whether a fault breaches the alarm at all; an age passes every threshold, given time."""
    if _tells_age(rule, cadence):
        return not is_deaf_to_age(rule, cadence)
    return COMPARISONS[rule.comparison](Decimal(cadence.fault_values[rule.metric]), Decimal(rule.threshold))


def is_number(text: str) -> bool:
    """Return whether a text is a decimal number that can be compared with others."""
    return _number(text) is not None


def _tells_that_it_has_no_data(rule: AlarmRule) -> bool:
    return rule.missing_data == MISSING and len(rule.insufficient_data_actions) > 0


def _tells_age(rule: AlarmRule, cadence: Cadence) -> bool:
    return rule.metric == cadence.age_metric


def _threshold_ms(rule: AlarmRule, cadence: Cadence) -> Decimal | None:
    value = _number(rule.threshold)
    return None if value is None else value * cadence.age_unit_ms


def _number(text: str) -> Decimal | None:
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def _named(rule: AlarmRule) -> str:
    return f"the {rule.statistic}" if rule.statistic else "an unknown statistic"
