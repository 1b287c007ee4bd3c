"""What happens when something goes wrong, on both sides of where each question of it turns."""

from typing import Any

import pytest

from drproof.analysis.machine.conduct import examine
from drproof.analysis.machine.defects import Defect
from drproof.formats.asl import machine_of

INVOKE = "arn:aws:states:::lambda:invoke"
CAUGHT = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": "Failed"}]
RETRIED = [{"ErrorEquals": ["Lambda.TooManyRequestsException"], "MaxAttempts": 2}]
FAILED = {"Type": "Fail", "Error": "Broken"}


def _task(**fields: Any) -> dict[str, Any]:
    """Return a task without a defect; None takes a field away."""
    whole = {
        "Type": "Task",
        "Resource": INVOKE,
        "Parameters": {"FunctionName": "f"},
        "TimeoutSeconds": 60,
        "Retry": RETRIED,
        "Catch": CAUGHT,
        "End": True,
        **fields,
    }
    return {name: value for name, value in whole.items() if value is not None}


def _told(limit: int | None = 9, **states: Any) -> list[Defect]:
    whole: dict[str, Any] = {"StartAt": "A", "States": {**states, "Failed": FAILED}}
    if limit is not None:
        whole["TimeoutSeconds"] = limit
    return sorted(examine(machine_of(whole)))


def _codes(**states: Any) -> list[tuple[str, str]]:
    return [(one.place, one.code) for one in _told(**states)]


def _waiting(**fields: Any) -> dict[str, Any]:
    """Return a task that waits for a token, which its function is told."""
    told = {"FunctionName": "f", "Payload": {"token.$": "$$.Task.Token"}}
    return _task(**{"Resource": f"{INVOKE}.waitForTaskToken", "Parameters": told, "Retry": None, **fields})


def test_a_task_that_is_limited_retried_and_caught_has_no_defect() -> None:
    """Nor has one that waits for a person, without a retry."""
    assert _codes(A=_task()) == []
    assert _codes(A=_waiting()) == []


def test_a_task_that_leads_to_a_failure_alone_needs_no_catcher() -> None:
    """What goes wrong in it fails the execution anyway, however far before that failure it stands."""
    assert _codes(A=_task(Catch=None, End=None, Next="Failed")) == []
    chain = {"A": _task(Catch=None, End=None, Next="B"), "B": _task(Catch=None, End=None, Next="Failed")}
    assert _codes(**chain) == []
    assert _codes(B=chain["B"], A=chain["A"]) == []
    ends = _task(Catch=[{**CAUGHT[0], "ErrorEquals": ["One"]}])
    assert _codes(A=ends) == [("Catch", "catch_leaves_errors_out")], "it may also end well"
    assert _codes(A=_task(Catch=None)) == [("Catch", "task_has_no_catch")]
    elsewhere = _task(Catch=None, End=None, Next="Done")
    assert _codes(A=elsewhere, Done={"Type": "Succeed"}) == [("Catch", "task_has_no_catch")]


def test_a_branch_fails_the_state_that_it_lies_in() -> None:
    """That state needs the catcher, and what is in it needs none."""
    branch = {"StartAt": "Inner", "States": {"Inner": _task(Catch=None)}}
    assert _codes(A={"Type": "Parallel", "Branches": [branch], "Catch": CAUGHT, "End": True}) == []
    bare = _told(A={"Type": "Parallel", "Branches": [branch], "End": True})
    assert [(one.state, one.code) for one in bare] == [("A", "task_has_no_catch")]
    mapped = _told(A={"Type": "Map", "ItemProcessor": branch, "End": True})
    assert [(one.state, one.code) for one in mapped] == [("A", "task_has_no_catch")]
    assert _codes(A={"Type": "Pass", "End": True}) == []


@pytest.mark.parametrize(
    ("limit", "beat", "codes"),
    [
        (60, None, []),
        (60, 59, []),
        (60, 60, ["heartbeat_is_never_missed"]),
        (60, 61, ["heartbeat_is_never_missed"]),
        (None, None, ["task_has_no_time_limit"]),
        (None, 60, ["task_has_no_time_limit"]),
        (1, None, []),
        (0, None, ["time_limit_is_none"]),
        (-1, None, ["time_limit_is_none"]),
        (True, None, ["time_limit_is_none"]),
        ("60", None, ["time_limit_is_none"]),
        (60, 0, ["time_limit_is_none"]),
        (60, True, ["time_limit_is_none"]),
        (0, 60, ["time_limit_is_none"]),
    ],
)
def test_a_time_limit_is_a_number_of_seconds_and_longer_than_a_heartbeat(
    limit: Any, beat: Any, codes: list[str]
) -> None:
    """One that is missing lets a task wait for a year."""
    found = _told(A=_task(TimeoutSeconds=limit, HeartbeatSeconds=beat))
    assert [one.code for one in found] == codes


def test_a_time_limit_may_be_said_by_a_path() -> None:
    """It is known when the machine runs."""
    assert _codes(A=_task(TimeoutSeconds=None, TimeoutSecondsPath="$.limit")) == []


def test_a_wait_without_a_limit_says_for_how_long_it_waits() -> None:
    """A person may never answer; a task may never end."""
    (person,), (task,) = _told(A=_waiting(TimeoutSeconds=None)), _told(A=_task(TimeoutSeconds=None))
    assert (person.what, task.what) == ("it waits for a year", "it may never end")
    (machine,) = _told(limit=None, A=_task())
    assert str(machine) == "machine.TimeoutSeconds: machine_has_no_time_limit: an execution that hangs runs for a year"
    assert str(task) == "A.TimeoutSeconds: task_has_no_time_limit: it may never end"
    assert str(Defect(state="A", place="", code="c", what="w")) == "A: c: w"


@pytest.mark.parametrize(
    ("fields", "codes"),
    [
        ({"Retry": None}, ["task_has_no_retry"]),
        ({"Retry": []}, ["task_has_no_retry"]),
        ({"Retry": [{"ErrorEquals": ["A"], "MaxAttempts": 0}]}, ["task_has_no_retry"]),
        ({"Retry": [{"ErrorEquals": ["A"], "MaxAttempts": 1}]}, []),
        ({"Retry": [{"ErrorEquals": ["A"]}]}, []),
        ({"Retry": [{"ErrorEquals": ["A"], "MaxAttempts": 0}, {"ErrorEquals": ["B"]}]}, []),
        ({"Retry": [{"ErrorEquals": ["A"], "MaxAttempts": 0}] * 2}, ["task_has_no_retry"]),
        ({"Retry": [{"ErrorEquals": ["States.ALL"]}]}, []),
    ],
)
def test_a_task_is_tried_a_second_time(fields: dict[str, Any], codes: list[str]) -> None:
    """A throttled call is not the end of an execution."""
    assert [code for _, code in _codes(A=_task(**fields))] == codes


def test_only_a_retry_of_every_error_asks_a_person_again() -> None:
    """A call that was throttled reached nobody."""
    assert _codes(A=_waiting(Retry=RETRIED)) == []
    assert _codes(A=_waiting(Retry=[{"ErrorEquals": ["States.ALL"]}])) == [("Retry[0]", "decision_is_asked_again")]
    assert _codes(A=_waiting(Retry=[{"ErrorEquals": ["A", "States.TaskFailed"]}])) == [
        ("Retry[0]", "decision_is_asked_again")
    ]
    assert _codes(A=_waiting(Retry=[{"ErrorEquals": ["States.Timeout"]}])) == [], "nobody answered"
    assert _codes(A=_task(Retry=[{"ErrorEquals": ["States.TaskFailed"]}])) == []
    assert _codes(A={"Type": "Pass", "End": True, "Retry": []}) == []


def test_states_all_stands_alone_and_last() -> None:
    """In catchers and retriers."""
    last = [{**CAUGHT[0], "ErrorEquals": ["One", "Two"]}, CAUGHT[0]]
    assert _codes(A=_task(Catch=last)) == []
    assert _codes(A=_task(Catch=last[::-1])) == [("Catch[0].ErrorEquals", "all_is_not_last")]
    beside = [{**CAUGHT[0], "ErrorEquals": ["One", "States.ALL"]}]
    assert _codes(A=_task(Catch=beside)) == [("Catch[0].ErrorEquals", "all_is_not_last")]
    first = [{"ErrorEquals": ["States.ALL"]}, RETRIED[0]]
    assert _codes(A=_task(Retry=first)) == [("Retry[0].ErrorEquals", "all_is_not_last")]


def test_an_error_of_the_platform_is_one_that_it_has_and_that_can_be_caught() -> None:
    """Errors of the function are its own."""
    for name, codes in {
        "States.Timeout": [],
        "Own.Timeout": [],
        "States.Own": ["error_does_not_exist"],
        "States.Runtime": ["error_cannot_be_caught"],
    }.items():
        caught = [{**CAUGHT[0], "ErrorEquals": [name]}, CAUGHT[0]]
        assert [code for _, code in _codes(A=_task(Catch=caught))] == codes, name
    for named in ([], None, [1], "States.ALL"):
        handler = [{**CAUGHT[0], "ErrorEquals": named}, CAUGHT[0]]
        assert _codes(A=_task(Catch=handler)) == [("Catch[0].ErrorEquals", "handler_names_no_error")]


def test_what_a_task_calls_is_a_call_with_all_that_it_needs() -> None:
    """An activity, a function by its ARN and the SDK are not described here, and are calls."""
    for resource in (
        "arn:aws:lambda:us-west-2:111122223333:function:f",
        "arn:aws:states:us-west-2:111122223333:activity:a",
        "arn:aws:states:::aws-sdk:ec2:describeInstances",
    ):
        assert _codes(A=_task(Resource=resource)) == [], resource
    for resource, what in {
        "codebuild": "codebuild is nothing that a Task can call",
        "": "nothing is nothing that a Task can call",
        "arn:aws:states:::codebuild:runBuild": "codebuild:runBuild is no integration that is known here",
    }.items():
        (found,) = _told(A=_task(Resource=resource))
        assert (found.place, found.code, found.what) == ("Resource", "resource_is_unknown", what)
    build = {"Resource": "arn:aws:states:::codebuild:startBuild.sync", "Parameters": {"ProjectName.$": "$.p"}}
    assert _codes(A=_task(**build)) == []
    assert _codes(A=_task(**{**build, "Parameters": {"ProjectName": "p", "Anything": 1}})) == [], "it takes others"
    assert _codes(A=_task(**{**build, "Parameters": None})) == [("Parameters", "parameter_is_missing")]
    unknown = {"FunctionName": "f", "Anything": 1}
    assert _codes(A=_task(Parameters=unknown)) == [("Parameters", "parameter_is_unknown")]
    assert _codes(A=_task(Resource=f"{INVOKE}.sync")) == [("Resource", "pattern_does_not_exist")]


@pytest.mark.parametrize(
    ("call", "codes"),
    [
        ("ecs:runTask.sync", []),
        ("glue:startJobRun.sync", []),
        ("http:invoke", []),
        ("http:invoke.sync", ["pattern_does_not_exist"]),
        ("batch:submitJob.waitForTaskToken", ["token_is_not_passed", "pattern_does_not_exist"]),
        ("aws-sdk:codebuild:startBuild", []),
        ("aws-sdk:codebuild:startBuild.sync", ["pattern_does_not_exist"]),
        ("aws-sdk:sqs:sendMessage.waitForTaskToken", ["token_is_not_passed"]),
        ("none:call", ["resource_is_unknown"]),
        ("none:call.waitForTaskToken", ["token_is_not_passed", "resource_is_unknown"]),
    ],
)
def test_of_a_call_that_is_not_described_it_is_known_how_it_is_waited_for(call: str, codes: list[str]) -> None:
    """The SDK waits for no end of what it starts; what waits for a token tells it, whatever it calls."""
    assert sorted(code for _, code in _codes(A=_task(Resource=f"arn:aws:states:::{call}"))) == sorted(codes)


@pytest.mark.parametrize(
    ("payload", "passed"),
    [
        ({"token.$": "$$.Task.Token"}, True),
        ({"deep": {"deeper": [{"token.$": "$$.Task.Token"}]}}, True),
        ({"said.$": "States.Format('{}', $$.Task.Token)"}, True),
        ({"token": "$$.Task.Token"}, False),
        ({"token.$": "$.Task.Token"}, False),
        ({"other": 1, "token.$": "$$.Task.Token"}, True),
        ([], False),
        ("$$.Task.Token", False),
    ],
)
def test_whoever_is_waited_for_is_told_the_token(payload: Any, passed: bool) -> None:
    """Else nobody can ever end the state."""
    found = _codes(A=_waiting(Parameters={"FunctionName": "f", "Payload": payload}))
    assert found == ([] if passed else [("Parameters", "token_is_not_passed")])
    assert _codes(A=_task(Parameters={"FunctionName": "f", "Payload": payload})) == [], "one that waits for nobody"


def test_a_failure_has_a_name() -> None:
    """Written, or by a path."""
    assert _codes(A={"Type": "Fail"}) == [("Error", "failure_has_no_name")]
    assert _codes(A={"Type": "Fail", "Error": "E"}) == []
    assert _codes(A={"Type": "Fail", "ErrorPath": "$.e"}) == []
    assert _codes(A={"Type": "Succeed"}) == []


def test_a_catcher_keeps_the_input() -> None:
    """By a place for the error beside it."""
    forgetful = [{"ErrorEquals": ["States.ALL"], "Next": "Failed"}]
    assert _codes(A=_task(Catch=forgetful)) == [("Catch[0].ResultPath", "catch_forgets_the_input")]
    assert _codes(A=_task(Catch=[{**CAUGHT[0], "ResultPath": None}])) == []
