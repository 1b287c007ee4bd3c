"""What reading receipts canonically costs beside reading and hashing their files: ratios within one run.

python benchmarks/canonical_reader.py [--quick]
"""

import hashlib
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from drproof.evidence.canonical import canonical, canonical_value
from drproof.formats.strict_json import parse

SAMPLE = Path(__file__).parent.parent / "reports" / "sample" / "receipts"


def receipts(folder: Path, count: int) -> list[Path]:
    """Write as many receipts of 2 to 3 KB, each with digests of its own."""
    generator = random.Random(1)
    content = min((path.read_bytes() for path in SAMPLE.glob("*.json")), key=lambda data: abs(len(data) - 2500))
    model = parse(content)
    paths = []
    for number in range(count):
        path = folder / f"{number:05}.json"
        digests = {name: generator.randbytes(32).hex() for name in ("opening", "previous")}
        path.write_bytes(canonical({**model, "sequence": number + 1, **digests}))
        paths.append(path)
    return paths


def seconds(act: Callable[[], object]) -> float:
    """Return the least processor time of five."""
    return min(_once(act) for _ in range(5))


def _once(act: Callable[[], object]) -> float:
    began = time.process_time()
    act()
    return time.process_time() - began


def hashed(paths: list[Path]) -> list[str]:
    """Read and hash: what no verifier does without."""
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]


def read(paths: list[Path], reader: Callable[[bytes], Any]) -> None:
    """Read, hash, and take the value."""
    for path in paths:
        data = path.read_bytes()
        hashlib.sha256(data).hexdigest()
        reader(data)


def strictly(data: bytes) -> bool:
    """Compare with the bytes of what the strict reader read."""
    return canonical(parse(data)) == data


def main(count: int) -> None:
    """Print the ratios."""
    with tempfile.TemporaryDirectory() as name:
        paths = receipts(Path(name), count)
        size = sum(path.stat().st_size for path in paths) / count
        floor = seconds(lambda: hashed(paths))
        quick, strict = (seconds(lambda reader=reader: read(paths, reader)) for reader in (canonical_value, strictly))
    print(f"{count} receipts of {size:.0f} bytes; to read and hash one takes {floor / count * 1e6:.1f} µs")
    print(f"with its value, read canonically: {quick / floor:.2f} times as long")
    print(f"with its value, read by the strict reader alone: {strict / floor:.2f} times as long")


if __name__ == "__main__":
    main(1_000 if "--quick" in sys.argv[1:] else 10_000)
