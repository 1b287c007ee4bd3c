"""How a guardrail judges one module: what is wrong refutes, what was not read leaves it open, and both say how much."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from drproof.analysis.terraform.facts import ModuleRead, Written
from drproof.model.contract import NotApplicableError, Subjects, expected
from drproof.model.criteria import Criteria
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding, Status, undecided
from drproof.phases.orchestrator.read_terraform import TerraformObserved

Sources = Receipt[TerraformObserved]
FIRST = 3
"""How many places a reason names; the finding has them all."""


def modules() -> Subjects:
    """Every module that was handed in."""
    return expected("module", lambda criteria: criteria.guardrails.sources)


def are_handed_in(criteria: Criteria) -> bool:
    """Return whether any module was handed in."""
    return len(criteria.guardrails.sources) > 0


def module_of(sources: Sources, subject: str) -> ModuleRead | None:
    """Return what was read of a module; None where nothing was."""
    return next((one for one in sources.facts.modules if one.name == subject), None)


def judged(
    module: ModuleRead | None, *, wrong: Sequence[str], unknown: Sequence[str], seen: object, expected: str
) -> Finding:
    """Return the finding about one module: `wrong` refutes, `unknown` and whatever was not read leave it open."""
    if module is None:
        return undecided("the receipt does not speak of this module")
    read = [file for file in module.files if not file.problem]
    blocks = sum(file.blocks for file in read)
    amount = f"{len(read)} of {len(module.files)} files, {sum(file.bytes for file in read)} bytes, {blocks} blocks"
    observed: dict[str, Any] = {"read": amount, "seen": seen}
    if wrong:
        return Finding(Status.REFUTED, observed, expected, f"{_first(wrong)} ({amount} read)")
    broken = [f"{file.name}: {file.problem}" for file in module.files if file.problem]
    missing = [f"{call}: nobody handed it in" for call in module.unread]
    if not blocks:
        unknown = (*unknown, "nothing was read")
    if open_points := (*broken, *missing, *unknown):
        return undecided(f"{_first(open_points)} ({amount} read)", observed=observed, expected=expected)
    return Finding(Status.PROVEN, observed, expected)


def unknown_of(rows: Sequence[Written]) -> list[str]:
    """Return the places whose value the sources do not say, each with its reason."""
    return [f"{row.at}: {row.why}" for row in rows if row.why]


def told(rows: Sequence[Written]) -> list[str]:
    """Return the places with their values, as a finding shows them."""
    return [f"{row.at} = {row.value or 'not known'}" for row in rows]


def spoiled(sources: Sources, subject: str, change: Callable[[ModuleRead], ModuleRead]) -> Sources:
    """Return the receipt with one module changed.

    Raises:
        NotApplicableError: the receipt does not speak of it.
    """
    if module_of(sources, subject) is None:
        msg = "the receipt does not speak of this module"
        raise NotApplicableError(msg)
    changed = tuple(change(one) if one.name == subject else one for one in sources.facts.modules)
    return replace(sources, observed=replace(sources.facts, modules=changed))


def _first(points: Sequence[str]) -> str:
    more = f" and {len(points) - FIRST} more" if len(points) > FIRST else ""
    return "; ".join(points[:FIRST]) + more
