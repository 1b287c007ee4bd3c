"""A file is not left out of the manifest because it is called like it."""

from dataclasses import replace

from drproof.contracts.control_plane.bundle import CONTROLS, RestorePoint, changed, is_laid_out
from drproof.model.contract import NotApplicableError, contract
from drproof.model.verdict import Finding, compare, undecided

SLIPPED_IN = "alerts/slipped-in/manifest.json"


@contract(needs=["read_restore_point"], applies=is_laid_out, controls=CONTROLS)
def control_plane_manifest_lists_its_namesakes(read_restore_point: RestorePoint) -> Finding:
    """Every file of the bundle that is called `manifest.json`, but the root's own, is listed like any other."""
    seen = read_restore_point.facts.control_plane
    if seen.manifest is None:
        return undecided(f"the manifest was not read: {seen.problem or 'the receipt does not tell'}")
    return compare(
        observed=list(seen.manifest.nested),
        expected=list(seen.manifest.nested_listed),
        reason="a file that is called manifest.json reaches the cluster, and no digest speaks for it",
    )


@control_plane_manifest_lists_its_namesakes.sabotage("one of them is not listed")
def not_listed(read_restore_point: RestorePoint) -> RestorePoint:
    """Slip one in."""
    manifest = read_restore_point.facts.control_plane.manifest
    if manifest is None:
        msg = "the manifest was not read"
        raise NotApplicableError(msg)
    return changed(read_restore_point, manifest=replace(manifest, nested=(*manifest.nested, SLIPPED_IN)))
