"""A drill that is killed at any point of its journal leaves nothing behind and does nothing twice."""

import random
import signal

import pytest

from drproof.evidence.journal import read as read_journal
from tests.drill.conftest import SECONDS, Drill
from tests.drill.left import left, twice

POINTS = range(1, 116)
"""More than a drill with few members has; a point that is never reached is a drill that ends well."""

SAMPLE = sorted(random.Random(20261101).sample([*range(3, 108)], 5))


def sweep():
    for point in POINTS:
        marks = () if point in SAMPLE else (pytest.mark.exhaustive,)
        yield pytest.param(point, marks=marks, id=f"point-{point}")


def test_the_sweep_reaches_past_the_last_record_of_a_whole_drill(pytestconfig):
    """The committed sample is such a drill, of as many members as the sweep has."""
    records = read_journal(pytestconfig.rootpath / "reports/sample/journal.log", must_exist=True)

    assert len(records) < POINTS[-1]
    verbs = {record["verb"] for record in records if record["kind"] == "intent"}
    assert {"runner.up", "cluster.create", "objects.put", "messages.publish", "runner.down"} <= verbs


@pytest.mark.parametrize("point", list(sweep()))
def test_a_kill_at_any_journalled_point_leaves_nothing_and_does_nothing_twice(operator, point, pytestconfig):
    run = operator.start(
        "-p", "tests.drill.kill_at", "-m", "drill", "--target", "embedded", "--run-id", "killed",
        KILL_AT=str(point), PYTHONPATH=str(pytestconfig.rootpath),
    )  # fmt: skip
    output, _ = run.communicate(timeout=SECONDS)
    journal = operator.folder / "reports/killed/journal.log"
    if run.returncode != -signal.SIGKILL:
        assert run.returncode == 0, output
        assert len(read_journal(journal)) < point
        return
    if point == 1:
        # The guardian starts after the first record; nothing was done before it.
        undone = operator.cli("resume", "reports/killed")
        assert "incomplete" in undone.stdout, undone.stdout + undone.stderr

    drill = operator.closed("killed")

    assert left(drill, "killed") == []
    assert twice(drill, "killed") == []


@pytest.mark.parametrize(("name", "status"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_ends_the_phase_writes_its_receipt_and_tears_down(operator, name, status, pytestconfig):
    # A point inside restore: the machine is up, the cluster is being filled.
    drill = operator.run(
        "-p", "tests.drill.kill_at", "-m", "drill", "--target", "embedded", "--provisioner", "direct",
        KILL_AT="40", KILL_WITH=name, PYTHONPATH=str(pytestconfig.rootpath),
    )  # fmt: skip

    assert drill.status == status, drill.output
    interrupted = [phase for phase, outcome in drill.outcomes.items() if outcome == "interrupted"]
    assert len(interrupted) == 1
    assert name in drill.receipts[interrupted[0]]["reason"]
    assert drill.outcomes["teardown"] == "passed"
    assert drill.inventory["instances"] == []
    assert drill.closing["outcome"] == "incomplete"
    assert (drill.verified().status, drill.verified().level) == (4, 1)


def test_resume_finishes_a_killed_drill_from_another_process(operator, pytestconfig):
    run = operator.start(
        "-p", "tests.drill.kill_at", "-m", "drill", "--target", "embedded", "--provisioner", "direct", "--run-id", "killed",
        "--stop-after", "restore", "--teardown", "false", KILL_AT="40", PYTHONPATH=str(pytestconfig.rootpath),
    )  # fmt: skip
    output, _ = run.communicate(timeout=SECONDS)
    assert run.returncode == -signal.SIGKILL, output

    finished = operator.cli("resume", "--finish", "reports/killed")

    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "proven, partial" in finished.stdout
    removed = operator.drill("--start-at", "teardown", "--receipt-dir", "reports/killed")
    assert removed.status == 0, removed.output
    assert removed.inventory["instances"] == []


@pytest.mark.exhaustive
def test_teardown_false_disarms_the_guardian(operator, pytestconfig):
    run = operator.start(
        "-p", "tests.drill.kill_at", "-m", "drill", "--target", "embedded", "--run-id", "kept",
        "--teardown", "false", KILL_AT="20", PYTHONPATH=str(pytestconfig.rootpath),
    )  # fmt: skip
    run.communicate(timeout=SECONDS)

    # One that watches has a log from its first moment.
    assert not (operator.folder / "reports/kept.private/guardian.log").exists(), "nobody may undo what is to be kept"
    assert not (operator.folder / "reports/kept/closing.dsse.json").exists()
    seen = Drill(0, "", operator.folder / "reports/kept").verified()
    assert (seen.status, seen.level, [problem.code for problem in seen.problems]) == (4, 1, ["not-closed"])
    assert (operator.folder / "reports/kept.private").exists()
    undone = operator.cli("resume", "reports/kept")
    assert "not torn down" in undone.stdout or undone.returncode != 0


def test_two_drills_at_once_on_one_target_are_refused(operator, pytestconfig):
    first = operator.drill("--run-id", "first", "--stop-after", "bringup", "--teardown", "false")
    assert first.status == 0, first.output
    further = (
        "-m", "drill", "--target", "embedded", "--provisioner", "direct",
        "--start-at", "restore", "--receipt-dir", "reports/first",
    )  # fmt: skip

    # It has taken the lease, and has not restored anything.
    with operator.held(*further, "--run-id", "one", at=15, root=pytestconfig.rootpath) as one:
        two = operator.run(*further, "--run-id", "two")

    assert two.status == 4, two.output
    assert "holds the target" in two.output
    assert "next:" in two.output
    assert not (operator.folder / "reports/two").exists()
    output, _ = one.communicate(timeout=SECONDS)
    assert one.returncode == 0, output
    assert (operator.folder / "reports/one/proof.html").exists()


def test_resume_refuses_a_run_that_is_alive(operator, pytestconfig):
    words = ("-m", "drill", "--target", "embedded", "--run-id", "alive")
    with operator.held(*words, at=10, root=pytestconfig.rootpath) as run:
        refused = operator.cli("resume", "reports/alive")

    assert refused.returncode == 2
    assert "another process works on the run" in refused.stderr
    output, _ = run.communicate(timeout=SECONDS)
    assert run.returncode == 0, output
