"""An execution that is on record, done again: what its definition does with the answers that its tasks had.

The record is the history. What it does not repeat (instants, tokens, the words of a cause, members that an export left
out) is unknown to the replay, and equal to whatever stands there in the record. When a person or the platform ended an
execution is no doing of the definition: such a record is followed as far as it goes.
"""

import re
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from drproof.analysis.execution_steps import OUTCOMES, REDRIVEN, RUNNING, SCHEDULED, status
from drproof.analysis.machine.intrinsics import Chance
from drproof.analysis.machine.replay import Answer, Answers, Asked, Run, UnansweredError, run
from drproof.analysis.machine.values import UNSAID, NotReplayableError, Part
from drproof.evidence.redaction import MASK
from drproof.formats.asl import Machine
from drproof.formats.execution_history import Event
from drproof.formats.receipts_v1 import digest, word
from drproof.formats.strict_json import parse as parse_json
from drproof.model.errors import FormatError

ENTERS, CALLS, ENDS = "enters", "calls", "ends"
BESIDE = frozenset({"Parallel", "Map"})
BY_ITSELF = frozenset({"SUCCEEDED", "FAILED"})
"""The ends that a definition comes to; the others are made from outside it."""
TIMED_OUT = "TIMED_OUT"
TIME_LIMIT = "States.Timeout"
NOTHING = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One thing that an execution did."""

    kind: str
    """`enters`, `calls` or `ends`."""
    name: str
    """Of the state; of an end its status, and its error behind a colon."""
    sha256: str = ""
    """Of what reached the state, of what its task was called with, or of what came out; empty where nobody says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One task of the record, with its answer; of one that is still open, or that nobody waited for, None."""

    state: str
    answer: Answer | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What the history of an execution says."""

    given: Any
    moves: tuple[tuple[str, str, Any], ...]
    """Kind, name and data of each move; the data are `NOTHING` where the history has none."""
    calls: tuple[Call, ...]
    context: Mapping[str, Mapping[str, Any]]
    ended: str
    """`SUCCEEDED`, `FAILED`, `ABORTED`, `TIMED_OUT` or `RUNNING`."""
    members: frozenset[str] | None
    """Of what tasks are called with, the members that an export takes over; None for a history as it was."""


def record_of(
    events: Sequence[Event], *, execution: str = "", machine: str = "", members: Collection[str] | None = None
) -> Record:
    """Return the record that a history is.

    `execution` and `machine` are their ARNs; `members` those of a call that an export takes over.

    Raises:
        NotReplayableError: it does not hold what is needed to do it again.
    """
    if not events:
        raise NotReplayableError("no history was handed in")
    given = _said(events[0], "input")
    if given is NOTHING:
        raise NotReplayableError("the history does not hold what the execution was given")
    if any(event.kind == REDRIVEN for event in events):
        raise NotReplayableError("it was redriven past an end of its definition, which knows of no such thing")
    ended = status(events)
    moves: list[tuple[str, str, Any]] = []
    calls: list[Call] = []
    state = ""
    for event in events:
        if event.kind.endswith("StateEntered"):
            state = word(event.details.get("name"))
            moves.append((ENTERS, state, _said(event, "input")))
        elif event.kind in SCHEDULED:
            moves.append((CALLS, state, _said(event, SCHEDULED[event.kind])))
            calls.append(Call(state=state, answer=None))
        elif event.kind in OUTCOMES and calls:
            calls[-1] = replace(calls[-1], answer=_answer(event, calls[-1].state, exported=members is not None))
    if ended in BY_ITSELF:
        error = word(events[-1].details.get("error"))
        moves.append((ENDS, f"{ended}: {error}" if error else ended, _said(events[-1], "output")))
    elif ended != RUNNING:
        moves.append((ENDS, ended, NOTHING))
    return Record(
        given=given,
        moves=tuple(moves),
        calls=tuple(calls),
        context=_context(events[0], execution, machine),
        ended=ended,
        members=frozenset(members) if members is not None else None,
    )


def compared(machine: Machine, record: Record) -> tuple[tuple[Move, ...], tuple[Move, ...]]:
    """Return what the record shows, and what the definition does with the same answers.

    Raises:
        NotReplayableError: the machine uses what a replay does not have, or asks for what the record does not hold.
    """
    refuse_branches(machine)
    left = deque(record.calls)

    def answer(asked: Asked) -> Answer:
        call = left.popleft() if left else None
        if call is None or call.answer is None or call.state != asked.state:
            raise UnansweredError
        return call.answer

    # The clock of the record is not this one: its limits ended it or did not.
    timeless = replace(machine, fields={k: v for k, v in machine.fields.items() if k != "TimeoutSeconds"})
    made = _moves(again(timeless, record, answer))
    if record.ended not in BY_ITSELF:
        made = made[: len([move for move in record.moves if move[0] != ENDS])]
        if record.ended != RUNNING:
            limited = record.ended != TIMED_OUT or "TimeoutSeconds" in machine.fields
            made.append((ENDS, record.ended if limited else "WITHOUT_A_LIMIT_OF_TIME", NOTHING))
    shown, done = [], []
    for number in range(max(len(record.moves), len(made))):
        ours = record.moves[number] if number < len(record.moves) else None
        theirs = made[number] if number < len(made) else None
        if ours is not None:
            shown.append(_move(ours, _covered(theirs, ours, record.members) if theirs else ours[2]))
        if theirs is not None:
            done.append(_move(theirs, _taken(theirs, ours, record.members)))
    return tuple(shown), tuple(done)


def again(machine: Machine, record: Record, answers: Answers) -> Run:
    """Return the run of a machine with what a record says, and these answers."""
    return run(
        machine,
        record.given,
        answers,
        context=record.context,
        chance=Chance(uuid=lambda: UNSAID, number=_no_number),
    )


def _context(first: Event, execution: str, machine: str) -> dict[str, dict[str, Any]]:
    parts = execution.split(":")
    return {
        "Execution": {
            "Id": execution or UNSAID,
            "Name": parts[-1] or UNSAID,
            "RoleArn": word(first.details.get("roleArn")) or UNSAID,
            "StartTime": UNSAID,
        },
        "State": {"EnteredTime": UNSAID},
        "StateMachine": {"Id": machine or UNSAID, "Name": machine.rpartition(":")[2] or UNSAID},
        "Task": {"Token": UNSAID},
    }


def _answer(event: Event, state: str, *, exported: bool) -> Answer:
    if OUTCOMES[event.kind] == "succeeded":
        value = _said(event, "output")
        if value is NOTHING:
            raise NotReplayableError(f"the history does not hold what the task of {state} answered")
        return Answer(value=_as_exported(value) if exported else value)
    error = word(event.details.get("error"))
    return Answer(
        error=error or (TIME_LIMIT if OUTCOMES[event.kind] == "timed_out" else "States.TaskFailed"), cause=UNSAID
    )


def _as_exported(value: Any) -> Any:  # noqa: ANN401
    """Return an answer of which an export takes over a few members: the others are there, and unknown."""
    if isinstance(value, dict) and isinstance(value.get("Build"), dict):
        return Part({**value, "Build": Part(value["Build"])})
    return Part(value) if isinstance(value, dict) and {"Payload", "StatusCode"} <= value.keys() else value


def _said(event: Event, name: str) -> Any:  # noqa: ANN401 — plain JSON, or NOTHING
    text, about = event.details.get(name), event.details.get(f"{name}Details")
    if not isinstance(text, str) or (isinstance(about, dict) and about.get("truncated") is True):
        return NOTHING
    try:
        return parse_json(text, fractions=True)
    except FormatError:
        return NOTHING


def _moves(done: Run) -> list[tuple[str, str, Any]]:
    found: list[tuple[str, str, Any]] = []
    for number, entered in enumerate(done.entered, start=1):
        found.append((ENTERS, entered.name, entered.given))
        found += [(CALLS, one.state, one.parameters) for one in done.asked if one.entered == number]
    if done.status != RUNNING:
        name = f"{done.status}: {done.error}" if done.error else done.status
        found.append((ENDS, name, done.output if done.status == "SUCCEEDED" else NOTHING))
    return found


def _move(move: tuple[str, str, Any], data: Any) -> Move:  # noqa: ANN401
    return Move(kind=move[0], name=move[1], sha256="" if data is NOTHING else digest(data))


def _taken(made: tuple[str, str, Any], recorded: tuple[str, str, Any] | None, members: frozenset[str] | None) -> Any:  # noqa: ANN401
    """Return the data of what was made as far as the record would have them."""
    data = made[2]
    if recorded is None or data is NOTHING or recorded[2] is NOTHING:
        return NOTHING
    if members is not None and made[0] == CALLS and isinstance(data, dict):
        return {name: value for name, value in data.items() if name in members}
    return data


def _covered(made: tuple[str, str, Any], recorded: tuple[str, str, Any], members: frozenset[str] | None) -> Any:  # noqa: ANN401
    data = _taken(made, recorded, members)
    return NOTHING if data is NOTHING else _as_made(recorded[2], data)


def _as_made(recorded: Any, made: Any) -> Any:  # noqa: ANN401
    """Return what is on record, with what was made wherever one of the two is not known."""
    if isinstance(made, str) and isinstance(recorded, str):
        parts = (re.escape(part) for part in made.split(UNSAID))
        alike = UNSAID in made and re.fullmatch(".*".join(parts), recorded, re.DOTALL)
        return made if alike or MASK in recorded else recorded
    if isinstance(made, Part):
        inner = recorded if isinstance(recorded, dict) else {}
        known = {name: _as_made(inner.get(name), value) for name, value in made.items()}
        return known if isinstance(recorded, dict) or not made else recorded
    if isinstance(made, dict) and isinstance(recorded, dict):
        return {name: _as_made(value, made[name]) if name in made else value for name, value in recorded.items()}
    if isinstance(made, list) and isinstance(recorded, list) and len(made) == len(recorded):
        return list(map(_as_made, recorded, made))
    return recorded


def refuse_branches(machine: Machine) -> None:
    """Refuse a machine whose parts run beside each other.

    Raises:
        NotReplayableError: it has such a state.
    """
    for state in machine.all_states():
        if state.kind in BESIDE:
            raise NotReplayableError(
                f"{state.name} runs machines beside each other: a history does not say which did what"
            )


def _no_number(_first: int, _last: int) -> int:
    raise NotReplayableError("the machine draws a number, and the history does not say which")
