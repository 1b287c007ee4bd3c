"""Plans that only look run whole under any number of processes."""

import re

import pytest


@pytest.mark.parametrize("mark", ["health-check", "backup-check", "preflight"])
def test_a_read_only_plan_with_two_processes_runs_whole_and_green(desk, mark):
    ran = desk.run("-m", mark, "--target", "embedded", "-n", "2")

    assert ran.status == 0, ran.output
    assert "drproof: proven, full" in ran.output
    judged = {
        (row["name"], subject) for row in ran.read("plan.json")["contracts"] for subject in row["subjects"] or [""]
    }
    assert {(verdict["contract"], verdict["subject"]) for verdict in ran.verdicts.values()} == judged
    assert set(ran.outcomes.values()) == {"passed"}
    assert {
        call["action"]
        for call in ran.calls
        if not call["action"].startswith(("Get", "BatchGet", "List", "Head", "Describe", "Simulate"))
    } == set()


def test_other_peoples_tests_keep_their_processes(desk):
    desk.write("test_theirs.py", "import os\ndef test_theirs():\n    assert os.environ['PYTEST_XDIST_WORKER']\n")

    assert desk.run("-n", "2", "test_theirs.py").status == 0


def test_the_buckets_of_a_restore_point_are_only_asked_in_their_owners_name(desk):
    ran = desk.run("-m", "backup-check", "--target", "embedded")

    assert ran.status == 0, ran.output
    # The control plane is read as well, and nobody promises how large it is: it is never less than what was promised.
    assert re.search(r"read_restore_point passed after [\d.]+ m?s, [\d.]+ [kM]B of [\d.]+ [kM]B\n", ran.output), (
        ran.output
    )
    asked = [call for call in ran.calls if call["service"] == "s3"]
    assert {call["action"] for call in asked} >= {"GetObject", "HeadObject", "HeadBucket", "ListObjectsV2"}
    assert {call["expected_owner"] for call in asked} == {"111122223333"}
    seen = ran.receipts["read_restore_point"]["observed"]
    # The id of a run is an instant: its colons and its plus stand in the key as they are.
    assert ":" in seen["published"]["run_id"]
    assert "+" in seen["published"]["uri"]
    # Four outputs, the marker, and the report that promises them.
    assert seen["published"]["objects"] == 6
    looks = {look["uri"].rpartition("/")[2]: look for look in seen["looks"]}
    assert {"metadata.json", "state.tar.zst", "state.members.json", "current.json"} <= looks.keys()
    assert all(look["version"] for look in looks.values())


def test_an_encrypted_backup_is_checked_as_far_as_it_can_be_seen_and_a_guess_of_its_layout_refutes(desk):
    uri = "s3://atlas-backups/atlas/onprem/m4-20261101T021500Z"

    ran = desk.run("-m", "backup-check", "--target", "embedded", "--backup-layout", "onprem", "--backup-uri", uri)

    assert ran.status == 0, ran.output
    assert {name.partition("[")[0] for name in ran.named("proven")} == {
        "encrypted_file_is_what_was_written",
        "encrypted_backup_names_itself",
        "restore_point_is_within_rpo",
        "restore_point_did_not_change_while_it_was_read",
        "restore_point_outlives_the_primary",
        "restore_point_is_protected_from_writers",
    }
    page = (ran.bundle / "proof.html").read_text(encoding="utf-8")
    assert "What the encrypted files hold." in page
    refused = desk.run("-m", "drill", "--target", "embedded", "--backup-layout", "onprem", "--backup-uri", uri)
    assert refused.status == 4, refused.output
    assert "cannot be drilled" in refused.output


def test_archives_are_not_replaced_by_a_layout_that_shows_less(desk):
    uri = "s3://atlas-backups/atlas/onprem/m4-20261101T021500Z"

    ran = desk.run("-m", "backup-check", "--target", "embedded", "--backup-uri", uri)

    assert ran.status == 1, ran.output
    assert "backup_object_matches_its_metadata[metadata.json]" in ran.named("refuted")
    assert "--backup-layout onprem" in ran.receipts["read_restore_point"]["observed"]["problem"]
