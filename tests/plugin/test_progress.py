"""What an operator sees while a drill runs, and when it has ended."""

import re

from tests.drill.conftest import SECONDS

DURATION = r"(?:\d+ min )?[\d.]+ (?:min|m?s)"
"""As people read it, on however slow a machine."""


def test_a_log_that_is_no_terminal_gets_plain_lines(whole):
    lines = whole.output.splitlines()

    assert "drproof: bringup begins; objective 12 min, next resolve_runner" in lines
    assert any(re.fullmatch(rf"drproof: bringup passed after {DURATION}", line.strip()) for line in lines)
    assert any(line.startswith("drproof: promote not_run after") and "auto promote disabled" in line for line in lines)
    assert "drproof: teardown begins; objective 8 min, the last phase" in lines
    assert "\x1b[2K" not in whole.output


def test_a_terminal_gets_one_living_line_with_phase_elapsed_objective_and_next(kept):
    _, shown = kept

    assert re.search(
        rf"\r\x1b\[2Kdrproof: bringup runs for {DURATION}; objective 12 min, next resolve_runner", shown
    ), shown
    assert re.search(rf"\r\x1b\[2Kdrproof: bringup passed after {DURATION}", shown)


def test_the_header_says_the_mode_and_the_window(whole, kept):
    assert "drproof: plan recovery (full), mode REHEARSAL, drill whole" in whole.output
    assert "rehearsal against the embedded world: it proves drproof, never anyone's recovery" in whole.output
    assert "the guard is lifted for the embedded world only" in whole.output
    assert "drproof: plan recovery (partial), mode REHEARSAL, drill up" in kept[1]


def test_the_summary_says_verdicts_objectives_and_where_the_proof_lies(whole):
    proven = len(whole.named("proven"))

    assert f"verdicts: {proven} proven, 0 refuted, 0 unproven" in whole.output
    assert re.search(rf"measured RTO: {DURATION}, objective 40 min: met", whole.output)
    assert re.search(r"measured RPO: .+, objective .+: met", whole.output)
    assert f"proof: {whole.bundle / 'proof.html'}" in whole.output
    assert (whole.bundle / "proof.html").is_file()
    assert "STILL UP" not in whole.output


def test_the_summary_says_what_is_still_up_and_the_command_that_removes_it(kept):
    colleague, shown = kept

    assert "STILL UP: kept, as --teardown false asked" in shown
    assert (
        f"pytest -m drill --start-at teardown --receipt-dir {colleague.folder / 'reports/up'} --target embedded"
        in shown
    )


def test_what_was_kept_up_is_removed_by_the_window_that_says_so(removed):
    assert removed.status == 0, removed.output
    assert removed.inventory["instances"] == []


def test_a_reader_that_went_away_does_not_keep_a_drill_from_tearing_down(desk, pytestconfig):
    words = ("-m", "drill", "--target", "embedded", "--run-id", "unread", "-v", "-s")
    # Its machine is up, and more is to be told.
    with desk.held(*words, at=30, root=pytestconfig.rootpath) as run:
        assert run.stdout is not None
        run.stdout.close()

    assert run.wait(timeout=SECONDS) != 0
    drill = desk.closed("unread")
    assert drill.outcomes["teardown"] == "passed"
    assert drill.inventory["instances"] == []
