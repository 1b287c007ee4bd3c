"""Where the comparisons turn that speak of the recovered site and of people: on the limit, beyond it, with nothing."""

from dataclasses import replace
from typing import Any

from drproof.model.receipt import Outcome
from drproof.phases.recovery.census import UNMARKED, UNREAD, Item
from drproof.phases.recovery.teardown import Residue
from tests.contracts.boundary import PROVEN, REFUTED, UNPROVEN, boundary, expect
from tests.contracts.checks import House
from tests.contracts.evidence import NOTHING_CREATED, PASSING, PROMOTED, UNDECIDED, Evidence, decided
from tests.contracts.observed import (
    BROUGHT_UP,
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
    STRANGER,
    TORN_DOWN,
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


UNCOUNTED = Item(kind="cluster", identity="0" * 8, state="cannot be counted: it does not answer")
UNREADABLE = Item(kind="state", identity="s3://states/one", state=UNREAD)


def left_of(item: Item) -> Residue:
    return Residue(kind=item.kind, identity=item.identity, remove_command="look")


@boundary
def residue_refutes_and_a_blind_count_does_not_prove(house: House) -> None:
    item = Item(kind="instance", identity=MACHINE)
    expect(
        house,
        "no_residue_is_left",
        (PASSING.facts("teardown", created=1, before=(item,)), PROVEN),
        (PASSING.facts("teardown", created=1, before=()), REFUTED),
        (NOTHING_CREATED, PROVEN),
        (NOTHING_CREATED.facts("teardown", before=(item,)), REFUTED),
        # What an unfinished removal counted and nobody sees went away, or is not seen.
        (PASSING.facts("teardown", created=1, before=(item,), before_unsettled=(item,)), UNPROVEN),
        (PASSING.facts("teardown", created=1, before=(), before_unsettled=(item,)), UNPROVEN),
        # Whoever could not look has seen nothing.
        (PASSING.facts("teardown", created=1, before=(UNCOUNTED,)), REFUTED),
        (PASSING.facts("teardown", created=1, before=(UNREADABLE,)), REFUTED),
        (PASSING.facts("teardown", created=1, before=(UNREADABLE, item)), PROVEN),
        (PASSING.facts("teardown", residue=(left_of(UNCOUNTED),)), UNPROVEN),
        # What lies where the drill wrote is its own without the tag, or another's over it.
        (PASSING.facts("teardown", foreign=(Item(kind="object", identity="s3://one", state=UNMARKED),)), UNPROVEN),
        (PASSING.facts("teardown", foreign=(Item(kind="instance", identity=MACHINE, state=UNMARKED),)), PROVEN),
        (PASSING.facts("teardown", foreign=(Item(kind="object", identity="s3://one"),)), PROVEN),
        (PASSING.facts("teardown", residue=(left_of(UNCOUNTED), left_of(item))), REFUTED),
        # What was intended and is not known to have been done may have been there or not.
        (NOTHING_CREATED.facts("teardown", before=(), intended=1), PROVEN),
        (NOTHING_CREATED.facts("teardown", before=(item,), intended=1), PROVEN),
    )


@boundary
def a_state_of_which_nothing_is_known_proves_no_teardown(house: House) -> None:
    blind = {"made": (), "held_before": ()}
    unread = (*TORN_DOWN.before, UNREADABLE)
    expect(
        house,
        "state_held_what_was_created",
        (PASSING, PROVEN),
        (PASSING.facts("teardown", **blind), UNPROVEN),
        (PASSING.facts("teardown", **blind, created=0, intended=1), UNPROVEN),
        (PASSING.facts("teardown", **blind, created=1, intended=0), UNPROVEN),
        (PASSING.facts("teardown", **blind, held_after=(MACHINE,)), REFUTED),
        (PASSING.facts("teardown", made=()), PROVEN),
        (PASSING.facts("teardown", held_before=()), REFUTED),
        # A state that is there and cannot be read is neither a lost one nor one that held what was made.
        (PASSING.facts("teardown", held_before=(), before=unread), UNPROVEN),
        (PASSING.facts("teardown", held_before=(), before=unread, held_after=(MACHINE,)), REFUTED),
        (PASSING.facts("teardown", before=unread), PROVEN),
        (PASSING.facts("teardown", held_before=(), before_unsettled=unread), UNPROVEN),
        # Nor is one that an earlier removal emptied which nobody saw end, unless it lacked something even then.
        (PASSING.facts("teardown", held_before=(), held_unsettled=(MACHINE,)), UNPROVEN),
        (PASSING.facts("teardown", held_before=(), held_unsettled=(MACHINE, "more")), UNPROVEN),
        (PASSING.facts("teardown", held_before=(), held_unsettled=("another",)), REFUTED),
        (PASSING.facts("teardown", held_before=(), held_unsettled=(MACHINE,), held_after=("another",)), REFUTED),
        (PASSING.facts("teardown", held_unsettled=(MACHINE,)), PROVEN),
        (PASSING.facts("teardown", held_unsettled=("a role",)), UNPROVEN),
        (PASSING.facts("teardown", made=(), held_unsettled=("a role",)), UNPROVEN),
        (PASSING.facts("teardown", held_after=(MACHINE,)), REFUTED),
        # What was never to be created is in no state, and need not be.
        (NOTHING_CREATED, PROVEN),
    )
    contract = house.contracts["state_held_what_was_created"]
    assert contract.is_asked(CRITERIA), "whoever keeps a state is asked what it held"
    assert not contract.is_asked(replace(CRITERIA, state_expected=False)), "builds without Terraform keep none"


@boundary
def what_was_brought_up_is_taken_away_by_the_same_tools_and_none_is_asked_for_where_nothing_was(house: House) -> None:
    name = "teardown_used_the_tools_of_the_bringup"
    plugin = next(iter(BROUGHT_UP.providers))
    untold = {"provisioner": "", "provisioner_version": "", "providers": {}}
    expect(
        house,
        name,
        (PASSING, PROVEN),
        (PASSING.facts("teardown", provisioner="codebuild"), REFUTED),
        (PASSING.facts("teardown", provisioner_version="2"), REFUTED),
        (PASSING.facts("teardown", providers={plugin: "6.2.0"}), REFUTED),
        (PASSING.facts("teardown", providers={**BROUGHT_UP.providers, "another": "1.0.0"}), REFUTED),
        (PASSING.facts("bringup", providers={}), REFUTED),
        # A tool that finds nothing in its state loads no plugin; one that took something away had some.
        (PASSING.facts("teardown", providers={}, held_before=()), PROVEN),
        (PASSING.facts("teardown", providers={}), UNPROVEN),
        (PASSING.facts("teardown", providers={}).facts("bringup", providers={}), PROVEN),
        (PASSING.facts("teardown", providers={}, provisioner_version="2"), REFUTED),
        (PASSING.facts("teardown", **untold), UNPROVEN),
        (PASSING.facts("teardown", **untold, created=0), UNPROVEN),
        (PASSING.facts("teardown", **untold, intended=0), UNPROVEN),
        (PASSING.facts("teardown", **untold, intended=0, created=0), PROVEN),
    )
    said = house.verdict(name, PASSING.facts("teardown", provisioner_version="2", providers={"another": "1.0.0"}))
    assert said.reason == "version 2, at the bring-up 1, another 1.0.0, at the bring-up none"


@boundary
def something_foreign_or_unmarked_is_never_removed(house: House) -> None:
    stranger = Item(kind="instance", identity="i-0000000000000000f")
    same_name = Item(kind="volume", identity=MACHINE)
    expect(
        house,
        "only_own_resources_were_removed",
        (PASSING.facts("teardown", removed=()), PROVEN),
        (PASSING.facts("teardown", removed=(stranger,)), REFUTED),
        (PASSING.facts("teardown", removed=(same_name,)), REFUTED),
        (PASSING.facts("teardown", foreign_before=TORN_DOWN.before), REFUTED),
        (PASSING.facts("teardown", foreign=()), REFUTED),
        (PASSING.facts("teardown", foreign=(replace(STRANGER, state="shutting-down"),)), REFUTED),
        (PASSING.facts("teardown", foreign=(replace(STRANGER, state="stopped"),)), PROVEN),
        (PASSING.facts("teardown", foreign_before=(replace(STRANGER, state="shutting-down"),), foreign=()), PROVEN),
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
