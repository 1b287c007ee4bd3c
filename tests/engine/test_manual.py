"""A manual act: run once, bounded, on record whatever came of it; and what it came to is seen, never told."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import drproof
from drproof import catalog
from drproof.engine.manual import ByHand, ManualRequest, by_hand, record
from drproof.engine.manual_command import KEPT_BYTES, ManualCommand, end_what_was_left
from drproof.engine.refusal import Refusal
from drproof.engine.window import WindowRequest, cover
from drproof.evidence.journal import read as read_journal
from drproof.formats.strict_json import parse
from drproof.model.context import Context
from drproof.model.errors import Interruption, PhaseError, TargetError
from drproof.model.receipt import Outcome
from tests.engine import small
from tests.patience import until
from tests.report.observed import DONE

PASSWORD = "hunter2-hunter2-hunter2"
MINUTE = 60_000
ROOT = Path(drproof.__file__).parent.parent


def python(*lines: str) -> tuple[str, ...]:
    return (sys.executable, "-c", "\n".join(lines))


def by(run: small.Small, asked: ManualRequest) -> ByHand:
    """Return the act of a person on a run."""
    act = ByHand(asked)
    act.private = run.directory.with_name("drill-1.private")
    return act


def acted(folder: Path, asked: ManualRequest, look: Any = None) -> tuple[small.Small, Any]:
    """Do `restore` of a small run by hand, and return the run and the receipt."""
    run = small.begin(folder)
    target: Any = run.run.opened.target
    target.recovery.environment = lambda: {"PATH": os.environ["PATH"]}
    (phase,) = (one for one in run.run.prepared.coverage.run if one.name == "restore")
    if look is not None:
        phase.looking(look)
    run.run.prepared = by_hand(run.run.prepared, by(run, asked))
    return run, run.run.advance("restore")


def request(*command: str, **said: Any) -> ManualRequest:
    return ManualRequest(**{"phase": "restore", "command": command, "person": "ada", **said})


def seen(_: Context) -> Any:
    return DONE["restore"]


def test_a_command_leaves_a_receipt_with_who_what_and_how_it_ended_and_an_intent_before_it(tmp_path):
    run, receipt = acted(tmp_path, request(*python("print('namespace made')"), ticket="CHG-7"), seen)

    act = receipt.manual
    assert (receipt.outcome, receipt.by_hand, receipt.observed) == (Outcome.PASSED, ("restore",), DONE["restore"])
    assert (act.kind, act.person, act.ticket, act.exit_status) == ("command", "ada", "CHG-7", 0)
    assert (act.output_bytes, receipt.started_at <= act.acted_at <= receipt.ended_at) == (15, True)
    (kept,) = receipt.evidence
    assert (kept.name, kept.sha256) == ("manual", act.output)
    assert parse((run.directory / kept.path).read_bytes())["lines"] == ["namespace made"]
    records = [one for one in read_journal(run.directory / "journal.log") if one.get("verb") == "manual.run"]
    assert [one["kind"] for one in records] == ["intent"]
    assert run.run.receipts["bringup"].by_hand == ()


def test_a_command_that_fails_leaves_a_failed_receipt_that_says_how_and_is_not_run_again(tmp_path):
    count = tmp_path / "count"
    script = python(f"open({str(count)!r}, 'a').write('x')", "print('no such namespace')", "raise SystemExit(3)")

    _, receipt = acted(tmp_path, request(*script), seen)

    assert (receipt.outcome, receipt.cause, receipt.observed) == (Outcome.FAILED, "end_state", None)
    assert receipt.manual.exit_status == 3
    assert receipt.reason == "the command by hand failed: it ended with exit status 3"
    assert receipt.attempts[0].error_tail[-1] == "no such namespace"
    assert count.read_text() == "x"


def test_only_the_look_is_tried_again(tmp_path):
    count, looks = tmp_path / "count", []

    def look(_: Context) -> Any:
        looks.append(1)
        if len(looks) < 2:
            raise TargetError("the cluster gives no answer", code="Unreachable")
        return DONE["restore"]

    _, receipt = acted(tmp_path, request(*python(f"open({str(count)!r}, 'a').write('x')")), look)

    assert (receipt.outcome, len(receipt.attempts), count.read_text()) == (Outcome.PASSED, 2, "x")
    assert [ref.name for ref in receipt.evidence] == ["manual"]


def test_an_end_state_that_is_not_there_fails_whatever_the_command_says_of_itself(tmp_path):
    def look(_: Context) -> Any:
        raise PhaseError("3 objects are not there")

    _, receipt = acted(tmp_path, request(*python("print('ok')")), look)

    assert (receipt.outcome, receipt.reason, receipt.manual.exit_status) == (
        Outcome.FAILED,
        "3 objects are not there",
        0,
    )


def test_a_look_that_would_change_something_is_refused(tmp_path):
    def look(ctx: Context) -> Any:
        with ctx.effects.intend("make", "restore"):
            pass

    run, receipt = acted(tmp_path, request(*python("")), look)

    assert (receipt.outcome, receipt.cause) == (Outcome.FAILED, "guard")
    assert "changes nothing, and would have: make restore" in receipt.reason
    assert "restore" not in run.world.things


def test_a_command_finds_in_a_file_what_it_must_bring_about_to_the_letter(tmp_path):
    run = small.begin(tmp_path)
    target: Any = run.run.opened.target
    target.recovery.environment = lambda: {"PATH": os.environ["PATH"]}
    (phase,) = (one for one in run.run.prepared.coverage.run if one.name == "restore")
    phase.looking(seen)
    phase.handing(lambda ctx: {"kind": "Job", "of": ctx.origin})
    script = python("import os", "print(open(os.environ['DRPROOF_MANIFEST']).read())")
    run.run.prepared = by_hand(run.run.prepared, by(run, request(*script)))

    receipt = run.run.advance("restore")

    (kept,) = receipt.evidence
    assert parse("".join(parse((run.directory / kept.path).read_bytes())["lines"]).encode()) == {
        "kind": "Job",
        "of": "drill-1",
    }


def test_what_nobody_can_look_at_is_unobserved_and_proves_nothing(tmp_path):
    run, receipt = acted(tmp_path, request(witness="read out on the telephone", acted_at="2026-11-01T08:00:00.000Z"))

    assert (receipt.outcome, receipt.observed) == (Outcome.UNOBSERVED, None)
    assert receipt.manual.said == "read out on the telephone"
    assert (receipt.manual.kind, receipt.manual.acted_at) == ("witness", "2026-11-01T08:00:00.000Z")
    assert (receipt.manual.exit_status, receipt.manual.output, receipt.evidence) == (None, None, ())
    assert run.run.close().outcome == "incomplete"


def test_secrets_of_a_command_its_output_and_a_statement_reach_no_file(tmp_path):
    script = python(f"print('password={PASSWORD}')", f"# --password={PASSWORD}")
    run, receipt = acted(tmp_path / "run", request(*script), seen)
    told, _ = acted(tmp_path / "told", request(witness=f"logged in with password={PASSWORD}"), seen)

    assert receipt.outcome is Outcome.PASSED
    for directory in (run.directory, told.directory):
        kept = b"".join(path.read_bytes() for path in directory.rglob("*") if path.is_file())
        assert PASSWORD.encode() not in kept


def test_an_interrupted_act_says_who_began_it_and_that_it_did_not_end(tmp_path):
    def struck() -> dict[str, str]:
        raise Interruption("SIGTERM received", exit_status=143)

    run = small.begin(tmp_path)
    target: Any = run.run.opened.target
    target.recovery.environment = struck
    run.run.prepared = by_hand(run.run.prepared, by(run, request(*python(""))))
    with pytest.raises(Interruption):
        run.run.advance("restore")

    receipt = run.run.receipts["restore"]
    assert receipt.outcome is Outcome.INTERRUPTED
    assert receipt.manual is not None
    assert (receipt.manual.person, receipt.manual.exit_status) == ("ada", None)
    assert run.run.close().exit_status == 143


def command(place: Path, *words: str, timeout_ms: int = MINUTE, shown: list[str] | None = None) -> ManualCommand:
    one = ManualCommand(words, place, show=(shown if shown is not None else []).append)
    one.run({"PATH": os.environ["PATH"]}, timeout_ms)
    return one


def test_of_a_long_output_the_end_is_kept_and_the_whole_is_counted(tmp_path):
    shown: list[str] = []
    done = command(tmp_path, *python("for n in range(20000): print('line', n)"), shown=shown)

    assert (done.exit_status, done.tail.splitlines()[-1]) == (0, "line 19999")
    assert done.tail.startswith("line ")
    assert len(done.tail) <= KEPT_BYTES < done.printed
    assert (shown[0], len(shown)) == ("line 0", 20000)


def test_a_command_that_does_not_end_is_ended_with_all_that_it_started(tmp_path):
    mark = tmp_path / "mark"
    child = f"import time; time.sleep(2); open({str(mark)!r}, 'w')"
    script = python(
        "import signal, subprocess, sys, time",
        "signal.signal(signal.SIGINT, lambda *_: sys.exit(9))",
        f"subprocess.Popen([sys.executable, '-c', {child!r}])",
        "print('up', flush=True)",
        "time.sleep(60)",
    )

    done = command(tmp_path, *script, timeout_ms=1500)

    assert (done.exit_status, done.problem) == (None, "it did not end within 1500 ms, and was ended")
    time.sleep(2.5)
    assert not mark.exists(), "what it started ended with it"


def test_what_a_command_leaves_running_ends_with_it(tmp_path):
    mark = tmp_path / "mark"
    child = f"import time; time.sleep(1.5); open({str(mark)!r}, 'w')"

    done = command(tmp_path, *python("import subprocess, sys", f"subprocess.Popen([sys.executable, '-c', {child!r}])"))

    assert (done.exit_status, done.duration_ms < MINUTE) == (0, True)
    time.sleep(2)
    assert not mark.exists()


def test_a_command_that_is_none_says_so(tmp_path):
    done = command(tmp_path, "/no/such/command")

    assert (done.exit_status, "not found" in done.tail) == (127, True)
    none = command(tmp_path, "a\0b")
    assert (none.exit_status, none.problem) == (None, "it cannot be started: embedded null byte")


def test_a_command_that_outlived_its_process_is_ended_by_whoever_goes_on(tmp_path):
    mark, up = tmp_path / "mark", tmp_path / "up"
    script = python("import time", f"open({str(up)!r}, 'w')", "time.sleep(3)", f"open({str(mark)!r}, 'w')")
    dying = python(
        "import pathlib, sys",
        f"sys.path.insert(0, {str(ROOT)!r})",
        "from drproof.engine.manual_command import ManualCommand",
        f"ManualCommand({script!r}, pathlib.Path({str(tmp_path)!r}), show=print).run({{}}, 60000)",
    )
    process = subprocess.Popen(dying)
    until(up.exists, 60)
    process.kill()
    process.wait()

    end_what_was_left(tmp_path)

    time.sleep(3.5)
    assert not mark.exists()
    end_what_was_left(tmp_path)


def test_a_command_is_asked_nothing_and_has_a_session_of_its_own(tmp_path):
    done = command(tmp_path, *python("import os, sys", "print(sys.stdin.read() == '', os.getsid(0) == os.getpid())"))

    assert done.tail == "True True\n"


RECOVERY = catalog.plan("recovery")
UP = dict.fromkeys(("check_health", "read_restore_point", "bringup", "resolve_runner", "reach_cluster"), True)


@pytest.mark.parametrize(
    ("phase", "prior", "said"),
    [
        ("restore_all", UP, "--phase names no phase; expected one of bringup, restore_state, restore, validate"),
        ("teardown", UP, "it removes what is left, by hand or not, and counts again"),
        ("inspect_cluster", UP, "inspect_cluster changes nothing"),
        ("request_manual_approval", UP, "a decision counts only as an answer to what the drill itself asked"),
        ("bringup", UP, "bringup has passed in that run"),
        ("restore", UP, "restore by hand builds on phase restore_state, which has not passed"),
    ],
)
def test_an_act_that_there_is_no_room_for_is_refused(phase, prior, said):
    with pytest.raises(Refusal, match="next: ") as refused:
        cover(RECOVERY, WindowRequest(manual=phase, teardown=False), prior)
    assert said in str(refused.value)


def test_an_act_by_hand_ahead_of_its_turn_is_told_which_window_comes_first():
    """Nobody typed --start-at, and the window that is missing is none that begins anew."""
    prior = dict.fromkeys(("bringup", "resolve_runner", "restore", "restore_state"), True)

    with pytest.raises(Refusal) as caught:
        cover(RECOVERY, WindowRequest(manual="notify", teardown=False), prior)

    assert "notify by hand builds on phase validate, which has not passed" in str(caught.value)
    assert "next: pytest -m drill --start-at validate --receipt-dir <the folder of the drill>" in str(caught.value)


def test_an_act_runs_its_phase_alone_on_what_the_window_before_showed():
    prior = {**UP, "restore_state": True, "restore": False, "notify": True}
    coverage = cover(RECOVERY, WindowRequest(manual="restore", teardown=False), prior)

    renewed = {phase.name for phase in RECOVERY.phases if phase.renewed}
    assert {phase.name for phase in coverage.run} == {"restore"} | (renewed & RECOVERY.upstream("restore"))
    assert "notify" in coverage.window.left_out
    assert "teardown" in coverage.window.left_out
    assert (coverage.window.start_at, coverage.window.stop_after, coverage.manual) == ("restore", "restore", "restore")


def test_what_passed_by_hand_is_not_done_again_by_the_window_that_it_belongs_to():
    prior = {**UP, "restore_state": True, "restore": True}
    coverage = cover(RECOVERY, WindowRequest(start_at="restore"), prior, by_hand=["restore"])

    assert "restore" in coverage.inherited
    assert "restore_state" in {phase.name for phase in coverage.run}
    again = cover(RECOVERY, WindowRequest(start_at="restore"), {**prior, "restore": False}, by_hand=["restore"])
    assert "restore" in {phase.name for phase in again.run}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, "got neither"),
        ({"command": ("true",), "witness": "seen"}, "got both"),
        ({"command": ("true",), "person": " "}, "nobody says who acts"),
        ({"command": ("true",), "acted_at": "2026-11-01T08:00:00.000Z"}, "a command is run now"),
        ({"witness": "seen", "acted_at": "yesterday"}, "--at: "),
        ({"command": ("true",)}, "holds none that was closed"),
    ],
)
def test_a_request_that_contradicts_itself_is_refused(tmp_path, asked, said):
    with pytest.raises(Refusal, match="drproof|add|leave|expected") as refused:
        record(ManualRequest(**{"phase": "restore", "person": "ada", **asked}), None, directory=tmp_path)
    assert said in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_a_drill_that_is_open_or_gone_has_no_room_for_an_act(tmp_path, monkeypatch):
    run = small.begin(tmp_path)
    monkeypatch.setattr(catalog, "types", lambda: {one.name: one.observes for one in run.run.prepared.plan.phases})
    asked = request("true")

    with pytest.raises(Refusal, match="is still open(.|\n)*next: .*drproof resume"):
        record(asked, run.directory, directory=tmp_path)
    run.to_the_end()
    with pytest.raises(Refusal, match="put everything away(.|\n)*--teardown false"):
        record(asked, run.directory, directory=tmp_path)
    with pytest.raises(Refusal, match="is no bundle"):
        record(asked, tmp_path / "nowhere", directory=tmp_path)
