"""What was applied is what was planned, and a bring-up takes nothing away."""

from dataclasses import replace

from drproof.model.changes import Planned
from drproof.model.contract import contract
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding, compare, undecided
from drproof.phases.recovery.bringup import BringupObserved

Bringup = Receipt[BringupObserved]


@contract(needs=["bringup"], controls=["NIST CM-3", "NIST CP-10"])
def applied_is_what_was_planned(bringup: Bringup) -> Finding:
    """The bring-up changed exactly what its plan counted beforehand, and neither took anything away."""
    planned, applied = bringup.facts.planned, bringup.facts.applied
    if planned is None or applied is None:
        return undecided("the receipt does not say what was planned and what was applied")
    return compare(
        observed={"changes": _counted(bringup, applied), "taken_away": planned.destroy + applied.destroy},
        expected={"changes": _counted(bringup, planned), "taken_away": 0},
        reason="what was applied is not what was planned, or something was taken away",
    )


def _counted(bringup: Bringup, what: Planned) -> list[int]:
    """Return what is counted: of a build only how many there were, for what it adds beside a machine changes that."""
    return [what.create + what.change] if bringup.facts.build is not None else [what.create, what.change]


@applied_is_what_was_planned.sabotage("more was applied than planned")
def more(bringup: Bringup) -> Bringup:
    """Apply one more."""
    applied = bringup.facts.applied or Planned(create=0, change=0, destroy=0)
    more_of_it = replace(applied, create=applied.create + 1)
    return replace(bringup, observed=replace(bringup.facts, applied=more_of_it))


@applied_is_what_was_planned.sabotage("the plan takes something away")
def planned_to_take(bringup: Bringup) -> Bringup:
    """Plan to destroy."""
    planned = bringup.facts.planned or Planned(create=0, change=0, destroy=0)
    return replace(bringup, observed=replace(bringup.facts, planned=replace(planned, destroy=1)))


@applied_is_what_was_planned.sabotage("something was taken away")
def taken(bringup: Bringup) -> Bringup:
    """Destroy something."""
    applied = bringup.facts.applied or Planned(create=0, change=0, destroy=0)
    return replace(bringup, observed=replace(bringup.facts, applied=replace(applied, destroy=1)))
