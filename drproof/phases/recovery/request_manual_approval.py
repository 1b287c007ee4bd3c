"""People are asked for a decision; asking is not deciding."""

import json
from dataclasses import dataclass
from typing import Literal

from drproof.formats import durations
from drproof.model.context import Context
from drproof.model.criteria import Approval
from drproof.model.errors import NotRunError
from drproof.model.phase import phase
from drproof.phases.recovery.notify import NO_TOPIC, publish_once

DECIDE = "{approve} or {reject}, by somebody else than who runs the drill"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRequested:
    """The request as it was sent, and what was known of a decision when this phase ended."""

    topic_arn: str
    subject: str
    message_id: str
    decision: Literal["pending"]


@phase(
    plans={"recovery"},
    after=["notify", "validate"],
    window="promote",
    uses={"messages.publish"},
    objective_ms=30_000,
    # A decision answers the drill's own question; what somebody says that they asked, nobody can answer.
    by_hand=False,
    command_hint="pytest -m drill --start-at promote --receipt-dir …",
)
def request_manual_approval(ctx: Context) -> ApprovalRequested:
    """The people who decide were asked whether the recovered site becomes the canonical one."""
    topic = ctx.settings.recovery.topic_arn
    if not topic:
        raise NotRunError(NO_TOPIC)
    subject = f"drproof {ctx.plan.mode} {ctx.drill_id}: approval wanted"[:100]
    approval = ctx.plan.criteria.approval
    message = json.dumps(
        {
            "kind": "drproof_approval_wanted",
            "drill_id": ctx.drill_id,
            "mode": ctx.plan.mode,
            "restore_point": ctx.plan.criteria.backup.uri,
            **(_to_decide(ctx, approval) if approval.awaited else {}),
            "note": "Nothing is promoted by this message or by silence.",
        },
        sort_keys=True,
    )
    message_id = publish_once(ctx, topic, f"{topic}#{ctx.drill_id}/approval", subject, message)
    return ApprovalRequested(topic_arn=topic, subject=subject, message_id=message_id, decision="pending")


def _to_decide(ctx: Context, approval: Approval) -> dict[str, str]:
    """Return what somebody who decides has to know: on what, how, and for how long they may."""
    arn = approval.execution_arn
    place = f"--execution-arn {arn}" if arn else f"--drill …/{ctx.drill_id}"
    words = {word: f"drproof {word} {place} --signer … --ticket … --reason …" for word in ("approve", "reject")}
    said = {"waits": durations.show(approval.within_ms), "decide": DECIDE.format_map(words)}
    return {**said, **({"execution": arn} if arn else {})}
