"""Step Functions as the world serves it: errors, ends, tokens, pages and builds as the service has them."""

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pytest
from botocore.exceptions import ClientError

from drproof.embedded.shims.stepfunctions_errors import handles
from tests.embedded.conftest import RunningWorld, begin
from tests.patience import until
from tests.roles.asked import note

CODE = """
def handler(event, context):
    if event.get("raise"):
        raise type(event["raise"], (Exception,), {})(event.get("say", ""))
    return event
"""
WAIT = "arn:aws:states:::lambda:invoke.waitForTaskToken"
CALL = "arn:aws:states:::lambda:invoke"
BUILD = "arn:aws:states:::codebuild:startBuild.sync"
CATCH = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.caught", "Next": "Caught"}]


@dataclass
class Machines:
    """A world with one function, one role, and machines that tests make."""

    world: RunningWorld
    role: str
    made: int = 0

    @cached_property
    def states(self) -> Any:
        return self.world.client("stepfunctions")

    def begin(self, first: dict[str, Any], given: Any = None, **more: Any) -> str:
        """Start an execution of a machine whose first state this is, and return its ARN."""
        self.made += 1
        states = {"First": {"Next": "Done", **first}, "Done": {"Type": "Pass", "End": True}, **more.pop("states", {})}
        if first.get("Catch"):
            states["Caught"] = {"Type": "Pass", "End": True}
        document = {"StartAt": "First", "States": states, **more}
        name = f"machine-{self.made}"
        arn = self.states.create_state_machine(name=name, definition=json.dumps(document), roleArn=self.role)
        started = self.states.start_execution(
            stateMachineArn=arn["stateMachineArn"], name="one", input=json.dumps(given or {})
        )
        return str(started["executionArn"])

    def ended(self, arn: str) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            seen = self.states.describe_execution(executionArn=arn)
            return seen if seen["status"] != "RUNNING" else None

        return dict(until(look))

    def run(self, first: dict[str, Any], given: Any = None, **more: Any) -> dict[str, Any]:
        return self.ended(self.begin(first, given, **more))

    def events(self, arn: str, **asked: Any) -> list[dict[str, Any]]:
        return list(self.states.get_execution_history(executionArn=arn, **asked)["events"])

    def kinds(self, arn: str) -> list[str]:
        return [event["type"] for event in self.events(arn)]

    def tokens(self, arn: str, count: int = 1) -> list[str]:
        """Return the tokens that were handed out, once there are so many."""

        def look() -> list[str] | None:
            found = [
                json.loads(event["taskScheduledEventDetails"]["parameters"])["Payload"]["token"]
                for event in self.events(arn)
                if event["type"] == "TaskScheduled"
            ]
            submitted = self.kinds(arn).count("TaskSubmitted")
            return found if len(found) >= count and submitted else None

        return list(until(look))


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    world = begin(tmp_path_factory.mktemp("machines") / "world")
    role = world.client("iam").create_role(RoleName="machine", AssumeRolePolicyDocument="{}", Path="/")["Role"]["Arn"]
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("echo.py", CODE)
    world.client("lambda").create_function(
        FunctionName="echo",
        Runtime="python3.13",
        Role=role,
        Handler="echo.handler",
        Code={"ZipFile": package.getvalue()},
        Timeout=30,
    )
    for project, command in (("quick", "true"), ("broken", "false"), ("endless", "sleep 600")):
        world.client("codebuild").create_project(
            name=project,
            source={
                "type": "NO_SOURCE",
                "location": "none",
                "buildspec": json.dumps({"version": 0.2, "phases": {"build": {"commands": [command]}}}),
            },
            artifacts={"type": "NO_ARTIFACTS"},
            environment={
                "type": "LINUX_CONTAINER",
                "image": "aws/codebuild/standard:7.0",
                "computeType": "BUILD_GENERAL1_MEDIUM",
            },
            serviceRole=role,
        )
    yield Machines(world, role)
    world.stop()
    assert world.process.stdout is not None
    world.process.stdout.close()


def call(payload: dict[str, Any], **more: Any) -> dict[str, Any]:
    parameters = {"FunctionName": "echo", "Payload": payload}
    return {"Type": "Task", "Resource": CALL, "Parameters": parameters, "TimeoutSeconds": 30, **more}


def waiting(**more: Any) -> dict[str, Any]:
    return call({"token.$": "$$.Task.Token"}, Resource=WAIT, Catch=CATCH, **more)


@pytest.mark.parametrize(
    ("named", "error", "expected"),
    [
        (["States.ALL"], "PhaseFailed", True),
        (["States.ALL"], "States.Timeout", True),
        (["States.ALL"], "States.Runtime", False),
        (["States.Runtime"], "States.Runtime", False),
        (["States.ALL"], "States.DataLimitExceeded", False),
        (["States.DataLimitExceeded"], "States.DataLimitExceeded", True),
        (["States.TaskFailed"], "PhaseFailed", True),
        (["States.TaskFailed"], "States.Timeout", False),
        (["States.TaskFailed"], "States.HeartbeatTimeout", False),
        (["States.Timeout"], "States.HeartbeatTimeout", True),
        (["States.HeartbeatTimeout"], "States.Timeout", False),
        (["PhaseFailed"], "PhaseBlocked", False),
    ],
)
def test_a_handler_handles_what_the_service_says(named: list[str], error: str, expected: bool) -> None:
    assert handles(named, error) == expected


def test_a_path_that_leads_to_nothing_passes_every_catch(machines: Machines) -> None:
    done = machines.run(call({"id.$": "$.nothing"}, Catch=CATCH, Retry=[{"ErrorEquals": ["States.ALL"]}]))

    assert (done["status"], done["error"]) == ("FAILED", "States.Runtime")
    assert "$.nothing" in done["cause"]


def test_a_failure_of_the_function_is_caught_by_its_name(machines: Machines) -> None:
    done = machines.run(call({"raise": "PhaseFailed", "say": "no"}, Catch=CATCH))

    assert done["status"] == "SUCCEEDED"
    caught = json.loads(done["output"])["caught"]
    assert (caught["Error"], json.loads(caught["Cause"])["errorMessage"]) == ("PhaseFailed", "no")


@pytest.mark.parametrize(
    ("rule", "status"),
    [
        ({"BooleanEquals": True}, "FAILED"),
        ({"IsNull": False}, "FAILED"),
        ({"IsString": True}, "FAILED"),
        ({"IsPresent": True}, "SUCCEEDED"),
    ],
)
def test_a_choice_on_a_value_that_is_not_there_ends_the_execution(
    machines: Machines, rule: dict[str, Any], status: str
) -> None:
    choice = {"Type": "Choice", "Choices": [{"Variable": "$.nothing", **rule, "Next": "Done"}], "Default": "Done"}
    arn = machines.begin({"Type": "Pass", "Next": "Which"}, states={"Which": choice})

    done = machines.ended(arn)

    assert (done["status"], done.get("error", "")) == (status, "States.Runtime" if status == "FAILED" else "")


def test_a_missed_heartbeat_has_a_name_of_its_own(machines: Machines) -> None:
    done = machines.run(waiting(HeartbeatSeconds=1))

    assert json.loads(done["output"])["caught"]["Error"] == "States.HeartbeatTimeout"


def test_heartbeats_keep_a_task_alive_until_it_is_answered(machines: Machines) -> None:
    arn = machines.begin(waiting(HeartbeatSeconds=2))
    (token,) = machines.tokens(arn)

    machines.states.send_task_heartbeat(taskToken=token)
    machines.states.send_task_success(taskToken=token, output='{"approved": false}')

    assert json.loads(machines.ended(arn)["output"]) == {"approved": False}


def test_an_answer_after_the_time_limit_is_refused_and_changes_nothing(machines: Machines) -> None:
    arn = machines.begin(
        waiting(TimeoutSeconds=1, Next="Later"), states={"Later": {"Type": "Wait", "Seconds": 1, "Next": "Done"}}
    )
    (token,) = machines.tokens(arn)
    until(lambda: "TaskTimedOut" in machines.kinds(arn))

    for _ in range(2):  # while the execution still runs, and when it is over
        with pytest.raises(ClientError) as refused:
            machines.states.send_task_success(taskToken=token, output="{}")
        assert refused.value.response["Error"]["Code"] == "TaskTimedOut"
        assert json.loads(machines.ended(arn)["output"])["caught"]["Error"] == "States.Timeout"


def test_a_token_is_answered_once(machines: Machines) -> None:
    arn = machines.begin(waiting())
    (token,) = machines.tokens(arn)
    machines.states.send_task_failure(taskToken=token, error="ManualApprovalRejected", cause="not today")

    with pytest.raises(ClientError) as refused:
        machines.states.send_task_success(taskToken=token, output="{}")

    assert refused.value.response["Error"]["Code"] == "TaskTimedOut"
    caught = json.loads(machines.ended(arn)["output"])["caught"]
    assert caught == {"Error": "ManualApprovalRejected", "Cause": "not today"}


def test_a_token_that_nobody_has_and_an_answer_that_is_no_json_are_refused(machines: Machines) -> None:
    with pytest.raises(ClientError) as refused:
        machines.states.send_task_success(taskToken="AAAA", output="{}")
    assert refused.value.response["Error"]["Code"] == "InvalidToken"
    arn = machines.begin(waiting())
    (token,) = machines.tokens(arn)
    with pytest.raises(ClientError) as refused:
        machines.states.send_task_success(taskToken=token, output="approved")
    assert refused.value.response["Error"]["Code"] == "InvalidOutput"
    machines.states.stop_execution(executionArn=arn)


def test_every_attempt_has_a_token_of_its_own(machines: Machines) -> None:
    again = [{"ErrorEquals": ["States.Timeout"], "IntervalSeconds": 1, "MaxAttempts": 1}]
    arn = machines.begin(waiting(TimeoutSeconds=2, Retry=again))

    tokens = machines.tokens(arn, 2)

    assert len(set(tokens)) == 2
    until(lambda: machines.kinds(arn).count("TaskSubmitted") == 2)
    machines.states.send_task_success(taskToken=tokens[1], output='"second"')
    assert json.loads(machines.ended(arn)["output"]) == "second"


def test_an_execution_that_is_stopped_while_it_waits_is_over_at_once(machines: Machines) -> None:
    arn = machines.begin(waiting(TimeoutSeconds=600))
    (token,) = machines.tokens(arn)

    machines.states.stop_execution(executionArn=arn, error="Operator", cause="wrong day")

    done = machines.states.describe_execution(executionArn=arn)
    assert (done["status"], done["error"], done["cause"]) == ("ABORTED", "Operator", "wrong day")
    assert done["stopDate"] >= done["startDate"]
    last = machines.events(arn)[-1]
    assert (last["type"], last["executionAbortedEventDetails"]["cause"]) == ("ExecutionAborted", "wrong day")
    with pytest.raises(ClientError) as refused:
        machines.states.send_task_success(taskToken=token, output="{}")
    assert refused.value.response["Error"]["Code"] == "TaskTimedOut"
    machines.states.stop_execution(executionArn=arn, error="Again", cause="again")
    assert machines.states.describe_execution(executionArn=arn)["error"] == "Operator"
    assert machines.kinds(arn)[-1] == "ExecutionAborted"


def test_a_machine_whose_time_is_up_says_so_in_its_history(machines: Machines) -> None:
    arn = machines.begin(waiting(TimeoutSeconds=600), TimeoutSeconds=1)

    done = machines.ended(arn)

    assert (done["status"], "stopDate" in done) == ("TIMED_OUT", True)
    until(lambda: machines.kinds(arn)[-1] == "ExecutionTimedOut")


def test_a_history_is_read_in_pages_in_both_orders_and_without_data(machines: Machines) -> None:
    arn = machines.begin(call({"secret": "s"}))
    machines.ended(arn)
    whole = machines.events(arn)

    first = machines.states.get_execution_history(executionArn=arn, maxResults=3)
    rest = machines.states.get_execution_history(executionArn=arn, nextToken=first["nextToken"], maxResults=1000)
    bare = machines.events(arn, includeExecutionData=False)

    assert first["events"] + rest["events"] == whole
    assert "nextToken" not in rest
    assert machines.events(arn, reverseOrder=True) == whole[::-1]
    assert "parameters" in json.dumps(whole, default=str)
    assert not any(word in json.dumps(bare, default=str) for word in ("parameters", "input", "output"))
    assert machines.states.get_execution_history(executionArn=arn, maxResults=1)["events"] == whole[:1]


def built(project: str, **more: Any) -> dict[str, Any]:
    variables = [{"Name": "ACTION", "Value": "bringup", "Type": "PLAINTEXT"}]
    parameters = {"ProjectName": project, "EnvironmentVariablesOverride": variables, "TimeoutInMinutesOverride": 7}
    return {"Type": "Task", "Resource": BUILD, "Parameters": parameters, "TimeoutSeconds": 60, "Catch": CATCH, **more}


def test_a_build_is_waited_for_and_answered_in_the_words_of_step_functions(machines: Machines) -> None:
    done = machines.run(built("quick"))

    build = json.loads(done["output"])["Build"]
    assert (build["BuildStatus"], build["BuildComplete"], build["TimeoutInMinutes"]) == ("SUCCEEDED", True, 7)
    assert {"Name": "ACTION", "Value": "bringup", "Type": "PLAINTEXT"} in build["Environment"]["EnvironmentVariables"]
    assert isinstance(build["StartTime"], int)


def test_a_build_that_fails_fails_its_state_with_the_build_as_its_cause(machines: Machines) -> None:
    caught = json.loads(machines.run(built("broken"))["output"])["caught"]

    assert caught["Error"] == "States.TaskFailed"
    assert json.loads(caught["Cause"])["BuildStatus"] == "FAILED"


def test_a_build_that_is_refused_fails_by_the_service_s_own_name(machines: Machines) -> None:
    caught = json.loads(machines.run(built("nothing"))["output"])["caught"]

    assert caught["Error"] == "CodeBuild.ResourceNotFoundException"


def test_stopping_an_execution_stops_its_build(machines: Machines) -> None:
    arn = machines.begin(built("endless"))
    submitted = until(lambda: next((one for one in machines.events(arn) if one["type"] == "TaskSubmitted"), None))
    name = json.loads(submitted["taskSubmittedEventDetails"]["output"])["Build"]["Id"]
    began = len(machines.world.control("GET", "calls")[1])

    def calls() -> list[dict[str, Any]]:
        since: list[dict[str, Any]] = machines.world.control("GET", "calls")[1][began:]
        return [one for one in since if one["app"] == "states"]

    # It has looked at its build before it is stopped, however fast that is: else the record hangs on the clock.
    until(lambda: any(one["action"] == "BatchGetBuilds" for one in calls()))
    machines.states.stop_execution(executionArn=arn)

    def stopped() -> bool:
        found = machines.world.client("codebuild").batch_get_builds(ids=[name])["builds"][0]
        return bool(found["buildStatus"] == "STOPPED")

    until(stopped)
    assert machines.kinds(arn)[-1] == "ExecutionAborted"
    assert note("machine", "an execution that is stopped", calls()) == {
        "codebuild:BatchGetBuilds",
        "codebuild:StopBuild",
    }
