"""What would have become of a recorded execution, had one of its tasks gone otherwise: its definition answers that.

Each task that was called before anything failed fails, and says nothing; whoever is asked for a decision sends an
object without a member. All else answers as it did on record; of what was never called nothing is known.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from drproof.analysis.machine.integrations import resource_of
from drproof.analysis.machine.recorded import Record, again, refuse_branches
from drproof.analysis.machine.replay import Answer, Asked, UnansweredError
from drproof.analysis.machine.values import NotReplayableError, Part
from drproof.formats.asl import Machine

FAILS, IS_SILENT, SAYS_NOTHING = "fails", "is silent", "is answered by an empty object"
FAILURE = "Played.Failure"
"""The error of a task that fails: no handler names it, so that whoever catches everything has to."""
FOR_EVER = 10**9
"""Seconds: longer than any limit of a task, thirty years."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """How an execution would have ended, had the task of a state gone otherwise."""

    state: str
    what: str
    """What its task does otherwise."""
    status: str = ""
    """`RUNNING` where what comes next could not be asked."""
    error: str = ""
    last: str = ""
    """The state that is entered last."""
    told: bool = False
    """Whether another task is called after it."""
    problem: str = ""
    """Why nobody can say; empty where somebody can."""


def played(machine: Machine, record: Record) -> tuple[Scenario, ...]:
    """Return every scenario of a record.

    Raises:
        NotReplayableError: the machine runs branches beside each other.
    """
    refuse_branches(machine)
    return tuple(_scenarios(machine, record))


def _scenarios(machine: Machine, record: Record) -> Iterator[Scenario]:
    waiting = {one.name for one in machine.all_states() if resource_of(one.resource).waits_for_token}
    for state in _went_well(record):
        for what in (FAILS, IS_SILENT, *((SAYS_NOTHING,) if state in waiting else ())):
            yield _played(machine, record, state, what)


def _went_well(record: Record) -> Iterator[str]:
    """Yield the states whose tasks were called before one failed for good, and that one."""
    seen: dict[str, None] = {}
    for number, call in enumerate(record.calls):
        seen.setdefault(call.state)
        following = record.calls[number + 1].state if number + 1 < len(record.calls) else ""
        if (call.answer is None or call.answer.error) and following != call.state:
            break
    yield from seen


def _played(machine: Machine, record: Record, state: str, what: str) -> Scenario:
    left: dict[str, deque[Answer]] = {}
    for call in record.calls:
        if call.answer is not None and not call.answer.error:
            left.setdefault(call.state, deque()).append(call.answer)

    said: list[Asked] = []

    def answer(asked: Asked) -> Answer:
        if asked.state != state:
            if said and what == SAYS_NOTHING:
                raise UnansweredError
            queue = left.get(asked.state)
            return queue.popleft() if queue else Answer(value=Part())
        said.append(asked)
        if what == FAILS:
            return Answer(error=FAILURE, cause="it was played")
        if what == IS_SILENT:
            return Answer(value=Part(), after_seconds=FOR_EVER)
        return Answer(value={})

    try:
        done = again(machine, record, answer)
    except NotReplayableError as exc:
        return Scenario(state=state, what=what, problem=str(exc))
    first = next((number for number, asked in enumerate(done.asked) if asked.state == state), None)
    if first is None:
        return Scenario(state=state, what=what, problem="by the definition it is never called")
    return Scenario(
        state=state,
        what=what,
        status=done.status,
        error=done.error,
        last=done.entered[-1].name,
        told=any(asked.state != state for asked in done.asked[first:]),
    )
