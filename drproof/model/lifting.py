"""From one to many: a contract of one restore point judges each of a fleet, by the same claim, sabotages and controls.

A phase that does what another does, once for each of many subjects, says so (`Phase.each`). Every contract that needs
only that other phase then joins its plan, lifted: it is judged on each subject's own reading, as if that were all.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from drproof.model.codec import decode
from drproof.model.contract import Contract, Part, Parts, discovered
from drproof.model.criteria import Criteria
from drproof.model.errors import EvidenceError
from drproof.model.phase import Each, Phase
from drproof.model.receipt import Attempt, Cause, EvidenceRef, Outcome, Receipt
from drproof.model.verdict import Control, ControlResult, Finding, Status, Verdict


class Row(Protocol):
    """What a receipt about many says of one: its name, and which evidence holds its reading; or why there is none."""

    @property
    def subject(self) -> str:
        """Its name."""

    @property
    def reading(self) -> str:
        """The name of the evidence that holds what was read; empty when nothing came back."""

    @property
    def reason(self) -> str:
        """Why it is not read; empty when it is."""


class Reading(Protocol):
    """What came of one of many, as the evidence holds it: how it ended, what was observed, what was kept."""

    subject: str
    outcome: Outcome
    reason: str
    cause: Cause | None
    started_at: str
    ended_at: str
    duration_ms: int
    attempts: tuple[Attempt, ...]
    observed: Any
    kept: Any


def lift(contract: Contract, many: Phase[Any]) -> Contract:
    """Return the contract that judges each subject of `many` as `contract` judges the one."""
    each = many.each
    if each is None or set(contract.needs) != {each.of.name}:
        msg = f"contract {contract.name} needs {contract.needs}, and {many.name} repeats no such phase"
        raise ValueError(msg)
    (kind,) = many.keeps.values()

    def take(receipt: Receipt[Any], criteria: Criteria, subject: str, read: Callable[[EvidenceRef], Any]) -> Part | str:
        return _taken(receipt, each.bar(criteria, subject), subject, read, of=each, kind=kind)

    return Contract(
        name=contract.name,
        claim=contract.claim,
        decide=contract.decide,
        needs=(many.name,),
        version=contract.version,
        subjects=discovered(each.label, many.name, lambda receipt: [row.subject for row in receipt.facts.rows]),
        controls=contract.controls,
        topic=contract.topic,
        applies=contract.applies,
        sabotages=contract.sabotages,
        parts=Parts(contract, take),
    )


def _taken(  # noqa: PLR0913 — one subject of many, and how it was read
    receipt: Receipt[Any],
    bar: Criteria,
    subject: str,
    read: Callable[[EvidenceRef], Any],
    *,
    of: Each,
    kind: Any,  # noqa: ANN401 — a type
) -> Part | str:
    rows = [row for row in receipt.facts.rows if row.subject == subject]
    if len(rows) != 1:
        return f"{receipt.phase} has {len(rows)} rows of {subject}, expected 1"
    name = rows[0].reading
    if not name:
        return f"{subject} was not read: {rows[0].reason}"
    refs = [ref for ref in receipt.evidence if ref.name == name]
    if len(refs) != 1:
        return f"the receipt of {receipt.phase} names {len(refs)} evidence files {name!r}, expected 1"
    content = read(refs[0])
    reading: Reading = decode(kind, content)
    if reading.subject != subject:
        return f"{refs[0].path} is the reading of {reading.subject}, expected {subject}"
    kept: Mapping[str, Any] = content["kept"] or {}
    if reading.outcome is Outcome.PASSED and kept.keys() != of.of.keeps.keys():
        raise EvidenceError("reading", f"{refs[0].path} keeps {sorted(kept)}, expected {sorted(of.of.keeps)}")
    one: Receipt[Any] = replace(
        receipt,
        phase=of.of.name,
        outcome=reading.outcome,
        reason=reading.reason,
        cause=reading.cause,
        started_at=reading.started_at,
        ended_at=reading.ended_at,
        duration_ms=reading.duration_ms,
        attempts=reading.attempts,
        observed=reading.observed,
        # Each kept content is part of the one evidence file.
        evidence=tuple(replace(refs[0], name=part) for part in kept),
    )
    return Part({of.of.name: one}, bar, kept)


def folded(verdicts: Iterable[Verdict]) -> tuple[Finding, tuple[Control, ...]]:
    """Return the verdicts of one contract on one restore point as one: the gravest decides, and names its subject."""
    found = tuple(verdicts)
    grave = next((v for v in found if v.status is Status.REFUTED), None) or next(
        (v for v in found if v.status is Status.UNPROVEN), None
    )
    if grave is not None:
        of = f"{grave.subject}: " if grave.subject else ""
        return Finding(grave.status, grave.observed, grave.expected, f"{of}{grave.reason}"), grave.controls
    if len(found) == 1:
        return Finding(Status.PROVEN, found[0].observed, found[0].expected), found[0].controls
    finding = Finding(Status.PROVEN, {v.subject: v.observed for v in found}, {v.subject: v.expected for v in found})
    names = dict.fromkeys((control.name, control.kind) for v in found for control in v.controls)
    return finding, tuple(_control(name, kind, found) for name, kind in names)


def _control(name: str, kind: str, verdicts: tuple[Verdict, ...]) -> Control:
    """Return one control over several subjects: where it could be applied anywhere, that counts, the weakest first."""
    of = [control for v in verdicts for control in v.controls if (control.name, control.kind) == (name, kind)]
    applied = [control for control in of if control.result is not ControlResult.NOT_APPLICABLE]
    return next((control for control in applied if not control.convincing), (applied or of)[0])
