"""What a state machine must be to be sound, what an execution of it must have done, and what leaves that open."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from drproof.model.verdict import ControlResult
from tests.contracts.boundary import PROVEN, REFUTED, UNPROVEN, boundary, expect
from tests.contracts.checks import House
from tests.contracts.evidence import PASSING, Evidence
from tests.contracts.observed_machine import HEARD, MACHINE, MOVES, SHORT

CONTRACT = "state_machine_is_sound"


def _machine(change: Callable[[dict[str, Any]], object]) -> Evidence:
    document = json.loads(MACHINE.text)
    change(document["States"])
    return PASSING.file("definition", {"text": json.dumps(document)})


def _ask_for(path: str) -> Evidence:
    return _machine(lambda states: states["Promote"]["Parameters"]["Payload"].update({"reason.$": path}))


@boundary
def each_part_of_a_machine_is_judged_by_itself(house: House) -> None:
    lost = _machine(lambda states: states["Notify"].update(Next="Nowhere"))
    never = _ask_for("$.phases.notify.reason")
    uncaught = _machine(lambda states: states["Restore"].pop("Catch"))
    for subject, refuted in (("ways", lost), ("data", never), ("conduct", uncaught)):
        others = [one for one in (lost, never, uncaught) if one is not refuted and one is not lost]
        expect(
            house,
            CONTRACT,
            (PASSING, PROVEN),
            (refuted, REFUTED),
            *((one, PROVEN) for one in others),
            subject=subject,
        )
    verdict = house.verdict(CONTRACT, uncaught, "conduct")
    assert verdict.observed == [
        "Restore.Catch: task_has_no_catch: an error that no catcher names ends the execution, and nobody is told"
    ]
    assert verdict.reason.startswith("1 defects: Restore.Catch: task_has_no_catch")


@boundary
def what_nobody_describes_is_open_and_what_is_wrong_beside_it_is_not(house: House) -> None:
    said = _ask_for("$.decision.reason")
    expect(house, CONTRACT, (said, UNPROVEN), subject="data")
    expect(house, CONTRACT, (said, PROVEN), subject="ways")
    assert "1 paths lead to what nobody describes" in house.verdict(CONTRACT, said, "data").reason
    both = _machine(
        lambda states: states["Promote"]["Parameters"]["Payload"].update(
            {"reason.$": "$.decision.reason", "arn.$": "$$.Execution.Arn"}
        )
    )
    expect(house, CONTRACT, (both, REFUTED), subject="data")


@boundary
def a_definition_that_cannot_be_read_is_open(house: House) -> None:
    for text in ("", "{}", '{"StartAt": "A", "States": {"A": {"Type": "Task"}}, "QueryLanguage": "JSONata"}'):
        for subject in ("ways", "data", "conduct"):
            expect(house, CONTRACT, (PASSING.file("definition", {"text": text}), UNPROVEN), subject=subject)


def _replayed(**changes: Any) -> Evidence:
    return PASSING.facts("replay_execution", **changes)


def _history(number: int, **changes: str) -> Evidence:
    moves = list(MOVES)
    moves[number] = replace(moves[number], **changes)
    return _replayed(history=tuple(moves))


@boundary
def a_history_is_the_definition_s_up_to_its_last_move(house: House) -> None:
    contract = "history_is_what_the_definition_does"
    without = _replayed(history=MOVES[:-1])
    entered = house.verdict(contract, _replayed(history=MOVES[:1], definition=MOVES[:1]))
    assert [control.name for control in entered.controls if control.result is ControlResult.NOT_APPLICABLE] == [
        "a task was called with something else",
        "it ended otherwise",
    ]
    expect(
        house,
        contract,
        (PASSING, PROVEN),
        (_replayed(problem="One runs machines beside each other"), UNPROVEN),
        (_replayed(history=(), definition=()), UNPROVEN),
        (_replayed(history=()), REFUTED),
        (_replayed(definition=()), REFUTED),
        (without, REFUTED),
        (_replayed(definition=MOVES[:-1]), REFUTED),
        (_replayed(history=MOVES[:1], definition=MOVES[:1]), PROVEN),
        (_history(0, sha256=""), REFUTED),
        (_history(3, name="Promote"), REFUTED),
        (_history(6, name="FAILED: DRPhaseFailed"), REFUTED),
    )
    told = house.verdict(contract, without)
    assert told.reason.startswith(
        "after 6 moves the history shows nothing more, and by the definition it ends as SUCCEEDED ("
    )
    assert told.expected["moves"] == 7
    told = house.verdict(contract, _history(3, name="Promote"))
    assert (
        told.reason == "after 3 moves the history enters Promote, and by the definition it enters RequestManualApproval"
    )
    open_one = house.verdict(contract, _replayed(problem="no history was handed in"))
    assert open_one.reason == "the execution cannot be done again: no history was handed in"
    assert told.reason.endswith("it enters RequestManualApproval")
    assert house.verdict(contract, _history(0, sha256="")).reason == (
        f"after 0 moves the history enters Begin, and by the definition it enters Begin ({MOVES[0].sha256[:12]}): "
        "what went in or came out is another"
    )
    silent = house.verdict(contract, _replayed(history=(), definition=()))
    assert silent.reason == "the execution cannot be done again: its history shows nothing"


@boundary
def a_scenario_is_heard_when_it_fails_and_something_is_called(house: House) -> None:
    contract = "whatever_goes_wrong_is_heard"

    def played(*rows: Any) -> Evidence:
        return _replayed(scenarios=rows)

    expect(
        house,
        contract,
        (PASSING, PROVEN),
        (played(), UNPROVEN),
        (_replayed(problem="no history was handed in"), UNPROVEN),
        (played(HEARD), PROVEN),
        (played(replace(HEARD, told=False)), REFUTED),
        (played(replace(HEARD, status="SUCCEEDED")), REFUTED),
        (played(replace(HEARD, status="TIMED_OUT")), REFUTED),
        (played(replace(HEARD, error="States.Runtime")), REFUTED),
        (played(SHORT), PROVEN),
        (played(replace(SHORT, status="SUCCEEDED")), PROVEN),
        (played(replace(SHORT, status="FAILED", error="States.Runtime")), REFUTED),
        (played(HEARD, replace(HEARD, problem="a choice")), UNPROVEN),
        (played(replace(HEARD, problem="a choice"), replace(HEARD, told=False)), REFUTED),
    )
    unheard = [replace(HEARD, state=name, told=False) for name in ("A", "B", "C", "D")]
    told = house.verdict(contract, played(*unheard, HEARD))
    assert told.reason.startswith(
        "4 of 5 scenarios end unheard: A fails: FAILED by DRPhaseFailed in FailWorkflow, and nothing is called in between; B"
    )
    assert "; D" not in told.reason
    assert len(told.observed["unheard"]) == 4
    assert house.verdict(contract, played(replace(SHORT, error="States.Runtime", status="FAILED"))).reason == (
        "1 of 1 scenarios end unheard: RequestManualApproval is answered by an empty object: FAILED by States.Runtime "
        "in Promote, which no Catch catches"
    )
    assert house.verdict(contract, played(HEARD, replace(HEARD, problem="a choice"))).reason == (
        "nobody can say how 1 of 2 scenarios end: CheckHealth fails: a choice"
    )
    assert house.verdict(contract, played()).reason == "no scenario can be played: no task was called"
