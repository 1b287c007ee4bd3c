"""Each defect of a machine is found where it stands, and an honest machine has none."""

from collections.abc import Callable
from typing import Any

import pytest

from drproof.analysis.machine.flow import Knowledge
from drproof.analysis.machine.soundness import examine
from drproof.formats.asl import machine_of
from drproof.orchestrator.fleet_definition import definition as fleet_definition
from tests.analysis.machine.honest import KNOWN, document

States = dict[str, Any]
Planted = tuple[str, str, Callable[[States], object]]


def _set(name: str, field: str, value: object) -> Callable[[States], object]:
    return lambda states: states[name].__setitem__(field, value)


def _without(name: str, field: str) -> Callable[[States], object]:
    return lambda states: states[name].pop(field)


def _told(name: str, field: str, value: object) -> Callable[[States], object]:
    return lambda states: states[name]["Parameters"].__setitem__(field, value)


def _paid(name: str, field: str, value: object) -> Callable[[States], object]:
    return lambda states: states[name]["Parameters"]["Payload"].__setitem__(field, value)


def _again(states: States) -> None:
    """Ask for the build again and again, without counting."""
    states["BringUp"]["Next"] = "IsBuilt"
    states["IsBuilt"] = {
        "Type": "Choice",
        "Choices": [{"Variable": "$.bringup.build", "StringEquals": "x", "Next": "Restore"}],
        "Default": "BringUp",
    }


PLANTED: dict[str, Planted] = {
    "a callback field nobody sends": (
        "Record",
        "path_leads_to_nothing",
        lambda states: states["Record"]["Parameters"].__setitem__("at.$", "$.answer.approved_at"),
    ),
    "an input path where only the context has the value": (
        "Restore",
        "path_leads_to_nothing",
        _paid("Restore", "execution.$", "$.Execution.Id"),
    ),
    "a field of another state that was never written": (
        "Record",
        "path_leads_to_nothing",
        _set("Record", "Parameters", {"x.$": "$.resolve_runner.instance"}),
    ),
    "a field that only one way writes": (
        "TellOfFailure",
        "path_is_not_there_on_every_way",
        _paid("TellOfFailure", "build.$", "$.bringup.build"),
    ),
    "an input that the schedule does not give": (
        "CheckHealth",
        "path_leads_to_nothing",
        _told("CheckHealth", "FunctionName.$", "$.function_name"),
    ),
    "a result selector that takes what the answer lacks": (
        "BringUp",
        "path_leads_to_nothing",
        _set("BringUp", "ResultSelector", {"build.$": "$.build.id"}),
    ),
    "a result selector that takes what the answer may lack": (
        "BringUp",
        "path_is_not_there_on_every_way",
        _set("BringUp", "ResultSelector", {"build.$": "$.Build.EndTime"}),
    ),
    "a choice on what is never there": (
        "IsApproved",
        "path_leads_to_nothing",
        _set("IsApproved", "Choices", [{"Variable": "$.approved", "BooleanEquals": True, "Next": "Record"}]),
    ),
    "a choice that compares a text with a truth": (
        "ShallRecover",
        "choice_compares_another_kind",
        _set(
            "ShallRecover",
            "Choices",
            [{"Variable": "$.force_run", "StringEquals": "true", "Next": "BringUp"}],
        ),
    ),
    "a choice whose value is of another kind": (
        "IsApproved",
        "choice_compares_another_kind",
        _set("IsApproved", "Choices", [{"Variable": "$.answer.approved", "BooleanEquals": "true", "Next": "Record"}]),
    ),
    "a choice without a default": ("IsApproved", "choice_has_no_default", _without("IsApproved", "Default")),
    "a choice without a rule": ("IsApproved", "choice_is_empty", _set("IsApproved", "Choices", [])),
    "a state that nothing leads to": (
        "Healthy",
        "state_is_unreachable",
        _set("ShallRecover", "Default", "Restore"),
    ),
    "a next state that does not exist": (
        "Restore",
        "target_does_not_exist",
        _set("Restore", "Next", "AskPerson"),
    ),
    "a catcher that leads to no state": (
        "Restore",
        "target_does_not_exist",
        _set("Restore", "Catch", [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": "Tell"}]),
    ),
    "a default that does not exist": ("ShallRecover", "target_does_not_exist", _set("ShallRecover", "Default", "Noop")),
    "a state that goes on and ends": ("Restore", "way_on_is_unclear", _set("Restore", "End", True)),
    "a state that neither goes on nor ends": ("Restore", "way_on_is_unclear", _without("Restore", "Next")),
    "a success with a way on": ("Healthy", "way_on_is_unclear", _set("Healthy", "Next", "Failed")),
    "a loop that counts nothing": ("BringUp", "loop_is_not_bounded", _again),
    "a task without a catcher": ("Restore", "task_has_no_catch", _without("Restore", "Catch")),
    "a catcher for one error only": (
        "Restore",
        "catch_leaves_errors_out",
        _set("Restore", "Catch", [{"ErrorEquals": ["NoSuchKey"], "ResultPath": "$.failure", "Next": "TellOfFailure"}]),
    ),
    "a catcher that throws the input away": (
        "Restore",
        "catch_forgets_the_input",
        _set("Restore", "Catch", [{"ErrorEquals": ["States.ALL"], "Next": "TellOfFailure"}]),
    ),
    "States.ALL before another catcher": (
        "Restore",
        "all_is_not_last",
        lambda states: states["Restore"]["Catch"].append(
            {"ErrorEquals": ["NoSuchKey"], "ResultPath": "$.failure", "Next": "TellOfFailure"}
        ),
    ),
    "States.ALL beside another error": (
        "Restore",
        "all_is_not_last",
        _set(
            "Restore",
            "Catch",
            [{"ErrorEquals": ["NoSuchKey", "States.ALL"], "ResultPath": "$.failure", "Next": "TellOfFailure"}],
        ),
    ),
    "an error that does not exist": (
        "Restore",
        "error_does_not_exist",
        _set("Restore", "Retry", [{"ErrorEquals": ["States.TaskTimedOut"], "MaxAttempts": 2}]),
    ),
    "an error that nothing catches": (
        "Restore",
        "error_cannot_be_caught",
        lambda states: states["Restore"]["Catch"].insert(
            0, {"ErrorEquals": ["States.Runtime"], "ResultPath": "$.failure", "Next": "TellOfFailure"}
        ),
    ),
    "a handler of nothing": (
        "Restore",
        "handler_names_no_error",
        _set("Restore", "Retry", [{"ErrorEquals": [], "MaxAttempts": 2}]),
    ),
    "a task without a retry": ("Restore", "task_has_no_retry", _without("Restore", "Retry")),
    "a retry of no attempt": (
        "Restore",
        "task_has_no_retry",
        _set("Restore", "Retry", [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 0}]),
    ),
    "a decision that is asked again": (
        "AskAPerson",
        "decision_is_asked_again",
        _set("AskAPerson", "Retry", [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 2}]),
    ),
    "a task without a time limit": ("Restore", "task_has_no_time_limit", _without("Restore", "TimeoutSeconds")),
    "a person who may take a year": ("AskAPerson", "task_has_no_time_limit", _without("AskAPerson", "TimeoutSeconds")),
    "a time limit of nothing": ("Restore", "time_limit_is_none", _set("Restore", "TimeoutSeconds", 0)),
    "a heartbeat slower than the time limit": (
        "AskAPerson",
        "heartbeat_is_never_missed",
        _set("AskAPerson", "HeartbeatSeconds", 90_000),
    ),
    "a token that nobody gets": (
        "AskAPerson",
        "token_is_not_passed",
        _set("AskAPerson", "Parameters", {"FunctionName.$": "$.reader", "Payload": {}}),
    ),
    "a token where no state waits for one": (
        "Restore",
        "context_has_no_such_field",
        _paid("Restore", "token.$", "$$.Task.Token"),
    ),
    "a field that the context lacks": (
        "Restore",
        "context_has_no_such_field",
        _paid("Restore", "execution.$", "$$.Execution.Arn"),
    ),
    "an item of a map outside of every map": (
        "Restore",
        "context_has_no_such_field",
        _paid("Restore", "item.$", "$$.Map.Item.Value"),
    ),
    "a build that is waited for by a token": (
        "BringUp",
        "pattern_does_not_exist",
        _set("BringUp", "Resource", "arn:aws:states:::codebuild:startBuild.waitForTaskToken"),
    ),
    "a call that does not exist": (
        "BringUp",
        "resource_is_unknown",
        _set("BringUp", "Resource", "arn:aws:states:::codebuild:runBuild.sync"),
    ),
    "a resource that is no ARN": ("BringUp", "resource_is_unknown", _set("BringUp", "Resource", "codebuild")),
    "a call without what it needs": (
        "BringUp",
        "parameter_is_missing",
        lambda states: states["BringUp"]["Parameters"].pop("ProjectName.$"),
    ),
    "a parameter that the call lacks": (
        "Restore",
        "parameter_is_unknown",
        _told("Restore", "PayLoad", {}),
    ),
    "a path whose key lacks its sign": (
        "Restore",
        "path_is_taken_literally",
        _paid("Restore", "input", "$.check_health"),
    ),
    "a sign without a path": ("Restore", "expression_is_none", _paid("Restore", "input.$", "check_health")),
    "a function that cannot be read": (
        "Record",
        "expression_cannot_be_read",
        _set("Record", "Parameters", {"x.$": "States.Format('{}', $.answer.reason"}),
    ),
    "a function that does not exist": (
        "Record",
        "function_is_unknown",
        _set("Record", "Parameters", {"x.$": "States.Now()"}),
    ),
    "a path that ends in a bracket": ("Record", "path_cannot_be_read", _set("Record", "OutputPath", "$.record[")),
    "a result without a place": ("Record", "result_path_leads_nowhere", _set("Record", "ResultPath", "$$.record")),
    "a failure without a name": ("Failed", "failure_has_no_name", lambda states: states["Failed"].pop("Error")),
}


def test_an_honest_machine_has_no_defect_and_every_path_of_it_is_decided() -> None:
    """Nothing is found, nothing is left open."""
    found = examine(machine_of(document()), KNOWN)
    assert found.defects == ()
    assert found.unknown == ()
    assert found.states == len(document()["States"])
    assert found.paths >= 25


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_defect_is_found_where_it_stands(name: str) -> None:
    """Its state and its kind are named."""
    state, code, plant = PLANTED[name]
    spoiled = document()
    plant(spoiled["States"])
    found = examine(machine_of(spoiled), KNOWN).defects
    assert (state, code) in {(defect.state, defect.code) for defect in found}, [str(defect) for defect in found]


def test_a_machine_without_a_time_limit_is_told() -> None:
    """An execution that hangs would run for a year."""
    spoiled = document()
    del spoiled["TimeoutSeconds"]
    assert [defect.code for defect in examine(machine_of(spoiled), KNOWN).defects] == ["machine_has_no_time_limit"]


def test_a_machine_that_begins_nowhere_is_told() -> None:
    """A start that no state bears, and then nothing is reached."""
    spoiled = document() | {"StartAt": "Begin"}
    codes = {defect.code for defect in examine(machine_of(spoiled), KNOWN).defects}
    assert codes >= {"target_does_not_exist", "state_is_unreachable"}


def test_a_machine_whose_states_only_follow_each_other_is_told() -> None:
    """No state ends it."""
    spoiled = {
        "StartAt": "A",
        "TimeoutSeconds": 9,
        "States": {"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Pass", "Next": "A"}},
    }
    codes = {defect.code for defect in examine(machine_of(spoiled), KNOWN).defects}
    assert codes == {"loop_is_not_bounded", "machine_never_ends", "end_is_out_of_reach"}


def test_a_loop_that_counts_and_compares_is_bounded() -> None:
    """It leaves by a Choice on the number that it counts up."""
    counted = {
        "StartAt": "Begin",
        "TimeoutSeconds": 9,
        "States": {
            "Begin": {"Type": "Pass", "Result": {"n": 0}, "ResultPath": "$.count", "Next": "Count"},
            "Count": {
                "Type": "Pass",
                "Parameters": {"n.$": "States.MathAdd($.count.n, 1)"},
                "ResultPath": "$.count",
                "Next": "Enough",
            },
            "Enough": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.count.n", "NumericGreaterThan": 5, "Next": "Done"}],
                "Default": "Count",
            },
            "Done": {"Type": "Succeed"},
        },
    }
    assert examine(machine_of(counted), Knowledge()).defects == ()


def test_a_value_that_a_choice_has_seen_is_there_behind_it() -> None:
    """`IsPresent` before a use, in the same rule or in one that led away."""
    guarded = document()
    guarded["States"]["TellOfFailure"]["Next"] = "WasBuilt"
    guarded["States"]["WasBuilt"] = {
        "Type": "Choice",
        "Choices": [{"Variable": "$.bringup", "IsPresent": False, "Next": "Failed"}],
        "Default": "Keep",
    }
    guarded["States"]["Keep"] = {
        "Type": "Pass",
        "Parameters": {"build.$": "$.bringup.build"},
        "ResultPath": "$.kept",
        "Next": "Failed",
    }
    assert examine(machine_of(guarded), KNOWN).defects == ()


def test_what_nobody_knows_is_left_open_and_said() -> None:
    """An answer that nobody describes is no defect, and no proof either."""
    found = examine(machine_of(document()), Knowledge())
    assert found.defects == ()
    assert any("$.answer.approved" in place for place in found.unknown)


def test_the_map_of_fleets_has_no_defect_that_is_not_known() -> None:
    """Its failures end it, which is what its operators see; the two things that are left to them are named."""
    codes = {str(defect) for defect in examine(machine_of(fleet_definition()), Knowledge()).defects}
    assert {code.split(": ")[1] for code in codes} <= {"machine_has_no_time_limit", "task_has_no_catch"}, codes
