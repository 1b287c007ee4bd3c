"""The lease: one drill at a time on one target.

A lease is an object beside the remote state, created only if it is absent, renewed only if it is unchanged, and
numbered: who takes over an expired one counts on, and a holder that slept through its end may change nothing.
"""

import contextlib
import os
import socket
import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from drproof.engine.clock import instant
from drproof.engine.patience import Patience
from drproof.evidence.canonical import canonical
from drproof.formats.strict_json import parse
from drproof.model.capabilities import Intent, ObjectInfo, ObjectStore
from drproof.model.context import Clock, Effects
from drproof.model.errors import (
    AlreadyExistsError,
    DrproofError,
    EvidenceError,
    LeaseError,
    NotFoundError,
    TargetError,
)

SUFFIX = ".drproof-lease"


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who holds a lease, as it is written down."""

    drill_id: str
    fence: int
    expires_at: str
    host: str
    pid: int

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> "Holder":
        """Return the holder that a lease object names."""
        return cls(**{key: content[key] for key in ("drill_id", "fence", "expires_at", "host", "pid")})


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
        ended: Collection[str] = (),
    ) -> None:
        """Prepare a lease on the target whose remote state is at `bucket`/`key`; nothing is taken yet.

        `ended` names drills that were sealed: what they could not give back, nobody has to wait for.
        """
        self._store = store
        self._bucket = bucket
        self._key = key + SUFFIX
        self._drill_id = drill_id
        self._length_ms = length_ms
        self._clock = clock
        self._known = frozenset({drill_id, *ended})
        self._etag = ""
        self._fence = 0
        self._until_ms = 0
        self._intent: Intent | None = None
        self._lost = ""
        self._renewing = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def uri(self) -> str:
        """Where the lease lies."""
        return f"s3://{self._bucket}/{self._key}"

    @property
    def fence(self) -> int:
        """The number of this holder; every later holder has a greater one."""
        return self._fence

    def take(self, intent: Intent) -> None:
        """Take the lease, and renew it in the background from now on.

        Raises:
            LeaseError: another drill holds it; the message names that drill and until when.
        """
        self._intent = intent
        started = self._clock.monotonic_ms()
        try:
            info = self._store.put(intent, self._bucket, self._key, self._content(1), if_absent=True)
            self._fence = 1
        except AlreadyExistsError:
            info = self._take_over(intent)
        self._etag = info.etag
        self._until_ms = started + self._length_ms
        self._thread = threading.Thread(target=self._renew_until_stopped, name="drproof-lease", daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Return while the lease is surely held.

        Raises:
            LeaseError: it was lost, or could not be renewed in time.
        """
        if self._lost:
            raise LeaseError(self._lost)
        if self._clock.monotonic_ms() >= self._until_ms:
            msg = f"the lease {self.uri} ran out before it could be renewed: nothing more is changed"
            raise LeaseError(msg)

    def release(self, intent: Intent) -> None:
        """Give the lease back, if it is still ours."""
        self.stop()
        holder, _ = self._holder()
        if holder is not None and holder.drill_id == self._drill_id and holder.fence == self._fence:
            self._store.delete(intent, self._bucket, [self._key])

    def stop(self) -> None:
        """Stop renewing; the lease ends by itself."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=10)

    def _take_over(self, intent: Intent) -> ObjectInfo:
        """Write over a lease that is ours already, has run out, or cannot be read."""
        holder, etag = self._holder()
        if holder is not None and holder.drill_id not in self._known and holder.expires_at > self._clock.now():
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
                return self._store.put(intent, self._bucket, self._key, content, if_absent=True)
            return self._store.put(intent, self._bucket, self._key, content, if_match=etag)
        except TargetError as exc:
            msg = f"another drill took the lease {self.uri} at the same moment\n  next: run the same command again"
            raise LeaseError(msg) from exc

    def _renew_until_stopped(self) -> None:
        while not self._stop.wait(self._length_ms / 3000):
            self.renew()

    def renew(self) -> None:
        """Renew the lease now; `check` says whether it is held."""
        with self._renewing:
            try:
                self._renew_once()
            except AlreadyExistsError as exc:
                self._renew_what_is_ours(exc)
            except DrproofError:
                # Not renewed this time: `check` ends the drill when the time is over.
                return

    def _renew_once(self) -> None:
        if self._intent is None:
            return
        started = self._clock.monotonic_ms()
        content = self._content(self._fence)
        info = self._store.put(self._intent, self._bucket, self._key, content, if_match=self._etag)
        self._etag = info.etag
        self._until_ms = started + self._length_ms

    def _renew_what_is_ours(self, error: AlreadyExistsError) -> None:
        """Renew a lease that changed: by a renewal of our own whose answer was lost, or by somebody who took over."""
        try:
            holder, etag = self._holder()
            mine = (self._drill_id, self._fence, socket.gethostname(), os.getpid())
            if holder is not None and (holder.drill_id, holder.fence, holder.host, holder.pid) == mine:
                self._etag = etag
                self._renew_once()
                return
        except DrproofError:
            return
        self._lost = f"the lease {self.uri} was taken over: {error}"

    def _content(self, fence: int) -> bytes:
        # Not by the wall: a clock that is set back would give a lease away that is held.
        until = datetime.fromisoformat(self._clock.now()) + timedelta(milliseconds=self._length_ms)
        return canonical(
            {
                "drill_id": self._drill_id,
                "expires_at": instant(until),
                "fence": fence,
                "host": socket.gethostname(),
                "pid": os.getpid(),
            }
        )

    def _holder(self) -> tuple[Holder | None, str]:
        """Return who holds the lease; None when it is gone or nobody can read it."""
        try:
            info, body = self._store.read(self._bucket, self._key)
        except NotFoundError:
            return None, ""
        try:
            content = parse(body)
            return (Holder.of(content) if isinstance(content, dict) else None), info.etag
        except (EvidenceError, KeyError):
            return None, info.etag


def give_back(lease: Lease, effects: Effects, patience: Patience) -> None:
    """Give a lease back behind an intent; one that cannot be given back runs out by itself."""
    with contextlib.suppress(DrproofError), effects.intend("lease.release", lease.uri) as pending:
        patience.ask(lambda: lease.release(pending.intent))
