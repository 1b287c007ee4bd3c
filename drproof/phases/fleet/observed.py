"""What finding and reading a fleet observed: the types of its receipts and of each reading."""

from dataclasses import dataclass
from typing import Literal

from drproof.formats.archive import Member
from drproof.formats.member_manifest import ListedMember
from drproof.model.receipt import Attempt, Cause, Count, Digest, Instant, Milliseconds, Outcome
from drproof.phases.backup.observed import RestorePointObserved


@dataclass(frozen=True, slots=True, kw_only=True)
class RestorePointsFound:
    """Which restore points there are: those that were named, or every folder directly below a prefix."""

    under: str
    """The prefix that was listed; empty where the restore points were named."""
    found: tuple[str, ...]
    """The URI of each."""
    recounted: tuple[str, ...]
    """The same from a second listing, of every key below the prefix; empty where they were named."""
    strays: tuple[str, ...]
    """The keys directly below the prefix that are in no folder, and folders that no URI can name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PointRow:
    """One restore point of the fleet; what was read of it is evidence of its own."""

    subject: str
    """Its URI."""
    reading: str
    """The name of the evidence; empty when no reading came back that can be used."""
    outcome: Outcome
    reason: str = ""
    backup_id: str = ""
    created_at: str = ""
    size: Count = 0
    """Bytes of its objects."""
    duration_ms: Milliseconds = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreign:
    """A reading that came back and belongs to no restore point of this fleet."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RestorePointsRead:
    """A row for each restore point that was found, whether or not it could be read."""

    rows: tuple[PointRow, ...]
    foreign: tuple[Foreign, ...] = ()
    source: str = ""
    """Where the readings were taken from; empty when processes of this run read the restore points."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PointKept:
    """What the reading of one restore point keeps beside what it observed."""

    members: dict[str, tuple[Member, ...]]
    promised_members: dict[str, tuple[ListedMember, ...]]
    control_plane: dict[str, Digest]


@dataclass(frozen=True, slots=True, kw_only=True)
class PointReading:
    """The reading of one restore point, by whichever process or machine: how it ended and what it saw."""

    schema_version: Literal[1] = 1
    subject: str
    """The URI of the restore point."""
    outcome: Outcome
    reason: str = ""
    cause: Cause | None = None
    started_at: Instant
    ended_at: Instant
    duration_ms: Milliseconds
    attempts: tuple[Attempt, ...] = ()
    observed: RestorePointObserved | None = None
    kept: PointKept | None = None
