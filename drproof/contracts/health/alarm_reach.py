"""An alarm goes off when what it watches is at fault: a threshold that nothing reaches is no threshold."""

from decimal import Decimal

from drproof.analysis.alarm_fit import RISING, goes_off_at_a_fault, unknown_of_a_fault
from drproof.contracts.health.alarms import WATCHING, Rules, alarm, unread, with_alarm
from drproof.model.contract import NotApplicableError, contract, expected
from drproof.model.criteria import Criteria
from drproof.model.verdict import Finding, hold, undecided


@contract(needs=["read_alarms"], subjects=expected("alarm", lambda criteria: criteria.alarms), controls=WATCHING)
def alarm_goes_off_at_a_fault(read_alarms: Rules, criteria: Criteria, subject: str) -> Finding:
    """What its metric says when the original site is at fault breaches the threshold of each alarm."""
    rule = alarm(read_alarms, subject)
    if rule is None:
        return undecided(unread(subject))
    if gap := unknown_of_a_fault(rule, criteria.cadence):
        return undecided(gap)
    value = criteria.cadence.fault_values.get(rule.metric, "every age")
    return hold(
        goes_off_at_a_fault(rule, criteria.cadence),
        observed={"comparison": rule.comparison, "threshold": rule.threshold},
        expected=f"what {value} breaches, now or later",
        reason=f"{subject} goes off at values of {rule.metric} {rule.comparison} {rule.threshold}, and a fault "
        f"makes it {value}",
    )


@alarm_goes_off_at_a_fault.sabotage("no value reaches its threshold")
def out_of_reach(read_alarms: Rules, criteria: Criteria, subject: str) -> Rules:
    """Move the threshold to where the metric has never been."""
    rule = alarm(read_alarms, subject)
    if rule is None or rule.metric == criteria.cadence.age_metric:
        msg = "an age passes every threshold, given time"
        raise NotApplicableError(msg)
    value = Decimal(criteria.cadence.fault_values[rule.metric])
    return with_alarm(read_alarms, subject, threshold=str(value + 1 if rule.comparison in RISING else value - 1))


@alarm_goes_off_at_a_fault.sabotage("it compares the other way around")
def turned(read_alarms: Rules, subject: str) -> Rules:
    """Go off while all is well."""
    rule = alarm(read_alarms, subject)
    rises = rule is not None and rule.comparison in RISING
    return with_alarm(read_alarms, subject, comparison="LessThanThreshold" if rises else "GreaterThanThreshold")
