"""Where the comparisons turn that speak of the original site and its restore point: on the limit, beyond it, with nothing."""

from dataclasses import replace
from typing import Any

from drproof.phases.backup.observed import NOT_THERE
from tests.contracts.boundary import PROVEN, REFUTED, UNPROVEN, boundary, expect
from tests.contracts.checks import House
from tests.contracts.evidence import PASSING, STALE, Evidence
from tests.contracts.observed import CRITERIA, HEALTH, HOUR, MEMBERS, POINT, PREFLIGHT, at

STATE = "state.tar.zst"


@boundary
def the_objective_of_recovery_time_is_met_on_its_last_millisecond(house: House) -> None:
    def ended(when: str) -> Evidence:
        return PASSING.receipt("check_health", started_at=at(0)).receipt("validate", ended_at=when)

    expect(
        house,
        "recovery_was_within_rto",
        (ended("2026-01-31T13:00:00.000Z"), PROVEN),
        (ended("2026-01-31T13:00:00.001Z"), REFUTED),
        (ended(at(0)), PROVEN),
        (ended("2026-01-31T11:59:59.999Z"), REFUTED),
        (ended(at(0)).asking(rto_ms=0), PROVEN),
        (ended("2026-01-31T12:00:00.001Z").asking(rto_ms=0), REFUTED),
    )


@boundary
def the_objective_of_the_recovery_point_is_met_on_its_last_millisecond(house: House) -> None:
    def made(when: str) -> Evidence:
        return PASSING.facts("read_restore_point", created_at=when).receipt("read_restore_point", started_at=at(0))

    expect(
        house,
        "restore_point_is_within_rpo",
        (made("2026-01-30T12:00:00.000Z"), PROVEN),
        (made("2026-01-30T11:59:59.999Z"), REFUTED),
        (made(at(0)), PROVEN),
        (made("2026-01-31T12:00:00.001Z"), REFUTED),
        (made("2026-01-31T13:00:00+01:00"), PROVEN),
        (made(""), UNPROVEN),
        (made("yesterday"), UNPROVEN),
        (made("2026-01-31T11:00:00"), UNPROVEN),
    )


@boundary
def a_run_is_fresh_up_to_the_limit(house: House) -> None:
    limit = CRITERIA.freshness_limit_ms
    expect(
        house,
        "primary_is_fresh",
        (PASSING.facts("check_health", age_ms=limit), PROVEN),
        (PASSING.facts("check_health", age_ms=limit + 1), REFUTED),
        (PASSING.facts("check_health", age_ms=0), PROVEN),
        (PASSING.facts("check_health", age_ms=None), UNPROVEN),
    )


@boundary
def a_run_that_ends_now_is_past_and_one_millisecond_later_is_not(house: House) -> None:
    expect(
        house,
        "primary_instants_are_past",
        (PASSING.facts("check_health", age_ms=0), PROVEN),
        (PASSING.facts("check_health", age_ms=-1), REFUTED),
        (PASSING.facts("check_health", age_ms=None), UNPROVEN),
    )


@boundary
def a_need_follows_from_what_was_seen_or_says_that_it_is_forced(house: House) -> None:
    limit = CRITERIA.freshness_limit_ms
    stale, forced = "check_health", PASSING
    expect(
        house,
        "need_for_recovery_has_a_reason",
        (forced.asking(force_recovery=False), REFUTED),
        (forced.facts(stale, forced=False), REFUTED),
        (forced.facts(stale, needs_dr=False), REFUTED),
        (forced.facts(stale, needs_dr=False, forced=False).asking(force_recovery=False), REFUTED),
        (forced.facts(stale, age_ms=limit), PROVEN),
        (forced.facts(stale, age_ms=limit + 1), REFUTED),
        (forced.facts(stale, age_ms=0), PROVEN),
        (forced.facts(stale, age_ms=-1), REFUTED),
        (forced.facts(stale, age_ms=None), REFUTED),
        (STALE.asking(force_recovery=True), PROVEN),
        (STALE.facts(stale, needs_dr=False), REFUTED),
        (STALE.facts(stale, forced=True), REFUTED),
        (STALE.facts(stale, reasons=()), REFUTED),
        (STALE.facts(stale, age_ms=HOUR), REFUTED),
    )
    assert house.verdict("need_for_recovery_has_a_reason", STALE.facts(stale, forced=True)).expected == {
        "needs_dr": True,
        "forced": False,
    }
    for asked in (True, False):
        denied = forced.facts(stale, forced=False).asking(force_recovery=asked)
        assert house.verdict("need_for_recovery_has_a_reason", denied).expected == {"needs_dr": True, "forced": asked}
    unknown = forced.facts(
        stale,
        age_ms=None,
        forced=False,
        reasons=("freshness_reference_missing: no pointer says when the last good run ended",),
    )
    expect(house, "need_for_recovery_has_a_reason", (unknown, PROVEN))


@boundary
def hiding_the_age_is_tried_up_to_the_limit_and_not_where_a_reason_tells_it(house: House) -> None:
    name = "the last run is older than the limit, and no reason says so"

    def tried(evidence: Evidence) -> str:
        verdict = house.verdict("need_for_recovery_has_a_reason", evidence)
        return next(control.result.value for control in verdict.controls if control.name == name)

    assert tried(PASSING.facts("check_health", age_ms=CRITERIA.freshness_limit_ms)) == "refuted"
    assert tried(STALE) == "not_applicable"


@boundary
def a_pointer_that_is_lost_doubled_or_empty_is_never_readable(house: House) -> None:
    def pointers(*kept: Any) -> Evidence:
        return PASSING.facts("check_health", pointers=kept)

    first, second = HEALTH.pointers
    expect(
        house,
        "primary_pointer_is_readable",
        (pointers(first, second), PROVEN),
        (pointers(second), UNPROVEN),
        (pointers(first, first, second), UNPROVEN),
        (pointers(replace(first, run_id=""), second), REFUTED),
        (pointers(replace(first, status="access_denied"), second), REFUTED),
        (pointers(first, replace(second, status="access_denied")), PROVEN),
        subject="global",
    )
    expect(
        house,
        "primary_pointers_agree",
        (pointers(first), UNPROVEN),
        (pointers(first, replace(second, status="pointer-empty")), UNPROVEN),
        (pointers(first, replace(second, run_id="run-8")), REFUTED),
    )


@boundary
def a_marker_of_one_byte_is_a_marker_and_an_absent_one_is_none_whatever_its_size(house: House) -> None:
    def marker(**changes: Any) -> Evidence:
        return PASSING.facts("check_health", marker=replace(HEALTH.marker, **changes))

    expect(
        house,
        "primary_marker_is_present",
        (marker(size=1), PROVEN),
        (marker(size=0), REFUTED),
        (marker(status="not_found", size=1), REFUTED),
    )


@boundary
def one_metric_is_enough_and_none_is_not(house: House) -> None:
    expect(
        house,
        "primary_publishes_metrics",
        (PASSING.facts("check_health", metrics=("one",)), PROVEN),
        (PASSING.facts("check_health", metrics=()), REFUTED),
    )


@boundary
def an_object_is_what_was_promised_only_when_somebody_hashed_it(house: House) -> None:
    def objects(which: str, **changes: Any) -> Evidence:
        seen = tuple(replace(one, **changes) if one.name == which else one for one in POINT.objects)
        return PASSING.facts("read_restore_point", objects=seen)

    doubled = PASSING.facts("read_restore_point", objects=(*POINT.objects, *POINT.objects))
    contract = "backup_object_matches_its_metadata"
    expect(
        house,
        contract,
        (objects(STATE, size=1, promised_size=1), PROVEN),
        (objects(STATE, size=0, promised_size=0), REFUTED),
        (objects(STATE, status="not_found"), REFUTED),
        (objects(STATE, promised_size=None, promised_sha256=""), REFUTED),
        (objects(STATE, sha256="", promised_sha256=""), UNPROVEN),
        (objects(STATE, name="another"), UNPROVEN),
        (doubled, UNPROVEN),
        (PASSING.facts("read_restore_point", problem="not JSON"), PROVEN),
        subject=STATE,
    )
    expect(
        house,
        contract,
        (objects("metadata.json", sha256=""), UNPROVEN),
        (objects("metadata.json", size=0), REFUTED),
        (objects("metadata.json", status="not_found", size=9), REFUTED),
        (PASSING.facts("read_restore_point", problem="not JSON"), REFUTED),
        (PASSING.facts("read_restore_point", unread=("db.tar.zst",)), UNPROVEN),
        (PASSING.facts("read_restore_point", unread=("db.tar.zst",), problem="not JSON"), REFUTED),
        subject="metadata.json",
    )
    unread = house.verdict(
        contract, PASSING.facts("read_restore_point", unread=("a.tar.zst", "b.sql")), "metadata.json"
    )
    assert "promises a.tar.zst, b.sql as well, which nobody read" in unread.reason
    assert "backup.objects" in unread.reason


@boundary
def an_archive_that_is_not_there_is_unproven_and_a_damaged_one_refuted(house: House) -> None:
    def archives(**changes: Any) -> Evidence:
        seen = tuple(replace(one, **changes) if one.name == STATE else one for one in POINT.archives)
        return PASSING.facts("read_restore_point", archives=seen)

    def rows(*kept: Any) -> Evidence:
        return PASSING.file("members", {**MEMBERS, STATE: list(kept)})

    folder, canary, one, two = MEMBERS[STATE]
    state, manifests = POINT.archives
    beside_a_smaller_one = (state, replace(manifests, members=state.members - 1))
    expect(
        house,
        "archive_is_sound",
        (PASSING.facts("read_restore_point", archives=beside_a_smaller_one), PROVEN),
        (archives(problem=NOT_THERE), UNPROVEN),
        (archives(problem="absolute path: /etc/passwd"), REFUTED),
        (archives(name="another"), UNPROVEN),
        (archives(files=4), REFUTED),
        (archives(size=10), REFUTED),
        (rows(folder), REFUTED),
        (rows(folder, canary, one, one), REFUTED),
        (rows(folder, canary, one, {**two, "path": "./runs/../../two.json"}), REFUTED),
        (rows(folder, canary, one, {**two, "size": 6}), REFUTED),
        (PASSING.file("members", {"manifests.tar.zst": MEMBERS["manifests.tar.zst"]}), UNPROVEN),
        subject=STATE,
    )


@boundary
def metadata_of_another_restore_point_is_refuted_and_a_slash_at_its_end_is_not(house: House) -> None:
    expect(
        house,
        "metadata_names_this_restore_point",
        (PASSING.facts("read_restore_point", metadata_uri=f"{POINT.uri}/"), PROVEN),
        (PASSING.facts("read_restore_point", metadata_uri=""), REFUTED),
        (PASSING.facts("read_restore_point", backup_id=""), REFUTED),
        (PASSING.asking(backup=replace(CRITERIA.backup, uri="s3://atlas-backups/atlas/backups/backup-2")), REFUTED),
        (PASSING.asking(backup=replace(CRITERIA.backup, uri="not a URI")), UNPROVEN),
    )


@boundary
def a_control_plane_that_could_not_be_read_proves_nothing(house: House) -> None:
    def plane(**changes: Any) -> Evidence:
        return PASSING.facts("read_restore_point", control_plane=replace(POINT.control_plane, **changes))

    unread = plane(bundle_sha256="", pointed_sha256="", problem="not found")
    expect(house, "control_plane_pointer_names_its_bundle", (unread, REFUTED))
    assert house.verdict("control_plane_pointer_names_its_bundle", unread).observed == "not found"
    nothing = plane(bundle_sha256="", pointed_sha256="")
    assert house.verdict("control_plane_pointer_names_its_bundle", nothing).observed == "no bundle"
    expect(
        house,
        "control_plane_files_equal_the_manifest",
        (unread, UNPROVEN),
        (plane(listed=1), PROVEN),
        (plane(listed=0), REFUTED),
    )
    expect(
        house,
        "control_plane_image_is_pinned",
        (plane(image_ref="", manifest_image_ref=""), UNPROVEN),
        (plane(image_ref="atlas/runner:latest", manifest_image_ref="atlas/runner:latest"), REFUTED),
        (PASSING.asking(image_ref="atlas/runner@sha256:" + "cd" * 32), REFUTED),
    )
    tagged = plane(image_ref="atlas/runner:latest", manifest_image_ref="atlas/runner:latest")
    expect(house, "control_plane_image_is_pinned", (tagged.asking(image_ref="atlas/runner:latest"), REFUTED))


@boundary
def a_section_of_one_file_and_one_byte_is_complete(house: House) -> None:
    def section(**changes: Any) -> Evidence:
        sections = tuple(replace(s, **changes) if s.name == "alerts" else s for s in POINT.control_plane.sections)
        return PASSING.facts("read_restore_point", control_plane=replace(POINT.control_plane, sections=sections))

    expect(
        house,
        "control_plane_section_is_complete",
        (section(files=1, size=1), PROVEN),
        (section(files=0), REFUTED),
        (section(size=0), REFUTED),
        (section(name="another"), UNPROVEN),
        subject="alerts",
    )


@boundary
def preflight_speaks_of_everything_that_the_criteria_name(house: House) -> None:
    def needs(**changes: Any) -> Evidence:
        changed = tuple(replace(n, **changes) if n.name == STATE else n for n in PREFLIGHT.restore_point)
        return PASSING.facts("check_preflight", restore_point=changed)

    expect(
        house,
        "restore_point_is_present",
        (needs(status="empty"), REFUTED),
        (needs(name="another"), UNPROVEN),
        subject=STATE,
    )
    expect(
        house,
        "image_is_in_the_registry",
        (PASSING.facts("check_preflight", architectures=("amd64", "arm64")), PROVEN),
        (PASSING.facts("check_preflight", architectures=()), REFUTED),
        (PASSING.facts("check_preflight", image_status="AccessDenied"), UNPROVEN),
    )


@boundary
def an_image_is_for_every_machine_that_must_run_it(house: House) -> None:
    def image(*architectures: str, machine: str = "t4g.medium") -> Evidence:
        return PASSING.facts("check_preflight", architectures=architectures, instance_type=machine)

    expect(
        house,
        "image_has_every_architecture",
        (image("amd64", "arm64"), PROVEN),
        (image("amd64"), REFUTED),
        (image(), UNPROVEN),
        subject="arm64",
    )
    expect(
        house,
        "image_runs_on_the_runner",
        (image("amd64", "arm64"), PROVEN),
        (image("arm64"), PROVEN),
        (image("amd64"), REFUTED),
        (image("amd64", machine="t3.medium"), PROVEN),
        (image("arm64", machine="t3.medium"), REFUTED),
        (image(), UNPROVEN),
        (image("arm64", machine="mac2.metal"), UNPROVEN),
        (image("arm64", machine=""), UNPROVEN),
    )
