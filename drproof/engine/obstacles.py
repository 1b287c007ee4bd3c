"""What keeps a phase from starting: what came before it, what it requires, and whose target it is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from drproof.engine.lease import Lease
from drproof.engine.opening import Opened
from drproof.engine.patience import Patience
from drproof.model.criteria import Criteria
from drproof.model.errors import DrproofError, LeaseError
from drproof.model.phase import Phase
from drproof.model.plan import Plan
from drproof.model.receipt import Cause, Outcome, Receipt
from drproof.model.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """How a phase that must not start ends, and why."""

    outcome: Outcome
    reason: str
    cause: Cause | None


def unmet(
    phase: Phase[Any],
    plan: Plan,
    criteria: Criteria,
    receipts: Mapping[str, Receipt[Any]],
    judge: Callable[[str], tuple[Verdict, ...]],
) -> Obstacle | None:
    """Return what blocks a phase: one before it failed, or a contract that it requires is not proven."""
    for name in phase.after:
        receipt = receipts.get(name)
        if receipt is not None and receipt.outcome in {Outcome.FAILED, Outcome.BLOCKED, Outcome.INTERRUPTED}:
            reason = f"phase {name} is {receipt.outcome}"
            return Obstacle(outcome=Outcome.BLOCKED, reason=reason, cause=Cause.PREREQUISITE)
    contracts = {contract.name: contract for contract in plan.contracts}
    for name in phase.requires:
        if not contracts[name].is_asked(criteria):
            continue
        for verdict in judge(name):
            if not verdict.proven:
                reason = f"contract {verdict.name} is {verdict.status}: {verdict.reason}"
                return Obstacle(outcome=Outcome.BLOCKED, reason=reason, cause=Cause.CONTRACT)
    return None


def unsafe(phase: Phase[Any], opened: Opened, lease: Lease | None, patience: Patience) -> Obstacle | None:
    """Return why nothing may be changed: a site is not the expected one any more, or the lease is lost."""
    try:
        # A platform that does not say who we are may say so in a moment; a teardown must not hang on that.
        patience.ask(opened.assert_sites)
        if lease is not None and phase.always:
            # A machine that slept past its lease may still tear down, if nobody took the target meanwhile.
            lease.renew()
        if lease is not None:
            lease.check()
    except (DrproofError, ValueError) as exc:
        cause = Cause.LEASE if isinstance(exc, LeaseError) else Cause.GUARD
        return Obstacle(outcome=Outcome.FAILED, reason=str(exc).partition("\n")[0], cause=cause)
    return None
