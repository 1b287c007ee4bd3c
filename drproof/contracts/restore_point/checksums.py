"""Each archive notices by itself when a bit of it flips."""

from dataclasses import replace
from typing import Any

from drproof.model.contract import NotApplicableError, contract, expected
from drproof.model.criteria import Criteria
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding, hold, undecided
from drproof.phases.backup.observed import ArchiveSeen, RestorePointObserved

RestorePoint = Receipt[RestorePointObserved]


@contract(
    needs=["read_restore_point"],
    subjects=expected("archive", lambda criteria: criteria.backup.archives),
    applies=lambda criteria: criteria.backup.checksums != "ignored",
    controls=["NIST SI-7"],
)
def archive_has_a_checksum(read_restore_point: RestorePoint, criteria: Criteria, subject: str) -> Finding:
    """Each frame of an archive carries a checksum of its content, wherever that is demanded."""
    seen = next((one for one in read_restore_point.facts.archives if one.name == subject), None)
    if seen is None:
        return undecided(f"the receipt does not speak of {subject}")
    if seen.problem:
        return undecided(f"{subject} could not be read as a whole: {seen.problem}")
    demanded = _is_demanded(read_restore_point, criteria)
    return hold(
        seen.frames > 0 and (seen.checksummed_frames == seen.frames or not demanded),
        observed={"frames": seen.frames, "with_checksum": seen.checksummed_frames, "window": seen.window},
        expected={"frames": "more than 0", "with_checksum": seen.frames if demanded else "not demanded"},
        reason=f"{seen.checksummed_frames} of {seen.frames} frames of {subject} carry a checksum",
    )


@archive_has_a_checksum.sabotage("a frame has no checksum")
def unchecked(read_restore_point: RestorePoint, criteria: Criteria, subject: str) -> RestorePoint:
    """Leave a checksum out."""
    if not _is_demanded(read_restore_point, criteria):
        msg = "checksums are demanded of restore points that make promises, and this one makes none"
        raise NotApplicableError(msg)
    seen = {one.name: one for one in read_restore_point.facts.archives}[subject]
    return _archive(read_restore_point, subject, checksummed_frames=seen.frames - 1)


@archive_has_a_checksum.sabotage("nobody found a frame")
def frameless(read_restore_point: RestorePoint, subject: str) -> RestorePoint:
    """Find no frame."""
    return _archive(read_restore_point, subject, frames=0)


def _is_demanded(receipt: RestorePoint, criteria: Criteria) -> bool:
    return criteria.backup.checksums == "required" or receipt.facts.schema_version is not None


def _archive(receipt: RestorePoint, name: str, **changes: Any) -> RestorePoint:  # noqa: ANN401 — fields of one value
    def changed(seen: ArchiveSeen) -> ArchiveSeen:
        return replace(seen, **changes) if seen.name == name else seen

    facts = receipt.facts
    return replace(receipt, observed=replace(facts, archives=tuple(changed(seen) for seen in facts.archives)))
