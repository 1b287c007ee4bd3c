"""Each archive holds exactly the files that its maker put into it."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from drproof.contracts.digests import other
from drproof.formats import member_manifest
from drproof.model.contract import contract, expected
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding, compare, undecided
from drproof.phases.backup.beside import MembersSeen
from drproof.phases.backup.observed import RestorePointObserved

RestorePoint = Receipt[RestorePointObserved]
Rows = dict[str, Any]
FIRST = 5


@contract(
    needs=["read_restore_point"],
    reads={
        "members": ("read_restore_point", "members"),
        "promised_members": ("read_restore_point", "promised_members"),
    },
    subjects=expected("archive", lambda criteria: criteria.backup.archives),
    applies=lambda criteria: criteria.backup.member_manifests == "required",
    controls=["NIST CP-9(1)", "NIST SI-7"],
)
def archive_members_equal_their_manifest(
    read_restore_point: RestorePoint, members: Rows, promised_members: Rows, subject: str
) -> Finding:
    """Each archive has a member manifest, and holds exactly the files that it lists, each with size and SHA-256."""
    facts = read_restore_point.facts
    archive = next((one for one in facts.archives if one.name == subject), None)
    if archive is None:
        return undecided(f"the receipt does not speak of {subject}")
    if archive.problem:
        return undecided(f"{subject} could not be read as a whole: {archive.problem}")
    seen = next((one for one in facts.members if one.archive == subject), None)
    if seen is None:
        reason = f"nobody promised what {subject} holds"
        return compare(observed="no member manifest", expected="a member manifest", reason=reason)
    promised = _by_path(promised_members.get(subject, ()))
    own = member_manifest.NAME if seen.inside else None
    held = _by_path(row for row in members[subject] if row["kind"] == "file" and row["path"] != own)
    missing, extra = sorted(promised.keys() - held.keys()), sorted(held.keys() - promised.keys())
    different = sorted(path for path in promised.keys() & held.keys() if promised[path] != held[path])
    return compare(
        observed={
            "manifest": seen.sha256,
            "problem": seen.problem,
            "listed": seen.listed,
            "missing": missing[:FIRST],
            "extra": extra[:FIRST],
            "different": different[:FIRST],
        },
        expected={
            "manifest": seen.promised_sha256,
            "problem": "",
            "listed": len(promised),
            "missing": [],
            "extra": [],
            "different": [],
        },
        reason=f"{subject} is not what its member manifest promises: {len(missing)} files missing, {len(extra)} extra, "
        f"{len(different)} different" + (f"; {seen.problem}" if seen.problem else ""),
    )


@archive_members_equal_their_manifest.sabotage("nobody promised anything", spoils="read_restore_point")
def unpromised(read_restore_point: RestorePoint, subject: str) -> RestorePoint:
    """Take the manifest away."""
    facts = read_restore_point.facts
    kept = tuple(one for one in facts.members if one.archive != subject)
    return replace(read_restore_point, observed=replace(facts, members=kept))


@archive_members_equal_their_manifest.sabotage("the manifest is not the promised one", spoils="read_restore_point")
def other_manifest(read_restore_point: RestorePoint, subject: str) -> RestorePoint:
    """Exchange the manifest."""
    seen = next(one for one in read_restore_point.facts.members if one.archive == subject)
    return _seen(read_restore_point, replace(seen, sha256=other(seen.promised_sha256)))


@archive_members_equal_their_manifest.sabotage("the manifest is none", spoils="read_restore_point")
def no_manifest(read_restore_point: RestorePoint, subject: str) -> RestorePoint:
    """Spoil the manifest."""
    seen = next(one for one in read_restore_point.facts.members if one.archive == subject)
    return _seen(read_restore_point, replace(seen, problem="members-shape"))


@archive_members_equal_their_manifest.sabotage("a promised file is missing", spoils="members")
def file_missing(members: Rows, subject: str) -> Rows:
    """Lose a file."""
    rows = members[subject]
    lost = _first_file(rows)
    return {**members, subject: [row for number, row in enumerate(rows) if number != lost]}


@archive_members_equal_their_manifest.sabotage("a file that nobody promised", spoils="members")
def file_extra(members: Rows, subject: str) -> Rows:
    """Slip a file in."""
    row = members[subject][_first_file(members[subject])]
    return {**members, subject: [*members[subject], {**row, "path": f"{row['path']}.extra"}]}


@archive_members_equal_their_manifest.sabotage("a file has another content", spoils="members")
def file_different(members: Rows, subject: str) -> Rows:
    """Change a file."""
    rows = members[subject]
    at = _first_file(rows)
    return {**members, subject: [*rows[:at], {**rows[at], "sha256": other(rows[at]["sha256"])}, *rows[at + 1 :]]}


@archive_members_equal_their_manifest.sabotage("the manifest lists nothing", spoils="promised_members")
def nothing_listed(promised_members: Rows, subject: str) -> Rows:
    """Promise nothing."""
    return {**promised_members, subject: []}


def _by_path(rows: Iterable[Rows]) -> dict[str, tuple[int, str]]:
    return {row["path"]: (row["size"], row["sha256"]) for row in rows}


def _first_file(rows: list[Rows]) -> int:
    return next(
        number for number, row in enumerate(rows) if row["kind"] == "file" and row["path"] != member_manifest.NAME
    )


def _seen(receipt: RestorePoint, changed: MembersSeen) -> RestorePoint:
    members = tuple(changed if one.archive == changed.archive else one for one in receipt.facts.members)
    return replace(receipt, observed=replace(receipt.facts, members=members))
