"""An execution of another orchestrator, read once from the files that were handed in."""

from collections.abc import Iterator
from dataclasses import dataclass

from drproof.analysis import execution_steps
from drproof.analysis.execution_steps import STATE
from drproof.evidence.approvals import SignedDecision
from drproof.evidence.exact import exactly
from drproof.formats import secret_shapes
from drproof.formats.receipts_v1 import word
from drproof.model.context import Context
from drproof.model.errors import EvidenceError, PhaseError
from drproof.model.phase import phase
from drproof.phases.execution import projection
from drproof.phases.execution.observed import ExecutionObserved, SecretSeen
from drproof.phases.execution.sorting import Sorted, sort


@dataclass(frozen=True, slots=True, kw_only=True)
class EventKept:
    """One event of the history without what its tasks were given and gave back."""

    number: int
    previous: int
    kind: str
    at: str
    state: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerKept:
    """What came back to an execution of ours that waited for people."""

    signed: SignedDecision | None
    """None where it is no signed decision."""
    opening: str
    """The opening of the drill that the receipt of its validation names; empty where there is none."""


@phase(
    plans={"execution", "orchestrator"},
    keeps={"events": tuple[EventKept, ...], "answer": AnswerKept},
    command_hint="drproof collect --source-dir … --output-dir … --alarm-history-json …",
)
def read_execution(ctx: Context) -> ExecutionObserved:
    """Every handed file was read once and sorted; nothing outside them was asked, and no secret was taken over."""
    if not ctx.collection.files:
        msg = "no file was handed in: there is nothing to judge"
        raise PhaseError(msg)
    found = sort(ctx.collection)
    ctx.evidence("events", tuple(_kept(found)))
    if ctx.plan.criteria.execution.own:
        for answer in _answers(found):
            ctx.evidence("answer", answer)
    return ExecutionObserved(
        files=tuple(found.files),
        receipts=tuple(projection.receipts(found)),
        machine=projection.machine(found),
        restored=tuple(projection.restored(found)),
        validated=projection.validated(found),
        told=projection.told(found, "notify"),
        asked=projection.told(found, projection.APPROVAL),
        decisions=tuple(projection.decisions(found)),
        alarms=found.changes,
        run=projection.run(found),
        stored=tuple(projection.stored(found)),
        manifest=projection.manifest(found),
        secrets=tuple(_secrets(ctx, found)),
        read_at=ctx.clock.now(),
        builds=tuple(projection.builds(found)),
        wires=tuple(projection.wires(found)),
        triggers=tuple(projection.triggers(found)),
        acts=tuple(projection.acts(found)),
    )


def _kept(found: Sorted) -> Iterator[EventKept]:
    for event in found.events:
        name = word(event.details.get("name"))
        yield EventKept(
            number=event.number,
            previous=event.previous,
            kind=event.kind if event.kind.isalnum() else "",
            at=event.at,
            state=name if STATE.fullmatch(name) else "",
        )


def _answers(found: Sorted) -> Iterator[AnswerKept]:
    """Yield what came back last, if anything did."""
    step = execution_steps.last_of(execution_steps.steps(found.events)).get(projection.APPROVAL)
    if step is None or step.answer is None:
        return
    validation = found.documents.get("validate.json")
    opening = word(validation.get("opening")) if isinstance(validation, dict) else ""
    try:
        signed = exactly(SignedDecision, step.answer)
    except EvidenceError:
        signed = None
    yield AnswerKept(signed=signed, opening=opening)


def _secrets(ctx: Context, found: Sorted) -> Iterator[SecretSeen]:
    unread = {file.name: file.data.decode("utf-8", "replace") for file in ctx.collection.files}
    seen = set()
    for name in sorted(unread):
        document = found.documents.get(name, unread[name])
        for kind, where, text in secret_shapes.find(document):
            seen.add((name, where))
            yield SecretSeen(file=name, kind=kind, where=where, tag=ctx.tag(text.encode()))
    for row in found.beside.masked:
        # What an export masked lay open all the same; a masked token is still seen by the name that it stands under.
        if (row.file, row.where) not in seen:
            yield SecretSeen(file=row.file, kind=row.kind, where=row.where, tag=ctx.tag(f"{row}".encode()))
