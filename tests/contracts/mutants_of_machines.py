"""Mutants of the room that reads state machines: judged by its own tests, loaded anew beside the mutated file.

Its tests are tables of planted defects, each of a whole machine. To put every mutant of the house to them would take
hours; to put those of this room to them takes half a second each.
"""

import ast
import itertools
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import pytest

import drproof
import tests

ROOM = "drproof.analysis.machine"
TESTS = "tests.analysis.machine"
LONGEST_SECONDS = 10
"""Of this process's own time: twenty times what the tests take."""


@contextmanager
def room(changed: str = "", tree: ast.Module | None = None) -> Iterator[tuple[ModuleType, ...]]:
    """Yield the tests of the room, with the room loaded anew, and one file of it changed."""
    names = (*in_order(ROOM), *in_order(TESTS))
    for name in names:
        import_module(name)
    packages = [sys.modules[name] for name in (ROOM, TESTS)]
    kept, members = {name: sys.modules[name] for name in names}, [dict(vars(package)) for package in packages]
    try:
        for name in names:
            _load(name, tree if name == changed else None)
        yield tuple(sys.modules[name] for name in in_order(TESTS))
    finally:
        sys.modules.update(kept)
        for package, before in zip(packages, members, strict=True):
            vars(package).update(before)


def survives(changed: str = "", tree: ast.Module | None = None) -> bool:
    """Return whether no test of the room notices a changed file."""
    try:
        with room(changed, tree) as modules, _limited():
            for module in modules:
                for name, test in vars(module).items():
                    if name.startswith("test_"):
                        for arguments in cases(test):
                            test(**arguments)
    except (Exception, pytest.fail.Exception):  # noqa: BLE001 — whatever a changed comparison leads to, it was noticed
        return False
    return True


@contextmanager
def _limited() -> Iterator[None]:
    """Break off what goes round for ever: whoever waits for it has noticed."""

    def late(_signal: int, _frame: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGVTALRM, late)
    signal.setitimer(signal.ITIMER_VIRTUAL, LONGEST_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def cases(test: Any) -> Iterator[dict[str, Any]]:
    """Yield the arguments of each case of a test, as pytest would hand them over; fixtures there are none."""
    marks = [mark for mark in getattr(test, "pytestmark", ()) if mark.name == "parametrize"]
    tables = []
    for mark in marks:
        names, rows = mark.args
        names = [one.strip() for one in names.split(",")] if isinstance(names, str) else list(names)
        tables.append([dict(zip(names, row if len(names) > 1 else (row,), strict=True)) for row in rows])
    for rows in itertools.product(*tables):
        yield {name: value for row in rows for name, value in row.items()}


@cache
def in_order(package: str) -> tuple[str, ...]:
    """Return the modules of a package, each after those that it imports."""
    top, _, rest = package.partition(".")
    root = Path((drproof if top == "drproof" else tests).__file__ or "").parent
    files = {f"{package}.{path.stem}": path for path in sorted(root.joinpath(*rest.split(".")).glob("[!_]*.py"))}
    found: list[str] = []

    def visit(name: str) -> None:
        if name in files and name not in found:
            for wanted in _wanted(files[name]):
                visit(wanted)
            found.append(name)

    for name in files:
        visit(name)
    return tuple(found)


def _wanted(path: Path) -> list[str]:
    statements = ast.parse(path.read_text(encoding="utf-8")).body
    imports = [one for one in statements if isinstance(one, ast.ImportFrom) and one.module]
    return [
        name for one in imports for name in (one.module, *(f"{one.module}.{alias.name}" for alias in one.names)) if name
    ]


@cache
def _compiled(name: str) -> CodeType:
    path = Path(sys.modules[name].__file__ or "")
    return compile(path.read_text(encoding="utf-8"), name, "exec")


def _load(name: str, tree: ast.Module | None) -> None:
    module = ModuleType(name)
    module.__file__ = sys.modules[name].__file__
    code = compile(ast.fix_missing_locations(tree), name, "exec") if tree is not None else _compiled(name)
    sys.modules[name] = module
    exec(code, module.__dict__)
    # `from package import module` asks the package first.
    package, _, short = name.rpartition(".")
    setattr(sys.modules[package], short, module)
