"""The recovered workload read, from inside the recovery cluster, the state that was backed up."""

import hashlib
from dataclasses import replace
from typing import Any

from drproof.analysis.state_report import digest_of
from drproof.contracts.digests import other
from drproof.formats.strict_json import parse as parse_json
from drproof.formats.timestamps import milliseconds
from drproof.model.contract import contract, expected
from drproof.model.criteria import Criteria
from drproof.model.errors import FormatError
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding, compare, undecided
from drproof.phases.backup.observed import RestorePointObserved
from drproof.phases.recovery.validate import ArchiveReported, ValidateObserved

CONTROLS = ["NIST CP-10", "NIST CP-9(1)", "NIST CP-4(4)", "ISO 27001 A.8.13"]
Validation = Receipt[ValidateObserved]
Members = dict[str, Any]


@contract(
    needs=["read_restore_point", "validate"],
    reads={"members": ("read_restore_point", "members")},
    subjects=expected("archive", lambda criteria: criteria.backup.archives),
    controls=CONTROLS,
)
def restored_state_is_what_was_backed_up(
    validate: Validation, members: Members, criteria: Criteria, subject: str
) -> Finding:
    """A container with the workload's image and rights read every file of each archive in the cluster, and no other."""
    rows = _files(members, subject)
    challenge = criteria.workload.challenge
    if not rows or not challenge:
        return undecided(f"{subject} holds no file, or the criteria no challenge: there is nothing to compare")
    seen = [one for one in validate.facts.reports if one.archive == subject]
    if len(seen) != 1:
        return undecided(f"the workload reported {len(seen)} times of {subject}, expected once")
    wanted = digest_of(rows, nonce=challenge)
    return compare(
        observed={"files": seen[0].files, "size": seen[0].size, "sha256": seen[0].sha256},
        expected={"files": wanted.files, "size": wanted.size, "sha256": wanted.sha256},
        reason=f"the workload read another state than {subject} holds",
    )


@restored_state_is_what_was_backed_up.sabotage("the workload read an empty state", spoils="validate")
def empty_state(validate: Validation, subject: str) -> Validation:
    """Read nothing."""
    return _report(validate, subject, files=0)


@restored_state_is_what_was_backed_up.sabotage("one byte less was read", spoils="validate")
def one_byte_less(validate: Validation, subject: str) -> Validation:
    """Read a byte less."""
    seen = next(one for one in validate.facts.reports if one.archive == subject)
    return _report(validate, subject, size=seen.size - 1 if seen.size else seen.size + 1)


@restored_state_is_what_was_backed_up.sabotage("a file had another content", spoils="validate")
def other_content(validate: Validation, subject: str) -> Validation:
    """Read other content."""
    seen = next(one for one in validate.facts.reports if one.archive == subject)
    return _report(validate, subject, sha256=other(seen.sha256))


@restored_state_is_what_was_backed_up.sabotage("the report was made for another drill", spoils="validate")
def other_drill(validate: Validation, members: Members, criteria: Criteria, subject: str) -> Validation:
    """Answer the challenge of another drill."""
    answer = digest_of(_files(members, subject), nonce=other(criteria.workload.challenge))
    return _report(validate, subject, sha256=answer.sha256)


@contract(
    needs=["read_restore_point", "validate"],
    reads={"members": ("read_restore_point", "members")},
    applies=lambda criteria: bool(criteria.workload.canary),
    controls=CONTROLS,
)
def canary_was_read_in_the_cluster(
    read_restore_point: Receipt[RestorePointObserved], validate: Validation, members: Members, criteria: Criteria
) -> Finding:
    """The record that was written before the backup was read after the restore, in the recovery cluster."""
    archive, _, path = criteria.workload.canary.partition("/")
    row = next((one for one in members.get(archive, ()) if one["path"].removeprefix("./") == path), None)
    if row is None:
        return undecided(f"the restore point has no canary {criteria.workload.canary}: nobody can look for it")
    text = validate.facts.canary
    found = hashlib.sha256(text.encode()).hexdigest() if text else "absent"
    same = compare(observed=found, expected=row["sha256"], reason="the workload did not read the canary of the backup")
    if found != row["sha256"]:
        return same
    try:
        content = parse_json(text.encode())
        written = milliseconds(content.get("written_at") if isinstance(content, dict) else None)
        backed_up = milliseconds(read_restore_point.facts.created_at)
    except FormatError as exc:
        return undecided(f"nobody can say when the canary was written, or the backup made: {exc}")
    return compare(
        observed={"sha256": found, "written_before_the_backup": written <= backed_up},
        expected={"sha256": row["sha256"], "written_before_the_backup": True},
        reason="the canary is younger than the backup that holds it",
    )


@canary_was_read_in_the_cluster.sabotage("the canary is not there", spoils="validate")
def canary_absent(validate: Validation) -> Validation:
    """Lose the canary."""
    return replace(validate, observed=replace(validate.facts, canary=""))


@canary_was_read_in_the_cluster.sabotage("the canary has another text", spoils="validate")
def canary_different(validate: Validation) -> Validation:
    """Change the canary."""
    return replace(validate, observed=replace(validate.facts, canary=validate.facts.canary + " "))


@canary_was_read_in_the_cluster.sabotage("the backup is older than the canary", spoils="read_restore_point")
def backup_is_older(read_restore_point: Receipt[RestorePointObserved]) -> Receipt[RestorePointObserved]:
    """Age the backup."""
    return replace(read_restore_point, observed=replace(read_restore_point.facts, created_at="1970-01-01T00:00:00Z"))


def _files(members: Members, archive: str) -> list[dict[str, Any]]:
    return [
        {"path": row["path"].removeprefix("./"), "size": row["size"], "sha256": row["sha256"]}
        for row in members.get(archive, ())
        if row["kind"] == "file"
    ]


def _report(validate: Validation, archive: str, **changes: object) -> Validation:
    def changed(seen: ArchiveReported) -> ArchiveReported:
        return replace(seen, **changes) if seen.archive == archive else seen  # type: ignore[arg-type] # one value

    facts = validate.facts
    return replace(validate, observed=replace(facts, reports=tuple(map(changed, facts.reports))))
