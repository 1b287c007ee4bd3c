"""What a green drill leaves: every file of a published shape, sealed, complete, and without a secret."""

import hashlib
import json
from importlib.resources import files

import jsonschema_rs
import pytest

from drproof.cli.schemas import schema_for
from drproof.evidence.journal import read as read_journal


def validator(name):
    return jsonschema_rs.Draft202012Validator(json.loads((files("drproof.schemas") / name).read_bytes()))


def paths(directory):
    return sorted(path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file())


def test_the_drill_is_green_and_says_so(green):
    assert green.status == 0, green.output
    assert "drproof: proven, full" in green.output
    assert str(green.bundle / "proof.html") in green.output
    assert "REHEARSAL" in green.output


def test_every_json_file_is_of_its_published_schema(green):
    documents = [path for path in paths(green.bundle) if path.endswith(".json")]

    assert len(documents) > 30
    for path in documents:
        validator(schema_for(path)).validate(json.loads((green.bundle / path).read_bytes()))


def test_every_record_of_the_journal_is_of_its_published_schema(green):
    records = read_journal(green.bundle / "journal.log")

    assert len(records) >= 40, "the sweep of kills has at least so many points"
    for record in records:
        validator(f"journal.{record['kind']}.v1.json").validate(record)


def test_every_effect_was_announced_before_the_world_saw_it(green):
    records = read_journal(green.bundle / "journal.log")
    intents = [record for record in records if record["kind"] == "intent"]
    mutating = {"RunInstances", "PutObject", "TerminateInstances", "Publish", "SendCommand"}

    first = min(record["at"] for record in intents)
    assert all(call["at"] >= first for call in green.calls if call["action"] in mutating)
    (launch,) = [call for call in green.called("RunInstances") if call["status"] == 200]
    (up,) = [record for record in intents if record["verb"] == "runner.up"]
    assert up["at"] <= launch["at"]
    assert launch["client_token"], "the effect carries its token"


def test_the_closing_lists_every_file_with_its_digest(green):
    subjects = green.statement("closing.dsse.json")["subject"]
    sealed = {row["name"]: row["digest"]["sha256"] for row in subjects}
    present = {path: hashlib.sha256((green.bundle / path).read_bytes()).hexdigest() for path in paths(green.bundle)}
    del present["closing.dsse.json"]
    assert sealed == present
    assert green.closing["file_count"] == len(sealed)


def test_receipts_are_chained_from_the_opening_to_the_closing(green):
    head = hashlib.sha256((green.bundle / "opening.dsse.json").read_bytes()).hexdigest()
    for path in sorted((green.bundle / "receipts").iterdir()):
        assert json.loads(path.read_bytes())["previous"] == head
        head = hashlib.sha256(path.read_bytes()).hexdigest()

    assert green.closing["chain_head"] == head


def test_receipts_say_who_acted_where_with_what(green):
    receipt = green.receipts["restore_state"]

    assert receipt["caller"]["account_id"] == "444455556666"
    assert receipt["caller"]["region"] == "us-west-2"
    assert "@sha256:" in receipt["image_ref"]
    assert receipt["tool"]["version"]
    assert green.receipts["read_restore_point"]["caller"]["account_id"] == "111122223333"
    assert {receipt["mode"] for receipt in green.receipts.values()} == {"rehearsal"}


def test_every_proven_verdict_refuted_a_sabotage_and_none_survived(green):
    verdicts = green.verdicts

    assert green.named("proven") == set(verdicts)
    for verdict in verdicts.values():
        results = {control["result"] for control in verdict["controls"]}
        assert any(c["kind"] == "sabotage" and c["result"] == "refuted" for c in verdict["controls"])
        assert results <= {"refuted", "unproven", "not_applicable"}


def test_what_was_restored_is_what_the_archive_holds_to_the_last_byte(green):
    members = green.read("evidence/read_restore_point.members.json")["state.tar.zst"]
    restored = green.read("evidence/restore_state.read_back.json")["state.tar.zst"]

    wanted = {row["path"]: row["sha256"] for row in members if row["kind"] == "file"}
    assert len(wanted) >= 50
    assert {row["path"]: row["sha256"] for row in restored} == wanted


def test_the_world_saw_every_call_carry_the_expected_owner(green):
    calls = [call for call in green.calls if call["service"] == "s3" and call["bucket"] and call["status"] == 200]
    # Terraform's own calls to its state cannot carry one.
    ours = [call for call in calls if call["bucket"] != "atlas-dr-tfstate" or call["key"].endswith(".drproof-lease")]

    assert ours
    assert {call["expected_owner"] for call in ours} == {"111122223333", "444455556666"}


def test_nothing_is_left_in_the_world_and_the_folder_of_the_run_is_gone(green):
    assert green.inventory["instances"] == []
    assert green.inventory["volumes"] == []
    assert not green.bundle.with_name("green.private").exists()


def test_the_alarms_fired_inside_the_window_on_breaching_data(green):
    window = green.receipts["capture_alarms"]["observed"]
    history = green.read("evidence/capture_alarms.history.json")

    for name, items in history.items():
        inside = [item for item in items if window["since"] <= item["Timestamp"] <= window["until"]]
        assert [item["HistorySummary"] for item in inside][:2] == [
            "Alarm updated from OK to ALARM",
            "Alarm updated from ALARM to OK",
        ], name


@pytest.mark.parametrize(
    "name", ["drill.summary.json", "drill.stop_reason.txt", "dr_restore.control_plane.summary.json"]
)
def test_the_reference_s_own_files_are_derived(green, name):
    assert (green.bundle / "derived" / name).stat().st_size > 20


def test_the_derived_summary_tells_the_same_story(green):
    summary = green.read("derived/drill.summary.json")

    assert summary["overall_status"] == "success"
    assert summary["stop_reason"] == "auto promote disabled; stopped at manual promotion gate"
    assert summary["instance_id"] == green.receipts["resolve_runner"]["observed"]["instance_id"]
    assert green.read("derived/phases/promote.json")["skip_reason"] == "auto promote disabled"
    control_plane = green.read("derived/dr_restore.control_plane.summary.json")
    assert (
        control_plane["bundle_sha256"]
        == green.receipts["read_restore_point"]["observed"]["control_plane"]["bundle_sha256"]
    )
    assert min(control_plane[f"{name}_count"] for name in ("candidate", "alert", "provider", "scoring")) >= 1
