"""What a phase may know and do: everything else is out of its reach."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, TypeVar

from drproof.model.capabilities import Intent, Target
from drproof.model.collection import Collection
from drproof.model.criteria import PlanDocument
from drproof.model.phase import Phase
from drproof.model.receipt import EvidenceRef, Receipt
from drproof.model.settings import Settings

T = TypeVar("T")

DRILL_TAG = "drproof:drill"
"""The tag that marks everything a drill creates; its value is the drill's origin."""

EXPIRES_TAG = "drproof:expires-at"
"""The tag that says when what a drill created may be removed by anyone."""


Doubt: TypeAlias = Callable[[Any], str]
"""Returns why a decision, as plain JSON, does not count, or ""."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What came of asking people."""

    value: Any
    """The decision that counts, as plain JSON; None where nobody decided in time."""
    refused: tuple[str, ...] = ()
    """Why each other one did not count."""


class Clock(Protocol):
    """Time: the wall's for labels, a monotonic one for durations."""

    def now(self) -> str:
        """Return the instant in UTC, to the millisecond."""

    def monotonic_ms(self) -> int:
        """Return milliseconds that never go back, counting suspend where the system can."""

    def sleep_ms(self, milliseconds: int) -> None:
        """Wait; a signal ends the wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """An effect of this drill as the journal knows it, from whichever process or window."""

    intent: Intent
    phase: str
    at: str = ""
    """When it was written down, before it happened."""
    details: Mapping[str, Any]
    outcome: str
    """`done`, `failed`, or empty when the process ended in between: it may or may not have happened."""
    result: Mapping[str, Any]


class Effects(Protocol):
    """The journal as a phase sees it."""

    def intend(
        self, verb: str, resource: str, details: Mapping[str, Any] | None = None
    ) -> AbstractContextManager["Pending"]:
        """Write down what is about to be changed; leaving the block writes down what came of it."""

    def made(self, *verbs: str) -> tuple[Effect, ...]:
        """Return the effects of this drill and of those it inherits from, oldest first."""


class Pending(Protocol):
    """An effect under way."""

    @property
    def intent(self) -> Intent:
        """What the capability must be given."""

    def done(self, **result: Any) -> None:  # noqa: ANN401 — plain JSON
        """Add facts to the outcome that is written when the block ends."""


class Context(Protocol):
    """What the engine hands to a phase."""

    @property
    def drill_id(self) -> str:
        """This run."""

    @property
    def origin(self) -> str:
        """The drill whose tag marks everything: this one, or the first of the windows it inherits from."""

    @property
    def plan(self) -> PlanDocument:
        """Plan and criteria, as they were fixed."""

    @property
    def settings(self) -> Settings:
        """Names and places."""

    @property
    def target(self) -> Target:
        """Both sites."""

    @property
    def collection(self) -> Collection:
        """What was handed in to be judged; no file in a plan that looks for itself."""

    @property
    def effects(self) -> Effects:
        """The journal."""

    @property
    def clock(self) -> Clock:
        """Time."""

    @property
    def receipts(self) -> Mapping[str, Receipt[Any]]:
        """The receipts so far, inherited ones included."""

    @property
    def tags(self) -> Mapping[str, str]:
        """The tags that everything created by this drill must carry."""

    def observed(self, phase: Phase[T]) -> T:
        """Return what an earlier phase observed; `PhaseError` when it did not pass."""

    def evidence(self, name: str, content: object) -> EvidenceRef:
        """Keep plain JSON as a file of the bundle that the receipt refers to."""

    def read_evidence(self, phase: str, name: str) -> Any:  # noqa: ANN401 — plain JSON
        """Return the parsed evidence of an earlier phase, its digest compared."""

    def hide(self, *values: str) -> None:
        """Never print, log or keep these values from now on."""

    def tag(self, value: bytes) -> str:
        """Return a digest of a secret value under a key of this drill's private folder.

        Equal values have equal tags in all windows; nobody without the key can try out what a value may have been.
        """

    def redact(self, text: str, *, lines: int | None = None) -> str:
        """Return somebody else's words with all masked that is not proven harmless; of many the last `lines`."""

    def say(self, line: str) -> None:
        """Add a line to the phase's log; what is not proven harmless is masked."""

    def decision(self, doubt: Doubt) -> Answered:
        """Wait for what people decide, as long as the criteria say; a signal ends the wait."""

    def moved(self, size: int, *, of: int = 0) -> None:
        """Show that `size` more bytes were moved, of so many in all where that is known; it is kept nowhere."""
