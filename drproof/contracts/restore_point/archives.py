"""Each archive of the restore point can be read to its end, and no member of it can do harm."""

from dataclasses import replace
from typing import Any

from drproof.formats import archive
from drproof.model.contract import contract, expected
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding, compare, hold, undecided
from drproof.phases.backup.observed import NOT_THERE, ArchiveSeen, RestorePointObserved

RestorePoint = Receipt[RestorePointObserved]


@contract(
    needs=["read_restore_point"],
    reads={"members": ("read_restore_point", "members")},
    subjects=expected("archive", lambda criteria: criteria.backup.archives),
    applies=lambda criteria: criteria.backup.layout == "archives",
    controls=["NIST CP-9(1)"],
)
def archive_is_sound(read_restore_point: RestorePoint, members: dict[str, Any], subject: str) -> Finding:
    """Each archive ends where it must, holds at least one file, and no member could be written outside its place."""
    seen = next((one for one in read_restore_point.facts.archives if one.name == subject), None)
    if seen is None:
        return undecided(f"the receipt does not speak of {subject}")
    if seen.problem == NOT_THERE:
        return undecided(f"{subject} is not there: nobody can say whether it is sound")
    if seen.problem:
        return compare(observed=seen.problem, expected="", reason=f"{subject} is not sound")
    rows = members[subject]
    paths: set[str] = set()
    for row in rows:
        member = archive.Member(path=row["path"], kind=row["kind"], size=row["size"])
        if problem := archive.problem_of(member, paths):
            return compare(observed=f"{problem}: {member.path}", expected="", reason=f"{subject} could do harm")
    files = [row for row in rows if row["kind"] == "file"]
    if not files:
        return hold(False, observed=0, expected="at least 1 file", reason=f"{subject} holds no file")  # noqa: FBT003
    return compare(
        observed={"members": seen.members, "files": seen.files, "size": seen.size},
        expected={"members": len(rows), "files": len(files), "size": sum(row["size"] for row in rows)},
        reason=f"the receipt and the listing of {subject} differ",
    )


@archive_is_sound.sabotage("the archive ends before its end")
def truncated(read_restore_point: RestorePoint, subject: str) -> RestorePoint:
    """Cut the archive."""
    return _archive(read_restore_point, subject, problem="archive-truncated: the zstd stream ends before its end")


@archive_is_sound.sabotage("the receipt counts one member more than was listed")
def one_more(read_restore_point: RestorePoint, subject: str) -> RestorePoint:
    """Count too many."""
    seen = next(one for one in read_restore_point.facts.archives if one.name == subject)
    return _archive(read_restore_point, subject, members=seen.members + 1)


@archive_is_sound.sabotage("a member leaves the archive", spoils="members")
def traversal(members: dict[str, Any], subject: str) -> dict[str, Any]:
    """Climb out."""
    return _first(members, subject, path="../outside")


@archive_is_sound.sabotage("a member has an absolute path", spoils="members")
def absolute(members: dict[str, Any], subject: str) -> dict[str, Any]:
    """Start at the root."""
    return _first(members, subject, path="/etc/outside")


@archive_is_sound.sabotage("a member is a symbolic link", spoils="members")
def symlink(members: dict[str, Any], subject: str) -> dict[str, Any]:
    """Point elsewhere."""
    return _first(members, subject, kind="symlink")


@archive_is_sound.sabotage("the archive is empty", spoils="members")
def empty(members: dict[str, Any], subject: str) -> dict[str, Any]:
    """Take everything out."""
    return {**members, subject: []}


def _archive(receipt: RestorePoint, name: str, **changes: Any) -> RestorePoint:  # noqa: ANN401 — fields of one value
    def changed(seen: ArchiveSeen) -> ArchiveSeen:
        return replace(seen, **changes) if seen.name == name else seen

    facts = receipt.facts
    return replace(receipt, observed=replace(facts, archives=tuple(changed(seen) for seen in facts.archives)))


def _first(members: dict[str, Any], name: str, **changes: str) -> dict[str, Any]:
    rows = members[name]
    index = next(number for number, row in enumerate(rows) if row["kind"] == "file")
    return {**members, name: [*rows[:index], {**rows[index], **changes}, *rows[index + 1 :]]}
