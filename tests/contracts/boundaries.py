"""Where each comparison of a contract turns: on the limit, beyond it, and with nothing at all."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from drproof.model.receipt import Outcome
from drproof.model.verdict import Status
from drproof.phases.backup.read_restore_point import NOT_THERE
from drproof.phases.recovery.teardown import Item
from tests.contracts.checks import House
from tests.contracts.evidence import (
    CRITERIA,
    HEALTH,
    HISTORY,
    HOUR,
    MACHINE,
    MEMBERS,
    NOTHING_CREATED,
    PASSING,
    POINT,
    PREFLIGHT,
    PROMOTED,
    READ_BACK,
    STALE,
    TORN_DOWN,
    VALIDATED,
    Evidence,
    at,
)

PROVEN, REFUTED, UNPROVEN = Status.PROVEN, Status.REFUTED, Status.UNPROVEN
Check = Callable[[House], None]
BOUNDARIES: list[Check] = []
STATE = "state.tar.zst"


def boundary(check: Check) -> Check:
    """Register a check; its name is the claim."""
    BOUNDARIES.append(check)
    return check


def _expect(house: House, contract: str, *cases: tuple[Evidence, Status], subject: str = "") -> None:
    for evidence, status in cases:
        verdict = house.verdict(contract, evidence, subject)
        assert verdict.status is status, (
            f"{verdict.name} is {verdict.status}: {verdict.reason}, observed {verdict.observed}"
        )


@boundary
def the_objective_of_recovery_time_is_met_on_its_last_millisecond(house: House) -> None:
    def ended(when: str) -> Evidence:
        return PASSING.receipt("check_health", started_at=at(0)).receipt("validate", ended_at=when)

    _expect(
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

    _expect(
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
    _expect(
        house,
        "primary_is_fresh",
        (PASSING.facts("check_health", age_ms=limit), PROVEN),
        (PASSING.facts("check_health", age_ms=limit + 1), REFUTED),
        (PASSING.facts("check_health", age_ms=0), PROVEN),
        (PASSING.facts("check_health", age_ms=None), UNPROVEN),
    )


@boundary
def a_run_that_ends_now_is_past_and_one_millisecond_later_is_not(house: House) -> None:
    _expect(
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
    _expect(
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
    _expect(house, "need_for_recovery_has_a_reason", (unknown, PROVEN))


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
    _expect(
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
    _expect(
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

    _expect(
        house,
        "primary_marker_is_present",
        (marker(size=1), PROVEN),
        (marker(size=0), REFUTED),
        (marker(status="not_found", size=1), REFUTED),
    )


@boundary
def one_metric_is_enough_and_none_is_not(house: House) -> None:
    _expect(
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
    _expect(
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
    _expect(
        house,
        contract,
        (objects("metadata.json", sha256=""), UNPROVEN),
        (objects("metadata.json", size=0), REFUTED),
        (objects("metadata.json", status="not_found", size=9), REFUTED),
        (PASSING.facts("read_restore_point", problem="not JSON"), REFUTED),
        subject="metadata.json",
    )


@boundary
def an_archive_that_is_not_there_is_unproven_and_a_damaged_one_refuted(house: House) -> None:
    def archives(**changes: Any) -> Evidence:
        seen = tuple(replace(one, **changes) if one.name == STATE else one for one in POINT.archives)
        return PASSING.facts("read_restore_point", archives=seen)

    def rows(*kept: Any) -> Evidence:
        return PASSING.file("members", {**MEMBERS, STATE: list(kept)})

    folder, one, two = MEMBERS[STATE]
    _expect(
        house,
        "archive_is_sound",
        (archives(problem=NOT_THERE), UNPROVEN),
        (archives(problem="absolute path: /etc/passwd"), REFUTED),
        (archives(name="another"), UNPROVEN),
        (archives(files=3), REFUTED),
        (archives(size=10), REFUTED),
        (rows(folder), REFUTED),
        (rows(folder, one, one), REFUTED),
        (rows(folder, one, {**two, "path": "./runs/../../two.json"}), REFUTED),
        (rows(folder, one, {**two, "size": 6}), REFUTED),
        (PASSING.file("members", {"datasets.tar.zst": MEMBERS["datasets.tar.zst"]}), UNPROVEN),
        subject=STATE,
    )


@boundary
def metadata_of_another_restore_point_is_refuted_and_a_slash_at_its_end_is_not(house: House) -> None:
    _expect(
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
    _expect(house, "control_plane_pointer_names_its_bundle", (unread, REFUTED))
    assert house.verdict("control_plane_pointer_names_its_bundle", unread).observed == "not found"
    nothing = plane(bundle_sha256="", pointed_sha256="")
    assert house.verdict("control_plane_pointer_names_its_bundle", nothing).observed == "no bundle"
    _expect(
        house,
        "control_plane_files_equal_the_manifest",
        (unread, UNPROVEN),
        (plane(listed=1), PROVEN),
        (plane(listed=0), REFUTED),
    )
    _expect(
        house,
        "control_plane_image_is_pinned",
        (plane(image_ref="", manifest_image_ref=""), UNPROVEN),
        (plane(image_ref="atlas/runner:latest", manifest_image_ref="atlas/runner:latest"), REFUTED),
        (PASSING.asking(image_ref="atlas/runner@sha256:" + "cd" * 32), REFUTED),
    )
    tagged = plane(image_ref="atlas/runner:latest", manifest_image_ref="atlas/runner:latest")
    _expect(house, "control_plane_image_is_pinned", (tagged.asking(image_ref="atlas/runner:latest"), REFUTED))


@boundary
def a_section_of_one_file_and_one_byte_is_complete(house: House) -> None:
    def section(**changes: Any) -> Evidence:
        sections = tuple(replace(s, **changes) if s.name == "alerts" else s for s in POINT.control_plane.sections)
        return PASSING.facts("read_restore_point", control_plane=replace(POINT.control_plane, sections=sections))

    _expect(
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

    _expect(
        house,
        "restore_point_is_present",
        (needs(status="empty"), REFUTED),
        (needs(name="another"), UNPROVEN),
        subject=STATE,
    )
    _expect(
        house,
        "image_is_in_the_registry",
        (PASSING.facts("check_preflight", architectures=("amd64", "arm64")), PROVEN),
        (PASSING.facts("check_preflight", architectures=()), REFUTED),
        (PASSING.facts("check_preflight", image_status="AccessDenied"), REFUTED),
    )


@boundary
def a_restore_is_compared_with_what_was_verified_before(house: House) -> None:
    def objects(**changes: Any) -> Evidence:
        seen = tuple(replace(one, **changes) if one.name == STATE else one for one in POINT.objects)
        return PASSING.facts("read_restore_point", objects=seen)

    sources = PASSING.receipts["restore"].facts.sources
    unhashed = objects(sha256="").facts("restore", sources=(replace(sources[0], sha256=""), sources[1]))
    _expect(
        house,
        "restore_read_the_point_that_was_verified",
        (objects(name="another"), UNPROVEN),
        (objects(version=""), REFUTED),
        (unhashed, UNPROVEN),
        subject=STATE,
    )
    for silent in (objects(name="another"), PASSING.facts("restore", sources=sources[1:])):
        verdict = house.verdict("restore_read_the_point_that_was_verified", silent, STATE)
        assert (verdict.status, verdict.reason) == (UNPROVEN, f"the receipts do not both speak of {STATE}")
    _expect(
        house,
        "restore_is_isolated_from_the_primary",
        (PASSING.receipt("restore", caller=None), REFUTED),
        (PASSING.facts("restore", prefix=f"drills/not-{PASSING.receipts['restore'].facts.origin}"), REFUTED),
        (PASSING.facts("restore", unexpected=1), REFUTED),
    )


@boundary
def every_file_is_compared_in_size_and_content_both_ways(house: House) -> None:
    def read_back(*rows: Any) -> Evidence:
        return PASSING.file("read_back", {**READ_BACK, STATE: list(rows)})

    one, two = READ_BACK[STATE]
    folder = MEMBERS[STATE][0]
    no_files = PASSING.file("members", {**MEMBERS, STATE: [folder]})
    _expect(
        house,
        "restored_state_is_what_was_backed_up",
        (read_back(two, one), PROVEN),
        (read_back(one, {**two, "size": 6}), REFUTED),
        (read_back(one, {**two, "path": "runs/three.json"}), REFUTED),
        (read_back(one), REFUTED),
        (read_back(one, two, {**two, "path": "runs/three.json"}), REFUTED),
        (no_files, UNPROVEN),
        (no_files.file("read_back", {**READ_BACK, STATE: []}), UNPROVEN),
        subject=STATE,
    )
    verdict = house.verdict("restored_state_is_what_was_backed_up", read_back(one, {**two, "path": "x"}), STATE)
    assert verdict.observed == {"files": 2, "missing": ["runs/two.json"], "extra": ["x"], "different": []}
    assert verdict.reason == "1 files missing, 1 extra, 0 different"


@boundary
def a_runner_is_the_one_that_was_started_and_nobody_acted_elsewhere(house: House) -> None:
    other = "i-0000000000000000f"
    _expect(
        house,
        "exactly_one_runner_was_resolved",
        (PASSING.facts("resolve_runner", candidates=()), REFUTED),
        (PASSING.facts("resolve_runner", candidates=(MACHINE, other)).asking(runner_limit=2), REFUTED),
        (PASSING.facts("resolve_runner", state="pending"), REFUTED),
    )
    _expect(
        house,
        "runner_was_started_by_this_drill",
        (PASSING.facts("bringup", present_before=(other,)), PROVEN),
        (PASSING.facts("bringup", instance_ids=(other, MACHINE)), PROVEN),
        (PASSING.facts("bringup", instance_ids=()), REFUTED),
        (PASSING.facts("bringup", present_before=(other, MACHINE)), REFUTED),
        (PASSING.facts("bringup", start="warm"), REFUTED),
        (PASSING.facts("resolve_runner", tags={}), REFUTED),
    )
    for phase in ("bringup", "resolve_runner", "restore", "validate"):
        _expect(house, "one_account_and_region_throughout", (PASSING.receipt(phase, caller=None), REFUTED))


@boundary
def a_command_that_nobody_ran_is_unproven_and_any_other_exit_is_refuted(house: House) -> None:
    def command(**changes: Any) -> Evidence:
        ran = tuple(replace(one, **changes) if one.name == "disk" else one for one in VALIDATED.commands)
        return PASSING.facts("validate", commands=ran)

    _expect(
        house,
        "validation_command_succeeded",
        (command(name="another"), UNPROVEN),
        (command(exit_status=-1), REFUTED),
        (command(status="TimedOut"), REFUTED),
        subject="disk",
    )
    verdict = house.verdict("validation_command_succeeded", command(status="Failed", stderr_tail=("no disk",)), "disk")
    assert verdict.reason == "show disk: no disk"


@boundary
def validation_that_watched_nothing_is_unproven(house: House) -> None:
    _expect(
        house,
        "validation_observed_only",
        (PASSING.facts("validate", watched=()), UNPROVEN),
        (PASSING.facts("validate", files_before=0, files_after=0), UNPROVEN),
        (PASSING.facts("validate", files_before=1, files_after=1), PROVEN),
        (PASSING.facts("validate", files_after=2), REFUTED),
        (PASSING.facts("validate", changed=("/srv/state/one",)), REFUTED),
    )


@boundary
def residue_refutes_and_a_blind_count_does_not_prove(house: House) -> None:
    item = Item(kind="instance", identity=MACHINE)
    _expect(
        house,
        "no_residue_is_left",
        (PASSING.facts("teardown", created=1, before=(item,)), PROVEN),
        (PASSING.facts("teardown", created=1, before=()), REFUTED),
        (NOTHING_CREATED, PROVEN),
        (NOTHING_CREATED.facts("teardown", before=(item,)), REFUTED),
        # What was intended and is not known to have been done may have been there or not.
        (NOTHING_CREATED.facts("teardown", before=(), intended=1), PROVEN),
        (NOTHING_CREATED.facts("teardown", before=(item,), intended=1), PROVEN),
    )


@boundary
def something_foreign_or_unmarked_is_never_removed(house: House) -> None:
    stranger = Item(kind="instance", identity="i-0000000000000000f")
    same_name = Item(kind="volume", identity=MACHINE)
    _expect(
        house,
        "only_own_resources_were_removed",
        (PASSING.facts("teardown", removed=()), PROVEN),
        (PASSING.facts("teardown", removed=(stranger,)), REFUTED),
        (PASSING.facts("teardown", removed=(same_name,)), REFUTED),
        (PASSING.facts("teardown", foreign=TORN_DOWN.before), REFUTED),
    )


@boundary
def a_gate_gives_its_reason_and_a_decision_its_maker(house: House) -> None:
    contract = "nothing_was_promoted_without_a_decision"
    _expect(
        house,
        contract,
        (PASSING.receipt("promote", reason=""), REFUTED),
        (PASSING.asking(promotion_expected=True), REFUTED),
        (PROMOTED.asking(promotion_expected=False), REFUTED),
        (PROMOTED.receipt("promote", outcome=Outcome.NOT_RUN, reason="lost", observed=None), REFUTED),
    )
    assert house.verdict(contract, PASSING).observed == {"decision_recorded": False, "reason_given": True}
    assert house.verdict(contract, PROMOTED).observed == {"decision_recorded": True, "reason_given": True}
    _expect(
        house,
        "promotion_is_a_recorded_decision",
        (PROMOTED.facts("promote", approver=""), REFUTED),
        (PROMOTED.facts("promote", approved=False), REFUTED),
        (PROMOTED.facts("promote", restore_point=""), REFUTED),
        (PROMOTED.facts("promote", image_ref=""), REFUTED),
    )
    expected = house.verdict("promotion_is_a_recorded_decision", PROMOTED).expected
    assert (expected["approved"], expected["approver"]) == (True, "somebody")


@boundary
def a_message_counts_when_it_was_accepted_not_before_validation_ended(house: House) -> None:
    _expect(
        house,
        "people_were_notified",
        (PASSING.receipt("notify", started_at=PASSING.receipts["validate"].ended_at), PROVEN),
        (PASSING.receipt("notify", started_at=at(19, 59)), REFUTED),
        (PASSING.facts("notify", message_id=""), REFUTED),
    )
    contract = "approval_was_requested_not_assumed"
    silent = PASSING.facts("request_manual_approval", message_id="")
    _expect(house, contract, (silent, REFUTED))
    assert house.verdict(contract, silent).observed == {"accepted": False, "decision": "pending"}
    assert house.verdict(contract, silent).expected == {"accepted": True, "decision": "pending"}


@boundary
def an_alarm_without_history_is_unproven_and_each_spoiled_history_is_refuted_for_its_own_fact(house: House) -> None:
    contract = "alarm_detected_the_outage"
    _expect(
        house,
        contract,
        (PASSING.file("history", {"correctness": HISTORY["correctness"]}), UNPROVEN),
        (PASSING.file("history", {**HISTORY, "freshness": [{"HistoryItemType": "StateUpdate"}]}), UNPROVEN),
        (PASSING.file("history", {**HISTORY, "correctness": []}), PROVEN),
        subject="freshness",
    )
    controls = {
        c.name: c.reason for c in house.verdict(contract, PASSING, "freshness").controls if c.kind == "sabotage"
    }
    assert controls == {
        "nothing happened": "the alarm did not go from OK to ALARM in the window",
        "the alarm went off on missing data": "the alarm went off on missing data: no datapoint breached",
        "it all happened a day before": "the alarm did not go from OK to ALARM in the window; "
        "it has transitions outside the window",
        "the alarm never healed": "the alarm did not go back to OK in the window",
    }


@boundary
def claims_join_only_the_drills_that_ask_for_them(house: House) -> None:
    nobody = replace(CRITERIA, notification_expected=False)
    for name, asked, not_asked in (
        ("people_were_notified", CRITERIA, nobody),
        ("approval_was_requested_not_assumed", CRITERIA, nobody),
        ("promotion_is_a_recorded_decision", PROMOTED.criteria, CRITERIA),
    ):
        applies = house.contracts[name].applies
        assert applies is not None
        assert (applies(asked), applies(not_asked)) == (True, False)
