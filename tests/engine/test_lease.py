"""The lease: one drill at a time, numbered, and nothing may be changed without it."""

import json
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from drproof.analysis.leases import Found, Holder
from drproof.engine.clock import SystemClock, instant
from drproof.engine.lease import SUFFIX, AtWorkError, Lease
from drproof.model.capabilities import Intent, ObjectInfo
from drproof.model.errors import AlreadyExistsError, LeaseError, NotFoundError, ThrottledError, UnansweredError

INTENT = Intent(number=1, verb="lease.take", resource="s3://states/a", token="0" * 32)


class Clock(SystemClock):
    """A clock that a test moves."""

    def __init__(self):
        self.ms = 1_000_000
        super().__init__()

    def monotonic_ms(self):
        return self.ms


class Store:
    """One bucket with conditional writes, in memory."""

    def __init__(self):
        self.held = {}
        self.count = 0
        self.broken = False
        self.now_ms = 1_800_000_000_000
        self.lock = threading.Lock()

    def put(self, intent, bucket, key, body, *, tags=None, if_absent=False, if_match=""):
        with self.lock:
            if self.broken:
                raise ThrottledError("slow down", code="SlowDown")
            there = self.held.get((bucket, key))
            if (if_absent and there) or (if_match and (there is None or there[0] != if_match)):
                raise AlreadyExistsError("precondition failed", code="PreconditionFailed")
            self.count += 1
            self.held[bucket, key] = (str(self.count), body, self.now())
            self.marks = tags
            return self.info(bucket, key)

    def read(self, bucket, key, *, version="", limit=0):
        if (bucket, key) not in self.held:
            raise NotFoundError("no such key", code="NoSuchKey")
        return replace(self.info(bucket, key), seen_at=self.now()), self.held[bucket, key][1]

    def delete_unchanged(self, intent, bucket, key, *, if_match, also=()):
        if self.held.get((bucket, key), ("",))[0] != if_match:
            raise AlreadyExistsError("precondition failed", code="PreconditionFailed")
        del self.held[bucket, key]

    def now(self):
        return instant(datetime.fromtimestamp(self.now_ms // 1000, UTC))

    def info(self, bucket, key):
        etag, body, at = self.held[bucket, key]
        return ObjectInfo(bucket=bucket, key=key, size=len(body), etag=etag, modified_at=at)

    def content(self):
        ((_, body, _),) = self.held.values()
        return json.loads(body)


def lease(store, drill_id, *, clock=None, length_ms=60_000):
    return Lease(store, "states", "a.tfstate", drill_id=drill_id, length_ms=length_ms, clock=clock or SystemClock())


@pytest.fixture
def store():
    return Store()


def test_a_held_lease_refuses_another_drill_and_names_the_holder(store):
    first = lease(store, "first")
    first.take(INTENT)

    with pytest.raises(LeaseError, match="drill first .* holds the target until .*\n  next: "):
        lease(store, "second").take(INTENT)
    first.stop()


def test_it_lies_beside_the_state_and_names_drill_host_and_process(store):
    held = lease(store, "first")
    held.take(INTENT)
    held.stop()

    assert list(store.held) == [("states", "a.tfstate" + SUFFIX)]
    assert store.content()["drill_id"] == "first"
    assert held.uri == "s3://states/a.tfstate.drproof-lease"


def test_a_released_lease_can_be_taken(store):
    first = lease(store, "first")
    first.take(INTENT)
    first.release(INTENT)

    second = lease(store, "second")
    second.take(INTENT)
    second.stop()
    assert store.content()["drill_id"] == "second"


def test_who_takes_over_an_expired_lease_counts_on(store):
    first = lease(store, "first")
    first.take(INTENT)
    first.stop()
    store.now_ms += 63_000

    second = lease(store, "second")
    second.take(INTENT)
    second.stop()

    assert (first.fence, second.fence) == (1, 2)
    assert store.content()["fence"] == 2


def test_a_lease_that_nobody_can_read_is_taken_over(store):
    store.put(INTENT, "states", "a.tfstate" + SUFFIX, b"not json")

    held = lease(store, "first")
    held.take(INTENT)
    held.stop()

    assert store.content()["drill_id"] == "first"


def test_the_same_drill_takes_its_own_lease_again(store):
    killed = lease(store, "first")
    killed.take(INTENT)
    killed.stop()

    resumed = lease(store, "first")
    resumed.take(INTENT)
    resumed.stop()

    assert resumed.fence == 2


def test_a_holder_that_slept_past_its_end_may_change_nothing(store):
    clock = Clock()
    held = lease(store, "first", clock=clock)
    held.take(INTENT)
    held.stop()
    held.check()

    clock.ms += 60_000

    with pytest.raises(LeaseError, match="ran out"):
        held.check()


def test_renewal_gives_it_back_when_nobody_took_over(store):
    clock = Clock()
    held = lease(store, "first", clock=clock)
    held.take(INTENT)
    held.stop()
    clock.ms += 60_000

    held.renew()

    held.check()


def test_a_holder_whose_lease_was_taken_over_may_change_nothing_ever(store):
    clock = Clock()
    first = lease(store, "first", clock=clock)
    first.take(INTENT)
    first.stop()
    store.now_ms += 63_000
    second = lease(store, "second")
    second.take(INTENT)
    second.stop()

    first.renew()

    with pytest.raises(LeaseError, match="taken over"):
        first.check()
    first.release(INTENT)
    assert store.content()["drill_id"] == "second", "what is not ours is not given back"


class Waits:
    """An event that is set after so many waits, and tells how long each was to be."""

    def __init__(self, times):
        self.times = times
        self.seconds = []

    def wait(self, seconds):
        self.seconds.append(seconds)
        return len(self.seconds) > self.times

    def set(self):
        self.times = 0


def test_a_renewal_that_failed_is_tried_again_sooner_and_why_is_told_when_the_time_is_over(store):
    clock = Clock()
    held = lease(store, "first", clock=clock)
    held.take(INTENT)
    held.stop()

    store.broken = True
    held._stop = Waits(2)
    held._renew_until_stopped()
    assert held._stop.seconds == [20, 5, 5]

    clock.ms += 60_000
    with pytest.raises(LeaseError, match=r"before it could be renewed \(slow down\): nothing more is changed"):
        held.check()

    store.broken = False
    held._stop = Waits(1)
    held._renew_until_stopped()
    assert held._stop.seconds == [5, 20]
    held.check()


def test_a_renewal_that_fails_leaves_what_is_left_of_the_time(store):
    clock = Clock()
    held = lease(store, "first", clock=clock)
    held.take(INTENT)
    held.stop()
    store.broken = True
    clock.ms += 30_000

    held.renew()

    held.check()
    clock.ms += 30_000
    with pytest.raises(LeaseError, match="ran out"):
        held.check()


def test_of_many_that_take_at_once_one_wins(store):
    won, lost = [], []

    def take(number):
        mine = lease(store, f"drill-{number}")
        try:
            mine.take(INTENT)
            won.append(mine)
        except LeaseError:
            lost.append(number)

    threads = [threading.Thread(target=take, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(won), len(lost)) == (1, 7)
    won[0].stop()


class Losing(Store):
    """A store that writes, and whose answer is lost."""

    lose = False

    def put(self, *given, **more):
        info = super().put(*given, **more)
        if self.lose:
            self.lose = False
            raise ThrottledError("read timed out", code="ReadTimeout")
        return info


def test_a_renewal_whose_answer_was_lost_is_still_ours():
    store = Losing()
    held = lease(store, "first", clock=Clock())
    held.take(INTENT)
    held.stop()
    store.lose = True
    held.renew()

    held.renew()

    held.check()
    assert store.content()["drill_id"] == "first"


def test_it_carries_the_tags_that_say_whose_it_is_and_until_when(store):
    held = Lease(
        store, "states", "a", drill_id="first", length_ms=1, clock=SystemClock(), tags={"drproof:drill": "one"}
    )
    held.take(INTENT)
    held.stop()

    assert store.marks == {"drproof:drill": "one"}


@pytest.mark.parametrize("hours", [-5, 5])
def test_a_lease_ends_by_the_clock_of_the_store_whatever_this_machine_believes(store, hours):
    first = lease(store, "first")
    first.take(INTENT)
    first.stop()

    class Elsewhere(SystemClock):
        def now(self):
            return instant(datetime.now(UTC) + timedelta(hours=hours))

    with pytest.raises(LeaseError, match="holds the target"):
        lease(store, "second", clock=Elsewhere()).take(INTENT)
    store.now_ms += 61_000
    with pytest.raises(LeaseError, match="holds the target"):
        # Both instants are whole seconds: it may still be held.
        lease(store, "second", clock=Elsewhere()).take(INTENT)
    store.now_ms += 2_000
    second = lease(store, "second", clock=Elsewhere())
    second.take(INTENT)
    second.stop()


def test_where_the_store_tells_no_time_a_lease_holds_for_as_long_as_clocks_may_differ(store):
    clock = SystemClock()
    ended = {"drill_id": "first", "fence": 1, "host": "h", "pid": 1}
    for seconds, held in ((30, True), (90, False)):
        at = instant(datetime.now(UTC) - timedelta(seconds=seconds))
        found = Found(holder=Holder.of({**ended, "expires_at": at}), etag="1", renewed_at="", seen_at="")
        assert found.has_run_out(clock.now()) is not held


def test_what_another_took_over_at_the_last_moment_is_not_given_back(store):
    first = lease(store, "first")
    first.take(INTENT)
    first.stop()
    read = store.read

    def taken_over_after_the_look(*given, **more):
        found = read(*given, **more)
        store.read = read
        store.now_ms += 63_000
        second = lease(store, "second")
        second.take(INTENT)
        second.stop()
        return found

    store.read = taken_over_after_the_look
    first.release(INTENT)

    assert store.content()["drill_id"] == "second"


def test_a_first_take_whose_answer_was_lost_is_ours():
    class Unheard(Store):
        lose = True

        def put(self, *given, **more):
            info = super().put(*given, **more)
            if self.lose:
                self.lose = False
                raise UnansweredError("read timed out", code="ReadTimeoutError")
            return info

    store = Unheard()
    held = lease(store, "first")
    held.take(INTENT)
    held.stop()

    held.check()
    assert store.content()["drill_id"] == "first"


def test_what_a_sealed_drill_could_not_give_back_its_next_window_takes_over_at_once(store):
    first = lease(store, "first")
    first.take(INTENT)
    first.stop()

    with pytest.raises(LeaseError, match="drill first .* holds the target"):
        lease(store, "stranger").take(INTENT)
    later = Lease(
        store, "states", "a.tfstate", drill_id="second", length_ms=60_000, clock=SystemClock(), ended=("first",)
    )
    later.take(INTENT)
    later.stop()

    assert (store.content()["drill_id"], later.fence) == ("second", 2)


ARN = "arn:aws:states:eu-west-1:111122223333:execution:m:nightly"
OTHER_ARN = "arn:aws:states:eu-west-1:111122223333:execution:m:other"


def held_by(store, drill_id, execution, *, runs=(), clock=None, length_ms=60_000):
    """Return a lease for an execution; `runs` are those that the platform says are running."""
    return Lease(
        store, "states", "a.tfstate", drill_id=drill_id, length_ms=length_ms, clock=clock or SystemClock(),
        execution=execution, runs=lambda arn: arn in runs,
    )  # fmt: skip


def test_an_execution_holds_its_lease_between_two_acts_and_the_next_act_takes_it_up_at_once(store):
    first, second = held_by(store, "nightly", ARN), held_by(store, "nightly", ARN)
    first.take(INTENT)
    first.park(INTENT)

    second.take(INTENT)

    assert (store.content()["execution"], store.content()["parked"], second.fence) == (ARN, False, 2)
    second.stop()


@pytest.mark.parametrize("parked", [True, False])
def test_nobody_takes_the_lease_of_an_execution_that_runs_however_old_it_is(store, parked):
    first = held_by(store, "nightly", ARN)
    first.take(INTENT)
    if parked:
        first.park(INTENT)
    first.stop()
    store.now_ms += 86_400_000

    for other in (
        held_by(store, "other", OTHER_ARN, runs=(ARN,)),
        held_by(store, "drill-1", "", runs=(ARN,)),
        # Not even somebody who would go on with its very drill from elsewhere.
        held_by(store, "nightly", "", runs=(ARN,)),
    ):
        with pytest.raises(LeaseError, match="holds the target while it runs"):
            other.take(INTENT)


def test_the_lease_of_an_execution_that_ended_is_free_once_no_act_is_at_work(store):
    first = held_by(store, "nightly", ARN)
    first.take(INTENT)
    first.stop()
    with pytest.raises(AtWorkError) as working:
        held_by(store, "other", OTHER_ARN).take(INTENT)
    assert working.value.other

    store.now_ms += 62_000 + 1_000
    other = held_by(store, "other", OTHER_ARN)
    other.take(INTENT)

    assert store.content()["drill_id"] == "other"
    other.stop()


def test_an_act_waits_for_another_act_of_its_execution_until_that_lease_has_run_out(store):
    first = held_by(store, "nightly", ARN, runs=(ARN,))
    first.take(INTENT)
    first.stop()
    again = held_by(store, "nightly", ARN, runs=(ARN,))
    with pytest.raises(AtWorkError) as working:
        again.take(INTENT)
    assert not working.value.other

    store.now_ms += 63_000
    again.take(INTENT)

    assert again.fence == 2
    again.stop()


def test_an_act_that_lost_its_lease_parks_nothing(store):
    first = held_by(store, "nightly", ARN)
    first.take(INTENT)
    first.stop()
    store.now_ms += 63_000
    second = held_by(store, "nightly", ARN)
    second.take(INTENT)

    with pytest.raises(AlreadyExistsError):
        first.park(INTENT)

    assert store.content()["fence"] == 2
    second.stop()


def test_a_lease_of_a_process_says_nothing_of_executions(store):
    plain = lease(store, "drill-1")
    plain.take(INTENT)

    assert not {"execution", "parked"} & set(store.content())
    plain.stop()
