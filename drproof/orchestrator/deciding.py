"""What people decide reaches the phase that records it; the task token reaches nobody but who was named for it."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from drproof.analysis.execution_steps import ERROR
from drproof.engine.gate import GivenGate, SilentGate
from drproof.engine.refusal import refuse
from drproof.evidence.canonical import digest
from drproof.orchestrator.acts import advance
from drproof.orchestrator.execution_run import ExecutionRun
from drproof.phases.recovery.promote import PromoteObserved

ASK, PROMOTE = "request_manual_approval", "promote"
TIMED_OUT = "States.Timeout"
TOKEN_KIND = "drproof_approval_token"  # noqa: S105 — the kind of a message


def decide(taken: ExecutionRun, left_ms: Callable[[], int | None]) -> dict[str, Any]:
    """Record the decision that came back to the machine, and answer whether it is a yes, a no, or neither.

    What was recorded decides, not what came back: a decision that does not count is no approval and no rejection
    either, so that people are told of it (`approved` is null).

    Raises:
        Refusal: nothing came back, or it does not say yes or no; nothing was recorded.
        PhaseBlocked: what a promotion requires is not proven.
    """
    run = taken.open
    if PROMOTE not in run.receipts:
        run.gate = GivenGate(envelope_of(taken.asked.decision))
    answer = advance(taken, PROMOTE, left_ms)
    return {**answer, "approved": said_by(run.receipts[PROMOTE].observed)}


def said_by(observed: PromoteObserved | None) -> bool | None:
    """Return the yes or no that is on record; None where nothing counted, which is neither."""
    return observed.approved if observed is not None else None


def envelope_of(came_back: object) -> Mapping[str, Any]:
    """Return what is a decision envelope, and refuse the rest; `"false"` is a text, and no text says yes.

    Whoever holds the token may send any JSON: people are told that it is no decision, not that the event is odd.
    """
    envelope = came_back if isinstance(came_back, Mapping) else {}
    said = envelope.get("decision")
    approved = said.get("approved") if isinstance(said, Mapping) else None
    if not isinstance(approved, bool) or not isinstance(envelope.get("dsse"), Mapping):
        raise refuse(
            "what came back from the approver is no decision",
            expected="decision.approved true or false, and the signed envelope dsse",
            got=type(approved).__name__ if isinstance(said, Mapping) else "no decision",
            next_step="drproof approve, or drproof reject, --execution-arn …",
        )
    return envelope


def leave_undecided(taken: ExecutionRun) -> None:
    """Record that people were asked and did not decide, as a drill does whose time is up; the same again does nothing.

    A token that came back as a failure is no decision: it is neither signed nor does it say who sent it.
    """
    run, said = taken.open, taken.asked.failures.get(ASK)
    asked = run.receipts.get(ASK)
    if taken.refusal or not isinstance(said, Mapping) or asked is None or not asked.passed or PROMOTE in run.receipts:
        return
    error = str(said.get("Error", ""))
    # The name of the error is whatever somebody sent.
    named = error if ERROR.fullmatch(error) else "of another form"
    instead = () if error == TIMED_OUT else (f"the token came back as a failure: {named}",)
    run.gate = SilentGate(*instead)
    run.advance(PROMOTE)


def pass_the_token_on(taken: ExecutionRun) -> None:
    """Send the task token to the topic of those who decide, where the settings say so, once; by default nobody gets it.

    It is in no byte that is written: the journal knows that a message was sent, and not what it said.
    """
    run, token = taken.open, taken.asked.token
    settings = run.prepared.settings
    if not settings.promotion.send_token or not token:
        return
    topic, drill_id = settings.recovery.topic_arn, run.record.plan.drill_id
    # A state that is tried again has another token: each is sent once, and told from others by its digest alone.
    place = f"{topic}#{drill_id}/token/{digest(token.encode())[:16]}"
    effects = run.effects(ASK)
    if any(one.intent.resource == place for one in effects.made("messages.publish")):
        return
    subject = f"drproof {run.record.plan.mode} {drill_id}: how to decide"[:100]
    message = json.dumps(
        {
            "kind": TOKEN_KIND,
            "drill_id": drill_id,
            "execution": taken.asked.execution.arn,
            "task_token": token,
            "note": "Whoever holds this can end the wait. A decision counts only if its approver signed it.",
        },
        sort_keys=True,
    )
    with effects.intend("messages.publish", place, {"subject": subject}) as pending:
        message_id = taken.target.recovery.messenger.publish(pending.intent, topic, subject, message)
        pending.done(message_id=message_id)
    if run.mirror is not None:
        run.mirror.sync()
