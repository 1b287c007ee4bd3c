"""What was restored is what was backed up, in a place of its own, from the point that was verified."""

from dataclasses import replace
from typing import Any

from drproof.analysis.callers import anonymous
from drproof.contracts.digests import other
from drproof.model.contract import contract, expected
from drproof.model.criteria import Criteria
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding, Status, compare, undecided
from drproof.phases.backup.observed import RestorePointObserved
from drproof.phases.health.check_health import HealthObserved
from drproof.phases.recovery.restore_state import StateObserved

CONTROLS = ["NIST CP-10", "NIST CP-4", "ISO 27001 A.8.13"]
ARCHIVES = expected("archive", lambda criteria: criteria.backup.archives)


@contract(
    needs=["read_restore_point", "restore_state"],
    reads={"members": ("read_restore_point", "members"), "read_back": ("restore_state", "read_back")},
    subjects=ARCHIVES,
    controls=CONTROLS,
)
def materialised_state_is_what_was_backed_up(
    members: dict[str, Any], read_back: dict[str, Any], subject: str
) -> Finding:
    """Every file of each archive lies at the recovery site with the same size and SHA-256, and nothing else does."""
    backed_up = {
        row["path"].removeprefix("./"): (row["size"], row["sha256"])
        for row in members[subject]
        if row["kind"] == "file"
    }
    restored = {row["path"]: (row["size"], row["sha256"]) for row in read_back[subject]}
    if not backed_up:
        return undecided(f"{subject} holds no file: there is nothing to compare")
    missing = sorted(backed_up.keys() - restored.keys())
    extra = sorted(restored.keys() - backed_up.keys())
    different = sorted(path for path in backed_up.keys() & restored.keys() if backed_up[path] != restored[path])
    return compare(
        observed={"files": len(restored), "missing": missing[:5], "extra": extra[:5], "different": different[:5]},
        expected={"files": len(backed_up), "missing": [], "extra": [], "different": []},
        reason=f"{len(missing)} files missing, {len(extra)} extra, {len(different)} different",
    )


@materialised_state_is_what_was_backed_up.sabotage("nothing was restored", spoils="read_back")
def nothing_restored(read_back: dict[str, Any], subject: str) -> dict[str, Any]:
    """Restore nothing."""
    return {**read_back, subject: []}


@materialised_state_is_what_was_backed_up.sabotage("one file is missing", spoils="read_back")
def file_missing(read_back: dict[str, Any], subject: str) -> dict[str, Any]:
    """Lose a file."""
    return {**read_back, subject: read_back[subject][1:]}


@materialised_state_is_what_was_backed_up.sabotage("one file has another content", spoils="read_back")
def file_different(read_back: dict[str, Any], subject: str) -> dict[str, Any]:
    """Change a file."""
    first, *rest = read_back[subject]
    return {**read_back, subject: [{**first, "sha256": other(first["sha256"])}, *rest]}


@materialised_state_is_what_was_backed_up.sabotage("one file was exchanged for another", spoils="read_back")
def file_exchanged(read_back: dict[str, Any], subject: str) -> dict[str, Any]:
    """Rename a file."""
    first, *rest = read_back[subject]
    return {**read_back, subject: [{**first, "path": first["path"] + ".other"}, *rest]}


@materialised_state_is_what_was_backed_up.sabotage("one file too many", spoils="read_back")
def file_extra(read_back: dict[str, Any], subject: str) -> dict[str, Any]:
    """Add a file."""
    first = read_back[subject][0]
    return {**read_back, subject: [*read_back[subject], {**first, "path": first["path"] + ".extra"}]}


@contract(needs=["check_health", "read_restore_point", "restore_state"], controls=CONTROLS)
def restore_is_isolated_from_the_primary(
    check_health: Receipt[HealthObserved],
    read_restore_point: Receipt[RestorePointObserved],
    restore_state: Receipt[StateObserved],
    criteria: Criteria,
) -> Finding:
    """State was written to a bucket of the recovery site, to a prefix of this drill, and nothing else is there."""
    facts = restore_state.facts
    primary = {check_health.facts.bucket, read_restore_point.facts.bucket}
    caller = restore_state.caller
    found = compare(
        observed={
            "bucket_of_the_primary": facts.bucket in primary,
            "prefix_of_this_drill": facts.prefix.endswith(f"/{facts.origin}"),
            "unexpected_objects": facts.unexpected,
            **({"written_by": caller.account_id} if caller else {}),
        },
        expected={
            "bucket_of_the_primary": False,
            "prefix_of_this_drill": True,
            "unexpected_objects": 0,
            **({"written_by": criteria.sites.recovery.account_id} if caller else {}),
        },
        reason="the restore is not kept apart",
    )
    unknown = anonymous(restore_state)
    return undecided(unknown) if unknown and found.status is Status.PROVEN else found


@restore_is_isolated_from_the_primary.sabotage("the state was written beside the backup", spoils="restore_state")
def beside_the_backup(
    restore_state: Receipt[StateObserved], read_restore_point: Receipt[RestorePointObserved]
) -> Receipt[StateObserved]:
    """Write where the backup is."""
    return replace(restore_state, observed=replace(restore_state.facts, bucket=read_restore_point.facts.bucket))


@restore_is_isolated_from_the_primary.sabotage(
    "the state was written where the original publishes", spoils="restore_state"
)
def beside_the_original(
    restore_state: Receipt[StateObserved], check_health: Receipt[HealthObserved]
) -> Receipt[StateObserved]:
    """Write where the original publishes."""
    return replace(restore_state, observed=replace(restore_state.facts, bucket=check_health.facts.bucket))


@restore_is_isolated_from_the_primary.sabotage("the prefix is shared")
def shared_prefix(restore_state: Receipt[StateObserved]) -> Receipt[StateObserved]:
    """Share the prefix."""
    return replace(restore_state, observed=replace(restore_state.facts, prefix="shared"))


@restore_is_isolated_from_the_primary.sabotage("somebody else's object lies under the prefix")
def stray_object(restore_state: Receipt[StateObserved]) -> Receipt[StateObserved]:
    """Find a stray object."""
    return replace(restore_state, observed=replace(restore_state.facts, unexpected=1))


@restore_is_isolated_from_the_primary.sabotage("another account wrote it")
def other_account(restore_state: Receipt[StateObserved]) -> Receipt[StateObserved]:
    """Let another account write."""
    return replace(restore_state, caller=replace(restore_state.caller, account_id="000000000000"))  # type: ignore[type-var] # proven evidence has a caller


@contract(needs=["read_restore_point", "restore_state"], subjects=ARCHIVES, controls=CONTROLS)
def restore_read_the_point_that_was_verified(
    read_restore_point: Receipt[RestorePointObserved], restore_state: Receipt[StateObserved], subject: str
) -> Finding:
    """Each archive was restored from the version, and with the bytes, that were verified before."""
    verified = next((seen for seen in read_restore_point.facts.objects if seen.name == subject), None)
    source = next((one for one in restore_state.facts.sources if one.name == subject), None)
    if verified is None or source is None:
        return undecided(f"the receipts do not both speak of {subject}")
    if not verified.sha256:
        return undecided(f"nobody hashed {subject} before it was restored")
    return compare(
        observed={"version": source.version, "sha256": source.sha256},
        expected={"version": verified.version, "sha256": verified.sha256},
        reason=f"{subject} was restored from other bytes than those that were verified",
    )


@restore_read_the_point_that_was_verified.sabotage("other bytes were read")
def other_bytes(restore_state: Receipt[StateObserved], subject: str) -> Receipt[StateObserved]:
    """Read other bytes."""
    return _source(restore_state, subject, sha256="0" * 64)


@restore_read_the_point_that_was_verified.sabotage("another version was read")
def other_version(restore_state: Receipt[StateObserved], subject: str) -> Receipt[StateObserved]:
    """Read another version."""
    return _source(restore_state, subject, version="another")


def _source(receipt: Receipt[StateObserved], name: str, **changes: str) -> Receipt[StateObserved]:
    facts = receipt.facts
    sources = tuple(replace(one, **changes) if one.name == name else one for one in facts.sources)  # type: ignore[arg-type]
    return replace(receipt, observed=replace(facts, sources=sources))
