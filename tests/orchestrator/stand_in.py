"""An execution by the interface of the orchestrator, in the embedded world: a function that stands in for the handler.

Its receipts are those of a drill, filled in with the execution's name and time; the machine is short of the build.
"""

import io
import json
import secrets
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import boto3

from drproof.engine.clock import SystemClock
from drproof.model.codec import encode
from drproof.targets import embedded
from tests.contracts.evidence import PASSING
from tests.patience import until

BUCKET, PREFIX = "atlas-receipts-versioned", "executions"
ACTS = (
    "check_health",
    "read_restore_point",
    "bringup",
    "resolve_runner",
    "restore",
    "validate",
    "notify",
    "request_manual_approval",
    "promote",
)
CODE = """
import hashlib, json, os
from datetime import datetime, timezone
import boto3

def put(name, receipt):
    body = json.dumps(receipt, sort_keys=True, separators=(",", ":")).encode()
    key = os.environ["PREFIX"] + "/" + name + "/" + receipt["phase"] + ".json"
    s3 = boto3.client("s3", endpoint_url=os.environ["DRPROOF_ENDPOINT"], region_name=os.environ["AWS_REGION"])
    s3.put_object(Bucket=os.environ["BUCKET"], Key=key, Body=body)
    return "s3://" + os.environ["BUCKET"] + "/" + key, hashlib.sha256(body).hexdigest()

def handler(event, context):
    act, name = event["act"], event["execution"]["name"]
    print("act", act, "token", event.get("task_token", "none"), "password=hunter2")
    if act == event["input"].get("fail"):
        raise type("PhaseFailed", (Exception,), {})(act + " failed: it was told to; receipt=s3://nowhere/x.json")
    if act in ("tell_of_failure", "seal"):
        return {"phase": act, "outcome": "passed"}
    here = os.environ["LAMBDA_TASK_ROOT"]
    with open(here + "/" + act + ".json") as file:
        receipt = json.load(file)
    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    receipt.update(drill_id=name, started_at=now, ended_at=now, outcome="passed")
    if act == "resolve_runner":
        receipt["observed"]["launched_at"] = now
    if act == "request_manual_approval":
        # What must never happen: only the case that shows it asks for it.
        if event["input"].get("leak"):
            receipt["input"] = {"task_token": event["task_token"]}
    answer = {"phase": act, "outcome": "passed", "needs_recovery": True}
    if act == "promote":
        answer["approved"] = event["decision"]["decision"]["approved"]
        receipt["observed"]["approved"] = answer["approved"]
    answer["receipt"], answer["sha256"] = put(name, receipt)
    return answer
"""
TASK = "arn:aws:states:::lambda:invoke"


def definition(function: str) -> dict[str, Any]:
    """Return the machine of the interface, short of the build."""
    names = {act: "".join(part.title() for part in act.split("_")) for act in ACTS}
    states: dict[str, Any] = {}
    for act, following in zip(ACTS, (*ACTS[1:], ""), strict=True):
        asks = act == "request_manual_approval"
        given: dict[str, Any] = {
            "act": act,
            "execution": {
                "arn.$": "$$.Execution.Id",
                "name.$": "$$.Execution.Name",
                "started_at.$": "$$.Execution.StartTime",
                "machine.$": "$$.StateMachine.Id",
            },
            "attempt.$": "$$.State.RetryCount",
            "input.$": "$$.Execution.Input",
        }
        if asks:
            given["task_token.$"] = "$$.Task.Token"
        if act == "promote":
            given["decision.$"] = "$.decision"
        states[names[act]] = {
            "Type": "Task",
            "Resource": TASK + (".waitForTaskToken" if asks else ""),
            "Parameters": {"FunctionName": function, "Payload": given},
            **({} if asks else {"ResultSelector": {"answer.$": "$.Payload"}}),
            "ResultPath": "$.decision" if asks else f"$.phases.{act}",
            "TimeoutSeconds": 120,
            "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": "FailWorkflow"}],
            "Next": names[following] if following else "Decided",
        }
    states["CheckHealth"]["Next"] = "NeedsRecovery"
    states["NeedsRecovery"] = {
        "Type": "Choice",
        "Choices": [{"Variable": "$.input_noop", "BooleanEquals": True, "Next": "HealthyNoop"}],
        "Default": names["read_restore_point"],
    }
    states["Decided"] = {
        "Type": "Choice",
        "Choices": [{"Variable": "$.phases.promote.answer.approved", "BooleanEquals": True, "Next": "PromoteApproved"}],
        "Default": "PromotionRejected",
    }
    for name in ("PromoteApproved", "PromotionRejected", "HealthyNoop"):
        states[name] = {"Type": "Pass", "Result": {"status": name}, "End": True}
    states["FailWorkflow"] = {"Type": "Fail", "Error": "DrillFailed", "Cause": "see the receipt of the failure"}
    return {"StartAt": "CheckHealth", "States": states}


@dataclass(frozen=True)
class Orchestrated:
    """A site with the machine, and executions of it."""

    world: embedded.World
    machine: str

    @classmethod
    def at(cls, world: embedded.World) -> "Orchestrated":
        """Make function and machine."""
        client = clients(world)
        role = client("iam").create_role(RoleName=f"r-{secrets.token_hex(4)}", AssumeRolePolicyDocument="{}")
        package = io.BytesIO()
        with zipfile.ZipFile(package, "w") as archive:
            archive.writestr("stand_in.py", CODE)
            for act in ACTS:
                archive.writestr(f"{act}.json", json.dumps(_template(act)))
        name = f"orchestrator-{secrets.token_hex(4)}"
        made = client("lambda").create_function(
            FunctionName=name,
            Runtime="python3.13",
            Role=role["Role"]["Arn"],
            Handler="stand_in.handler",
            Code={"ZipFile": package.getvalue()},
            Timeout=60,
            Environment={"Variables": {"BUCKET": BUCKET, "PREFIX": PREFIX}},
        )
        machine = client("stepfunctions").create_state_machine(
            name=name, definition=json.dumps(definition(made["FunctionArn"])), roleArn=role["Role"]["Arn"]
        )
        return cls(world, machine["stateMachineArn"])

    def begin(self, name: str, **given: Any) -> str:
        """Start an execution and return its ARN."""
        given = {"force_run": True, "requested_by": "arn:aws:iam::444455556666:user/olga", "input_noop": False} | given
        answer = clients(self.world)("stepfunctions").start_execution(
            stateMachineArn=self.machine, name=name, input=json.dumps(given)
        )
        arn: str = answer["executionArn"]
        return arn

    def token(self, arn: str) -> str:
        """Return the token of the task that waits for an answer, once there is one."""

        def look() -> str:
            events = clients(self.world)("stepfunctions").get_execution_history(executionArn=arn)["events"]
            asked = [e["taskScheduledEventDetails"]["parameters"] for e in events if e["type"] == "TaskScheduled"]
            submitted = any(event["type"] == "TaskSubmitted" for event in events)
            return next((json.loads(a)["Payload"]["task_token"] for a in asked if "task_token" in a and submitted), "")

        found: str = until(look)
        return found

    def answer(self, arn: str, *, approved: object = True, **changes: Any) -> None:
        """Answer the execution's question as an approver does."""
        # Between the question and the answer, to the millisecond that receipts have.
        token, now = self.token(arn), SystemClock().now()
        decision = {
            "approved": approved,
            "approver": "arn:aws:iam::444455556666:user/ada",
            "account_id": "444455556666",
            "ticket": "DR-7",
            "reason": "validated",
            "decided_at": now,
            "expires_at": "2099-01-01T00:00:00.000Z",
            "execution_arn": arn,
            "plan_sha256": "ab" * 32,
            "validation_sha256": "cd" * 32,
        }
        envelope = {"decision": decision | changes, "dsse": {"payload": "e30=", "signatures": []}}
        clients(self.world)("stepfunctions").send_task_success(taskToken=token, output=json.dumps(envelope))

    def ended(self, arn: str) -> dict[str, Any]:
        """Return how an execution ended."""
        machines = clients(self.world)("stepfunctions")

        def look() -> dict[str, Any] | None:
            found: dict[str, Any] = machines.describe_execution(executionArn=arn)
            return found if found["status"] != "RUNNING" else None

        found: dict[str, Any] = until(look)
        return found


def clients(world: embedded.World) -> Callable[[str], Any]:
    """Return what makes plain clients of the site that takes over."""
    issued = embedded.credentials(world.endpoint)["recovery"]

    def client(service: str) -> Any:
        make: Any = boto3.client
        return make(
            service,
            region_name=issued["region"],
            endpoint_url=world.endpoint,
            aws_access_key_id=issued["access_key_id"],
            aws_secret_access_key=issued["secret_access_key"],
        )

    return client


def _template(act: str) -> Any:
    """Return the receipt of a phase, but for its execution and its time."""
    receipt = encode(PASSING.receipts[act])
    receipt["evidence"] = []
    if act == "promote":
        receipt |= {"observed": {"approved": True}, "reason": ""}
    return receipt
