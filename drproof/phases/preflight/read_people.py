"""Whether anybody hears of a drill, and who can approve it."""

from dataclasses import dataclass

from drproof.model.context import Context
from drproof.model.errors import TargetError
from drproof.model.phase import phase
from drproof.model.receipt import Count


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleObserved:
    """Who would hear of a drill, and who can decide about it."""

    topic: str
    status: str
    """`ok`, `none` where no topic is named, or the code with which it did not answer."""
    confirmed: Count
    pending: Count
    approvers: tuple[str, ...]
    """Keys by their ids where a trust file is named, else names."""


@phase(plans={"preflight"}, uses={"topics.read"}, objective_ms=30_000, command_hint="pytest -m preflight")
def read_people(ctx: Context) -> PeopleObserved:
    """The topic has said who listens, and who can approve is known."""
    topic, approvers = ctx.settings.recovery.topic_arn, ctx.settings.approvers
    if not topic:
        ctx.say("no topic is named: recovery.topic_arn says where people are told of a drill")
        return PeopleObserved(topic="", status="none", confirmed=0, pending=0, approvers=approvers)
    try:
        heard = ctx.target.recovery.readiness.topics.heard(topic)
    except TargetError as exc:
        ctx.say(str(exc))
        return PeopleObserved(
            topic=topic, status=exc.code or "unreachable", confirmed=0, pending=0, approvers=approvers
        )
    return PeopleObserved(
        topic=topic, status="ok", confirmed=heard.confirmed, pending=heard.pending, approvers=approvers
    )
