"""Each object of the restore point is what the metadata promises."""

from dataclasses import replace

from drproof.contracts.digests import other
from drproof.formats.timestamps import milliseconds
from drproof.model.contract import NotApplicableError, contract, expected
from drproof.model.errors import FormatError
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding, compare, hold, undecided
from drproof.phases.backup.observed import METADATA, ObjectSeen, RestorePointObserved

RestorePoint = Receipt[RestorePointObserved]


@contract(
    needs=["read_restore_point"],
    version=2,
    subjects=expected("backup object", lambda criteria: criteria.backup.objects),
    applies=lambda criteria: criteria.backup.layout == "archives",
    controls=["NIST CP-9(1)", "ISO 27001 A.8.13"],
)
def backup_object_matches_its_metadata(read_restore_point: RestorePoint, subject: str) -> Finding:
    """Each object of the restore point is there as its metadata promises it: size, SHA-256, and single files in it."""
    seen = _object(read_restore_point, subject)
    if seen is None:
        return undecided(f"the receipt does not speak of {subject}")
    if seen.status != "ok" or not seen.size:
        return hold(
            False,  # noqa: FBT003 — an object that is not there, or is empty, matches nothing
            observed={"status": seen.status, "size": seen.size},
            expected={"status": "ok", "size": seen.promised_size},
            reason=f"{seen.key} is not there, or is empty",
        )
    if not seen.sha256:
        return undecided(f"nobody hashed {seen.key}")
    if subject == METADATA:
        return _metadata(read_restore_point.facts)
    return compare(
        observed={"size": seen.size, "sha256": seen.sha256, "broken": _broken(read_restore_point, subject)},
        expected={"size": seen.promised_size, "sha256": seen.promised_sha256, "broken": []},
        reason=f"{seen.key} is not what the metadata promises",
    )


@backup_object_matches_its_metadata.sabotage("one byte differs")
def one_byte_differs(read_restore_point: RestorePoint, subject: str) -> RestorePoint:
    """Give the object another digest."""
    seen = _promised(read_restore_point, subject)
    return _with(read_restore_point, replace(seen, sha256=other(seen.sha256)))


@backup_object_matches_its_metadata.sabotage("one byte is missing")
def one_byte_missing(read_restore_point: RestorePoint, subject: str) -> RestorePoint:
    """Cut the object."""
    seen = _promised(read_restore_point, subject)
    return _with(read_restore_point, replace(seen, size=seen.size - 1))


@backup_object_matches_its_metadata.sabotage("the object is gone")
def object_gone(read_restore_point: RestorePoint, subject: str) -> RestorePoint:
    """Lose the object."""
    return _with(read_restore_point, replace(_known(read_restore_point, subject), status="not_found"))


@backup_object_matches_its_metadata.sabotage("the object is empty")
def object_empty(read_restore_point: RestorePoint, subject: str) -> RestorePoint:
    """Empty the object."""
    return _with(read_restore_point, replace(_known(read_restore_point, subject), size=0))


@backup_object_matches_its_metadata.sabotage("the metadata cannot be read")
def unreadable_metadata(read_restore_point: RestorePoint, subject: str) -> RestorePoint:
    """Spoil the metadata itself."""
    if subject != METADATA:
        msg = f"only {METADATA} is read"
        raise NotApplicableError(msg)
    return replace(read_restore_point, observed=replace(read_restore_point.facts, problem="not JSON"))


@backup_object_matches_its_metadata.sabotage("a file in it is not the promised one")
def other_file(read_restore_point: RestorePoint, subject: str) -> RestorePoint:
    """Change a file between the listing and the packing."""
    facts = read_restore_point.facts
    if not any(one.archive == subject for one in facts.members):
        msg = f"nobody promised what files {subject} holds"
        raise NotApplicableError(msg)
    members = tuple(replace(one, different=1) if one.archive == subject else one for one in facts.members)
    return replace(read_restore_point, observed=replace(facts, members=members))


@backup_object_matches_its_metadata.sabotage("the canary is another record")
def other_canary(read_restore_point: RestorePoint, subject: str) -> RestorePoint:
    """Exchange the canary."""
    facts = read_restore_point.facts
    if facts.canary is None or facts.canary.path.partition("/")[0] != subject:
        msg = f"nobody promised a canary in {subject}"
        raise NotApplicableError(msg)
    canary = replace(facts.canary, sha256=other(facts.canary.promised_sha256))
    return replace(read_restore_point, observed=replace(facts, canary=canary))


@backup_object_matches_its_metadata.sabotage("the canary is younger than the backup")
def young_canary(read_restore_point: RestorePoint, subject: str) -> RestorePoint:
    """Write the canary afterwards."""
    facts = read_restore_point.facts
    if facts.canary is None or facts.canary.path.partition("/")[0] != subject:
        msg = f"nobody promised a canary in {subject}"
        raise NotApplicableError(msg)
    canary = replace(facts.canary, written_at="2999-01-01T00:00:00Z")
    return replace(read_restore_point, observed=replace(facts, canary=canary))


def _metadata(facts: RestorePointObserved) -> Finding:
    if facts.unread and not facts.problem:
        return undecided(
            f"the metadata promises {', '.join(facts.unread)} as well, which nobody read: "
            "name everything that restore points consist of in backup.objects, and its archives in backup.archives"
        )
    return compare(observed=facts.problem, expected="", reason="the metadata cannot be read")


def _broken(receipt: RestorePoint, name: str) -> list[str]:
    """Return what was promised of single files in an archive and is not so."""
    facts, found = receipt.facts, []
    for one in facts.members:
        if one.archive == name and one.problem:
            found.append(one.problem)
        elif one.archive == name and one.sha256 != one.promised_sha256:
            found.append("the member manifest is not the promised one")
        elif one.archive == name and (one.missing or one.extra or one.different):
            found.append(f"{one.missing} files missing, {one.extra} extra, {one.different} different")
    canary = facts.canary
    if canary is not None and canary.path.partition("/")[0] == name:
        if canary.sha256 != canary.promised_sha256:
            found.append("the canary is not the promised one")
        if not _is_before(canary.written_at, facts.created_at):
            found.append("the canary was not written before the backup was made")
    return found


def _is_before(one: str, other: str) -> bool:
    """Whether an instant is not after another one; what is none comes before nothing."""
    try:
        return milliseconds(one) <= milliseconds(other)
    except FormatError:
        return False


def _object(receipt: RestorePoint, name: str) -> ObjectSeen | None:
    found = [seen for seen in receipt.facts.objects if seen.name == name]
    return found[0] if len(found) == 1 else None


def _known(receipt: RestorePoint, name: str) -> ObjectSeen:
    seen = _object(receipt, name)
    if seen is None:
        msg = f"the receipt does not speak of {name}"
        raise NotApplicableError(msg)
    return seen


def _promised(receipt: RestorePoint, name: str) -> ObjectSeen:
    if name == METADATA:
        msg = "the metadata cannot promise its own size and digest"
        raise NotApplicableError(msg)
    return _known(receipt, name)


def _with(receipt: RestorePoint, changed: ObjectSeen) -> RestorePoint:
    objects = tuple(changed if seen.name == changed.name else seen for seen in receipt.facts.objects)
    return replace(receipt, observed=replace(receipt.facts, objects=objects))
