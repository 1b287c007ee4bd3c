"""The operators' command line: what it says, with which status, and never with a trace."""

import json

import pytest

from drproof.evidence.canonical import canonical


def test_status_says_how_each_phase_ended_and_what_it_came_to(operator, copy):
    said = operator.cli("status", str(copy))

    assert said.returncode == 0, said.stderr
    assert "plan backup (full), mode rehearsal" in said.stdout
    assert "read_restore_point" in said.stdout
    assert "passed" in said.stdout
    assert "closed: proven" in said.stdout


def test_status_of_a_bundle_that_was_changed_is_no_success_and_names_the_file(operator, copy):
    (copy / "proof.html").write_bytes(b"another page")

    said = operator.cli("status", str(copy))

    assert said.returncode == 1
    assert "changed: proof.html is not the file that was sealed" in said.stdout


def test_status_of_a_bundle_that_was_not_sealed_names_the_next_command(operator, copy):
    (copy / "closing.dsse.json").unlink()

    said = operator.cli("status", str(copy))

    assert said.returncode == 1
    assert f"not closed; next: drproof resume {copy}" in said.stdout


def test_report_renders_the_same_page_beside_the_bundle(operator, copy):
    sealed = (copy / "proof.html").read_bytes()

    said = operator.cli("report", str(copy))

    assert said.returncode == 0, said.stderr
    assert copy.with_name("closed.html").read_bytes() == sealed
    assert operator.cli("status", str(copy)).returncode == 0, "the bundle stays as it was sealed"


def test_report_check_accepts_the_sealed_page_and_notices_a_changed_one(operator, copy):
    assert operator.cli("report", str(copy), "--check").returncode == 0
    page = copy / "proof.html"
    page.write_bytes(page.read_bytes().replace(b"proven", b"PROVEN", 1))

    said = operator.cli("report", str(copy), "--check")

    assert said.returncode == 1
    assert "is not what its evidence renders to: it differs from byte" in said.stdout


def test_a_closed_drill_is_not_resumed_and_the_next_command_is_named(operator, copy):
    said = operator.cli("resume", str(copy))

    assert said.returncode == 2
    assert "closed is closed: there is nothing to resume" in said.stderr
    assert "next: drproof status" in said.stderr


def test_an_unfinished_drill_whose_private_folder_is_gone_names_the_mark_to_look_for(operator, copy):
    (copy / "closing.dsse.json").unlink()

    said = operator.cli("resume", str(copy))

    assert said.returncode == 2
    assert "drproof:drill=closed" in said.stderr


@pytest.mark.parametrize("command", [("status",), ("report",), ("report", "--check"), ("resume",)], ids=" ".join)
def test_a_folder_that_holds_no_drill_is_a_clear_error(operator, tmp_path, command):
    said = operator.cli(*command, str(tmp_path / "nowhere"))

    assert said.returncode == 2
    assert said.stderr.startswith("drproof: ")
    assert "nowhere" in said.stderr
    assert "next: " in said.stderr
    assert "Traceback" not in said.stderr


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[:-20],
        lambda text: text.replace('"drill_id"', '"drill_if"'),
        lambda text: text + " ",
        lambda text: "",
    ],
    ids=["truncated", "misnamed", "not canonical", "empty"],
)
def test_an_unreadable_plan_is_a_clear_error(operator, copy, spoil):
    plan = copy / "plan.json"
    plan.write_text(spoil(plan.read_text()))

    said = operator.cli("status", str(copy))

    assert said.returncode == 2
    assert said.stderr.startswith("drproof: ")
    assert "Traceback" not in said.stderr


def test_a_receipt_of_an_unknown_phase_is_a_clear_error(operator, copy):
    receipt = next((copy / "receipts").iterdir())
    receipt.write_bytes(canonical({**json.loads(receipt.read_bytes()), "phase": "party"}))

    said = operator.cli("status", str(copy))

    assert said.returncode == 2
    assert "'party'" in said.stderr


def test_plans_prints_phases_in_order_with_what_they_require(operator):
    said = operator.cli("plans", "recovery")

    assert said.returncode == 0
    phases = [line.split()[1].rstrip(":") for line in said.stdout.splitlines() if line.startswith("  phase ")]
    assert (
        phases.index("read_restore_point")
        < phases.index("bringup")
        < phases.index("restore")
        < phases.index("teardown")
    )
    assert phases[-1] == "teardown"
    assert "requires backup_object_matches_its_metadata" in said.stdout
    assert "plan recovery" in operator.cli("plans").stdout


def test_an_unknown_plan_is_a_clear_error(operator):
    said = operator.cli("plans", "recoveri")

    assert said.returncode == 2
    assert "recoveri" in said.stderr
    assert "Traceback" not in said.stderr


def test_scenarios_lists_every_failure_that_can_be_injected(operator):
    said = operator.cli("scenarios")

    assert said.returncode == 0
    for name in ("stale-pipeline", "backup-object-byte-flipped", "two-runners", "teardown-leaves-residue"):
        assert name in said.stdout


def test_the_published_schemas_are_those_of_the_types(operator, tmp_path):
    assert operator.cli("schemas", "check").returncode == 0
    said = operator.cli("schemas", "write", str(tmp_path / "schemas"))

    assert said.returncode == 0, said.stderr
    written = {path.name for path in (tmp_path / "schemas").iterdir()}
    assert {"plan.v1.json", "receipt.restore.v1.json"} <= written


def test_the_command_line_says_its_version_and_misuse_is_exit_2(operator):
    assert operator.cli("--version").stdout.startswith("drproof ")
    assert operator.cli("nonsense").returncode == 2
