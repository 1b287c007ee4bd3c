"""The remote state knew until the teardown what the bring-up had made, and knows nothing of it afterwards."""

from dataclasses import replace

from drproof.model.contract import NotApplicableError, contract
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding, Status, compare, undecided
from drproof.phases.recovery.by_hand import commands
from drproof.phases.recovery.census import unread_state
from drproof.phases.recovery.teardown import TeardownObserved

Teardown = Receipt[TeardownObserved]
STRAY = "aws_instance.stray"
UNSETTLED = (
    "an earlier teardown found in the state what was created, and is not known to have ended: whether it was destroyed "
    "then, or lost since, nobody knows; look for it by these names"
)


@contract(
    needs=["teardown"],
    # What keeps no state has none that could be wrong; the page names that among what is not shown.
    applies=lambda criteria: criteria.state_expected,
    controls=["NIST CP-4", "NIST CM-8"],
)
def state_held_what_was_created(teardown: Teardown) -> Finding:
    """What the bring-up made was in the state when the teardown began, was destroyed, and nothing is in it now."""
    facts = teardown.facts
    destroyed = {*facts.held_before} - {*facts.held_after}
    missing = sorted({*facts.made, *facts.held_unsettled} - destroyed)
    by_hand = commands(missing)
    found = compare(
        observed={"created_and_not_destroyed": missing, "still_held": list(facts.held_after)},
        expected={"created_and_not_destroyed": [], "still_held": []},
        reason="; ".join(("the state lost what was created, or still holds it: look for it by these names", *by_hand)),
    )
    unread = unread_state((*facts.before, *facts.before_unsettled))
    if found.status is Status.REFUTED and not (facts.held_before or facts.held_after) and unread:
        told = f"the state was there when the teardown began, and {unread}; nobody knows what it held"
        return undecided("; ".join((told, *by_hand)))
    if found.status is Status.REFUTED and not facts.held_after and {*missing} <= {*facts.held_unsettled}:
        return undecided("; ".join((UNSETTLED, *by_hand)))
    nameless = not facts.made and not facts.held_before
    if found.status is Status.PROVEN and nameless and (facts.intended or facts.created):
        # An empty state after an empty state is what a lost one looks like as well.
        return undecided("something was to be created, and neither the bring-up nor the state names anything of it")
    return found


@state_held_what_was_created.sabotage("the state still holds something")
def still_held(teardown: Teardown) -> Teardown:
    """Leave something in the state."""
    facts = teardown.facts
    return replace(teardown, observed=replace(facts, held_after=(*facts.held_after, STRAY)))


@state_held_what_was_created.sabotage("something was created that the state did not hold")
def never_held(teardown: Teardown) -> Teardown:
    """Create something that no state knows."""
    facts = teardown.facts
    return replace(teardown, observed=replace(facts, made=(*facts.made, STRAY)))


@state_held_what_was_created.sabotage("the state was emptied before the teardown")
def emptied(teardown: Teardown) -> Teardown:
    """Empty the state."""
    if not teardown.facts.made:
        msg = "nothing is known to have been created"
        raise NotApplicableError(msg)
    if unread_state((*teardown.facts.before, *teardown.facts.before_unsettled)):
        msg = "the state could not be read when the teardown began"
        raise NotApplicableError(msg)
    return replace(teardown, observed=replace(teardown.facts, held_before=(), held_unsettled=()))
