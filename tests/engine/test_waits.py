"""A rehearsal that goes well keeps nobody waiting: no look of a drill comes later than a tenth of a second there.

How long a drill waits there is what the settings of the embedded world say, and what the adapters choose where they have
an endpoint. The waits of the world itself are read by `tests/embedded/test_sleeps.py`.
"""

import ast
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import drproof
from drproof.engine.keys import PAUSE_MS, Sealer
from drproof.formats.durations import parse as milliseconds
from drproof.model.settings import Limits
from drproof.targets.aws.s3_requests import ATTEMPTS, FIRST_PAUSE_AT_THE_WORLD
from drproof.targets.sites import EVERY_AT_THE_WORLD

ROOT = Path(drproof.__file__).parent
SAID = tomllib.loads((ROOT / "embedded" / "settings.toml").read_text(encoding="utf-8"))["limits"]
LONGEST_MS = 100.0
WAITS = {"sleep": 1000, "sleep_ms": 1, "Timer": 1000, "stop.wait": 1000, "_stop.wait": 1000, "ended.wait": 1000}
"""How the calls end that wait, and how many milliseconds one of their units is; other waits end when a thing does."""

IN_THE_WORLD: Mapping[str, float] = {
    "poll_ms": milliseconds(SAID["poll"]),
    "backoff_ms": milliseconds(SAID["backoff"]),
    "_pause_ms": min(PAUSE_MS, milliseconds(SAID["backoff"])),
    "number": Limits().max_attempts - 1,
    "_every": EVERY_AT_THE_WORLD,
    "every": EVERY_AT_THE_WORLD,
    "tried": ATTEMPTS - 1,
    "_first_pause": FIRST_PAUSE_AT_THE_WORLD,
}
"""What stands behind a name in the embedded world, in the unit of whoever waits by it."""

EXPLAINED: Mapping[str, str] = {
    "engine/clock.py: milliseconds / 1000": "the clock itself: whoever asks it says how long, and is read here",
    "engine/guardian.py: PAUSE_SECONDS": "a guardian whose teardown failed twice: what failed was no wait of a drill",
    "engine/lease.py: self._length_ms / (12000 if self._unrenewed else 3000)": "a thread of the background renews the lease; nobody waits for it",
    "plugin/progress.py: TICK_SECONDS if self._live else QUIET_SECONDS": "a thread draws the time; nobody waits for it",
}
"""Waits that are longer, or that nobody can read off the source, each with the reason."""

SOURCES = [path for path in sorted(ROOT.rglob("*.py")) if "embedded" not in path.relative_to(ROOT).parts]


class UnknownError(Exception):
    """A length that cannot be read off the source."""


def most(node: ast.expr, constants: Mapping[str, float]) -> float:
    """Return the longest that a length can be; of the lesser of two, one must be known."""
    match node:
        case ast.Constant(value=float() | int() as value):
            return float(value)
        case ast.Name(id=name) if name in constants:
            return constants[name]
        case ast.Name(id=name) | ast.Attribute(attr=name) if name in IN_THE_WORLD:
            return IN_THE_WORLD[name]
        case ast.IfExp(test=ast.Name(id="endpoint"), body=body):
            # Only the embedded world has an endpoint of its own.
            return most(body, constants)
        case ast.Call(func=ast.Name(id="min"), args=args):
            return min(_known(args, constants))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATIONS:
            return OPERATIONS[type(op)](most(left, constants), most(right, constants))
    raise UnknownError(ast.unparse(node))


OPERATIONS: Mapping[type[ast.operator], Any] = {
    ast.Mult: lambda left, right: left * right,
    ast.Div: lambda left, right: left / right,
    ast.FloorDiv: lambda left, right: left // right,
    ast.Add: lambda left, right: left + right,
    ast.Sub: lambda left, right: left - right,
    ast.Pow: lambda left, right: left**right,
}


def _known(args: list[ast.expr], constants: Mapping[str, float]) -> list[float]:
    found = []
    for one in args:
        try:
            found.append(most(one, constants))
        except UnknownError:
            continue
    if not found:
        raise UnknownError(", ".join(map(ast.unparse, args)))
    return found


def constants_of(tree: ast.Module) -> dict[str, float]:
    return {
        node.targets[0].id: float(node.value.value)
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, int | float)
    }


def waits(text: str) -> list[tuple[ast.expr, int]]:
    """Return the length of each wait, with its unit in milliseconds."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        unit = next((unit for end, unit in WAITS.items() if name == end or name.endswith((f".{end}", f"{end}"))), 0)
        if unit and node.args:
            found.append((node.args[0], unit))
        found += [(one.value, 1000) for one in node.keywords if one.arg == "every"]
    return found


def too_long(text: str, name: str = "") -> list[str]:
    constants, found = constants_of(ast.parse(text)), []
    for length, unit in waits(text):
        said = f"{name}: {ast.unparse(length)}"
        if said in EXPLAINED:
            continue
        try:
            if most(length, constants) * unit > LONGEST_MS + 1e-6:
                found.append(said)
        except UnknownError:
            found.append(f"{said}, which cannot be read off the source")
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_wait_of_a_drill_is_longer_than_a_tenth_of_a_second_in_the_embedded_world(path):
    assert too_long(path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix()) == []


@pytest.mark.parametrize(
    "line",
    [
        "time.sleep(0.2)",
        "ctx.clock.sleep_ms(A)",
        "clock.sleep_ms(limits.backoff_ms * 9)",
        "self._stop.wait(1)",
        "waiting.until(1, every=B)",
        "time.sleep(min(left, B))",
        "time.sleep(left)",
    ],
)
def test_a_longer_one_is_found_however_it_is_written(line):
    assert len(too_long(f"A = 250\nB = 0.25\ndef wait():\n    {line}\n")) == 1


def test_only_attempts_before_the_last_are_waited_after_and_a_key_is_asked_no_oftener():
    """By that the longest wait of each is read off its factor; a world of its own would say otherwise."""
    assert "max_attempts" not in SAID
    assert Limits().max_attempts >= Sealer.TRIES


def test_each_explained_wait_is_there_and_is_longer_or_unreadable():
    there = {
        f"{path.relative_to(ROOT).as_posix()}: {ast.unparse(length)}"
        for path in SOURCES
        for length, _ in waits(path.read_text(encoding="utf-8"))
    }

    assert EXPLAINED.keys() <= there
    assert len(there) > 25
    assert all(len(reason) > 20 for reason in EXPLAINED.values())
