"""What a drill leaves in its folder: who, what, when, and no secret."""

import json
import subprocess
from pathlib import Path

import drproof
from drproof.evidence.redaction import MASK, Masker


def test_receipts_say_who_acted_with_what_on_what(whole):
    plan = whole.read("plan.json")

    for receipt in whole.receipts.values():
        assert receipt["image_ref"] == plan["criteria"]["image_ref"]
        assert receipt["tool"]["version"] == drproof.__version__
        site = plan["criteria"]["sites"][
            "primary" if receipt["phase"] in {"check_health", "read_restore_point", "capture_alarms"} else "recovery"
        ]
        assert (receipt["caller"]["account_id"], receipt["caller"]["region"]) == (site["account_id"], site["region"])
        assert receipt["caller"]["arn"].startswith(f"arn:aws:sts::{site['account_id']}:")


def test_receipts_name_the_revision_where_drproof_runs_from_a_source_tree(whole):
    root = Path(drproof.__file__).parents[1]
    asked = subprocess.run(["git", "-C", str(root), "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    expected = asked.stdout.strip() if (root / ".git").exists() else ""

    assert {receipt["tool"]["git_sha"] for receipt in whole.receipts.values()} == {expected}


def test_a_failed_phase_says_which_command_failed_and_how_it_ended(desk):
    drill = desk.run("-m", "drill", "--target", "embedded", "--scenario", "terraform-apply-fails", "--no-retry")

    (attempt,) = drill.receipts["bringup"]["attempts"]
    assert attempt["outcome"] == "failed"
    assert attempt["error"]
    assert attempt["command"]
    assert attempt["error_class"].endswith("Error")
    assert "attempt 1: failed" in (drill.bundle / "logs/bringup.log").read_text()


def test_every_phase_that_acted_has_a_log(whole):
    logs = {path.stem for path in (whole.bundle / "logs").iterdir()}

    assert logs == {phase for phase, receipt in whole.receipts.items() if receipt["attempts"]}
    assert "attempt 1: passed" in (whole.bundle / "logs/restore.log").read_text()


def test_a_secret_that_a_phase_tells_its_log_is_masked(kept):
    colleague, _ = kept
    secrets = json.loads((colleague.folder / "secrets.json").read_text())
    log = (colleague.folder / "reports/up/logs/check_health.log").read_text()

    assert secrets
    assert log.count(f"the key is {MASK}") == len([value for value in secrets if len(value) >= 8])


def test_no_file_of_a_drill_holds_a_secret_of_its_target(kept, removed):
    colleague, shown = kept
    secrets = json.loads((colleague.folder / "secrets.json").read_text())
    known = Masker(secrets)
    assert not (colleague.folder / "reports/up.private").exists(), (
        "what a later window needed is gone with the teardown"
    )
    written = [path for path in colleague.folder.rglob("*") if path.is_file() and path.name != "secrets.json"]

    assert known.finds(json.dumps(secrets).encode())
    assert len(written) > 40
    assert [path for path in written if known.finds(path.read_bytes())] == []
    assert not known.finds(shown.encode())
    assert not known.finds(removed.output.encode())
