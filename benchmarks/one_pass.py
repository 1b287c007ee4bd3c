"""How fast and how flat the archive reader is: ratios within one run, because machines differ.

python benchmarks/archive_reader.py
"""

import hashlib
import io
import random
import tarfile
import time
import tracemalloc
from collections.abc import Callable, Iterator

import zstandard

from drproof.formats import archive

CHUNK = 1 << 20


def made(megabytes: int) -> bytes:
    """Return an archive of incompressible files of 16 KiB."""
    generator = random.Random(1)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for number in range(megabytes * 64):
            member = tarfile.TarInfo(f"state/{number:07}")
            member.size = 16_384
            tar.addfile(member, io.BytesIO(generator.randbytes(member.size)))
    return zstandard.compress(out.getvalue(), 1)


def chunks(data: bytes) -> Iterator[bytes]:
    """Yield the data as a store would."""
    for start in range(0, len(data), CHUNK):
        yield data[start : start + CHUNK]


def seconds(act: Callable[[], object]) -> float:
    """Return the best of three."""
    return min(_once(act) for _ in range(3))


def _once(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def peak(data: bytes) -> int:
    """Return the most bytes held while an archive is read."""
    tracemalloc.start()
    for _ in archive.read(archive.zstd(chunks(data))):
        continue
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


def main() -> None:
    """Print the ratios."""
    small, large = made(16), made(64)
    hashing = seconds(lambda: hashlib.sha256(large).hexdigest())
    reading = seconds(lambda: [*archive.read(archive.zstd(chunks(large)))])
    print(f"reading and hashing every member takes {reading / hashing:.2f} times as long as one hash over the archive")
    print(f"memory for four times the data: {peak(large) / peak(small):.2f} times")


if __name__ == "__main__":
    main()
