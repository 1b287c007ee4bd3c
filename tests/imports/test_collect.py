"""`drproof collect` reads what is handed in, keeps no secret, seals what it collected, and claims nothing more."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.imports.cases import DATA, lay_out

pytestmark = pytest.mark.costly

SUCCESS = "published_success_fail"
TOKEN = json.loads((DATA / SUCCESS / "receipts/request_manual_approval.json").read_text())["payload"]["input"][
    "task_token"
]


def _cli(*words, **environment):
    return subprocess.run(
        [sys.executable, "-c", "from drproof.cli import main; main()", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": "300", **environment},
    )


@pytest.fixture
def success(tmp_path):
    return lay_out(SUCCESS, tmp_path / "case")


def test_the_published_success_is_corroborated_and_refuted_with_each_reason(success, tmp_path):
    told = _cli(*success.words(tmp_path / "bundle"))

    assert told.returncode == 0, told.stderr
    origin, _, recovery = told.stdout.partition("recovery: refuted")
    assert "origin: corroborated\n" in origin
    for reason in (
        "the execution is ABORTED; deepest cause: aborted in request_manual_approval",
        "changed its target: namespace/atlas created",
        "bring-up was warm: its machine, or a node of it, is older than the execution",
        "the alarm went off on missing data: no datapoint breached",
        "task_token in request_manual_approval.json/payload/input/task_token",
        "approval was requested and not given",
        "the receipt shows no more than metadata.json: existence",
    ):
        assert reason in recovery, reason
    assert "not signed: nothing shows who collected it" in told.stdout


def test_no_byte_of_the_bundle_holds_the_token_of_the_receipts(success, tmp_path):
    _cli(*success.words(tmp_path / "bundle"))

    written = {path: path.read_bytes() for path in (tmp_path / "bundle").rglob("*") if path.is_file()}
    assert written
    assert [path.name for path, data in written.items() if TOKEN[:40].encode() in data] == []
    receipt = json.loads((tmp_path / "bundle/receipts/01-read_execution.json").read_bytes())
    tags = [row["tag"] for row in receipt["observed"]["secrets"]]
    assert len(tags) > 1, "the history has it as well"
    assert len(set(tags)) == 1
    assert re.fullmatch("hmac-sha256:[0-9a-f]{64}", tags[0])


def test_free_text_of_others_is_not_taken_over(success, tmp_path):
    path = success.folder / "receipts/notify.json"
    receipt = json.loads(path.read_text())
    receipt["payload"]["result"]["message"] = receipt["payload"]["result"]["message_id"] = "prose; with <marks>"
    receipt["status"] = "prose; with <marks>"
    path.write_text(json.dumps(receipt))

    _cli(*success.words(tmp_path / "bundle"))

    written = b"".join(path.read_bytes() for path in (tmp_path / "bundle").rglob("*") if path.is_file())
    assert b"marks" not in written


def test_a_collectors_signature_covers_the_collection_and_verifies_as_a_collectors(success, tmp_path):
    keys = tmp_path / "keys"
    _cli("keys", "init", keys, "--role", "collector")
    _cli("keys", "init", tmp_path / "runner")
    told = _cli(*success.words(tmp_path / "bundle"), "--signer", f"file2:{keys / 'collector.key'}")
    by_collector = _cli("verify", tmp_path / "bundle", "--trust", keys / "trust.json")
    other = _cli(*success.words(tmp_path / "other"), "--signer", f"file2:{tmp_path / 'runner/runner.key'}")
    by_runner = _cli("verify", tmp_path / "other", "--trust", tmp_path / "runner/trust.json")

    assert "says who collected, not who wrote the receipts" in told.stdout
    assert by_collector.returncode == 3, by_collector.stdout
    assert "AUTHENTIC AND REFUTED" in by_collector.stdout
    assert "signed by collector" in by_collector.stdout
    assert other.returncode == 0
    assert "key-role" in by_runner.stdout
    (tmp_path / "bundle/receipts/01-read_execution.json").write_bytes(b"{}")
    assert _cli("verify", tmp_path / "bundle", "--trust", keys / "trust.json").returncode in {1, 2}


def test_an_incomplete_collection_says_what_is_missing_in_the_references_words(tmp_path):
    case = lay_out("receipt_missing_fail", tmp_path / "case")
    (case.folder / "alarms/freshness.json").unlink()

    told = _cli(*case.words(tmp_path / "bundle"))

    assert told.returncode == 1
    assert "FAIL: missing_required_receipt:notify:notify.json\n" in told.stdout
    assert "FAIL: missing_alarm_evidence:OK->ALARM->OK\n" in told.stdout
    assert (tmp_path / "bundle/closing.dsse.json").exists(), "what is incomplete is on record as well"


def test_a_decision_that_is_demanded_and_not_there_makes_a_collection_incomplete(success, tmp_path):
    told = _cli(*success.words(tmp_path / "bundle"), "--require-record-manual-decision")

    assert told.returncode == 1
    assert "FAIL: missing_required_receipt:record_manual_decision:" in told.stdout


def test_the_references_alarm_evidence_is_taken_by_its_own_option_and_shows_no_breach(tmp_path):
    case = lay_out("alarms_as_the_references_digest_fail", tmp_path / "case")
    words = [word.replace("--alarm-history-json", "--alarm-evidence-json") for word in case.words(tmp_path / "bundle")]

    told = _cli(*words)

    assert told.returncode == 0, told.stdout
    assert "the evidence does not keep why the alarm went off" in told.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--source-dir", "nowhere", "--output-dir", "out"], "source_dir_not_found:nowhere"),
        (["--source-dir", "empty", "--output-dir", "out"], "is empty"),
        (["--source-dir", "case", "--output-dir", "full"], "full is not empty"),
        (
            ["--source-dir", "case", "--output-dir", "out", "--alarm-history-json", "gone.json"],
            "gone.json is not there",
        ),
        (["--source-dir", "case", "--output-dir", "out", "--alarm-lead", "soon"], "expected a duration"),
        (["--source-dir", "case", "--output-dir", "out", "--signer", "file2:no.key"], "no.key"),
        (["--source-dir", "case", "--output-dir", "out", "--signer", "awskms:"], "expected awskms:<key id>"),
        (
            ["--source-dir", "case", "--output-dir", "out", "--signer", "awskms:alias/x", "--region", "us-west-2"]
            + ["--profile", "nobodys"],
            "nobodys",
        ),
        (["--source-dir", "case"], "--output-dir"),
    ],
)
def test_a_misuse_ends_with_2_and_leaves_nothing(tmp_path, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    for name, file in (("empty", ""), ("case", "notify.json"), ("full", "old.json")):
        Path(name).mkdir()
        if file:
            Path(name, file).write_text("{}")

    told = _cli("collect", *words)

    assert told.returncode == 2, told.stdout
    assert said in told.stderr
    assert "Traceback" not in told.stderr
    assert not Path("out").exists()


def test_a_link_out_of_the_folder_is_never_followed(success, tmp_path):
    outside = tmp_path / "outside.json"
    outside.write_text((success.folder / "receipts/notify.json").read_text())
    (success.folder / "receipts/notify.json").unlink()
    (success.folder / "receipts/notify.json").symlink_to(outside)
    (success.folder / "receipts/sub").mkdir()
    (success.folder / "receipts/sub/restore.json").write_text("{}")

    told = _cli(*success.words(tmp_path / "bundle"))

    assert told.returncode == 1
    assert "FAIL: missing_required_receipt:notify:notify.json" in told.stdout
    assert "FAIL: file:notify.json:a link, not a file" in told.stdout
    assert "FAIL: file:sub/restore.json:stranger" in told.stdout


def test_a_file_is_what_its_option_says_or_it_is_refused(success, tmp_path):
    words = [*success.words(tmp_path / "bundle"), "--execution-history", success.folder / "alarms/freshness.json"]

    told = _cli(*words[:-2], "--alarm-history-json", success.folder / "listing.json")

    assert told.returncode == 1
    assert "listing.json:not alarms" in told.stdout


def test_what_was_meant_is_a_criterion_and_another_execution_is_refuted(success, tmp_path):
    fits = _cli(
        *success.words(tmp_path / "fits"), "--expected-account-id", "111122223333", "--expected-region", "eu-west-1"
    )
    other = _cli(*success.words(tmp_path / "other"), "--expected-execution", "another")

    assert "origin: corroborated" in fits.stdout
    assert "origin: refuted" in other.stdout
    plan = json.loads((tmp_path / "other/plan.json").read_bytes())
    assert plan["criteria"]["execution"]["execution_id"] == "another"


@pytest.mark.parametrize(
    ("rose_at", "words", "recovery"),
    [
        ("2026-05-04T09:00:00.250000+00:00", [], "proven"),
        ("2026-05-04T09:00:00.249000+00:00", [], "refuted"),
        ("2026-05-04T09:00:00.249000+00:00", ["--alarm-lead", "61m"], "proven"),
    ],
)
def test_an_alarm_may_have_called_an_hour_before_where_nobody_says_how_long(tmp_path, rose_at, words, recovery):
    case = lay_out("whole_ok", tmp_path / "case")
    alarms = case.folder / "alarms/freshness.json"
    text = alarms.read_text().replace("2026-05-04T09:50:15.300000+00:00", rose_at)
    alarms.write_text(text.replace("2026-05-04T09:45:00.000+0000", "2026-05-04T08:56:00.000+0000"))

    told = _cli(*case.words(tmp_path / "bundle"), *words)

    assert told.returncode == 0, told.stdout
    assert f"recovery: {recovery}\n" in told.stdout


def test_the_references_manifest_is_derived_with_the_digests_of_what_was_handed_in(success, tmp_path):
    _cli(*success.words(tmp_path / "bundle"))

    manifest = json.loads((tmp_path / "bundle/derived/bundle-manifest.json").read_bytes())
    listed = {row["path"]: row["size_bytes"] for row in manifest["files"]}
    receipts = success.folder / "receipts"
    assert {path.name: listed[path.name] for path in receipts.iterdir()} == {
        path.name: path.stat().st_size for path in receipts.iterdir()
    }
    assert not (tmp_path / "bundle/derived/drill.summary.json").exists()


def test_the_page_of_a_collection_renders_again_to_the_same_bytes(success, tmp_path):
    _cli(*success.words(tmp_path / "bundle"))

    page = (tmp_path / "bundle/proof.html").read_text()
    assert "<strong>Origin: corroborated.</strong> <strong>Recovery: refuted.</strong>" in page
    assert "Who wrote the receipts." in page
    assert "execution.phases" in page
    assert _cli("report", tmp_path / "bundle", "--check").returncode == 0
    assert _cli("status", tmp_path / "bundle").returncode == 0


def test_a_failback_is_collected_as_what_it_is_and_signed_as_a_collection(tmp_path):
    case = lay_out("failback_ok", tmp_path / "case")
    keys = tmp_path / "keys"
    _cli("keys", "init", keys, "--role", "collector")
    told = _cli(*case.words(tmp_path / "bundle"), "--signer", f"file2:{keys / 'collector.key'}")
    verified = _cli("verify", tmp_path / "bundle", "--trust", keys / "trust.json")

    assert told.returncode == 0, told.stdout + told.stderr
    assert "origin: corroborated\n" in told.stdout
    assert "failback: proven\n" in told.stdout
    assert "recovery:" not in told.stdout
    assert verified.returncode == 0, verified.stdout
    assert "signed by collector" in verified.stdout
    page = (tmp_path / "bundle/proof.html").read_text()
    assert "<strong>Origin: corroborated.</strong> <strong>Failback: proven.</strong>" in page
    assert "Who wrote the receipts." in page
    assert _cli("report", tmp_path / "bundle", "--check").returncode == 0
    assert not (tmp_path / "bundle/derived").exists(), "no reader knows a manifest of a failback"


def test_a_failback_from_a_run_to_itself_is_told_with_each_reason(tmp_path):
    told = _cli(*lay_out("failback_to_itself_fail", tmp_path / "case").words(tmp_path / "bundle"))

    assert told.returncode == 1
    assert "FAIL: file:drill.failback.phase_timestamps.json:timestamp\n" in told.stdout
    _, _, shown = told.stdout.partition("failback: refuted")
    for reason in (
        "a failback from the run 2026-05-04T11:00:12.250000+00:00 to itself",
        "the comparison was skipped: that is none",
        "to itself: nothing goes back",
    ):
        assert reason in shown, reason


def test_a_dry_run_of_a_failback_lacks_its_receipts_in_the_references_words(tmp_path):
    told = _cli(*lay_out("failback_dry_run_fail", tmp_path / "case").words(tmp_path / "bundle"))

    assert told.returncode == 1
    assert "FAIL: missing_required_receipt:apply:drill.failback.apply.json\n" in told.stdout
    assert "FAIL: missing_required_receipt:verify_after:drill.failback.verify_after.json\n" in told.stdout
    assert "nothing shows that anything went back: asked is no, dry is yes" in told.stdout


@pytest.mark.parametrize(
    ("words", "origin"),
    [
        (("--expected-account-id", "111122223333", "--expected-region", "eu-west-1"), "corroborated"),
        (("--expected-execution", "2026-05-04T11:00:12.250000+00:00"), "corroborated"),
        (("--expected-account-id", "444455556666"), "refuted"),
        (("--expected-region", "us-west-2"), "refuted"),
        (("--expected-execution", "another"), "refuted"),
    ],
)
def test_another_failback_than_the_one_that_is_meant_is_refuted(tmp_path, words, origin):
    told = _cli(*lay_out("failback_ok", tmp_path / "case").words(tmp_path / "bundle"), *words)

    assert f"origin: {origin}\n" in told.stdout


def test_what_only_an_execution_has_is_refused_or_a_stranger_among_a_failback(tmp_path):
    case = lay_out("failback_ok", tmp_path / "case")
    history = lay_out("whole_ok", tmp_path / "whole").folder / "history/events.json"
    for name, text in (("notify.json", "{}"), ("sub/restore.json", "{}"), ("after/global", "{}"), ("notes.md", "x")):
        path = case.folder / "receipts" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    (case.folder / "receipts/second.json").write_text((case.folder / "listing.json").read_text())

    refused = _cli(*case.words(tmp_path / "bundle"), "--require-record-manual-decision")
    told = _cli(*case.words(tmp_path / "bundle"), "--execution-history", history)

    assert refused.returncode == 2
    assert "--require-record-manual-decision is about an execution" in refused.stderr
    assert {line for line in told.stdout.splitlines() if line.startswith("FAIL: ")} == {
        "FAIL: file:after/global:stranger",
        "FAIL: file:history/1-events.json:no history belongs to a failback",
        "FAIL: file:notes.md:stranger",
        "FAIL: file:notify.json:stranger",
        "FAIL: file:second.json:comes twice",
        "FAIL: file:sub/restore.json:stranger",
    }


def test_free_text_of_a_failback_is_not_taken_over(tmp_path):
    case = lay_out("failback_ok", tmp_path / "case")
    prose = "prose; with <marks>"
    edits: dict[str, dict[str, Any]] = {
        "failback.summary": {"status": prose, "failed_reason": prose},
        "drill.failback.inputs": {"region": prose, "bucket": prose, "provider": prose},
        "drill.failback.apply": {"updated_keys": [prose], "canonical_run_id": prose},
        "after/global": {"run_id": prose, "run_path": prose},
    }
    for name, changes in edits.items():
        path = case.folder / f"receipts/{name}.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    (case.folder / "receipts/verify_dr.stdout").write_text(prose)

    told = _cli(*case.words(tmp_path / "bundle"))

    assert told.returncode == 0, told.stdout
    assert "failback: refuted" in told.stdout
    written = b"".join(path.read_bytes() for path in (tmp_path / "bundle").rglob("*") if path.is_file())
    assert b"marks" not in written
