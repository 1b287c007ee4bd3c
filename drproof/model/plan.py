"""Plans as graphs: which phases, in the one order that their edges allow, and which contracts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

from drproof.model.contract import Contract
from drproof.model.criteria import Criteria
from drproof.model.errors import PlanError
from drproof.model.lifting import lift
from drproof.model.phase import Phase


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Phases in order, and the contracts that their receipts can decide."""

    name: str
    phases: tuple[Phase[Any], ...]
    contracts: tuple[Contract, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The phases' names, in order."""
        return tuple(phase.name for phase in self.phases)

    @property
    def mutates(self) -> bool:
        """Whether any phase changes the world."""
        return any(phase.mutates for phase in self.phases)

    @property
    def windows(self) -> tuple[str, ...]:
        """The windows of the plan in order."""
        return tuple(dict.fromkeys(phase.window for phase in self.phases if phase.window))

    def phase(self, name: str) -> Phase[Any]:
        """Return a phase by name.

        Raises:
            PlanError: the plan has no such phase.
        """
        for phase in self.phases:
            if phase.name == name:
                return phase
        msg = f"plan {self.name} has no phase {name!r}, expected one of {', '.join(self.names)}"
        raise PlanError(msg)

    def upstream(self, name: str) -> frozenset[str]:
        """Return every phase that `name` comes after, directly or not."""
        seen: set[str] = set()
        queue = list(self.phase(name).after)
        while queue:
            current = queue.pop()
            if current not in seen and current in self.names:
                seen.add(current)
                queue.extend(self.phase(current).after)
        return frozenset(seen)

    def asked(self, criteria: Criteria, phases: Iterable[str]) -> tuple[Contract, ...]:
        """Return the contracts that `phases` can decide and the criteria ask for."""
        available = set(phases)
        return tuple(
            contract
            for contract in self.contracts
            if available.issuperset(contract.needs) and contract.is_asked(criteria)
        )


def build(name: str, phases: Iterable[Phase[Any]], contracts: Iterable[Contract]) -> Plan:
    """Return the plan `name` of all phases and contracts that are installed.

    Ordinary phases come in topological order, ties broken by name; `always` phases that come after nothing come
    last, so that a new phase needs no edit in theirs.

    Raises:
        PlanError: no phase, a cycle, an edge to a phase outside the plan, a duplicate, or a requirement that no
            contract of the plan fulfils.
    """
    installed = tuple(phases)
    members = _unique(name, [phase for phase in installed if name in phase.plans])
    if not members:
        msg = f"no phase belongs to plan {name!r}"
        raise PlanError(msg)
    ordinary = [p.name for p in members.values() if not (p.always and not p.after)]
    # A phase of several plans comes after those of its predecessors that the plan has.
    graph = {
        p.name: members.keys() & p.after if p.name in ordinary else {*ordinary, *(members.keys() & p.after)}
        for p in members.values()
    }
    for phase in members.values():
        if missing := set(phase.after) - {p.name for p in installed}:
            msg = f"phase {phase.name} comes after {sorted(missing)}, which is not installed"
            raise PlanError(msg)
    ordered = tuple(members[phase] for phase in _sorted(name, graph))
    supplied = set(members)
    kept = {(p.name, evidence) for p in members.values() for evidence in p.keeps}
    candidates = [c for c in contracts if not c.plans or name in c.plans]
    supplied_for = (contract for contract in candidates if supplied.issuperset(contract.needs))
    joined = _unique_contracts((*supplied_for, *_lifted(members.values(), candidates)))
    for contract in joined:
        if unkept := set(contract.reads.values()) - kept:
            msg = f"contract {contract.name} reads {sorted(unkept)}, which no phase of plan {name} keeps"
            raise PlanError(msg)
    for phase in ordered:
        if missing := set(phase.requires) - {c.name for c in joined}:
            msg = f"phase {phase.name} requires {sorted(missing)}, which plan {name} does not have"
            raise PlanError(msg)
    return Plan(name, ordered, joined)


def _sorted(name: str, graph: Mapping[str, set[str]]) -> Iterable[str]:
    sorter = TopologicalSorter(graph)
    try:
        sorter.prepare()
    except CycleError as exc:
        msg = f"the phases of plan {name} come after each other in a circle: {' -> '.join(exc.args[1])}"
        raise PlanError(msg) from exc
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        yield from ready
        sorter.done(*ready)


def _unique(name: str, phases: Iterable[Phase[Any]]) -> dict[str, Phase[Any]]:
    members: dict[str, Phase[Any]] = {}
    for phase in phases:
        if phase.name in members:
            msg = f"plan {name} has two phases named {phase.name!r}"
            raise PlanError(msg)
        members[phase.name] = phase
    return members


def _lifted(phases: Iterable[Phase[Any]], contracts: Iterable[Contract]) -> Iterable[Contract]:
    """Yield the contracts of one subject for each phase that does for many what another does for one."""
    for phase in phases:
        if phase.each is not None:
            one = {phase.each.of.name}
            yield from (lift(contract, phase) for contract in contracts if set(contract.needs) == one)


def _unique_contracts(contracts: Iterable[Contract]) -> tuple[Contract, ...]:
    joined: dict[str, Contract] = {}
    for contract in contracts:
        if contract.name in joined:
            msg = f"two contracts are named {contract.name!r}"
            raise PlanError(msg)
        joined[contract.name] = contract
    return tuple(joined[name] for name in sorted(joined))
