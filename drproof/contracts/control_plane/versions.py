"""Nothing of the control plane is in a shape that its readers do not know."""

from dataclasses import replace
from typing import Any

from drproof.contracts.control_plane.bundle import CONTROLS, RestorePoint, changed, is_laid_out, section_changed
from drproof.formats.control_plane import SCHEMA_VERSION
from drproof.model.contract import NotApplicableError, contract, expected
from drproof.model.verdict import Finding, compare, undecided


@contract(needs=["read_restore_point"], applies=is_laid_out, controls=CONTROLS)
def control_plane_documents_have_a_known_version(read_restore_point: RestorePoint) -> Finding:
    """Pointer and manifest of the control plane have the schema version that drproof reads."""
    seen = read_restore_point.facts.control_plane
    if seen.pointer is None or seen.manifest is None:
        return undecided(f"pointer and manifest were not both read: {seen.problem or 'the receipt does not tell'}")
    return compare(
        observed={"pointer": seen.pointer.schema_version, "manifest": seen.manifest.schema_version},
        expected={"pointer": SCHEMA_VERSION, "manifest": SCHEMA_VERSION},
        reason="the control plane is written in another version than the one that is read",
    )


@control_plane_documents_have_a_known_version.sabotage("the pointer is of a later version")
def later_pointer(read_restore_point: RestorePoint) -> RestorePoint:
    """Write the pointer in the next version."""
    pointer = _known(read_restore_point.facts.control_plane.pointer)
    return changed(read_restore_point, pointer=replace(pointer, schema_version=SCHEMA_VERSION + 1))


@control_plane_documents_have_a_known_version.sabotage("the manifest states no version")
def manifest_without_a_version(read_restore_point: RestorePoint) -> RestorePoint:
    """Take the manifest's version away."""
    manifest = _known(read_restore_point.facts.control_plane.manifest)
    return changed(read_restore_point, manifest=replace(manifest, schema_version=None))


@contract(
    needs=["read_restore_point"],
    applies=is_laid_out,
    subjects=expected("control-plane section", lambda criteria: criteria.control_plane_sections),
    controls=CONTROLS,
)
def control_plane_section_has_its_listed_version(read_restore_point: RestorePoint, subject: str) -> Finding:
    """Each section of the control plane states its schema version, and the manifest gives the same."""
    seen = next((one for one in read_restore_point.facts.control_plane.sections if one.name == subject), None)
    if seen is None:
        return undecided(f"the receipt does not speak of section {subject}")
    if not seen.schema_version and not seen.listed_version:
        return undecided(f"neither section {subject} nor the manifest states its version")
    return compare(
        observed=seen.schema_version,
        expected=seen.listed_version,
        reason=f"section {subject} is of another version than the manifest says",
    )


@control_plane_section_has_its_listed_version.sabotage("the manifest gives another version")
def another_version_listed(read_restore_point: RestorePoint, subject: str) -> RestorePoint:
    """List another version."""
    return section_changed(read_restore_point, subject, listed_version='"another"')


@control_plane_section_has_its_listed_version.sabotage("the section states no version")
def no_version_stated(read_restore_point: RestorePoint, subject: str) -> RestorePoint:
    """Take the section's version away."""
    return section_changed(read_restore_point, subject, schema_version="")


def _known(value: Any) -> Any:  # noqa: ANN401 — pointer or manifest
    if value is None:
        msg = "it was not read"
        raise NotApplicableError(msg)
    return value
