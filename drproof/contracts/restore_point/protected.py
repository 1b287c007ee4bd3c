"""What was written of a restore point is still there after somebody has written over it."""

from dataclasses import replace

from drproof.model.contract import contract
from drproof.model.criteria import Criteria
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding, hold, undecided
from drproof.phases.backup.beside import OK
from drproof.phases.backup.observed import RestorePointObserved

RestorePoint = Receipt[RestorePointObserved]
ENABLED = "enabled"
TOLD = frozenset({ENABLED, "suspended", "none"})
"""What a platform says of versions and locks; anything else is the code of its refusal to say it."""

FIELDS = {"versions": "versioning", "lock": "object_lock"}


@contract(
    needs=["read_restore_point"],
    applies=lambda criteria: criteria.backup.protection != "none",
    controls=["NIST CP-9(8)", "NIST SI-7", "ISO 27001 A.8.13", "DORA Art. 12"],
)
def restore_point_is_protected_from_writers(read_restore_point: RestorePoint, criteria: Criteria) -> Finding:
    """The bucket of the restore point keeps what lies there from whoever writes over it, as the criteria demand."""
    demanded = criteria.backup.protection
    backup = next((one for one in read_restore_point.facts.buckets if one.role == "backup"), None)
    if backup is None or backup.status != OK:
        why = "it was not looked at" if backup is None else backup.status
        return undecided(f"nobody knows what the bucket of the restore point keeps: {why}")
    told = {"versions": backup.versioning, "lock": backup.object_lock}[demanded]
    if told not in TOLD:
        return undecided(
            f"the platform does not say whether {backup.name} has {demanded}: {told or 'it was not asked'}"
        )
    return hold(
        told == ENABLED,
        observed={"versioning": backup.versioning, "object_lock": backup.object_lock},
        expected={FIELDS[demanded]: ENABLED},
        reason=f"the {demanded} of {backup.name}: {told}; who may write there can replace the restore point for good",
    )


@restore_point_is_protected_from_writers.sabotage("the bucket keeps nothing that is written over")
def unprotected(read_restore_point: RestorePoint, criteria: Criteria) -> RestorePoint:
    """Switch it off."""
    return _told(read_restore_point, criteria, "none")


@restore_point_is_protected_from_writers.sabotage("it was switched off for a while")
def suspended(read_restore_point: RestorePoint, criteria: Criteria) -> RestorePoint:
    """Suspend it."""
    return _told(read_restore_point, criteria, "suspended")


def _told(read_restore_point: RestorePoint, criteria: Criteria, word: str) -> RestorePoint:
    facts, field = read_restore_point.facts, FIELDS[criteria.backup.protection]
    buckets = tuple(replace(one, **{field: word}) if one.role == "backup" else one for one in facts.buckets)
    return replace(read_restore_point, observed=replace(facts, buckets=buckets))
