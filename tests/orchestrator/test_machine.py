"""The machine of a recovery runs in the embedded world, and each scenario ends as the page of the docs says.

Its function is a stand-in that answers as the interface of the orchestrator's function says: what is shown here is
the machine, its build, its people and its ends.
"""

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pytest

from drproof.orchestrator import definition
from tests.embedded.conftest import RunningWorld, begin
from tests.orchestrator.ends import APPROVED, FUNCTION, OVER, REJECTED, End, document, rows
from tests.patience import until
from tests.roles.asked import note
from tests.shares import FEW

pytestmark = pytest.mark.costly(days=FEW)

FUNCTION_NAME = "drproof-orchestrator"
GIVEN = {"force_run": False, "requested_by": "ada"}
STAND_IN = """
import json, os, pathlib

ROWS = json.loads(pathlib.Path(os.environ["LAMBDA_TASK_ROOT"], "rows.json").read_text())


class PhaseFailed(Exception):
    pass


class ThrottledError(Exception):
    pass


def handler(event, context):
    act, how = event["act"], ROWS[event["execution"]["name"]].get(event["act"], "")
    if how == "fails":
        raise PhaseFailed(f"{act} failed: said so; receipt=s3://receipts/{act}.json")
    if how == "is throttled" and event["attempt"] == 0:
        raise ThrottledError("later")
    if act == "prepare_bringup":
        project = {"fails": "broken", "is refused": "nothing"}.get(ROWS[event["execution"]["name"]].get("build"), "quick")
        given = [{"Name": "EXECUTION_ID", "Value": event["execution"]["name"], "Type": "PLAINTEXT"}]
        return {"project": project, "environment": given, "idempotency_token": event["execution"]["name"]}
    if act in ("tell_of_failure", "seal"):
        return {"told": sorted(event.get("failures", ()))}
    answer = {"phase": act, "outcome": "passed", "receipt": f"s3://receipts/{act}.json", "sha256": "0" * 64}
    if act == "check_health":
        answer["needs_recovery"] = {"is healthy": False, "is held": None, "is unclear": "true"}.get(how, True)
        answer["outcome"] = "blocked" if how == "is held" else "passed"
    if act == "promote":
        if not isinstance(event["decision"], dict):
            raise PhaseFailed("promote failed: no decision came back")
        approved = event["decision"]["decision"]["approved"]
        answer["approved"] = str(approved) if how == "is unclear" else approved
    if how == "forgets":
        del answer["sha256"]
    return answer
"""


@dataclass
class Stage:
    """A world with the machine in three forms, and an execution for each scenario that was asked about."""

    world: RunningWorld
    machines: dict[str, str] = field(default_factory=dict)
    executions: dict[str, str] = field(default_factory=dict)

    @cached_property
    def states(self) -> Any:
        return self.world.client("stepfunctions")

    def prepare(self) -> None:
        """Make function, projects and machines."""
        iam, functions, builds = (self.world.client(name) for name in ("iam", "lambda", "codebuild"))
        role = iam.create_role(RoleName="orchestrator", AssumeRolePolicyDocument="{}", Path="/")["Role"]["Arn"]
        package = io.BytesIO()
        with zipfile.ZipFile(package, "w") as archive:
            archive.writestr("stand_in.py", STAND_IN)
            archive.writestr("rows.json", json.dumps({row.name: dict(row.acts) for row in rows()}))
        function = functions.create_function(
            FunctionName=FUNCTION_NAME,
            Runtime="python3.13",
            Role=role,
            Handler="stand_in.handler",
            Code={"ZipFile": package.getvalue()},
            Timeout=60,
        )["FunctionArn"]
        for project, command in (("quick", "true"), ("broken", "false")):
            buildspec = json.dumps({"version": 0.2, "phases": {"build": {"commands": [command]}}})
            builds.create_project(
                name=project,
                source={"type": "NO_SOURCE", "location": "none", "buildspec": buildspec},
                artifacts={"type": "NO_ARTIFACTS"},
                environment={
                    "type": "LINUX_CONTAINER",
                    "image": "aws/codebuild/standard:7.0",
                    "computeType": "BUILD_GENERAL1_MEDIUM",
                },
                serviceRole=role,
            )
        self.machines = {limit: self._machine(limit, role, function) for limit in ("", "approval", "machine")}

    def ended(self, row: End) -> dict[str, Any]:
        """Run a scenario to its end, once, with people who do what it says; return how the execution is described."""
        if row.name not in self.executions:
            self.executions[row.name] = self.states.start_execution(
                stateMachineArn=self.machines[row.limit], name=row.name, input=json.dumps(GIVEN)
            )["executionArn"]
        acts = row.person not in {"", "is silent"}
        until(lambda: self.described(row)["status"] != "RUNNING" or (acts and self._token(row)))
        if self.described(row)["status"] == "RUNNING":
            self._decide(row, self._token(row))
            until(lambda: self.described(row)["status"] != "RUNNING")
        return self.described(row)

    def _machine(self, limit: str, role: str, function: str) -> str:
        text = json.dumps(document(limit, seconds=2 if limit == "machine" else 1))
        text = text.replace(definition.FUNCTION, function)
        made = self.states.create_state_machine(name=f"recovery-{limit or 'whole'}", definition=text, roleArn=role)
        return str(made["stateMachineArn"])

    def _token(self, row: End) -> str:
        events = self.events(row, reverseOrder=True, maxResults=3)
        if not events or events[0]["type"] != "TaskSubmitted":
            return ""
        scheduled = next((event for event in events if event["type"] == "TaskScheduled"), None)
        details = scheduled["taskScheduledEventDetails"] if scheduled else {}
        if "waitForTaskToken" not in details.get("resource", ""):
            return ""
        return str(json.loads(details["parameters"])["Payload"]["task_token"])

    def _decide(self, row: End, token: str) -> None:
        said: dict[str, Any] = {"approves": APPROVED, "rejects": REJECTED, "says yes": "yes"}
        if row.person == "aborts":
            self.states.stop_execution(executionArn=self.executions[row.name], error="Operator", cause="wrong day")
        elif row.person == "fails the task":
            self.states.send_task_failure(taskToken=token, error="ManualApprovalRejected", cause="no")
        else:
            self.states.send_task_success(taskToken=token, output=json.dumps(said[row.person]))

    def described(self, row: End) -> dict[str, Any]:
        return dict(self.states.describe_execution(executionArn=self.executions[row.name]))

    def events(self, row: End, **asked: Any) -> list[dict[str, Any]]:
        found = self.states.get_execution_history(executionArn=self.executions[row.name], **asked)
        return list(found["events"])

    def entered(self, row: End) -> list[str]:
        return [
            event["stateEnteredEventDetails"]["name"]
            for event in self.events(row, maxResults=1000)
            if event["type"].endswith("StateEntered")
        ]

    def asked(self, row: End) -> list[dict[str, Any]]:
        """Return the events that the function was called with."""
        told = [
            json.loads(event["taskScheduledEventDetails"]["parameters"])
            for event in self.events(row, maxResults=1000)
            if event["type"] == "TaskScheduled"
        ]
        return [one["Payload"] for one in told if "Payload" in one]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    world = begin(tmp_path_factory.mktemp("machine") / "world")
    made = Stage(world)
    made.prepare()
    yield made
    world.stop()
    assert world.process.stdout is not None
    world.process.stdout.close()


def row_of(name: str) -> End:
    return next(row for row in rows() if row.name == name)


SAMPLED = frozenset(
    {
        "healthy",
        "held",
        "approved",
        "rejected",
        "throttled",
        "refused",
        "silent",
        "aborted",
        "restore-fails",
        "quota-zero",
        "untold",
        "runtime",
        "out-of-time",
    }
)
"""One scenario of each kind, for CI; the replay has every one, and `make sweep` runs the rest here too."""


@pytest.mark.parametrize(
    "row",
    [pytest.param(row, id=row.name, marks=() if row.name in SAMPLED else pytest.mark.exhaustive) for row in rows()],
)
def test_a_scenario_ends_as_documented(stage: Stage, row: End) -> None:
    done = stage.ended(row)
    names = stage.entered(row)

    error = {"aborted": "Operator"}.get(row.name, row.error)
    assert (done["status"], done.get("error", "")) == (row.status, error), done.get("cause")
    # How far it comes in two seconds is the machine's that runs it.
    assert names[-1] == row.last or row.limit == "machine"
    heard = "TellOfFailure" in names and not row.acts.get("tell_of_failure")
    assert heard == (row.told == FUNCTION)
    if row.error == OVER:
        assert names[-2] == "SealFailed"


def test_the_function_is_called_as_the_interface_says(stage: Stage) -> None:
    row = row_of("approved")
    stage.ended(row)
    events = stage.asked(row)

    assert [event["act"] for event in events][:3] == ["check_health", "read_restore_point", "prepare_bringup"]
    assert [event["act"] for event in events][-3:] == ["request_manual_approval", "promote", "seal"]
    for event in events:
        assert event["input"] == GIVEN
        assert event["attempt"] == 0
        execution = event["execution"]
        assert execution["arn"] == stage.executions["approved"]
        assert execution["name"] == "approved"
        assert execution["machine"].endswith(":stateMachine:recovery-whole")
        assert execution["started_at"].startswith("20")
        more = set(event) - {"act", "execution", "attempt", "input"}
        assert more == {
            "bringup": {"build_id"},
            "request_manual_approval": {"task_token"},
            "promote": {"decision"},
        }.get(event["act"], set())
    by_act = {event["act"]: event for event in events}
    assert by_act["bringup"]["build_id"].startswith("quick:")
    assert by_act["promote"]["decision"] == APPROVED


def test_the_machine_asks_for_nothing_that_its_role_does_not_allow(stage: Stage) -> None:
    stage.ended(row_of("approved"))

    found = note("machine", "executions", stage.world.control("GET", "calls")[1], app="states")

    assert {"codebuild:StartBuild", "lambda:InvokeFunction"} <= found


def test_a_call_that_is_throttled_is_made_again_and_says_how_often(stage: Stage) -> None:
    stage.ended(row_of("throttled"))
    attempts = [event["attempt"] for event in stage.asked(row_of("throttled")) if event["act"] == "validate"]
    assert attempts == [0, 1]


def test_people_are_told_which_phase_failed_and_why(stage: Stage) -> None:
    stage.ended(row_of("restore-fails"))
    told = next(event for event in stage.asked(row_of("restore-fails")) if event["act"] == "tell_of_failure")
    (phase,) = told["failures"]
    assert (phase, told["failures"]["restore"]["Error"]) == ("restore", "PhaseFailed")
    assert "receipt=s3://receipts/restore.json" in told["failures"]["restore"]["Cause"]


def test_what_an_execution_leaves_is_references_and_never_its_token(stage: Stage) -> None:
    row = row_of("approved")
    stage.ended(row)
    (token,) = (event["task_token"] for event in stage.asked(row) if "task_token" in event)
    output = stage.described(row)["output"]

    assert token not in output
    assert sorted(json.loads(output)) == ["bringup", "decision", "failures", "phases", "seal", "status"]
    assert json.loads(output)["phases"]["promote"]["approved"] is True
