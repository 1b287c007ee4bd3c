"""Checking a fleet with two processes, beside one: eight large restore points; and a thousand small ones, each named.

    python -m benchmarks fleet

The embedded world holds large archives that are long to read and short to store, so that what is compared is reading.
It is started before the clock is: nobody's real fleet has to be made first. All else of a run counts, from the start of
pytest to its end; how long restore points were read stands beside it.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from benchmarks.harness import Cost, Gate, Options, as_installed, compared, least

UNDER = "s3://atlas-backups/atlas/backups"
TWO_BESIDE_ONE = 0.65
"""The limit of two processes beside one."""
WORLD_READY_SECONDS = 300
METER = """
import json, time

taken = {}

def pytest_sessionstart(session):
    taken["began"] = taken["ended"] = time.process_time()

def pytest_runtest_logfinish():
    taken["ended"] = time.process_time()

def pytest_unconfigure(config):
    with open("processes.jsonl", "a") as file:
        file.write(json.dumps(taken["ended"] - taken["began"]) + "\\n")
"""
"""A plugin by which each process says what it took of the CPU from the start of its session to its last item's end."""
SMALL, SPOILED = 1_000, "backup-object-byte-flipped"
"""How many small ones, and what spoils one of them."""


@contextmanager
def world(folder: Path, fleet: str) -> Iterator[Path]:
    """Yield the folder of a world with a fleet, which is up and ends with its run.

    Raises:
        RuntimeError: it did not come up.
    """
    folder.mkdir()
    ready, environment = folder / "world.json", {**as_installed(), "EMBEDDED_WORLD_MEMBERS": "20"}
    command = [sys.executable, "-m", "drproof.embedded", "--directory", str(folder), "--linger", "600"]
    with subprocess.Popen(command, env={**environment, "EMBEDDED_WORLD_FLEET": fleet}, stdout=subprocess.DEVNULL) as it:
        try:
            late = time.monotonic() + WORLD_READY_SECONDS
            while not (ready.exists() and ready.stat().st_size):
                if it.poll() is not None or time.monotonic() > late:
                    msg = f"the embedded world did not come up in {WORLD_READY_SECONDS} s"
                    raise RuntimeError(msg)
                time.sleep(0.05)
            yield folder
        finally:
            if it.poll() is None:
                it.send_signal(signal.SIGTERM)


def checked(folder: Path, fleet: str, processes: int, name: str) -> tuple[Cost, Path]:
    """Check a fleet as its users do; return the CPU of the busiest process, the wall, and where the bundle is."""
    (folder / "meter.py").write_text(METER, encoding="utf-8")
    taken = folder / "processes.jsonl"
    taken.unlink(missing_ok=True)
    words = ["-p", "meter", "-p", "no:randomly", "-q", "-m", "backup-check", "--target", "embedded"]
    words += ["--backups-under", UNDER, "-n", str(processes), "--run-id", name]
    load = os.getloadavg()[0] / (os.cpu_count() or 1)
    with world(folder / f"{name}.world", fleet) as up:
        environment = {**as_installed(), "PYTHONPATH": str(folder), "DRPROOF_WORLD": str(up)}
        began = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "pytest", *words],
            cwd=folder,
            env=environment,
            stdout=subprocess.DEVNULL,
            check=False,
        )
        wall = time.perf_counter() - began
    bundle = folder / "reports" / name
    verdicts = json.loads((bundle / "verdicts.json").read_bytes())["verdicts"]
    # A contract more that notices the same damage is no reason to stop: whose they are is.
    doubtful = {row["subject"]: row["reason"] for row in verdicts if row["status"] != "proven"}
    if len(doubtful) > fleet.count(SPOILED):
        msg = f"the fleet of this benchmark is not as it was meant: {doubtful}"
        raise RuntimeError(msg)
    busiest = max(json.loads(line) for line in taken.read_text(encoding="utf-8").splitlines())
    return Cost(cpu=busiest, wall=wall, load=load), bundle


def reading(bundle: Path) -> float:
    """Return the seconds from the first byte that was asked for to the last restore point's end."""
    readings = [json.loads(path.read_bytes()) for path in bundle.glob("evidence/read_restore_points.reading.*.json")]
    first = min(datetime.fromisoformat(one["started_at"]) for one in readings)
    last = max(datetime.fromisoformat(one["ended_at"]) for one in readings)
    return (last - first).total_seconds()


def large(folder: Path, points: int, rounds: int) -> list[Gate]:
    """Return the gates of large restore points: two processes beside one."""
    one, two = "-n 0", "-n 2"
    whole: dict[str, list[Cost]] = {one: [], two: []}
    spans: dict[str, list[Cost]] = {one: [], two: []}
    for number in range(rounds):
        for name, processes in ((one, 0), (two, 2)):
            cost, bundle = checked(folder, f"large*{points}", processes, f"large-{number}-{processes}")
            whole[name].append(cost)
            spans[name].append(replace(cost, wall=reading(bundle)))
    said = f"{points} restore points of 1 GiB, {two}"
    wall = compared(said, whole, two, [one], limit=TWO_BESIDE_ONE, metric="wall", tolerance=0.25)
    # What no second process shares: pytest's start, settings, listing, judging, sealing, the page.
    alone = least(whole, [one], "wall") - least(spans, [one], "wall")
    return [
        replace(wall, detail=f"{wall.detail}, {alone:.1f} s of it no reading"),
        compared(
            f"{said}, while they are read", spans, two, [one], limit=TWO_BESIDE_ONE, metric="wall", tolerance=0.25
        ),
        compared(f"{said}, busiest process", whole, two, [one], limit=TWO_BESIDE_ONE, tolerance=0.25),
    ]


def small(folder: Path, points: int) -> Gate:
    """Return the gate of many small restore points: each has its verdicts, and the one that is spoiled is refuted."""
    half = (points - 2) // 2
    cost, bundle = checked(folder, f"whole*{half},{SPOILED},whole*{points - 2 - half}", 2, "small")
    verdicts = json.loads((bundle / "verdicts.json").read_bytes())["verdicts"]
    refuted = {row["subject"] for row in verdicts if row["status"] == "refuted"}
    named = {row["subject"] for row in verdicts if row["subject"]}
    wrong = abs(len(named) - points) + abs(len(refuted) - 1)
    detail = f"{len(named)} named, {len(refuted)} refuted, {cost.wall:.0f} s with two processes"
    return Gate(name=f"{points:,} small restore points, each named", ratio=wrong, limit=0, detail=detail)


def run(options: Options) -> list[Gate]:
    """Return all gates."""
    points, rounds = (8, 2) if options.quick else (8, 4)
    return [*large(options.scratch, points, rounds), small(options.scratch, 100 if options.quick else SMALL)]
