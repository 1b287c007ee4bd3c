"""What a bundle says of its receipt store, judged: every file that must lie there lies there as it was asked to."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

from drproof.evidence.documents import StoredFile, StoredReceipts
from drproof.evidence.exact import read_exactly
from drproof.formats import timestamps
from drproof.formats.receipt_names import execution_id
from drproof.model.criteria import PlanDocument, Storing

STORED = "receipts-store.json"
MODES = ("GOVERNANCE", "COMPLIANCE")
"""Each as strong as those before it, and stronger."""


def place_of(storing: Storing, drill_id: str) -> str:
    """Return the folder of a drill in a receipt store."""
    return f"{storing.uri}/{execution_id(drill_id)}"


def retain_until(plan: PlanDocument, storing: Storing) -> str:
    """Return until when the drill's objects are asked to be kept, to the second; the same for whoever resumes it."""
    opened = timestamps.parse(plan.created_at).replace(microsecond=0)
    until = opened + timedelta(days=storing.retention_days, seconds=1)
    return until.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def stored_receipts(directory: Path) -> StoredReceipts | None:
    """Return what a bundle says of its receipt store; None when it says nothing.

    Raises:
        EvidenceError: it says so in another form.
    """
    path = directory / STORED
    return read_exactly(StoredReceipts, path.read_bytes()) if path.exists() else None


def unstored(plan: PlanDocument, digests: Mapping[str, str], stored: StoredReceipts | None) -> tuple[str, ...]:
    """Return why files with these digests are not stored as the plan asks, one line a reason."""
    if plan.criteria.storing is None:
        return ()
    if stored is None:
        return (f"{STORED} is not there, or cannot be read",)
    return tuple(_reasons(plan, plan.criteria.storing, digests, stored))


def _reasons(plan: PlanDocument, storing: Storing, digests: Mapping[str, str], stored: StoredReceipts) -> Iterator[str]:
    place = place_of(storing, plan.drill_id)
    if (stored.place, stored.owner) != (place, storing.owner):
        yield f"{STORED} speaks of {stored.place} of {stored.owner}, not of {place} of {storing.owner}"
    if stored.object_lock is None:
        yield f"whether {place} is in a bucket with Object Lock is not known"
    if stored.intents_missing:
        numbers = ", ".join(map(str, stored.intents_missing))
        yield f"the journal's records {numbers}, which announce effects, are not stored"
    files = {file.path: file for file in stored.files}
    for path, digest in digests.items():
        if path not in files:
            yield f"{path} is not stored"
        elif not files[path].problem and files[path].sha256 != digest:
            yield f"{path} is stored with other bytes"
    asked = retain_until(plan, storing) if stored.object_lock and storing.retention_days else ""
    for file in stored.files:
        if reason := _wrong_with(file, place, storing.retention_mode, asked):
            yield f"{file.path}: {reason}"


def _wrong_with(file: StoredFile, place: str, mode: str, asked: str) -> str:
    if file.problem:
        return file.problem
    if not file.uri.startswith(f"{place}/"):
        return f"stored elsewhere: {file.uri}"
    return shortfall(mode, asked, file) if asked else ""


def shortfall(mode: str, until: str, file: StoredFile) -> str:
    """Return how an object is kept less than was asked, or ""."""
    kept = file.retention_mode, file.retained_until or ""
    if kept[0] in MODES and MODES.index(str(kept[0])) >= MODES.index(mode) and kept[1] >= until:
        return ""
    got = f"{kept[0]} until {kept[1]}" if kept[0] else "no retention"
    return f"read back with {got}, and {mode} until {until} was asked"
