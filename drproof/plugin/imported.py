"""An execution of another orchestrator in a session: a plain folder of receipts, or the bundle of its collection."""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from drproof import catalog
from drproof.evidence.bundle import read_evidence
from drproof.evidence.expectations import Expectations
from drproof.evidence.integrity import CLOSING, OPENING, PLAN, Inspection
from drproof.evidence.schemas import problem_of_receipt
from drproof.formats.durations import show
from drproof.formats.failback_receipts import RECEIPTS as OF_A_FAILBACK
from drproof.formats.receipt_manifest import NAME as MANIFEST
from drproof.formats.receipts_v1 import PHASES
from drproof.formats.timestamps import milliseconds
from drproof.model.judging import judge
from drproof.phases.execution.observed import ExecutionObserved
from drproof.phases.failback.observed import FailbackObserved

DECISION = "decision_is_on_record"
NOTHING_SEALED = (
    "a folder of receipts is sealed by nobody: where they come from is shown by what others kept of the execution, or "
    "not at all"
)


def is_folder_of_receipts(directory: Path) -> bool:
    """Return whether a folder holds receipts as an orchestrator leaves them, and nothing of a bundle of ours."""
    if not directory.is_dir() or any((directory / name).exists() for name in (PLAN, OPENING, CLOSING)):
        return False
    return any(
        (directory / name).is_file() for name in (*(f"{stem}.json" for stem in PHASES), MANIFEST, *OF_A_FAILBACK)
    )


class Folder:
    """A plain folder of receipts, read into a private place and judged there; `close` removes it."""

    def __init__(self, directory: Path, expect: Expectations, *, decision: bool) -> None:
        """Read and judge it.

        Raises:
            Refusal: there is nothing to read.
        """
        from drproof.engine.handed import Handed
        from drproof.engine.imports import collect, shortfalls

        self.source = directory
        # Of mode 0700, and gone with the session: what it holds is redacted, and still nobody else's.
        self._private = tempfile.TemporaryDirectory(prefix="drproof-import-")
        self.bundle = Path(self._private.name) / "bundle"
        handed = Handed(
            folder=directory,
            execution_id=expect.drill,
            account_id=expect.account,
            region=expect.region,
            decision=decision,
        )
        try:
            self.shortfalls = shortfalls(collect(handed, self.bundle))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Remove what was made of it."""
        self._private.cleanup()


def decision_failure(found: Inspection) -> str:
    """Return why a collection holds no recorded decision, or ""."""
    if found.plan is None:
        return f"{DECISION} could not be judged: the plan cannot be read"
    criteria = replace(found.plan.criteria, execution=replace(found.plan.criteria.execution, decision=True))
    contract = next(one for one in catalog.plan(catalog.EXECUTION).contracts if one.name == DECISION)
    (verdict,) = judge(
        contract,
        {file.receipt.phase: file.receipt for file in found.receipts},
        criteria,
        digests={file.receipt.phase: file.digest for file in found.receipts},
        read=lambda ref: read_evidence(found.folder.directory, ref),
        check=problem_of_receipt,
    )
    return "" if verdict.proven else f"{verdict.status}: {verdict.reason}"


def too_old(found: Inspection, max_age_ms: int | None, now: str) -> str:
    """Return why what was handed in is older than it may be, or ""; to be collected today makes nothing younger."""
    if max_age_ms is None:
        return ""
    what, ends = _ends(next((file.receipt.observed for file in found.receipts), None))
    if not ends:
        return f"too-old: nobody can say how old the {what} is"
    age = milliseconds(now) - max(milliseconds(end) for end in ends)
    return "" if 0 <= age <= max_age_ms else f"too-old: the {what} ended {show(abs(age))} from now, not in time"


def _ends(facts: Any) -> tuple[str, list[str]]:  # noqa: ANN401 — what any phase observed
    """Return what was handed in, and the instants of which the latest is its end."""
    if isinstance(facts, FailbackObserved):
        return "failback", [facts.ended_at] if facts.ended_at else []
    if not isinstance(facts, ExecutionObserved):
        return "execution", []
    stopped = facts.run.stopped_at if facts.run else ""
    return "execution", [stopped] if stopped else [row.at for row in facts.receipts]
