"""What one phase did: its outcome, when, on whose behalf, and what it observed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, Generic, Literal, TypeVar

from msgspec import Meta

T = TypeVar("T")

END = r"(?![\s\S])"
"""The end of a text, alike for Python and JSON Schema: one lets a newline pass `$`, the other does not know `\\Z`."""

Digest = Annotated[str, Meta(pattern=rf"^[0-9a-f]{{64}}{END}", description="a SHA-256 in lower-case hex")]
Count = Annotated[int, Meta(ge=0)]
Milliseconds = Annotated[int, Meta(ge=0, description="milliseconds")]
Instant = Annotated[
    str,
    Meta(
        pattern=rf"^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}\.[0-9]{{3}}Z{END}",
        description="an instant in UTC, to the millisecond",
    ),
]
Mode = Literal["rehearsal", "live"]


class Outcome(StrEnum):
    """How a phase ended; only `passed` says that its end state was reached."""

    PASSED = "passed"
    FAILED = "failed"
    BLOCKED = "blocked"
    NOT_RUN = "not_run"
    INTERRUPTED = "interrupted"
    UNOBSERVED = "unobserved"
    """It was done by hand, and nobody could look at what came of it."""


class Cause(StrEnum):
    """Why a phase did not pass, so that a missing quota is not reported as a failed recovery."""

    PREREQUISITE = "prerequisite"
    CONTRACT = "contract"
    QUOTA = "quota"
    GUARD = "guard"
    LEASE = "lease"
    WORLD = "world"
    END_STATE = "end_state"
    SIGNAL = "signal"
    DEADLINE = "deadline"
    DEFECT = "defect"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who acted, as the platform names them."""

    arn: str
    account_id: str
    region: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """Which drproof acted, and from which source tree."""

    version: str
    git_sha: str = ""
    python: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try at a phase; `repair` says what was mended after it, if anything was."""

    number: Annotated[int, Meta(ge=1)]
    started_at: Instant
    duration_ms: Milliseconds
    outcome: Outcome
    error: str = ""
    error_class: str = ""
    command: str = ""
    error_tail: tuple[str, ...] = ()
    repair: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualAct:
    """What a person did in the stead of a phase: a command that drproof ran for them, or what they state was done."""

    kind: Literal["command", "witness"]
    said: str
    """The command as it was typed, or the statement; what is like a secret is masked."""
    person: str
    ticket: str = ""
    acted_at: Instant
    """When the command was started, or when the person says that it was done."""
    duration_ms: Milliseconds | None = None
    exit_status: int | None = None
    """None for a statement, and for a command that could not be started or was ended before its time."""
    output: Digest | None = None
    """The file of evidence that keeps the end of what the command printed; None for a statement."""
    output_bytes: Count = 0
    """How many bytes it printed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRef:
    """A file of the bundle that a receipt rests on."""

    name: str
    path: str
    sha256: Digest
    size: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt(Generic[T]):
    """The record of one phase of one drill, chained to the record before it."""

    schema_version: Literal[1] = 1
    drill_id: str
    mode: Mode
    plan: str
    phase: str
    sequence: Annotated[int, Meta(ge=1)]
    previous: Digest
    opening: Digest
    outcome: Outcome
    started_at: Instant
    ended_at: Instant
    duration_ms: Milliseconds
    duration_source: Literal["monotonic", "wall"] = "monotonic"
    attempts: tuple[Attempt, ...] = ()
    input: Mapping[str, Any] = field(default_factory=dict)
    observed: T | None = None
    reason: str = ""
    cause: Cause | None = None
    caller: Caller | None = None
    tool: Tool
    image_ref: str = ""
    evidence: tuple[EvidenceRef, ...] = ()
    inherited_from: Digest | None = None
    manual: ManualAct | None = None
    """What was done by hand in the stead of the phase; None where the phase itself acted."""
    by_hand: tuple[str, ...] = ()
    """The phases that this receipt builds on, itself among them, that were done by hand; by name."""

    @property
    def passed(self) -> bool:
        """Whether the phase reached its end state."""
        return self.outcome is Outcome.PASSED

    @property
    def facts(self) -> T:
        """What the phase observed.

        Raises:
            ValueError: the phase observed nothing; a caller asks only passed phases.
        """
        if self.observed is None:
            msg = f"phase {self.phase} observed nothing: its outcome is {self.outcome}"
            raise ValueError(msg)
        return self.observed


def receipt_type(observes: type) -> Any:  # noqa: ANN401 — a generic alias that only the run time knows
    """Return the type of the receipts of a phase that observes this type."""
    generic: Any = Receipt
    return generic[observes]
