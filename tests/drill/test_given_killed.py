"""A drill on a cluster that stays is killed at any point of its journal, or interrupted: the cluster is as it was."""

import signal
from collections import Counter
from fnmatch import fnmatchcase

import pytest

from drproof.embedded.faults import clusters
from drproof.evidence.journal import read as read_journal
from tests.drill.conftest import SECONDS
from tests.drill.left import left, twice
from tests.drill.test_given_faults import CHANGING, READING
from tests.drill.test_interrupted import KINDS, interrupted

MEMBERS = "12"
POINTS = range(1, 121)
"""More than such a drill has; a point that is never reached is a drill that ends well."""

SAMPLE = {"killed": {82}, "finished": {48}}
RUN = ("--provisioner", "direct", "--run-id", "killed")


def sweep(kind):
    for point in POINTS:
        marks = () if point in SAMPLE[kind] else (pytest.mark.exhaustive,)
        yield pytest.param(point, marks=marks, id=f"point-{point}")


@pytest.fixture
def killed(operator, given, pytestconfig):
    """A drill on the given cluster that kills its own process at a record of its journal."""

    def run(point, *words):
        process = operator.start(
            "-p", "tests.drill.kill_at", "-m", "drill", "--target", "embedded", *RUN, *words, *given.words,
            KILL_AT=str(point), PYTHONPATH=str(pytestconfig.rootpath), EMBEDDED_WORLD_MEMBERS=MEMBERS,
        )  # fmt: skip
        output, _ = process.communicate(timeout=SECONDS)
        assert process.returncode in {0, -signal.SIGKILL}, output
        return process.returncode != 0

    return run


def test_the_sweeps_reach_past_the_last_record_and_through_each_call_to_the_cluster(operator, given):
    before = given.names()

    drill = operator.drill(*RUN, *given.words, EMBEDDED_WORLD_MEMBERS=MEMBERS)

    assert drill.status == 0, drill.output
    records = read_journal(drill.bundle / "journal.log")
    assert len(records) < POINTS[-1]
    verbs = Counter(record["verb"] for record in records if record["kind"] == "intent")
    assert verbs["cluster.create"] > 10
    assert verbs["cluster.delete"] > 0
    asked = Counter(clusters.named(call)[0] for call in given.calls)
    changing = {name for name in asked if name.split()[:1] not in (["get"], ["list"], []) and "dry run" not in name}
    assert changing == set(CHANGING), "the calls that change something are those that the faults strike"
    for action, numbers in {**CHANGING, **READING}.items():
        matching = sum(times for name, times in asked.items() if fnmatchcase(name, action))
        assert numbers[-1] <= matching, f"{action} is asked {matching} times"
    assert given.names() == before
    assert max(Counter(given.made).values()) == 1


@pytest.mark.parametrize("point", list(sweep("killed")))
def test_a_kill_leaves_the_cluster_as_it_was_and_makes_nothing_twice(operator, given, killed, point):
    before = given.names()

    if not killed(point):
        assert len(read_journal(operator.folder / "reports/killed/journal.log")) < point
    elif point == 1:
        # The guardian starts after the first record; nothing was done before it.
        operator.cli("resume", "reports/killed")

    drill = operator.closed("killed")
    assert left(drill, "killed") == []
    assert twice(drill, "killed") == []
    assert given.names() == before
    assert [name for name, times in Counter(given.made).items() if times > 1] == []


@pytest.mark.parametrize("point", list(sweep("finished")))
def test_a_killed_drill_that_is_finished_by_another_process_makes_nothing_twice(operator, given, killed, point):
    before = given.names()
    kept = ("--stop-after", "validate", "--teardown", "false")
    if killed(point, *kept):
        finished = operator.cli("resume", "--finish", "reports/killed", EMBEDDED_WORLD_MEMBERS=MEMBERS)
        assert finished.returncode in {0, 1}, finished.stdout + finished.stderr

    made = Counter(given.made)
    jobs = [name for name in made if name.startswith("Job/")]
    assert [name for name, times in made.items() if times > 1] == []
    assert "Namespace/atlas" in made, "it was restored into"
    # A Job that was under way is ended before the next one is made: the workload never runs beside itself.
    turns = [(call.verb, call.status) for call in given.calls if call.resource == "jobs" and not call.dry_run]
    assert len(jobs) in {1, 2}
    assert len(jobs) == 1 or turns.index(("delete", 200)) < len(turns) - turns[::-1].index(("create", 201)) - 1

    down = operator.drill("--start-at", "teardown", "--receipt-dir", "reports/killed", "--run-id", "down")

    assert down.status == 0, down.output
    assert left(down, "killed") == []
    assert given.names() == before


def cells():
    for place in ("filling", "emptying"):
        for kind in KINDS:
            marks = () if (kind, place) == ("sigterm", "emptying") else (pytest.mark.exhaustive,)
            yield pytest.param(kind, place, marks=marks, id=f"{kind}-{place}")


@pytest.mark.parametrize(("kind", "place"), list(cells()))
def test_an_interruption_leaves_the_cluster_as_it_was(operator, given, kind, place, pytestconfig):
    before = given.names()

    interrupted(operator, pytestconfig.rootpath, kind, place, *given.words)

    drill = operator.closed("interrupted")
    assert left(drill, "interrupted") == []
    assert twice(drill, "interrupted") == []
    assert given.names() == before
    assert max(Counter(given.made).values()) == 1, "it was interrupted before there was anything to leave"
