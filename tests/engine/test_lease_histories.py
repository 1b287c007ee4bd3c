"""A thousand histories of drills that want one target: clocks differ, processes pause and die, answers are lost.

Time is simulated. Each history checks from the outside, by the true time of the simulation, that no two drills could
change the target at once: what a holder believes counts, from the answer that gave it the lease to the end of it.
"""

import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from drproof.engine.clock import instant
from drproof.engine.lease import Lease
from drproof.model.capabilities import Intent, ObjectInfo
from drproof.model.errors import AlreadyExistsError, DrproofError, LeaseError, NotFoundError, UnansweredError

HISTORIES = 1_000
LENGTH_MS = 60_000
STEPS = 40
INTENT = Intent(number=1, verb="lease.take", resource="s3://states/a", token="0" * 32)
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Truth:
    """The true time, and one object with conditional writes."""

    random: random.Random
    ms: int = 0
    version: int = 0
    held: tuple[int, bytes, int] | None = None
    meanwhile: Callable[[], None] = lambda: None
    """What the other processes do while one sleeps."""

    def passes(self, at_most: int) -> None:
        self.ms += self.random.randint(0, at_most)

    def at(self, ms: int) -> str:
        """What the store says of an instant: whole seconds."""
        return instant(EPOCH + timedelta(seconds=ms // 1000))


class Store:
    """The store as one process reaches it: slow, and now and then without an answer; pauses lie before and after."""

    def __init__(self, truth: Truth) -> None:
        self.truth = truth

    def put(self, intent, bucket, key, body, *, tags=None, if_absent=False, if_match=""):
        truth = self.truth
        with _Call(truth):
            there = truth.held
            if (if_absent and there) or (if_match and (there is None or str(there[0]) != if_match)):
                raise AlreadyExistsError("precondition failed", code="PreconditionFailed")
            truth.version += 1
            truth.held = (truth.version, body, truth.ms)
            made = truth.version, truth.ms
        return ObjectInfo(bucket=bucket, key=key, size=1, etag=str(made[0]), modified_at=truth.at(made[1]))

    def read(self, bucket, key, **_):
        truth = self.truth
        with _Call(truth):
            if truth.held is None:
                raise NotFoundError("no such key", code="NoSuchKey")
            version, body, at = truth.held
            seen = truth.at(truth.ms)
        return ObjectInfo(
            bucket=bucket, key=key, size=1, etag=str(version), modified_at=truth.at(at), seen_at=seen
        ), body

    def delete_unchanged(self, intent, bucket, key, *, if_match, also=()):
        truth = self.truth
        with _Call(truth):
            if truth.held is None or str(truth.held[0]) != if_match:
                raise AlreadyExistsError("precondition failed", code="PreconditionFailed")
            truth.held = None


class _Call:
    """One request: time passes on both ways, in either the process may sleep, and an answer may be lost."""

    def __init__(self, truth: Truth) -> None:
        self.truth = truth

    def __enter__(self) -> None:
        self._way()

    def __exit__(self, kind, error, trace) -> None:
        self._way()
        if kind is None and self.truth.random.random() < 0.08:
            raise UnansweredError("no answer", code="ReadTimeoutError")

    def _way(self) -> None:
        self.truth.passes(400)
        if self.truth.random.random() < 0.06:
            for _ in range(self.truth.random.randint(1, 3)):
                self.truth.passes(LENGTH_MS)
                self.truth.meanwhile()


class Machine:
    """A clock that is wrong by up to hours, and counts milliseconds as they really pass."""

    def __init__(self, truth: Truth) -> None:
        self.truth = truth
        self.skew = timedelta(milliseconds=truth.random.choice([0, 1, -1]) * truth.random.randint(0, 7_200_000))

    def now(self) -> str:
        return instant(EPOCH + timedelta(milliseconds=self.truth.ms) + self.skew)

    def monotonic_ms(self) -> int:
        return self.truth.ms

    def sleep_ms(self, milliseconds: int) -> None:
        self.truth.ms += milliseconds


@dataclass
class Process:
    """A drill that takes the lease, renews it, changes the target, and gives the lease back or is killed."""

    name: str
    lease: Lease
    has: bool = False
    busy: bool = False
    """Whether it waits for an answer, and so does nothing else."""
    windows: list[list[int]] = field(default_factory=list)
    """From when to when it believed that it might change the target, in true time."""

    def believe(self, truth: Truth) -> None:
        """Note until when this process may now go on without asking anybody."""
        try:
            self.lease.check()
        except LeaseError:
            return
        until = self.lease._until_ms
        if self.windows and self.windows[-1][1] >= truth.ms:
            self.windows[-1][1] = until
        else:
            self.windows.append([truth.ms, until])


def history(seed: int, monkeypatch) -> tuple[Truth, list[Process]]:
    """Play one history and return what everybody believed."""
    truth = Truth(random.Random(seed))
    # Renewals happen where the history says so.
    monkeypatch.setattr(
        "drproof.engine.lease.threading.Thread", lambda **_: SimpleNamespace(start=lambda: None, join=lambda **_: None)
    )
    processes: list[Process] = []
    alive: list[Process] = []

    def meanwhile() -> None:
        idle = [one for one in alive if not one.busy]
        if idle:
            one = truth.random.choice(idle)
            one.busy = True
            _step(truth, one, alive)
            one.busy = False

    truth.meanwhile = meanwhile
    for number in range(STEPS):
        truth.passes(LENGTH_MS // 3)
        if len(alive) < 4 and truth.random.random() < 0.4:
            name = f"drill-{number}"
            machine = Machine(truth)
            store: Any = Store(truth)
            held = Lease(store, "states", "a", drill_id=name, length_ms=LENGTH_MS, clock=machine)
            held._pid = 1000 + number
            one = Process(name, held)
            processes.append(one)
            alive.append(one)
        truth.meanwhile()
    return truth, processes


def _step(truth: Truth, one: Process, alive: list[Process]) -> None:
    luck = truth.random.random()
    if not one.has:
        try:
            one.lease.take(INTENT)
        except DrproofError:
            # Refused, or without an answer: such a drill ends at its opening.
            alive.remove(one)
            return
        one.has = True
        one.believe(truth)
    elif luck < 0.12:
        alive.remove(one)  # kill -9
    elif luck < 0.24:
        alive.remove(one)
        # It changes nothing from the release on.
        _cut(one, truth)
        try:
            one.lease.release(INTENT)
        except DrproofError:
            return
    else:
        one.lease.renew()
        one.believe(truth)


def _cut(one: Process, truth: Truth) -> None:
    if one.windows and one.windows[-1][1] > truth.ms:
        one.windows[-1][1] = truth.ms


def overlaps(processes: list[Process]) -> list[str]:
    """Return each pair of drills that could change the target at once."""
    spans = sorted((start, end, one.name) for one in processes for start, end in one.windows)
    return [
        f"{before[2]} until {before[1]}, {after[2]} from {after[0]}"
        for before, after in itertools.combinations(spans, 2)
        if after[0] < before[1] and after[2] != before[2]
    ]


def test_in_a_thousand_histories_no_two_drills_could_change_the_target_at_once(monkeypatch):
    holders = took_over = 0
    for seed in range(HISTORIES):
        _, processes = history(seed, monkeypatch)
        assert overlaps(processes) == [], f"history {seed}"
        with_window = [one for one in processes if one.windows]
        holders += len(with_window)
        took_over += sum(one.lease.fence > 1 for one in with_window)
    # Histories in which nobody ever follows anybody would show nothing.
    assert holders > 3 * HISTORIES
    assert took_over > HISTORIES // 2


def test_the_histories_can_find_an_overlap(monkeypatch):
    """The same histories with a lease that trusts the clock of the machine, as it did once."""
    monkeypatch.setattr(
        "drproof.engine.lease.Found.has_run_out",
        lambda found, now: found.holder is None or found.holder.expires_at <= now,
    )

    assert any(overlaps(history(seed, monkeypatch)[1]) for seed in range(50))


def test_the_histories_find_a_lease_that_is_given_back_without_a_look_at_whose_it_is(monkeypatch):
    def careless(store, intent, bucket, key, *, if_match, also=()):
        with _Call(store.truth):
            store.truth.held = None

    monkeypatch.setattr(Store, "delete_unchanged", careless)

    assert any(overlaps(history(seed, monkeypatch)[1]) for seed in range(200))


@pytest.mark.parametrize("paused_ms", [LENGTH_MS, 10 * LENGTH_MS])
def test_a_holder_that_was_paused_past_its_end_is_refused_its_next_change(paused_ms, monkeypatch):
    truth = Truth(random.Random(1))
    monkeypatch.setattr("drproof.engine.lease.threading.Thread", lambda **_: SimpleNamespace(start=lambda: None))
    store: Any = Store(truth)
    held = Lease(store, "states", "a", drill_id="paused", length_ms=LENGTH_MS, clock=Machine(truth))
    held.take(INTENT)
    truth.ms += paused_ms

    with pytest.raises(LeaseError, match="ran out"):
        held.check()
