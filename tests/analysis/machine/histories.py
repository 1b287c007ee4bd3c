"""A machine in the reference's form, in words of its own, and what the platform keeps of an execution of it.

The history is written by hand, as the service prints one: it does not come out of the replay that it is put to.
"""

import copy
import json
from typing import Any

from drproof.formats import execution_history
from drproof.formats.execution_history import Event

ARN = "arn:aws:states:us-west-2:444455556666:execution:atlas-dr:run-1"
MACHINE = "arn:aws:states:us-west-2:444455556666:stateMachine:atlas-dr"
GIVEN: dict[str, Any] = {"force_run": False, "bucket": "atlas-receipts", "backup_uri": "s3://atlas/backups/one"}
KEPT = ("phase_name", "phase_outputs", "receipt_uri")
FAILS = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": "HandlePhaseFailure"}]
YES = {"approved": True, "approver": "ada", "ticket": "T-1", "reason": "looked at"}


def _call(action: str, following: str, **more: Any) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {
            "FunctionName": "runner",
            "Payload": {"action": action, "execution_id.$": "$$.Execution.Name", **more},
        },
        "ResultSelector": {f"{name}.$": f"$.Payload.{name}" for name in KEPT},
        "ResultPath": f"$.phase_results.{action}",
        "TimeoutSeconds": 660,
        "Catch": copy.deepcopy(FAILS),
        "Next": following,
    }


def machine() -> dict[str, Any]:
    """Return the machine, a new one each time."""
    asks = _call("request_manual_approval", "Promote", **{"task_token.$": "$$.Task.Token"})
    asks |= {"Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken", "ResultPath": "$.callback"}
    del asks["ResultSelector"]
    answered = {f"{name}.$": f"$.callback.{name}" for name in ("approved", "approver", "ticket")}
    failed = _call("notify", "FailWorkflow", **{"failure.$": "$.failure"})
    del failed["Catch"]
    return {
        "StartAt": "CheckHealth",
        "States": {
            "CheckHealth": _call("check_health", "ShouldRunDR"),
            "ShouldRunDR": {
                "Type": "Choice",
                "Choices": [
                    {"Variable": "$.force_run", "BooleanEquals": True, "Next": "BringupInfra"},
                    {
                        "Variable": "$.phase_results.check_health.phase_outputs.needs_dr",
                        "BooleanEquals": True,
                        "Next": "BringupInfra",
                    },
                ],
                "Default": "HealthyNoop",
            },
            "HealthyNoop": {"Type": "Pass", "Result": {"status": "healthy_noop"}, "End": True},
            "BringupInfra": {
                "Type": "Task",
                "Resource": "arn:aws:states:::codebuild:startBuild.sync",
                "Parameters": {"ProjectName": "infra"},
                "ResultSelector": {
                    "phase_outputs.$": "$.Build",
                    "receipt_uri.$": "States.Format('s3://{}/{}/bringup.json', $$.Execution.Input.bucket, $$.Execution.Name)",
                },
                "ResultPath": "$.phase_results.bringup",
                "TimeoutSeconds": 6000,
                "Retry": [{"ErrorEquals": ["CodeBuild.ThrottlingException"], "MaxAttempts": 2}],
                "Catch": copy.deepcopy(FAILS),
                "Next": "RequestManualApproval",
            },
            "RequestManualApproval": asks,
            "Promote": _call("promote", "ManualDecision", **answered),
            "ManualDecision": {
                "Type": "Choice",
                "Choices": [
                    {
                        "Variable": "$.phase_results.promote.phase_outputs.approved",
                        "BooleanEquals": True,
                        "Next": "PromoteApproved",
                    }
                ],
                "Default": "PromotionRejected",
            },
            "PromoteApproved": {"Type": "Pass", "Result": {"status": "approved"}, "End": True},
            "PromotionRejected": {"Type": "Pass", "Result": {"status": "rejected"}, "End": True},
            "HandlePhaseFailure": failed,
            "FailWorkflow": {"Type": "Fail", "Error": "DRPhaseFailed", "Cause": "see the receipt"},
        },
    }


class History:
    """A history that is being written, event by event."""

    def __init__(self, given: Any = None) -> None:
        self.rows: list[dict[str, Any]] = []
        given = GIVEN if given is None else given
        self._add("ExecutionStarted", input=json.dumps(given), roleArn="arn:aws:iam::444455556666:role/dr")

    def _add(self, kind: str, **details: Any) -> "History":
        number = len(self.rows) + 1
        name = f"{kind[0].lower()}{kind[1:]}EventDetails"
        row = {"id": number, "previousEventId": number - 1, "type": kind}
        self.rows.append({**row, "timestamp": f"2026-05-04T10:00:{number:02}.000Z", name: details})
        return self

    def enters(self, state: str, kind: str = "Task", given: Any = None) -> "History":
        """Enter a state."""
        told = {} if given is None else {"input": json.dumps(given)}
        return self._add(f"{kind}StateEntered", name=state, **told)

    def calls(self, **parameters: Any) -> "History":
        """Schedule a task."""
        return self._add("TaskScheduled", resource="invoke", parameters=json.dumps(parameters))

    def answers(self, value: Any) -> "History":
        """Let the task succeed."""
        return self._add("TaskSucceeded", output=json.dumps(value))

    def fails(self, error: str, kind: str = "TaskFailed") -> "History":
        """Let the task fail."""
        return self._add(kind, error=error, cause="nobody's words")

    def ends(self, status: str, **details: Any) -> "History":
        """End the execution."""
        return self._add(f"Execution{status}", **details)

    def events(self) -> tuple[Event, ...]:
        """Return it as it is read."""
        return execution_history.parse([{"events": self.rows}])


def asked(action: str, **more: Any) -> dict[str, Any]:
    """Return what the function is called with."""
    return {"FunctionName": "runner", "Payload": {"action": action, "execution_id": "run-1", **more}}


def answered(action: str, **outputs: Any) -> dict[str, Any]:
    """Return what the function answers."""
    said = {"ok": True, "phase_name": action, "phase_outputs": outputs, "receipt_uri": f"s3://r/{action}.json"}
    return {"Payload": said, "StatusCode": 200}


def begun() -> History:
    """Return the history of an execution that brought a machine up and asks."""
    done = History().enters("CheckHealth", given=GIVEN)
    done.calls(**asked("check_health")).answers(answered("check_health", needs_dr=True))
    done.enters("ShouldRunDR", "Choice").enters("BringupInfra").calls(ProjectName="infra")
    done.fails("CodeBuild.ThrottlingException", "TaskSubmitFailed").calls(ProjectName="infra")
    done.answers({"Build": {"Id": "infra:1", "BuildStatus": "SUCCEEDED"}}).enters("RequestManualApproval")
    return done.calls(**asked("request_manual_approval", task_token="AAAA-what-nobody-may-read"))


def approved() -> History:
    """Return the history of an execution that a person approved."""
    done = begun().answers(YES).enters("Promote")
    said = {name: YES[name] for name in ("approved", "approver", "ticket")}
    done.calls(**asked("promote", **said)).answers(answered("promote", approved=True))
    done.enters("ManualDecision", "Choice").enters("PromoteApproved", "Pass")
    return done.ends("Succeeded", output=json.dumps({"status": "approved"}))


def failed() -> History:
    """Return the history of an execution whose build failed, and of which people were told."""
    done = History().enters("CheckHealth")
    done.calls(**asked("check_health")).answers(answered("check_health", needs_dr=True))
    done.enters("ShouldRunDR", "Choice").enters("BringupInfra").calls(ProjectName="infra").fails("States.TaskFailed")
    cause = {"Error": "States.TaskFailed", "Cause": "nobody's words"}
    done.enters("HandlePhaseFailure").calls(**asked("notify", failure=cause)).answers(answered("notify"))
    return done.enters("FailWorkflow", "Fail").ends("Failed", error="DRPhaseFailed", cause="see the receipt")
