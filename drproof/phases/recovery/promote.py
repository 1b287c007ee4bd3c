"""A decision is recorded, only when both flags ask for it; nothing is switched."""

from dataclasses import dataclass
from typing import Literal

from drproof.model.context import Context
from drproof.model.errors import NotRunError, PhaseError
from drproof.model.phase import phase
from drproof.phases.recovery.resolve_runner import resolve_runner

DISABLED = "auto promote disabled; stopped at manual promotion gate"


@dataclass(frozen=True, slots=True, kw_only=True)
class PromoteObserved:
    """The recorded decision."""

    mode: Literal["manual_bypass"]
    approved: bool
    approver: str
    ticket: str
    reason: str
    decided_at: str
    instance_id: str
    restore_point: str
    image_ref: str
    promotion_status: Literal["recorded_nothing_switched"]


@phase(
    plans={"recovery"},
    after=["request_manual_approval", "validate"],
    window="promote",
    requires=[
        "restored_state_is_what_was_backed_up",
        "recovery_is_shown_as_strongly_as_demanded",
        "validation_command_succeeded",
        "validation_observed_only",
    ],
    objective_ms=30_000,
    command_hint="pytest -m drill --auto-promote true --allow-promote-bypass true --approver NAME",
)
def promote(ctx: Context) -> PromoteObserved:
    """A decision about the recovered site is on record; the canonical pointers are as they were."""
    promotion = ctx.settings.promotion
    if not promotion.auto_promote:
        raise NotRunError(DISABLED)
    if not promotion.allow_bypass:
        msg = "--auto-promote without --allow-promote-bypass: a decision was neither given nor bypassed"
        raise NotRunError(msg)
    if not promotion.approver:
        msg = "nobody is named who decides; expected --approver NAME or environment USER"
        raise PhaseError(msg)
    return PromoteObserved(
        mode="manual_bypass",
        approved=True,
        approver=promotion.approver,
        ticket=promotion.ticket,
        reason=promotion.reason,
        decided_at=ctx.clock.now(),
        instance_id=ctx.observed(resolve_runner).instance_id,
        restore_point=ctx.plan.criteria.backup.uri,
        image_ref=ctx.plan.criteria.image_ref,
        promotion_status="recorded_nothing_switched",
    )
