"""Every file that decides, with one comparison turned: whoever runs the checks on it must notice."""

import ast
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType

import drproof
from drproof.model.contract import Contract
from tests.contracts import (
    boundaries_of_alarms,
    boundaries_of_backups,
    boundaries_of_callers,
    boundaries_of_clusters,
    boundaries_of_control_planes,
    boundaries_of_executions,
    boundaries_of_failbacks,
    boundaries_of_fleets,
    boundaries_of_machines,
    boundaries_of_orchestrators,
    boundaries_of_preflights,
    boundaries_of_published,
    boundaries_of_recoveries,
    boundaries_of_restore_points,
    boundaries_of_runs,
    boundaries_of_teardowns,
    boundaries_of_terraform,
    boundaries_of_workloads,
    mutants_of_machines,
    reasoning_of_leases,
    reasoning_of_lock_tables,
    reasoning_of_policies,
    reasoning_of_runs,
    reasoning_of_terraform,
    reasoning_of_tests,
)
from tests.contracts.boundary import BOUNDARIES
from tests.contracts.checks import EVERY, House
from tests.contracts.reasoning import REASONING

CHECKED = (
    boundaries_of_alarms,
    boundaries_of_backups,
    boundaries_of_callers,
    boundaries_of_clusters,
    boundaries_of_control_planes,
    boundaries_of_executions,
    boundaries_of_failbacks,
    boundaries_of_orchestrators,
    boundaries_of_published,
    boundaries_of_fleets,
    boundaries_of_machines,
    boundaries_of_preflights,
    boundaries_of_recoveries,
    boundaries_of_restore_points,
    boundaries_of_runs,
    boundaries_of_teardowns,
    boundaries_of_terraform,
    boundaries_of_workloads,
    reasoning_of_leases,
    reasoning_of_lock_tables,
    reasoning_of_policies,
    reasoning_of_runs,
    reasoning_of_terraform,
    reasoning_of_tests,
)
"""The rooms whose import registers their checks."""

ROOT = Path(drproof.__file__).parent
TURNED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
}
"""Each comparison with its opposite, and with the one that differs on the boundary alone."""

UNCHANGED = -1
"""The number of the mutant that is none: the control of the experiment."""


@dataclass(frozen=True, order=True)
class Mutant:
    """One change of one file."""

    module: str
    number: int
    line: int
    change: str

    def __str__(self) -> str:
        """Return where it is and what it changes."""
        return f"{self.module.removeprefix('drproof.')}:{self.line} {self.change} #{self.number}"


@dataclass(frozen=True)
class _Site:
    line: int
    change: str
    apply: "Change"


@dataclass(frozen=True)
class Change:
    """A node of a tree, and what is put in its place."""

    node: ast.AST
    field: str
    value: object
    index: int | None = None

    def __call__(self) -> None:
        """Change the tree in place."""
        if self.index is None:
            setattr(self.node, self.field, self.value)
        else:
            getattr(self.node, self.field)[self.index] = self.value


@cache
def modules() -> tuple[str, ...]:
    """Return the modules that decide."""
    files = sorted(path for room in ("contracts", "analysis") for path in (ROOT / room).rglob("*.py"))
    names = (".".join(("drproof", *path.relative_to(ROOT).with_suffix("").parts)) for path in files)
    return tuple(name for name in names if not name.endswith("__init__"))


def mutants() -> tuple[Mutant, ...]:
    """Return every mutant of every module."""
    return tuple(
        Mutant(name, number, site.line, site.change)
        for name in modules()
        for number, site in enumerate(_sites(_tree(name)))
    )


def _tree(module: str) -> ast.Module:
    path = ROOT.joinpath(*module.split(".")[1:]).with_suffix(".py")
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def _changed(mutant: Mutant) -> ast.Module:
    tree = _tree(mutant.module)
    if mutant.number != UNCHANGED:
        _sites(tree)[mutant.number].apply()
    return tree


def _sites(tree: ast.Module) -> list[_Site]:
    return [site for node in ast.walk(tree) for site in _of(node)] + list(_constants(tree))


def _of(node: ast.AST) -> Iterator[_Site]:
    if isinstance(node, ast.Compare):
        for index, operator in enumerate(node.ops):
            for other in TURNED[type(operator)]:
                change = f"{type(operator).__name__} to {other.__name__}"
                yield _Site(node.lineno, change, Change(node, "ops", other(), index))
    elif isinstance(node, ast.BoolOp):
        other_word = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield _Site(node.lineno, f"{type(node.op).__name__} to the other", Change(node, "op", other_word))
    for field, value in ast.iter_fields(node):
        for index, child in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(child, ast.UnaryOp) and isinstance(child.op, ast.Not):
                place = index if isinstance(value, list) else None
                yield _Site(child.lineno, "not dropped", Change(node, field, child.operand, place))


def _constants(tree: ast.Module) -> Iterator[_Site]:
    """Yield the truth values that functions use; those of decorators say how a class is made."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            for statement in function.body:
                for node in ast.walk(statement):
                    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
                        yield _Site(
                            node.lineno, f"{node.value} to {not node.value}", Change(node, "value", not node.value)
                        )


def original() -> House:
    """Return the house as it is installed."""
    loaded = [import_module(name) for name in modules()]
    return House(_contracts(loaded), _reasoning(loaded))


@contextmanager
def mutated(mutant: Mutant) -> Iterator[tuple[House, frozenset[str]]]:
    """Yield a house with one file changed, and the names of the contracts that may notice."""
    tree = _changed(mutant)
    dependants = [mutant.module, *(name for name in modules() if _imports(name, mutant.module))]
    kept = {name: import_module(name) for name in dependants}
    house = original()
    try:
        fresh = [_load(name, tree if name == mutant.module else _tree(name)) for name in dependants]
        changed = _contracts(fresh)
        yield House({**house.contracts, **changed}, {**house.modules, **_reasoning(fresh)}), frozenset(changed)
    finally:
        sys.modules.update(kept)


def survives(mutant: Mutant) -> bool:
    """Return whether no check notices a mutant."""
    if mutant.module.startswith(f"{mutants_of_machines.ROOM}."):
        return mutants_of_machines.survives(mutant.module, _changed(mutant))
    try:
        with mutated(mutant) as (house, changed):
            for name in sorted(changed):
                for check in EVERY:
                    check(house.contracts[name])
            for boundary in (*REASONING, *BOUNDARIES):
                boundary(house)
    except Exception:  # noqa: BLE001 — whatever a changed comparison leads to, it was noticed
        return False
    return True


def _load(name: str, tree: ast.Module) -> ModuleType:
    module = ModuleType(name)
    module.__file__ = str(ROOT.joinpath(*name.split(".")[1:]).with_suffix(".py"))
    sys.modules[name] = module
    exec(compile(ast.fix_missing_locations(tree), name, "exec"), module.__dict__)
    return module


@cache
def _imports(name: str, wanted: str) -> bool:
    return any(isinstance(node, ast.ImportFrom) and node.module == wanted for node in ast.walk(_tree(name)))


def _contracts(loaded: list[ModuleType]) -> dict[str, Contract]:
    return {one.name: one for module in loaded for one in vars(module).values() if isinstance(one, Contract)}


def _reasoning(loaded: list[ModuleType]) -> dict[str, ModuleType]:
    return {
        module.__name__.rpartition(".")[2]: module
        for module in loaded
        if module.__name__.startswith("drproof.analysis.")
    }
