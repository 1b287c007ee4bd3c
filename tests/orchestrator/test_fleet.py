"""A fleet that Step Functions reads: the definition runs in the embedded world, and what it read is judged and sealed."""

import io
import json
import subprocess
import sys
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from drproof.engine.fleet_collect import uris_of
from drproof.evidence.canonical import digest
from drproof.model.errors import FormatError
from drproof.orchestrator import fleet_definition
from drproof.targets import embedded
from tests.drill.conftest import Drill, Operator
from tests.drill.shared import Shelf

pytestmark = pytest.mark.costly("a fleet under a map")

ROOT = Path(__file__).resolve().parent.parent.parent
UNDER = "s3://atlas-backups/atlas/backups"
FIRST = f"{UNDER}/backup-20261101T021500Z"
THROTTLED = f"{FIRST}-0006"
FLIPPED, DENIED, FIFTH = f"{FIRST}-0003", f"{FIRST}-0004", f"{FIRST}-0005"
BUCKET, RESULTS = "atlas-receipts", "s3://atlas-receipts/fleet"
SETTINGS = 'target = "embedded"\n[limits]\nbackoff = "1ms"\n'
READER = "drproof-fleet-reader"
TOLD = "told.json"
SECONDS = 120
EMULATED = {'"ToleratedFailurePercentage": 0,': '"ToleratedFailurePercentage": 0.0,'}
"""What the emulator's parser takes only in another spelling; the number is the same one."""


def test_the_definition_that_is_checked_in_is_the_one_that_is_generated():
    assert (ROOT / "deploy" / "fleet.asl.json").read_text(encoding="utf-8") == fleet_definition.text()


def test_the_definition_names_nobody_and_loses_nothing():
    state = fleet_definition.definition()["States"]["ReadRestorePoints"]

    assert state["ToleratedFailurePercentage"] == 0
    assert state["ItemProcessor"]["ProcessorConfig"]["Mode"] == "DISTRIBUTED"
    (again,) = state["ItemProcessor"]["States"]["ReadRestorePoint"]["Retry"]
    assert (again["JitterStrategy"], again["MaxAttempts"]) == ("FULL", fleet_definition.MAX_ATTEMPTS)
    assert "arn:aws:lambda" not in fleet_definition.text()


def test_the_function_needs_neither_kubernetes_nor_pytest():
    code = (
        "import sys, drproof.orchestrator.fleet_handler; from drproof import catalog; catalog.plan('fleet');"
        "from drproof.targets import sites; print(*sys.modules)"
    )

    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert {name for name in loaded if name.split(".")[0] in {"kubernetes", "pytest", "moto", "typer"}} == set()


@dataclass(frozen=True)
class Site:
    """The site that takes over, in a world of its own, and an operator's folder."""

    world: embedded.World
    operator: Operator

    def client(self, service: str) -> Any:
        issued = embedded.credentials(self.world.endpoint)["recovery"]
        make: Any = boto3.client
        return make(
            service,
            region_name=issued["region"],
            endpoint_url=self.world.endpoint,
            aws_access_key_id=issued["access_key_id"],
            aws_secret_access_key=issued["secret_access_key"],
        )

    def run(self, name: str, items: str) -> dict[str, Any]:
        """Run the checked-in definition over a manifest, and return how the execution ended."""
        self.client("s3").put_object(Bucket=BUCKET, Key=f"fleet/{name}/manifest.json", Body=items.encode())
        machines, functions, iam = self.client("stepfunctions"), self.client("lambda"), self.client("iam")
        role = _role(iam)
        _function(functions, role)
        text = fleet_definition.text()
        for written, emulated in EMULATED.items():
            assert written in text
            text = text.replace(written, emulated)
        machine = machines.create_state_machine(name=name, definition=text, roleArn=role)
        given = {
            "manifest": {"bucket": BUCKET, "key": f"fleet/{name}/manifest.json"},
            "results": RESULTS,
            "reader": READER,
            "writer": {"bucket": BUCKET, "prefix": f"fleet/{name}/map"},
        }
        arn = machines.start_execution(stateMachineArn=machine["stateMachineArn"], name=name, input=json.dumps(given))[
            "executionArn"
        ]
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            found = machines.describe_execution(executionArn=arn)
            if found["status"] != "RUNNING":
                return found
            time.sleep(0.2)
        raise AssertionError(f"execution {name} did not end within {SECONDS} s")

    def ask(self, event: dict[str, Any]) -> dict[str, Any]:
        """Call the function as a child of the map does, and return what it answers."""
        answer = self.client("lambda").invoke(FunctionName=READER, Payload=json.dumps(event).encode())
        found: dict[str, Any] = json.loads(answer["Payload"].read())
        return found

    def readings(self, execution: str) -> dict[str, dict[str, Any]]:
        s3 = self.client("s3")
        listed = s3.list_objects_v2(Bucket=BUCKET, Prefix=f"fleet/{execution}/readings/").get("Contents", [])
        bodies = {row["Key"]: s3.get_object(Bucket=BUCKET, Key=row["Key"])["Body"].read() for row in listed}
        return {key: json.loads(body) for key, body in bodies.items()}


def _role(iam: Any) -> str:
    try:
        return iam.create_role(RoleName="fleet", AssumeRolePolicyDocument="{}", Path="/")["Role"]["Arn"]
    except iam.exceptions.EntityAlreadyExistsException:
        return iam.get_role(RoleName="fleet")["Role"]["Arn"]


def _function(functions: Any, role: str) -> None:
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("drproof.toml", SETTINGS)
    functions.create_function(
        FunctionName=READER,
        Runtime="python3.13",
        Role=role,
        Handler="drproof.orchestrator.fleet_handler.handler",
        Code={"ZipFile": package.getvalue()},
        Timeout=60,
    )


@pytest.fixture(scope="session")
def collected(shelf: Shelf) -> Drill:
    """A fleet of five that Step Functions read, and the bundle of what was read; tests only look at both."""
    return shelf.drill("fleet-collected", _collected)


def _collected(folder: Path) -> Drill:
    (folder / "drproof.toml").write_text(SETTINGS, encoding="utf-8")
    (folder / "world").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMBEDDED_WORLD_FLEET", "whole,backup-object-byte-flipped,denied,whole,throttled")
        patch.setenv("EMBEDDED_WORLD_MEMBERS", "20")
        world = embedded.start(folder / "world", scenario="none", linger=300)
    try:
        site = Site(world, Operator(folder))
        (folder / TOLD).write_text(json.dumps(_told(site)), encoding="utf-8")
        words = ("--results", RESULTS, "--execution", "nightly", "--backups-under", UNDER, "--run-id", "collected")
        done = site.operator.cli("fleet", "collect", *words, DRPROOF_WORLD=str(world.directory))
    finally:
        world.stop()
    return Drill(done.returncode, done.stdout + done.stderr, folder / "reports" / "collected")


def _told(site: Site) -> dict[str, Any]:
    """List, run, ask the function again, and then spoil what lies in the bucket: one lost, one twice, two strange."""
    listed = site.operator.cli(
        "fleet", "manifest", "--backups-under", f"{UNDER}/", DRPROOF_WORLD=str(site.world.directory)
    )
    assert listed.stdout, listed.stderr
    uris = [row["backup_uri"] for row in json.loads(listed.stdout)]
    # The emulator really waits between two tries, for minutes: the throttled one is asked about below.
    execution = site.run("nightly", fleet_definition.manifest(uri for uri in uris if uri != THROTTLED))
    late = {"backup_uri": THROTTLED, "results": RESULTS, "execution": "late"}
    readings = site.readings("nightly")
    again = site.ask({"backup_uri": f"{FIRST}/", "results": RESULTS, "execution": "nightly"})
    told = {
        "listed": listed.returncode,
        "manifest": listed.stdout,
        "strays": listed.stderr,
        "status": execution["status"],
        "output": execution.get("output"),
        "cause": execution.get("cause"),
        "readings": readings,
        "again": again,
        "unchanged": site.readings("nightly") == readings,
        "throttled": site.ask(late),
        "throttled for good": site.ask({**late, "retry_count": fleet_definition.MAX_ATTEMPTS}),
        "kept of it": list(site.readings("late").values()),
        "misused": site.ask({"backup_uri": "backups"}),
    }
    s3 = site.client("s3")
    twice = next(one for one in readings.values() if one["subject"] == f"{FIRST}-0002")
    stranger = {**twice, "subject": f"{FIRST}-0099"}
    for name, body in (("copy", twice), ("stranger", stranger), ("stray", {"not": "a reading"})):
        s3.put_object(Bucket=BUCKET, Key=f"fleet/nightly/readings/{name}.json", Body=json.dumps(body).encode())
    s3.delete_object(Bucket=BUCKET, Key=f"fleet/nightly/readings/{digest(FIFTH.encode())}.json")
    return told


@pytest.fixture
def told(collected: Drill) -> dict[str, Any]:
    """What the execution and the function answered."""
    content: dict[str, Any] = json.loads((collected.bundle.parent.parent / TOLD).read_text(encoding="utf-8"))
    return content


def test_the_restore_points_of_an_execution_are_listed_once_and_strays_are_named(told):
    assert told["listed"] == 0, told["strays"]
    assert "atlas/backups/README.txt belongs to no restore point" in told["strays"]
    uris = [row["backup_uri"] for row in json.loads(told["manifest"])]
    assert sorted(uris) == sorted([FIRST, f"{FIRST}-0002", FLIPPED, DENIED, FIFTH, THROTTLED])


def test_step_functions_reads_every_restore_point_and_passes_on_references_only(told):
    assert told["status"] == "SUCCEEDED", told["cause"]
    outcomes = {one["subject"]: one["outcome"] for one in told["readings"].values()}
    keys = {f"fleet/nightly/readings/{digest(uri.encode())}.json" for uri in outcomes}

    assert outcomes.pop(DENIED) == "failed"
    assert outcomes == dict.fromkeys((FIRST, f"{FIRST}-0002", FLIPPED, FIFTH), "passed")
    assert set(told["readings"]) == keys
    assert set(json.loads(told["output"])) == {"MapRunArn", "ResultWriterDetails"}


def test_a_restore_point_that_is_read_again_keeps_its_first_reading(told):
    assert told["unchanged"]
    assert told["again"]["key"] == f"fleet/nightly/readings/{digest(FIRST.encode())}.json"
    assert set(told["again"]) == {"backup_uri", "outcome", "key", "sha256", "size"}


def test_a_throttled_restore_point_is_asked_for_again_and_at_last_kept_with_the_reason(told):
    assert told["throttled"]["errorType"] == "ThrottledError"
    assert told["throttled for good"]["outcome"] == "failed"
    (kept,) = told["kept of it"]
    assert "SlowDown" in kept["reason"]


def test_an_event_that_names_no_restore_point_is_an_error_of_the_function(told):
    assert told["misused"]["errorType"] == "EvidenceError"


def test_what_was_read_is_judged_and_sealed_and_nothing_is_lost(collected):
    assert collected.status == 1, collected.output
    assert collected.read("plan.json")["plan"] == "fleet"
    read = collected.receipts["read_restore_points"]["observed"]
    rows = {row["subject"]: row["reason"] for row in read["rows"]}

    assert rows[FIFTH].startswith("no reading came back")
    assert rows[f"{FIRST}-0002"] == "2 readings came back, expected 1"
    assert "AccessDenied" in rows[DENIED]
    assert {one["name"] for one in read["foreign"]} == {"stranger.json", "stray.json"}
    assert read["source"] == f"{RESULTS}/nightly/readings"
    assert "every_restore_point_is_read" in collected.named("refuted")
    assert f"backup_object_matches_its_metadata[{FLIPPED}]" in collected.named("refuted")
    for uri in (FIFTH, f"{FIRST}-0002", DENIED):
        assert f"archive_is_sound[{uri}]" in collected.named("unproven")
    assert f"archive_is_sound[{FIRST}]" in collected.named("proven")


def test_the_bundle_of_a_collected_fleet_is_judged_again_and_says_what_it_does_not_show(collected):
    verified = collected.verified()

    assert {problem.code for problem in verified.problems} == {"refuted"}
    page = (collected.bundle / "proof.html").read_text(encoding="utf-8")
    assert "Who read the restore points." in page
    assert "A seal says what lay there, not who wrote it." in page


def test_a_manifest_is_read_back_and_nothing_else_is_one(tmp_path):
    file = tmp_path / "manifest.json"
    file.write_text(fleet_definition.manifest([FIRST, DENIED]), encoding="utf-8")

    assert uris_of(file) == (FIRST, DENIED)
    for other in ("[]", "{}", '["s3://a/b"]', '[{"backup_uri": 1}]', '[{"backup_uri": "s3://a/b", "more": 1}]'):
        file.write_text(other, encoding="utf-8")
        with pytest.raises(FormatError, match="expected a list of"):
            uris_of(file)
