"""Nobody turned the control plane back unseen."""

from dataclasses import replace

from drproof.contracts.control_plane.bundle import CONTROLS, RestorePoint, changed, is_laid_out
from drproof.formats.timestamps import parse_compact
from drproof.model.contract import NotApplicableError, contract
from drproof.model.errors import FormatError
from drproof.model.verdict import Finding, hold, undecided

MUCH_LATER = "99991231T235959Z"


@contract(needs=["read_restore_point"], applies=is_laid_out, controls=[*CONTROLS, "NIST SI-7"])
def control_plane_pointer_names_the_newest_bundle(read_restore_point: RestorePoint) -> Finding:
    """No bundle that was published beside it is newer than the one that the control-plane pointer names."""
    seen = read_restore_point.facts.control_plane
    if seen.pointer is None or not seen.pointer.newest_created_at:
        said = seen.pointer.listing_problem if seen.pointer is not None else seen.problem
        return undecided(f"no bundle beside the pointer says when it was made: {said or 'none has such a name'}")
    try:
        named, newest = parse_compact(seen.created_at), parse_compact(seen.pointer.newest_created_at)
    except FormatError as exc:
        return undecided(str(exc))
    return hold(
        named >= newest,
        observed=seen.created_at,
        expected=f"{seen.pointer.newest_created_at} or later",
        reason="a newer bundle was published before, and the pointer was turned back or never moved on",
    )


@control_plane_pointer_names_the_newest_bundle.sabotage("a newer bundle lies beside it")
def newer_bundle(read_restore_point: RestorePoint) -> RestorePoint:
    """Publish a newer bundle that nothing points to."""
    pointer = read_restore_point.facts.control_plane.pointer
    if pointer is None:
        msg = "the pointer was not read"
        raise NotApplicableError(msg)
    return changed(read_restore_point, pointer=replace(pointer, newest_created_at=MUCH_LATER))


@control_plane_pointer_names_the_newest_bundle.sabotage("the pointer was turned back")
def turned_back(read_restore_point: RestorePoint) -> RestorePoint:
    """Point to a bundle of long ago."""
    return changed(read_restore_point, created_at="19700101T000000Z")
