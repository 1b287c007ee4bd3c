"""Checking a fleet with two processes, beside one: eight large restore points; and a thousand small ones, each named.

    python -m benchmarks fleet

The embedded world holds large archives that are long to read and short to store, so that what is compared is reading.
"""

import json
import os
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

from benchmarks.harness import Cost, Gate, Options, compared

UNDER = "s3://atlas-backups/atlas/backups"
READING, WHOLE = 0.65, 0.80
"""Limits of two processes beside one: while restore points are read, and from start to seal."""
SMALL, SPOILED = 1_000, "backup-object-byte-flipped"


def checked(folder: Path, fleet: str, processes: int, name: str) -> tuple[Cost, Path]:
    """Check a fleet in a process of its own; return what it took, and where the bundle is."""
    words = ["-p", "no:randomly", "-q", "-m", "backup-check", "--target", "embedded", "--backups-under", UNDER]
    environment = {**os.environ, "EMBEDDED_WORLD_MEMBERS": "20", "EMBEDDED_WORLD_FLEET": fleet}
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "pytest", *words, "-n", str(processes), "--run-id", name],
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        check=False,
    )
    return Cost(cpu=0, wall=time.perf_counter() - began), folder / "reports" / name


def reading(bundle: Path) -> Cost:
    """Return how long it took from the first byte that was asked for to the last restore point's end."""
    readings = [json.loads(path.read_bytes()) for path in bundle.glob("evidence/read_restore_points.reading.*.json")]
    first = min(datetime.fromisoformat(one["started_at"]) for one in readings)
    last = max(datetime.fromisoformat(one["ended_at"]) for one in readings)
    return Cost(cpu=0, wall=(last - first).total_seconds())


def large(folder: Path, points: int, rounds: int) -> list[Gate]:
    """Return the gates of large restore points: two processes beside one."""
    one, two = "-n 0", "-n 2"
    whole: dict[str, list[Cost]] = {one: [], two: []}
    read: dict[str, list[Cost]] = {one: [], two: []}
    for number in range(rounds):
        for name, processes in ((one, 0), (two, 2)):
            cost, bundle = checked(folder, f"large*{points - 1}", processes, f"large-{number}-{processes}")
            whole[name].append(cost)
            read[name].append(reading(bundle))
    said = f"{points} restore points of 1 GiB"
    return [
        compared(f"reading {said}, {two}", read, two, [one], limit=READING, metric="wall", tolerance=0.25),
        compared(f"checking {said}, {two}", whole, two, [one], limit=WHOLE, metric="wall", tolerance=0.25),
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
