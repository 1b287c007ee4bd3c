"""The control plane can be given to a cluster before a cluster is paid for."""

from drproof.contracts.control_plane.bundle import CONTROLS, RestorePoint, is_laid_out, section_changed
from drproof.formats.control_plane_objects import MAX_BYTES
from drproof.model.contract import contract, expected
from drproof.model.verdict import Finding, hold, undecided


@contract(
    needs=["read_restore_point"],
    applies=is_laid_out,
    subjects=expected("control-plane section", lambda criteria: criteria.control_plane_sections),
    controls=[*CONTROLS, "NIST CP-10"],
)
def control_plane_section_fits_a_config_map(read_restore_point: RestorePoint, subject: str) -> Finding:
    """Each section of the control plane becomes one ConfigMap: every path a key of its own, all within its limit."""
    seen = next((one for one in read_restore_point.facts.control_plane.sections if one.name == subject), None)
    if seen is None or seen.map_size is None:
        return undecided(f"the receipt does not say how large the ConfigMap of section {subject} is")
    return hold(
        seen.map_size <= MAX_BYTES and not seen.unfit,
        observed={"bytes": seen.map_size, "path without a key": seen.unfit},
        expected={"bytes": f"at most {MAX_BYTES}", "path without a key": ""},
        reason=f"no ConfigMap holds section {subject} as it is",
    )


@control_plane_section_fits_a_config_map.sabotage("the section is one byte too large")
def one_byte_too_large(read_restore_point: RestorePoint, subject: str) -> RestorePoint:
    """Let the section grow beyond the limit."""
    return section_changed(read_restore_point, subject, map_size=MAX_BYTES + 1)


@control_plane_section_fits_a_config_map.sabotage("a path makes no key")
def path_without_a_key(read_restore_point: RestorePoint, subject: str) -> RestorePoint:
    """Call a file what no key can be."""
    return section_changed(read_restore_point, subject, unfit=f"{subject}/a file.json")
