"""Had a task of a recorded execution gone wrong, its definition says whether anybody would have heard of it."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from drproof.analysis.machine import scenarios
from drproof.analysis.machine.recorded import record_of
from drproof.analysis.machine.scenarios import FAILS, IS_SILENT, SAYS_NOTHING, Scenario
from drproof.analysis.machine.values import NotReplayableError
from drproof.formats.asl import machine_of
from tests.analysis.machine.histories import ARN, History, answered, approved, asked, begun, failed, machine

Change = Callable[[dict[str, Any]], object]


def _played(history: History, change: Change | None = None) -> dict[tuple[str, str], Scenario]:
    document = copy.deepcopy(machine())
    if change is not None:
        change(document["States"])
    rows = scenarios.played(machine_of(document), record_of(history.events(), execution=ARN))
    return {(row.state, row.what): row for row in rows}


def test_every_task_that_was_called_fails_and_is_silent_and_whoever_is_asked_says_nothing() -> None:
    states = ["CheckHealth", "BringupInfra", "RequestManualApproval", "Promote"]
    expected = {(state, what) for state in states for what in (FAILS, IS_SILENT)}
    assert set(_played(approved())) == expected | {("RequestManualApproval", SAYS_NOTHING)}


def test_a_failure_and_a_silence_are_told_and_end_the_execution_as_failed() -> None:
    rows = _played(approved())
    for (_, what), row in rows.items():
        if what != SAYS_NOTHING:
            assert (row.status, row.error, row.last, row.told) == ("FAILED", "DRPhaseFailed", "FailWorkflow", True), row


def test_an_answer_that_lacks_a_field_ends_the_reference_past_every_catch() -> None:
    """Its approve path asks for a field that its own script does not send."""
    row = _played(approved())["RequestManualApproval", SAYS_NOTHING]
    assert (row.status, row.error, row.last) == ("FAILED", "States.Runtime", "Promote")


def test_an_answer_that_goes_on_whole_is_for_whoever_gets_it_to_refuse() -> None:
    def whole(states: dict[str, Any]) -> None:
        payload = states["Promote"]["Parameters"]["Payload"]
        for name in ("approved", "approver", "ticket"):
            del payload[f"{name}.$"]
        payload["callback.$"] = "$.callback"

    row = _played(approved(), whole)["RequestManualApproval", SAYS_NOTHING]
    assert (row.status, row.error, row.last) == ("RUNNING", "", "Promote")


@pytest.mark.parametrize(
    ("change", "what", "status", "told"),
    [
        (lambda states: states["BringupInfra"].pop("Catch"), FAILS, ("FAILED", "Played.Failure"), False),
        (lambda states: states["BringupInfra"]["Catch"][0].update(Next="HealthyNoop"), FAILS, ("SUCCEEDED", ""), False),
        (lambda states: states["BringupInfra"]["Catch"][0].update(Next="FailWorkflow"), FAILS, ("FAILED", "DRPhaseFailed"), False),
        (lambda states: states["BringupInfra"].pop("TimeoutSeconds"), IS_SILENT, ("SUCCEEDED", ""), True),
        (lambda states: states["BringupInfra"]["Catch"][0].update(ErrorEquals=["States.TaskFailed"]), IS_SILENT, ("FAILED", "States.Timeout"), False),
        (lambda states: states["BringupInfra"]["Catch"][0].update(ResultPath="$.lost"), FAILS, ("FAILED", "States.Runtime"), False),
        (lambda states: states["BringupInfra"]["Retry"].append({"ErrorEquals": ["States.ALL"], "MaxAttempts": 5}), FAILS, ("FAILED", "DRPhaseFailed"), True),
    ],
)  # fmt: skip
def test_what_nobody_would_have_heard_of_is_found(change, what, status, told) -> None:
    row = _played(approved(), change)["BringupInfra", what]
    assert ((row.status, row.error), row.told) == (status, told)


def test_what_failed_on_record_is_the_last_that_is_played_and_what_was_tried_again_is_not() -> None:
    assert {state for state, _ in _played(failed())} == {"CheckHealth", "BringupInfra"}
    assert {state for state, _ in _played(begun())} == {"CheckHealth", "BringupInfra", "RequestManualApproval"}


def test_a_choice_on_what_was_never_answered_leaves_the_scenario_open() -> None:
    def chooses(states: dict[str, Any]) -> None:
        states["HandlePhaseFailure"]["Next"] = "WasItTold"
        states["WasItTold"] = {
            "Type": "Choice",
            "Choices": [
                {"Variable": "$.phase_results.notify.phase_outputs.told", "BooleanEquals": True, "Next": "FailWorkflow"}
            ],
            "Default": "FailWorkflow",
        }

    row = _played(approved(), chooses)["CheckHealth", FAILS]
    assert (row.status, row.problem) == (
        "",
        "a choice asks for $.phase_results.notify.phase_outputs.told, which is not known",
    )


def test_a_task_that_the_definition_never_calls_leaves_its_scenarios_open() -> None:
    row = _played(approved(), lambda states: states["CheckHealth"].update(Next="Promote"))["BringupInfra", FAILS]
    assert (row.status, row.problem) == ("", "by the definition it is never called")


def test_a_task_that_is_called_twice_answers_as_it_did_each_time() -> None:
    def twice(states: dict[str, Any]) -> None:
        states["ShouldRunDR"]["Default"] = "CheckHealth"

    done = History().enters("CheckHealth").calls(**asked("check_health"))
    done.answers(answered("check_health", needs_dr=False)).enters("ShouldRunDR", "Choice").enters("CheckHealth")
    done.calls(**asked("check_health")).answers(answered("check_health", needs_dr=True))
    done.enters("ShouldRunDR", "Choice").enters("BringupInfra").calls(ProjectName="infra")
    row = _played(done, twice)["BringupInfra", FAILS]
    assert (row.status, row.told) == ("FAILED", True)


def test_branches_beside_each_other_are_not_played() -> None:
    inner = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}
    both = {"StartAt": "One", "States": {"One": {"Type": "Parallel", "Branches": [inner], "End": True}}}
    with pytest.raises(NotReplayableError, match="beside each other"):
        scenarios.played(machine_of(both), record_of(History().events()))
