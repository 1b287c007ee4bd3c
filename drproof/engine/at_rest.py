"""Fetching an execution only once nobody writes on: an act at work goes on, whatever became of its execution."""

import shutil
from pathlib import Path

from drproof.analysis.leases import Holder
from drproof.engine import lease as leases
from drproof.engine.clock import SystemClock
from drproof.engine.fetching import Fetched, fetch
from drproof.engine.private import Private
from drproof.engine.refusal import Refusal, refuse
from drproof.engine.stored_run import StoredRun
from drproof.engine.taking import still_runs
from drproof.model.capabilities import Target


def fetched_at_rest(stored: StoredRun, directory: Path, target: Target) -> Fetched:
    """Fetch a run; an execution's only when it has ended and none of its acts is at work any more.

    What was fetched while an act stored more is fetched anew: a second hand that goes on with less would contradict it.

    Raises:
        Refusal: it does not fit, or its execution or an act of it is at work; nothing is left on the disk.
        TargetError: the store or the platform does not answer.
    """
    found = fetch(stored, directory, target)
    if not found.bundle.plan.criteria.approval.execution_arn:
        return found
    try:
        _refuse_at_work(found, stored, target)
        newest = StoredRun.at(stored.uri, stored.store, stored.trust, stored.patience)
    except BaseException:
        discard(directory)
        raise
    if newest.names == stored.names:
        return found
    discard(directory)
    return fetch(newest, directory, target)


def discard(directory: Path) -> None:
    """Remove a run that was fetched and is not gone on with."""
    shutil.rmtree(directory, ignore_errors=True)
    shutil.rmtree(Private.of(directory).path, ignore_errors=True)


def _refuse_at_work(found: Fetched, stored: StoredRun, target: Target) -> None:
    """Refuse a run under whose lease somebody may still write; a lease of another drill is refused when it is taken."""
    where = found.private.handover().settings.recovery.provisioner
    held = leases.look(target.recovery.objects, where.state_bucket, where.state_key + leases.SUFFIX)
    holder = held.holder if held is not None else None
    if held is None or holder is None or not holder.execution or holder.drill_id != found.bundle.plan.drill_id:
        return
    if still_runs(target, holder.execution):
        raise _refusal(holder, stored, "it is RUNNING", f"drproof status --execution-arn {holder.execution}")
    if not holder.parked and not held.has_run_out(SystemClock().now()):
        why = f"an act of it is at work, or has died and holds the lease until {holder.expires_at}"
        raise _refusal(holder, stored, why, "wait for it to end, then run the same command")


def _refusal(holder: Holder, stored: StoredRun, why: str, next_step: str) -> Refusal:
    return refuse(
        f"{stored.uri} is not gone on with: {why}",
        expected=f"the execution {holder.execution} at rest",
        got="nothing was changed",
        next_step=next_step,
    )
