"""Many restore points at once: each has an item and a name, in any number of processes, and none is lost."""

from pathlib import Path

import pytest

from drproof.cli.schemas import schema_for
from tests.drill.conftest import Drill
from tests.drill.shared import Shelf
from tests.drill.test_written import paths, validator
from tests.plugin.conftest import Colleague

UNDER = "s3://atlas-backups/atlas/backups"
FIRST = f"{UNDER}/backup-20261101T021500Z"
SPOILED = {"EMBEDDED_WORLD_FLEET": "whole,backup-object-byte-flipped,denied,throttled"}
WHOLE = {"EMBEDDED_WORLD_FLEET": "whole*2"}
FLIPPED, DENIED, THROTTLED = f"{FIRST}-0003", f"{FIRST}-0004", f"{FIRST}-0005"
CRASH = """
import os
import pytest

@pytest.fixture(autouse=True)
def die(request):
    if request.node.name.endswith("-0002]"):
        os._exit(3)
"""
KILLED_AFTER_READING = """
import pytest

@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item):
    raise RuntimeError("spoiled after it was read")
"""


@pytest.fixture(scope="session")
def spoiled(shelf: Shelf) -> Drill:
    """A fleet of five, three of them spoiled in one way each, read by two workers."""

    def run(folder: Path) -> Drill:
        words = ("--target", "embedded", "--backups-under", f"{UNDER}/", "-n", "2", "-v", "--run-id", "spoiled")
        return Colleague(folder).run("-m", "backup-check", *words, **SPOILED)

    return shelf.drill("fleet-spoiled", run)


def test_a_fleet_read_by_two_workers_names_what_is_wrong_with_each(spoiled):
    assert spoiled.status == 1, spoiled.output
    assert spoiled.outcomes == {"find_restore_points": "passed", "read_restore_points": "passed"}
    refuted = spoiled.named("refuted")
    assert refuted >= {f"archive_is_sound[{FLIPPED}]", f"backup_object_matches_its_metadata[{FLIPPED}]"}
    assert all(name.endswith(f"[{FLIPPED}]") for name in refuted)
    each = {row["name"] for row in spoiled.read("plan.json")["contracts"] if row["discovers"] == "restore point"}
    assert each > {"archive_is_sound", "restore_point_is_within_rpo", "control_plane_bundle_is_named_by_its_content"}
    unread = {f"{name}[{uri}]" for name in each for uri in (DENIED, THROTTLED)}
    # Where a byte is wrong, some claims can be judged no more.
    undecided = {name for name in spoiled.named("unproven") if name.endswith(f"[{FLIPPED}]")}
    assert spoiled.named("unproven") - undecided == unread | {"every_restore_point_is_read"}
    reasons = {uri: spoiled.verdicts[f"restore_point_is_within_rpo[{uri}]"]["reason"] for uri in (DENIED, THROTTLED)}
    assert "AccessDenied" in reasons[DENIED]
    assert "SlowDown" in reasons[THROTTLED]
    assert "after 3 attempts" in reasons[THROTTLED]
    assert len(spoiled.named("proven")) == 3 * len(each) - len(refuted) - len(undecided) + 1


def test_each_restore_point_has_an_item_that_says_why_it_fails(spoiled):
    for uri in (FLIPPED, DENIED, THROTTLED):
        assert f"FAILED ::test_restore_point[{uri.rpartition('/')[2]}]" in spoiled.output
        assert f"{uri} is not proven" in spoiled.output
    assert "backup_object_matches_its_metadata is refuted: state.tar.zst: " in spoiled.output
    assert "3 failed, 2 passed" in spoiled.output


def test_strays_are_named_and_every_reading_is_evidence(spoiled):
    found = spoiled.receipts["find_restore_points"]["observed"]
    read = spoiled.receipts["read_restore_points"]

    assert found["strays"] == ["atlas/backups/README.txt"]
    assert spoiled.verdicts["every_restore_point_is_found"]["observed"]["strays"] == found["strays"]
    assert found["found"] == found["recounted"] == [*(f"{FIRST}-{number:04}" for number in range(2, 6)), FIRST]
    assert [row["subject"] for row in read["observed"]["rows"]] == found["found"]
    for number, ref in enumerate(read["evidence"], start=1):
        kept = spoiled.read(ref["path"])
        assert ref["name"] == f"reading.{number:04}"
        assert kept["subject"] == found["found"][number - 1]


def test_every_file_of_a_fleets_bundle_is_of_its_published_schema(spoiled):
    documents = [path for path in paths(spoiled.bundle) if path.endswith(".json")]

    assert "evidence/read_restore_points.reading.0001.json" in documents
    for path in documents:
        validator(schema_for(path)).validate(spoiled.read(path))


def test_only_the_controller_sequences_signs_and_seals(spoiled):
    verified = spoiled.verified()

    assert {problem.code for problem in verified.problems} == {"refuted"}
    assert len(list((spoiled.bundle / "receipts").iterdir())) == 2
    before_any_was_read = next(number for number, call in enumerate(spoiled.calls) if call["action"] == "GetObject")
    found = [call for call in spoiled.calls[:before_any_was_read] if call["action"] == "ListObjectsV2"]
    assert len(found) == 2, "the restore points are found once, and counted once more"
    assert {call["action"] for call in spoiled.calls} <= {
        *("GetCallerIdentity", "ListObjectsV2", "GetObject", "HeadObject"),
        *("GetBucketLocation", "GetBucketVersioning", "GetBucketReplication", "GetObjectLockConfiguration"),
        "HeadBucket",
    }


def test_a_bundle_of_a_fleet_is_judged_again_restore_point_by_restore_point(spoiled):
    desk = Colleague(spoiled.bundle.parent.parent)
    words = ("--bundle-dir", str(spoiled.bundle), "--trust", ".drproof/trust.json", "--accept-rehearsal")

    checked = desk.run("-m", "bundle-check", *words)

    assert checked.status == 1
    assert f"test_bundle[restore_point_is_within_rpo:{DENIED}]" in checked.output
    assert f"test_bundle[restore_point_is_within_rpo:{FIRST}]" not in checked.output


def test_named_restore_points_are_checked_in_this_process_too(desk):
    ran = desk.run(
        "-m", "backup-check", "--target", "embedded", "--backup-uri", FIRST, "--backup-uri", f"{FIRST}-0003/", **WHOLE
    )

    assert ran.status == 0, ran.output
    assert "2 passed" in ran.output
    assert ran.read("plan.json")["criteria"]["fleet"] == {"uris": [FIRST, f"{FIRST}-0003"], "under": ""}
    assert ran.read("plan.json")["criteria"]["backup"]["uri"] == ""
    assert ran.named("refuted") | ran.named("unproven") == set()
    each = {row["name"] for row in ran.read("plan.json")["contracts"] if row["discovers"] == "restore point"}
    assert len(ran.verdicts) == 2 * len(each) + 2


def test_a_restore_point_whose_worker_dies_is_unproven_and_named(desk):
    desk.write("crash.py", CRASH)

    ran = desk.run(
        "-p", "crash", "-m", "backup-check", "--target", "embedded", "--backups-under", UNDER, "-n", "2", **WHOLE
    )

    lost = f"{FIRST}-0002"
    assert ran.status == 1, ran.output
    reason = ran.verdicts[f"restore_point_is_within_rpo[{lost}]"]["reason"]
    assert reason.startswith(f"{lost} was not read: no reading came back")
    assert ran.named("unproven") >= {"every_restore_point_is_read", f"archive_is_sound[{lost}]"}
    assert f"archive_is_sound[{FIRST}]" in ran.named("proven")
    assert f"archive_is_sound[{FIRST}-0003]" in ran.named("proven")


def test_what_was_read_is_judged_whatever_becomes_of_its_item_and_a_green_item_decides_nothing(desk):
    desk.write("late.py", KILLED_AFTER_READING)

    ran = desk.run(
        "-p",
        "late",
        "-m",
        "backup-check",
        "--target",
        "embedded",
        "--backup-uri",
        FIRST,
        "--backup-uri",
        f"{FIRST}-0002",
        **WHOLE,
    )

    assert ran.status == 1, "pytest's own status makes it worse"
    assert ran.named("unproven") == set()
    assert ran.closing["outcome"] == "proven"


def test_a_folder_without_restore_points_is_refuted(desk):
    ran = desk.run("-m", "backup-check", "--target", "embedded", "--backups-under", f"{UNDER}/nowhere", "-n", "2")

    assert ran.status == 1, ran.output
    assert ran.named("refuted") == {"every_restore_point_is_found"}
    assert ran.named("proven") == set()


def test_showing_what_would_run_touches_nothing(watched):
    ran = watched.run("-m", "backup-check", "--target", "embedded", "--backups-under", UNDER, "--collect-only")

    assert ran.status == 0, ran.output
    assert "TOUCHED" not in ran.output
    assert "test_restore_point[found when it runs]" in ran.output
    assert ran.directory is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-m", "drill", "--backup-uri", FIRST, "--backup-uri", f"{FIRST}-0002"), "is about one restore point"),
        (("-m", "backup-check", "--backups-under", "s3://another/backups"), "the embedded world has no"),
        (("-m", "backup-check", "--backups-under", UNDER, "-k", "0002"), "a fleet is checked whole"),
        (("-m", "backup-check", "--backups-under", UNDER, "-n", "2", "--reruns", "1"), "refuses --reruns"),
        (("-m", "backup-check", "--backups-under", UNDER, "-n", "2", "--dist", "each"), "refuses --dist each"),
    ],
)
def test_what_would_lose_or_repeat_a_restore_point_is_refused(desk, words, said):
    assert said in desk.refused("--target", "embedded", *words)


OWN = """
import pytest

check = getattr(pytest.mark, "backup-check")

@check
def test_well():
    pass

@check
def test_ill():
    assert not "the ledger balances"
"""


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_fleet_is_not_proven_beside_a_test_of_the_operators_own_that_failed(desk, workers):
    desk.write("test_mine.py", OWN)

    named = ("--backup-uri", FIRST, "--backup-uri", f"{FIRST}-0003/")
    ran = desk.run("-m", "backup-check", "--target", "embedded", *named, "-n", workers, "test_mine.py", **WHOLE)

    assert ran.status == 1
    tests = {row["test"].rpartition("::")[2]: row["outcome"] for row in ran.read("own-tests.json")["tests"]}
    assert tests == {"test_well": "passed", "test_ill": "failed"}
    assert ran.closing["outcome"] == "refuted"
    assert ran.named("refuted") | ran.named("unproven") == set()
