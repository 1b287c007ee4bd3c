"""An alarm that goes off tells somebody."""

from drproof.contracts.health.alarms import WATCHING, Rules, alarm, unread, with_alarm
from drproof.model.contract import contract, expected
from drproof.model.verdict import Finding, hold, undecided


@contract(needs=["read_alarms"], subjects=expected("alarm", lambda criteria: criteria.alarms), controls=WATCHING)
def alarm_tells_somebody(read_alarms: Rules, subject: str) -> Finding:
    """Each alarm has an action for when it goes off, and its actions are enabled."""
    rule = alarm(read_alarms, subject)
    if rule is None:
        return undecided(unread(subject))
    return hold(
        rule.actions_enabled and len(rule.actions) > 0,
        observed={"actions_enabled": rule.actions_enabled, "actions": list(rule.actions)},
        expected={"actions_enabled": True, "actions": "at least one"},
        reason=f"{subject} goes off and tells nobody",
    )


@alarm_tells_somebody.sabotage("its actions are disabled")
def disabled(read_alarms: Rules, subject: str) -> Rules:
    """Disable them."""
    return with_alarm(read_alarms, subject, actions_enabled=False)


@alarm_tells_somebody.sabotage("it has no action")
def no_action(read_alarms: Rules, subject: str) -> Rules:
    """Take them away."""
    return with_alarm(read_alarms, subject, actions=())
