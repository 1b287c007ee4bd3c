"""The embedded world keeps nobody waiting: no sleep of its own is longer than a tenth of a second."""

import ast
from pathlib import Path

import pytest

import drproof.embedded

LONGEST = 0.1
PERIODS = {"PULSE_SECONDS", "TICK_SECONDS"}
"""How often a thread of the background looks around; no call and no state waits for it."""

INJECTED = {"cluster.py: seconds"}
"""How long an injected failure lasts; its scenario says that."""

SOURCES = sorted(Path(drproof.embedded.__file__).parent.rglob("*.py"))


class UnknownError(Exception):
    """A length that cannot be read off the source."""


def value_of(node: ast.expr, constants: dict[str, float]) -> float:
    match node:
        case ast.Constant(value=float() | int() as value):
            return float(value)
        case ast.Name(id=name) if name in constants:
            return constants[name]
        case ast.BinOp(left=left, op=ast.Sub(), right=right):
            return value_of(left, constants) - value_of(right, constants)
    raise UnknownError(ast.unparse(node))


def constants_of(tree: ast.Module) -> dict[str, float]:
    found: dict[str, float] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            try:
                found[node.targets[0].id] = value_of(node.value, found)
            except UnknownError:
                continue
    return found


def sleeps(text: str, name: str = "") -> list[str]:
    """Return each sleep that is too long, or of a length that nobody can read."""
    tree = ast.parse(text)
    constants, found = constants_of(tree), []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not ast.unparse(node.func).endswith(("sleep", "Timer")):
            continue
        length = node.args[0]
        if ast.unparse(length) in PERIODS or f"{name}: {ast.unparse(length)}" in INJECTED:
            continue
        try:
            # Two lengths are taken from each other with what floating point makes of it.
            if value_of(length, constants) > LONGEST + 1e-9:
                found.append(ast.unparse(node))
        except UnknownError:
            found.append(f"{ast.unparse(node)}: a length that cannot be read off the source")
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_no_sleep_of_the_world_is_longer_than_a_tenth_of_a_second(path):
    assert sleeps(path.read_text(encoding="utf-8"), path.name) == []


@pytest.mark.parametrize(
    "line", ["time.sleep(0.2)", "sleep(A)", "threading.Timer(A - B, act)", "time.sleep(config.pause)", "time.sleep(1)"]
)
def test_a_longer_one_is_found_however_it_is_written(line):
    assert len(sleeps(f"A = 0.5\nB = 0.1\ndef wait():\n    {line}\n")) == 1


def test_there_are_sleeps_that_this_reads():
    assert sum("sleep(" in path.read_text(encoding="utf-8") for path in SOURCES) >= 3
