"""A failback that was handed in whole: from the recovered run to the original one, compared, applied and read back."""

import hashlib

from drproof.formats.pointers import keys
from drproof.phases.failback.observed import (
    Acted,
    Compared,
    ComparedAgain,
    FailbackFile,
    FailbackObserved,
    Named,
    PlannedPointer,
    PointerKept,
    PointerListed,
    SchedulesKept,
)
from tests.contracts.observed_execution import ACCOUNT, NAME, REGION

RECOVERED, ORIGINAL = NAME, "2026-05-03T23:00:41+00:00"
"""The run that is meant is the one that it comes from: what the criteria name for an execution."""
BUCKET, PREFIX = "atlas-primary", "atlas"
KEYS = keys(PREFIX, "local", "alpha", "main")
RECEIPTS = ("apply", "inputs", "plan", "summary", "verify_after", "verify_before")
PATH = f"{PREFIX}/runs/{ORIGINAL}"


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


def _file(name: str, kind: str) -> FailbackFile:
    return FailbackFile(name=name, kind=kind, size=len(name), sha256=hashlib.sha256(name.encode()).hexdigest())


def _kept(side: str, label: str, run: str) -> PointerKept:
    return PointerKept(
        side=side,
        pointer=label,
        file=f"{side}/{KEYS[label]}",
        run_id=run,
        run_path=f"{PREFIX}/runs/{run}",
        size=len(label) + len(run),
        md5=md5(label + run),
    )


FAILED_BACK = FailbackObserved(
    files=(
        *(_file(f"drill.failback.{kind}.json", "receipt") for kind in RECEIPTS if kind != "summary"),
        _file("failback.summary.json", "receipt"),
        _file("compare_run_artifacts.log", "comparison"),
    ),
    kinds=RECEIPTS,
    named=(
        Named(source="apply", to_run=ORIGINAL),
        Named(
            source="inputs",
            from_run=RECOVERED,
            to_run=ORIGINAL,
            bucket=BUCKET,
            prefix=PREFIX,
            account_id=ACCOUNT,
            region=REGION,
        ),
        Named(source="plan", from_run=RECOVERED, to_run=ORIGINAL),
        Named(source="summary", from_run=RECOVERED, to_run=ORIGINAL, bucket=BUCKET, prefix=PREFIX),
    ),
    planned=tuple(
        PlannedPointer(pointer=label, key=key, run_id=ORIGINAL, run_path=PATH) for label, key in KEYS.items()
    ),
    kept=tuple(_kept(side, label, run) for side, run in (("before", RECOVERED), ("after", ORIGINAL)) for label in KEYS),
    acted=Acted(asked="yes", dry="no", applied="yes", updated=tuple(KEYS.values()), ended_as="success", ended_dry="no"),
    compared=Compared(outcome="matched", recovered=RECOVERED, original=ORIGINAL),
    again=ComparedAgain(rules_version=1, recovered=RECOVERED, original=ORIGINAL, compared=7),
    listed=tuple(
        PointerListed(
            key=key,
            size=len(label) + len(ORIGINAL),
            md5=md5(label + ORIGINAL),
            earlier_md5=md5(label + RECOVERED),
        )
        for label, key in KEYS.items()
    ),
    schedules=tuple(
        SchedulesKept(site=site, suspended=1, uids=(f"uid-of-{site}",)) for site in ("original", "recovery")
    ),
    ended_at="2026-05-05T09:31:40.000Z",
)
