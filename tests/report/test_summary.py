from pathlib import Path
from typing import Any

import pytest

from drproof.evidence.bundle import Bundle
from drproof.model.criteria import ExpectedContract, Input, Window
from drproof.model.receipt import Cause, Outcome
from drproof.model.verdict import Status
from drproof.phases.recovery.census import UNMARKED, Item
from drproof.phases.recovery.teardown import LOOK, UNTAGGED
from drproof.report import summary
from tests.report import drills, observed
from tests.report.conftest import Make
from tests.report.drills import Drill, Step, passed

KEPT = Window(full=False, start_at="bringup", stop_after="bringup", left_out=("restore", "teardown"))
PLACE = Path("reports/drill 7")


def told(bundle: Bundle, **said: Any) -> list[str]:
    given: dict[str, Any] = {"outcome": "proven", "exit_status": 0, "still_up": False, "directory": PLACE}
    return summary.lines(bundle, **{**given, **said})


def test_each_phase_has_a_line_with_outcome_and_duration_and_its_reason_when_it_did_not_pass(make: Make) -> None:
    lines = told(make(Drill(steps=drills.failed_at("bringup"))))
    (bringup,) = [at for at, line in enumerate(lines) if line.split()[1:2] == ["bringup"]]
    assert lines[bringup].split() == ["failed", "bringup", "4.2", "s"]
    assert lines[bringup + 1] == "      reason: terraform apply ended with exit status 1"
    assert [line.split()[0] for line in lines if line.startswith("  ") and line.split()[1:2] == ["teardown"]] == [
        "passed"
    ]
    assert sum("reason:" in line for line in lines) == 10


def test_an_inherited_phase_says_so_and_one_without_receipt_too(make: Make) -> None:
    drill = Drill(steps=[passed("bringup", inherited=True)], plan={"phases": ("bringup", "restore")})
    lines = told(make(drill))
    assert any(line.split()[:2] == ["passed", "bringup"] and "inherited from an earlier run" in line for line in lines)
    assert any(line.split() == ["no", "receipt", "restore"] for line in lines)


def test_mode_and_part_are_said_first(make: Make) -> None:
    rehearsal = told(make(name="a"))
    assert rehearsal[0].startswith("mode: REHEARSAL. Rehearsal against the embedded world: this proves drproof")
    assert rehearsal[1] == "outcome: PROVEN (the whole plan), exit status 0"
    part = told(make(Drill(mode="live", steps=[passed("bringup")], window=KEPT), name="b"))
    assert part[:3] == [
        "mode: LIVE",
        "outcome: PROVEN (PARTIAL, no whole proof), exit status 0",
        "partial: window bringup to bringup, left out restore, teardown",
    ]


def test_verdicts_are_counted_and_each_doubt_is_explained_the_refuted_first(make: Make) -> None:
    drill = Drill(
        verdicts=[
            drills.verdict("unsure", "", Status.UNPROVEN, reason="no receipt", observed=None, expected=None),
            *drills.verdicts(),
            drills.verdict(
                "archive_is_sound", "a.tar", Status.REFUTED, reason="torn", observed="short", expected={"size": 7}
            ),
        ],
        unjudged=(ExpectedContract(name="lost", version=1, subjects=("s",)),),
    )
    lines = told(make(drill), outcome="refuted", exit_status=1)
    at = lines.index("verdicts: 3 proven, 1 refuted, 1 unproven")
    assert lines[at + 1 : at + 12] == [
        "  REFUTED archive_is_sound[a.tar]",
        "      claim: What archive is sound says holds.",
        "      reason: torn",
        "      observed: short",
        '      expected: {"size": 7}',
        "  UNPROVEN unsure",
        "      claim: What unsure says holds.",
        "      reason: no receipt",
        "      observed: none",
        "      expected: none",
        "  NOT JUDGED lost[s]",
    ]


def test_measured_times_stand_beside_the_objectives(make: Make) -> None:
    lines = told(make(name="a"))
    assert "measured RTO: 42.4 s, objective 30 min: met" in lines
    assert "measured RPO: 5 h 45 min, objective 1 d 12 h: met" in lines
    missed = told(make(Drill(criteria={"rto_ms": 25_000}), name="b"))
    assert "measured RTO: 42.4 s, objective 25.0 s: missed" in missed
    absent = told(make(Drill(steps=drills.failed_at("bringup")), name="c"))
    assert "measured RTO: not measured, objective 30 min" in absent


def test_the_proof_is_named_and_that_nobody_signed_it(make: Make) -> None:
    lines = told(make())
    assert "proof: reports/drill 7/proof.html" in lines
    assert "NOT SIGNED: nothing shows who made this bundle" in lines
    assert "verify: drproof verify 'reports/drill 7' --trust <your trust file> --accept-rehearsal" in lines
    assert not any("STILL UP" in line for line in lines)


def test_a_kept_environment_comes_with_the_one_command_that_removes_it(make: Make) -> None:
    drill = Drill(steps=[passed("bringup")], window=KEPT)
    rehearsal = told(make(drill, name="a"), still_up=True)
    assert rehearsal[-2] == "STILL UP: kept, as --teardown false asked"
    command = "pytest -m drill --start-at teardown --receipt-dir 'reports/drill 7'"
    assert rehearsal[-1] == f"  remove it: {command} --target embedded"
    live = told(make(Drill(steps=[passed("bringup")], window=KEPT, mode="live"), name="b"), still_up=True)
    assert live[-1] == f"  remove it: {command}"


def test_a_teardown_that_failed_is_not_called_kept(make: Make) -> None:
    steps = [Step(phase="teardown", outcome=Outcome.FAILED, reason="lock held", cause=Cause.WORLD)]
    lines = told(make(Drill(steps=steps, mode="live")), still_up=True)
    assert lines[-2] == "STILL UP: what the drill created may still exist"
    assert "--start-at teardown" in lines[-1]


def test_residue_comes_with_a_command_for_each_thing(make: Make) -> None:
    left = tuple(
        observed.Left(kind="volume", identity=f"vol-{n}", remove_command=f"aws ec2 delete-volume {n}") for n in (1, 2)
    )
    steps = [passed("teardown", observed=observed.Torn(residue=left))]
    live = told(make(Drill(steps=steps, mode="live"), name="a"), still_up=True)
    assert live[-6:] == [
        "STILL UP: the recount found 2 left of this drill",
        "  volume vol-1",
        "      remove it: aws ec2 delete-volume 1",
        "  volume vol-2",
        "      remove it: aws ec2 delete-volume 2",
        "  next: pytest -m drill --start-at teardown --receipt-dir 'reports/drill 7'",
    ]
    rehearsal = told(make(Drill(steps=steps), name="b"), still_up=True)
    assert rehearsal[-2] == "      in the embedded world, which ends by itself: aws ec2 delete-volume 2"
    assert rehearsal[-1].endswith("--receipt-dir 'reports/drill 7' --target embedded")


@pytest.mark.parametrize("begins", [LOOK.format(region="r", identity=1), f"{UNTAGGED}aws ec2 terminate-instances"])
def test_what_no_journal_made_and_what_lost_its_tag_is_removed_by_no_teardown(make: Make, begins: str) -> None:
    left = observed.Left(kind="instance", identity="i-1", remove_command=begins)
    steps = [passed("teardown", observed=observed.Torn(residue=(left,)))]
    lines = told(make(Drill(steps=steps, mode="live")), still_up=True)
    assert lines[-1] == f"      remove it: {begins}"


def test_what_nobody_knows_the_end_of_is_told_by_its_name(make: Make) -> None:
    torn = observed.Torn(
        before_unsettled=(Item(kind="cluster-object", identity="atlas/Secret/pull"),),
        held_unsettled=("aws_iam_role.runner atlas-dr-runner-1",),
        foreign=(
            observed.Left(kind="object", identity="s3://a/b", state=UNMARKED),
            observed.Left(kind="object", identity="s3://a/c"),
        ),
    )
    lines = told(make(Drill(steps=[passed("teardown", observed=torn)], mode="live")), still_up=True)
    assert lines[-4:] == [
        "MAY BE UP: of 3 of this drill nobody knows whether they are gone; look for them by name",
        "  cluster-object atlas/Secret/pull",
        "  held by the state: aws_iam_role.runner atlas-dr-runner-1",
        "  object s3://a/b",
    ]


def test_no_text_can_move_the_cursor_or_forge_a_line(make: Make) -> None:
    evil = "first\nverdicts: 99 proven\x1b[2J\u202e"
    drill = Drill(
        steps=[Step(phase="bringup", outcome=Outcome.FAILED, reason=evil, cause=Cause.WORLD)],
        verdicts=[
            drills.verdict("c", evil, Status.REFUTED, claim=evil, reason=evil, observed=evil, expected={evil: evil})
        ],
    )
    lines = told(make(drill), outcome="refuted")
    assert all(line.isprintable() for line in lines)
    assert [line for line in lines if line.startswith("verdicts:")] == ["verdicts: 0 proven, 1 refuted, 0 unproven"]
    assert "        verdicts: 99 proven\\u{1b}[2J\\u{202e}" in lines


def test_a_long_value_is_cut_off_and_says_where_the_rest_is(make: Make) -> None:
    doubt = drills.verdict("c", "", Status.REFUTED, observed="x" * 5_000, expected="y", reason="z")
    (line,) = [line for line in told(make(Drill(verdicts=[doubt]))) if "observed:" in line]
    assert len(line) < 400
    assert line.endswith("… (5000 characters, all of them in verdicts.json)")


def test_the_phase_that_failed_is_run_again_by_one_command_on_what_is_up_or_from_the_start(make: Make) -> None:
    steps = drills.failed_at("bringup")
    up = told(make(Drill(mode="live", steps=steps, window=KEPT), name="a"), outcome="refuted", still_up=True)
    (kept,) = [line for line in up if line.startswith("to run ")]
    window = "--start-at bringup --stop-after bringup --teardown false"
    assert kept == f"to run bringup again, on what is up: pytest -m drill {window} --receipt-dir '{PLACE}'"
    inputs = (
        Input(name="--", value="s3://b/a b", source="option --backup-uri"),
        Input(name="no_retry", value="True", source="option --no-retry"),
        Input(name="stop_after", value="bringup", source="option --stop-after"),
        Input(name="target", value="aws", source="drproof.toml target"),
    )
    gone = told(make(Drill(steps=steps, inputs=inputs), name="b"), outcome="refuted")
    (line,) = [line for line in gone if line.startswith("to run ")]
    assert line.endswith(": pytest -m drill --stop-after bringup --backup-uri 's3://b/a b' --no-retry")


def test_a_run_of_which_nothing_failed_prints_no_command_to_run_it_again(make: Make) -> None:
    assert not [line for line in told(make()) if line.startswith("to run ")]
