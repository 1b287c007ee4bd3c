"""The name of a bundle is of its content: nobody can put another one in its place unseen."""

from drproof.contracts.control_plane.bundle import CONTROLS, RestorePoint, changed, is_laid_out
from drproof.formats.control_plane_bundle import is_addressed_by
from drproof.model.contract import contract
from drproof.model.verdict import Finding, hold, undecided

TURNED = 255
"""The bit of a digest that is turned: a key holds only the first digits."""


@contract(needs=["read_restore_point"], applies=is_laid_out, controls=CONTROLS)
def control_plane_bundle_is_named_by_its_content(read_restore_point: RestorePoint) -> Finding:
    """The name of the control-plane bundle ends with the first digits of the SHA-256 of its own bytes."""
    seen = read_restore_point.facts.control_plane
    if not seen.bundle_sha256:
        return undecided(f"the bundle could not be read: {seen.problem}")
    return hold(
        is_addressed_by(seen.bundle_uri, seen.bundle_sha256),
        observed={"bundle_uri": seen.bundle_uri, "sha256": seen.bundle_sha256},
        expected="YYYYmmddTHHMMSSZ-<the first 12 or more digits of the SHA-256>.tar.gz",
        reason="the name of the bundle is not of the bytes behind it",
    )


@control_plane_bundle_is_named_by_its_content.sabotage("other bytes lie under the name")
def other_bytes(read_restore_point: RestorePoint) -> RestorePoint:
    """Put another bundle in its place."""
    sha256 = read_restore_point.facts.control_plane.bundle_sha256
    return changed(read_restore_point, bundle_sha256=f"{int(sha256, 16) ^ 1 << TURNED:064x}")


@control_plane_bundle_is_named_by_its_content.sabotage("the name says no digest")
def name_without_a_digest(read_restore_point: RestorePoint) -> RestorePoint:
    """Call the bundle something else."""
    return changed(read_restore_point, bundle_uri="s3://bucket/control-plane/bundles/latest.tar.gz")
