"""Pointer, bundle and manifest of the control plane agree, in both directions."""

from dataclasses import replace
from typing import Any

from drproof.contracts.digests import other
from drproof.formats import image_ref
from drproof.model.contract import contract, expected
from drproof.model.criteria import Criteria
from drproof.model.errors import FormatError
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding, compare, hold, undecided
from drproof.phases.backup.observed import RestorePointObserved

RestorePoint = Receipt[RestorePointObserved]
CONTROLS = ["NIST CP-9(1)", "NIST CM-6"]


def is_laid_out(criteria: Criteria) -> bool:
    """Whether this layout of a restore point has a control plane beside it."""
    return criteria.backup.layout == "archives"


@contract(needs=["read_restore_point"], applies=is_laid_out, controls=CONTROLS)
def control_plane_pointer_names_its_bundle(read_restore_point: RestorePoint) -> Finding:
    """The bundle that the control-plane pointer names is there, with the SHA-256 that the pointer gives."""
    seen = read_restore_point.facts.control_plane
    if not seen.bundle_sha256:
        return hold(
            False,  # noqa: FBT003 — a bundle that nobody could read is not the one that is named
            observed=seen.problem or "no bundle",
            expected="a bundle",
            reason="the control-plane bundle could not be read",
        )
    return compare(
        observed=seen.bundle_sha256,
        expected=seen.pointed_sha256,
        reason=f"{seen.bundle_uri} is not the bundle that the pointer gives the digest of",
    )


@control_plane_pointer_names_its_bundle.sabotage("the bundle has another digest")
def other_bundle(read_restore_point: RestorePoint) -> RestorePoint:
    """Exchange the bundle."""
    sha256 = read_restore_point.facts.control_plane.bundle_sha256
    return changed(read_restore_point, bundle_sha256=other(sha256))


@control_plane_pointer_names_its_bundle.sabotage("the bundle is gone")
def bundle_gone(read_restore_point: RestorePoint) -> RestorePoint:
    """Lose the bundle."""
    return changed(read_restore_point, bundle_sha256="")


@contract(needs=["read_restore_point"], applies=is_laid_out, controls=CONTROLS)
def control_plane_files_equal_the_manifest(read_restore_point: RestorePoint) -> Finding:
    """The bundle holds exactly the files that its manifest lists, each with its SHA-256."""
    seen = read_restore_point.facts.control_plane
    if not seen.bundle_sha256:
        return undecided(f"the bundle could not be read: {seen.problem}")
    return compare(
        observed={
            "problem": seen.problem,
            "missing": list(seen.missing),
            "extra": list(seen.extra),
            "different": list(seen.different),
            "listed_any": seen.listed > 0,
        },
        expected={"problem": "", "missing": [], "extra": [], "different": [], "listed_any": True},
        reason="the bundle and its manifest differ",
    )


@control_plane_files_equal_the_manifest.sabotage("a listed file is missing")
def file_missing(read_restore_point: RestorePoint) -> RestorePoint:
    """Take a file away."""
    return changed(read_restore_point, missing=("alerts/alerts.json",))


@control_plane_files_equal_the_manifest.sabotage("a file is not listed")
def file_extra(read_restore_point: RestorePoint) -> RestorePoint:
    """Slip a file in."""
    return changed(read_restore_point, extra=("alerts/slipped-in.json",))


@control_plane_files_equal_the_manifest.sabotage("a file has another content")
def file_different(read_restore_point: RestorePoint) -> RestorePoint:
    """Change a file."""
    return changed(read_restore_point, different=("alerts/alerts.json",))


@control_plane_files_equal_the_manifest.sabotage("the archive is damaged")
def bundle_damaged(read_restore_point: RestorePoint) -> RestorePoint:
    """Damage the bundle."""
    return changed(read_restore_point, problem="archive-truncated: the gzip stream ends before its end")


@control_plane_files_equal_the_manifest.sabotage("the manifest lists nothing")
def nothing_listed(read_restore_point: RestorePoint) -> RestorePoint:
    """Empty the manifest."""
    return changed(read_restore_point, listed=0)


@contract(
    needs=["read_restore_point"],
    subjects=expected("control-plane section", lambda criteria: criteria.control_plane_sections),
    applies=is_laid_out,
    controls=CONTROLS,
)
def control_plane_section_is_complete(read_restore_point: RestorePoint, subject: str) -> Finding:
    """Each section of the control plane has at least one file, and its files are not all empty."""
    seen = next((one for one in read_restore_point.facts.control_plane.sections if one.name == subject), None)
    if seen is None:
        return undecided(f"the receipt does not speak of section {subject}")
    return hold(
        seen.files > 0 and seen.size > 0,
        observed={"files": seen.files, "size": seen.size},
        expected={"files": "more than 0", "size": "more than 0"},
        reason=f"section {subject} holds nothing",
    )


@control_plane_section_is_complete.sabotage("the section has no file")
def section_without_files(read_restore_point: RestorePoint, subject: str) -> RestorePoint:
    """Take the section's files away."""
    return section_changed(read_restore_point, subject, files=0)


@control_plane_section_is_complete.sabotage("the section's files are empty")
def section_of_nothing(read_restore_point: RestorePoint, subject: str) -> RestorePoint:
    """Empty the section's files."""
    return section_changed(read_restore_point, subject, size=0)


@contract(needs=["read_restore_point"], plans={"recovery"}, controls=["NIST SI-7"])
def control_plane_image_is_pinned(read_restore_point: RestorePoint, criteria: Criteria) -> Finding:
    """Pointer and manifest name the image that is drilled, pinned by digest."""
    seen = read_restore_point.facts.control_plane
    if not seen.image_ref:
        return undecided("the control plane names no image", expected=criteria.image_ref)
    try:
        image_ref.parse_pinned(seen.image_ref)
    except FormatError as exc:
        return hold(False, observed=seen.image_ref, expected=criteria.image_ref, reason=str(exc))  # noqa: FBT003
    return compare(
        observed={"pointer": seen.image_ref, "manifest": seen.manifest_image_ref},
        expected={"pointer": criteria.image_ref, "manifest": criteria.image_ref},
        reason="the control plane belongs to another image",
    )


@control_plane_image_is_pinned.sabotage("the pointer names a tag")
def tagged_image(read_restore_point: RestorePoint) -> RestorePoint:
    """Use a tag."""
    reference = read_restore_point.facts.control_plane.image_ref
    return changed(read_restore_point, image_ref=f"{reference.partition('@')[0]}:latest")


@control_plane_image_is_pinned.sabotage("the manifest names another image")
def other_image(read_restore_point: RestorePoint) -> RestorePoint:
    """Name another image."""
    reference = read_restore_point.facts.control_plane.manifest_image_ref
    return changed(read_restore_point, manifest_image_ref=f"{reference}0")


def changed(receipt: RestorePoint, **changes: Any) -> RestorePoint:  # noqa: ANN401 — fields of one value
    """Return a receipt with another fact about the control plane."""
    facts = receipt.facts
    return replace(receipt, observed=replace(facts, control_plane=replace(facts.control_plane, **changes)))


def section_changed(receipt: RestorePoint, name: str, **changes: int | str) -> RestorePoint:
    """Return a receipt with another fact about one section of it."""
    sections = receipt.facts.control_plane.sections
    return changed(
        receipt,
        sections=tuple(replace(one, **changes) if one.name == name else one for one in sections),  # type: ignore[arg-type]
    )
