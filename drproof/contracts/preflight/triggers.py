"""What starts the orchestrator by itself is off, or a verified drill stands behind it."""

from collections.abc import Callable
from dataclasses import replace

from drproof.analysis.drills_behind import EXPECTED, judged
from drproof.model.collection import DrillSeen
from drproof.model.contract import NotApplicableError, contract, expected
from drproof.model.criteria import Criteria
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding, hold, undecided
from drproof.phases.orchestrator.read_verified_drill import VerifiedDrillObserved
from drproof.phases.preflight.read_triggers import ABSENT, DISABLED, ENABLED, Trigger, TriggersObserved

Triggers = Receipt[TriggersObserved]
Drills = Receipt[VerifiedDrillObserved]
LONG_AGO = "0001-01-01T00:00:00.000Z"
KNOWN = frozenset({ABSENT, DISABLED, ENABLED})


@contract(
    needs=["read_triggers", "read_verified_drill"],
    subjects=expected("trigger", lambda criteria: criteria.preflight.triggers),
    applies=lambda criteria: len(criteria.preflight.triggers) > 0,
    controls=["NIST CP-4"],
)
def trigger_is_off_or_follows_a_verified_drill(
    read_triggers: Triggers, read_verified_drill: Drills, criteria: Criteria, subject: str
) -> Finding:
    """Each rule and each alarm that the settings name is there, and is on only where a verified drill allows it."""
    states = {one.name: one.state for one in read_triggers.facts.triggers}
    if subject not in states:
        return undecided(f"the receipt does not speak of {subject}")
    state = states[subject]
    if state not in KNOWN:
        return undecided(
            f"{subject} could not be read: {state}\n  next: allow what drproof policy --plan preflight prints"
        )
    if state != ENABLED:
        return hold(state == DISABLED, observed=state, expected=EXPECTED, reason=_absent(subject))
    drills, side = read_verified_drill.facts, read_triggers.facts.site
    region = (criteria.sites.primary if side == "primary" else criteria.sites.recovery).region
    found = judged(subject, drills.drills, criteria.by_itself, drills.read_at)
    return replace(found, reason=f"{found.reason}\n  or: {_disable(subject, region)}" if found.reason else "")


def _absent(subject: str) -> str:
    kind = subject.partition(" ")[0]
    return f"there is no {subject}\n  next: mend triggers.{kind}s in drproof.toml, or triggers.site"


def _disable(subject: str, region: str) -> str:
    kind, _, name = subject.partition(" ")
    bus, _, rule = name.rpartition("/")
    if kind == "rule" and bus:
        return f"aws events disable-rule --region {region} --event-bus-name {bus} --name {rule}"
    disable = "events disable-rule" if kind == "rule" else "cloudwatch disable-alarm-actions"
    called = "--name" if kind == "rule" else "--alarm-names"
    return f"aws {disable} --region {region} {called} {name}"


@trigger_is_off_or_follows_a_verified_drill.sabotage("there is no such trigger", spoils="read_triggers")
def absent(read_triggers: Triggers, subject: str) -> Triggers:
    """Lose it."""
    return _with(read_triggers, subject, ABSENT)


@trigger_is_off_or_follows_a_verified_drill.sabotage("the trigger is on and no drill is named", spoils="read_triggers")
def enabled(read_triggers: Triggers, read_verified_drill: Drills, subject: str) -> Triggers:
    """Enable it."""
    if read_verified_drill.facts.drills:
        msg = "a drill is named"
        raise NotApplicableError(msg)
    return _with(read_triggers, subject, ENABLED)


@trigger_is_off_or_follows_a_verified_drill.sabotage("the drill is named no more", spoils="read_verified_drill")
def forgotten(read_triggers: Triggers, read_verified_drill: Drills, subject: str) -> Drills:
    """Forget the drill."""
    return without_drills(read_verified_drill, on=_is_on(read_triggers, subject))


@trigger_is_off_or_follows_a_verified_drill.sabotage("the drill was refuted", spoils="read_verified_drill")
def refuted(read_triggers: Triggers, read_verified_drill: Drills, subject: str) -> Drills:
    """Refute the drill."""
    return with_drills(
        read_verified_drill, lambda one: replace(one, outcome="refuted"), on=_is_on(read_triggers, subject)
    )


@trigger_is_off_or_follows_a_verified_drill.sabotage("the drill is too old", spoils="read_verified_drill")
def too_old(read_triggers: Triggers, read_verified_drill: Drills, subject: str) -> Drills:
    """Drill long ago."""
    return with_drills(
        read_verified_drill,
        lambda one: replace(one, closed_at=LONG_AGO),
        on=_is_on(read_triggers, subject),
    )


@trigger_is_off_or_follows_a_verified_drill.sabotage("the drill is of another account", spoils="read_verified_drill")
def of_another_account(read_triggers: Triggers, read_verified_drill: Drills, subject: str) -> Drills:
    """Drill elsewhere."""
    return with_drills(
        read_verified_drill, lambda one: replace(one, account_id="000000000000"), on=_is_on(read_triggers, subject)
    )


def without_drills(drills: Drills, *, on: bool) -> Drills:
    """Return the receipt without any drill.

    Raises:
        NotApplicableError: the trigger is off, or there is none.
    """
    return with_drills(drills, None, on=on)


def with_drills(drills: Drills, change: Callable[[DrillSeen], DrillSeen] | None, *, on: bool) -> Drills:
    """Return the receipt with each drill changed.

    Raises:
        NotApplicableError: the trigger is off: no drill is needed.
    """
    if not on:
        msg = "no drill is needed: the trigger is off"
        raise NotApplicableError(msg)
    changed = tuple(change(one) for one in drills.facts.drills) if change is not None else ()
    return replace(drills, observed=replace(drills.facts, drills=changed))


def _is_on(read_triggers: Triggers, subject: str) -> bool:
    return any(one.name == subject and one.state == ENABLED for one in read_triggers.facts.triggers)


def _with(read_triggers: Triggers, subject: str, state: str) -> Triggers:
    def spoiled(one: Trigger) -> Trigger:
        return replace(one, state=state) if one.name == subject else one

    facts = read_triggers.facts
    return replace(read_triggers, observed=replace(facts, triggers=tuple(spoiled(one) for one in facts.triggers)))
