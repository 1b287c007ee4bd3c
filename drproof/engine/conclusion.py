"""The end of a run: every expected contract judged, everything written, and the bundle sealed.

The exit status is decided here, from the whole plan; no driver can make it better.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from drproof.engine.clock import SystemClock
from drproof.engine.own_tests import gather
from drproof.engine.preparation import Prepared
from drproof.engine.private import Private
from drproof.engine.record import Record
from drproof.evidence.bundle import (
    Bundle,
    digests,
    listed,
    read_evidence,
    sealed_closing,
    write_atomic,
)
from drproof.evidence.bundle import Outcome as BundleOutcome
from drproof.evidence.canonical import canonical, digest
from drproof.evidence.documents import Verdicts
from drproof.evidence.integrity import CLOSING, PLAN
from drproof.evidence.journal import Journal
from drproof.evidence.own_tests import OwnTests
from drproof.evidence.redaction import Redactor
from drproof.evidence.schemas import problem_of_receipt
from drproof.evidence.statements import COLLECTED
from drproof.evidence.withheld import keep, note, told, withheld_in
from drproof.model.codec import decode, encode
from drproof.model.criteria import ExpectedContract
from drproof.model.errors import EvidenceError, Interruption, JournalError
from drproof.model.judging import judge
from drproof.model.plan import Plan
from drproof.model.receipt import Outcome, Receipt
from drproof.model.signing import Signer
from drproof.model.verdict import Status, Verdict
from drproof.phases.recovery.census import UNMARKED
from drproof.report import derived, derived_collection, html, test_result

PROVEN: Literal["proven"] = "proven"
REFUTED: Literal["refuted"] = "refuted"
INCOMPLETE: Literal["incomplete"] = "incomplete"
EXIT_PROVEN, EXIT_NOT_PROVEN = 0, 1
ACCEPTED = frozenset({Outcome.PASSED, Outcome.NOT_RUN})
"""Outcomes with which a phase does not stand against the drill; what must have run, contracts say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """What a run came to."""

    outcome: BundleOutcome
    """`proven`, `refuted` or `incomplete`."""
    full: bool
    verdicts: tuple[Verdict, ...]
    exit_status: int
    still_up: bool
    """Whether anything that the run created may still exist."""
    stop_reason: str
    unstored: str = ""
    """Why the closing, which can say nothing of itself any more, is not in the receipt store."""
    unsealed: str = ""
    """Why the bundle could not be sealed; what is there can be, by `drproof resume`."""

    def with_closing(self, problem: str) -> "Conclusion":
        """Return what the run came to, given why its closing is not stored, or ""."""
        return replace(self, unstored=problem, exit_status=self.exit_status or (EXIT_NOT_PROVEN if problem else 0))

    def lessened(self, reason: str) -> "Conclusion":
        """Return the conclusion of a run whose bundle turned out to lack something."""
        return replace(self, outcome=INCOMPLETE, stop_reason=reason, exit_status=self.exit_status or EXIT_NOT_PROVEN)

    @property
    def title(self) -> str:
        """The conclusion in two words: a part is never called the whole."""
        return f"{self.outcome}, {'full' if self.full else 'partial'}"


def judge_contract(record: Record, plan: Plan, name: str) -> tuple[Verdict, ...]:
    """Return the verdicts of one contract on the receipts so far."""
    contract = next(contract for contract in plan.contracts if contract.name == name)
    return judge(
        contract,
        record.receipts,
        record.plan.criteria,
        digests=record.digests,
        read=partial(read_evidence, record.directory),
        check=problem_of_receipt,
    )


def conclude(
    record: Record, prepared: Prepared, *, journal: Journal, masker: Redactor, interruption: BaseException | None
) -> Conclusion:
    """Judge, write what is derived from the evidence, and seal; the closing is the last file."""
    verdicts = tuple(
        verdict for expected in record.plan.contracts for verdict in _judged(record, prepared.plan, expected)
    )
    directory = record.directory
    verdicts = _write_verdicts(directory, verdicts, masker)
    own = gather(Private.of(directory).path, directory, masker)
    types = {phase.name: phase.observes for phase in prepared.plan.phases}
    bundle, problem = _on_disk(record, types, masker)
    problem = problem or record.sealer.failure
    outcome = INCOMPLETE if problem else _outcome(record, verdicts, own, interruption)
    if outcome == PROVEN and bundle is not None and bundle.unstored:
        # A refutation needs no store; a proof that was asked to lie in one is not whole without.
        outcome, problem = INCOMPLETE, f"receipt store: {bundle.unstored[0]}"
    conclusion = Conclusion(
        outcome=outcome,
        full=record.plan.window.full,
        verdicts=verdicts,
        exit_status=_exit_status(record, verdicts, own, interruption) or (EXIT_NOT_PROVEN if problem else EXIT_PROVEN),
        still_up=_still_up(record.receipts, mutates=prepared.plan.mutates),
        stop_reason=problem or _stop_reason(record, own, interruption),
    )
    journal.append({"at": verdict_time(record), "kind": "closed", "outcome": conclusion.outcome})
    if bundle is not None:
        _derive(bundle, prepared, conclusion, masker)
        if not problem and (lost := withheld_in(directory)):
            # Found only in what was derived: nothing that was judged, and still a bundle that lacks something.
            conclusion = conclusion.lessened(told(lost[0]))
            _derive(bundle, prepared, conclusion, masker)
    closing = _closing(record, conclusion)
    if record.sealer.failure and not problem:
        # Only the end could not be signed: neither it nor the page may call proven what nobody answers for.
        conclusion = conclusion.lessened(record.sealer.failure)
        if bundle is not None:
            _derive(bundle, prepared, conclusion, masker)
        closing = _closing(record, conclusion)
    write_atomic(directory / CLOSING, closing)
    return conclusion


def conclude_or_say(
    record: Record, prepared: Prepared, *, journal: Journal, masker: Redactor, interruption: BaseException | None
) -> Conclusion:
    """Conclude; where the disk fails, once more with the journal's reserve, then say that nothing is sealed."""
    try:
        return conclude(record, prepared, journal=journal, masker=masker, interruption=interruption)
    except (OSError, JournalError, EvidenceError):
        journal.give_up_reserve()
    try:
        return conclude(record, prepared, journal=journal, masker=masker, interruption=interruption)
    except (OSError, JournalError, EvidenceError) as exc:
        reason = f"the bundle could not be sealed: {exc}".partition("\n")[0]
    return Conclusion(
        outcome=INCOMPLETE,
        full=record.plan.window.full,
        verdicts=(),
        exit_status=EXIT_NOT_PROVEN,
        still_up=_still_up(record.receipts, mutates=prepared.plan.mutates),
        stop_reason=reason,
        unsealed=reason,
    )


def _closing(record: Record, conclusion: Conclusion) -> bytes:
    """Return the closing; one that cannot be signed says nothing that a reader could believe."""
    # What is closed comes before its closing, wherever the wall's clock was set meanwhile.
    files, closed_at = digests(record.directory), max(SystemClock().now(), verdict_time(record))

    def build(signers: tuple[Signer, ...]) -> bytes:
        return sealed_closing(
            record.plan,
            opening=record.opening,
            outcome=conclusion.outcome,
            files=files,
            head=record.head,
            receipts=len(record.receipts),
            closed_at=closed_at,
            withheld=withheld_in(record.directory),
            signers=signers,
        )

    return record.sealer.seal(build)


def sealed_conclusion(bundle: Bundle, *, mutates: bool) -> Conclusion:
    """Return what a closed bundle says it came to."""
    outcome = bundle.closing.outcome
    receipts = {receipt.phase: receipt for receipt in bundle.receipts}
    return Conclusion(
        outcome=outcome,
        full=bundle.plan.window.full,
        verdicts=bundle.verdicts,
        exit_status=EXIT_PROVEN if outcome == PROVEN else EXIT_NOT_PROVEN,
        still_up=_still_up(receipts, mutates=mutates),
        stop_reason="the run was sealed, and ended before it could put its own things away",
    )


def _on_disk(record: Record, types: Mapping[str, type], masker: Redactor) -> tuple[Bundle | None, str]:
    """Return the bundle as it lies on the disk, and why it is not what this run wrote, or ""."""
    try:
        bundle = Bundle.open(record.directory, types)
        problems = [problem.message for problem in bundle.chain_problems()]
    except EvidenceError as exc:
        return None, f"the evidence on the disk cannot be read any more: {exc}"
    problems += [told(one) for one in withheld_in(record.directory)]
    if {file.receipt.phase: file.digest for file in bundle.files} != record.digests:
        problems.append("the receipts on the disk are not those that this run wrote")
    problems += [
        f"{path} holds a value that is known to be secret"
        for path, data in listed(record.directory).items()
        if masker.finds(data)
    ]
    return bundle, problems[0] if problems else ""


def _write_verdicts(directory: Path, verdicts: tuple[Verdict, ...], masker: Redactor) -> tuple[Verdict, ...]:
    """Write the verdicts and return them as they are on disk; each must be there whatever it holds."""
    document = Verdicts(verdicts=verdicts)
    if hits := masker.scan(canonical(encode(document))):
        note(directory, "verdicts.json", hits)
        document = decode(Verdicts, masker.masked(encode(document)))
    write_atomic(directory / "verdicts.json", canonical(encode(document)))
    return document.verdicts


def _derive(bundle: Bundle, prepared: Prepared, conclusion: Conclusion, masker: Redactor) -> None:
    """Write what is derived from the evidence: the reference's files, and the page."""
    for path, data in _derived_files(bundle, prepared, conclusion).items():
        keep(bundle.directory, f"derived/{path}", data, masker)
    result = test_result.render(
        bundle, outcome=conclusion.outcome, plan_digest=digest((bundle.directory / PLAN).read_bytes())
    )
    keep(bundle.directory, test_result.PATH, result, masker)
    keep(bundle.directory, "proof.html", html.render(bundle, outcome=conclusion.outcome), masker)


def _derived_files(bundle: Bundle, prepared: Prepared, conclusion: Conclusion) -> dict[str, bytes]:
    if prepared.plan.name in COLLECTED:
        return derived_collection.files(bundle)
    return derived.files(
        bundle,
        prepared.settings,
        stop_reason=conclusion.stop_reason,
        exit_code=conclusion.exit_status,
        hints={phase.name: phase.command_hint for phase in prepared.plan.phases},
    )


def verdict_time(record: Record) -> str:
    """Return when the last receipt ended: judging adds no fact, so it has no time of its own."""
    return max((receipt.ended_at for receipt in record.receipts.values()), default=record.plan.created_at)


def last_instant(record: Record, journal: Journal) -> str:
    """Return the last instant that is on record of a run, or of those it inherits from; "" where none is yet."""
    written = [str(one["at"]) for one in journal.records()[-1:]]
    return max([*written, *(receipt.ended_at for receipt in record.receipts.values())], default="")


def _judged(record: Record, plan: Plan, expected: ExpectedContract) -> tuple[Verdict, ...]:
    verdicts = judge_contract(record, plan, expected.name)
    judged = {verdict.subject for verdict in verdicts}
    missing = [subject for subject in expected.subjects if subject not in judged]
    if missing:
        # Criteria are frozen, so this is a defect; it must not pass for a proof.
        msg = f"contract {expected.name} was not judged on {', '.join(missing)}"
        raise AssertionError(msg)
    return verdicts


def _outcome(
    record: Record, verdicts: tuple[Verdict, ...], own: OwnTests | None, interruption: BaseException | None
) -> BundleOutcome:
    if interruption is not None:
        return INCOMPLETE
    doubtful = own.doubtful if own is not None else ()
    refuted = any(verdict.status is Status.REFUTED for verdict in verdicts)
    if refuted or _failed(record) or any(test.outcome != "lost" for test in doubtful):
        return REFUTED
    if doubtful:
        return INCOMPLETE
    if _complete(record) and verdicts and all(verdict.proven for verdict in verdicts):
        return PROVEN
    return INCOMPLETE


def _exit_status(
    record: Record, verdicts: tuple[Verdict, ...], own: OwnTests | None, interruption: BaseException | None
) -> int:
    if isinstance(interruption, Interruption):
        return interruption.exit_status
    proven = _outcome(record, verdicts, own, interruption) == PROVEN
    return EXIT_PROVEN if proven else EXIT_NOT_PROVEN


def _complete(record: Record) -> bool:
    return all(name in record.receipts and record.receipts[name].outcome in ACCEPTED for name in record.plan.phases)


def _failed(record: Record) -> bool:
    return any(receipt.outcome is Outcome.FAILED for receipt in record.receipts.values())


def _still_up(receipts: Mapping[str, Receipt[Any]], *, mutates: bool) -> bool:
    """Return whether something may be left: no teardown ran or ended as it should, or it found that or cannot say."""
    if not mutates:
        return False
    teardown = receipts.get("teardown")
    if teardown is None or not teardown.passed:
        return True
    facts: Any = encode(teardown.observed)
    unmarked = any((one["kind"], one.get("state")) == ("object", UNMARKED) for one in facts.get("foreign", ()))
    return unmarked or any(facts.get(name) for name in ("residue", "before_unsettled", "held_unsettled"))


def _stop_reason(record: Record, own: OwnTests | None, interruption: BaseException | None) -> str:
    """Return why the run stopped where it did, in the reference's words where it has them."""
    if interruption is not None:
        return f"interrupted: {interruption}"
    for name in record.plan.phases:
        receipt = record.receipts.get(name)
        if receipt is None or receipt.outcome in ACCEPTED:
            continue
        if receipt.outcome is Outcome.FAILED:
            attempts = len(receipt.attempts)
            retried = f"after {attempts} attempts" if attempts > 1 else "(non-retryable)"
            return f"phase={name} failed {retried}"
        return f"phase={name} {receipt.outcome}: {receipt.reason}"
    if own is not None and own.doubtful:
        return f"own test {own.doubtful[0].test} is {own.doubtful[0].outcome}"
    window = record.plan.window
    if window.start_at == "teardown":
        return "start-at=teardown executed teardown only"
    if "diagnose" in record.receipts:
        return "diagnostics-only mode completed"
    if window.stop_after != "promote":
        return f"stop-after={window.stop_after} reached"
    promote = record.receipts.get("promote")
    if promote is not None and promote.outcome is Outcome.NOT_RUN:
        asked = record.plan.criteria.approval.awaited
        return promote.reason if asked else "auto promote disabled; stopped at manual promotion gate"
    return "completed requested phases"
