"""People hear how far the drill came, whatever happened."""

import json
from dataclasses import dataclass

from drproof.model.context import Context
from drproof.model.errors import NotRunError
from drproof.model.phase import phase

VALIDATED, FAILED = "dr_validation_completed", "dr_phase_failed"
NO_TOPIC = "recovery.topic_arn is not set: there is nobody to write to"


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyObserved:
    """The message that was sent."""

    topic_arn: str
    status: str
    subject: str
    message_id: str
    message: str


@phase(
    plans={"recovery"},
    after=["validate"],
    window="promote",
    always=True,
    uses={"messages.publish"},
    objective_ms=30_000,
    command_hint="aws sns publish --region … --topic-arn …",
)
def notify(ctx: Context) -> NotifyObserved:
    """A message about the drill was accepted by the topic that people read."""
    topic = ctx.settings.recovery.topic_arn
    if not topic:
        raise NotRunError(NO_TOPIC)
    validated = "validate" in ctx.receipts and ctx.receipts["validate"].passed
    status = VALIDATED if validated else FAILED
    subject = f"drproof {ctx.plan.mode} {ctx.drill_id}: {status}"[:100]
    message = json.dumps(
        {
            "kind": "drproof_drill_status",
            "drill_id": ctx.drill_id,
            "mode": ctx.plan.mode,
            "status": status,
            "restore_point": ctx.plan.criteria.backup.uri,
            "phases": {name: receipt.outcome.value for name, receipt in ctx.receipts.items()},
        },
        sort_keys=True,
    )
    message_id = publish_once(ctx, topic, f"{topic}#{ctx.drill_id}/status", subject, message)
    return NotifyObserved(topic_arn=topic, status=status, subject=subject, message_id=message_id, message=message)


def publish_once(ctx: Context, topic: str, resource: str, subject: str, message: str) -> str:
    """Publish a message and return its id; one that this drill has sent already is not sent again.

    Raises:
        NotRunError: it was under way before, and no answer came: nobody knows whether people have read it.
    """
    for effect in ctx.effects.made("messages.publish"):
        if effect.intent.resource != resource or effect.outcome == "failed":
            continue
        if effect.outcome == "done":
            return str(effect.result["message_id"])
        msg = "a message was under way and was never answered; it may have been read, and is not sent twice"
        raise NotRunError(msg)
    with ctx.effects.intend("messages.publish", resource, {"subject": subject}) as pending:
        message_id = ctx.target.recovery.messenger.publish(pending.intent, topic, subject, message)
        pending.done(message_id=message_id)
    return message_id
