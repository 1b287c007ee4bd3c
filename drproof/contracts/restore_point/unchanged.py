"""The restore point was one and the same from the first look to the last."""

from dataclasses import replace
from typing import Any

from drproof.formats import s3_uri
from drproof.model.contract import NotApplicableError, contract
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding, compare, undecided
from drproof.phases.backup.beside import OK, LookSeen
from drproof.phases.backup.observed import RestorePointObserved

RestorePoint = Receipt[RestorePointObserved]
KNOWN = (OK, "not_found")
"""What a second look can find: the object, or that it is gone."""


@contract(needs=["read_restore_point"], controls=["NIST CP-9(1)", "NIST SI-7"])
def restore_point_did_not_change_while_it_was_read(read_restore_point: RestorePoint) -> Finding:
    """No object of the restore point, nor the pointer and bundle of its control plane, changed while it was read."""
    facts = read_restore_point.facts
    seen = {look.uri for look in facts.looks}
    if not seen:
        return undecided("nothing was looked at twice")
    changed = [look for look in facts.looks if look.status_after in KNOWN and _before(look) != _after(look)]
    for look in changed:
        return compare(
            observed=_after(look),
            expected=_before(look),
            reason=f"{look.uri} is not the object any more that was read ({len(changed)} changed)",
        )
    unseen = [uri for uri in _read(facts) if uri not in seen]
    unseen += [f"{look.uri} ({look.status_after})" for look in facts.looks if look.status_after not in KNOWN]
    if unseen:
        return undecided(f"nobody could look again at {', '.join(unseen)}")
    return compare(
        observed={"objects": len(seen), "changed": 0}, expected={"objects": len(seen), "changed": 0}, reason=""
    )


@restore_point_did_not_change_while_it_was_read.sabotage("an object has another version afterwards")
def new_version(read_restore_point: RestorePoint) -> RestorePoint:
    """Write over an object in a bucket that keeps versions."""
    look = _first(read_restore_point)
    if not look.version:
        msg = "the bucket keeps no versions"
        raise NotApplicableError(msg)
    return _with(read_restore_point, version_after=f"{look.version}-2")


@restore_point_did_not_change_while_it_was_read.sabotage("an object has another ETag afterwards")
def other_content(read_restore_point: RestorePoint) -> RestorePoint:
    """Write over an object in a bucket that keeps none."""
    return _with(read_restore_point, etag_after=f"{_first(read_restore_point).etag}-2")


@restore_point_did_not_change_while_it_was_read.sabotage("an object was written again with the same content")
def written_again(read_restore_point: RestorePoint) -> RestorePoint:
    """Write the same bytes once more."""
    return _with(read_restore_point, modified_after="2999-01-01T00:00:00.000Z")


@restore_point_did_not_change_while_it_was_read.sabotage("an object is gone afterwards")
def gone(read_restore_point: RestorePoint) -> RestorePoint:
    """Remove an object."""
    return _with(read_restore_point, status_after="not_found")


def _read(facts: RestorePointObserved) -> list[str]:
    """Return everything that was read, by its URI: a second look that is missing shows nothing."""
    plane = facts.control_plane
    found = [f"s3://{facts.bucket}/{one.key}" for one in facts.objects if one.status == OK]
    found += [one.uri for one in facts.members if one.sha256 and not one.inside]
    if plane.bundle_uri:
        found.append(f"s3://{facts.bucket}/{plane.pointer_key}")
    if plane.bundle_sha256:
        found.append(str(s3_uri.parse(plane.bundle_uri)))
    return found


def _before(look: LookSeen) -> dict[str, Any]:
    return {"status": OK, "version": look.version, "etag": look.etag, "size": look.size, "modified": look.modified_at}


def _after(look: LookSeen) -> dict[str, Any]:
    return {
        "status": look.status_after,
        "version": look.version_after,
        "etag": look.etag_after,
        "size": look.size_after,
        "modified": look.modified_after,
    }


def _first(receipt: RestorePoint) -> LookSeen:
    return receipt.facts.looks[0]


def _with(receipt: RestorePoint, **changes: Any) -> RestorePoint:  # noqa: ANN401 — fields of one value
    first, *rest = receipt.facts.looks
    return replace(receipt, observed=replace(receipt.facts, looks=(replace(first, **changes), *rest)))
