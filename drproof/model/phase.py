"""What a phase is: a verb with effects, the typed value it observes, and its place in the plans."""

import inspect
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from drproof.model.context import Context
    from drproof.model.criteria import Criteria

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Each:
    """What a phase does once for each of many subjects: another phase, so that its contracts judge every one.

    The phase observes `rows` (see `model.lifting.Row`), one a subject, and keeps each reading as evidence.
    """

    of: "Phase[Any]"
    bar: Callable[["Criteria", str], "Criteria"]
    """The criteria of one subject, from those of all."""
    label: str


@dataclass(slots=True, eq=False)
class Phase(Generic[T]):
    """A phase: what is done (`act`), what it observes (`observes`), and when.

    `window` is the window that the phase belongs to (`--start-at`, `--stop-after` name windows). `always` puts the
    phase after every ordinary one and runs it whatever happened. `renewed` has it observed anew in every window
    that builds on it, because what it saw may have changed since.
    """

    name: str
    end_state: str
    act: Callable[["Context"], T]
    observes: type[T]
    plans: frozenset[str]
    after: tuple[str, ...] = ()
    window: str = ""
    site: str = "recovery"
    """The site in whose name the receipt is written: `primary` or `recovery`."""
    mutates: bool = False
    always: bool = False
    renewed: bool = False
    requires: tuple[str, ...] = ()
    uses: frozenset[str] = frozenset()
    objective_ms: int | None = None
    command_hint: str = ""
    keeps: Mapping[str, Any] = field(default_factory=dict)
    """The evidence that the phase keeps beside its receipt: each file's name and the type of its content."""
    input: Callable[["Context"], Mapping[str, Any]] | None = None
    each: Each | None = None
    mend: Callable[["Context", Exception], str] | None = field(default=None)
    look: Callable[["Context"], T] | None = field(default=None)
    """Observes the end state after somebody else has brought it about; it changes nothing."""
    hand: Callable[["Context"], Any] | None = field(default=None)
    """What a person must bring about to the letter, as plain JSON; a command by hand finds it in a file."""
    by_hand: bool = True
    """Whether a person may do it in its stead."""

    @property
    def removes(self) -> bool:
        """Whether it takes away what the others made, whatever happened to them."""
        return self.always and self.mutates

    def repair(self, mend: Callable[["Context", Exception], str]) -> Callable[["Context", Exception], str]:
        """Set what is mended once, after a first failed attempt; it returns what it did, or ""."""
        self.mend = mend
        return mend

    def looking(self, look: Callable[["Context"], T]) -> Callable[["Context"], T]:
        """Set how the end state is observed where a person brought it about; `PhaseError` when it is not there."""
        self.look = look
        return look

    def handing(self, hand: Callable[["Context"], Any]) -> Callable[["Context"], Any]:
        """Set what is handed to a person who does it by hand."""
        self.hand = hand
        return hand


def phase(  # noqa: PLR0913 — each keyword is one property of a phase
    *,
    plans: Iterable[str],
    after: Iterable[str] = (),
    window: str = "",
    site: str = "recovery",
    mutates: bool = False,
    always: bool = False,
    renewed: bool = False,
    requires: Iterable[str] = (),
    uses: Iterable[str] = (),
    objective_ms: int | None = None,
    command_hint: str = "",
    keeps: Mapping[str, Any] | None = None,
    input: Callable[["Context"], Mapping[str, Any]] | None = None,  # noqa: A002 — the receipt's own word
    each: Each | None = None,
    by_hand: bool = True,
) -> Callable[[Callable[["Context"], T]], Phase[T]]:
    """Make a phase of a function; its name is the phase's, its docstring the end state.

    Raises:
        ValueError: the docstring or the annotated return type is missing.
    """

    def make(act: Callable[["Context"], T]) -> Phase[T]:
        end_state = (inspect.getdoc(act) or "").partition("\n")[0]
        if not end_state:
            msg = f"phase {act.__name__} has no docstring: it states the end state"
            raise ValueError(msg)
        observes = typing.get_type_hints(act).get("return")
        if observes in {None, type(None)}:
            msg = f"phase {act.__name__} must say which type it observes"
            raise ValueError(msg)
        return Phase(
            name=act.__name__,
            end_state=end_state,
            act=act,
            observes=typing.cast("type[T]", observes),
            plans=frozenset(plans),
            after=tuple(after),
            window=window,
            site=site,
            mutates=mutates,
            always=always,
            renewed=renewed,
            requires=tuple(requires),
            uses=frozenset(uses),
            objective_ms=objective_ms,
            command_hint=command_hint,
            keeps=dict(keeps or {}),
            input=input,
            each=each,
            by_hand=by_hand,
        )

    return make
