"""Pointer and manifest tell the same story of the bundle."""

from dataclasses import replace
from typing import Any

from drproof.contracts.control_plane.bundle import CONTROLS, RestorePoint, changed, is_laid_out
from drproof.model.contract import NotApplicableError, contract
from drproof.model.verdict import Finding, compare, undecided

EARLIER = "19700101T000000Z"
OTHER_COMMIT = "0" * 40


@contract(needs=["read_restore_point"], applies=is_laid_out, controls=CONTROLS)
def control_plane_pointer_agrees_with_the_manifest(read_restore_point: RestorePoint) -> Finding:
    """Pointer and manifest of the control plane name the same instant, the same commit and the same image."""
    seen = read_restore_point.facts.control_plane
    if seen.pointer is None or seen.manifest is None:
        return undecided(f"pointer and manifest were not both read: {seen.problem or 'the receipt does not tell'}")
    return compare(
        observed={"created_at": seen.created_at, "git_sha": seen.pointer.git_sha, "image_ref": seen.image_ref},
        expected={
            "created_at": seen.manifest.created_at,
            "git_sha": seen.manifest.git_sha,
            "image_ref": seen.manifest_image_ref,
        },
        reason="the pointer says of the bundle what its own manifest does not",
    )


@control_plane_pointer_agrees_with_the_manifest.sabotage("the manifest was made at another time")
def made_at_another_time(read_restore_point: RestorePoint) -> RestorePoint:
    """Date the manifest back."""
    return _manifest(read_restore_point, created_at=EARLIER)


@control_plane_pointer_agrees_with_the_manifest.sabotage("the manifest is of another commit")
def of_another_commit(read_restore_point: RestorePoint) -> RestorePoint:
    """Name another commit."""
    return _manifest(read_restore_point, git_sha=OTHER_COMMIT)


@control_plane_pointer_agrees_with_the_manifest.sabotage("the pointer names another image")
def of_another_image(read_restore_point: RestorePoint) -> RestorePoint:
    """Name another image."""
    return changed(read_restore_point, image_ref=f"{read_restore_point.facts.control_plane.image_ref}0")


def _manifest(receipt: RestorePoint, **changes: Any) -> RestorePoint:  # noqa: ANN401 — fields of one value
    manifest = receipt.facts.control_plane.manifest
    if manifest is None:
        msg = "the manifest was not read"
        raise NotApplicableError(msg)
    return changed(receipt, manifest=replace(manifest, **changes))
