"""An alarm that goes off every day is one that nobody hears."""

from drproof.analysis.alarm_fit import false_alarm, has_not_settled, tells_of_silence, unknown
from drproof.contracts.health.alarms import WATCHING, Rules, alarm, unread, with_alarm
from drproof.formats.timestamps import milliseconds
from drproof.model.contract import NotApplicableError, contract, expected
from drproof.model.criteria import Criteria
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding, compare, undecided
from drproof.phases.health.check_health import HealthObserved


@contract(
    needs=["check_health", "read_alarms"],
    subjects=expected("alarm", lambda criteria: criteria.alarms),
    controls=WATCHING,
)
def alarm_is_quiet_on_a_healthy_day(
    check_health: Receipt[HealthObserved], read_alarms: Rules, criteria: Criteria, subject: str
) -> Finding:
    """No alarm goes off while the original site publishes on schedule and its metrics come as often as they should."""
    rule = alarm(read_alarms, subject)
    if rule is None:
        return undecided(unread(subject))
    if gap := unknown(rule, criteria.cadence):
        return undecided(gap)
    found = false_alarm(rule, criteria.cadence)
    # How it is set says nothing of a value that only the metric knows; today may be a healthy day.
    now = milliseconds(read_alarms.started_at)
    if not found and not check_health.facts.reasons and has_not_settled(rule, criteria.cadence, now):
        says = f"{rule.state or 'nothing that was read'} since {rule.state_since or 'nobody knows when'}"
        return undecided(
            f"nothing is wrong with the original site, and {subject} says {says}: "
            "it goes off on a healthy day, or has not seen yet that a fault is over"
        )
    return compare(observed=found, expected="", reason=f"{subject} goes off on a healthy day: {found}")


@alarm_is_quiet_on_a_healthy_day.sabotage("its periods are shorter than metrics are apart", spoils="read_alarms")
def impatient(read_alarms: Rules, criteria: Criteria, subject: str) -> Rules:
    """Look more often than there is something to see."""
    rule = alarm(read_alarms, subject)
    if rule is None or not tells_of_silence(rule):
        msg = "nobody is told of missing data"
        raise NotApplicableError(msg)
    too_short = (criteria.cadence.metrics_every_ms - 1) // rule.periods
    if not too_short:
        msg = "metrics come without a pause"
        raise NotApplicableError(msg)
    return with_alarm(read_alarms, subject, period_ms=too_short)


@alarm_is_quiet_on_a_healthy_day.sabotage("its threshold is what a healthy pipeline passes", spoils="read_alarms")
def too_low(read_alarms: Rules, criteria: Criteria, subject: str) -> Rules:
    """Lower the threshold below any age."""
    rule = alarm(read_alarms, subject)
    if rule is None or rule.metric != criteria.cadence.age_metric:
        msg = "the alarm does not watch the age of the last run"
        raise NotApplicableError(msg)
    return with_alarm(read_alarms, subject, threshold="-1")


@alarm_is_quiet_on_a_healthy_day.sabotage("it goes off while the pipeline is well", spoils="read_alarms")
def turned(read_alarms: Rules, criteria: Criteria, subject: str) -> Rules:
    """Compare the other way around."""
    rule = alarm(read_alarms, subject)
    if rule is None or rule.metric != criteria.cadence.age_metric:
        msg = "the alarm does not watch the age of the last run"
        raise NotApplicableError(msg)
    return with_alarm(read_alarms, subject, comparison="LessThanThreshold")
