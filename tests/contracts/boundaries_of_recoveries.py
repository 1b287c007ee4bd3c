"""Where the comparisons turn that speak of the recovered site and of people: on the limit, beyond it, with nothing."""

from dataclasses import replace
from typing import Any

from drproof.model.receipt import Outcome
from tests.contracts.boundary import PROVEN, REFUTED, UNPROVEN, boundary, expect
from tests.contracts.checks import House
from tests.contracts.evidence import PASSING, PROMOTED, UNDECIDED, Evidence, decided
from tests.contracts.observed import (
    CRITERIA,
    DECIDED,
    DRILL,
    HISTORY,
    LOOK,
    LOOKED_AT,
    MACHINE,
    MEMBERS,
    POINT,
    READ_BACK,
    at,
    sha256,
)
from tests.evidence import keys

STATE = "state.tar.zst"


@boundary
def a_restore_is_compared_with_what_was_verified_before(house: House) -> None:
    def objects(**changes: Any) -> Evidence:
        seen = tuple(replace(one, **changes) if one.name == STATE else one for one in POINT.objects)
        return PASSING.facts("read_restore_point", objects=seen)

    sources = PASSING.receipts["restore_state"].facts.sources
    unhashed = objects(sha256="").facts("restore_state", sources=(replace(sources[0], sha256=""), sources[1]))
    expect(
        house,
        "restore_read_the_point_that_was_verified",
        (objects(name="another"), UNPROVEN),
        (objects(version=""), REFUTED),
        (unhashed, UNPROVEN),
        subject=STATE,
    )
    for silent in (objects(name="another"), PASSING.facts("restore_state", sources=sources[1:])):
        verdict = house.verdict("restore_read_the_point_that_was_verified", silent, STATE)
        assert (verdict.status, verdict.reason) == (UNPROVEN, f"the receipts do not both speak of {STATE}")
    expect(
        house,
        "restore_is_isolated_from_the_primary",
        (PASSING.receipt("restore_state", caller=None), UNPROVEN),
        (PASSING.receipt("restore_state", caller=None).facts("restore_state", unexpected=1), REFUTED),
        (PASSING.facts("restore_state", prefix=f"drills/not-{DRILL}"), REFUTED),
        (PASSING.facts("restore_state", unexpected=1), REFUTED),
    )


@boundary
def every_file_is_compared_in_size_and_content_both_ways(house: House) -> None:
    def read_back(*rows: Any) -> Evidence:
        return PASSING.file("read_back", {**READ_BACK, STATE: list(rows)})

    canary, one, two = READ_BACK[STATE]
    folder = MEMBERS[STATE][0]
    no_files = PASSING.file("members", {**MEMBERS, STATE: [folder]})
    expect(
        house,
        "materialised_state_is_what_was_backed_up",
        (read_back(two, canary, one), PROVEN),
        (read_back(canary, one, {**two, "size": 6}), REFUTED),
        (read_back(canary, one, {**two, "path": "runs/three.json"}), REFUTED),
        (read_back(canary, one), REFUTED),
        (read_back(canary, one, two, {**two, "path": "runs/three.json"}), REFUTED),
        (no_files, UNPROVEN),
        (no_files.file("read_back", {**READ_BACK, STATE: []}), UNPROVEN),
        subject=STATE,
    )
    verdict = house.verdict(
        "materialised_state_is_what_was_backed_up", read_back(canary, one, {**two, "path": "x"}), STATE
    )
    assert verdict.observed == {"files": 3, "missing": ["runs/two.json"], "extra": ["x"], "different": []}
    assert verdict.reason == "1 files missing, 1 extra, 0 different"


@boundary
def a_runner_is_the_one_that_was_started_and_nobody_acted_elsewhere(house: House) -> None:
    other = "i-0000000000000000f"
    expect(
        house,
        "exactly_one_runner_was_resolved",
        (PASSING.facts("resolve_runner", candidates=()), REFUTED),
        (PASSING.facts("resolve_runner", candidates=(MACHINE, other)).asking(runner_limit=2), REFUTED),
        (PASSING.facts("resolve_runner", state="pending"), REFUTED),
    )
    expect(
        house,
        "runner_was_started_by_this_drill",
        (PASSING.facts("bringup", present_before=(other,)), PROVEN),
        (PASSING.facts("bringup", instance_ids=(other, MACHINE)), PROVEN),
        (PASSING.facts("bringup", instance_ids=()), REFUTED),
        (PASSING.facts("bringup", present_before=(other, MACHINE)), REFUTED),
        (PASSING.facts("bringup", start="warm"), REFUTED),
        (PASSING.facts("resolve_runner", tags={}), REFUTED),
    )
    for phase in ("bringup", "resolve_runner", "restore_state", "restore", "inspect_runner", "validate"):
        unknown = PASSING.receipt(phase, caller=None)
        expect(
            house,
            "one_account_and_region_throughout",
            (unknown, UNPROVEN),
            (unknown.facts("inspect_runner", instance_id=other), REFUTED),
        )


@boundary
def a_command_that_nobody_ran_is_unproven_and_any_other_exit_is_refuted(house: House) -> None:
    def command(**changes: Any) -> Evidence:
        ran = tuple(replace(one, **changes) if one.name == "disk" else one for one in LOOKED_AT.commands)
        return PASSING.facts("inspect_runner", commands=ran)

    expect(
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
    expect(
        house,
        "validation_observed_only",
        (PASSING.facts("inspect_runner", watched=()), UNPROVEN),
        (PASSING.facts("inspect_runner", before=replace(LOOK, entries=1), after=replace(LOOK, entries=1)), PROVEN),
        (PASSING.facts("inspect_runner", after=replace(LOOK, entries=2)), REFUTED),
        (PASSING.facts("inspect_runner", after=replace(LOOK, sha256=sha256("another"))), REFUTED),
        (PASSING.facts("inspect_runner", changed=("/srv/state/one",)), REFUTED),
    )


@boundary
def validation_whose_changes_could_not_all_be_seen_is_unproven_unless_one_was_seen(house: House) -> None:
    blind = replace(LOOK, unreadable=1)
    expect(
        house,
        "validation_observed_only",
        (PASSING.facts("inspect_runner", commands_before=1), UNPROVEN),
        (PASSING.facts("inspect_runner", commands_before=1, after=replace(LOOK, entries=2)), REFUTED),
        (PASSING.facts("inspect_runner", before=blind, after=blind), UNPROVEN),
        (PASSING.facts("inspect_runner", before=blind, after=replace(blind, sha256=sha256("another"))), REFUTED),
    )


@boundary
def a_gate_gives_its_reason_and_a_decision_its_maker(house: House) -> None:
    contract = "nothing_was_promoted_without_a_decision"
    expect(
        house,
        contract,
        (PASSING.receipt("promote", reason=""), REFUTED),
        (PASSING.asking(promotion_expected=True), REFUTED),
        (PROMOTED.asking(promotion_expected=False), REFUTED),
        (PROMOTED.receipt("promote", outcome=Outcome.NOT_RUN, reason="lost", observed=None), REFUTED),
    )
    assert house.verdict(contract, PASSING).observed == {"decision_recorded": False, "reason_given": True}
    assert house.verdict(contract, PROMOTED).observed == {"decision_recorded": True, "reason_given": True}
    expect(
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
def a_decision_of_people_counts_only_as_an_approver_signed_it_in_time(house: House) -> None:
    contract, yes = "recorded_decision_is_one_that_counts", decided(True)
    of_one = replace(yes.criteria.approval, requested_by=("arn:aws:sts::444455556666:assumed-role/another/Ada",))
    expect(
        house,
        contract,
        (yes, PROVEN),
        (decided(False), PROVEN),
        (UNDECIDED, PROVEN),
        (decided(True, by=keys.STRANGER), REFUTED),
        (decided(True, drill_id="another"), REFUTED),
        (decided(True, validation_sha256=sha256("another")), REFUTED),
        (decided(True, account_id="111122223333"), REFUTED),
        (decided(True, execution_arn="arn:aws:states:us-west-2:444455556666:execution:one:two"), REFUTED),
        (yes.asking(approval=of_one), REFUTED),
        (yes.receipt("validate", caller=None), REFUTED),
        (yes.receipt("promote", caller=None), UNPROVEN),
        (UNDECIDED.receipt("promote", caller=None), PROVEN),
        (yes.facts("promote", ticket="another"), REFUTED),
        (UNDECIDED.receipt("promote", outcome=Outcome.PASSED, observed=DECIDED), REFUTED),
        (yes.receipt("promote", outcome=Outcome.NOT_RUN, observed=None, reason="lost"), REFUTED),
        (yes.file("decision", {"signed": None}), UNPROVEN),
    )
    made_up = next(one for one in house.contracts[contract].sabotages if one.name.endswith("that nobody gave"))
    spoiled = made_up.spoil(UNDECIDED.receipts["promote"], {"signed": None, "refused": []}, UNDECIDED.criteria)
    assert (spoiled.observed.mode, spoiled.observed.approved) == ("approved", True)
    assert house.verdict(contract, decided(True, by=keys.STRANGER)).reason.endswith(
        "no key of an approver of this drill"
    )
    expect(
        house,
        "nothing_was_promoted_without_a_decision",
        (yes, PROVEN),
        (yes.facts("promote", mode="manual_bypass"), REFUTED),
        (yes.asking(approval=CRITERIA.approval), REFUTED),
        (UNDECIDED, PROVEN),
    )


@boundary
def a_message_counts_when_it_was_accepted_not_before_validation_ended(house: House) -> None:
    expect(
        house,
        "people_were_notified",
        (PASSING.receipt("notify", started_at=PASSING.receipts["validate"].ended_at), PROVEN),
        (PASSING.receipt("notify", started_at=at(19, 59)), REFUTED),
        (PASSING.facts("notify", message_id=""), REFUTED),
    )
    contract = "approval_was_requested_not_assumed"
    silent = PASSING.facts("request_manual_approval", message_id="")
    expect(house, contract, (silent, REFUTED))
    assert house.verdict(contract, silent).observed == {"accepted": False, "decision": "pending"}
    assert house.verdict(contract, silent).expected == {"accepted": True, "decision": "pending"}


@boundary
def an_alarm_whose_comparison_nobody_knows_is_unproven(house: House) -> None:
    known = PASSING.receipts["capture_alarms"].facts.alarms
    lost = tuple(alarm for alarm in known if alarm.name != "freshness")
    odd = tuple(
        replace(alarm, comparison="OutsideTheBand" if alarm.name == "freshness" else alarm.comparison)
        for alarm in known
    )
    other = tuple(
        replace(alarm, comparison=alarm.comparison if alarm.name == "freshness" else "OutsideTheBand")
        for alarm in known
    )
    turned = tuple(replace(alarm, comparison="LessThanThreshold") for alarm in known)
    expect(
        house,
        "alarm_detected_the_outage",
        (PASSING.facts("capture_alarms", alarms=lost), UNPROVEN),
        (PASSING.facts("capture_alarms", alarms=odd), UNPROVEN),
        (PASSING.facts("capture_alarms", alarms=other), PROVEN),
        (PASSING.facts("capture_alarms", alarms=turned), REFUTED),
        subject="freshness",
    )


@boundary
def an_alarm_without_history_is_unproven_and_each_spoiled_history_is_refuted_for_its_own_fact(house: House) -> None:
    contract = "alarm_detected_the_outage"
    expect(
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
        ("recorded_decision_is_one_that_counts", UNDECIDED.criteria, CRITERIA),
    ):
        applies = house.contracts[name].applies
        assert applies is not None
        assert (applies(asked), applies(not_asked)) == (True, False)
