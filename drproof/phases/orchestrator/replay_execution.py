"""The execution that was handed in, done again by its definition with the answers that its tasks had."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from drproof.analysis.execution_steps import ERROR, STATE
from drproof.analysis.machine import recorded, scenarios
from drproof.analysis.machine.recorded import ENDS, Move
from drproof.analysis.machine.scenarios import Scenario
from drproof.analysis.machine.values import NotReplayableError
from drproof.evidence.canonical import digest
from drproof.evidence.exported import ASKED
from drproof.formats import asl, execution_history
from drproof.formats.asl import Machine
from drproof.formats.receipts_v1 import word
from drproof.model.context import Context
from drproof.model.phase import phase
from drproof.phases.execution.sorting import Sorted, sort
from drproof.phases.orchestrator.read_state_machine import the_definition


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveSeen:
    """A state that was entered, a task that was called, or an end."""

    kind: str
    """`enters`, `calls` or `ends`."""
    name: str
    """Of the state; of an end its status, and its error behind a colon."""
    sha256: str
    """Of what reached the state, of what its task was called with, or of what came out; empty where nobody says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioSeen:
    """How the execution would have ended, had the task of a state gone otherwise."""

    state: str
    what: str
    """`fails`, `is silent`, or `is answered by an empty object`."""
    status: str
    error: str
    last: str
    told: bool
    """Whether another task was called after it."""
    problem: str
    """Why nobody can say; empty where somebody can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayObserved:
    """What the history shows, what the definition does, and what it would have done."""

    history: tuple[MoveSeen, ...] = ()
    definition: tuple[MoveSeen, ...] = ()
    scenarios: tuple[ScenarioSeen, ...] = ()
    problem: str = ""
    """Why the execution cannot be done again; empty when it was."""


@phase(
    plans={"orchestrator"},
    after=["read_execution", "read_state_machine"],
    objective_ms=60_000,
    command_hint="drproof export --execution-arn ARN --out exported/",
)
def replay_execution(ctx: Context) -> ReplayObserved:
    """The definition ran again with the answers on record, and with each task gone wrong; nothing was called."""
    machine = asl.machine_of(the_definition(ctx.collection)[1])
    found = sort(ctx.collection)
    try:
        return _replayed(machine, found)
    except NotReplayableError as exc:
        return ReplayObserved(problem=str(exc))


def _replayed(machine: Machine, found: Sorted) -> ReplayObserved:
    described: dict[str, Any] = next(filter(execution_history.is_description, found.documents.values()), {})
    record = recorded.record_of(
        found.events,
        execution=word(described.get("executionArn")),
        machine=word(described.get("stateMachineArn")),
        # An export takes over some members of a call; a history as the platform prints it has all of them.
        members=ASKED if found.beside.mode else None,
    )
    history, definition = recorded.compared(machine, record)
    return ReplayObserved(
        history=tuple(_moves(history)),
        definition=tuple(_moves(definition)),
        scenarios=tuple(map(_scenario, scenarios.played(machine, record))),
    )


def _moves(moves: Iterable[Move]) -> Iterator[MoveSeen]:
    for move in moves:
        name = ": ".join(map(_error, move.name.split(": ", 1))) if move.kind == ENDS else _state(move.name)
        yield MoveSeen(kind=move.kind, name=name, sha256=move.sha256)


def _scenario(one: Scenario) -> ScenarioSeen:
    return ScenarioSeen(
        state=_state(one.state),
        what=one.what,
        status=one.status,
        error=_error(one.error),
        last=_state(one.last),
        told=one.told,
        problem=one.problem,
    )


def _state(name: str) -> str:
    return name if STATE.fullmatch(name) else _without_words("a state", name)


def _error(name: str) -> str:
    return name if not name or ERROR.fullmatch(name) else _without_words("an error", name)


def _without_words(what: str, name: str) -> str:
    """Return what tells a name from others without repeating it."""
    return f"{what} with another name ({digest(name.encode(errors='surrogatepass'))[:12]})"
