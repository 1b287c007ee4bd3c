"""Whole drills store their receipts in a bucket besides, once each, or say that they could not."""

import hashlib
import json
import signal
import urllib.request
from collections import Counter

import pytest

from drproof.evidence.journal import read as read_journal
from tests.drill.conftest import SECONDS

STORE = "s3://atlas-receipts/atlas/dr-orchestrator/receipts"
BUCKETS = {"atlas-receipts", "atlas-receipts-versioned", "atlas-receipts-plain"}
SHORT = ("--stop-after", "bringup")


def stored(drill):
    """Return the record of the store by path, and what lies in the world's buckets for receipts by key."""
    files = {file["path"]: file for file in drill.read("receipts-store.json")["files"]}
    objects = {item["key"]: item for item in drill.inventory["objects"] if item["bucket"] in BUCKETS}
    return files, objects


def test_each_receipt_lies_in_the_store_under_its_phase_with_version_and_retention(operator):
    drill = operator.drill("--receipt-uri", STORE, "--run-id", "kept")

    assert drill.status == 0, drill.output
    files, objects = stored(drill)
    folder = "atlas/dr-orchestrator/receipts/kept"
    receipts = sorted((drill.bundle / "receipts").iterdir())
    paths = [f"receipts/{path.name}" for path in receipts]
    points = [path.replace("receipts/", "checkpoints/").replace(".json", ".dsse.json") for path in paths]
    evidence = sorted(f"evidence/{path.name}" for path in (drill.bundle / "evidence").glob("*.json"))
    kept = [path for path in evidence if not path.startswith("evidence/world.")]
    assert list(files) == ["plan.json", "opening.dsse.json", *kept, *paths, *points]
    phases = {path.stem.partition("-")[2]: path for path in receipts}
    for phase, path in phases.items():
        file = files[f"receipts/{path.name}"]
        assert file["uri"] == f"s3://atlas-receipts/{folder}/{phase}.json"
        assert file["version"] == objects[f"{folder}/{phase}.json"]["version"]
        assert file["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        assert objects[f"{folder}/{phase}.json"]["size"] == path.stat().st_size
    asked = drill.read("receipts-store.json")["retain_until"]
    assert {(file["retention_mode"], file["retained_until"]) for file in files.values()} == {("GOVERNANCE", asked)}
    calls = [call for call in drill.calls if call["bucket"] == "atlas-receipts"]
    assert {call["expected_owner"] for call in calls} == {"444455556666"}
    puts = Counter(call["key"] for call in calls if call["action"] == "PutObject")
    assert set(puts.values()) == {1}
    assert "receipts: stored in s3://atlas-receipts/atlas/dr-orchestrator/receipts/kept, each under" in drill.output
    page = (drill.bundle / "proof.html").read_text()
    assert "receipts-store.json" in page
    status = operator.cli("status", str(drill.bundle))
    assert status.returncode == 0, status.stdout


@pytest.mark.exhaustive
def test_a_receipt_is_stored_before_the_next_phase_begins(operator):
    drill = operator.drill("--receipt-uri", STORE, "--run-id", "soon", *SHORT)

    assert drill.status == 0, drill.output
    order = [call["key"] for call in drill.calls if call["action"] == "PutObject" and call["bucket"] in BUCKETS]
    names = [key.rpartition("/")[2] for key in order]
    apart = ("/journal/", "/run/", "/evidence/")
    receipts = [name for key, name in zip(order, names, strict=True) if not any(part in key for part in apart)]
    assert receipts[:3] == ["plan.json", "opening.dsse.json", "check_health.json"]
    numbers = {call["key"].rpartition("/")[2]: call["n"] for call in drill.calls if call["bucket"] in BUCKETS}
    created = next(call["n"] for call in drill.calls if call["action"] == "RunInstances")
    assert numbers["read_restore_point.json"] < created < numbers["bringup.json"]
    announced = {call["key"].rpartition("/")[2]: call["n"] for call in drill.calls if "/journal/" in call["key"]}
    intents = [one for one in read_journal(drill.bundle / "journal.log") if one["kind"] == "intent"]
    (bringup,) = [one["number"] for one in intents if one["phase"] == "bringup" and one["verb"] == "runner.up"]
    assert announced[f"{bringup}.json"] < created
    ours = {f"{one['number']}.json" for one in intents if one["verb"] != "receipt.store"}
    assert set(announced) == ours
    assert drill.read("receipts-store.json")["intents"] == len(ours)


@pytest.mark.exhaustive
def test_a_bucket_without_versions_is_enough_and_the_proof_says_what_it_does_not_show(operator):
    drill = operator.drill("--receipt-uri", "s3://atlas-receipts-plain/a", *SHORT)

    assert drill.status == 0, drill.output
    files, _ = stored(drill)
    assert {(file["version"], file["retention_mode"]) for file in files.values()} == {(None, None)}
    assert "in a bucket without versions and without retention" in drill.output
    page = (drill.bundle / "proof.html").read_text()
    assert "That the stored receipts cannot be removed or replaced." in page


def test_a_bucket_of_another_owner_gets_nothing_and_the_drill_is_not_proven(operator):
    (operator.folder / "drproof.toml").write_text('target = "embedded"\n[receipts]\nowner = "999999999999"\n')
    drill = operator.drill("--receipt-uri", STORE, *SHORT)

    assert drill.status == 1, drill.output
    assert drill.outcomes["teardown"] == "passed"
    assert [verdict for verdict in drill.verdicts.values() if verdict["status"] != "proven"] == []
    files, objects = stored(drill)
    assert objects == {}
    assert all("AccessDenied" in file["problem"] for file in files.values())
    assert "RECEIPTS NOT STORED" in drill.output
    assert "CLOSING NOT STORED" in drill.output
    assert "pytest -m preflight --target embedded --receipt-uri" in drill.output
    kept = {path for path in files if path.startswith("receipts/")}
    assert kept == {f"receipts/{path.name}" for path in (drill.bundle / "receipts").iterdir()}, "the local ones stay"


def test_another_drill_of_the_same_name_never_writes_over_the_first(operator):
    first = operator.drill("--receipt-uri", STORE, "--run-id", "a", *SHORT, "--teardown", "false")
    again = operator.drill("--start-at", "teardown", "--receipt-dir", str(first.bundle), "--run-id", "a_")

    assert (first.status, again.status) == (0, 0), first.output + again.output
    files, objects = stored(again)
    names = {path: file["uri"].removeprefix(f"{STORE}/a/") for path, file in files.items()}
    assert names["plan.json"] == "bundle/plan.2.json"
    assert names["receipts/01-check_health.json"] == "check_health.2.json"
    assert next(name for path, name in names.items() if path.endswith("-teardown.json")) == "teardown.json"
    versions = Counter(item["key"] for item in again.inventory["objects"] if item["bucket"] in BUCKETS)
    assert set(versions.values()) == {1}
    before = {file["uri"]: file["version"] for file in first.read("receipts-store.json")["files"]}
    assert all(objects[uri.removeprefix("s3://atlas-receipts/")]["version"] == before[uri] for uri in before)


@pytest.mark.parametrize("point", [4, pytest.param(9, marks=pytest.mark.exhaustive), 40])
def test_a_drill_that_is_killed_has_every_receipt_in_the_store_once_it_is_undone(operator, point, pytestconfig):
    run = operator.start(
        "-p", "tests.drill.kill_at", "-m", "drill", "--target", "embedded", "--run-id", "killed", "--receipt-uri", STORE,
        KILL_AT=str(point), PYTHONPATH=str(pytestconfig.rootpath),
    )  # fmt: skip
    output, _ = run.communicate(timeout=SECONDS)
    assert run.returncode == -signal.SIGKILL, output

    drill = operator.closed("killed")

    files, objects = stored(drill)
    assert [file["problem"] for file in files.values() if file["problem"]] == []
    receipts = {key for key in objects if "/journal/" not in key and "/run/" not in key}
    assert {file["uri"].removeprefix("s3://atlas-receipts/") for file in files.values()} == receipts
    intents = [
        one["number"]
        for one in read_journal(drill.bundle / "journal.log")
        if one["kind"] == "intent" and one["verb"] != "receipt.store"
    ]
    folder = "atlas/dr-orchestrator/receipts/killed"
    announced = {key for key in set(objects) - receipts if "/run/" not in key}
    assert announced == {f"{folder}/journal/{number}.json" for number in intents}
    versions = Counter(item["key"] for item in drill.inventory["objects"] if item["bucket"] in BUCKETS)
    assert set(versions.values()) == {1}, "nothing is stored twice"


def test_a_closing_whose_process_died_before_it_was_stored_is_stored_by_whoever_resumes(operator, pytestconfig):
    run = operator.start(
        "-p", "tests.drill.kill_in", "-m", "drill", "--target", "embedded", "--provisioner", "direct", "--run-id", "sealed", "--receipt-uri", STORE,
        *SHORT, "--teardown", "false",
        KILL_IN="drproof.engine.mirror:store_closing", PYTHONPATH=str(pytestconfig.rootpath),
    )  # fmt: skip
    output, _ = run.communicate(timeout=SECONDS)
    assert run.returncode == -signal.SIGKILL, output
    world = json.loads((operator.folder / "reports/sealed.private/world/world.json").read_text())
    key = "atlas/dr-orchestrator/receipts/sealed/bundle/closing.dsse.json"

    def there():
        with urllib.request.urlopen(f"{world['endpoint']}/_world/inventory") as answer:
            return [item["size"] for item in json.load(answer)["objects"] if item["key"] == key]

    assert there() == []
    journal = (operator.folder / "reports/sealed/journal.log").read_bytes()
    operator.cli("resume", "reports/sealed")

    assert there() == [(operator.folder / "reports/sealed/closing.dsse.json").stat().st_size]
    assert (operator.folder / "reports/sealed/journal.log").read_bytes() == journal
    removed = operator.drill("--start-at", "teardown", "--receipt-dir", "reports/sealed")
    assert removed.status == 0, removed.output


def test_preflight_says_whether_the_bucket_would_take_them(operator):
    fine = operator.run("-m", "preflight", "--target", "embedded", "--receipt-uri", STORE)
    (operator.folder / "drproof.toml").write_text('target = "embedded"\n[receipts]\nowner = "999999999999"\n')
    wrong = operator.run("-m", "preflight", "--receipt-uri", STORE)

    assert fine.status == 0, fine.output
    assert fine.verdicts["receipt_store_answers"]["status"] == "proven"
    assert wrong.status == 1
    assert wrong.verdicts["receipt_store_answers"]["status"] == "refuted"
    assert wrong.verdicts["receipt_store_answers"]["observed"]["status"] == "AccessDenied"


def test_a_drill_that_was_not_asked_stores_nothing_and_says_nothing(green):
    assert not (green.bundle / "receipts-store.json").exists()
    assert "receipts: stored" not in green.output
    assert [item for item in green.inventory["objects"] if item["bucket"] in BUCKETS] == []
