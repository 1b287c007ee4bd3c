"""What every benchmark measures with: commands by turns, the least of each, and gates that can say "too noisy".

A gate compares two sides of one loop: a machine's speed is no property of the code, and the opponent's figure from
another day is none of this one.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

METER = """
import ctypes, json, os, resource, sys, time
if ctypes.CDLL(None, use_errno=True).prctl(36, 1, 0, 0, 0):
    sys.exit("this system has no subreapers: orphans would not be counted")
sink = os.open(os.devnull, os.O_WRONLY)
began = time.perf_counter()
first = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, sink, 1)])
cpu, peak, failed = 0.0, 0, 0
while True:
    try:
        pid, status, used = os.wait4(-1, 0)
    except ChildProcessError:
        break
    cpu += used.ru_utime + used.ru_stime
    peak = max(peak, used.ru_maxrss * 1024)
    failed = status if pid == first else failed
json.dump({"cpu": cpu, "wall": time.perf_counter() - began, "peak": peak, "status": failed}, sys.stdout)
"""
"""A process between us and the command: it adopts orphans, which a shell's `>(…)` leaves behind, and it is small, for
the peak of a child is never below that of the process that started it."""
TOLERANCE = 0.10
"""How far the two halves of one side may lie apart before a gate says nothing."""
CROWDED = 1.5
"""Programs that want a processor, for each that there is: beyond it an interpreter, which lives off its caches, is
slowed down more than a loop over bytes is, in every round alike, and no null check sees that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line asks for; `scratch` is a folder that is removed afterwards."""

    quick: bool
    scratch: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one run of one side took: seconds of CPU and of wall, and bytes at the peak (0 where none were taken).

    `load` is how many programs wanted each processor in the minute before.
    """

    cpu: float
    wall: float
    peak: int = 0
    load: float = 0


Metric: TypeAlias = Literal["cpu", "wall"]
Costs: TypeAlias = Mapping[str, Sequence[Cost]]
"""The runs of each side, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A ratio that may not exceed its limit.

    `null` is the most that either side differs from itself within the loop; None where the figure has no noise (bytes
    served, peak memory). `load` is the least of the loop. `detail` says what was divided by what.
    """

    name: str
    ratio: float
    limit: float
    null: float | None = None
    load: float | None = None
    tolerance: float = TOLERANCE
    detail: str = ""

    def __post_init__(self) -> None:
        """Refuse a figure that may be noise and does not say how crowded the machine was.

        Raises:
            ValueError: it has a null check and no load.
        """
        if self.null is not None and self.load is None:
            msg = f"the gate {self.name!r} has a null check: expected the load beside it, got none"
            raise ValueError(msg)

    @property
    def verdict(self) -> str:
        """`held`, `broken` or `too noisy`."""
        if self.null is not None and (self.null > 1 + self.tolerance or (self.load or 0) > CROWDED):
            return "too noisy"
        return "held" if self.ratio <= self.limit else "broken"

    def line(self) -> str:
        """Return the gate as one line."""
        null = "" if self.null is None else f", null {self.null:.2f}, load {self.load or 0:.1f}"
        return f"{self.verdict:9} {self.name}: {self.ratio:.2f} (limit {self.limit:g}{null}) {self.detail}".rstrip()

    def row(self) -> str:
        """Return the gate as one line of JSON."""
        fields = {name: getattr(self, name) for name in ("name", "ratio", "limit", "null", "load", "verdict", "detail")}
        return json.dumps({key: round(one, 4) if isinstance(one, float) else one for key, one in fields.items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class NotRun:
    """What could not be measured here, and why: it is neither held nor broken, and a run that has one is not whole."""

    name: str
    why: str
    verdict: str = "not run"

    def line(self) -> str:
        """Return it as one line, and what to do next as another."""
        return f"{self.verdict:9} {self.name}: {self.why}"

    def row(self) -> str:
        """Return it as one line of JSON."""
        return json.dumps({"name": self.name, "verdict": self.verdict, "detail": self.why})


Found: TypeAlias = "Iterable[Gate | NotRun]"
"""What a benchmark comes to, in the order in which it is known."""


def interleave(commands: Mapping[str, Sequence[str]], rounds: int) -> Costs:
    """Run every command once a round, each with all its descendants counted; what it prints is dropped.

    Raises:
        RuntimeError: a command failed, so that there is nothing to compare.
    """
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            costs[name].append(_metered(name, command))
    return costs


def _metered(name: str, command: Sequence[str]) -> Cost:
    load = _load()
    meter = [sys.executable, "-I", "-S", "-c", METER, *command]
    done = subprocess.run(meter, capture_output=True, check=False, env=as_installed())
    found = json.loads(done.stdout) if done.returncode == 0 else {"status": done.returncode}
    if found.pop("status"):
        msg = f"{name}: {' '.join(command)[:200]} failed: {done.stderr.decode(errors='replace')[-2_000:]}"
        raise RuntimeError(msg)
    return Cost(**found, load=load)


def as_installed() -> dict[str, str]:
    """Return the environment in which what is imported is compiled once, as by an installer."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def _load() -> float:
    return os.getloadavg()[0] / (os.cpu_count() or 1)


def interleave_calls(calls: Mapping[str, Callable[[], object]], rounds: int) -> Costs:
    """Call every function once a round, in this process; peaks are not taken."""
    costs: dict[str, list[Cost]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            cpu, wall, load = time.process_time(), time.perf_counter(), _load()
            call()
            costs[name].append(Cost(cpu=time.process_time() - cpu, wall=time.perf_counter() - wall, load=load))
    return costs


def least(costs: Costs, names: Sequence[str], metric: Metric) -> float:
    """Return the sum over some sides of the least that each took: the estimator that noise moves least."""
    return sum(min(_taken(costs[name], metric)) for name in names)


def null(costs: Costs, names: Sequence[str], metric: Metric) -> float:
    """Return how far the even and the odd rounds of one side lie apart, as a ratio of at least 1: the null check."""
    halves = [sum(min(_taken(costs[name][first::2], metric)) for name in names) for first in (0, 1)]
    return max(halves) / min(halves)


def crowd(costs: Costs, names: Sequence[str]) -> float:
    """Return the least load of a loop: how crowded the machine was in its quietest round."""
    return min(cost.load for name in names for cost in costs[name])


def _taken(runs: Sequence[Cost], metric: Metric) -> list[float]:
    return [run.cpu if metric == "cpu" else run.wall for run in runs]


def compared(  # noqa: PLR0913 — what a comparison is made of
    name: str,
    costs: Costs,
    ours: str,
    theirs: Sequence[str],
    *,
    limit: float,
    metric: Metric = "cpu",
    tolerance: float = TOLERANCE,
) -> Gate:
    """Return the gate of one side over the sum of others, with its null check; `costs` has at least two rounds."""
    mine, other = least(costs, [ours], metric), least(costs, theirs, metric)
    return Gate(
        name=f"{name}, {metric}",
        ratio=mine / other,
        limit=limit,
        null=max(null(costs, [ours], metric), null(costs, theirs, metric)),
        load=crowd(costs, [ours, *theirs]),
        tolerance=tolerance,
        detail=f"{mine:.3f} s beside {other:.3f} s of {' + '.join(theirs)}",
    )


def within(name: str, costs: Costs, ours: str, *, limit: int) -> Gate:
    """Return the gate of one side's peak memory over a limit in bytes."""
    peak = max(cost.peak for cost in costs[ours])
    detail = f"{peak / (1 << 20):.1f} MiB of {limit / (1 << 20):.1f}"
    return Gate(name=f"{name}, peak memory", ratio=peak / limit, limit=1, detail=detail)
