"""A wall clock that is set while a drill runs changes no duration, shortens no recovery, and gives no lease away."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from drproof.engine.clock import SystemClock, told
from drproof.engine.lease import Lease
from drproof.evidence.bundle import Bundle
from drproof.formats.timestamps import milliseconds
from drproof.model.errors import LeaseError
from tests.engine import small
from tests.engine.test_lease import INTENT, Store

JUMPS = (timedelta(hours=-3), timedelta(hours=3), timedelta(days=-400), timedelta(seconds=-5))


class Wall(SystemClock):
    """A machine whose wall clock is set."""

    def __init__(self) -> None:
        self.jump = timedelta()
        super().__init__()

    def wall(self) -> datetime:
        return datetime.now(UTC) + self.jump


@pytest.mark.parametrize("jump", JUMPS, ids=str)
def test_receipts_of_a_run_whose_clock_is_set_are_in_order_and_say_so(tmp_path, jump):
    run = small.begin(tmp_path)
    run.run.clock = Wall()
    run.run.advance("bringup")
    run.run.clock.jump = jump

    conclusion = run.to_the_end()

    receipts = list(run.run.receipts.values())
    assert all(receipt.passed for receipt in receipts)
    assert all(receipt.duration_ms >= 0 and receipt.started_at <= receipt.ended_at for receipt in receipts)
    assert [one.started_at for one in receipts] == sorted(one.started_at for one in receipts)
    whole = milliseconds(receipts[-1].ended_at) - milliseconds(receipts[0].started_at)
    assert sum(one.duration_ms for one in receipts) <= whole + len(receipts)
    assert whole < 60_000
    before = [name for name, one in run.run.receipts.items() if not one.reason]
    assert before == ["check_health", "read_restore_point", "bringup"]
    way = "forward" if jump > timedelta() else "back"
    assert f"was set {way} by" in run.run.receipts["restore"].reason
    bundle = Bundle.open(run.directory, {phase.name: phase.observes for phase in run.run.prepared.plan.phases})
    assert bundle.problems() == ()
    assert not conclusion.still_up


def test_what_a_time_service_corrects_is_not_told():
    assert told(1_999) == told(-1_999) == ""
    assert "set back by 2000 ms" in told(-2_000)


@pytest.mark.parametrize("jump", JUMPS, ids=str)
def test_a_lease_whose_holders_clock_is_set_is_held_as_long_as_it_is_renewed(jump):
    store: Any = Store()
    clock = Wall()
    held = Lease(store, "states", "a.tfstate", drill_id="first", length_ms=60_000, clock=clock)
    held.take(INTENT)
    clock.jump = jump
    held.renew()

    held.check()
    with pytest.raises(LeaseError, match="drill first .* holds the target"):
        Lease(store, "states", "a.tfstate", drill_id="second", length_ms=60_000, clock=SystemClock()).take(INTENT)
    held.stop()
