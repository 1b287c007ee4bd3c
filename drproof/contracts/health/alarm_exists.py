"""The alarms that must notice an outage are there."""

from dataclasses import replace

from drproof.contracts.health.alarms import WATCHING, Rules, alarm
from drproof.model.contract import contract, expected
from drproof.model.verdict import Finding, compare, undecided


@contract(needs=["read_alarms"], subjects=expected("alarm", lambda criteria: criteria.alarms), controls=WATCHING)
def alarm_exists(read_alarms: Rules, subject: str) -> Finding:
    """Each alarm that must notice an outage exists."""
    absent = subject in read_alarms.facts.absent
    if not absent and alarm(read_alarms, subject) is None:
        return undecided(f"nobody looked for {subject}")
    state = "absent" if absent else "present"
    return compare(observed=state, expected="present", reason=f"there is no alarm {subject}")


@alarm_exists.sabotage("the alarm is gone")
def gone(read_alarms: Rules, subject: str) -> Rules:
    """Lose the alarm."""
    facts = read_alarms.facts
    return replace(read_alarms, observed=replace(facts, absent=(*facts.absent, subject)))
