"""A wall clock that is set while a drill runs changes no duration, shortens no recovery, and gives no lease away."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from drproof.engine import conclusion as concluding
from drproof.engine.clock import SystemClock, instant, told
from drproof.engine.lease import Lease
from drproof.engine.refusal import Refusal
from drproof.engine.skew import refuse_a_clock_ahead
from drproof.evidence.bundle import Bundle
from drproof.formats.timestamps import milliseconds
from drproof.model.errors import LeaseError, TargetError, ThrottledError
from drproof.model.settings import Limits
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


def test_a_process_that_goes_on_with_a_run_starts_at_its_last_instant_where_the_wall_is_behind_it():
    ahead = instant(datetime.now(UTC) + timedelta(hours=3))

    late = SystemClock(not_before=ahead)

    assert ahead <= late.now() < instant(datetime.now(UTC) + timedelta(hours=4))
    assert "was set back by" in told(late.skew_ms())
    assert abs(SystemClock(not_before="2020-01-01T00:00:00.000Z").skew_ms()) < 1_000


def test_a_bundle_is_closed_after_what_it_holds_wherever_the_wall_was_set_meanwhile(tmp_path, monkeypatch):
    run = small.begin(tmp_path)
    behind = Wall()
    behind.jump = timedelta(days=-4000)
    monkeypatch.setattr(concluding, "SystemClock", lambda: SimpleNamespace(now=lambda: instant(behind.wall())))

    run.to_the_end()

    bundle = Bundle.open(run.directory, {phase.name: phase.observes for phase in run.run.prepared.plan.phases})
    assert bundle.problems() == ()


class Platform:
    """A platform whose clock is so many seconds behind this machine's; or one that fails."""

    def __init__(self, behind: float, error: TargetError | None = None) -> None:
        self._behind, self._error = timedelta(seconds=behind), error

    def platform_time(self) -> str:
        if self._error is not None:
            raise self._error
        return (datetime.now(UTC) - self._behind).strftime("%Y-%m-%dT%H:%M:%S.000Z")


@pytest.mark.parametrize("behind", [-10_800, 0, 30])
def test_a_clock_that_is_behind_or_a_little_ahead_is_no_reason_to_refuse(behind):
    refuse_a_clock_ahead(cast("Any", Platform(behind)), Limits(max_attempts=1))


@pytest.mark.parametrize(
    ("platform", "said"),
    [
        (Platform(62), "is ahead of the platform's(.|\n)*at most 60000 ms(.|\n)*next: set the clock"),
        (Platform(0, TargetError("no Date", code="NoDate")), "does not say what time it is: no Date"),
        (Platform(0, ThrottledError("slow down", code="Throttling")), "does not answer: slow down"),
    ],
)
def test_by_a_clock_that_is_ahead_nothing_is_made_that_its_own_teardown_would_leave(platform, said):
    with pytest.raises(Refusal, match=said):
        refuse_a_clock_ahead(cast("Any", platform), Limits(max_attempts=1))


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
