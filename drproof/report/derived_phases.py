"""How each phase of the plan ended, in the words of the reference drill, whose own phases stand for several of ours.

An inherited phase was not executed by this run, so that its file says `skipped`, as the reference's does.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from drproof.evidence.bundle import Bundle
from drproof.model.receipt import Cause, Outcome, Receipt
from drproof.report import facts
from drproof.report.derived_documents import PhaseDocument, PhaseStatus, second

RECOVERY, DIAGNOSE = "recovery", "diagnose"
TAIL_LINES = 60
STATUSES: Mapping[Outcome, PhaseStatus] = {
    Outcome.PASSED: "success",
    Outcome.FAILED: "failed",
    Outcome.INTERRUPTED: "failed",
    Outcome.BLOCKED: "skipped",
    Outcome.NOT_RUN: "skipped",
}
PARTS: Final = {
    "restore": ("restore_state", "restore"),
    "validate": ("inspect_runner", "inspect_cluster", "validate"),
}
"""The phases of the plan that a phase of the reference covers, its own among them."""

GRAVITY: Final = {"failed": 0, "skipped": 1, "success": 2}


def documents(bundle: Bundle, *, promotes: bool, hints: Mapping[str, str]) -> tuple[PhaseDocument, ...]:
    """Return every phase of the plan: those with a receipt as they ran, then those that were left out."""
    writer = _Writer(bundle, promotes, hints)
    receipts = facts.by_phase(bundle)
    named = (*receipts, *bundle.plan.phases, *bundle.plan.window.left_out)
    optional = (DIAGNOSE,) if bundle.plan.plan == RECOVERY else ()
    own = {name: writer.document(name, receipts.get(name)) for name in dict.fromkeys((*named, *optional))}
    # What an earlier run did decides nothing about this one.
    decide = {name: one for name, one in own.items() if name not in receipts or not receipts[name].inherited_from}
    return tuple(_covering(document, decide) for document in own.values())


def _covering(document: PhaseDocument, decide: Mapping[str, PhaseDocument]) -> PhaseDocument:
    """Return what a phase of the reference came to: what its gravest part did, or it itself when all went well."""
    covered = PARTS.get(document.phase, ())
    parts = [part for name, part in decide.items() if name in covered]
    gravest = min(parts, key=lambda part: GRAVITY[part.status], default=document)
    if gravest.status == "success":
        return document
    return replace(gravest, phase=document.phase, command_hint=document.command_hint)


def stopped_first(receipts: Iterable[Receipt[Any]]) -> str | None:
    """Return the first phase that stopped for a reason of its own."""
    return next((receipt.phase for receipt in receipts if receipt.cause is not Cause.PREREQUISITE), None)


@dataclass(frozen=True, slots=True)
class _Writer:
    """One bundle, asked how each phase ended."""

    bundle: Bundle
    promotes: bool
    hints: Mapping[str, str]

    def document(self, name: str, receipt: Receipt[Any] | None) -> PhaseDocument:
        """Return how one phase ended."""
        if receipt is None or receipt.inherited_from is not None:
            return self._skipped(name, self._outside(name))
        status = STATUSES[receipt.outcome]
        tail = receipt.attempts[-1].error_tail[-TAIL_LINES:] if receipt.attempts else ()
        if status == "failed" and not tail:
            tail = tuple(receipt.reason.splitlines()[-TAIL_LINES:])
        return PhaseDocument(
            phase=name,
            status=status,
            skip_reason=self._skip_reason(receipt) if status == "skipped" else "",
            attempts=len(receipt.attempts),
            repair_applied=any(attempt.repair for attempt in receipt.attempts),
            command_hint=self.hints.get(name, ""),
            last_error_tail=tail if status == "failed" else (),
            started_at_utc=second(receipt.started_at),
            ended_at_utc=second(receipt.ended_at),
        )

    def _skipped(self, name: str, reason: str) -> PhaseDocument:
        return PhaseDocument(
            phase=name,
            status="skipped",
            skip_reason=reason,
            attempts=0,
            repair_applied=False,
            command_hint=self.hints.get(name, ""),
            last_error_tail=(),
            started_at_utc="",
            ended_at_utc="",
        )

    def _outside(self, name: str) -> str:
        """Return why a phase without a receipt of this run was not executed, in the reference's words."""
        plan = self.bundle.plan
        if name == facts.TEARDOWN and not plan.criteria.teardown:
            return "teardown disabled by flag"
        if name == DIAGNOSE and name not in plan.phases:
            return "diagnostics-only mode not enabled"
        if name in plan.phases and name not in plan.window.inherited:
            return "no receipt: the run ended before this phase"
        return f"outside execution window start-at={plan.window.start_at} stop-after={plan.window.stop_after}"

    @property
    def _may_promote(self) -> bool:
        return self.promotes or self.bundle.plan.criteria.approval.awaited

    def _skip_reason(self, receipt: Receipt[Any]) -> str:
        if receipt.phase == "promote" and receipt.outcome is Outcome.NOT_RUN and not self._may_promote:
            return "auto promote disabled"
        origin = stopped_first(facts.stopped(self.bundle))
        if receipt.cause is Cause.PREREQUISITE and origin not in {None, receipt.phase}:
            return f"skipped due upstream failure in phase={origin}"
        return receipt.reason
