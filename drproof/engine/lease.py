"""The lease: one drill at a time on one target.

A lease is an object beside the remote state, created only if it is absent, renewed only if it is unchanged, and
numbered: who takes over an expired one counts on, and a holder that slept through its end may change nothing.
"""

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Collection, Mapping
from datetime import timedelta

from drproof.analysis.leases import Found, Holder, read_lease
from drproof.engine.clock import instant
from drproof.engine.patience import Patience
from drproof.evidence.canonical import canonical
from drproof.formats import timestamps
from drproof.formats.arns import region_of
from drproof.model.capabilities import Intent, ObjectInfo, ObjectStore
from drproof.model.context import Clock, Effects
from drproof.model.errors import (
    AlreadyExistsError,
    DrproofError,
    LeaseError,
    NotFoundError,
    UnansweredError,
)


class AtWorkError(LeaseError):
    """Another process works under this lease, or did until a moment ago."""

    def __init__(self, message: str, *, other: bool) -> None:
        super().__init__(message)
        self.other = other
        """Whether it is the process of another drill."""


SUFFIX = ".drproof-lease"
HOUR_MS = 3_600_000
LONGEST_MS = 12 * HOUR_MS
"""For how long a holder renews: who hangs must not hold the target for ever, and what a drill made ends then too."""


class Lease:
    """The right to change a target, for a while."""

    def __init__(  # noqa: PLR0913 — a lease and its terms
        self,
        store: ObjectStore,
        bucket: str,
        key: str,
        *,
        drill_id: str,
        length_ms: int,
        clock: Clock,
        tags: Mapping[str, str] | None = None,
        ended: Collection[str] = (),
        execution: str = "",
        runs: Callable[[str], bool] = lambda _: True,
        longest_ms: int = LONGEST_MS,
    ) -> None:
        """Prepare a lease on the target whose remote state is at `bucket`/`key`; nothing is taken yet.

        `ended` names drills that were sealed: what they could not give back, nobody has to wait for. `execution` is
        what holds it besides this process; `runs` says of one whether it still does, and is asked before another's
        lease is taken. After `longest_ms` it is renewed in the background no more.
        """
        self._tags = dict(tags or {})
        self._store = store
        self._bucket = bucket
        self._key = key + SUFFIX
        self._drill_id = drill_id
        self._length_ms = length_ms
        self._longest_ms = longest_ms
        self._clock = clock
        self._known = frozenset({drill_id, *ended})
        self._execution = execution
        self._runs = runs
        self._parked = False
        self.is_given_back = False
        self._etag = ""
        self._written: set[str] = set()
        """What this holder wrote under the key, by ETag: in a bucket with versions all of it lies there."""
        self._fence = 0
        self._until_ms = 0
        self._over_ms = 0
        self._intent: Intent | None = None
        self._lost = ""
        self._unrenewed = ""
        """What the last renewal failed of; empty when it did not."""
        self._renewing = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._host = socket.gethostname()
        self._pid = os.getpid()

    @property
    def uri(self) -> str:
        """Where the lease lies."""
        return f"s3://{self._bucket}/{self._key}"

    @property
    def fence(self) -> int:
        """The number of this holder; every later holder has a greater one."""
        return self._fence

    def take(self, intent: Intent) -> None:
        """Take the lease, and renew it in the background from now on, for as long as a drill may last.

        Raises:
            LeaseError: another drill holds it; the message names that drill and until when.
        """
        self._intent = intent
        started = self._clock.monotonic_ms()
        try:
            info = self._store.put(intent, self._bucket, self._key, self._content(1), tags=self._tags, if_absent=True)
            self._fence = 1
        except AlreadyExistsError:
            started = self._clock.monotonic_ms()
            info = self._take_over(intent)
        except UnansweredError:
            # It may have been written: what is there says whose it is.
            started = self._clock.monotonic_ms()
            info = self._take_over(intent)
        self._has(info.etag)
        self._until_ms = started + self._length_ms
        self._over_ms = started + self._longest_ms
        self._thread = threading.Thread(target=self._renew_until_stopped, name="drproof-lease", daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Return while the lease is surely held.

        Raises:
            LeaseError: it was lost, or could not be renewed in time.
        """
        if self._lost:
            raise LeaseError(self._lost)
        now = self._clock.monotonic_ms()
        if now >= max(self._until_ms, self._over_ms):
            hours = self._longest_ms // HOUR_MS
            msg = f"the lease {self.uri} was held for {hours} h, and no drill may last longer: nothing more is changed"
            raise LeaseError(msg)
        if now >= self._until_ms:
            why = f" ({self._unrenewed})" if self._unrenewed else ""
            msg = f"the lease {self.uri} ran out before it could be renewed{why}: nothing more is changed"
            raise LeaseError(msg)

    def release(self, intent: Intent) -> None:
        """Give the lease back, if it is still ours."""
        self.stop()
        self.is_given_back = True
        found = self._found()
        if found is not None and self._is_mine(found.holder):
            with contextlib.suppress(AlreadyExistsError):
                # Taken over between the look and this: it is another's now.
                self._store.delete_unchanged(intent, self._bucket, self._key, if_match=found.etag, also=self._written)

    def stop(self) -> None:
        """Stop renewing; the lease ends by itself."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=10)

    def _take_over(self, intent: Intent) -> ObjectInfo:
        """Write over a lease that is ours already, has run out, or cannot be read."""
        found = self._found()
        holder = found.holder if found is not None else None
        etag = found.etag if found is not None else ""
        others = found is not None and holder is not None and holder.drill_id not in self._known
        if found is not None and holder is not None and holder.execution:
            self._refuse_a_running_one(found, holder)
        elif others and found is not None and holder is not None and not found.has_run_out(self._clock.now()):
            msg = (
                f"drill {holder.drill_id} (pid {holder.pid} on {holder.host}) holds the target until "
                f"{holder.expires_at}; expected no other drill on {self.uri}\n"
                f"  next: wait for it, or end it with drproof resume <its folder>"
            )
            raise LeaseError(msg)
        self._fence = (holder.fence if holder else 0) + 1
        content = self._content(self._fence)
        try:
            if not etag:
                return self._store.put(intent, self._bucket, self._key, content, tags=self._tags, if_absent=True)
            return self._store.put(intent, self._bucket, self._key, content, tags=self._tags, if_match=etag)
        except (AlreadyExistsError, NotFoundError) as exc:
            # Anything else is no drill: whoever waits for one would wait for ever.
            msg = f"another drill took the lease {self.uri} at the same moment\n  next: run the same command again"
            raise LeaseError(msg) from exc

    def _refuse_a_running_one(self, found: Found, holder: Holder) -> None:
        """Refuse a lease of an execution that runs, and of one whose act may still be at work."""
        own = holder.drill_id in self._known
        # A process that is no act of the execution waits for its end, even to go on with its very drill.
        if self._execution != holder.execution and self._runs(holder.execution):
            msg = (
                f"the execution {holder.execution} holds the target while it runs; expected no other drill on "
                f"{self.uri}\n  next: wait for its end, or aws stepfunctions stop-execution --region "
                f"{region_of(holder.execution)} --execution-arn {holder.execution}"
            )
            raise LeaseError(msg)
        if not holder.parked and not found.has_run_out(self._clock.now()):
            msg = f"an act of {holder.drill_id} is at work under {self.uri} until {holder.expires_at}"
            raise AtWorkError(msg, other=not own)

    def park(self, intent: Intent) -> None:
        """Keep the lease for the execution, and say that no process works under it; the next act takes it up.

        Raises:
            TargetError: nobody answered, or it was taken over: the next act has to wait until it has run out.
        """
        self.stop()
        with self._renewing:
            self._parked = True
            content = self._content(self._fence)
            self._store.put(intent, self._bucket, self._key, content, tags=self._tags, if_match=self._etag)

    def _renew_until_stopped(self) -> None:
        # Once in a third of it, and after a renewal that failed four times as often: there is time for several.
        while not self._stop.wait(self._length_ms / (12_000 if self._unrenewed else 3000)):
            if self._clock.monotonic_ms() < self._over_ms:
                self._renew()

    def renew(self) -> None:
        """Renew the lease now, and in the background for as long again; `check` says whether it is held."""
        self._over_ms = self._clock.monotonic_ms() + self._longest_ms
        self._renew()

    def _renew(self) -> None:
        with self._renewing:
            try:
                self._renew_once()
            except AlreadyExistsError as exc:
                self._renew_what_is_ours(exc)
            except DrproofError as exc:
                # Not renewed this time: `check` ends the drill when the time is over.
                self._unrenewed = _first_line(exc)

    def _renew_once(self) -> None:
        if self._intent is None:
            return
        started = self._clock.monotonic_ms()
        content = self._content(self._fence)
        info = self._store.put(self._intent, self._bucket, self._key, content, tags=self._tags, if_match=self._etag)
        self._has(info.etag)
        self._until_ms, self._unrenewed = started + self._length_ms, ""

    def _has(self, etag: str) -> None:
        self._etag = etag
        self._written.add(etag)

    def _renew_what_is_ours(self, error: AlreadyExistsError) -> None:
        """Renew a lease that changed: by a renewal of our own whose answer was lost, or by somebody who took over."""
        try:
            found = self._found()
            if found is not None and self._is_mine(found.holder):
                self._has(found.etag)
                self._renew_once()
                return
        except DrproofError as exc:
            self._unrenewed = _first_line(exc)
            return
        self._lost = f"the lease {self.uri} was taken over: {error}"

    def _content(self, fence: int) -> bytes:
        until = timestamps.parse(self._clock.now()) + timedelta(milliseconds=self._length_ms)
        return canonical(
            {
                "drill_id": self._drill_id,
                "expires_at": instant(until),
                "fence": fence,
                "host": self._host,
                "length_ms": self._length_ms,
                "pid": self._pid,
                **({"execution": self._execution, "parked": self._parked} if self._execution else {}),
            }
        )

    def _is_mine(self, holder: Holder | None) -> bool:
        return holder is not None and (holder.drill_id, holder.fence, holder.host, holder.pid) == (
            self._drill_id,
            self._fence,
            self._host,
            self._pid,
        )

    def _found(self) -> Found | None:
        """Return the lease as it lies there; None when it is gone."""
        return look(self._store, self._bucket, self._key)


def _first_line(error: DrproofError) -> str:
    return str(error).partition("\n")[0]


def look(store: ObjectStore, bucket: str, key: str) -> Found | None:
    """Return a lease as it lies there; None when there is none."""
    try:
        info, body = store.read(bucket, key)
    except NotFoundError:
        return None
    return read_lease(info, body)


def give_back(lease: Lease, effects: Effects, patience: Patience) -> None:
    """Give a lease back behind an intent; one that cannot be given back runs out by itself."""
    with contextlib.suppress(DrproofError), effects.intend("lease.release", lease.uri) as pending:
        patience.ask(lambda: lease.release(pending.intent))
