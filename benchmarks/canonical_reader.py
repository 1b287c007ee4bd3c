"""What reading receipts canonically costs beside reading and hashing their files: ratios within one run.

python -m benchmarks canonical_reader [--quick] [--json]
"""

import hashlib
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.harness import Gate, Options, compared, interleave_calls
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


def run(options: Options) -> list[Gate]:
    """Return the canonical reader beside the floor and beside the strict reader."""
    count = 1_000 if options.quick else 10_000
    paths = receipts(options.scratch, count)
    sides = {
        "reading and hashing": lambda: hashed(paths),
        "canonically": lambda: read(paths, canonical_value),
        "strictly": lambda: read(paths, strictly),
    }
    costs = interleave_calls(sides, 6)
    name = f"{count:,} receipts read canonically"
    return [
        compared(name, costs, "canonically", ["reading and hashing"], limit=3),
        # The strict reader writes quickly since, too: it was 0.2 of one that did not.
        compared(name, costs, "canonically", ["strictly"], limit=0.35),
    ]
