"""The generated machine calls the real function out of its whole package, and a recovery of the embedded site ends as documented.

What the stand-in of `test_machine` cannot show: that machine and function speak of the same acts, inputs and answers.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from drproof.orchestrator import definition, package
from tests.orchestrator.acting import Machine, machine
from tests.orchestrator.test_package import HERE
from tests.patience import until

FUNCTION = "drproof-orchestrator"
NONE = "no token"
GIVEN = {"force_run": True, "requested_by": "atlas-on-call", "reason": "a rehearsal"}


class Deployed:
    """The machine of a recovery and its function in an embedded world."""

    def __init__(self, played: Machine) -> None:
        """Deploy both."""
        self.played = played
        self.states = played.client("stepfunctions")
        iam, functions = played.client("iam"), played.client("lambda")
        role = iam.create_role(RoleName=FUNCTION, AssumeRolePolicyDocument="{}", Path="/")["Role"]["Arn"]
        packed = package.build(
            played.package / "functions.zip", played.package / "drproof.toml", architecture=HERE, installed=True
        )
        made = functions.create_function(
            FunctionName=FUNCTION,
            Runtime="python3.13",
            Role=role,
            Handler="drproof.orchestrator.handler.handler",
            Code={"ZipFile": packed.path.read_bytes()},
            Timeout=definition.LONGEST_SECONDS,
        )
        text = definition.text().replace(definition.FUNCTION, made["FunctionArn"])
        self.arn = self.states.create_state_machine(name="atlas-dr", definition=text, roleArn=role)["stateMachineArn"]
        # What the function keeps beside its settings lies where its package was unpacked.
        digest = made["CodeSha256"].replace("/", "_")
        self.unpacked = played.world.directory / "functions" / f"{FUNCTION}-{digest}"
        # Keys and their trust file cannot come in a zip, which loses who may read them: a real one has a key service.
        shutil.copytree(played.package / ".drproof", self.unpacked / ".drproof")
        shutil.copy(played.package / "drproof.toml", self.unpacked)
        # The interpreter of the embedded world has what the package leaves out.
        (self.unpacked / "kubernetes.py").write_text('raise ImportError("it is not in the package")')

    def begin(self, name: str, **given: Any) -> str:
        started = self.states.start_execution(stateMachineArn=self.arn, name=name, input=json.dumps({**GIVEN, **given}))
        return str(started["executionArn"])

    def seen(self, arn: str) -> dict[str, Any]:
        return dict(self.states.describe_execution(executionArn=arn))

    def history(self, arn: str, **asked: Any) -> list[dict[str, Any]]:
        return list(self.states.get_execution_history(executionArn=arn, **{"maxResults": 1000, **asked})["events"])

    def entered(self, arn: str) -> list[str]:
        return [
            event["stateEnteredEventDetails"]["name"]
            for event in self.history(arn)
            if "stateEnteredEventDetails" in event
        ]

    def failed(self, arn: str) -> str:
        """Return what failed, for people."""
        return "\n".join(str(event) for event in self.history(arn) if event["type"].endswith(("Failed", "TimedOut")))

    def answer(self, arn: str, phase: str) -> dict[str, Any]:
        """Return what the function answered to a phase."""
        outputs = [
            event["taskSucceededEventDetails"]["output"]
            for event in self.history(arn)
            if event["type"] == "TaskSucceeded"
        ]
        payloads = [json.loads(output).get("Payload", {}) for output in outputs]
        return dict(next(one for one in payloads if one.get("phase") == phase))

    def token(self, arn: str) -> str:
        """Return the token of the question once it was asked, NONE where the execution ended before."""
        last = self.history(arn, reverseOrder=True, maxResults=3)
        if self.seen(arn)["status"] != "RUNNING":
            return NONE
        scheduled = next((event for event in last if event["type"] == "TaskScheduled"), None)
        if not last or last[0]["type"] != "TaskSubmitted" or scheduled is None:
            return ""
        payload = json.loads(scheduled["taskScheduledEventDetails"]["parameters"]).get("Payload", {})
        return str(payload.get("task_token", ""))

    def ended(self, arn: str) -> dict[str, Any]:
        until(lambda: self.seen(arn)["status"] != "RUNNING", PATIENT)
        return self.seen(arn)


PATIENT = 900
"""Seconds for seventeen calls, each in a process of its own, on a machine that does other things as well."""


def test_a_site_that_is_well_is_left_alone_and_sealed(tmp_path: Path) -> None:
    with machine(tmp_path, "well") as began:
        stage = Deployed(began)
        arn = stage.begin("well", force_run=False)

        done = stage.ended(arn)

        assert done["status"] == "SUCCEEDED", stage.failed(arn)
        assert stage.entered(arn) == ["Begin", "CheckHealth", "NeedsRecovery", "SealHealthy", "HealthyNoop"]
        assert json.loads(done["output"])["status"] == "healthy_noop"
        assert began.mails() == []
        well = Machine(began.world, stage.unpacked, "well", arn_given=arn)
        assert (well.bundle(tmp_path / "bundle") / "closing.dsse.json").is_file()


@pytest.mark.exhaustive
def test_a_recovery_that_a_person_approves_passes_every_state_and_its_token_is_kept_nowhere(tmp_path: Path) -> None:
    with machine(tmp_path, "approved") as began:
        stage = Deployed(began)
        arn = stage.begin("approved")
        token = until(lambda: stage.token(arn), PATIENT)
        assert token != NONE, stage.failed(arn)
        played = Machine(began.world, stage.unpacked, "approved", arn_given=arn)

        decision = json.dumps(played.decision(stage.answer(arn, "validate"), approved=True))
        stage.states.send_task_success(taskToken=token, output=decision)
        done = stage.ended(arn)

        assert done["status"] == "SUCCEEDED", stage.failed(arn)
        assert stage.entered(arn)[-5:] == [
            "RequestManualApproval",
            "Promote",
            "Decided",
            "SealApproved",
            "PromoteApproved",
        ]
        phases = json.loads(done["output"])["phases"]
        assert {one["outcome"] for name, one in phases.items() if name != "prepare_bringup"} == {"passed"}
        assert phases["promote"]["approved"] is True
        assert played.search(token) == []
        assert token not in json.dumps(began.mails())
        assert (played.bundle(tmp_path / "bundle") / "closing.dsse.json").is_file()
