"""The restore point is the one that was asked for, and recent enough."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from drproof.analysis.objectives import measured_rpo
from drproof.formats import s3_uri
from drproof.formats.timestamps import parse
from drproof.model.contract import contract
from drproof.model.criteria import Criteria
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding, compare, hold, undecided
from drproof.phases.backup.observed import RestorePointObserved

RestorePoint = Receipt[RestorePointObserved]


@contract(
    needs=["read_restore_point"],
    applies=lambda criteria: criteria.backup.layout == "archives",
    controls=["NIST CP-9(1)"],
)
def metadata_names_this_restore_point(read_restore_point: RestorePoint, criteria: Criteria) -> Finding:
    """The metadata speaks of the restore point that was asked for, and not of another one."""
    facts = read_restore_point.facts
    uri = s3_uri.parse(criteria.backup.uri)
    return compare(
        observed={"backup_id": facts.backup_id, "backup_uri": facts.metadata_uri.rstrip("/")},
        expected={"backup_id": uri.key.rpartition("/")[2], "backup_uri": str(uri)},
        reason="the metadata belongs to another restore point",
    )


@metadata_names_this_restore_point.sabotage("the metadata has another id")
def other_id(read_restore_point: RestorePoint) -> RestorePoint:
    """Change the id."""
    facts = read_restore_point.facts
    return replace(read_restore_point, observed=replace(facts, backup_id=f"{facts.backup_id}-other"))


@metadata_names_this_restore_point.sabotage("the metadata has another URI")
def other_uri(read_restore_point: RestorePoint) -> RestorePoint:
    """Change the URI."""
    facts = read_restore_point.facts
    return replace(read_restore_point, observed=replace(facts, metadata_uri=f"{facts.metadata_uri}-other"))


@contract(needs=["read_restore_point"], controls=["NIST CP-10", "ISO 22301 8.5", "DORA Art. 12"])
def restore_point_is_within_rpo(read_restore_point: RestorePoint, criteria: Criteria) -> Finding:
    """The restore point is not older than the recovery point objective, and not from the future."""
    age_ms = measured_rpo({"read_restore_point": read_restore_point})
    if age_ms is None:
        return undecided("the metadata does not say when the restore point was made", expected=criteria.rpo_ms)
    return hold(
        0 <= age_ms <= criteria.rpo_ms,
        observed=age_ms,
        expected=f"0 to {criteria.rpo_ms} ms",
        reason="the restore point is older than the objective, or from the future",
    )


@restore_point_is_within_rpo.sabotage("one second too old")
def too_old(read_restore_point: RestorePoint, criteria: Criteria) -> RestorePoint:
    """Let it age."""
    return _created(read_restore_point, timedelta(milliseconds=criteria.rpo_ms + 1_000))


@restore_point_is_within_rpo.sabotage("made one second after it was read")
def from_the_future(read_restore_point: RestorePoint) -> RestorePoint:
    """Make it later than its reading."""
    return _created(read_restore_point, timedelta(seconds=-1))


def _created(receipt: RestorePoint, age: timedelta) -> RestorePoint:
    moment: datetime = parse(receipt.started_at) - age
    created_at = moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return replace(receipt, observed=replace(receipt.facts, created_at=created_at))
