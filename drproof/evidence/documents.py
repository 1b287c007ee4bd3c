"""The documents of a bundle beside plan and receipts: opening, verdicts, closing, and the records of a journal."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from msgspec import Meta

from drproof.model.receipt import Count, Digest, Instant
from drproof.model.verdict import Verdict

Number = Annotated[int, Meta(ge=1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdicts:
    """`verdicts.json`: every expected contract with each subject."""

    schema_version: Literal[1] = 1
    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualOutput:
    """What a command that was run by hand printed, at its end; what is not proven harmless is masked."""

    schema_version: Literal[1] = 1
    lines: tuple[str, ...]
    printed: Count
    """How many bytes it printed in all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file of this bundle in the receipt store, as it was read back there."""

    path: str
    sha256: Digest
    uri: str
    """The last place where it was tried to be stored."""
    version: str | None
    """None where the bucket keeps no versions, or the file is not there."""
    etag: str
    was_there: bool
    """Whether the very same bytes lay there already: put by an earlier process, or by a call that was not answered."""
    retention_mode: str | None
    retained_until: Instant | None
    problem: str
    """Why it is not stored as was asked; empty when it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredReceipts:
    """`receipts-store.json`: where each receipt, the plan and the opening lie besides."""

    schema_version: Literal[1] = 1
    place: str
    owner: str
    object_lock: bool | None
    """Whether the bucket has Object Lock; None when it did not say."""
    retain_until: Instant | None
    """Until when each object was asked to be kept; None where nothing was asked."""
    files: tuple[StoredFile, ...]
    intents: Count
    """How many effects were announced there, as the journal announces them."""
    intents_missing: tuple[Number, ...]
    """The records of the journal that announce an effect and are not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The journal's first record."""

    kind: Literal["opened"]
    number: Number
    at: Instant
    drill: str
    opening: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseBegun:
    """An attempt at a phase begins."""

    kind: Literal["phase"]
    number: Number
    at: Instant
    phase: str
    attempt: Number


@dataclass(frozen=True, slots=True, kw_only=True)
class Intended:
    """What is about to be changed."""

    kind: Literal["intent"]
    number: Number
    at: Instant
    phase: str
    verb: str
    resource: str
    token: Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """What came of an intent."""

    kind: Literal["outcome"]
    number: Number
    at: Instant
    intent: Number
    outcome: Literal["done", "failed"]
    result: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseEnded:
    """A phase has its receipt."""

    kind: Literal["ended"]
    number: Number
    at: Instant
    phase: str
    outcome: str
    receipt: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """Another process goes on."""

    kind: Literal["resumed"]
    number: Number
    at: Instant
    purpose: Literal["undo", "finish"]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """The journal's last record."""

    kind: Literal["closed"]
    number: Number
    at: Instant
    outcome: str


RECORDS: Mapping[str, type] = {
    "opened": Opened,
    "phase": PhaseBegun,
    "intent": Intended,
    "outcome": Happened,
    "ended": PhaseEnded,
    "resumed": Resumed,
    "closed": Closed,
}
"""Each kind of record of a journal, and its type."""
