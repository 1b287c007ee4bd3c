"""What an execution did is what its definition does, and what could have gone wrong with it would have been heard."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TypeAlias

from drproof.analysis.machine.recorded import CALLS, ENDS, ENTERS
from drproof.analysis.machine.replay import UNCATCHABLE
from drproof.analysis.machine.scenarios import SAYS_NOTHING
from drproof.contracts.execution.changed import one
from drproof.model.contract import NotApplicableError, contract
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding, compare, undecided
from drproof.phases.orchestrator.replay_execution import MoveSeen, ReplayObserved, ScenarioSeen

Replayed: TypeAlias = Receipt[ReplayObserved]
FIRST = 3
"""How many scenarios a reason names; the finding has them all."""


@contract(needs=["replay_execution"], topic="recovery", controls=["NIST CP-10", "NIST SI-7", "SOC 2 CC7.2"])
def history_is_what_the_definition_does(replay_execution: Replayed) -> Finding:
    """Every state entered, every call with what it was told, and the end follow from the definition and the answers."""
    facts = replay_execution.facts
    if facts.problem or not (facts.history or facts.definition):
        return undecided(f"the execution cannot be done again: {facts.problem or 'its history shows nothing'}")
    differs = next(_differences(facts), len(facts.history))
    shown, done = _at(facts.history, differs), _at(facts.definition, differs)
    told = f"after {differs} moves the history {shown}, and by the definition it {done}"
    return compare(
        observed={"moves": len(facts.history), "then": shown},
        expected={"moves": len(facts.definition), "then": done},
        reason=f"{told}: what went in or came out is another" if _alike(facts, differs) else told,
    )


def _differences(facts: ReplayObserved) -> Iterator[int]:
    for number in range(max(len(facts.history), len(facts.definition))):
        if facts.history[number : number + 1] != facts.definition[number : number + 1]:
            yield number


def _alike(facts: ReplayObserved, number: int) -> bool:
    """Return whether history and definition do the same there, with other data."""
    rows = [
        (move.kind, move.name) for moves in (facts.history, facts.definition) for move in moves[number : number + 1]
    ]
    return rows[:1] == rows[1:]


def _at(moves: tuple[MoveSeen, ...], number: int) -> str:
    """Return what comes at a number, with what goes in or comes out: the same move may have other data."""
    if number >= len(moves):
        return "shows nothing more"
    move = moves[number]
    data = f" ({move.sha256[:12]})" if move.sha256 else ""
    return f"{move.kind} {'as ' if move.kind == ENDS else ''}{move.name}{data}"


@history_is_what_the_definition_does.sabotage("a state was skipped")
def skipped(replay_execution: Replayed) -> Replayed:
    """Skip the last state that was entered."""
    history = replay_execution.facts.history
    left = _last(history, ENTERS)
    return _with(replay_execution, history=(*history[:left], *history[left + 1 :]))


@history_is_what_the_definition_does.sabotage("another state was entered")
def elsewhere(replay_execution: Replayed) -> Replayed:
    """Go elsewhere."""
    return _changed(replay_execution, ENTERS, name="Elsewhere")


@history_is_what_the_definition_does.sabotage("a task was called with something else")
def told_otherwise(replay_execution: Replayed) -> Replayed:
    """Call it with something else."""
    history = replay_execution.facts.history
    if not history[_last(history, CALLS)].sha256:
        msg = "the history does not say what tasks were called with"
        raise NotApplicableError(msg)
    return _changed(replay_execution, CALLS, sha256="0" * 64)


@history_is_what_the_definition_does.sabotage("it ended otherwise")
def ended_otherwise(replay_execution: Replayed) -> Replayed:
    """End otherwise."""
    return _changed(replay_execution, ENDS, name="otherwise")


@history_is_what_the_definition_does.sabotage("it went on")
def went_on(replay_execution: Replayed) -> Replayed:
    """Enter one more state."""
    more = MoveSeen(kind=ENTERS, name="More", sha256="")
    return _with(replay_execution, history=(*replay_execution.facts.history, more))


@contract(needs=["replay_execution"], topic="recovery", controls=["NIST CP-10", "NIST IR-6", "SOC 2 A1.2"])
def whatever_goes_wrong_is_heard(replay_execution: Replayed) -> Finding:
    """Had a task failed or stayed silent, the definition would have told of it and failed; no answer ends unheard."""
    facts = replay_execution.facts
    if facts.problem or not facts.scenarios:
        return undecided(f"no scenario can be played: {facts.problem or 'no task was called'}")
    unheard = [told for row in facts.scenarios if not row.problem and (told := _unheard(row))]
    unknown = [f"{row.state} {row.what}: {row.problem}" for row in facts.scenarios if row.problem]
    if unknown and not unheard:
        return undecided(f"nobody can say how {len(unknown)} of {len(facts.scenarios)} scenarios end: {unknown[0]}")
    return compare(
        observed={"scenarios": len(facts.scenarios), "unheard": unheard},
        expected={"scenarios": len(facts.scenarios), "unheard": []},
        reason=f"{len(unheard)} of {len(facts.scenarios)} scenarios end unheard: {'; '.join(unheard[:FIRST])}",
    )


def _unheard(row: ScenarioSeen) -> str:
    """Return how a scenario ends that nobody hears of; empty where somebody does."""
    ended = f"{row.state} {row.what}: {row.status}{f' by {row.error}' if row.error else ''} in {row.last}"
    if row.error == UNCATCHABLE:
        return f"{ended}, which no Catch catches"
    if row.what == SAYS_NOTHING:
        return ""
    if row.status != "FAILED":
        return ended
    return "" if row.told else f"{ended}, and nothing is called in between"


@whatever_goes_wrong_is_heard.sabotage("a failure ends in success")
def taken_for_success(replay_execution: Replayed) -> Replayed:
    """Succeed."""
    return _played(replay_execution, told=True, status="SUCCEEDED")


@whatever_goes_wrong_is_heard.sabotage("nobody is told of a failure")
def told_nobody(replay_execution: Replayed) -> Replayed:
    """Tell nobody."""
    return _played(replay_execution, told=False)


@whatever_goes_wrong_is_heard.sabotage("a failure ends the execution past every Catch")
def past_every_catch(replay_execution: Replayed) -> Replayed:
    """End by `States.Runtime`."""
    return _played(replay_execution, error=UNCATCHABLE)


@whatever_goes_wrong_is_heard.sabotage("an answer without its fields ends the execution past every Catch")
def short_answer(replay_execution: Replayed) -> Replayed:
    """Let the answer of a person end it."""
    rows = one(replay_execution.facts.scenarios, lambda row: row.what == SAYS_NOTHING, error=UNCATCHABLE, problem="")
    return _with(replay_execution, scenarios=rows)


def _last(moves: tuple[MoveSeen, ...], kind: str) -> int:
    found = [number for number, move in enumerate(moves) if move.kind == kind]
    if not found:
        msg = f"the history has no move that {kind}"
        raise NotApplicableError(msg)
    return found[-1]


def _changed(replay_execution: Replayed, kind: str, **changes: str) -> Replayed:
    history = list(replay_execution.facts.history)
    number = _last(replay_execution.facts.history, kind)
    history[number] = replace(history[number], **changes)
    return _with(replay_execution, history=tuple(history))


def _played(replay_execution: Replayed, **changes: str | bool) -> Replayed:
    rows = one(replay_execution.facts.scenarios, lambda row: row.what != SAYS_NOTHING, problem="", **changes)
    return _with(replay_execution, scenarios=rows)


def _with(replay_execution: Replayed, **changes: tuple[MoveSeen, ...] | tuple[ScenarioSeen, ...]) -> Replayed:
    return replace(replay_execution, observed=replace(replay_execution.facts, **changes))  # type: ignore[arg-type] # rows of two kinds
