"""A teardown that goes wrong, and a validation that is repeated, are not forgiven."""

import pytest


@pytest.fixture
def meddled(operator, pytestconfig):
    def run(what, *words):
        return operator.drill("-p", "tests.drill.meddle", *words, MEDDLE=what, PYTHONPATH=str(pytestconfig.rootpath))

    return run


def test_a_teardown_that_ended_a_strangers_machine_is_refuted_although_a_retry_finds_everything_tidy(meddled):
    drill = meddled("every-runner", "--scenario", "two-runners")

    seen = drill.receipts["teardown"]["observed"]
    assert len(drill.receipts["teardown"]["attempts"]) == 2
    assert drill.inventory["instances"] == []
    assert "instance" in {item["kind"] for item in seen["foreign_before"]}
    assert "only_own_resources_were_removed" in drill.named("refuted")
    assert "no_residue_is_left" in drill.named("proven"), "what the first attempt removed was counted before it"


def test_what_was_restored_goes_away_although_the_provisioner_fails(meddled):
    drill = meddled("no-machine")

    assert drill.status == 1, drill.output
    assert drill.outcomes["teardown"] == "failed"
    assert "the machines cannot be ended" in drill.receipts["teardown"]["reason"]
    assert [item for item in drill.inventory["objects"] if item["bucket"] == "atlas-recovery"] == []


def test_a_validation_that_made_what_it_found_is_refuted_in_the_next_window_as_well(operator):
    words = ("--teardown", "false", "--scenario", "validate-creates-what-it-checks")
    first = operator.drill("--run-id", "first", "--stop-after", "validate", *words)
    assert "validation_observed_only" in first.named("refuted")

    again = operator.drill("--validate-only", "--receipt-dir", "reports/first")

    assert again.outcomes["inspect_runner"] == "passed", again.output
    assert "validation_observed_only" in again.named("refuted")
    assert again.status == 1
    assert again.inventory["instances"] == []
