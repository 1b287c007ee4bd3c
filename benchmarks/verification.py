"""What verifying a bundle costs beside reading and hashing its bytes: ratios of CPU time within one run.

python -m benchmarks verification [--quick] [--json]
"""

import hashlib
import json
import os
import sys
import tempfile
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.harness import Gate, Options, compared, interleave_calls
from drproof.evidence.bundle import digests, sealed_checkpoint, sealed_closing, sealed_opening, write_atomic
from drproof.evidence.canonical import canonical, digest
from drproof.evidence.expectations import Expectations
from drproof.evidence.trust import Trust, of_signer
from drproof.evidence.verification import verify
from drproof.model.codec import encode
from drproof.model.criteria import PlanDocument
from drproof.model.receipt import Receipt
from drproof.model.signing import Role, Signer
from drproof.targets.signers import make_key

SAMPLE = Path(__file__).parents[1] / "reports/sample"
NOW = "2100-01-01T00:00:00.000Z"
LIMITS = {"unsigned": 3.5, "signed": 12.0}
"""How many times the cost of reading and hashing a verification may cost."""
HELD = 4_000
"""Bytes that a verification may hold a receipt: names and digests of two files."""


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


def measured(kind: str, receipts: int, rounds: int) -> list[Gate]:
    """Return the gates for one kind of bundle: CPU beside the floor, and the peak of what Python holds."""
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

        size = floor(bundle)
        costs = interleave_calls({"reading and hashing": lambda: floor(bundle), "verifying": act}, rounds)
        tracemalloc.start()
        act()
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    name = f"verifying {receipts:,} {kind} receipts, {size:,} bytes"
    held = Gate(
        name=f"{name}, peak memory",
        ratio=most / (receipts * HELD),
        limit=1,
        detail=f"{most:,} bytes, of {HELD:,} a receipt",
    )
    return [compared(name, costs, "verifying", ["reading and hashing"], limit=LIMITS[kind]), held]


def run(options: Options) -> list[Gate]:
    """Return the gates of both kinds."""
    receipts, rounds = (1_000, 4) if options.quick else (10_000, 4)
    return [gate for kind in LIMITS for gate in measured(kind, receipts, rounds)]
