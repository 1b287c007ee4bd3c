"""People are told what failed: which phase, why, where its receipt lies, what is still up, and the one command."""

import json
from collections.abc import Mapping
from typing import Any

from drproof.engine.obstacles import Obstacle
from drproof.engine.run import Run
from drproof.formats import failure_causes
from drproof.model.context import Effect
from drproof.model.errors import DrproofError, HeldError, QuotaError, TargetError
from drproof.model.phase import Phase
from drproof.model.receipt import Cause, Outcome, Receipt
from drproof.orchestrator.execution_run import ExecutionRun
from drproof.orchestrator.still_up import machines_of
from drproof.phases.recovery.bringup import bringup
from drproof.targets.aws.errors import family

TELLING = "tell_of_failure"
KIND = "drproof_execution_failed"
OWN = "States."
"""How errors of the machine itself begin; what exceeds a limit of its own, such as too long a text, is no quota."""
UNSAID = "its act ended without a receipt"
BEFORE = {"prepare_bringup": "bringup"}
"""The phase that an act belongs to, where it has another name."""


def tell(taken: ExecutionRun) -> dict[str, Any]:
    """Give the failed phase a receipt where it left none, and tell people; the same again tells nobody twice.

    A message that was under way and was never answered is sent again: of a failure people rather hear twice than never.
    """
    run = taken.open
    name, error, said = _failure(taken)
    receipt = _receipt(taken, run, name, error, said)
    topic = run.prepared.settings.recovery.topic_arn
    effects, place = run.effects(TELLING), _place(run)
    sent = next((one for one in effects.made("messages.publish") if _is_told(one, place)), None)
    message_id = str(sent.result["message_id"]) if sent is not None else ""
    uri, sha256 = _kept(run, receipt)
    if sent is None:
        message = message_of(taken, name, _cause(error, said, receipt), uri)
        subject = f"drproof {run.record.plan.mode} {run.record.plan.drill_id}: {name} failed"[:100]
        with effects.intend("messages.publish", place, {"subject": subject}) as pending:
            message_id = taken.target.recovery.messenger.publish(pending.intent, topic, subject, message)
            pending.done(message_id=message_id)
        if run.mirror is not None:
            run.mirror.sync()
    return {"phase": TELLING, "outcome": "passed", "receipt": uri, "sha256": sha256, "message_id": message_id}


def told_already(run: Run) -> bool:
    """Return whether people were told of a failure of this execution."""
    return any(_is_told(one, _place(run)) for one in run.effects(TELLING).made("messages.publish"))


def message_of(taken: ExecutionRun, phase: str, cause: str, receipt: str) -> str:
    """Return the message about a failure; what the sites do not say is left out, never the message."""
    run, asked = taken.open, taken.asked
    return json.dumps(
        {
            "kind": KIND,
            "drill_id": run.record.plan.drill_id,
            "execution": asked.execution.arn,
            "mode": run.record.plan.mode,
            "phase": phase,
            "cause": run.redactor.mask(cause),
            "receipt": receipt,
            "still_up": _still_up(taken),
            "next": f"drproof teardown --execution-arn {asked.execution.arn}",
            "note": "Nothing is torn down by itself: what is still up is held for whoever looks into this.",
        },
        sort_keys=True,
    )


def _place(run: Run) -> str:
    return f"{run.prepared.settings.recovery.topic_arn}#{run.record.plan.drill_id}/failure"


def _is_told(effect: Effect, place: str) -> bool:
    return effect.intent.resource == place and effect.outcome == "done"


def _failure(taken: ExecutionRun) -> tuple[str, str, str]:
    """Return the phase that failed, the error that the machine caught, and its cause as it came."""
    order = {phase.name: number for number, phase in enumerate(taken.prepared.plan.phases)}
    named = {BEFORE.get(name, name): said for name, said in taken.asked.failures.items()}
    if not named:
        return "unknown", "", "the machine says of no phase that it failed"
    name = max(named, key=lambda one: order.get(one, -1))
    said = named[name] if isinstance(named[name], Mapping) else {}
    return name, str(said.get("Error", "")), str(said.get("Cause", ""))


def _receipt(taken: ExecutionRun, run: Run, name: str, error: str, said: str) -> Receipt[Any] | None:
    """Return the receipt of what failed; a phase whose act left none gets one that says what the machine caught."""
    bad = [one for one in run.receipts.values() if one.outcome not in {Outcome.PASSED, Outcome.NOT_RUN}]
    if bad:
        return bad[-1]
    if name in run.receipts:
        return run.receipts[name]
    for phase in run.prepared.coverage.run:
        if phase.name in run.receipts:
            continue
        # The first that has none is the one that the act died in.
        return run.give(phase, obstacle_of(taken, phase, error, said))
    return None


def _cause(error: str, said: str, receipt: Receipt[Any] | None) -> str:
    """Return the cause in one line; of a build its receipt says more than the machine does: which command, and how."""
    cause = failure_causes.deepest(said)
    if receipt is not None and failure_causes.build_of(said) and not receipt.reason.startswith(UNSAID):
        cause = receipt.reason.partition("\n")[0]
    return f"{error}: {cause}" if error else cause


def obstacle_of(taken: ExecutionRun, phase: Phase[Any], error: str, said: str) -> Obstacle:
    """Return how a phase ended whose act left no receipt: as its build says, else as the machine caught it."""
    reason = f"{UNSAID}: {error}: {failure_causes.deepest(said)}"
    if _is_of_a_quota(error):
        return Obstacle(outcome=Outcome.BLOCKED, reason=reason, cause=Cause.QUOTA)
    if taken.refusal:
        return Obstacle(outcome=Outcome.BLOCKED, reason=taken.refusal, cause=Cause.LEASE)
    build = failure_causes.build_of(said) if phase.name == bringup.name else ""
    why = _why(taken, build) if build else None
    if why is None:
        return Obstacle(outcome=Outcome.FAILED, reason=reason, cause=Cause.WORLD)
    if isinstance(why, QuotaError | HeldError):
        # Nothing was changed: it was not the recovery that failed.
        cause = Cause.QUOTA if isinstance(why, QuotaError) else Cause.LEASE
        return Obstacle(outcome=Outcome.BLOCKED, reason=str(why), cause=cause)
    return Obstacle(outcome=Outcome.FAILED, reason=str(why), cause=Cause.WORLD)


def _is_of_a_quota(error: str) -> bool:
    """Return whether an error that the machine caught is of a quota: as a service names it, or as our function does."""
    code = error.rpartition(".")[2]
    return not error.startswith(OWN) and (code == QuotaError.__name__ or family(code) is QuotaError)


def _why(taken: ExecutionRun, build: str) -> TargetError | None:
    """Return why the build that the machine ran did not succeed; None where nobody can say."""
    try:
        return taken.codebuild.why(build)
    except DrproofError:
        # People are told all the same, in the words of the machine.
        return None


def _kept(run: Run, receipt: Receipt[Any] | None) -> tuple[str, str]:
    if receipt is None or run.mirror is None:
        return "", ""
    kept = run.mirror.stored(f"receipts/{receipt.sequence:02}-{receipt.phase}.json")
    return (kept.uri, kept.sha256) if kept is not None else ("", "")


def _still_up(taken: ExecutionRun) -> list[dict[str, Any]]:
    run = taken.open
    disk_gb = run.prepared.settings.cost.ebs_root_gb
    return machines_of(run.opened.handover.origin, taken.target.recovery.fleet, now=run.clock.now(), disk_gb=disk_gb)
