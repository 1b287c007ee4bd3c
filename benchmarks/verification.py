"""What verifying a bundle costs beside reading and hashing its bytes: ratios of CPU time within one run.

python benchmarks/verification.py [--quick] [--json]
"""

import argparse
import hashlib
import json
import os
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from drproof.evidence.bundle import digests, sealed_checkpoint, sealed_closing, sealed_opening, write_atomic
from drproof.evidence.canonical import canonical, digest
from drproof.evidence.expectations import Expectations
from drproof.evidence.trust import Role, Trust, of_signer
from drproof.evidence.verification import verify
from drproof.model.codec import encode
from drproof.model.criteria import PlanDocument
from drproof.model.receipt import Receipt
from drproof.model.signing import Signer
from drproof.targets.signers import make_key

SAMPLE = Path(__file__).parents[1] / "reports/sample"
NOW = "2100-01-01T00:00:00.000Z"
LIMITS = {"unsigned": 3.5, "signed": 12.0}
"""How many times the cost of reading and hashing a verification may cost."""


def made(directory: Path, receipts: int, signers: tuple[Signer, ...]) -> None:
    """Write a bundle of many receipts, each like the largest one of the committed sample."""
    plan_data = json.loads((SAMPLE / "plan.json").read_bytes())
    phases = [f"phase_{number:05}" for number in range(1, receipts + 1)]
    from drproof.model.codec import decode

    plan = replace(decode(PlanDocument, plan_data), contracts=(), phases=tuple(phases))
    data = canonical(encode(plan))
    opening = sealed_opening(plan, plan_digest=digest(data), signers=signers)
    (directory / "receipts").mkdir(parents=True)
    (directory / "checkpoints").mkdir()
    (directory / "plan.json").write_bytes(data)
    (directory / "opening.dsse.json").write_bytes(opening)
    like = next(json.loads(path.read_bytes()) for path in sorted((SAMPLE / "receipts").glob("*-bringup.json")))
    like = {**like, "evidence": [], "drill_id": plan.drill_id, "opening": digest(opening)}
    previous = digest(opening)
    for number, phase in enumerate(phases, start=1):
        content = {**like, "phase": phase, "sequence": number, "previous": previous}
        written = canonical(content)
        receipt: Receipt[Any] = decode(Receipt[Any], content)
        path, point = sealed_checkpoint(receipt, written, signers)
        (directory / f"receipts/{number:02}-{phase}.json").write_bytes(written)
        (directory / path).write_bytes(point)
        previous = digest(written)
    write_atomic(directory / "verdicts.json", canonical({"schema_version": 1, "verdicts": []}))
    closing = sealed_closing(
        plan,
        opening=digest(opening),
        outcome="incomplete",
        files=digests(directory),
        head=previous,
        receipts=receipts,
        closed_at=plan.created_at,
        signers=signers,
    )
    write_atomic(directory / "closing.dsse.json", closing)


def floor(directory: Path) -> int:
    """Read and hash every file, and nothing more; return how many bytes that was."""
    size, folders = 0, [str(directory)]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                    continue
                with open(entry.path, "rb") as file:  # noqa: PTH123 — the floor is the cheapest way
                    data = file.read()
                hashlib.sha256(data).hexdigest()
                size += len(data)
    return size


def cost(act: Callable[[], object]) -> float:
    """Return the CPU seconds of one call."""
    began = time.process_time()
    act()
    return time.process_time() - began


def measure(kind: str, receipts: int, rounds: int) -> dict[str, Any]:
    """Return the ratio for one kind of bundle, opponents interleaved, and a floor against itself as the null check."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        place.chmod(0o700)
        signer = make_key(place / "runner.key")
        bundle = place / "bundle"
        made(bundle, receipts, (signer,) if kind == "signed" else ())
        trust = Trust(keys=(of_signer(signer, Role.RUNNER),))

        def act() -> None:
            found = verify(bundle, {}, trust=trust, expect=Expectations(accept_rehearsal=True), now=NOW)
            codes = {problem.code for problem in found.problems}
            if codes != ({"incomplete"} if kind == "signed" else {"incomplete", "unsigned"}):
                sys.exit(f"the bundle of this benchmark is not as it was meant: {sorted(codes)}")

        floor(bundle)
        pairs = [(cost(lambda: floor(bundle)), cost(act), cost(lambda: floor(bundle))) for _ in range(rounds)]
        tracemalloc.start()
        act()
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        size = floor(bundle)
    best, again = min(pair[0] for pair in pairs), min(pair[2] for pair in pairs)
    return {
        "kind": kind,
        "receipts": receipts,
        "bytes": size,
        "ratio": round(min(pair[1] for pair in pairs) / min(best, again), 2),
        "null": round(best / again, 2),
        "limit": LIMITS[kind],
        "peak_bytes": most,
    }


def main() -> None:
    """Print the ratios; exit 1 when one is over its limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="1,000 receipts instead of 10,000")
    parser.add_argument("--json", action="store_true")
    words = parser.parse_args()
    receipts, rounds = (1_000, 3) if words.quick else (10_000, 3)
    rows = [measure(kind, receipts, rounds) for kind in LIMITS]
    for row in rows:
        if words.json:
            print(json.dumps(row))
        else:
            print(
                f"{row['kind']:9} {row['receipts']} receipts, {row['bytes']:,} bytes: {row['ratio']} times reading and "
                f"hashing (limit {row['limit']}; null check {row['null']}), peak {row['peak_bytes']:,} bytes"
            )
    sys.exit(any(row["ratio"] > row["limit"] for row in rows))


if __name__ == "__main__":
    main()
