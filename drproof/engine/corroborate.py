"""The platform asked again about a bundle, by whoever verifies it: the stored objects, the execution, the tags.

A perfect bundle can be made up by whoever holds the runner's key; what the platform itself still has cannot.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from drproof.engine.export import PARTS, export
from drproof.engine.imports import NOBODY, bare_settings
from drproof.evidence.documents import StoredFile
from drproof.evidence.integrity import Inspection
from drproof.evidence.stored import stored_receipts
from drproof.formats import s3_uri
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
    settings = settings_of(plan, auditor)
    try:
        target = open_target(settings, auditor.endpoint or None, directory=private, origin="")
        identity = _identity(found, target)
    except DrproofError as exc:
        return (Asked(what="identity", status=UNANSWERED, reason=_line(exc)),)
    rows = [*_objects(found, target), *_tags(found, plan, target), *_execution(found, settings, auditor)]
    if not rows:
        nothing = "the bundle names no stored object, no execution and nothing that was taken away"
        rows.append(Asked(what="anything", status=UNANSWERED, reason=nothing))
    return (identity, *rows)


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
        if not file.problem:
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
    return Asked(what=what, status=CONFIRMED)


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
        yield Asked(what=what, status=DIFFERS, reason=_line(exc))
        return
    except (DrproofError, ValueError) as exc:
        yield Asked(what=what, status=UNANSWERED, reason=_line(exc))
        return
    yield _compared(what, told, now)


def _compared(what: str, told: RunSeen | None, now: RunSeen | None) -> Asked:
    if told is None or now is None:
        succeeded = now is not None and now.status == "SUCCEEDED"
        reason = "" if succeeded else f"the execution is {now.status if now is not None else 'not told'}"
        return Asked(what=what, status=CONFIRMED if succeeded else DIFFERS, reason=reason)
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
