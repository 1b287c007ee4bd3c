"""What an operator is told of an execution: where it stands, and the deepest cause of its end, without its token."""

import json
from typing import Any

import pytest

from drproof.engine.execution_seen import lines, look, place_of_execution, place_of_machine
from drproof.engine.refusal import Refusal
from drproof.model.errors import NotFoundError
from drproof.model.workflows import ExecutionInfo

ARN = "arn:aws:states:us-west-2:444455556666:execution:machine:one"
TOKEN = "T" * 200


class Told:
    """A platform that tells the history of one execution, and keeps no receipt."""

    secrets: tuple[str, ...] = ()

    def __init__(self, status: Any, *events: dict[str, Any]) -> None:
        # The parts that an operator reaches, all of them in one object.
        self.workflows: Any = self
        self.receipts: Any = self
        self.info = ExecutionInfo(
            arn=ARN, name="one", machine="arn:machine", status=status, started_at="2026-01-31T12:00:00.000Z",
            input=json.dumps({"requested_by": "arn:olga"}),
        )  # fmt: skip
        self.events = tuple({"id": number, "timestamp": "2026-01-31T12:00:00.000Z", **event} for number, event in
                            enumerate(events, start=1))  # fmt: skip

    def execution(self, arn: str) -> ExecutionInfo:
        assert arn == ARN
        return self.info

    def history(self, arn: str) -> tuple[dict[str, Any], ...]:
        assert arn == ARN
        return self.events

    def look(self, bucket: str, key: str) -> Any:
        raise NotFoundError(f"{bucket} {key}", code="NoSuchKey")


def entered(name: str, **phases: str) -> dict[str, Any]:
    known = {"phases": {phase: {"receipt": uri, "sha256": "0" * 64} for phase, uri in phases.items()}}
    return {"type": "TaskStateEntered", "stateEnteredEventDetails": {"name": name, "input": json.dumps(known)}}


def scheduled(act: str, **more: Any) -> dict[str, Any]:
    parameters = {"FunctionName": "f", "Payload": {"act": act, **more}}
    details = {"parameters": json.dumps(parameters), "timeoutInSeconds": 600}
    return {"type": "TaskScheduled", "taskScheduledEventDetails": details}


def failed(error: str, message: str) -> dict[str, Any]:
    cause = json.dumps({"errorType": error, "errorMessage": message, "stackTrace": ["a secret line"]})
    return {"type": "TaskFailed", "taskFailedEventDetails": {"error": error, "cause": cause}}


BUILD = {"type": "TaskScheduled", "taskScheduledEventDetails": {"parameters": json.dumps({"ProjectName": "p"})}}
FAIL_STATE = {"type": "ExecutionFailed", "executionFailedEventDetails": {"error": "DRPhaseFailed", "cause": "See it"}}
WELL = {"type": "TaskSucceeded", "taskSucceededEventDetails": {}}
ABORTED = {"type": "ExecutionAborted", "executionAbortedEventDetails": {"error": "StoppedForTeardown"}}


def test_the_state_for_failures_is_no_cause_and_neither_is_what_told_of_it():
    told = Told(
        "FAILED", entered("Validate"), scheduled("validate"), failed("PhaseFailed", "validate failed: no pod"),
        entered("TellOfFailure"), scheduled("tell_of_failure"), failed("Lambda.Unknown", "gone"), FAIL_STATE,
    )  # fmt: skip

    seen = look(told, ARN)

    assert (seen.phase, seen.cause) == ("validate", "validate: PhaseFailed: validate failed: no pod")


def test_a_failure_that_was_tried_again_with_success_is_no_cause():
    told = Told(
        "ABORTED", entered("Restore"), scheduled("restore"), failed("ThrottledError", "slower"), scheduled("restore"),
        WELL, entered("Validate"), scheduled("validate"), ABORTED,
    )  # fmt: skip

    seen = look(told, ARN)

    assert (seen.phase, seen.cause) == ("validate", "validate: StoppedForTeardown")


def test_a_build_is_named_and_the_words_of_strangers_are_masked():
    cause = json.dumps({"Build": {"Id": "p:1", "BuildStatus": "FAILED", "Environment": {"Variables": ["secret"]}}})
    built = {"type": "TaskFailed", "taskFailedEventDetails": {"error": "States.TaskFailed", "cause": cause}}
    assert look(Told("FAILED", BUILD, built, FAIL_STATE), ARN).cause == "bringup: States.TaskFailed: build p:1: FAILED"

    password = "hunter2-Zx9!" * 3
    strange = look(Told("FAILED", scheduled("restore"), failed("KeyError", f"password={password}"), FAIL_STATE), ARN)
    assert strange.cause.startswith("restore: KeyError: ")
    assert password not in strange.cause


def test_what_no_catch_catches_is_told_by_the_end_itself():
    ended = {"type": "ExecutionFailed", "executionFailedEventDetails": {"error": "States.Runtime", "cause": "no path"}}

    assert look(Told("FAILED", entered("Decided"), ended), ARN).cause.startswith("States.Runtime")


def test_a_task_waits_until_it_is_answered_and_its_token_is_not_shown():
    asks = (entered("RequestManualApproval", validate="s3://b/one/validate.json"),
            scheduled("request_manual_approval", task_token=TOKEN))  # fmt: skip
    told = Told("RUNNING", *asks)
    seen = look(told, ARN)

    assert seen.waits is not None
    assert (seen.waits.token, seen.waits.timeout_seconds, seen.phase) == (TOKEN, 600, "request_manual_approval")
    assert TOKEN not in repr(seen)
    shown = lines(told, seen)
    assert TOKEN not in "\n".join(shown)
    assert "latest_receipt: s3://b/one/validate.json" in shown
    assert "instance_id: unknown" in shown
    assert "requested_by: arn:olga" in shown
    assert look(Told("RUNNING", *asks, WELL), ARN).waits is None
    assert look(Told("TIMED_OUT", *asks, {"type": "ExecutionTimedOut"}), ARN).waits is None


@pytest.mark.parametrize("arn", ["", "one", "arn:aws:states:us-west-2:444455556666:stateMachine:one", ARN + ":more"])
def test_what_names_no_execution_is_refused(arn):
    with pytest.raises(Refusal, match="names no execution"):
        place_of_execution(arn)


def test_an_arn_names_the_place_to_ask():
    assert place_of_execution(ARN).region == "us-west-2"
    with pytest.raises(Refusal, match="names no state machine"):
        place_of_machine(ARN)


def submitted(build: str) -> dict[str, Any]:
    details = {"resourceType": "codebuild", "output": json.dumps({"Build": {"Id": build}})}
    return {"type": "TaskSubmitted", "taskSubmittedEventDetails": details}


def test_the_build_of_an_execution_that_was_ended_while_it_worked_is_the_one_that_was_begun():
    began = (entered("Bringup"), submitted("infra:1"), submitted("infra:2"))
    known = {"phases": {}, "bringup": {"id": "infra:3"}}
    exited = {"type": "TaskStateExited", "stateExitedEventDetails": {"name": "Bringup", "output": json.dumps(known)}}
    waits = {"type": "TaskSubmitted", "taskSubmittedEventDetails": {"resourceType": "lambda", "output": "{}"}}

    assert look(Told("ABORTED", entered("CheckHealth")), ARN).build_id == ""
    assert look(Told("ABORTED", *began, waits), ARN).build_id == "infra:2"
    assert look(Told("FAILED", *began, exited), ARN).build_id == "infra:3"
