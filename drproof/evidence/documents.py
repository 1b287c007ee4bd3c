"""The documents of a bundle beside plan and receipts: opening, verdicts, closing, and the records of a journal."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from msgspec import Meta

from drproof.model.receipt import Digest, Instant
from drproof.model.verdict import Verdict

Number = Annotated[int, Meta(ge=1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdicts:
    """`verdicts.json`: every expected contract with each subject."""

    schema_version: Literal[1] = 1
    verdicts: tuple[Verdict, ...]


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
