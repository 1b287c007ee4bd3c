"""What no Catch can tell of is told by the watcher: from the event and the history, once, and without others' words."""

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from drproof.engine.clock import instant
from drproof.formats import timestamps
from drproof.orchestrator import watcher
from drproof.orchestrator.still_up import machines_of
from drproof.targets import embedded
from drproof.targets.aws.ec2 import AwsFleet
from tests.patience import until
from tests.roles.asked import note_invoked
from tests.targets.decoys import Yard, marked, yard_in

WATCHER, PHASES = "drproof-watcher", "drproof-phases"
FUTURE = "2099-01-01T00:00:00.000Z"
CODE = """
def handler(event, context):
    if event["raise"]:
        raise type(event["raise"], (Exception,), {})("password=hunter2")
    return {"receipt": "s3://atlas-receipts/drill/validate.json"}
"""
CALL = "arn:aws:states:::lambda:invoke"


@dataclass
class Watch:
    """A world with the watcher, a machine in the form of ours, and a queue that hears the topic."""

    yard: Yard
    role: str
    queue: str
    machines: int = 0

    @property
    def states(self) -> Any:
        return self.yard.client("stepfunctions")

    def run(self, validate: dict[str, Any], *, telling: str = "", abort: bool = False, name: str = "") -> str:
        """Run a machine of three states to its end, and return the execution's ARN."""
        self.machines += 1
        name = name or f"drill-{self.machines}"
        catch = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.failures.validate", "Next": "TellOfFailure"}]
        beyond = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.failures.tell_of_failure", "Next": "SealFailed"}]
        states = {
            "Notify": _call("", Next="Validate"),
            "Validate": {"End": True, "Catch": catch, **validate},
            "TellOfFailure": _call(telling, Catch=beyond, Next="SealFailed"),
            "SealFailed": {"Type": "Pass", "Next": "FailWorkflow"},
            "FailWorkflow": {"Type": "Fail", "Error": "DRPhaseFailed", "Cause": "look elsewhere"},
        }
        made = self.states.create_state_machine(
            name=name, definition=json.dumps({"StartAt": "Notify", "States": states}), roleArn=self.role
        )
        arn = self.states.start_execution(stateMachineArn=made["stateMachineArn"], name=name, input="{}")[
            "executionArn"
        ]
        if abort:
            until(lambda: self._last(arn)["type"] == "TaskSubmitted")
            self.states.stop_execution(executionArn=arn, error="Operator", cause="password=hunter2")
        until(lambda: self.status(arn) != "RUNNING")
        return str(arn)

    def status(self, arn: str) -> str:
        return str(self.states.describe_execution(executionArn=arn)["status"])

    def _last(self, arn: str) -> dict[str, Any]:
        return dict(self.states.get_execution_history(executionArn=arn, reverseOrder=True, maxResults=1)["events"][0])

    def ended(self, arn: str, **detail: Any) -> tuple[bool, dict[str, Any]]:
        """Call the watcher as the rule does; return whether it failed, and what it said."""
        event = {
            "source": "aws.states",
            "detail-type": "Step Functions Execution Status Change",
            "detail": {"executionArn": arn, "status": detail.pop("status", "") or self.status(arn), **detail},
        }
        answer = self.yard.client("lambda").invoke(FunctionName=WATCHER, Payload=json.dumps(event).encode())
        return "FunctionError" in answer, json.loads(answer["Payload"].read())

    def heard(self) -> list[dict[str, Any]]:
        """Return what people heard since the last time."""
        sqs = self.yard.client("sqs")
        found = sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages", [])
        for one in found:
            sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=one["ReceiptHandle"])
        return [json.loads(one["Body"]) for one in found]


def _call(error: str, **more: Any) -> dict[str, Any]:
    parameters = {"FunctionName": PHASES, "Payload": {"raise": error}}
    return {
        "Type": "Task",
        "Resource": CALL,
        "Parameters": parameters,
        "TimeoutSeconds": 60,
        "ResultPath": None,
        **more,
    }


@pytest.fixture(scope="module")
def watch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watch]:
    yard = yard_in(tmp_path_factory.mktemp("yard"))
    role = yard.client("iam").create_role(RoleName=WATCHER, AssumeRolePolicyDocument="{}", Path="/")["Role"]["Arn"]
    for name, handler, file, content in (
        (WATCHER, "drproof.orchestrator.watcher.handler", "drproof.toml", 'target = "embedded"\n'),
        (PHASES, "phases.handler", "phases.py", CODE),
    ):
        package = io.BytesIO()
        with zipfile.ZipFile(package, "w") as archive:
            archive.writestr(file, content)
        yard.client("lambda").create_function(
            FunctionName=name,
            Runtime="python3.13",
            Role=role,
            Handler=handler,
            Code={"ZipFile": package.getvalue()},
            Timeout=120,
        )
    sqs = yard.client("sqs")
    queue = sqs.create_queue(QueueName="people")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topics = yard.client("sns").list_topics()["Topics"]
    (topic,) = (one["TopicArn"] for one in topics if one["TopicArn"].endswith(":atlas-dr-notifications"))
    yard.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    yield Watch(yard, role, queue)
    note_invoked("watcher", "executions that end", yard.world.calls(), app=WATCHER)
    yard.world.stop()


def test_an_abort_is_told_with_its_phase_its_receipts_what_is_up_and_the_one_command(watch: Watch) -> None:
    waiting = _call("", Resource=f"{CALL}.waitForTaskToken")
    waiting["Parameters"]["Payload"]["token.$"] = "$$.Task.Token"
    machine = watch.yard.machine(marked("aborted", FUTURE))
    other = watch.yard.machine(marked("another", FUTURE))
    arn = watch.run(waiting, abort=True, name="aborted")

    failed, said = watch.ended(arn)

    assert not failed, said
    (heard,) = watch.heard()
    told = json.loads(heard["Message"])
    assert heard["Subject"] == "drproof rehearsal aborted: ABORTED in validate"
    assert (told["status"], told["phase"], told["cause"]) == ("ABORTED", "validate", "aborted")
    assert told["receipts"] == ["s3://atlas-receipts/drill/validate.json"]
    (up,) = told["still_up"]
    assert (up["instance_id"], up["state"], up["age_minutes"]) == (machine, "running", 0)
    assert up["cost"].startswith("t4g.medium and 8 GB of disk since 20")
    assert other not in heard["Message"]
    assert told["next"] == f"drproof teardown --execution-arn {arn}"
    token = json.loads(
        next(
            event["taskScheduledEventDetails"]["parameters"]
            for event in watch.states.get_execution_history(executionArn=arn, reverseOrder=True)["events"]
            if event["type"] == "TaskScheduled"
        )
    )["Payload"]["token"]
    assert token not in json.dumps([heard, said])
    assert "hunter2" not in json.dumps([heard, said])


def test_a_machine_that_is_held_is_told_with_its_age_and_what_runs_up_meanwhile(watch: Watch) -> None:
    machine, fleet = watch.yard.machine(marked("aged", FUTURE)), AwsFleet(watch.yard.client("ec2"), every=0.2)
    launched = fleet.wait_until(machine, "running", timeout_ms=30_000).launched_at
    later, before = (
        instant(timestamps.parse(launched) + timedelta(minutes=minutes, seconds=30)) for minutes in (95, -2)
    )

    told = {now: machines_of("aged", fleet, now=now, disk_gb=30) for now in (later, before)}

    cost = f"t4g.medium and 30 GB of disk since {launched}; drproof knows no prices"
    row = {"instance_id": machine, "state": "running", "age_minutes": 95, "cost": cost}
    assert told == {later: [row], before: [{**row, "age_minutes": 0}]}
    assert machines_of("nobody", fleet, now=later, disk_gb=30) == []


def test_a_site_that_does_not_say_what_is_up_is_told_as_that_and_not_as_nothing(watch: Watch) -> None:
    endpoint = watch.yard.world.endpoint
    embedded.ask(endpoint, "POST", "faults", {"kind": "denied", "service": "ec2", "action": "DescribeInstances"})

    (row,) = machines_of("aged", AwsFleet(watch.yard.client("ec2"), every=0.2), now=FUTURE, disk_gb=8)

    assert (row["instance_id"], row["cost"]) == ("unknown", "unknown")
    assert row["state"] == "the recovery site did not say: UnauthorizedOperation"


def test_a_path_that_leads_to_nothing_is_told_with_its_state(watch: Watch) -> None:
    arn = watch.run({"Type": "Pass", "InputPath": "$.nothing", "Catch": []})

    failed, said = watch.ended(arn)

    assert not failed, said
    assert (said["status"], said["phase"], said["cause"]) == ("FAILED", "validate", "runtime: States.Runtime")
    assert len(watch.heard()) == 1


def test_what_the_machine_told_is_not_told_again_and_a_success_is_not_told(watch: Watch) -> None:
    told = watch.run(_call("PhaseFailed", End=True))
    well = watch.run(_call("", End=True))

    assert watch.ended(told) == (False, {"told": False, "why": "TellOfFailure told of it"})
    failed, said = watch.ended(well)

    assert (failed, said["told"]) == (False, False)
    assert watch.heard() == []


def test_a_failure_whose_telling_failed_is_told_with_its_own_cause(watch: Watch) -> None:
    arn = watch.run(_call("PhaseFailed", End=True), telling="ConnectionError")

    failed, said = watch.ended(arn)

    assert not failed, said
    assert (said["phase"], said["cause"]) == ("validate", "task: PhaseFailed")
    (heard,) = watch.heard()
    assert "hunter2" not in json.dumps(heard)


def test_an_execution_whose_history_is_gone_is_told_all_the_same(watch: Watch) -> None:
    arn = watch.run(_call("", End=True)).replace("drill-", "gone-")

    failed, said = watch.ended(arn, status="TIMED_OUT")

    assert not failed, said
    assert (said["phase"], said["cause"]) == ("unknown", "the history could not be read: NotFoundError")
    assert len(watch.heard()) == 1


def test_an_execution_elsewhere_is_refused_and_nobody_is_told(watch: Watch) -> None:
    failed, said = watch.ended("arn:aws:states:us-west-2:999999999999:execution:recovery:one", status="FAILED")

    assert failed
    assert "expected 444455556666 in us-west-2" in said["errorMessage"].replace("\n", " ")
    assert watch.heard() == []


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"source": "aws.states", "detail": "FAILED"},
        {"source": "aws.states", "detail": {"executionArn": "arn:aws:states:x", "status": "FAILED"}},
        {"source": "aws.codebuild", "detail": {"executionArn": "arn", "status": "FAILED"}},
    ],
)
def test_an_event_that_is_no_change_of_a_status_is_refused(event: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="the event is no change of an execution's status"):
        watcher.ended_of(event)
