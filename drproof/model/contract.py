"""What a contract is: a claim that can be false, a pure function that decides it, and ways to spoil its evidence."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from drproof.model.criteria import Criteria
from drproof.model.receipt import EvidenceRef, Outcome, Receipt
from drproof.model.verdict import Finding

Receipts: TypeAlias = Mapping[str, Receipt[Any]]

RESERVED = frozenset({"criteria", "subject"})
"""Names a contract's function may ask for beside its receipts and its evidence."""


class NotApplicableError(ValueError):
    """This sabotage cannot be done to this evidence; the message says why."""


@dataclass(frozen=True, slots=True)
class Subjects:
    """What a contract speaks about, one verdict each.

    Exactly one of `expected` (from the criteria: a lost file cannot lose its own check) and `discovered` (from
    the receipt of `phase`, which found them once) is set; with neither, the contract speaks of the whole.
    """

    label: str
    expected: Callable[[Criteria], Iterable[str]] | None = None
    phase: str = ""
    discovered: Callable[[Receipt[Any]], Iterable[str]] | None = None


WHOLE = Subjects("the whole")


def expected(label: str, of: Callable[[Criteria], Iterable[str]]) -> Subjects:
    """Subjects that the criteria name before anything is read."""
    return Subjects(label, expected=of)


def discovered(label: str, phase: str, of: Callable[[Receipt[Any]], Iterable[str]]) -> Subjects:
    """Subjects that `phase` found; they need a completeness contract of their own."""
    return Subjects(label, phase=phase, discovered=of)


@dataclass(frozen=True, slots=True)
class Sabotage:
    """One way to spoil passing evidence; the contract must refute what comes out."""

    name: str
    spoil: Callable[..., Any]
    spoils: str
    """The parameter that the spoiled value replaces."""


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """How a contract of one subject judges the subjects of a receipt about many.

    `take` returns what `contract` is judged on for one subject, given the receipt, the criteria, the subject and what
    reads evidence; or why there is nothing to judge.
    """

    contract: "Contract"
    take: Callable[[Receipt[Any], Criteria, str, Callable[[EvidenceRef], Any]], "Part | str"]


@dataclass(frozen=True, slots=True)
class Part:
    """What one subject of many is judged on: receipts, criteria, and its own evidence by name."""

    receipts: Receipts
    criteria: Criteria
    evidence: Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Contract:
    """A claim, the receipts it needs, the function that decides it, and its sabotages."""

    name: str
    claim: str
    decide: Callable[..., Finding]
    needs: tuple[str, ...]
    version: int = 1
    subjects: Subjects = WHOLE
    reads: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Parsed evidence: parameter name to (phase, evidence name)."""
    accepts: frozenset[Outcome] = frozenset({Outcome.PASSED})
    """The outcomes of the needed receipts on which the claim can be decided at all."""
    controls: tuple[str, ...] = ()
    topic: str = ""
    """The question that the claim helps to answer, where a plan answers more than one: `origin`, `recovery`."""
    plans: frozenset[str] = frozenset()
    """The only plans the contract joins; empty means every plan that supplies its needs."""
    applies: Callable[[Criteria], bool] | None = None
    """Whether the criteria ask for this claim at all; a plan that does not ask does not list it."""
    sabotages: list[Sabotage] = field(default_factory=list)
    parts: "Parts | None" = None
    """Set where the contract judges each of many readings as if it were the only one."""

    def is_asked(self, criteria: Criteria) -> bool:
        """Return whether the criteria ask for this claim."""
        return self.applies is None or self.applies(criteria)

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names that `decide` asks for."""
        return tuple(inspect.signature(self.decide).parameters)

    def sabotage(self, name: str, *, spoils: str = "") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Add a way to spoil the evidence; `spoils` may be left out when there is one parameter to spoil."""

        def add(spoil: Callable[..., Any]) -> Callable[..., Any]:
            target = spoils or next(iter(inspect.signature(spoil).parameters))
            if target not in self.spoilable:
                msg = f"sabotage {name!r} of {self.name} spoils {target!r}, expected one of {sorted(self.spoilable)}"
                raise ValueError(msg)
            self.sabotages.append(Sabotage(name, spoil, target))
            return spoil

        return add

    @property
    def spoilable(self) -> frozenset[str]:
        """The parameters that carry evidence."""
        return frozenset(self.needs) | frozenset(self.reads)


def contract(  # noqa: PLR0913 — each keyword is one property of a claim
    *,
    needs: Iterable[str],
    version: int = 1,
    subjects: Subjects = WHOLE,
    reads: Mapping[str, tuple[str, str]] | None = None,
    accepts: Iterable[Outcome] = (Outcome.PASSED,),
    controls: Iterable[str] = (),
    topic: str = "",
    plans: Iterable[str] = (),
    applies: Callable[[Criteria], bool] | None = None,
) -> Callable[[Callable[..., Finding]], Contract]:
    """Make a contract of a pure function; its name is the contract's, its docstring the claim.

    Raises:
        ValueError: nothing is needed, the claim is missing, or a parameter is neither evidence nor criteria.
    """

    def make(decide: Callable[..., Finding]) -> Contract:
        made = Contract(
            name=decide.__name__,
            claim=(inspect.getdoc(decide) or "").partition("\n")[0],
            decide=decide,
            needs=tuple(needs),
            version=version,
            subjects=subjects,
            reads=dict(reads or {}),
            accepts=frozenset(accepts),
            controls=tuple(controls),
            topic=topic,
            plans=frozenset(plans),
            applies=applies,
        )
        if not made.needs:
            msg = f"contract {made.name} needs no receipt: it would hold whatever happened"
            raise ValueError(msg)
        if not made.claim:
            msg = f"contract {made.name} has no docstring: a claim is a sentence"
            raise ValueError(msg)
        if unknown := set(made.parameters) - made.spoilable - RESERVED:
            msg = f"contract {made.name} asks for {sorted(unknown)}: neither a needed receipt nor evidence it reads"
            raise ValueError(msg)
        return made

    return make
