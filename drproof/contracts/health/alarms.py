"""One alarm of the receipt that says how alarms are set, found and spoiled by its name."""

from dataclasses import replace
from typing import Any

from drproof.model.alarms import AlarmRule
from drproof.model.receipt import Receipt
from drproof.phases.health.read_alarms import AlarmRules

Rules = Receipt[AlarmRules]
WATCHING = ["NIST SI-4", "SOC 2 CC7.2"]


def alarm(read_alarms: Rules, name: str) -> AlarmRule | None:
    """Return the alarm of that name; None where the receipt does not say how it is set."""
    return next((rule for rule in read_alarms.facts.alarms if rule.name == name), None)


def unread(name: str) -> str:
    """Return why nothing can be said of an alarm that the receipt does not have."""
    return f"nobody read how {name} is set"


def with_alarm(read_alarms: Rules, name: str, **changes: Any) -> Rules:  # noqa: ANN401 — any member of a rule
    """Return the receipt with one alarm set in another way."""
    facts = read_alarms.facts
    rules = tuple(replace(rule, **changes) if rule.name == name else rule for rule in facts.alarms)
    return replace(read_alarms, observed=replace(facts, alarms=rules))
