"""What honest executions have in their histories is no difference, and what nobody can know of it leaves it open."""

import json
from typing import Any

import pytest

from drproof.analysis.machine import scenarios
from drproof.analysis.machine.recorded import compared, record_of
from drproof.analysis.machine.replay import MOST_CALLS
from drproof.analysis.machine.scenarios import FAILS, IS_SILENT
from drproof.analysis.machine.values import NotReplayableError
from drproof.formats.asl import Machine, machine_of
from tests.analysis.machine.histories import GIVEN, History

MEMBERS = ("FunctionName", "ProjectName")
TELLS: dict[str, Any] = {
    "Tell": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {}, "Next": "Failed"},
    "Failed": {"Type": "Fail", "Error": "Failed"},
}
CAUGHT = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": "Tell"}]


def _task(what: str = "lambda:invoke", **more: Any) -> dict[str, Any]:
    parameters = {"ProjectName": "infra"} if "codebuild" in what else {"FunctionName": "runner"}
    resource = f"arn:aws:states:::{what}"
    return {"Type": "Task", "Resource": resource, "Parameters": parameters, "TimeoutSeconds": 60, "End": True} | more


def _machine(one: dict[str, Any], **more: Any) -> Machine:
    return machine_of({"StartAt": "One", "States": {"One": one | {"Catch": CAUGHT}, **more, **TELLS}})


def _begun(**parameters: Any) -> History:
    return History().enters("One", given=GIVEN).calls(**(parameters or {"FunctionName": "runner"}))


def _ended(history: History, output: Any) -> History:
    return history.ends("Succeeded", output=json.dumps(output))


def _alike(machine: Machine, history: History, *, exported: bool = False) -> bool:
    shown, done = compared(machine, record_of(history.events(), members=MEMBERS if exported else None))
    return shown == done


def test_a_task_that_ran_out_of_time_and_was_tried_again_with_all_the_events_of_a_build() -> None:
    build = {"Build": {"Id": "infra:1", "BuildStatus": "SUCCEEDED"}}
    done = _begun(ProjectName="infra")._add("TaskStarted", resource="startBuild.sync")
    done._add("TaskSubmitted", output=json.dumps({"Build": {"BuildStatus": "IN_PROGRESS"}}))
    done.fails("States.Timeout", "TaskTimedOut").calls(ProjectName="infra")._add("TaskStarted")
    done._add("TaskSubmitted", output="{}").answers(build)._add("TaskStateExited", name="One", output=json.dumps(build))
    one = _task("codebuild:startBuild.sync", Retry=[{"ErrorEquals": ["States.Timeout"], "MaxAttempts": 1}])
    assert _alike(_machine(one), _ended(done, build))


def test_a_wait_is_no_difference_and_its_seconds_may_be_unknown() -> None:
    build = {"Build": {"Id": "infra:1"}}

    def waits(**how: Any) -> Machine:
        one = _task("codebuild:startBuild.sync", Next="Pause")
        del one["End"]
        return _machine(one, Pause={"Type": "Wait", "End": True, **how})

    done = _begun(ProjectName="infra").answers(build).enters("Pause", "Wait")._add("WaitStateExited", name="Pause")
    _ended(done, build)
    assert _alike(waits(Seconds=300), done, exported=True)
    with pytest.raises(NotReplayableError, match="Pause waits for a time that is not known"):
        _alike(waits(SecondsPath="$.Build.TimeoutInMinutes"), done, exported=True)
    assert not _alike(waits(SecondsPath="$.Build.TimeoutInMinutes"), done), "a whole history has all of it"


def test_what_an_export_leaves_out_of_an_answer_may_be_a_list_or_stand_beside_what_it_keeps() -> None:
    build, called = _begun(ProjectName="infra"), _begun()
    _ended(build.answers({"Build": {"Id": "infra:1"}}), {"first": "SUBMITTED"})
    _ended(called.answers({"Payload": 1, "StatusCode": 200}), {"status": 200})
    first = _task("codebuild:startBuild.sync", ResultSelector={"first.$": "$.Build.Phases[0].PhaseType"})
    status = _task(ResultSelector={"status.$": "$.SdkHttpMetadata.HttpStatusCode"})
    for one, history in ((first, build), (status, called)):
        assert _alike(_machine(one), history, exported=True)
        assert not _alike(_machine(one), history), "a whole history has all of it"
    assert not _alike(_machine(_task(ResultSelector={"status.$": "$.Payload.Code"})), called, exported=True)


def test_an_error_of_a_failing_state_may_be_unknown() -> None:
    fails = {"Type": "Fail", "ErrorPath": "$.Build.BuildComplete"}
    one = _task("codebuild:startBuild.sync", Next="Ends")
    del one["End"]
    done = _begun(ProjectName="infra").answers({"Build": {"Id": "infra:1"}}).enters("Ends", "Fail")
    done.ends("Failed", error="Incomplete", cause="nobody's words")
    with pytest.raises(NotReplayableError, match="Ends fails by a name that is not known"):
        _alike(_machine(one, Ends=fails), done, exported=True)


def test_an_execution_that_was_redriven_is_left_open() -> None:
    """The platform goes on with it past the end that its definition has."""
    done = _begun().fails("Lambda.TooManyRequestsException").ends("Failed", error="Lambda.TooManyRequestsException")
    done._add("ExecutionRedriven", redriveCount=1).calls(FunctionName="runner").answers({"Payload": 1})
    with pytest.raises(NotReplayableError, match="was redriven"):
        record_of(_ended(done, {"Payload": 1}).events())


@pytest.mark.parametrize("how", [{"MaxDelaySeconds": 5}, {"BackoffRate": 1.0}, {}])
def test_a_retry_without_an_end_is_played_to_no_end(how: dict[str, Any]) -> None:
    one = _task(Retry=[{"ErrorEquals": ["States.ALL"], "MaxAttempts": 99_999_999, **how}])
    rows = scenarios.played(_machine(one), record_of(_ended(_begun().answers({}), {}).events()))
    assert [(row.what, row.problem) for row in rows] == [
        (what, f"more than {MOST_CALLS} tasks were called") for what in (FAILS, IS_SILENT)
    ]


def test_many_attempts_that_do_end_are_played_to_the_end() -> None:
    one = _task(Retry=[{"ErrorEquals": ["States.ALL"], "MaxAttempts": 2_000}])
    rows = scenarios.played(_machine(one), record_of(_ended(_begun().answers({}), {}).events()))
    assert [(row.status, row.error, row.told) for row in rows] == [("FAILED", "Failed", True)] * 2
