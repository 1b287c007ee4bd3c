"""Nobody holds a target for ever: who reads that it is held may be quiet, because it is held by somebody at work."""

import time
from types import SimpleNamespace
from typing import Any

import pytest

from drproof.engine import taking
from drproof.engine.lease import HOUR_MS, LONGEST_MS
from drproof.model.errors import LeaseError, TargetError
from tests.engine.test_lease import INTENT, Clock, Store, lease

LENGTH_MS = 30
PATIENT = 1_000


def is_renewed(store: Store, times: int, *, looks: int) -> bool:
    """Return whether the holder renews so often within so many looks, each as long as it waits before a renewal."""
    before = store.count
    for _ in range(looks):
        time.sleep(LENGTH_MS / 3000)
        if store.count >= before + times:
            return True
    return False


def test_a_process_that_hangs_is_renewed_no_longer_than_what_a_drill_made_may_live():
    store, clock = Store(), Clock()
    hung = lease(store, "hung", clock=clock, length_ms=LENGTH_MS)
    hung.take(INTENT)
    try:
        clock.ms += LONGEST_MS - 1
        assert is_renewed(store, 2, looks=PATIENT)
        clock.ms += 1
        # One may be under way.
        is_renewed(store, 1, looks=20)
        assert not is_renewed(store, 1, looks=20)
        store.now_ms += 63_000

        other = lease(store, "other")
        other.take(INTENT)
        other.stop()

        assert store.content()["drill_id"] == "other"
    finally:
        hung.stop()


def test_who_held_it_too_long_changes_nothing_more_and_is_told_why():
    store, clock = Store(), Clock()
    hung = lease(store, "hung", clock=clock)
    hung.take(INTENT)
    hung.stop()

    clock.ms += LONGEST_MS

    with pytest.raises(LeaseError, match="was held for 12 h, and no drill may last longer"):
        hung.check()


def test_a_drill_that_waits_for_people_may_last_longer_by_as_long(monkeypatch):
    store, clock = Store(), Clock()
    monkeypatch.setattr(taking, "SystemClock", lambda: clock)
    settings: Any = SimpleNamespace(
        recovery=SimpleNamespace(provisioner=SimpleNamespace(state_bucket="states", state_key="a.tfstate")),
        limits=SimpleNamespace(lease_ms=60_000),
        promotion=SimpleNamespace(await_ms=24 * HOUR_MS),
    )
    target: Any = SimpleNamespace(recovery=SimpleNamespace(leases=store, workflows=None))
    held = taking.lease_on(settings, target, "waits", origin="waits", expires_at="2026-05-04T10:00:00Z")
    held.take(INTENT)
    held.stop()

    clock.ms += 36 * HOUR_MS - 1
    with pytest.raises(LeaseError, match="ran out before it could be renewed"):
        held.check()
    clock.ms += 1
    with pytest.raises(LeaseError, match="was held for 36 h"):
        held.check()


def test_its_teardown_renews_it_where_nobody_took_over_and_has_as_long_again():
    store, clock = Store(), Clock()
    hung = lease(store, "hung", clock=clock, length_ms=LENGTH_MS)
    hung.take(INTENT)
    try:
        clock.ms += LONGEST_MS
        hung.renew()

        hung.check()
        assert is_renewed(store, 2, looks=PATIENT)
    finally:
        hung.stop()


def test_a_dead_lease_that_may_not_be_written_over_is_held_by_nobody():
    """Whoever is told that another holds the target waits for that one, and here would for ever."""

    class Denied(Store):
        def put(self, *given, if_match="", **more):
            if if_match:
                raise TargetError("AccessDenied: s3:PutObject", code="AccessDenied")
            return super().put(*given, if_match=if_match, **more)

    store = Denied()
    dead = lease(store, "dead")
    dead.take(INTENT)
    dead.stop()
    store.now_ms += 63_000

    with pytest.raises(TargetError, match="AccessDenied") as caught:
        lease(store, "second").take(INTENT)
    assert not isinstance(caught.value, LeaseError)


def test_who_is_overtaken_at_the_last_moment_is_told_that_another_took_it():
    class Overtaken(Store):
        def read(self, *given, **more):
            found = super().read(*given, **more)
            self.count += 1
            where, (_, body, at) = next(iter(self.held.items()))
            self.held[where] = (str(self.count), body, at)
            return found

    store = Overtaken()
    dead = lease(store, "dead")
    dead.take(INTENT)
    dead.stop()
    store.now_ms += 63_000

    with pytest.raises(LeaseError, match="another drill took the lease .* at the same moment"):
        lease(store, "second").take(INTENT)
