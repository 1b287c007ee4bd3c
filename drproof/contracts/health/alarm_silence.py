"""An alarm whose metric stops does not stay OK."""

from drproof.analysis.alarm_fit import tells_of_silence
from drproof.contracts.health.alarms import WATCHING, Rules, alarm, unread, with_alarm
from drproof.model.contract import contract, expected
from drproof.model.verdict import Finding, hold, undecided


@contract(needs=["read_alarms"], subjects=expected("alarm", lambda criteria: criteria.alarms), controls=WATCHING)
def alarm_takes_no_silence_for_health(read_alarms: Rules, subject: str) -> Finding:
    """Each alarm takes missing data for a breach, or tells somebody that it has none."""
    rule = alarm(read_alarms, subject)
    if rule is None:
        return undecided(unread(subject))
    if rule.kind != "metric":
        return undecided(f"{subject} has no metric of its own: it combines others")
    return hold(
        tells_of_silence(rule),
        observed={
            "missing_data": rule.missing_data,
            "insufficient_data_actions": list(rule.insufficient_data_actions),
        },
        expected="breaching, or missing with an action for insufficient data",
        reason=f"a pipeline that says nothing any more is no fault to {subject}: missing data are {rule.missing_data}",
    )


@alarm_takes_no_silence_for_health.sabotage("silence does not breach")
def silence_is_health(read_alarms: Rules, subject: str) -> Rules:
    """Take silence for health."""
    return with_alarm(read_alarms, subject, missing_data="notBreaching")


@alarm_takes_no_silence_for_health.sabotage("silence leaves the alarm as it is")
def silence_is_ignored(read_alarms: Rules, subject: str) -> Rules:
    """Ignore silence."""
    return with_alarm(read_alarms, subject, missing_data="ignore")
