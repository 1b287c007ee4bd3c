"""The sizes that a manifest lists are true."""

from dataclasses import replace

from drproof.contracts.control_plane.bundle import CONTROLS, RestorePoint, changed, is_laid_out
from drproof.model.contract import NotApplicableError, contract
from drproof.model.verdict import Finding, compare, undecided


@contract(needs=["read_restore_point"], applies=is_laid_out, controls=CONTROLS)
def control_plane_files_have_their_listed_size(read_restore_point: RestorePoint) -> Finding:
    """Each file of the bundle has as many bytes as its manifest says."""
    seen = read_restore_point.facts.control_plane
    if seen.manifest is None:
        return undecided(f"the manifest was not read: {seen.problem or 'the receipt does not tell'}")
    return compare(
        observed={"other_size": list(seen.manifest.other_size), "listed_any": seen.listed > 0},
        expected={"other_size": [], "listed_any": True},
        reason="the manifest lists sizes that its files do not have",
    )


@control_plane_files_have_their_listed_size.sabotage("a file has another size")
def another_size(read_restore_point: RestorePoint) -> RestorePoint:
    """Let a file be longer than it is listed."""
    manifest = read_restore_point.facts.control_plane.manifest
    if manifest is None:
        msg = "the manifest was not read"
        raise NotApplicableError(msg)
    grown = replace(manifest, other_size=(*manifest.other_size, "alerts/alerts.json"))
    return changed(read_restore_point, manifest=grown)


@control_plane_files_have_their_listed_size.sabotage("the manifest lists nothing")
def lists_nothing(read_restore_point: RestorePoint) -> RestorePoint:
    """Empty the manifest."""
    return changed(read_restore_point, listed=0)
