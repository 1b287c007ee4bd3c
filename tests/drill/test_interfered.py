"""A drill that somebody or something interferes with never calls itself proven, and never leaves anything behind."""

import pytest

from tests.drill.conftest import SECONDS
from tests.patience import until


@pytest.fixture
def interfered(operator, pytestconfig):
    def run(what, *words):
        return operator.drill(
            "-p", "tests.drill.interfere", "--run-id", "spoiled", *words,
            INTERFERE=what, PYTHONPATH=str(pytestconfig.rootpath),
        )  # fmt: skip

    return run


def test_a_receipt_that_was_rewritten_while_the_drill_ran_is_noticed_before_the_seal(interfered):
    drill = interfered("rewrite")

    assert drill.status == 1, drill.output
    assert drill.closing["outcome"] == "incomplete"
    assert drill.inventory["instances"] == []


@pytest.mark.exhaustive
def test_a_phase_whose_receipt_could_not_be_written_is_not_said_to_be_unreached(interfered):
    drill = interfered("lose")

    assert drill.status == 1, drill.output
    assert drill.outcomes["inspect_runner"] == "failed"
    assert "could not be written" in drill.receipts["inspect_runner"]["reason"]
    assert drill.outcomes["teardown"] == "passed"
    assert drill.inventory["instances"] == []


def test_a_receipt_that_cannot_be_written_keeps_no_teardown_from_running(interfered):
    drill = interfered("told")

    assert drill.status == 1, drill.output
    assert "notify" not in drill.outcomes
    assert drill.outcomes["teardown"] == "passed"
    assert drill.inventory["instances"] == []


@pytest.mark.exhaustive
def test_a_platform_that_is_silent_for_a_moment_keeps_no_teardown_from_running(interfered):
    drill = interfered("silence")

    assert drill.status == 0, drill.output
    assert drill.inventory["instances"] == []


def test_a_signal_while_the_journal_is_flushed_costs_neither_the_journal_nor_the_teardown(interfered):
    drill = interfered("flush")

    assert drill.status == 143, drill.output
    assert drill.outcomes["teardown"] == "passed", drill.receipts["teardown"]
    assert drill.inventory["instances"] == []
    assert "proof: " in drill.output, "the summary is printed although the status is not pytest's own"


def test_a_run_that_dies_after_the_seal_is_put_away_by_its_guardian(operator, interfered):
    drill = interfered("sealed")

    assert drill.status == -9
    private = operator.folder / "reports" / "spoiled.private"
    until(lambda: not private.exists(), SECONDS)
    assert drill.closing["outcome"] == "proven"
    assert operator.cli("status", "reports/spoiled").returncode == 0


def test_a_retry_does_not_launder_a_validation_that_made_what_it_found(interfered):
    drill = interfered("look", "--scenario", "validate-creates-what-it-checks")

    assert len(drill.receipts["inspect_runner"]["attempts"]) == 2
    assert drill.status == 1, drill.output
    assert "validation_observed_only" in drill.named("refuted")


@pytest.mark.exhaustive
def test_a_message_whose_answer_was_lost_is_not_sent_again(interfered):
    drill = interfered("message")

    sent = [call for call in drill.called("Publish") if call["status"] == 200]
    assert len(sent) == 2, "the status once, the request for approval once"
    assert drill.outcomes["notify"] == "not_run"
    assert "not sent twice" in drill.receipts["notify"]["reason"]
    assert "people_were_notified" in drill.named("unproven")


@pytest.mark.exhaustive
def test_a_bring_up_that_needed_two_attempts_is_still_this_drills_own(interfered):
    drill = interfered("machine")

    assert len(drill.receipts["bringup"]["attempts"]) == 2
    assert drill.receipts["bringup"]["observed"]["present_before"] == []
    assert drill.status == 0, drill.output
    assert len([call for call in drill.called("RunInstances") if call["status"] == 200]) == 1


def test_a_strangers_object_under_the_prefix_is_listed_and_left(interfered):
    drill = interfered("object")

    left = [item["key"] for item in drill.inventory["objects"] if item["bucket"] == "atlas-recovery"]
    assert [key.rpartition("/")[2] for key in left] == ["somebody-else.txt"]
    (foreign,) = drill.receipts["teardown"]["observed"]["foreign"]
    assert foreign["identity"].endswith("/somebody-else.txt")
    assert drill.outcomes["teardown"] == "passed"
    assert "only_own_resources_were_removed" in drill.named("proven")


@pytest.mark.exhaustive
def test_a_secret_that_a_command_prints_reaches_no_file_of_the_bundle(interfered):
    drill = interfered("secret")

    shown = drill.receipts["inspect_runner"]["observed"]["commands"][0]["stdout_tail"]
    assert shown == ["«masked»"]
    assert drill.status == 0, drill.output


def test_the_bar_cannot_be_moved_between_windows(operator):
    first = operator.drill("--run-id", "first", "--stop-after", "bringup", "--teardown", "false", "--rto", "1h")
    assert first.status == 0, first.output

    moved = operator.drill("--start-at", "restore", "--receipt-dir", "reports/first", "--rto", "9h")

    assert moved.status == 4
    assert "another criteria.rto_ms" in moved.output
    assert "next:" in moved.output
    down = operator.run("-m", "drill", "--start-at", "teardown", "--receipt-dir", "reports/first")
    assert down.status == 0, "what the first window was told, the next one knows: " + down.output
    assert down.inventory["instances"] == []


@pytest.mark.exhaustive
def test_the_place_cannot_be_swapped_under_a_teardown(operator):
    first = operator.drill("--run-id", "first", "--stop-after", "bringup", "--teardown", "false")
    assert first.status == 0, first.output
    settings = operator.folder / "drproof.toml"
    settings.write_text('target = "embedded"\n[recovery]\nprefix = "elsewhere"\n')

    swapped = operator.run("-m", "drill", "--start-at", "teardown", "--receipt-dir", "reports/first")

    assert swapped.status == 4
    assert "another recovery.prefix" in swapped.output
    settings.unlink()
    assert operator.drill("--start-at", "teardown", "--receipt-dir", "reports/first").status == 0


def test_a_teardown_of_nothing_is_refused(operator):
    nothing = operator.drill("--start-at", "teardown")

    assert nothing.status == 4
    assert "--receipt-dir" in nothing.output
    assert nothing.directory is None


@pytest.mark.exhaustive
def test_an_earlier_window_whose_journal_is_gone_is_not_built_upon(operator):
    first = operator.drill("--run-id", "first", "--stop-after", "bringup", "--teardown", "false")
    journal = first.bundle / "journal.log"
    journal.rename(operator.folder / "journal.log")

    refused = operator.drill("--start-at", "teardown", "--receipt-dir", "reports/first")

    assert refused.status == 4
    (operator.folder / "journal.log").rename(journal)
    assert operator.drill("--start-at", "teardown", "--receipt-dir", "reports/first").status == 0
