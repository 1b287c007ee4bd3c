"""The phases and contracts that are installed: drproof's own, found by listing its rooms, and entry points'.

A new phase or contract is one new file; nothing here changes for it.
"""

import pkgutil
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from types import ModuleType
from typing import Any

from drproof.model.contract import Contract
from drproof.model.phase import Phase
from drproof.model.plan import Plan, build

RECOVERY = "recovery"
HEALTH = "health"
BACKUP = "backup"
PREFLIGHT = "preflight"


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
