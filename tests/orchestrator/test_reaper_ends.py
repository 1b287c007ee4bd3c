"""Which sweeps are an error of the reaper, so that an alarm tells, and which come again by themselves."""

import pytest

from drproof.engine.sweep_documents import Decision, SweepRecord, SweptItem
from drproof.model.receipt import Caller, Tool
from drproof.orchestrator.reaper import unfinished

HELD = "the execution arn:aws:states:us-west-2:444455556666:execution:m:one holds the target while it runs"
OVER = "the time was over: the sweep had 900 s for all"
LOST = "the lease s3://states/a.tfstate.drproof-lease ran out before it could be renewed"


def swept(*decisions: Decision, obstacle: str = "", dry_run: bool = False, kept_away: bool = False) -> SweepRecord:
    items = tuple(
        SweptItem(kind="instance", identity=f"i-{number}", drill="dead", expires_at="", decision=one, why="it expired")
        for number, one in enumerate(decisions)
    )
    return SweepRecord(
        sweep_id="sweep-1", mode="live", dry_run=dry_run, started_at="", ended_at="", account_id="444455556666",
        region="us-west-2", caller=Caller(arn="arn", account_id="444455556666", region="us-west-2"), drill="",
        older_than_ms=0, max_deletions=100, items=items, obstacle=obstacle, kept_away=kept_away, tool=Tool(version="1"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("record", "told"),
    [
        (swept("removed", "left"), ""),
        (swept("removed", "due"), "1 expired things are still there: due instance i-1: it expired"),
        (swept("held", "foreign"), "2 expired things are still there: held instance i-0: it expired, foreign"),
        (swept("due", dry_run=True), ""),
        (swept("due", "held", obstacle=HELD, kept_away=True), ""),
        (swept("due", "due", obstacle=OVER), f"{OVER}; 2 expired things are still there: due instance i-0"),
        (swept("removed", "due", obstacle=LOST), f"{LOST}; 1 expired things are still there: due instance i-1"),
        (swept("failed", "due", obstacle=LOST), f"{LOST}; 2 expired things are still there"),
        (swept("removed", obstacle=LOST), ""),
    ],
)
def test_what_a_sweep_that_began_leaves_is_an_error_and_one_that_was_kept_away_comes_again(
    record: SweepRecord, told: str
) -> None:
    said = unfinished(record)

    assert said.startswith(told)
    assert bool(said) is bool(told)
