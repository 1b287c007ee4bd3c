"""Judging: contracts on receipts, with their negative controls, and nothing else.

The live drill, the offline check and the orchestrator all call `judge`; there is no other way to a verdict.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from drproof.model.codec import encode
from drproof.model.contract import Contract, NotApplicableError, Part, Parts, Receipts, Sabotage
from drproof.model.criteria import Criteria
from drproof.model.errors import EvidenceError
from drproof.model.lifting import folded
from drproof.model.receipt import EvidenceRef, Outcome, Receipt
from drproof.model.verdict import Control, ControlResult, Finding, Status, Verdict, undecided

ReadEvidence: TypeAlias = Callable[[EvidenceRef], Any]
"""Returns the parsed content of a file of the bundle after comparing its digest; raises `EvidenceError`."""

Checked: TypeAlias = Callable[[Receipt[Any]], str | None]
"""Returns why a receipt is not valid against its schema, or None."""


def subjects_of(contract: Contract, criteria: Criteria, receipts: Receipts) -> tuple[str, ...]:
    """Return what `contract` must be judged on; empty means that nothing was found to judge.

    A contract about the whole has the one subject `""`.
    """
    subjects = contract.subjects
    if subjects.expected is not None:
        return tuple(dict.fromkeys(subjects.expected(criteria)))
    if subjects.discovered is not None:
        receipt = receipts.get(subjects.phase)
        if receipt is None or not receipt.passed:
            return ()
        return tuple(dict.fromkeys(subjects.discovered(receipt)))
    return ("",)


def judge(  # noqa: PLR0913 — the inputs of a judgement are what they are
    contract: Contract,
    receipts: Receipts,
    criteria: Criteria,
    *,
    digests: Mapping[str, str],
    read: ReadEvidence,
    check: Checked,
) -> tuple[Verdict, ...]:
    """Return one verdict for each subject of `contract`; never an empty tuple.

    `digests` maps each phase to the digest of its receipt's bytes.
    """
    found = _judged(contract, receipts, criteria, digests=digests, read=read, check=check)
    by_hand = {name for phase in contract.needs if phase in receipts for name in receipts[phase].by_hand}
    # What a person did carries the claim as well: whoever reads the verdict reads that beside it.
    return tuple(replace(verdict, by_hand=tuple(sorted(by_hand))) for verdict in found) if by_hand else found


def _judged(  # noqa: PLR0913 — the inputs of a judgement are what they are
    contract: Contract,
    receipts: Receipts,
    criteria: Criteria,
    *,
    digests: Mapping[str, str],
    read: ReadEvidence,
    check: Checked,
) -> tuple[Verdict, ...]:
    subjects = subjects_of(contract, criteria, receipts)
    if not subjects:
        found_by = f", and {contract.subjects.phase} found none" if contract.subjects.phase else ""
        reason = f"nothing to judge: no {contract.subjects.label} is known{found_by}"
        return (_verdict(contract, "", undecided(reason), (), digests),)
    if (parts := contract.parts) is not None:
        return tuple(_judge_part(contract, parts, receipts, criteria, one, digests, read, check) for one in subjects)
    return tuple(_judge_one(contract, receipts, criteria, subject, digests, read, check) for subject in subjects)


def _judge_part(  # noqa: PLR0913 — the inputs of a judgement are what they are
    contract: Contract,
    parts: Parts,
    receipts: Receipts,
    criteria: Criteria,
    subject: str,
    digests: Mapping[str, str],
    read: ReadEvidence,
    check: Checked,
) -> Verdict:
    """Judge one subject of many by the contract of one, and fold its verdicts into one."""
    part = _part(contract, parts, receipts, criteria, subject, read)
    if isinstance(part, Finding):
        return _verdict(contract, subject, part, (), digests)

    def evidence(ref: EvidenceRef) -> Any:  # noqa: ANN401 — plain JSON
        return part.evidence[ref.name]

    verdicts = judge(parts.contract, part.receipts, part.criteria, digests={}, read=evidence, check=check)
    finding, controls = folded(verdicts)
    if finding.status is Status.PROVEN:
        controls = (*controls, *_removed_parts(contract, parts, receipts, criteria, subject, read))
        finding = _with_controls(finding, controls)
    return _verdict(contract, subject, finding, controls, digests)


def _part(  # noqa: PLR0913 — the inputs of a judgement are what they are
    contract: Contract, parts: Parts, receipts: Receipts, criteria: Criteria, subject: str, read: ReadEvidence
) -> Part | Finding:
    """Return what one subject of many is judged on, or the finding that it is not there."""
    arguments = _arguments(contract, receipts, criteria, subject, read)
    if isinstance(arguments, Finding):
        return arguments
    try:
        taken = parts.take(arguments[contract.needs[0]], criteria, subject, read)
    except EvidenceError as exc:
        return undecided(f"the reading of {subject} cannot be read: {exc}")
    return undecided(taken) if isinstance(taken, str) else taken


def _removed_parts(  # noqa: PLR0913 — the inputs of a judgement are what they are
    contract: Contract, parts: Parts, receipts: Receipts, criteria: Criteria, subject: str, read: ReadEvidence
) -> Iterable[Control]:
    """Take the receipt about many away, and every reading: both must leave the claim unproven."""
    (phase,) = contract.needs
    bare = {**receipts, phase: replace(receipts[phase], evidence=())}
    gone = {name: receipt for name, receipt in receipts.items() if name != phase}
    for name, spoiled in ((f"{phase}: receipt absent", gone), (f"{phase}: readings absent", bare)):
        found = _part(contract, parts, spoiled, criteria, subject, read)
        result = ControlResult.UNPROVEN if isinstance(found, Finding) else ControlResult.SURVIVED
        reason = found.reason if isinstance(found, Finding) else ""
        yield Control(name=name, kind="removal", result=result, reason=reason)


def _judge_one(  # noqa: PLR0913 — the inputs of a judgement are what they are
    contract: Contract,
    receipts: Receipts,
    criteria: Criteria,
    subject: str,
    digests: Mapping[str, str],
    read: ReadEvidence,
    check: Checked,
) -> Verdict:
    arguments = _arguments(contract, receipts, criteria, subject, read)
    if isinstance(arguments, Finding):
        return _verdict(contract, subject, arguments, (), digests)
    finding = _decide(contract, arguments)
    if finding.status is not Status.PROVEN:
        return _verdict(contract, subject, finding, (), digests)
    controls = (
        *(_sabotaged(contract, sabotage, arguments, check) for sabotage in contract.sabotages),
        *_removals(contract, receipts, criteria, subject, read),
    )
    return _verdict(contract, subject, _with_controls(finding, controls), controls, digests)


def _arguments(
    contract: Contract, receipts: Receipts, criteria: Criteria, subject: str, read: ReadEvidence
) -> dict[str, Any] | Finding:
    """Return what `decide` is called with, or the finding that the evidence is not there."""
    arguments: dict[str, Any] = {"criteria": criteria, "subject": subject}
    for phase in contract.needs:
        receipt = receipts.get(phase)
        if receipt is None:
            return undecided(f"there is no receipt of {phase}")
        if receipt.outcome not in contract.accepts:
            return undecided(f"{phase} is {receipt.outcome}: {receipt.reason or 'no reason given'}")
        if receipt.passed and receipt.observed is None:
            return undecided(f"the receipt of {phase} observed nothing")
        arguments[phase] = receipt
    for parameter, (phase, name) in contract.reads.items():
        refs = [ref for ref in receipts[phase].evidence if ref.name == name] if phase in receipts else []
        if len(refs) != 1:
            return undecided(f"the receipt of {phase} names {len(refs)} evidence files {name!r}, expected 1")
        try:
            arguments[parameter] = read(refs[0])
        except EvidenceError as exc:
            return undecided(f"evidence {refs[0].path} cannot be read: {exc}")
    return arguments


def _decide(contract: Contract, arguments: Mapping[str, Any]) -> Finding:
    """Call the contract; an error in it is no verdict about the world."""
    try:
        return contract.decide(**{name: arguments[name] for name in contract.parameters})
    except Exception as exc:  # noqa: BLE001 — whatever a contract stumbles over, the claim is not shown
        return undecided(f"the evidence could not be judged: {type(exc).__name__}: {exc}")


def _sabotaged(contract: Contract, sabotage: Sabotage, arguments: Mapping[str, Any], check: Checked) -> Control:
    """Spoil the evidence in one way and see whether the contract refutes it."""

    def control(result: ControlResult, reason: str = "") -> Control:
        return Control(name=sabotage.name, kind="sabotage", result=result, reason=reason)

    asked = sabotage.spoil.__code__.co_varnames[: sabotage.spoil.__code__.co_argcount]
    try:
        spoiled = sabotage.spoil(**{name: arguments[name] for name in asked})
    except NotApplicableError as exc:
        return control(ControlResult.NOT_APPLICABLE, str(exc))
    except Exception as exc:  # noqa: BLE001 — a sabotage that cannot be made speaks for nothing
        return control(ControlResult.BROKEN, f"{type(exc).__name__}: {exc}")
    if encode(spoiled) == encode(arguments[sabotage.spoils]):
        return control(ControlResult.CHANGED_NOTHING, "the spoiled evidence equals the original")
    if isinstance(spoiled, Receipt) and (problem := check(spoiled)):
        return control(ControlResult.BROKEN, f"the spoiled receipt is not a valid one: {problem}")
    finding = _decide(contract, {**arguments, sabotage.spoils: spoiled})
    if finding.status is Status.REFUTED:
        return control(ControlResult.REFUTED, finding.reason)
    result = ControlResult.SURVIVED if finding.status is Status.PROVEN else ControlResult.UNPROVEN
    return control(result, finding.reason)


def _removals(
    contract: Contract, receipts: Receipts, criteria: Criteria, subject: str, read: ReadEvidence
) -> Iterable[Control]:
    """Take each needed receipt away, and turn each into a failed one: both must leave the claim unproven."""
    for phase in contract.needs:
        without = {name: receipt for name, receipt in receipts.items() if name != phase}
        yield _removal(contract, f"{phase}: receipt absent", without, criteria, subject, read)
        if Outcome.FAILED not in contract.accepts:
            failed = {**receipts, phase: replace(receipts[phase], outcome=Outcome.FAILED, reason="negative control")}
            yield _removal(contract, f"{phase}: receipt failed", failed, criteria, subject, read)


def _removal(  # noqa: PLR0913 — the inputs of a judgement, plus the name of the control
    contract: Contract, name: str, receipts: Receipts, criteria: Criteria, subject: str, read: ReadEvidence
) -> Control:
    arguments = _arguments(contract, receipts, criteria, subject, read)
    finding = arguments if isinstance(arguments, Finding) else _decide(contract, arguments)
    results = {
        Status.PROVEN: ControlResult.SURVIVED,
        Status.REFUTED: ControlResult.REFUTED,
        Status.UNPROVEN: ControlResult.UNPROVEN,
    }
    return Control(name=name, kind="removal", result=results[finding.status], reason=finding.reason)


def _with_controls(finding: Finding, controls: tuple[Control, ...]) -> Finding:
    """Take the proof away when a negative control did not convince, or none could be made."""
    weak = [c for c in controls if not c.convincing and c.result is not ControlResult.NOT_APPLICABLE]
    if weak:
        names = ", ".join(f"{c.name} ({c.result})" for c in weak)
        return replace(finding, status=Status.UNPROVEN, reason=f"the contract did not show that it can fail: {names}")
    if not any(c.kind == "sabotage" and c.convincing for c in controls):
        return replace(finding, status=Status.UNPROVEN, reason="no sabotage could be applied to this evidence")
    return finding


def _verdict(
    contract: Contract, subject: str, finding: Finding, controls: tuple[Control, ...], digests: Mapping[str, str]
) -> Verdict:
    return Verdict(
        contract=contract.name,
        version=contract.version,
        claim=contract.claim,
        subject=subject,
        status=finding.status,
        observed=encode(finding.observed),
        expected=encode(finding.expected),
        reason=finding.reason,
        receipts=tuple(digests[phase] for phase in contract.needs if phase in digests),
        controls_of=contract.controls,
        controls=controls,
    )
