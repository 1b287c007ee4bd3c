"""A decision is recorded: one that people gave in time, or one that both flags bypass; nothing is switched."""

from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from drproof.evidence import approvals
from drproof.evidence.approvals import Answer, Bar
from drproof.evidence.canonical import canonical, digest
from drproof.formats import durations
from drproof.model.codec import encode
from drproof.model.context import Context
from drproof.model.errors import NotRunError, PhaseError
from drproof.model.phase import phase
from drproof.model.receipt import Receipt
from drproof.phases.recovery.request_manual_approval import request_manual_approval
from drproof.phases.recovery.resolve_runner import resolve_runner
from drproof.phases.recovery.validate import validate

DISABLED = "auto promote disabled; stopped at manual promotion gate"
UNDECIDED = "no decision within {}; stopped at manual promotion gate"
BYPASS: Final = "manual_bypass"


@dataclass(frozen=True, slots=True, kw_only=True)
class PromoteObserved:
    """The recorded decision."""

    mode: Literal["manual_bypass", "approved", "rejected"]
    approved: bool
    approver: str
    """The ARN of who decided; at a bypass, the name of who is said to have."""
    account_id: str = ""
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
    keeps={"decision": Answer},
    objective_ms=30_000,
    command_hint="pytest -m drill --await-approval 1h; drproof approve --drill reports/<drill-id>",
)
def promote(ctx: Context) -> PromoteObserved:
    """A decision about the recovered site is on record; the canonical pointers are as they were."""
    if ctx.plan.criteria.approval.awaited:
        return _of_people(ctx)
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
        mode=BYPASS,
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


def _of_people(ctx: Context) -> PromoteObserved:
    """Wait for a decision that counts, and record it."""
    bar = _bar(ctx)
    answered = ctx.decision(lambda value: approvals.doubt(value, replace(bar, recorded_at=ctx.clock.now())))
    signed = approvals.read(answered.value) if answered.value is not None else None
    ctx.evidence("decision", Answer(signed=signed, refused=answered.refused))
    if signed is None:
        raise NotRunError(UNDECIDED.format(durations.show(ctx.plan.criteria.approval.within_ms)))
    decision = signed.decision
    return PromoteObserved(
        mode="approved" if decision.approved else "rejected",
        approved=decision.approved,
        approver=decision.approver,
        account_id=decision.account_id,
        ticket=decision.ticket,
        reason=decision.reason,
        decided_at=decision.decided_at,
        instance_id=ctx.observed(resolve_runner).instance_id,
        restore_point=ctx.plan.criteria.backup.uri,
        image_ref=ctx.plan.criteria.image_ref,
        promotion_status="recorded_nothing_switched",
    )


def _bar(ctx: Context) -> Bar:
    """Return what a decision about this drill must meet."""
    ctx.observed(validate)
    validated, approval = ctx.receipts[validate.name], ctx.plan.criteria.approval
    return Bar(
        drill_id=ctx.drill_id,
        execution_arn=approval.execution_arn,
        plan_sha256=digest(canonical(encode(ctx.plan))),
        opening_sha256=validated.opening,
        validation_sha256=digest(canonical(encode(validated))),
        keys={one.keyid: one.public_key for one in approval.approvers},
        operators=(_arn(validated), ctx.target.recovery.identity.caller().arn, *approval.requested_by),
        asked_at=ctx.receipts[request_manual_approval.name].ended_at,
        within_ms=approval.within_ms,
        recorded_at=ctx.clock.now(),
    )


def _arn(receipt: Receipt[Any]) -> str:
    return receipt.caller.arn if receipt.caller is not None else ""
