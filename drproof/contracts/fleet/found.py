"""The restore points of a fleet are all that there are."""

from dataclasses import replace

from drproof.model.contract import NotApplicableError, contract
from drproof.model.criteria import Criteria
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding, compare, hold
from drproof.phases.fleet.observed import RestorePointsFound

Found = Receipt[RestorePointsFound]


@contract(needs=["find_restore_points"], controls=["NIST CP-9(1)"])
def every_restore_point_is_found(find_restore_points: Found, criteria: Criteria) -> Finding:
    """The fleet has at least one restore point, and holds exactly those that were named or recounted."""
    facts = find_restore_points.facts
    # What belongs to no restore point refutes nothing: it is named, in the receipt and here.
    strays = list(facts.strays)
    if not facts.found:
        return hold(
            False,  # noqa: FBT003 — a fleet of none proves nothing
            observed={"found": 0, "strays": strays},
            expected="at least 1 restore point",
            reason=f"there is no restore point below {facts.under}",
        )
    expected = facts.recounted if criteria.fleet.under else criteria.fleet.uris
    return compare(
        observed={
            "under": facts.under,
            "found": len(facts.found),
            "missing": sorted(set(expected) - set(facts.found)),
            "added": sorted(set(facts.found) - set(expected)),
            "strays": strays,
        },
        expected={
            "under": criteria.fleet.under,
            "found": len(expected),
            "missing": [],
            "added": [],
            "strays": strays,
        },
        reason="two counts of the restore points differ",
    )


@every_restore_point_is_found.sabotage("the first restore point is not found")
def one_less(find_restore_points: Found) -> Found:
    """Lose one."""
    return _found(find_restore_points, *find_restore_points.facts.found[1:])


@every_restore_point_is_found.sabotage("one is found that is not there")
def one_more(find_restore_points: Found) -> Found:
    """Make one up."""
    found = find_restore_points.facts.found
    return _found(find_restore_points, *found, f"{found[-1]}-other")


@every_restore_point_is_found.sabotage("one is found twice")
def one_twice(find_restore_points: Found) -> Found:
    """Count one again."""
    found = find_restore_points.facts.found
    return _found(find_restore_points, *found, found[-1])


@every_restore_point_is_found.sabotage("the recount finds one more")
def recounted_more(find_restore_points: Found) -> Found:
    """Let the recount find what the listing lacks."""
    facts = find_restore_points.facts
    if not facts.under:
        msg = "the restore points were named, not listed"
        raise NotApplicableError(msg)
    recounted = (*facts.recounted, f"{facts.under}/another")
    return replace(find_restore_points, observed=replace(facts, recounted=recounted))


@every_restore_point_is_found.sabotage("another prefix was listed")
def other_prefix(find_restore_points: Found) -> Found:
    """Look elsewhere."""
    facts = find_restore_points.facts
    return replace(find_restore_points, observed=replace(facts, under=f"{facts.under}-other"))


def _found(receipt: Found, *uris: str) -> Found:
    return replace(receipt, observed=replace(receipt.facts, found=uris))
