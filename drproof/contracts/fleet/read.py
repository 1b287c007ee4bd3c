"""No restore point of a fleet is lost on the way: each that was found was read, once."""

from dataclasses import replace

from drproof.model.contract import contract
from drproof.model.receipt import Outcome, Receipt
from drproof.model.verdict import Finding, Status, compare, undecided
from drproof.phases.fleet.observed import Foreign, RestorePointsFound, RestorePointsRead

Found = Receipt[RestorePointsFound]
Read = Receipt[RestorePointsRead]


@contract(needs=["find_restore_points", "read_restore_points"], controls=["NIST CP-9(1)"])
def every_restore_point_is_read(find_restore_points: Found, read_restore_points: Read) -> Finding:
    """Each restore point that was found has been read to its end once, and nothing else came back."""
    rows, found = read_restore_points.facts.rows, find_restore_points.facts.found
    subjects = [row.subject for row in rows]
    finding = compare(
        observed={
            "rows": len(subjects),
            "missing": sorted(set(found) - set(subjects)),
            "added": sorted(set(subjects) - set(found)),
            "foreign": [one.name for one in read_restore_points.facts.foreign],
        },
        expected={"rows": len(found), "missing": [], "added": [], "foreign": []},
        reason="the restore points that were read are not those that were found",
    )
    unread = [row for row in rows if row.outcome is not Outcome.PASSED or not row.reading]
    if finding.status is Status.PROVEN and unread:
        return undecided(
            f"{len(unread)} of {len(rows)} restore points were not read, {unread[0].subject} among them: "
            f"{unread[0].reason}",
            observed={row.subject: row.reason for row in unread},
        )
    return finding


@every_restore_point_is_read.sabotage("the first restore point has no row", spoils="read_restore_points")
def one_less(read_restore_points: Read) -> Read:
    """Lose a row."""
    facts = read_restore_points.facts
    return replace(read_restore_points, observed=replace(facts, rows=facts.rows[1:]))


@every_restore_point_is_read.sabotage("a restore point has two rows", spoils="read_restore_points")
def one_twice(read_restore_points: Read) -> Read:
    """Read one again."""
    facts = read_restore_points.facts
    return replace(read_restore_points, observed=replace(facts, rows=(*facts.rows, facts.rows[-1])))


@every_restore_point_is_read.sabotage("a row is of another restore point", spoils="read_restore_points")
def another(read_restore_points: Read) -> Read:
    """Read another one instead."""
    facts = read_restore_points.facts
    first = replace(facts.rows[0], subject=f"{facts.rows[0].subject}-other")
    return replace(read_restore_points, observed=replace(facts, rows=(first, *facts.rows[1:])))


@every_restore_point_is_read.sabotage("one more was found", spoils="find_restore_points")
def found_more(find_restore_points: Found) -> Found:
    """Find one that nobody read."""
    facts = find_restore_points.facts
    return replace(find_restore_points, observed=replace(facts, found=(*facts.found, f"{facts.found[-1]}-other")))


@every_restore_point_is_read.sabotage("a foreign reading came back", spoils="read_restore_points")
def foreign(read_restore_points: Read) -> Read:
    """Take in a reading of somebody else."""
    facts = read_restore_points.facts
    stranger = Foreign(name="another", reason="it is of another fleet")
    return replace(read_restore_points, observed=replace(facts, foreign=(*facts.foreign, stranger)))
