"""Where the comparisons turn that speak of the control plane's pointer, its manifest and its sections."""

from dataclasses import replace
from typing import Any

from drproof.formats.control_plane_objects import MAX_BYTES
from tests.contracts.boundary import PROVEN, REFUTED, UNPROVEN, boundary, expect
from tests.contracts.checks import House
from tests.contracts.evidence import PASSING, Evidence
from tests.contracts.observed import POINT, sha256

PLANE = POINT.control_plane
AGREES = "control_plane_pointer_agrees_with_the_manifest"
UNREAD = {"bundle_sha256": "", "problem": "not found", "pointer": None, "manifest": None, "sections": ()}


def plane(**changes: Any) -> Evidence:
    return PASSING.facts("read_restore_point", control_plane=replace(PLANE, **changes))


def manifest(**changes: Any) -> Evidence:
    assert PLANE.manifest is not None
    return plane(manifest=replace(PLANE.manifest, **changes))


def pointer(**changes: Any) -> Evidence:
    assert PLANE.pointer is not None
    return plane(pointer=replace(PLANE.pointer, **changes))


def alerts(**changes: Any) -> Evidence:
    return plane(sections=tuple(replace(s, **changes) if s.name == "alerts" else s for s in PLANE.sections))


@boundary
def a_receipt_that_tells_nothing_of_pointer_and_manifest_proves_nothing_about_them(house: House) -> None:
    for contract in (
        "control_plane_bundle_is_named_by_its_content",
        AGREES,
        "control_plane_manifest_lists_its_namesakes",
        "control_plane_files_have_their_listed_size",
        "control_plane_documents_have_a_known_version",
        "control_plane_pointer_names_the_newest_bundle",
    ):
        verdict = house.verdict(contract, plane(**UNREAD))
        assert verdict.status is UNPROVEN
        assert "not found" in verdict.reason
    for contract in ("control_plane_section_has_its_listed_version", "control_plane_section_fits_a_config_map"):
        expect(house, contract, (plane(**UNREAD), UNPROVEN), subject="alerts")
    for contract in (AGREES, "control_plane_documents_have_a_known_version"):
        for one in (plane(pointer=None), plane(manifest=None)):
            assert "were not both read" in house.verdict(contract, one).reason
            expect(house, contract, (one, UNPROVEN))


@boundary
def twelve_digits_of_its_own_digest_name_a_bundle_and_no_others(house: House) -> None:
    def named(name: str) -> Evidence:
        return plane(bundle_uri=f"s3://atlas-backups/atlas/control-plane/bundles/{name}")

    own = sha256("bundle")
    expect(
        house,
        "control_plane_bundle_is_named_by_its_content",
        (named(f"20260131T110000Z-{own}.tar.gz"), PROVEN),
        (named(f"20260131T110000Z-{own[:11]}.tar.gz"), REFUTED),
        (named(f"20260131T110000Z-{own[1:13]}.tar.gz"), REFUTED),
        (named(f"{own[:12]}.tar.gz"), REFUTED),
    )


@boundary
def each_of_the_three_that_pointer_and_manifest_both_say_is_compared(house: House) -> None:
    expect(
        house,
        AGREES,
        (manifest(created_at="20260131T110001Z"), REFUTED),
        (manifest(git_sha=""), REFUTED),
        (pointer(git_sha=""), REFUTED),
        (plane(manifest_image_ref=""), REFUTED),
        (plane(manifest_image_ref="", image_ref=""), PROVEN),
    )


@boundary
def a_namesake_of_the_manifest_is_listed_or_refuted(house: House) -> None:
    expect(
        house,
        "control_plane_manifest_lists_its_namesakes",
        (manifest(nested=(), nested_listed=()), PROVEN),
        (manifest(nested_listed=()), REFUTED),
    )


@boundary
def one_size_that_differs_refutes_and_so_does_a_list_of_nothing(house: House) -> None:
    expect(
        house,
        "control_plane_files_have_their_listed_size",
        (manifest(other_size=("alerts/alerts.json",)), REFUTED),
        (plane(listed=1), PROVEN),
        (plane(listed=0), REFUTED),
    )


@boundary
def only_the_version_that_is_read_is_known(house: House) -> None:
    expect(
        house,
        "control_plane_documents_have_a_known_version",
        (pointer(schema_version=2), REFUTED),
        (pointer(schema_version=None), REFUTED),
        (manifest(schema_version=0), REFUTED),
    )
    expect(
        house,
        "control_plane_section_has_its_listed_version",
        (alerts(schema_version="2", listed_version="2"), PROVEN),
        (alerts(schema_version="2"), REFUTED),
        (alerts(listed_version=""), REFUTED),
        (alerts(schema_version=""), REFUTED),
        (alerts(schema_version="", listed_version=""), UNPROVEN),
        (alerts(name="another"), UNPROVEN),
        subject="alerts",
    )


@boundary
def a_section_fits_up_to_the_last_byte(house: House) -> None:
    expect(
        house,
        "control_plane_section_fits_a_config_map",
        (alerts(map_size=MAX_BYTES), PROVEN),
        (alerts(map_size=MAX_BYTES + 1), REFUTED),
        (alerts(map_size=0), PROVEN),
        (alerts(map_size=None), UNPROVEN),
        (alerts(unfit="alerts/a file.json"), REFUTED),
        (alerts(name="another"), UNPROVEN),
        subject="alerts",
    )
    for one in (alerts(map_size=None), alerts(name="another")):
        assert (
            "does not say how large" in house.verdict("control_plane_section_fits_a_config_map", one, "alerts").reason
        )


@boundary
def a_pointer_may_name_a_bundle_as_old_as_the_newest_and_not_one_second_older(house: House) -> None:
    expect(
        house,
        "control_plane_pointer_names_the_newest_bundle",
        (pointer(newest_created_at="20260131T105959Z"), PROVEN),
        (pointer(newest_created_at="20260131T110001Z"), REFUTED),
        (pointer(newest_created_at=""), UNPROVEN),
        (plane(created_at="yesterday"), UNPROVEN),
        (plane(created_at="2026-01-31T11:00:00Z"), UNPROVEN),
    )
    denied = pointer(newest_created_at="", listing_problem="AccessDenied")
    assert "AccessDenied" in house.verdict("control_plane_pointer_names_the_newest_bundle", denied).reason
