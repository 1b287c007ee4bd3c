"""What a drill is expected to take, in the terms that can be known beforehand: minutes, never money."""

from collections.abc import Iterable

from drproof.model.settings import CostInputs

MINUTES = {"bringup": 12, "restore": 10, "validate": 12, "diagnose": 6, "promote": 2, "teardown": 8}
"""What the reference drill expects each of its phases to take."""


def estimated_minutes(phases: Iterable[str], cost: CostInputs, *, promotes: bool) -> int:
    """Return the minutes that these phases are expected to take, or those that the operator set."""
    if cost.runtime_minutes is not None:
        return cost.runtime_minutes
    running = set(phases) if promotes else set(phases) - {"promote"}
    return sum(minutes for name, minutes in MINUTES.items() if name in running)
