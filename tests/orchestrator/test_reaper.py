"""The reaper is a sweep that a schedule calls; its module is valid, its role bound to the tags, its handler runs."""

import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from drproof.model.context import DRILL_TAG, EXPIRES_TAG
from drproof.targets import embedded
from tests.drill.conftest import Operator
from tests.roles.asked import note_invoked
from tests.targets import shipped
from tests.targets.decoys import BUCKET, FUTURE, PAST, STATE_KEY, STATES, Yard, marked, yard_in
from tests.terraform_here import configuration, needs_provider

pytestmark = pytest.mark.costly("what the reaper removes")

MODULE = Path(__file__).resolve().parents[2] / "deploy" / "terraform" / "reaper"
REAPER = "drproof-reaper"


def deploy(yard: Yard, *, seconds: int = 120) -> None:
    """Make the function, with so much time for each call."""
    role = yard.client("iam").create_role(RoleName=REAPER, AssumeRolePolicyDocument="{}", Path="/")["Role"]["Arn"]
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("drproof.toml", 'target = "embedded"\n')
    yard.client("lambda").create_function(
        FunctionName=REAPER,
        Runtime="python3.13",
        Role=role,
        Handler="drproof.orchestrator.reaper.handler",
        Code={"ZipFile": package.getvalue()},
        Timeout=seconds,
    )


@pytest.fixture(scope="module")
def yard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Yard]:
    found = yard_in(tmp_path_factory.mktemp("yard"))
    deploy(found)
    yield found
    note_invoked("reaper", "sweeps", found.world.calls(), app=REAPER)
    found.world.stop()


def call(yard: Yard, **event: Any) -> tuple[bool, dict[str, Any]]:
    answer = yard.client("lambda").invoke(FunctionName=REAPER, Payload=json.dumps(event).encode())
    return "FunctionError" in answer, json.loads(answer["Payload"].read())


def machines(yard: Yard) -> set[str]:
    return {one["id"] for one in yard.world.inventory()["instances"] if one["state"] != "shutting-down"}


def test_the_function_ends_an_expired_machine_and_no_other(yard: Yard) -> None:
    due, later = yard.made_by("dead", PAST), yard.made_by("alive", FUTURE)

    failed, told = call(yard, dry_run=True)
    assert not failed, told
    assert {item["identity"] for item in told["items"] if item["decision"] == "due"} >= {due}
    assert {due, later} <= machines(yard)

    failed, done = call(yard, dry_run=False, older_than="1h")
    assert not failed, done
    assert due in {item["identity"] for item in done["items"] if item["decision"] == "removed"}
    assert machines(yard) == {later}
    assert done["mode"] == "rehearsal"


@pytest.mark.parametrize("event", [{}, {"key1": "value1"}, {"dry-run": False}, {"drill": "tried-out-drill"}])
def test_who_tries_the_function_out_removes_nothing(yard: Yard, event: dict[str, Any]) -> None:
    due = yard.made_by(f"tried-out-{'-'.join(event)}", PAST)

    failed, told = call(yard, **event)

    assert due in machines(yard)
    unknown = event.keys() & {"key1", "dry-run"}
    assert failed is bool(unknown)
    assert not unknown or "it may say dry_run" in told["errorMessage"]
    yard.client("ec2").terminate_instances(InstanceIds=[due])


def _tagged(kind: str, tags: dict[str, str]) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}]


def test_the_function_removes_what_hung_on_the_machine_and_the_objects(yard: Yard) -> None:
    ec2, tags = yard.client("ec2"), marked("scattered", PAST)
    machine = yard.made_by("scattered", PAST)
    placed = ec2.describe_instances(InstanceIds=[machine])["Reservations"][0]["Instances"][0]
    zone = placed["Placement"]["AvailabilityZone"]
    volume = ec2.create_volume(AvailabilityZone=zone, Size=1, TagSpecifications=_tagged("volume", tags))["VolumeId"]
    ec2.attach_volume(VolumeId=volume, InstanceId=machine, Device="/dev/sdf")
    made = ec2.create_network_interface(
        SubnetId=placed["SubnetId"], TagSpecifications=_tagged("network-interface", tags)
    )["NetworkInterface"]
    interface = made["NetworkInterfaceId"]
    ec2.attach_network_interface(NetworkInterfaceId=interface, InstanceId=machine, DeviceIndex=1)
    yard.put("drills/scattered/state.json", {name: tags[name] for name in (DRILL_TAG, EXPIRES_TAG)})

    failed, done = call(yard, dry_run=False, drill="scattered")

    assert not failed, done
    removed = {item["identity"] for item in done["items"] if item["decision"] == "removed"}
    assert removed >= {machine, volume, interface, f"s3://{BUCKET}/drills/scattered/"}
    there = yard.world.inventory()
    assert interface not in {one["id"] for one in there["interfaces"]}
    assert volume not in {one["id"] for one in there["volumes"]}


def test_what_merely_carries_copied_tags_is_left_by_the_function_and_an_error_that_an_alarm_sees(yard: Yard) -> None:
    ec2, tags = yard.client("ec2"), marked("copied", PAST)
    zone = ec2.describe_availability_zones()["AvailabilityZones"][0]["ZoneName"]
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    volume = ec2.create_volume(AvailabilityZone=zone, Size=1, TagSpecifications=_tagged("volume", tags))["VolumeId"]
    made = ec2.create_network_interface(SubnetId=subnet, TagSpecifications=_tagged("network-interface", tags))
    interface = made["NetworkInterface"]["NetworkInterfaceId"]
    machine = yard.machine(tags)

    failed, said = call(yard, dry_run=False, drill="copied")

    assert failed
    for one in (f"foreign instance {machine}", f"foreign volume {volume}", f"foreign network-interface {interface}"):
        assert one in said["errorMessage"]
    assert machine in machines(yard)
    there = yard.world.inventory()
    assert {volume} <= {one["id"] for one in there["volumes"]}
    assert {interface} <= {one["id"] for one in there["interfaces"]}
    ec2.terminate_instances(InstanceIds=[machine])
    ec2.delete_volume(VolumeId=volume)
    ec2.delete_network_interface(NetworkInterfaceId=interface)


def test_the_function_removes_what_the_shipped_module_made_with_role_and_state(yard: Yard) -> None:
    made = shipped.make(yard.client, "of-the-module", PAST)
    yard.put(STATE_KEY, {}, bucket=STATES, body=made.state.encode())

    failed, done = call(yard, dry_run=False, drill="of-the-module")

    assert not failed, done
    assert {item["decision"] for item in done["items"]} == {"removed"}
    assert set(shipped.is_there(yard.client, made).values()) == {False}
    assert STATE_KEY not in {one["key"] for one in yard.world.inventory()["objects"] if not one["delete_marker"]}


@pytest.mark.parametrize("runs", [True, False], ids=["that runs", "that has ended"])
def test_a_lease_that_an_execution_holds_keeps_the_function_away_while_it_runs(yard: Yard, runs: bool) -> None:
    due = yard.made_by("dead-beside-an-execution", PAST)
    steps = yard.client("stepfunctions")
    role = yard.client("iam").get_role(RoleName=REAPER)["Role"]["Arn"]
    waits = {"StartAt": "wait", "States": {"wait": {"Type": "Wait", "Seconds": 3600, "End": True}}}
    machine = steps.create_state_machine(name=f"holder-{runs}", definition=json.dumps(waits), roleArn=role)
    execution = steps.start_execution(stateMachineArn=machine["stateMachineArn"], name="at-work")["executionArn"]
    if not runs:
        steps.stop_execution(executionArn=execution)
    # Between two acts nobody renews it: without the question to Step Functions it had long run out.
    holder = {"drill_id": "at-work", "fence": 1, "expires_at": PAST, "host": "h", "pid": 1, "length_ms": 1}
    lease = {**holder, "execution": execution, "parked": True}
    yard.put(f"{STATE_KEY}.drproof-lease", {}, bucket=STATES, body=json.dumps(lease).encode())

    failed, done = call(yard, dry_run=False, drill="dead-beside-an-execution")

    assert not failed, done
    assert (f"the execution {execution} holds the target while it runs" in done["obstacle"]) is runs
    assert (due in machines(yard)) is runs
    if runs:
        steps.stop_execution(executionArn=execution)
        yard.client("s3").delete_object(Bucket=STATES, Key=f"{STATE_KEY}.drproof-lease")
        assert not call(yard, dry_run=False, drill="dead-beside-an-execution")[0]


def test_more_than_it_may_remove_is_an_error_that_an_alarm_sees(yard: Yard) -> None:
    due = yard.made_by("dead-with-much", PAST)

    failed, said = call(yard, dry_run=False, max_deletions=1)

    assert failed
    assert said["errorType"] == "GuardError"
    assert "--max-deletions" in said["errorMessage"]
    assert due in machines(yard)


def test_the_command_tells_first_and_removes_when_it_is_told_to(yard: Yard, tmp_path: Path) -> None:
    due = yard.made_by("dead-by-command", PAST)
    operator = Operator(tmp_path)
    words = ("gc", "--target", "embedded", "--embedded", yard.world.endpoint, "--drill", "dead-by-command")

    told = operator.cli(*words)
    assert told.returncode == 1, told.stderr
    assert re.search(
        rf"^due +instance {due} of dead-by-command: drill dead-by-command expired at", told.stdout, re.MULTILINE
    )
    (step,) = re.findall(r"^next: (drproof gc .*)$", told.stdout, re.MULTILINE)
    assert step.startswith("drproof gc --drill dead-by-command --yes "), "the command that removes, not this one"
    assert due in machines(yard)

    strict = operator.cli(*words, "--older-than", "24h", "--max-deletions", "50")
    (bounded,) = re.findall(r"^next: (drproof gc .*)$", strict.stdout, re.MULTILINE)
    assert bounded == step.replace(" --target", " --older-than 24h --max-deletions 50 --target"), (
        "it removes what was shown, there and no more"
    )

    not_yet = operator.cli(*words, "--older-than", "876000h", "--yes")
    assert not_yet.returncode == 0, not_yet.stderr
    assert due in machines(yard)

    few = operator.cli(*words, "--yes", "--max-deletions", "1")
    assert few.returncode == 4
    assert "nothing was removed" in few.stderr

    elsewhere = operator.cli(*words, "--yes", "--expected-account-id", "999988887777")
    assert elsewhere.returncode == 4
    assert "expected account 999988887777" in elsewhere.stderr
    assert due in machines(yard)

    done = operator.cli(*shlex.split(step)[1:], "--json")
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert (record["older_than_ms"], record["max_deletions"]) == (0, 1_000), "nobody said another bound"
    assert {item["decision"] for item in record["items"]} == {"removed"}
    assert due not in machines(yard)
    (journal,) = (tmp_path / "reports" / "sweeps").glob("*.journal.log")
    assert due in journal.read_text()

    assert operator.cli(*words, "--yes").returncode == 0
    assert operator.cli("gc", "--target", "embedded").returncode == 2


@pytest.mark.parametrize(
    ("service", "action", "kind"),
    [
        ("ec2", "DescribeInstances", "throttle"),
        ("ec2", "DescribeTags", "unavailable"),
        ("s3", "ListObjectsV2", "reset"),
        ("s3", "GetObjectTagging", "throttle"),
    ],
)
@pytest.mark.parametrize("nth", [1, 3])
def test_one_answer_that_is_missing_keeps_nothing_up(
    yard: Yard, tmp_path: Path, service: str, action: str, kind: str, nth: int
) -> None:
    """Of a listing with thousands of questions some answer is missing every time."""
    drill = f"dead-{action}-{nth}"
    due = yard.made_by(drill, PAST)
    for number in range(3):
        yard.put(
            f"drills/{drill}/{number}.json", {name: marked(drill, PAST)[name] for name in (DRILL_TAG, EXPIRES_TAG)}
        )
    rule = {"service": service, "action": action, "kind": kind, "nth": nth}
    embedded.ask(yard.world.endpoint, "POST", "faults", rule)

    words = ("gc", "--target", "embedded", "--embedded", yard.world.endpoint, "--drill", drill, "--yes", "--json")
    done = Operator(tmp_path).cli(*words)

    struck = embedded.ask(yard.world.endpoint, "GET", "faults")[-1]["struck"]
    embedded.ask(yard.world.endpoint, "DELETE", "faults")
    assert struck == 1
    assert done.returncode == 0, done.stdout + done.stderr
    removed = {item["identity"]: item["count"] for item in json.loads(done.stdout)["items"]}
    assert removed.items() >= {due: 1, f"s3://{BUCKET}/drills/{drill}/": 3}.items()


def test_a_platform_that_never_answers_ends_the_sweep_and_nothing_is_removed(yard: Yard, tmp_path: Path) -> None:
    due = yard.made_by("dead-unanswered", PAST)
    rule = {"service": "s3", "action": "ListObjectsV2", "kind": "throttle", "times": 0}
    embedded.ask(yard.world.endpoint, "POST", "faults", rule)

    words = ("gc", "--target", "embedded", "--embedded", yard.world.endpoint, "--drill", "dead-unanswered", "--yes")
    done = Operator(tmp_path).cli(*words)

    embedded.ask(yard.world.endpoint, "DELETE", "faults")
    assert done.returncode == 2, "nobody can say that nothing is left"
    assert "SlowDown" in done.stderr
    assert due in machines(yard)


def test_where_a_receipt_store_is_configured_only_what_it_names_goes(yard: Yard, tmp_path: Path) -> None:
    unknown, known = yard.made_by("never-was", PAST), yard.made_by("was", PAST)
    later = yard.machine(marked("was", PAST), token="of-another-window")
    named, beside = "drills/was/state.json", "drills/was/state.json.copy"
    for key in (named, beside):
        yard.put(key, {DRILL_TAG: "was", EXPIRES_TAG: PAST})
    intents = [
        {"verb": "objects.put", "token": "t", "resource": f"s3://{BUCKET}/drills/was/#1", "details": {"keys": [named]}},
        {"verb": "runner.up", "token": "of-another-window", "resource": "atlas-dr-runner", "details": {}},
    ]
    for number, intent in enumerate(intents):
        body = json.dumps(intent).encode()
        yard.client("s3").put_object(Bucket="atlas-receipts", Key=f"r/was/journal/{number}.json", Body=body)
    (tmp_path / "drproof.toml").write_text('target = "embedded"\n[receipts]\nuri = "s3://atlas-receipts/r"\n')

    done = Operator(tmp_path).cli("gc", "--embedded", yard.world.endpoint, "--yes", "--json")

    assert done.returncode == 1, "what is foreign and expired, somebody has to look at"
    record = json.loads(done.stdout)
    why = {item["identity"]: (item["decision"], item["why"]) for item in record["items"]}
    assert why[unknown] == ("foreign", "the receipt store knows no effect of drill never-was: the tag may be anybody's")
    assert (why[known][0], why[later][0]) == ("removed", "removed")
    of_was = [item for item in record["items"] if item["drill"] == "was" and "objects" in item["kind"]]
    assert {item["kind"]: (item["decision"], item["count"]) for item in of_was} == {
        "objects": ("removed", 1),
        "foreign-objects": ("foreign", 1),
    }
    keys = {one["key"] for one in yard.world.inventory()["objects"] if one["bucket"] == BUCKET}
    assert (named in keys, beside in keys) == (False, True)
    listed = yard.client("s3").list_objects_v2(Bucket="atlas-receipts", Prefix=f"r/{record['sweep_id']}/")["Contents"]
    names = [row["Key"].rpartition("/")[2] for row in listed]
    assert "sweep.json" in names
    assert len(names) > 2, "each intent lies there besides"
    yard.client("ec2").terminate_instances(InstanceIds=[unknown])


def test_the_role_may_remove_machines_only_by_the_tags_of_a_drill() -> None:
    text = (MODULE / "role.tf").read_text()
    (statement,) = re.findall(r'sid +=\s"RemoveOnlyWhatADrillMarked".*?\n  \}\n\n', text, re.DOTALL)

    assert f'"aws:ResourceTag/{DRILL_TAG}"' in statement
    assert f'"aws:ResourceTag/{EXPIRES_TAG}"' in statement
    assert "ec2:RunInstances" not in text
    assert '"ec2:*"' not in text
    assert '"s3:*"' not in text


def test_the_function_needs_neither_kubernetes_nor_pytest() -> None:
    code = "import sys, drproof.orchestrator.reaper; print(*sys.modules)"

    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert {name for name in loaded if name.split(".")[0] in {"kubernetes", "pytest", "moto", "typer"}} == set()


REFUSED = {
    "account_id=44445555": "has twelve digits",
    "runner_name=": "would let the reaper take away every role",
    "recovery_bucket=": "recovery_bucket is no name of a bucket",
    "recovery_prefix=/": "could remove every object of the bucket",
    "state_bucket=*": "state_bucket is no name of a bucket",
    "state_key=": "is no key of one object",
}
"""What would make a grant of the reaper's wider than what drproof makes, and what the plan then says."""


@needs_provider
def test_the_module_is_valid_and_refuses_what_would_widen_its_grants(tmp_path: Path) -> None:
    folder = tmp_path / "reaper"
    shutil.copytree(MODULE, folder)
    configured = configuration(tmp_path)
    environment = {"PATH": os.environ["PATH"], "TF_CLI_CONFIG_FILE": str(configured), "CHECKPOINT_DISABLE": "1"}
    (folder / "override.tf").write_text('terraform {\n  backend "local" {}\n}\n', encoding="utf-8")

    def terraform(*words: str) -> tuple[int, str]:
        done = subprocess.run(
            ["terraform", *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        return done.returncode, " ".join(re.sub(r"[│╷╵]", " ", done.stdout + done.stderr).split())

    wrong = [word for variable in REFUSED for word in ("-var", variable)]
    for words in (("init", "-input=false"), ("validate",), ("fmt", "-check")):
        status, said = terraform(*words)
        assert status == 0, said
    status, said = terraform("plan", "-input=false", "-var", "package=reaper.zip", "-var", "region=us-west-2", *wrong)

    assert status == 1
    assert [variable for variable, says in REFUSED.items() if says not in said] == [], said
