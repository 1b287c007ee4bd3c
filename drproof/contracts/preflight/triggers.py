"""Nothing starts the orchestrator by itself while people drill by hand."""

from dataclasses import replace

from drproof.model.contract import contract, expected
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding, compare, undecided
from drproof.phases.preflight.read_triggers import ABSENT, DISABLED, ENABLED, Trigger, TriggersObserved

Triggers = Receipt[TriggersObserved]
KNOWN = frozenset({ABSENT, DISABLED, ENABLED})


@contract(
    needs=["read_triggers"],
    subjects=expected("trigger", lambda criteria: criteria.preflight.triggers),
    applies=lambda criteria: len(criteria.preflight.triggers) > 0,
    controls=["NIST CP-4"],
)
def trigger_is_disabled(read_triggers: Triggers, subject: str) -> Finding:
    """Each rule and each alarm that the settings name is there and starts nothing by itself."""
    states = {one.name: one.state for one in read_triggers.facts.triggers}
    if subject not in states:
        return undecided(f"the receipt does not speak of {subject}")
    state = states[subject]
    if state not in KNOWN:
        return undecided(
            f"{subject} could not be read: {state}\n  next: allow what drproof policy --plan preflight prints"
        )
    return compare(observed=state, expected=DISABLED, reason=_why(subject, state))


def _why(subject: str, state: str) -> str:
    kind, _, name = subject.partition(" ")
    if state == ABSENT:
        return f"there is no {subject}\n  next: mend triggers.{kind}s in drproof.toml, or triggers.site"
    disable = "events disable-rule --name" if kind == "rule" else "cloudwatch disable-alarm-actions --alarm-names"
    return f"{subject} is enabled: it can start a recovery in the middle of the drill\n  next: aws {disable} {name}"


@trigger_is_disabled.sabotage("the trigger is enabled")
def enabled(read_triggers: Triggers, subject: str) -> Triggers:
    """Enable it."""
    return _with(read_triggers, subject, ENABLED)


@trigger_is_disabled.sabotage("there is no such trigger")
def absent(read_triggers: Triggers, subject: str) -> Triggers:
    """Lose it."""
    return _with(read_triggers, subject, ABSENT)


def _with(read_triggers: Triggers, subject: str, state: str) -> Triggers:
    def spoiled(one: Trigger) -> Trigger:
        return replace(one, state=state) if one.name == subject else one

    facts = read_triggers.facts
    return replace(read_triggers, observed=replace(facts, triggers=tuple(spoiled(one) for one in facts.triggers)))
