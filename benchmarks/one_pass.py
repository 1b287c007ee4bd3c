"""What the one pass over a restore point costs beside the tools that would do a part of it each.

The floor is the sum of `openssl dgst` over the archive, `zstd -dc`, and `openssl dgst` over the content: what any
reader must do once. The pipeline is what an operator types, and it hashes no member.
"""

import json
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from benchmarks import archives, read_archive, store
from benchmarks.harness import Costs, Gate, Options, compared, crowd, interleave, least, null, within

READ = [sys.executable, read_archive.__file__]
FLOOR = ("openssl of the archive", "zstd", "openssl of the content")
MIB = 1 << 20
FLAT = 96 * MIB
"""The peak of reading, but for the frame's window."""
WINDOW = 1 << 21
"""Of an ordinary frame, as `zstd -3` writes it: 2 MiB."""
MILLION, FEW, EACH_US = 1_000_000, 250_000_000, 4
"""How many members, the bytes that their reader may take, and the microseconds of CPU that one may."""
KEYS = ["AWS_ACCESS_KEY_ID=AKIA", "AWS_SECRET_ACCESS_KEY=secret", "AWS_DEFAULT_REGION=us-west-2"]
NOISE_OF_WALL = 0.25


def run(options: Options) -> list[Gate]:
    """Return the gates of large members, of many small ones, of memory, and of a store."""
    large, small = options.scratch / "large.tar.zst", options.scratch / "small.tar.zst"
    archives.large(large, 256 if options.quick else 1024)
    archives.small(small, 50_000)
    rounds = 4 if options.quick else 6
    gates = [*_large(large, rounds), *_small(small, rounds), *_long_window(options.scratch), *_stored(large, rounds)]
    if not options.quick:
        gates += [*_million(options.scratch), *_four_times(options.scratch, large)]
    return gates


def _floor(path: Path) -> Mapping[str, list[str]]:
    content = path.with_suffix(".content")
    with content.open("wb") as file:
        subprocess.run(["zstd", "-dcq", str(path)], stdout=file, check=True)
    of_archive, of_content = (["openssl", "dgst", "-sha256", str(one)] for one in (path, content))
    return dict(zip(FLOOR, (of_archive, ["zstd", "-dcq", str(path)], of_content), strict=True))


def _pipeline(source: str) -> list[str]:
    command = f"set -o pipefail; {source} | tee >(openssl dgst -sha256 >&2) | zstd -dcq | tar -t"
    return ["bash", "-c", command]


def _ours(path: Path, threads: int) -> list[str]:
    return [*READ, "ours", str(threads), str(path)]


def _large(path: Path, rounds: int) -> list[Gate]:
    sides = {
        "one thread": _ours(path, 1),
        "two threads": _ours(path, 2),
        "pipeline": _pipeline(f"cat {path}"),
        **_floor(path),
    }
    costs = interleave(sides, rounds)
    name = f"{path.stat().st_size:,} bytes of large members"
    return [
        compared(f"{name}, one thread", costs, "one thread", FLOOR, limit=0.9),
        compared(f"{name}, two threads", costs, "two threads", FLOOR, limit=0.95),
        _wall(f"{name}, two threads", costs, "two threads", "pipeline", limit=0.75),
        within(f"{name}, two threads", costs, "two threads", limit=FLAT + WINDOW),
    ]


def _small(path: Path, rounds: int) -> list[Gate]:
    sides = {"ours": _ours(path, 1), "tarfile": [*READ, "tarfile", str(path)], **_floor(path)}
    costs = interleave(sides, rounds)
    name = f"{path.stat().st_size:,} bytes of small members"
    return [
        compared(name, costs, "ours", FLOOR, limit=1.4),
        compared(name, costs, "ours", ["tarfile"], limit=1 / 3),
        within(name, costs, "ours", limit=FLAT + WINDOW),
    ]


def _long_window(scratch: Path) -> list[Gate]:
    path = scratch / "long.tar.zst"
    archives.large(path, 192, window_log=27)
    costs = interleave({"ours": _ours(path, 2)}, 1)
    return [within("a window of 128 MiB", costs, "ours", limit=FLAT + 128 * MIB)]


def _million(scratch: Path) -> list[Gate]:
    path = scratch / "million.tar.zst"
    archives.small(path, MILLION, largest=400)
    costs = interleave({"ours": _ours(path, 1), "tarfile": [*READ, "tarfile", str(path)]}, 2)
    kept = interleave({"kept": [*READ, "kept", str(path)]}, 1)
    return [
        compared("a million members", costs, "ours", ["tarfile"], limit=1 / 3),
        each_of(MILLION, costs),
        within("a million members", costs, "ours", limit=FEW),
        within("a million members, their listing kept as evidence", kept, "kept", limit=FEW),
    ]


def each_of(members: int, costs: Costs) -> Gate:
    """Return the gate of what one member costs, in microseconds of CPU: the only one that is no ratio of two sides."""
    each = least(costs, ["ours"], "cpu") / members * 1e6
    other = least(costs, ["tarfile"], "cpu") / members * 1e6
    return Gate(
        name=f"{members:,} members, cpu of each",
        ratio=each / EACH_US,
        limit=1,
        null=null(costs, ["ours"], "cpu"),
        load=crowd(costs, ["ours"]),
        detail=f"{each:.2f} µs of {EACH_US}, where tarfile took {other:.1f}",
    )


def _four_times(scratch: Path, large: Path) -> list[Gate]:
    path = scratch / "four.tar.zst"
    archives.large(path, 4096)
    costs = interleave({"one": _ours(large, 2), "four": _ours(path, 2)}, 1)
    one, four = costs["one"][0].peak, costs["four"][0].peak
    detail = f"{one:,} and {four:,} bytes"
    return [
        Gate(
            name="peak memory of 4 GiB beyond that of 1 GiB, of 8 MiB",
            ratio=max(0, four - one) / (8 * MIB),
            limit=1,
            detail=detail,
        )
    ]


def _stored(path: Path, rounds: int) -> list[Gate]:
    """From a store over HTTP, beside `aws s3 cp` where it is installed, else beside the transfer manager of boto3."""
    with _serving(path.parent) as endpoint:
        aws = shutil.which("aws")
        words = [*KEYS, aws, "s3", "cp", f"s3://bucket/{path.name}", "-", "--endpoint-url", endpoint]
        other = ["env", *words] if aws else [*READ, "boto3", endpoint, "bucket", path.name]
        theirs = "aws s3 cp" if aws else "boto3"
        ours = [*READ, "s3", "2", endpoint, "bucket", path.name]
        _served(endpoint)
        interleave({"ours": ours}, 1)
        sent = _served(endpoint)
        costs = interleave({"ours": ours, theirs: _pipeline(" ".join(str(word) for word in other))}, rounds)
    name = f"{path.stat().st_size:,} bytes from a store"
    size = path.stat().st_size
    return [
        _wall(name, costs, "ours", theirs, limit=0.5),
        compared(name, costs, "ours", [theirs], limit=0.7),
        within(name, costs, "ours", limit=FLAT + WINDOW),
        Gate(name=f"{name}, bytes fetched", ratio=sent["bytes"] / size, limit=1, detail=f"{sent['requests']} requests"),
    ]


@contextmanager
def _serving(folder: Path) -> Iterator[str]:
    with subprocess.Popen([sys.executable, store.__file__, str(folder)], stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


def _served(endpoint: str) -> dict[str, int]:
    with urllib.request.urlopen(endpoint + store.SERVED) as answer:
        found: dict[str, int] = json.load(answer)
    return found


def _wall(name: str, costs: Costs, ours: str, theirs: str, *, limit: float) -> Gate:
    return compared(name, costs, ours, [theirs], limit=limit, metric="wall", tolerance=NOISE_OF_WALL)
