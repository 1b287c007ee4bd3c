"""Each defect that is planted by hand in a copy of our machine is found where it stands."""

from collections.abc import Callable
from typing import Any

import pytest

from drproof.analysis.machine.acts import knowledge_of
from drproof.analysis.machine.flow import Knowledge
from drproof.analysis.machine.shapes import shape_of
from drproof.analysis.machine.soundness import examine
from drproof.formats.asl import machine_of
from drproof.orchestrator import definition
from tests.orchestrator.ends import APPROVED

States = dict[str, Any]
Plant = Callable[[States], object]
TELL = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.failures.restore", "Next": "TellOfFailure"}]


def _set(name: str, *path: str, to: object) -> Plant:
    def plant(states: States) -> None:
        place = states[name]
        for part in path[:-1]:
            place = place[part]
        place[path[-1]] = to

    return plant


def _without(name: str, *path: str) -> Plant:
    def plant(states: States) -> None:
        place = states[name]
        for part in path[:-1]:
            place = place[part]
        del place[path[-1]]

    return plant


def _retried_without_counting(states: States) -> None:
    states["Validate"]["Next"] = "IsValid"
    states["IsValid"] = {
        "Type": "Choice",
        "Choices": [{"Variable": "$.phases.validate.outcome", "StringEquals": "passed", "Next": "Notify"}],
        "Default": "Validate",
    }


def _promoted_by_itself(states: States) -> None:
    states["CaptureAlarms"]["Next"] = "Promote"


def _captured(states: States) -> None:
    """Take the reason out of the callback before it is promoted, as the reference does."""
    states["RequestManualApproval"]["Next"] = "Capture"
    states["Capture"] = {
        "Type": "Pass",
        "Parameters": {"reason.$": "$.decision.reason"},
        "ResultPath": "$.captured",
        "Next": "Promote",
    }


def _payload(name: str, field: str, value: object) -> Plant:
    return _set(name, "Parameters", "Payload", field, to=value)


PLANTED: dict[str, tuple[str, str, Plant]] = {
    "an input path where only the context has the value": (
        "CheckHealth",
        "path_leads_to_nothing",
        _payload("CheckHealth", "input.$", "$.input"),
    ),
    "an input of the execution that Begin has taken away": (
        "Restore",
        "path_leads_to_nothing",
        _payload("Restore", "backup_uri.$", "$.backup_uri"),
    ),
    "a build that nobody has started yet": (
        "PrepareBringup",
        "path_leads_to_nothing",
        _payload("PrepareBringup", "build_id.$", "$.bringup.id"),
    ),
    "a build that the failure of an earlier phase lacks": (
        "TellOfFailure",
        "path_is_not_there_on_every_way",
        _payload("TellOfFailure", "build_id.$", "$.bringup.id"),
    ),
    "one failure where any phase may have failed": (
        "TellOfFailure",
        "path_is_not_there_on_every_way",
        _payload("TellOfFailure", "failures.$", "$.failures.restore"),
    ),
    "a decision before anybody was asked": (
        "CaptureAlarms",
        "path_leads_to_nothing",
        _payload("CaptureAlarms", "decision.$", "$.decision"),
    ),
    "a decision that nobody was asked for": ("Promote", "path_leads_to_nothing", _promoted_by_itself),
    "a result selector that takes what the function does not answer": (
        "Restore",
        "path_leads_to_nothing",
        _set("Restore", "ResultSelector", "instance_id.$", to="$.Payload.instance_id"),
    ),
    "a need that only one phase answers": (
        "Validate",
        "path_leads_to_nothing",
        _set("Validate", "ResultSelector", "needs_recovery.$", to="$.Payload.needs_recovery"),
    ),
    "a result selector in the case of the service's own API": (
        "Bringup",
        "path_leads_to_nothing",
        _set("Bringup", "ResultSelector", "id.$", to="$.Build.id"),
    ),
    "a field that a build may lack": (
        "Bringup",
        "path_is_not_there_on_every_way",
        _set("Bringup", "ResultSelector", "logs.$", to="$.Build.Logs"),
    ),
    "a project that the preparation does not answer": (
        "Bringup",
        "path_leads_to_nothing",
        _set("Bringup", "Parameters", "ProjectName.$", to="$.phases.prepare_bringup.project_name"),
    ),
    "a choice on what is never there": (
        "NeedsRecovery",
        "path_leads_to_nothing",
        _set("NeedsRecovery", "Choices", to=[{"Variable": "$.needs_dr", "BooleanEquals": True, "Next": "Restore"}]),
    ),
    "a choice that compares a truth with a text": (
        "Decided",
        "choice_compares_another_kind",
        _set(
            "Decided",
            "Choices",
            to=[{"Variable": "$.phases.promote.approved", "StringEquals": "true", "Next": "SealApproved"}],
        ),
    ),
    "a choice that means a truth and names a text": (
        "NeedsRecovery",
        "choice_compares_another_kind",
        lambda states: states["NeedsRecovery"]["Choices"][0].__setitem__("BooleanEquals", "true"),
    ),
    "a choice without a default": ("Decided", "choice_has_no_default", _without("Decided", "Default")),
    "a phase that nothing leads to": (
        "RestoreState",
        "state_is_unreachable",
        _set("ReachCluster", "Next", to="Restore"),
    ),
    "a seal that nothing leads to": (
        "SealRejected",
        "state_is_unreachable",
        lambda states: states["Decided"]["Choices"][1].__setitem__("Next", "SealApproved"),
    ),
    "a next state that does not exist": ("Notify", "target_does_not_exist", _set("Notify", "Next", to="AskPeople")),
    "a catcher that leads to no state": (
        "Restore",
        "target_does_not_exist",
        _set("Restore", "Catch", to=[{**TELL[0], "Next": "HandlePhaseFailure"}]),
    ),
    "a failure that is told again and again": (
        "TellOfFailure",
        "loop_is_not_bounded",
        lambda states: states["TellOfFailure"]["Catch"][0].__setitem__("Next", "TellOfFailure"),
    ),
    "a validation that is tried without counting": ("Validate", "loop_is_not_bounded", _retried_without_counting),
    "an end that goes on": ("HealthyNoop", "way_on_is_unclear", _set("HealthyNoop", "Next", to="FailWorkflow")),
    "a failure that nobody hears of": ("Restore", "task_has_no_catch", _without("Restore", "Catch")),
    "a catcher for the failures of phases only": (
        "Validate",
        "catch_leaves_errors_out",
        _set("Validate", "Catch", to=[{**TELL[0], "ErrorEquals": ["PhaseFailed", "PhaseBlocked"]}]),
    ),
    "a catcher that throws the receipts away": (
        "Restore",
        "catch_forgets_the_input",
        _set("Restore", "Catch", to=[{"ErrorEquals": ["States.ALL"], "Next": "TellOfFailure"}]),
    ),
    "a catcher for what nothing catches": (
        "Restore",
        "error_cannot_be_caught",
        _set("Restore", "Catch", to=[{**TELL[0], "ErrorEquals": ["States.Runtime"]}, *TELL]),
    ),
    "a phase that waits for a year": ("Restore", "task_has_no_time_limit", _without("Restore", "TimeoutSeconds")),
    "a person who may take a year": (
        "RequestManualApproval",
        "task_has_no_time_limit",
        _without("RequestManualApproval", "TimeoutSeconds"),
    ),
    "a heartbeat that comes too late to be missed": (
        "RequestManualApproval",
        "heartbeat_is_never_missed",
        _set("RequestManualApproval", "HeartbeatSeconds", to=86_400),
    ),
    "a throttled call that fails the recovery": ("Notify", "task_has_no_retry", _without("Notify", "Retry")),
    "a decision that is asked for again when it is no": (
        "RequestManualApproval",
        "decision_is_asked_again",
        _set("RequestManualApproval", "Retry", to=[{"ErrorEquals": ["States.ALL"], "MaxAttempts": 2}]),
    ),
    "an error that does not exist": (
        "Bringup",
        "error_does_not_exist",
        _set("Bringup", "Retry", to=[{"ErrorEquals": ["States.TaskTimedOut"], "MaxAttempts": 2}]),
    ),
    "a token that nobody is told": (
        "RequestManualApproval",
        "token_is_not_passed",
        _without("RequestManualApproval", "Parameters", "Payload", "task_token.$"),
    ),
    "a token where nobody waits for one": (
        "Notify",
        "context_has_no_such_field",
        _payload("Notify", "task_token.$", "$$.Task.Token"),
    ),
    "a name that the context has otherwise": (
        "Restore",
        "context_has_no_such_field",
        _set("Restore", "Parameters", "Payload", "execution", "arn.$", to="$$.Execution.Arn"),
    ),
    "a path that is passed on as a text": (
        "RecordBringup",
        "path_is_taken_literally",
        _payload("RecordBringup", "build_id", "$.bringup.id"),
    ),
    "a build that is waited for by a token": (
        "Bringup",
        "pattern_does_not_exist",
        _set("Bringup", "Resource", to="arn:aws:states:::codebuild:startBuild.waitForTaskToken"),
    ),
    "a function without its name": (
        "Restore",
        "parameter_is_missing",
        _without("Restore", "Parameters", "FunctionName"),
    ),
    "a failure without a name": ("FailWorkflow", "failure_has_no_name", _without("FailWorkflow", "Error")),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_defect_is_found_where_it_stands(name: str) -> None:
    state, code, plant = PLANTED[name]
    spoiled = definition.definition()
    plant(spoiled["States"])
    machine = machine_of(spoiled)

    found = examine(machine, knowledge_of(machine)).defects

    assert (state, code) in {(defect.state, defect.code) for defect in found}, [str(defect) for defect in found]


def test_a_field_of_the_callback_that_nobody_sends_is_undecided_and_undecided_is_not_sound() -> None:
    spoiled = definition.definition()
    _captured(spoiled["States"])
    machine = machine_of(spoiled)

    found = examine(machine, knowledge_of(machine))

    assert found.unknown == ("Capture.Parameters.reason.$: $.decision.reason",)

    known = knowledge_of(machine)
    told = Knowledge(answers={**known.answers, "RequestManualApproval": shape_of(APPROVED)})
    assert [(one.state, one.code) for one in examine(machine, told).defects] == [("Capture", "path_leads_to_nothing")]


def test_a_machine_of_ours_without_a_time_limit_is_told() -> None:
    spoiled = definition.definition()
    del spoiled["TimeoutSeconds"]
    machine = machine_of(spoiled)
    codes = [defect.code for defect in examine(machine, knowledge_of(machine)).defects]
    assert codes == ["machine_has_no_time_limit"]
