"""The platform asked again about a bundle, by whoever verifies it: the stored objects, the execution, the tags.

A perfect bundle can be made up by whoever holds the runner's key; what the platform itself still has cannot.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from drproof.engine.clock import SystemClock
from drproof.engine.export import PARTS, export
from drproof.engine.imports import NOBODY, bare_settings
from drproof.engine.refusal import refuse
from drproof.evidence.documents import StoredFile
from drproof.evidence.integrity import Inspection
from drproof.evidence.stored import stored_receipts
from drproof.formats import s3_uri, timestamps
from drproof.model.context import DRILL_TAG
from drproof.model.criteria import PlanDocument, Site, Sites
from drproof.model.errors import DrproofError, EvidenceError, NotFoundError
from drproof.model.receipt import Outcome
from drproof.model.settings import Settings
from drproof.phases.execution import projection
from drproof.phases.execution.observed import ExecutionObserved, RunSeen
from drproof.phases.execution.sorting import sort
from drproof.targets import open_target
from drproof.targets.sites import AwsTarget

Said = Literal["confirmed", "differs", "unanswered"]
CONFIRMED: Said = "confirmed"
DIFFERS: Said = "differs"
UNANSWERED: Said = "unanswered"
TEARDOWN = "teardown"
KEPT = timedelta(days=90)
"""How long Step Functions keeps the history of an execution that has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One thing that was asked again."""

    what: str
    status: Said
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Auditor:
    """How the platform is asked: by whose profile, and about which execution."""

    profile: str = ""
    endpoint: str = ""
    """The embedded world, for a rehearsal."""
    execution_arn: str = ""


def settings_of(plan: PlanDocument, auditor: Auditor) -> Settings:
    """Return settings that name the bundle's sites and its receipt store, and nothing else."""
    sites, parts = plan.criteria.sites, auditor.execution_arn.split(":")
    if sites.recovery.account_id == NOBODY and len(parts) >= PARTS:
        # An export that was handed in names no account: the one that the verifier names is asked.
        site = Site(account_id=parts[4], region=parts[3], owner=parts[4])
        sites = Sites(primary=site, recovery=site)
    return bare_settings(
        sites,
        target="embedded" if auditor.endpoint else "aws",
        # At the embedded world somebody else than drilled is its approver, whatever the profile.
        profile="approver" if auditor.endpoint else auditor.profile,
        storing=plan.criteria.storing,
    )


def corroborate(found: Inspection, auditor: Auditor, private: Path) -> tuple[Asked, ...]:
    """Ask the platform again, and return what it said, one row a question; only reading calls are made.

    Raises:
        EvidenceError: the bundle has no plan that could say what to ask.
    """
    plan = found.plan
    if plan is None:
        raise EvidenceError("unreadable", "the plan cannot be read: it would say what to ask the platform")
    _refuse_another_world(plan, auditor)
    settings = settings_of(plan, auditor)
    try:
        target = open_target(settings, auditor.endpoint or None, directory=private, origin="")
        identity = _identity(found, target)
    except DrproofError as exc:
        return (Asked(what="identity", status=UNANSWERED, reason=_line(exc)),)
    kept = [*_objects(found, target), *_execution(found, settings, auditor)]
    if not kept:
        nothing = "the bundle names no stored object and no execution: of what never was, nothing is left either"
        kept.append(Asked(what="anything", status=UNANSWERED, reason=nothing))
    return (identity, *kept, *_tags(found, plan, target))


def _refuse_another_world(plan: PlanDocument, auditor: Auditor) -> None:
    """Refuse to ask a world in a box about AWS, or the other way round: neither knows of the other's drill.

    Raises:
        Refusal: the bundle is of the other one.
    """
    if (plan.mode == "rehearsal") is not bool(auditor.endpoint):
        raise refuse(
            "a rehearsal is asked about in its embedded world, and any other drill in AWS",
            expected="--embedded URL for a rehearsal alone",
            got=f"mode {plan.mode}, --embedded {auditor.endpoint or 'not said'}",
            next_step="the same command with --embedded URL of a world that still runs"
            if plan.mode == "rehearsal"
            else "the same command without --embedded",
        )


def _identity(found: Inspection, target: AwsTarget) -> Asked:
    """Return whether somebody else asks than who drilled: his own word confirms nothing."""
    caller = target.recovery.identity.caller()
    drilled = {file.receipt.caller.arn for file in found.receipts if file.receipt.caller is not None}
    if caller.arn in drilled:
        reason = f"{caller.arn} drilled, and asks about its own drill; expected another identity"
        return Asked(what="identity", status=UNANSWERED, reason=reason)
    return Asked(what="identity", status=CONFIRMED, reason=caller.arn)


def _objects(found: Inspection, target: AwsTarget) -> Iterator[Asked]:
    stored = stored_receipts(found.folder.directory)
    for file in stored.files if stored is not None else ():
        if file.problem:
            yield Asked(what=file.path, status=UNANSWERED, reason=f"it was never stored: {file.problem}")
        else:
            yield _object(file, target)


def _object(file: StoredFile, target: AwsTarget) -> Asked:
    what, place = f"{file.uri} version {file.version or 'none'}", s3_uri.parse(file.uri)
    try:
        there = target.receipts.look(place.bucket, place.key, version=file.version or "")
    except NotFoundError as exc:
        return Asked(what=what, status=DIFFERS, reason=_line(exc))
    except DrproofError as exc:
        return Asked(what=what, status=UNANSWERED, reason=_line(exc))
    if hashlib.sha256(there.body).hexdigest() != file.sha256:
        return Asked(what=what, status=DIFFERS, reason=f"the store has other bytes than {file.path}")
    return Asked(what=what, status=CONFIRMED, reason=_above(place, file.version, target) if file.version else "")


def _above(place: s3_uri.S3Uri, version: str, target: AwsTarget) -> str:
    """Return what lies above a version that is as it was: whoever reads the key alone reads that."""
    try:
        now = target.receipts.look(place.bucket, place.key).version
    except NotFoundError:
        return "its key was deleted since"
    except DrproofError as exc:
        return f"whether anything lies above it is not known: {_line(exc)}"
    return "" if now == version else f"its key was written over since, by version {now}"


def _tags(found: Inspection, plan: PlanDocument, target: AwsTarget) -> Iterator[Asked]:
    """Yield what a recount by tag says of a teardown that passed."""
    if found.outcomes.get(TEARDOWN) is not Outcome.PASSED:
        return
    what = f"nothing carries {DRILL_TAG}={plan.drill_id}"
    try:
        left = target.recovery.fleet.tagged({DRILL_TAG: plan.drill_id})
    except DrproofError as exc:
        yield Asked(what=what, status=UNANSWERED, reason=_line(exc))
        return
    names = ", ".join(f"{one.kind} {one.identity}" for one in left)
    yield Asked(what=what, status=DIFFERS if left else CONFIRMED, reason=f"still there: {names}" if left else "")


def _execution(found: Inspection, settings: Settings, auditor: Auditor) -> Iterator[Asked]:
    """Yield whether the history is still the one that the bundle tells of."""
    facts: Any = next(
        (file.receipt.observed for file in found.receipts if file.receipt.phase == "read_execution"), None
    )
    told = facts.run if isinstance(facts, ExecutionObserved) else None
    if told is None and not auditor.execution_arn:
        return
    what = f"the history of {auditor.execution_arn or 'the execution'}"
    if not auditor.execution_arn:
        yield Asked(what=what, status=UNANSWERED, reason="nobody says which; name it with --execution-arn")
        return
    try:
        now = projection.run(sort(export(auditor.execution_arn, settings, auditor.endpoint).collection))
    except NotFoundError as exc:
        yield _forgotten(what, _ended_at(found, told), exc)
        return
    except (DrproofError, ValueError) as exc:
        yield Asked(what=what, status=UNANSWERED, reason=_line(exc))
        return
    if now is None:
        yield Asked(what=what, status=UNANSWERED, reason="the platform tells no event of it")
    elif told is None:
        yield _referred(what, found, now)
    else:
        yield _compared(what, told, now)


def _forgotten(what: str, ended_at: str, exc: NotFoundError) -> Asked:
    """Return what a history that is not there says: nothing once the platform keeps it no longer."""
    if ended_at and timestamps.parse(ended_at) + KEPT < timestamps.parse(SystemClock().now()):
        reason = f"it ended at {ended_at}, and a history is kept for {KEPT.days} days; {_line(exc)}"
        return Asked(what=what, status=UNANSWERED, reason=reason)
    return Asked(what=what, status=DIFFERS, reason=_line(exc))


def _ended_at(found: Inspection, told: RunSeen | None) -> str:
    if told is not None:
        return told.stopped_at
    return found.closing.closed_at if found.closing is not None else ""


def _referred(what: str, found: Inspection, now: RunSeen) -> Asked:
    """Return whether the history refers to the receipts of a bundle that an execution sealed, by their digests."""
    of_bundle: dict[str, set[str]] = {}
    for file in found.receipts:
        of_bundle.setdefault(file.receipt.phase, set()).add(file.digest)
    answered = {
        step.phase: step.result_sha256
        for step in now.steps
        if step.outcome == "succeeded" and step.result_sha256 and step.phase in of_bundle
    }
    other = sorted(phase for phase, sha256 in answered.items() if sha256 not in of_bundle[phase])
    if other:
        reason = f"it answered other receipts than the bundle's: {', '.join(other)}"
        return Asked(what=what, status=DIFFERS, reason=reason)
    if not answered:
        reason = f"it is {now.status}, and refers to no receipt of the bundle"
        return Asked(what=what, status=UNANSWERED, reason=reason)
    return Asked(what=what, status=CONFIRMED, reason=f"it is {now.status}, and refers to {len(answered)} receipts")


def _compared(what: str, told: RunSeen, now: RunSeen) -> Asked:
    if _facts_of(told) == _facts_of(now):
        return Asked(what=what, status=CONFIRMED)
    return Asked(
        what=what,
        status=DIFFERS,
        reason=f"the bundle tells of {told.status} after {told.events} events, the platform of {now.status} after "
        f"{now.events}, or of other results",
    )


def _facts_of(run: RunSeen) -> tuple[object, ...]:
    steps = tuple((step.phase, step.outcome, step.result_sha256) for step in run.steps)
    return (run.status, run.started_at, run.stopped_at, run.events, steps)


def _line(exc: Exception) -> str:
    return str(exc).partition("\n")[0]
