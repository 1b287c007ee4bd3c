"""The phases and contracts that are installed: drproof's own, found by listing its rooms, and entry points'.

A new phase or contract is one new file; nothing here changes for it.
"""

import pkgutil
from collections.abc import Iterator
from functools import cache, partial
from importlib import import_module
from importlib.metadata import entry_points
from types import ModuleType
from typing import Any

from drproof.evidence.bundle import read_evidence
from drproof.evidence.integrity import Inspection
from drproof.evidence.schemas import problem_of_receipt
from drproof.model.contract import Contract
from drproof.model.judging import judge
from drproof.model.phase import Phase
from drproof.model.plan import Plan, build
from drproof.model.verdict import Verdict

RECOVERY = "recovery"
HEALTH = "health"
BACKUP = "backup"
PREFLIGHT = "preflight"
EXECUTION = "execution"
ORCHESTRATOR = "orchestrator"
FLEET = "fleet"
FAILBACK_RECEIPTS = "failback-receipts"


@cache
def phases() -> tuple[Phase[Any], ...]:
    """Return every installed phase."""
    return tuple(_found("drproof.phases", Phase))


@cache
def contracts() -> tuple[Contract, ...]:
    """Return every installed contract."""
    return tuple(_found("drproof.contracts", Contract))


@cache
def plans() -> tuple[str, ...]:
    """Return the names of the plans that installed phases belong to."""
    return tuple(sorted({plan for phase in phases() for plan in phase.plans}))


@cache
def plan(name: str) -> Plan:
    """Return a plan by name; `PlanError` when there is none."""
    return build(name, phases(), contracts())


def types() -> dict[str, type]:
    """Return the type that each installed phase observes."""
    return {phase.name: phase.observes for phase in phases()}


def judge_again(found: Inspection) -> dict[tuple[str, str], Verdict]:
    """Return the verdicts of the installed contracts on the receipts of a bundle, by contract and subject.

    Only contracts that the bundle's plan lists, in the version that it names, are asked.
    """
    if found.plan is None or found.plan.plan not in plans():
        return {}
    wanted = {(row.name, row.version) for row in found.plan.contracts}
    receipts = {file.receipt.phase: file.receipt for file in found.receipts}
    digests = {file.receipt.phase: file.digest for file in found.receipts}
    return {
        (verdict.contract, verdict.subject): verdict
        for contract in plan(found.plan.plan).contracts
        if (contract.name, contract.version) in wanted
        for verdict in judge(
            contract,
            receipts,
            found.plan.criteria,
            digests=digests,
            read=partial(read_evidence, found.folder.directory),
            check=problem_of_receipt,
        )
    }


def _found(group: str, kind: type) -> Iterator[Any]:
    """Yield each object of `kind` once, from the room `group` and from the entry points of the same name."""
    seen: set[int] = set()
    for module in (*_modules(import_module(group)), *(point.load() for point in entry_points(group=group))):
        candidates = vars(module).values() if isinstance(module, ModuleType) else (module,)
        for candidate in candidates:
            if isinstance(candidate, kind) and id(candidate) not in seen:
                seen.add(id(candidate))
                yield candidate


def _modules(package: ModuleType) -> Iterator[ModuleType]:
    for info in sorted(pkgutil.walk_packages(package.__path__, f"{package.__name__}."), key=lambda info: info.name):
        yield import_module(info.name)
