"""A machine that has validated and asks a person: the smallest that an operator's commands can be shown on."""

import io
import json
import secrets
import zipfile
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from pathlib import Path
from typing import Any

from drproof.evidence.bundle import sealed_opening
from drproof.evidence.canonical import canonical, digest
from drproof.formats.receipt_names import name_of
from drproof.model.codec import encode
from drproof.model.criteria import Approval, Approver, PlanDocument, Window
from drproof.model.receipt import Tool
from drproof.targets import embedded
from tests.contracts.evidence import PASSING
from tests.evidence.keys import APPROVER, RUNNER
from tests.orchestrator.stand_in import BUCKET, clients
from tests.patience import until

FOLDER = "operated"
MACHINE_RUNS_AS = "arn:aws:sts::444455556666:assumed-role/orchestrator/runner"
HAD_IT_RUN = "arn:aws:sts::444455556666:assumed-role/operator/olga"
CODE = """
def handler(event, context):
    if event["act"] == event["input"].get("fail"):
        raise type("PhaseFailed", (Exception,), {})(event["act"] + " failed: it was told to; receipt=s3://nowhere/x.json")
    return {}
"""


@dataclass(frozen=True)
class Waiting:
    """A world with such a machine."""

    world: embedded.World
    function: str
    role: str
    machines: dict[str, str] = field(default_factory=dict)

    @classmethod
    def at(cls, world: embedded.World) -> "Waiting":
        client = clients(world)
        role = client("iam").create_role(RoleName=f"r-{secrets.token_hex(4)}", AssumeRolePolicyDocument="{}")
        package = io.BytesIO()
        with zipfile.ZipFile(package, "w") as archive:
            archive.writestr("asking.py", CODE)
        made = client("lambda").create_function(
            FunctionName=f"asking-{secrets.token_hex(4)}",
            Runtime="python3.13",
            Role=role["Role"]["Arn"],
            Handler="asking.handler",
            Code={"ZipFile": package.getvalue()},
            Timeout=60,
        )
        return cls(world, made["FunctionArn"], role["Role"]["Arn"])

    def begin(self, name: str, *, build_id: str = "", **given: Any) -> str:
        """Store what an execution showed until it asks, start one that goes on from there, and return its ARN."""
        known = {"phases": self._stored(name), **({"bringup": {"id": build_id}} if build_id else {})}
        machine = clients(self.world)("stepfunctions").create_state_machine(
            name=f"machine-{name}", definition=json.dumps(_definition(self.function, known)), roleArn=self.role
        )
        self.machines[name] = machine["stateMachineArn"]
        given = {"force_run": True, "requested_by": HAD_IT_RUN, **given}
        started = clients(self.world)("stepfunctions").start_execution(
            stateMachineArn=self.machines[name], name=name, input=json.dumps(given)
        )
        return str(started["executionArn"])

    def token(self, arn: str) -> str:
        """Return the token of the task that waits, once it does."""

        def look() -> str:
            events = clients(self.world)("stepfunctions").get_execution_history(executionArn=arn)["events"]
            asked = [e["taskScheduledEventDetails"]["parameters"] for e in events if e["type"] == "TaskScheduled"]
            submitted = any(event["type"] == "TaskSubmitted" for event in events)
            return next((json.loads(a)["Payload"]["task_token"] for a in asked if "task_token" in a and submitted), "")

        return str(until(look))

    def ended(self, arn: str) -> dict[str, Any]:
        machines = clients(self.world)("stepfunctions")

        def look() -> dict[str, Any] | None:
            found: dict[str, Any] = machines.describe_execution(executionArn=arn)
            return found if found["status"] != "RUNNING" else None

        found: dict[str, Any] = until(look)
        return found

    def given(self, arn: str) -> Any:
        """Return the input of an execution."""
        return json.loads(clients(self.world)("stepfunctions").describe_execution(executionArn=arn)["input"])

    def stopped(self, arn: str) -> bool:
        """Return whether the platform was asked, as the last of its executions, to end one."""
        asked = [call for call in self.world.calls() if call["action"] == "StopExecution"]
        return bool(asked) and asked[-1]["status"] == HTTPStatus.OK and arn != ""

    def objects(self) -> bytes:
        """Return every byte that lies in the receipt store."""
        s3 = clients(self.world)("s3")
        keys = [one["Key"] for one in s3.list_objects_v2(Bucket=BUCKET, Prefix=FOLDER).get("Contents", [])]
        return b"".join(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in keys)

    def _stored(self, name: str) -> dict[str, Any]:
        who = (Approver(keyid=APPROVER.keyid, public_key=APPROVER.public_key),)
        plan = PlanDocument(
            drill_id=name, mode="rehearsal", plan="recovery", created_at="2026-01-31T12:00:00.000Z", nonce="0" * 64,
            window=Window(full=True, start_at="bringup", stop_after="promote"), phases=("validate",), contracts=(),
            criteria=replace(PASSING.criteria, approval=Approval(within_ms=86_400_000, approvers=who)),
            max_attempts=1, tool=Tool(version="1"),
        )  # fmt: skip
        written = canonical(encode(plan))
        opening = sealed_opening(plan, plan_digest=digest(written), signers=(RUNNER,))
        self._put(f"{name}/{name_of('plan.json')}", written)
        self._put(f"{name}/{name_of('opening.dsse.json')}", opening)
        phases = {}
        for phase in ("resolve_runner", "restore", "validate"):
            found = PASSING.receipts[phase]
            caller = replace(found.caller, arn=MACHINE_RUNS_AS) if found.caller is not None else None
            found = replace(found, drill_id=name, opening=digest(opening), caller=caller, evidence=())
            data = canonical(encode(found))
            uri = self._put(f"{name}/{phase}.json", data)
            phases[phase] = {"phase": phase, "outcome": "passed", "receipt": uri, "sha256": digest(data)}
        return phases

    def _put(self, name: str, data: bytes) -> str:
        clients(self.world)("s3").put_object(Bucket=BUCKET, Key=f"{FOLDER}/{name}", Body=data)
        return f"s3://{BUCKET}/{FOLDER}/{name}"


def _definition(function: str, known: dict[str, Any]) -> dict[str, Any]:
    event = {
        "act": "request_manual_approval",
        "execution": {"arn.$": "$$.Execution.Id", "name.$": "$$.Execution.Name"},
        "input.$": "$$.Execution.Input",
        "task_token.$": "$$.Task.Token",
    }
    return {
        "StartAt": "Begin",
        "States": {
            "Begin": {"Type": "Pass", "Result": known, "Next": "RequestManualApproval"},
            "RequestManualApproval": {
                "Type": "Task",
                "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
                "Parameters": {"FunctionName": function, "Payload": event},
                "ResultPath": "$.decision",
                "TimeoutSeconds": 600,
                "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.failures", "Next": "FailWorkflow"}],
                "Next": "Decided",
            },
            "Decided": {
                "Type": "Choice",
                "Choices": [
                    {"Variable": "$.decision.decision.approved", "BooleanEquals": True, "Next": "PromoteApproved"}
                ],
                "Default": "PromotionRejected",
            },
            "PromoteApproved": {"Type": "Pass", "Result": "promote_approved", "ResultPath": "$.status", "End": True},
            "PromotionRejected": {
                "Type": "Pass",
                "Result": "promotion_rejected",
                "ResultPath": "$.status",
                "End": True,
            },
            "FailWorkflow": {"Type": "Fail", "Error": "DRPhaseFailed", "Cause": "See the phase"},
        },
    }


def key_file(folder: Path, key: Any) -> str:
    """Write a key of the tests where a command can use it, and return its URI."""
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    folder.mkdir(mode=0o700)
    path = folder / "approver.key"
    path.touch(mode=0o600)
    path.write_bytes(key.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return f"file2:{path}"
