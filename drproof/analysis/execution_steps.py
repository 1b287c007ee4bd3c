"""What the history of an execution shows: each phase with what went in and came out, the end, and its deepest cause."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from drproof.formats.execution_history import ARN_PARTS, ENDINGS, Event
from drproof.formats.receipts_v1 import digest, identifier, word

OUTCOMES: Mapping[str, str] = {
    "TaskSucceeded": "succeeded",
    "LambdaFunctionSucceeded": "succeeded",
    "TaskFailed": "failed",
    "TaskSubmitFailed": "failed",
    "TaskStartFailed": "failed",
    "LambdaFunctionFailed": "failed",
    "LambdaFunctionScheduleFailed": "failed",
    "LambdaFunctionStartFailed": "failed",
    "TaskTimedOut": "timed_out",
    "LambdaFunctionTimedOut": "timed_out",
}
"""The events that end a task, and how."""

SCHEDULED: Mapping[str, str] = {"TaskScheduled": "parameters", "LambdaFunctionScheduled": "input"}
"""The events that begin a task, and the detail that holds what goes in."""

RUNNING = "RUNNING"
REDRIVEN = "ExecutionRedriven"
"""The event by which the platform goes on with an execution that had ended without success."""
DENIED = re.compile(r"not authorized to perform: ([a-z0-9-]+:[A-Za-z*]+)", re.ASCII)
ERROR = re.compile(r"[A-Za-z0-9_.:-]{1,80}", re.ASCII)
"""An error's name; anything longer is somebody's prose, and stays outside."""

STATE = re.compile(r"[A-Za-z0-9_ .-]{1,80}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One task of the execution."""

    phase: str
    state: str
    act: str = ""
    """What a function of ours was asked for; empty for a build, and for another orchestrator's."""
    outcome: str = "open"
    scheduled_at: str
    ended_at: str = ""
    execution: str = ""
    account_id: str = ""
    region: str = ""
    given_sha256: str = ""
    result_sha256: str = ""
    answer: Mapping[str, Any] | None = None
    """What came back with the task's token, for a task that waited for one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why an execution did not succeed, as deep as its history goes."""

    kind: str
    phase: str = ""
    state: str = ""
    error: str = ""
    denied: str = ""


def steps(events: Iterable[Event]) -> tuple[Step, ...]:
    """Return every task in the order in which it was scheduled; an event belongs to the task that it follows from."""
    found: list[Step] = []
    task_of: dict[int, int] = {}
    state_of: dict[int, str] = {}
    for event in events:
        state_of[event.number] = _state(event) or state_of.get(event.previous, "")
        if event.kind in SCHEDULED:
            task_of[event.number] = len(found)
            found.append(_begun(event, state_of[event.number]))
        elif event.previous in task_of:
            number = task_of[event.number] = task_of[event.previous]
            found[number] = _advanced(found[number], event)
    return tuple(found)


def last_of(found: Iterable[Step]) -> dict[str, Step]:
    """Return the last task of each phase: a later one overwrites the receipt of an earlier one."""
    return {step.phase: step for step in found if step.phase}


def status(events: Sequence[Event]) -> str:
    """Return how an execution ended, by its last event; `RUNNING` while it did not."""
    return ENDINGS.get(events[-1].kind, RUNNING)


def problem_of(events: Sequence[Event]) -> str:
    """Return why a history is not whole, or ""."""
    if events[0].kind != "ExecutionStarted":
        return "the history does not begin with the start of the execution"
    if [event.number for event in events] != list(range(1, len(events) + 1)):
        return "the numbers of the events have gaps"
    for event, before in zip(events[1:], events, strict=False):
        if not 0 <= event.previous < event.number:
            return f"event {event.number} follows from one that is not before it"
        if event.at < before.at:
            return f"event {event.number} is earlier than the one before it"
        if before.kind in ENDINGS and not (event.kind == REDRIVEN and before.kind != "ExecutionSucceeded"):
            return f"event {event.number} comes after the end of the execution"
    return ""


def deepest_cause(events: Sequence[Event]) -> Cause | None:
    """Return why an execution did not succeed; None for one that did, and for one that still runs.

    The last event only says that a state for failures was reached; the task before it says why.
    """
    last = events[-1]
    if last.kind not in ENDINGS or last.kind == "ExecutionSucceeded":
        return None
    found = steps(events)
    ended = {"ExecutionAborted": "aborted", "ExecutionTimedOut": "timed_out"}.get(last.kind)
    if ended:
        waiting = [step for step in found if step.outcome == "open"]
        return Cause(kind=ended, phase=waiting[-1].phase if waiting else "", state=waiting[-1].state if waiting else "")
    if word(last.details.get("error")) == "States.Runtime":
        return Cause(kind="runtime", error="States.Runtime", state=last_state(events))
    failures = _final_failures(events)
    if not failures:
        return Cause(kind="unknown", error=_error(last), state=last_state(events))
    return _of_task(failures[-1], events)


def _final_failures(events: Iterable[Event]) -> list[Event]:
    """Return the failures of tasks that no further attempt in the same visit of their state made good."""
    found: list[Event] = []
    visit: dict[int, int] = {}
    failed: dict[int, Event] = {}
    for event in events:
        visit[event.number] = event.number if event.kind.endswith("StateEntered") else visit.get(event.previous, 0)
        how = OUTCOMES.get(event.kind)
        if how is None:
            continue
        # Of several attempts the last one counts.
        earlier = failed.pop(visit[event.number], None)
        if earlier is not None:
            found.remove(earlier)
        if how != "succeeded":
            failed[visit[event.number]] = event
            found.append(event)
    return found


def _of_task(failure: Event, events: Sequence[Event]) -> Cause:
    until = [event for event in events if event.number <= failure.number]
    step = next((step for step in reversed(steps(until)) if step.ended_at == failure.at), None)
    cause = word(failure.details.get("cause"))
    denied = DENIED.search(cause)
    if denied:
        kind = "denied"
    elif '"BuildStatus"' in cause:
        kind = "build"
    elif OUTCOMES[failure.kind] == "timed_out":
        kind = "timed_out"
    else:
        kind = "task"
    return Cause(
        kind=kind,
        phase=step.phase if step else "",
        state=step.state if step else "",
        error=_error(failure),
        denied=denied[1] if denied else "",
    )


def _begun(event: Event, state: str) -> Step:
    given = event.document(SCHEDULED[event.kind])
    payload = given.get("Payload", given)
    if "EnvironmentVariablesOverride" in given:
        payload = _environment(given["EnvironmentVariablesOverride"])
    payload = payload if isinstance(payload, dict) else {}
    execution, account_id, region = _of_ours(payload)
    return Step(
        phase=word(payload.get("act") or payload.get("action") or payload.get("ACTION")),
        state=state,
        act=word(payload.get("act")),
        scheduled_at=event.at,
        execution=execution or identifier(payload.get("execution_id") or payload.get("EXECUTION_ID")),
        account_id=account_id or word(payload.get("expected_account_id") or payload.get("EXPECTED_ACCOUNT_ID")),
        region=region or word(payload.get("region") or payload.get("AWS_REGION")),
        given_sha256=digest(payload) if payload else "",
    )


def _of_ours(payload: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return name, account and region of the execution as our own machine passes it on; empty for another's."""
    told = payload.get("execution")
    parts = word(told.get("arn")).split(":") if isinstance(told, dict) else []
    return (parts[-1], parts[4], parts[3]) if len(parts) >= ARN_PARTS else ("", "", "")


def _environment(rows: object) -> dict[str, Any]:
    rows = rows if isinstance(rows, list) else []
    return {word(row.get("Name")): row.get("Value") for row in rows if isinstance(row, dict)}


def _advanced(step: Step, event: Event) -> Step:
    output = event.document("output")
    payload = output.get("Payload", output)
    payload = payload if isinstance(payload, dict) else {}
    build = output.get("Build")
    if "phase_outputs" in payload:
        step = replace(step, result_sha256=digest(payload["phase_outputs"]))
    elif "receipt" in payload:
        # Our own machine passes references on: the digest of the receipt's bytes.
        step = replace(step, result_sha256=word(payload.get("sha256")))
    elif isinstance(build, dict):
        step = replace(step, result_sha256=digest(build.get("Id")))
    elif event.kind in OUTCOMES and output:
        step = replace(step, answer=output)
    if event.kind in OUTCOMES:
        step = replace(step, outcome=OUTCOMES[event.kind], ended_at=event.at)
    return step


def _state(event: Event) -> str:
    name = word(event.details.get("name")) if event.kind.endswith("StateEntered") else ""
    return name if STATE.fullmatch(name) else ""


def last_state(events: Sequence[Event]) -> str:
    """Return the state that was entered last, or ""."""
    return next((name for event in reversed(events) if (name := _state(event))), "")


def _error(event: Event) -> str:
    name = word(event.details.get("error"))
    return name if ERROR.fullmatch(name) else ""
