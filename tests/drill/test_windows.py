"""Windows: a part of a plan is proven as a part, and the next window builds on the receipts of the one before."""

import hashlib
import json
import shlex
from functools import partial

import pytest


def test_the_four_commands_of_the_cost_saving_routine_run_in_sequence(operator):
    # By the provisioner of the machine: its state goes from window to window as well.
    rehearse = partial(operator.run, "-m", "drill", "--target", "embedded")
    up = rehearse("--run-id", "up", "--stop-after", "bringup", "--teardown", "false")
    assert up.status == 0, up.output
    assert "drproof: proven, partial" in up.output
    assert "--start-at teardown --receipt-dir" in up.output, (
        "what is still up is said, with the command that removes it"
    )
    machine = up.receipts["resolve_runner"]["observed"]["instance_id"]

    restored = rehearse(
        "--run-id", "restored", "--start-at", "restore", "--stop-after", "restore",
        "--teardown", "false", "--receipt-dir", "reports/up",
    )  # fmt: skip
    assert restored.status == 0, restored.output
    inherited = restored.receipts["bringup"]
    original = (up.bundle / "receipts/03-bringup.json").read_bytes()
    assert inherited["inherited_from"] == hashlib.sha256(original).hexdigest()
    assert restored.receipts["restore"]["inherited_from"] is None
    assert restored.receipts["resolve_runner"]["inherited_from"] is None, "what may have changed is seen anew"

    validated = rehearse(
        "--run-id", "validated", "--validate-only", "--teardown", "false", "--receipt-dir", "reports/restored"
    )
    assert validated.status == 0, validated.output
    assert validated.receipts["inspect_runner"]["observed"]["instance_id"] == machine
    assert "partial" in validated.output

    down = rehearse("--run-id", "down", "--start-at", "teardown", "--receipt-dir", "reports/validated")
    assert down.status == 0, down.output
    torn = down.receipts["teardown"]["observed"]
    assert machine in [item["identity"] for item in torn["before"]]
    assert torn["residue"] == []
    assert down.inventory["instances"] == []
    launched = [call for call in down.called("RunInstances") if call["status"] == 200]
    assert len(launched) == 1, "four windows, one machine"
    assert list((operator.folder / "reports").glob("*.private")) == [], "no window's private folder is left"


def test_a_last_window_that_inherits_all_the_others_is_whole(operator):
    first = operator.drill("--run-id", "first", "--stop-after", "validate", "--teardown", "false")
    assert first.status == 0, first.output

    last = operator.drill("--run-id", "last", "--start-at", "promote", "--receipt-dir", "reports/first")

    assert last.status == 0, last.output
    assert last.closing["window"]["full"] is True
    before = hashlib.sha256((first.bundle / "closing.dsse.json").read_bytes()).hexdigest()
    assert last.verified(full=True, previous=before).status == 0
    assert "drproof: proven, full" in last.output


def test_a_partial_proof_cannot_be_taken_for_a_whole_one(operator):
    part = operator.drill("--stop-after", "bringup")

    assert part.status == 0, part.output
    assert part.closing["window"]["full"] is False
    assert part.verified().status == 0
    assert (part.verified(full=True).status, part.verified(full=True).problems[0].code) == (4, "partial")
    assert set(part.read("plan.json")["window"]["left_out"]) == {
        "restore_state", "restore", "inspect_cluster", "inspect_runner", "validate", "notify", "capture_alarms", "request_manual_approval", "promote",
    }  # fmt: skip
    page = (part.bundle / "proof.html").read_text().lower()
    assert "partial" in page


@pytest.mark.exhaustive
def test_diagnostics_look_at_the_machine_and_tear_down(operator):
    (operator.folder / "drproof.toml").write_text(
        'target = "embedded"\n[[diagnostics.commands]]\nname = "disk"\nrun = "df -h ."\n'
    )

    looked = operator.run("-m", "drill", "--diagnostics-only")

    assert looked.status == 0, looked.output
    (seen,) = looked.receipts["diagnose"]["observed"]["commands"]
    assert seen["status"] == "Success"
    assert any("Filesystem" in line for line in seen["stdout_tail"])
    assert looked.inventory["instances"] == []
    assert (looked.bundle / "derived/drill.stop_reason.txt").read_text().startswith("diagnostics-only mode completed")


def test_inherited_receipts_that_were_touched_are_refused(operator):
    operator.drill("--run-id", "touched", "--stop-after", "bringup", "--teardown", "false")
    receipt = operator.folder / "reports/touched/receipts/03-bringup.json"
    content = json.loads(receipt.read_bytes())
    content["observed"]["start"] = "warm"
    receipt.write_bytes(json.dumps(content, sort_keys=True, separators=(",", ":")).encode())

    after = operator.drill("--start-at", "restore", "--receipt-dir", "reports/touched")

    assert after.status == 4
    assert "not as it was sealed" in after.output
    assert "next:" in after.output
    operator.drill("--start-at", "teardown", "--receipt-dir", "reports/touched")


def test_both_flags_record_a_decision_and_switch_nothing(operator):
    drill = operator.drill(
        "--auto-promote", "true", "--allow-promote-bypass", "true",
        "--approver", "somebody", "--ticket", "CHG-1", "--reason", "rehearsal",
    )  # fmt: skip

    assert drill.status == 0, drill.output
    decision = drill.receipts["promote"]["observed"]
    assert (decision["approver"], decision["ticket"], decision["approved"]) == ("somebody", "CHG-1", True)
    assert "promotion_is_a_recorded_decision" in drill.named("proven")
    assert drill.read("derived/promote.decision.json")["approver"] == "somebody"
    written = [call for call in drill.calls if call["action"] == "PutObject" and call["bucket"] == "atlas-primary"]
    assert written == [], "no pointer was touched"


@pytest.mark.exhaustive
def test_one_flag_alone_promotes_nothing_and_says_why(operator):
    drill = operator.drill("--auto-promote", "true")

    assert drill.outcomes["promote"] == "not_run"
    assert "--allow-promote-bypass" in drill.receipts["promote"]["reason"]


def pasted(operator, drill):
    """Run the command that a drill printed to run its failed phase again, as it stands there."""
    (line,) = [line for line in drill.output.splitlines() if line.startswith("to run ") and " again, " in line]
    _, _, command = line.partition(": ")
    pytest_, *words = shlex.split(command)
    assert pytest_ == "pytest"
    return line, operator.run(*words)


def test_the_printed_command_runs_the_failed_phase_alone_on_what_is_up(operator, pytestconfig):
    failed = operator.run(
        "-p", "tests.drill.interrupt", "-m", "drill", "--target", "embedded", "--provisioner", "direct",
        "--run-id", "broken", "--stop-after", "restore", "--teardown", "false",
        INTERRUPT="sigterm:set-up", STRUCK=str(operator.folder / "struck"), PYTHONPATH=str(pytestconfig.rootpath),
    )  # fmt: skip
    assert failed.outcomes["restore_state"] == "interrupted", failed.output

    line, again = pasted(operator, failed)

    assert "to run restore_state again, on what is up" in line
    assert again.status == 0, again.output
    assert again.outcomes["restore_state"] == "passed"
    assert again.receipts["bringup"]["inherited_from"] is not None
    launched = [call for call in again.called("RunInstances") if call["status"] == 200]
    assert len(launched) == 1, "the machine is the one that was up"


@pytest.mark.exhaustive
def test_the_printed_command_runs_a_phase_again_whose_ground_is_gone(operator, pytestconfig):
    failed = operator.run(
        "-p", "tests.drill.interrupt", "-m", "drill", "--target", "embedded", "--provisioner", "direct", "--no-retry",
        INTERRUPT="sigterm:set-up", STRUCK=str(operator.folder / "struck"), PYTHONPATH=str(pytestconfig.rootpath),
    )  # fmt: skip
    assert failed.inventory["instances"] == []

    line, again = pasted(operator, failed)

    assert "which is gone" in line
    assert "--provisioner direct" in line
    assert "--no-retry" in line
    assert again.status == 0, again.output
    assert again.outcomes["restore"] == "passed"
