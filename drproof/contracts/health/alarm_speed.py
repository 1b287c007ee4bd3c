"""An alarm that goes off when more is lost than may be lost is too late."""

from drproof.analysis.alarm_fit import is_deaf_to_age, notices_after_ms, unknown
from drproof.contracts.health.alarms import WATCHING, Rules, alarm, unread, with_alarm
from drproof.formats.durations import show
from drproof.model.contract import NotApplicableError, contract, expected
from drproof.model.criteria import Criteria
from drproof.model.verdict import Finding, hold, undecided


@contract(
    needs=["read_alarms"],
    subjects=expected("alarm", lambda criteria: criteria.alarms),
    controls=[*WATCHING, "NIST CP-2(3)"],
)
def alarm_can_notice_within_the_rpo(read_alarms: Rules, criteria: Criteria, subject: str) -> Finding:
    """Each alarm goes off before more is lost than the RPO allows."""
    rule = alarm(read_alarms, subject)
    if rule is None:
        return undecided(unread(subject))
    if gap := unknown(rule, criteria.cadence):
        return undecided(gap)
    if not criteria.rpo_ms:
        return undecided("nobody says how much may be lost: set criteria.rpo")
    if is_deaf_to_age(rule, criteria.cadence):
        return hold(
            False,  # noqa: FBT003 — an alarm that never goes off has no time after which it does
            observed={"comparison": rule.comparison, "threshold": rule.threshold},
            expected=f"an age that breaches, {criteria.rpo_ms} ms or less after the last good run",
            reason=f"{subject} does not go off however old the last good run becomes: "
            f"it is told of ages {rule.comparison} {rule.threshold}",
        )
    found = notices_after_ms(rule, criteria.cadence)
    return hold(
        found <= criteria.rpo_ms,
        observed=found,
        expected=f"{criteria.rpo_ms} ms or less",
        reason=f"{subject} goes off {show(found)} after the last good run, and the RPO is {show(criteria.rpo_ms)}",
    )


@alarm_can_notice_within_the_rpo.sabotage("its periods are longer than the RPO")
def too_patient(read_alarms: Rules, criteria: Criteria, subject: str) -> Rules:
    """Wait too long."""
    return with_alarm(read_alarms, subject, period_ms=criteria.rpo_ms + 1)


@alarm_can_notice_within_the_rpo.sabotage("no age breaches")
def deaf(read_alarms: Rules, criteria: Criteria, subject: str) -> Rules:
    """Compare the other way around."""
    rule = alarm(read_alarms, subject)
    if rule is None or rule.metric != criteria.cadence.age_metric:
        msg = "the alarm does not watch the age of the last run"
        raise NotApplicableError(msg)
    return with_alarm(read_alarms, subject, comparison="LessThanThreshold")
