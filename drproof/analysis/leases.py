"""A lease as it lies beside the remote state: who holds it, and whether the holder surely believes it lost."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from drproof.analysis.ownership import SKEW_MS
from drproof.formats.strict_json import parse
from drproof.formats.timestamps import milliseconds
from drproof.model.capabilities import ObjectInfo
from drproof.model.errors import EvidenceError
from drproof.model.receipt import Count

RESOLUTION_MS = 2_000
"""A store tells whole seconds, of the renewal and of the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who holds a lease, as it is written down."""

    drill_id: str
    fence: int
    expires_at: str
    host: str
    pid: int
    length_ms: Count = 0
    """How long it holds from each renewal on, by the clock of the store; 0 where it does not say."""
    execution: str = ""
    """The execution of the orchestrator that holds it while it runs, between its acts as well; empty for a process."""
    parked: bool = False
    """Whether that execution is between two acts: no process works on it."""

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> "Holder":
        """Return the holder that a lease object names."""
        named = {key: content[key] for key in ("drill_id", "fence", "expires_at", "host", "pid")}
        more = {key: content[key] for key in ("length_ms", "execution", "parked") if key in content}
        return cls(**named, **more)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A lease as somebody found it."""

    holder: Holder | None
    """None when it cannot be read."""
    etag: str
    renewed_at: str
    """When it was last renewed, by the clock of the store."""
    seen_at: str
    """When it was read, by the same clock."""

    def has_run_out(self, now: str) -> bool:
        """Return whether the holder surely believes it lost: by the store's own clock where that is known.

        Clocks of two machines differ, and a lease that is taken too early has two holders. Where the store does not
        say, a lease is over once it has been for as long as clocks may differ.
        """
        holder = self.holder
        if holder is None:
            return True
        if self.renewed_at and self.seen_at and holder.length_ms:
            return milliseconds(self.seen_at) - milliseconds(self.renewed_at) > holder.length_ms + RESOLUTION_MS
        return milliseconds(now) - milliseconds(holder.expires_at) > SKEW_MS


def read_lease(info: ObjectInfo, body: bytes) -> Found:
    """Return a lease by the object that it is; one that cannot be read names no holder."""
    holder: Holder | None
    try:
        holder = named = Holder.of(parse(body))
        # What is none of its kind cannot be counted with.
        _ = milliseconds(named.expires_at), named.fence + 0, named.length_ms + 0
    except (EvidenceError, KeyError, TypeError):
        holder = None
    return Found(holder=holder, etag=info.etag, renewed_at=info.modified_at, seen_at=info.seen_at)
