"""Whether what a bundle says of acts by hand agrees with itself.

Source: `docs/bundle-format.md`, section 4, "By hand".
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from drproof.model.criteria import PlanDocument
from drproof.model.receipt import Outcome, Receipt
from drproof.model.verdict import Verdict

REACHED = frozenset({Outcome.PASSED, Outcome.UNOBSERVED})
"""Outcomes that say of a command by hand that it did not fail."""


def doubts_of(receipt: Receipt[Any], plan: PlanDocument, earlier: Collection[str]) -> Iterator[str]:
    """Yield what is wrong with what a receipt says of acts by hand; `earlier` are the phases done so before it."""
    act = receipt.manual
    if (act is not None) is not (receipt.phase in receipt.by_hand):
        yield f"{receipt.phase} says that it was done by hand, and does not say so of itself, or the reverse"
    if strange := sorted({*receipt.by_hand} - {receipt.phase, *earlier}):
        yield f"{receipt.phase} builds on {', '.join(strange)} by hand, of which no receipt before it says so"
    if list(receipt.by_hand) != sorted({*receipt.by_hand}):
        yield f"{receipt.phase} names what was done by hand in disorder, or twice"
    if receipt.outcome is Outcome.UNOBSERVED and act is None:
        yield f"{receipt.phase} is unobserved, and nobody did it by hand"
    yield from _beside_the_plan(receipt, plan)
    if act is None:
        return
    if act.kind == "command" and receipt.outcome in REACHED and act.exit_status != 0:
        yield f"{receipt.phase} is {receipt.outcome}, and the command by hand did not end with exit status 0"
    if act.output is not None and act.output not in {ref.sha256 for ref in receipt.evidence}:
        yield f"{receipt.phase} keeps no evidence of what the command by hand printed"


def _beside_the_plan(receipt: Receipt[Any], plan: PlanDocument) -> Iterator[str]:
    act = receipt.manual
    if receipt.inherited_from is None:
        meant = receipt.phase == plan.manual_phase
        if act is not None and not meant:
            yield f"{receipt.phase} was done by hand, and the plan says of another phase that a person does it"
        if act is None and meant and receipt.passed:
            yield f"{receipt.phase} passed, the plan has a person do it, and nothing says what they did"


def doubts_of_verdicts(verdicts: Iterable[Verdict], by_hand: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """Yield each verdict that hides, or invents, an act by hand; `by_hand` is what each receipt says, by its digest."""
    for verdict in verdicts:
        resting = sorted({name for sha256 in verdict.receipts for name in by_hand.get(sha256, ())})
        if list(verdict.by_hand) != resting:
            wanted = ", ".join(resting) or "nothing"
            yield f"{verdict.name} rests on what was done by hand ({wanted}), and does not say just that"
