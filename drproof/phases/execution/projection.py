"""The typed facts of what was sorted, taken field by field: what is not named here stays outside."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from drproof.analysis import execution_steps, mutation_verbs
from drproof.analysis.execution_steps import Step
from drproof.formats import node_table
from drproof.formats.aws_instants import instant
from drproof.formats.own_receipts import FORM as OWN
from drproof.formats.receipts_v1 import SAID_PHASES, ReceiptV1, identifier, word
from drproof.formats.s3_listing import Stored
from drproof.model.errors import FormatError
from drproof.phases.execution.observed import (
    ActSeen,
    Age,
    BuildHanded,
    CauseSeen,
    Changes,
    Decision,
    Machine,
    ManifestSeen,
    ReceiptSeen,
    Restored,
    RunSeen,
    StepSeen,
    Told,
    TriggerHanded,
    Validated,
    Wire,
)
from drproof.phases.execution.sorting import Sorted

TAIL = 4000
"""How many characters of a command's output the reference keeps; of an output that long the beginning may be lost."""

APPROVAL = "request_manual_approval"
WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/+=@ -]{0,199}", re.ASCII)
"""A name as platforms and people write it; anything else is not taken over."""

COUNTS = ("terraform_changes", "resource_changes", "changes")
LAUNCHED = ("launched_at", "launch_time")


def receipts(found: Sorted) -> Iterator[ReceiptSeen]:
    """Yield what each receipt says about itself."""
    for phase, (file, receipt) in sorted(found.receipts.items()):
        said = SAID_PHASES.get(phase, frozenset({phase}))
        yield ReceiptSeen(
            phase=phase,
            file=file,
            form=receipt.form,
            says_phase=phase if receipt.phase in said else _name(receipt.phase) or "nothing",
            status=_name(receipt.status),
            at=receipt.at,
            execution=_name(receipt.execution),
            account_id=_name(receipt.account_id),
            region=_name(receipt.region),
            given_sha256=receipt.given_sha256,
            result_sha256=receipt.result_sha256,
        )


def machine(found: Sorted) -> Machine:
    """Return what the receipts say about the machine, and how old it was."""
    built, resolved, looked = (_of(found, phase) for phase in ("bringup", "resolve_runner", "validate"))
    outputs = _mapping(built.result.get("terraform_outputs")) if built else {}
    own = built.result.get("instance_ids") if built else None
    brought_up = own[0] if isinstance(own, list) and own else built.result.get("instance_id") if built else ""
    stdout = word(looked.result.get("stdout_tail")) if looked else ""
    launched = next(
        (_instant(one.result.get(name)) for one in (resolved, built) if one for name in LAUNCHED if name in one.result),
        "",
    ) or _instant(_value(outputs, "launch_time"))
    return Machine(
        brought_up=_name(_value(outputs, "instance_id") or brought_up),
        resolved=_name(resolved.result.get("instance_id")) if resolved else "",
        validated=_name(looked.given.get("instance_id")) if looked else "",
        launched_at=launched,
        changes=_changes(built),
        node_ages=tuple(
            Age(node=_name(age.node), at_least_ms=age.at_least_ms, less_than_ms=age.less_than_ms)
            for age in node_table.ages(stdout)
        ),
        looked_at=looked.at if looked else "",
    )


def restored(found: Sorted) -> Iterator[Restored]:
    """Yield each object that restore speaks of."""
    receipt = _of(found, "restore")
    rows = receipt.result.get("checked_keys") if receipt else []
    for row in rows if isinstance(rows, list) else []:
        if isinstance(row, dict):
            sha256 = word(row.get("sha256"))
            yield Restored(
                key=word(row.get("key"))[:1024],
                size=_count(row.get("content_length")) or 0,
                sha256=sha256 if re.fullmatch("[0-9a-f]{64}", sha256) else "",
                restored_to=bool(word(row.get("restored_to"))),
            )


def validated(found: Sorted) -> Validated | None:
    """Return what validation's command did."""
    receipt = _of(found, "validate")
    if receipt is None:
        return None
    text = "\n".join(word(receipt.result.get(name)) for name in ("stdout_tail", "stderr_tail"))
    return Validated(
        status=_name(receipt.result.get("status")),
        lines=sum(bool(line.strip()) for line in word(receipt.result.get("stdout_tail")).splitlines()),
        whole=all(len(word(receipt.result.get(name))) < TAIL for name in ("stdout_tail", "stderr_tail")),
        made=mutation_verbs.made(text),
    )


def told(found: Sorted, phase: str) -> Told | None:
    """Return what people were told in a phase."""
    receipt = _of(found, phase)
    if receipt is None:
        return None
    return Told(
        # A receipt of ours has passed only once the message has a number.
        published=receipt.result.get("published") is True or (receipt.form == OWN and receipt.status == "ok"),
        message_id=_name(receipt.result.get("message_id")),
        status=_name(receipt.given.get("status") or receipt.result.get("status")),
    )


def decisions(found: Sorted) -> Iterator[Decision]:
    """Yield the answers that receipts and history keep."""
    if "decision" in found.receipts:
        file, receipt = found.receipts["decision"]
        yield _decision(file, receipt.result, receipt.at, tied=bool(receipt.execution))
    answered = [step for step in execution_steps.steps(found.events) if step.phase == APPROVAL and step.answer]
    for step in answered:
        yield (
            _decided(step)
            if "decision" in (step.answer or {})
            else _decision("history", step.answer or {}, step.ended_at, tied=True)
        )


def run(found: Sorted) -> RunSeen | None:
    """Return the execution as history and description have it."""
    described = found.description
    if not found.events:
        if described is None:
            return None
        return RunSeen(
            status=described.status,
            started_at=described.started_at,
            stopped_at=described.stopped_at,
            events=0,
            problem="only the description of the execution was handed in",
            steps=(),
            answer=None,
            cause=None,
            described_as=described.status,
            described_execution=_name(described.execution),
        )
    events = found.events
    status = execution_steps.status(events)
    cause = execution_steps.deepest_cause(events)
    return RunSeen(
        status=status,
        started_at=events[0].at,
        stopped_at="" if status == execution_steps.RUNNING else events[-1].at,
        events=len(events),
        problem=execution_steps.problem_of(events),
        steps=tuple(_step(step) for _, step in sorted(execution_steps.last_of(execution_steps.steps(events)).items())),
        answer=next((one for one in decisions(found) if one.source == "history"), None),
        cause=CauseSeen(
            kind=cause.kind, phase=_name(cause.phase), state=cause.state, error=cause.error, denied=cause.denied
        )
        if cause
        else None,
        last_state=execution_steps.last_state(events),
        requested_by=_name(events[0].document("input").get("requested_by")),
        described_as=described.status if described else "",
        described_execution=_name(described.execution) if described else "",
    )


def acts(found: Sorted) -> Iterator[ActSeen]:
    """Yield what our own machine asked its function for, one act a row however often it was."""
    asked: dict[str, list[Step]] = {}
    for step in execution_steps.steps(found.events):
        if _name(step.act):
            asked.setdefault(step.act, []).append(step)
    for name, steps in sorted(asked.items()):
        answered = [step for step in steps if step.outcome == "succeeded"]
        yield ActSeen(
            name=name,
            asked=len(steps),
            answered=len(answered),
            answers=tuple(dict.fromkeys(step.result_sha256 for step in answered)),
        )


def builds(found: Sorted) -> Iterator[BuildHanded]:
    """Yield the builds of an export."""
    for one in found.beside.builds:
        yield BuildHanded(
            build_id=_name(one.build_id),
            action=_name(one.action),
            status=_name(one.status),
            execution=_name(one.execution),
            started_at=one.started_at,
            ended_at=one.ended_at,
        )


def wires(found: Sorted) -> Iterator[Wire]:
    """Yield what the execution really used: what its tasks called, and what its machine was."""
    used = {("machine", found.beside.machine), ("role", found.beside.role)}
    for event in found.events:
        asked = event.document("parameters") if event.kind in execution_steps.SCHEDULED else {}
        used |= {("function", word(asked.get("FunctionName"))), ("project", word(asked.get("ProjectName")))}
    for phase in ("notify", APPROVAL):
        receipt = _of(found, phase)
        used.add(("topic", word(receipt.result.get("topic_arn")) if receipt else ""))
    for kind, name in sorted(used):
        if _name(name):
            yield Wire(kind=kind, name=name)


def triggers(found: Sorted) -> Iterator[TriggerHanded]:
    """Yield what may start executions by itself."""
    for name, state in found.beside.triggers:
        yield TriggerHanded(name=_name(name), state=_name(state))


def stored(found: Sorted) -> Iterator[Stored]:
    """Yield the objects of the executions that the receipts name; others are none of our business."""
    folders = {_folder(receipt.execution) for _, receipt in found.receipts.values() if receipt.execution}
    for one in found.stored:
        parts = one.key.split("/")
        if len(parts) > 1 and parts[-2] in folders:
            yield one


def manifest(found: Sorted) -> ManifestSeen | None:
    """Return how the manifest differs from the files of the folder."""
    if found.listed is None:
        return None
    listed = {one.path: (one.sha256, one.size) for one in found.listed}
    there = {
        seen.name: (seen.sha256, seen.size) for seen in found.files if seen.kind != "manifest" and "/" not in seen.name
    }
    return ManifestSeen(
        listed=len(listed),
        missing=tuple(sorted(listed.keys() - there.keys())),
        extra=tuple(sorted(there.keys() - listed.keys())),
        different=tuple(sorted(path for path in listed.keys() & there.keys() if listed[path] != there[path])),
    )


def _of(found: Sorted, phase: str) -> ReceiptV1 | None:
    return found.receipts[phase][1] if phase in found.receipts else None


def _step(step: Step) -> StepSeen:
    return StepSeen(
        phase=_name(step.phase),
        state=step.state,
        outcome=step.outcome,
        scheduled_at=step.scheduled_at,
        ended_at=step.ended_at,
        execution=_name(step.execution),
        account_id=_name(step.account_id),
        region=_name(step.region),
        given_sha256=step.given_sha256,
        result_sha256=step.result_sha256,
    )


def _decision(source: str, said: Mapping[str, Any], at: str, *, tied: bool) -> Decision:
    approved = said.get("approved")
    # The text "false" is true to a careless reader: only a boolean is an answer.
    answer = {True: "yes", False: "no"}[approved] if isinstance(approved, bool) else "unclear"
    return Decision(source=source, approved=answer, approver=_name(said.get("approver")), at=at, tied=tied)


def _decided(step: Step) -> Decision:
    """Return a decision as our own approvers send it; what it is signed with is for `drproof verify` to judge."""
    said = _mapping((step.answer or {})["decision"])
    about = identifier(said.get("execution_arn") or said.get("drill_id"))
    return replace(
        _decision("history", said, step.ended_at, tied=about == step.execution),
        ticket=_name(said.get("ticket")),
        decided_at=_instant(said.get("decided_at")),
        expires_at=_instant(said.get("expires_at")),
    )


def _changes(built: ReceiptV1 | None) -> Changes | None:
    if built is not None and built.form == OWN:
        own = [_count(built.result.get(name)) for name in ("created", "changed", "destroyed")]
        if None in own:
            return None
        added, changed, destroyed = (count or 0 for count in own)
        return Changes(added=added, changed=changed, destroyed=destroyed)
    rows = (built.result.get(name) for name in COUNTS) if built else ()
    for row in rows:
        if isinstance(row, dict):
            counts = [_count(row.get(name)) for name in ("add", "change", "destroy")]
            if all(count is not None for count in counts):
                added, changed, destroyed = (count or 0 for count in counts)
                return Changes(added=added, changed=changed, destroyed=destroyed)
    return None


def _folder(execution: str) -> str:
    """Return the name under which the reference stores an execution's receipts."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", execution).strip("_")


def _value(outputs: Mapping[str, Any], name: str) -> object:
    return _mapping(outputs.get(name)).get("value")


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _instant(value: object) -> str:
    try:
        return instant(value)
    except FormatError:
        return ""


def _name(value: object) -> str:
    """Return a short name; prose, and whatever may hide something, is not taken over."""
    text = word(value)
    return text if WORD.fullmatch(text) else ""
