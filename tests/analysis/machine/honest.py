"""A machine without a defect, in the form that recoveries have; tests plant defects in copies of it."""

import copy
from typing import Any

from drproof.analysis.machine.flow import Knowledge
from drproof.analysis.machine.shapes import TEXT, TRUTH, record

ANSWERED = record(known={"phase": TEXT, "outcome": TEXT, "receipt": TEXT, "recover": TRUTH})
KNOWN = Knowledge(
    given=record("account", "topic", "reader", "project", known={"force_run": TRUTH}),
    answers={
        name: record("StatusCode", known={"Payload": ANSWERED}) for name in ("CheckHealth", "Restore", "TellOfFailure")
    }
    | {"AskAPerson": record(known={"approved": TRUTH, "approver": TEXT, "ticket": TEXT, "reason": TEXT})},
)
AGAIN = [{"ErrorEquals": ["Lambda.TooManyRequestsException"], "IntervalSeconds": 2, "MaxAttempts": 4}]
CAUGHT = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": "TellOfFailure"}]
BROKEN = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.untold", "Next": "Failed"}]


def _function(name: str, following: str) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {
            "FunctionName.$": "$.reader",
            "Payload": {"phase": name, "execution.$": "$$.Execution.Id", "input.$": "$$.Execution.Input"},
        },
        "ResultSelector": {"outcome.$": "$.Payload.outcome", "recover.$": "$.Payload.recover"},
        "ResultPath": f"$.{name}",
        "TimeoutSeconds": 600,
        "Retry": copy.deepcopy(AGAIN),
        "Catch": copy.deepcopy(CAUGHT),
        "Next": following,
    }


def document() -> dict[str, Any]:
    """Return the machine's document, a new one each time."""
    return {
        "StartAt": "CheckHealth",
        "TimeoutSeconds": 100_000,
        "States": {
            "CheckHealth": _function("check_health", "ShallRecover"),
            "ShallRecover": {
                "Type": "Choice",
                "Choices": [
                    {"Variable": "$.force_run", "BooleanEquals": True, "Next": "BringUp"},
                    {"Variable": "$.check_health.recover", "BooleanEquals": True, "Next": "BringUp"},
                ],
                "Default": "Healthy",
            },
            "Healthy": {"Type": "Succeed"},
            "BringUp": {
                "Type": "Task",
                "Resource": "arn:aws:states:::codebuild:startBuild.sync",
                "Parameters": {
                    "ProjectName.$": "$.project",
                    "EnvironmentVariablesOverride": [
                        {"Name": "EXECUTION_ID", "Value.$": "$$.Execution.Name", "Type": "PLAINTEXT"}
                    ],
                },
                "ResultSelector": {"build.$": "$.Build.Id"},
                "ResultPath": "$.bringup",
                "TimeoutSeconds": 3600,
                "Retry": copy.deepcopy(AGAIN),
                "Catch": copy.deepcopy(CAUGHT),
                "Next": "Restore",
            },
            "Restore": _function("restore", "AskAPerson"),
            "AskAPerson": {
                "Type": "Task",
                "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
                "Parameters": {
                    "FunctionName.$": "$.reader",
                    "Payload": {"phase": "request_manual_approval", "token.$": "$$.Task.Token"},
                },
                "ResultPath": "$.answer",
                "TimeoutSeconds": 86_400,
                "Catch": copy.deepcopy(CAUGHT),
                "Next": "IsApproved",
            },
            "IsApproved": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.answer.approved", "BooleanEquals": True, "Next": "Record"}],
                "Default": "Rejected",
            },
            "Record": {
                "Type": "Pass",
                "Parameters": {
                    "said.$": "States.Format('{} by {} in {}', $.answer.reason, $.answer.approver, $.answer.ticket)",
                    "build.$": "$.bringup.build",
                },
                "ResultPath": "$.record",
                "End": True,
            },
            "Rejected": {"Type": "Succeed"},
            "TellOfFailure": {
                **_function("notify", "Failed"),
                "Parameters": {
                    "FunctionName.$": "$.reader",
                    "Payload": {"phase": "notify", "cause.$": "$.failure.Cause"},
                },
                "Catch": copy.deepcopy(BROKEN),
            },
            "Failed": {"Type": "Fail", "Error": "PhaseFailed", "Cause": "the receipts say which"},
        },
    }
