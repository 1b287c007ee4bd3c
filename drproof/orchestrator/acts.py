"""The acts of an execution: phases one at a time, the order of a build, what people are told, and the seal."""

from collections.abc import Callable
from typing import Any

from drproof.engine.obstacles import Obstacle
from drproof.engine.run import Run
from drproof.evidence.canonical import digest
from drproof.evidence.integrity import CLOSING
from drproof.model.capabilities import Intent
from drproof.model.codec import encode
from drproof.model.errors import PhaseError, ThrottledError, UnansweredError
from drproof.model.receipt import Cause, Outcome, Receipt
from drproof.orchestrator.asked import Answer
from drproof.orchestrator.execution_run import ExecutionRun
from drproof.orchestrator.telling import TELLING, told_already
from drproof.phases.recovery.bringup import bringup
from drproof.phases.recovery.place import runner_spec

ACCEPTED = frozenset({Outcome.PASSED, Outcome.NOT_RUN})
VERSION = "module_version"
SPARE_MS = 30_000
"""What an act needs besides its phases: to store what they showed."""

LOOK = "check_health"
HEALTHY = "the original site is well: there is nothing to recover from"
HELD = "another holds the target: the schedule looks again, and people know of whatever holds it"


class PhaseFailed(Exception):  # noqa: N818 — the name by which the machine knows it
    """A phase did not reach its end state; the machine tells people."""


class PhaseBlocked(Exception):  # noqa: N818 — the name by which the machine knows it
    """A phase must not start, or could not; the machine tells people."""


def advance(taken: ExecutionRun, name: str, left_ms: Callable[[], int | None]) -> dict[str, Any]:
    """Run what has no receipt up to a phase, and answer with the receipt of that one; the same again runs nothing.

    A look of the schedule that finds the target held answers that it was blocked: at each tick while people decide,
    somebody would else be told.

    Raises:
        PhaseFailed: one of them failed.
        PhaseBlocked: one must not start, or another holds the target.
        ThrottledError: the time of the function is nearly over, and phases are left: the machine calls again.
        UnansweredError: what was done is not in the store, which alone remembers it.
    """
    run, first = taken.open, True
    for phase in run.prepared.coverage.run:
        if phase.name not in run.receipts:
            left = left_ms()
            needed = (phase.objective_ms or 0) + SPARE_MS
            if not first and left is not None and left < needed:
                msg = f"{phase.name} may take {needed} ms, and the function has {left} left: it goes on in another call"
                raise ThrottledError(msg, code="TimeIsShort")
            first = False
            if taken.refusal:
                run.give(phase, Obstacle(outcome=Outcome.BLOCKED, reason=taken.refusal, cause=Cause.LEASE))
            else:
                run.advance(phase.name)
        receipt = run.receipts[phase.name]
        if receipt.outcome not in ACCEPTED and not _found_held(taken, receipt):
            raise _ended_badly(run, receipt)
        if phase.name == name:
            break
    return _answered(run, name)


def order_build(taken: ExecutionRun) -> dict[str, Any]:
    """Announce that a machine will be brought up, and answer with what the build of it must be started with.

    Raises:
        PhaseBlocked: the phase must not start; nothing was announced.
        TargetError: the state is another drill's.
    """
    run = taken.open
    effects = run.effects(bringup.name)
    for effect in effects.made("runner.up"):
        if VERSION in effect.details:
            return _ordered(taken, str(effect.details[VERSION]))[0]
    if (receipt := run.receipts.get(bringup.name)) is not None:
        if receipt.outcome not in ACCEPTED:
            raise _ended_badly(run, receipt)
        msg = "the machine was brought up before anybody ordered a build"
        raise PhaseError(msg)
    obstacle = run.obstacle(bringup)
    if taken.refusal:
        obstacle = Obstacle(outcome=Outcome.BLOCKED, reason=taken.refusal, cause=Cause.LEASE)
    if obstacle is not None:
        raise _ended_badly(run, run.give(bringup, obstacle))
    spec = runner_spec(run.context(bringup))
    order, version = _ordered(taken, "")
    effects.announce("runner.up", spec.name, {"tags": dict(spec.tags), VERSION: version})
    return order


def _ordered(taken: ExecutionRun, version: str) -> tuple[dict[str, Any], str]:
    """Return what the build is started with, and the version of its module, by which the order is the same again."""
    run = taken.open
    spec = runner_spec(run.context(bringup))
    token = run.effects(bringup.name).token("runner.up", spec.name)
    intent = Intent(number=0, verb="runner.up", resource=spec.name, token=token)
    order: dict[str, Any] = encode(taken.codebuild.order(intent, spec, version=version))
    return order, str(order.pop("version"))


def bring_up(taken: ExecutionRun, left_ms: Callable[[], int | None]) -> dict[str, Any]:
    """Take the build that the machine ran as the one that brought the recovery machine up."""
    if bringup.name not in taken.open.receipts:
        if not taken.asked.build_id:
            msg = "the act bringup was asked for without the build that did it: expected build_id"
            raise PhaseError(msg)
        taken.codebuild.take(taken.asked.build_id)
    return advance(taken, bringup.name, left_ms)


def seal(taken: ExecutionRun) -> dict[str, Any]:
    """Judge what the execution showed, and seal its bundle in the store; the same again answers the same.

    Raises:
        UnansweredError: the closing could not be stored: the machine calls again.
    """
    if taken.run is not None:
        run = taken.run
        _leave_out(taken, run)
        conclusion = run.close()
        problem = conclusion.unsealed or conclusion.unstored
        if problem:
            msg = f"the bundle of {run.record.plan.drill_id} is not in its store: {problem}"
            raise UnansweredError(msg, code="NotStored")
        data = (run.directory / CLOSING).read_bytes()
        answer = Answer(
            phase="seal", outcome="passed", receipt=f"{taken.stored.uri}/bundle/{CLOSING}", sha256=digest(data)
        )
        return {**encode(answer), "verdict": conclusion.outcome}
    name, body, verdict = taken.stored.closing()
    answer = Answer(phase="seal", outcome="passed", receipt=f"{taken.stored.uri}/{name}", sha256=digest(body))
    return {**encode(answer), "verdict": verdict}


def _leave_out(taken: ExecutionRun, run: Run) -> None:
    """Give the phases that this execution had no use for their receipts, so that closing it runs none of them."""
    check = run.receipts.get(LOOK)
    if check is not None and (reason := _no_use(taken, check)):
        for phase in run.prepared.coverage.run:
            if phase.name not in run.receipts:
                run.give(phase, Obstacle(outcome=Outcome.NOT_RUN, reason=reason, cause=None))
        return
    notify = next(phase for phase in run.prepared.coverage.run if phase.name == "notify")
    if notify.name not in run.receipts and (taken.refusal or told_already(run)):
        reason = f"people were told what failed, by the act {TELLING}"
        run.give(notify, Obstacle(outcome=Outcome.NOT_RUN, reason=reason, cause=None))


def _no_use(taken: ExecutionRun, check: Receipt[Any]) -> str:
    """Return why nothing comes after the look at the original site; empty where the recovery goes on, or failed."""
    if check.passed and not getattr(check.observed, "needs_dr", True):
        return HEALTHY
    return HELD if _found_held(taken, check) else ""


def _found_held(taken: ExecutionRun, receipt: Receipt[Any]) -> bool:
    """Return whether this is a look of the schedule that found the target in the hands of another."""
    held = (receipt.phase, receipt.outcome, receipt.cause) == (LOOK, Outcome.BLOCKED, Cause.LEASE)
    return held and taken.asked.input.is_unattended


def _answered(run: Run, name: str) -> dict[str, Any]:
    """Return the answer of a phase that has a receipt: where that lies, and nothing of what it says."""
    receipt = run.receipts[name]
    uri, sha256 = receipt_of(run, receipt)
    if not uri:
        msg = f"the receipt of {name} could not be stored, and nothing else remembers it"
        raise UnansweredError(msg, code="NotStored")
    answer: dict[str, Any] = encode(Answer(phase=name, outcome=receipt.outcome.value, receipt=uri, sha256=sha256))
    if name == LOOK:
        # Nobody could look where another holds the target: neither yes nor no.
        answer["needs_recovery"] = bool(receipt.observed.needs_dr) if receipt.observed is not None else None
    return answer


def receipt_of(run: Run, receipt: Receipt[Any]) -> tuple[str, str]:
    """Return where a receipt lies, and its digest; "" where it is not in the store."""
    path = f"receipts/{receipt.sequence:02}-{receipt.phase}.json"
    kept = run.mirror.stored(path) if run.mirror is not None else None
    return (kept.uri, kept.sha256) if kept is not None else ("", "")


def _ended_badly(run: Run, receipt: Receipt[Any]) -> Exception:
    """Return what the machine catches of a phase that did not pass."""
    uri, _ = receipt_of(run, receipt)
    if not uri:
        msg = f"the receipt of {receipt.phase}, which is {receipt.outcome}, could not be stored"
        return UnansweredError(msg, code="NotStored")
    cause = f" ({receipt.cause})" if receipt.cause is not None else ""
    text = run.redactor.mask(f"{receipt.phase} {receipt.outcome}{cause}: {receipt.reason}; receipt={uri}")
    return PhaseBlocked(text) if receipt.outcome is Outcome.BLOCKED else PhaseFailed(text)
