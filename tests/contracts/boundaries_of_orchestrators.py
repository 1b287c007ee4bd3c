"""Where the comparisons turn that speak of an execution of a state machine as such."""

from dataclasses import replace
from typing import Any

from drproof.evidence import approvals
from drproof.evidence.redaction import MASK
from drproof.model.codec import encode
from drproof.phases.execution.observed import BuildHanded
from tests.contracts.boundary import PROVEN, REFUTED, UNPROVEN, boundary, expect
from tests.contracts.checks import House
from tests.contracts.evidence import OURS, PASSING, TURNED_DOWN, Evidence
from tests.contracts.observed_execution import (
    ACCOUNT,
    ASKED_FOR,
    BY_PEOPLE,
    EXECUTION_FILES,
    NAME,
    OBSERVED,
    OWN,
    SAID,
    moment,
    sha256,
)
from tests.contracts.observed_terraform import DRILL_BEHIND, DRILLS
from tests.evidence.keys import APPROVER, STRANGER

RUN, (ANSWER,), (UP, TORN_DOWN) = OWN.run, OWN.decisions, OWN.builds
assert RUN is not None


def _facts(**changes: Any) -> Evidence:
    return OURS.facts("read_execution", **changes)


def _run(**changes: Any) -> Evidence:
    assert RUN is not None
    return _facts(run=replace(RUN, **changes))


def _answer(**changes: Any) -> Evidence:
    return _facts(decisions=(replace(ANSWER, **changes),))


def _torn_down(*builds: BuildHanded) -> Evidence:
    return _facts(builds=builds)


def _say(house: House, contract: str, reason: str, *evidence: Evidence, subject: str = "") -> None:
    """Demand that the contract itself says why: one that breaks on such evidence is unproven as well."""
    for one in evidence:
        assert house.verdict(contract, one, subject).reason == reason


@boundary
def an_execution_may_be_as_much_later_than_its_reading_as_clocks_are_apart(house: House) -> None:
    assert RUN is not None
    first, *rest = OWN.receipts
    expect(
        house,
        "execution_lies_in_the_past",
        (_facts(read_at=""), UNPROVEN),
        (_facts(run=None), UNPROVEN),
        (_facts(read_at=moment(20)), PROVEN),
        (_facts(read_at="2026-05-04T10:19:59.999Z"), REFUTED),
        (_run(stopped_at=""), PROVEN),
        (_run(stopped_at=moment(31)), PROVEN),
        (_run(stopped_at="2026-05-04T10:31:00.001Z"), REFUTED),
        (_run(started_at="2026-05-04T10:31:00.001Z"), REFUTED),
        (_facts(receipts=(replace(first, at="2026-05-04T10:31:00.001Z"), *rest)), REFUTED),
    )
    silent = "no history says when the execution was"
    _say(house, "execution_lies_in_the_past", silent, _facts(read_at=""), _facts(run=None))
    told = house.verdict("execution_lies_in_the_past", _run(stopped_at=moment(32))).reason
    assert told == f"later than {moment(30)}, when it was read: end"


@boundary
def a_decision_is_whole_and_in_time(house: House) -> None:
    assert RUN is not None
    contract = "answer_is_a_decision_in_time"
    asked = next(step.scheduled_at for step in RUN.steps if step.phase == "request_manual_approval")
    unasked = tuple(step for step in RUN.steps if step.phase != "request_manual_approval")
    expect(
        house,
        contract,
        (_facts(decisions=()), UNPROVEN),
        (_answer(source="promote.json"), UNPROVEN),
        (_facts(run=None), UNPROVEN),
        (_run(steps=unasked), UNPROVEN),
        (_answer(decided_at=""), UNPROVEN),
        (_answer(expires_at=""), UNPROVEN),
        (_answer(approver=""), REFUTED),
        (_answer(ticket=""), REFUTED),
        (_answer(tied=False), REFUTED),
        (_answer(decided_at=asked), PROVEN),
        (_answer(decided_at=moment(15)), PROVEN),
        (_answer(decided_at="2026-05-04T10:14:59.999Z"), REFUTED),
        (_answer(decided_at=ANSWER.at), PROVEN),
        (_answer(decided_at="2026-05-04T10:20:00.000Z", expires_at=moment(25)), PROVEN),
        (_answer(decided_at="2026-05-04T10:20:00.001Z", expires_at=moment(25)), REFUTED),
        (_answer(expires_at=ANSWER.at), PROVEN),
        (_answer(expires_at="2026-05-04T10:18:59.999Z"), REFUTED),
        (_facts(decisions=(replace(ANSWER, source="other", ticket=""), ANSWER)), PROVEN),
        (TURNED_DOWN, PROVEN),
    )
    assert asked == moment(16)
    demanded: Any = house.verdict(contract, _answer(ticket="")).expected
    assert set(demanded.values()) == {True}
    _say(house, contract, "nobody answered", _facts(decisions=()), _run(steps=unasked))
    untimed = "the answer does not say when it was decided, or until when it holds"
    _say(house, contract, untimed, _answer(decided_at=""), _answer(expires_at=""))
    assert (
        house.verdict(contract, _answer(ticket="", tied=False)).reason == "the answer lacks: ticket, of_this_execution"
    )


@boundary
def an_answer_counts_only_as_an_approver_signed_it_about_what_was_validated(house: House) -> None:
    assert RUN is not None
    contract = "answer_is_signed_by_an_approver"
    (file,) = EXECUTION_FILES.values()
    last = next(step for step in RUN.steps if step.phase == "request_manual_approval")

    def answer(**changes: Any) -> Evidence:
        return OURS.file("answer", {**file, **changes})

    def step(phase: str, **changes: Any) -> Evidence:
        return _run(steps=tuple(replace(one, **changes) if one.phase == phase else one for one in RUN.steps))

    def signed(by: Any = APPROVER, **changes: Any) -> Evidence:
        said = replace(SAID, **changes)
        return answer(signed=encode(approvals.sign(said, sha256("opening"), (by,))))

    def without(phase: str) -> Evidence:
        return _run(steps=tuple(one for one in RUN.steps if one.phase != phase))

    expect(
        house,
        contract,
        (_facts(run=None), UNPROVEN),
        (without("validate"), UNPROVEN),
        (without("request_manual_approval"), UNPROVEN),
        (step("request_manual_approval", ended_at=""), UNPROVEN),
        (signed(approved=False), PROVEN),
        (signed(reason=f"{MASK} was seen"), UNPROVEN),
        (answer(signed=None), REFUTED),
        (answer(opening=sha256("another")), REFUTED),
        (answer(opening=""), REFUTED),
        (signed(STRANGER), REFUTED),
        (signed(drill_id="another"), REFUTED),
        (signed(validation_sha256=sha256("another")), REFUTED),
        (step("validate", result_sha256=sha256("another")), REFUTED),
        (step("request_manual_approval", execution="another"), REFUTED),
        (signed(decided_at=moment(15)), PROVEN),
        (signed(decided_at="2026-05-04T10:14:59.999Z"), REFUTED),
        (signed(decided_at="2026-05-04T10:18:30.000Z"), PROVEN),
        (signed(decided_at="2026-05-04T10:18:30.001Z"), REFUTED),
        (signed(expires_at=last.ended_at), PROVEN),
        (signed(expires_at="2026-05-04T10:17:29.999Z"), REFUTED),
        (_run(requested_by="arn:aws:iam::444455556666:user/olga"), PROVEN),
        (_run(requested_by="arn:aws:iam::444455556666:user/ada"), REFUTED),
        (_run(requested_by="ada"), PROVEN),
        (_run(requested_by=""), PROVEN),
    )
    assert (last.scheduled_at, last.ended_at) == (moment(16), moment(17, 30))
    _say(house, contract, "what came back is not signed", answer(signed=None))
    covered = "the export masked a part of the answer: its signature is over other words"
    _say(house, contract, covered, signed(reason=f"{MASK} was seen"))
    unseen = "the history does not show what was validated, what was asked, and what came back"
    _say(house, contract, unseen, _facts(run=None), without("validate"), without("request_manual_approval"))
    nobody = OURS.asking(approval=replace(BY_PEOPLE, approvers=()))
    assert not house.contracts[contract].is_asked(nobody.criteria)
    assert not house.contracts[contract].is_asked(PASSING.asking(approval=BY_PEOPLE).criteria)


@boundary
def an_act_may_be_asked_for_as_often_as_it_takes_and_is_done_once(house: House) -> None:
    contract = "act_asked_again_was_done_once"

    def act(name: str, **changes: Any) -> Evidence:
        return _facts(acts=tuple(replace(one, **changes) if one.name == name else one for one in OWN.acts))

    expect(
        house,
        contract,
        (_facts(acts=()), UNPROVEN),
        (act("restore", asked=3, answered=0, answers=()), UNPROVEN),
        (act("restore", asked=3), PROVEN),
        (act("restore", asked=3, answered=3), PROVEN),
        (act("restore", asked=2, answered=2, answers=(sha256("one"), sha256("two"))), REFUTED),
        (act("validate", asked=2, answered=2, answers=(sha256("one"), sha256("two"))), PROVEN),
        (_facts(builds=()), PROVEN),
        subject="restore",
    )
    again = replace(UP, build_id="infra:9")
    expect(
        house,
        contract,
        (_facts(builds=()), UNPROVEN),
        (_facts(builds=(TORN_DOWN,)), UNPROVEN),
        (_facts(builds=(UP,)), PROVEN),
        (_facts(builds=(UP, again)), REFUTED),
        (_facts(builds=(UP, replace(again, execution="another"))), PROVEN),
        (_facts(builds=(UP, TORN_DOWN, replace(TORN_DOWN, build_id="infra:8"))), PROVEN),
        (_facts(receipts=()), PROVEN),
        subject="bringup",
    )
    told = house.verdict(contract, _facts(builds=(UP, again)), "bringup").reason
    assert told == "1 times asked for, bringup answered with 1 receipts, and 2 builds brought up"
    twice = act("restore", asked=2, answered=2, answers=(sha256("one"), sha256("two")))
    assert house.verdict(contract, twice, "restore").reason == "2 times asked for, restore answered with 2 receipts"
    assert not house.contracts[contract].is_asked(PASSING.criteria)


@boundary
def nobody_approves_what_he_asked_for(house: House) -> None:
    contract = "approver_is_not_who_asked_for_it"
    expect(
        house,
        contract,
        (_facts(decisions=()), UNPROVEN),
        (_facts(run=None), UNPROVEN),
        (_answer(approver=""), UNPROVEN),
        (_run(requested_by=""), UNPROVEN),
        (_answer(approver="olga"), REFUTED),
        (_run(requested_by="ada"), REFUTED),
        (_run(requested_by="arn:aws:sts::444455556666:assumed-role/operator/ada"), REFUTED),
        (_run(requested_by="arn:aws:iam::111122223333:user/people/Ada"), REFUTED),
        (_run(requested_by="arn:aws:sts::444455556666:assumed-role/operator/adam"), PROVEN),
    )
    _say(house, contract, "nobody answered", _facts(decisions=()), _facts(run=None))
    unnamed = "nobody says who asked for the execution, or who answered"
    _say(house, contract, unnamed, _answer(approver=""), _run(requested_by=""))


@boundary
def an_execution_ends_where_its_answer_leads(house: House) -> None:
    contract = "end_state_is_that_of_the_answer"
    expect(
        house,
        contract,
        (_facts(decisions=()), UNPROVEN),
        (_facts(run=None), UNPROVEN),
        (TURNED_DOWN, PROVEN),
        (_answer(approved="no"), REFUTED),
        (_answer(approved="unclear"), REFUTED),
        (_run(last_state="PromotionRejected"), REFUTED),
        (_run(last_state=""), REFUTED),
    )
    _say(house, contract, "nobody answered", _facts(decisions=()), _facts(run=None))
    told = house.verdict(contract, _run(last_state="")).reason
    assert told == "the answer was yes, and the execution ended in no state"


@boundary
def what_was_brought_up_was_taken_away_by_the_last_teardown_of_this_execution(house: House) -> None:
    assert RUN is not None
    contract = "teardown_is_accounted_for"
    later = replace(TORN_DOWN, build_id="infra:8", started_at=moment(25))
    without = tuple(step for step in RUN.steps if step.phase != "bringup")
    expect(
        house,
        contract,
        (_facts(run=None), UNPROVEN),
        (_run(events=0), UNPROVEN),
        (_torn_down(), UNPROVEN),
        (_torn_down(replace(TORN_DOWN, action="bringup")), UNPROVEN),
        (_torn_down(replace(TORN_DOWN, execution="another")), UNPROVEN),
        (_torn_down(replace(TORN_DOWN, status="FAILED")), REFUTED),
        (_torn_down(replace(TORN_DOWN, status="FAILED"), later), PROVEN),
        (_torn_down(TORN_DOWN, replace(later, status="FAILED")), REFUTED),
        (_torn_down(replace(later, status="FAILED"), TORN_DOWN), REFUTED),
        (_facts(receipts=()), PROVEN),
        (_facts(receipts=(), run=replace(RUN, described_execution="")), UNPROVEN),
    )
    nothing_up = house.verdict(contract, _run(steps=without))
    assert nothing_up.status is UNPROVEN
    assert "bring-up was never begun" in nothing_up.reason
    assert "i-0a1b2c3d4e5f60718 may still be up" in house.verdict(contract, _torn_down()).reason
    nameless = _facts(builds=(), machine=replace(OWN.machine, brought_up=""))
    assert "a machine may still be up" in house.verdict(contract, nameless).reason


@boundary
def what_was_used_is_what_was_named_and_nothing_else(house: House) -> None:
    contract = "execution_used_what_the_settings_name"
    first, second = OWN.wires
    expect(
        house,
        contract,
        (_facts(wires=()), UNPROVEN),
        (_facts(wires=(second,)), UNPROVEN),
        (_facts(wires=(replace(first, name="other"), second)), REFUTED),
        (_facts(wires=(first, replace(first, name="other"), second)), REFUTED),
        (_facts(wires=(first, replace(second, name="other"))), PROVEN),
        subject="function",
    )
    assert house.status(contract, _facts(wires=(first, replace(second, name="other"))), "role") is REFUTED
    unnamed = OURS.asking(execution=replace(ASKED_FOR, wiring={}))
    assert not house.contracts[contract].is_asked(unnamed.criteria)
    assert house.contracts[contract].is_asked(OURS.criteria)


@boundary
def a_trigger_is_there_and_off_or_a_drill_stands_behind_it(house: House) -> None:
    contract = "executions_start_by_themselves_only_after_a_verified_drill"
    first, second = OWN.triggers
    subject = first.name
    expect(
        house,
        contract,
        (_facts(triggers=(second,)), UNPROVEN),
        (_facts(triggers=(replace(first, state="ODD"), second)), UNPROVEN),
        (_facts(triggers=(replace(first, state="ENABLED"), second)), REFUTED),
        (_facts(triggers=(replace(first, state="ABSENT"), second)), REFUTED),
        (_facts(triggers=(first, replace(second, state="ENABLED"))), PROVEN),
        subject=subject,
    )
    on = (replace(first, state="ENABLED"), second)
    _say(
        house,
        contract,
        "the export does not say whether rule atlas-schedule is enabled",
        *(_facts(triggers=(replace(first, state=odd), second)) for odd in ("ODD", "")),
        subject=subject,
    )
    expect(
        house,
        contract,
        (_facts(triggers=on).receipt("read_verified_drill", observed=DRILLS), PROVEN),
        (
            _facts(triggers=(replace(first, state="ABSENT"), second)).receipt("read_verified_drill", observed=DRILLS),
            REFUTED,
        ),
        (_facts(triggers=on).facts("read_verified_drill", drills=(replace(DRILL_BEHIND, status=2),)), UNPROVEN),
        (_facts(triggers=on).facts("read_verified_drill", drills=(replace(DRILL_BEHIND, mode="rehearsal"),)), REFUTED),
        subject=subject,
    )
    unnamed = OURS.asking(execution=replace(ASKED_FOR, triggers=()))
    assert not house.contracts[contract].is_asked(unnamed.criteria)


@boundary
def only_an_execution_of_ours_is_answered_by_a_decision_and_only_of_others_is_more_asked(house: House) -> None:
    ours = {
        "answer_is_a_decision_in_time",
        "approver_is_not_who_asked_for_it",
        "end_state_is_that_of_the_answer",
        "teardown_is_accounted_for",
    }
    others = {
        "an_alarm_noticed_the_outage",
        "one_machine_throughout",
        "something_was_restored",
        "validation_made_nothing",
    }
    for name in ours | others:
        asked = (house.contracts[name].is_asked(OURS.criteria), house.contracts[name].is_asked(PASSING.criteria))
        assert asked == ((True, False) if name in ours else (False, True)), name


@boundary
def receipts_of_ours_are_of_two_sites_and_keep_their_names(house: House) -> None:
    assert RUN is not None
    (first, *rest) = RUN.steps
    expect(
        house,
        "receipts_are_of_one_execution",
        (OURS, PROVEN),
        (_facts(run=replace(RUN, steps=(replace(first, account_id="000000000000"), *rest))), REFUTED),
        (_facts(run=replace(RUN, steps=(replace(first, region="nowhere-1"), *rest))), REFUTED),
        (_facts(run=None), UNPROVEN),
        (_facts(receipts=(replace(OWN.receipts[0], execution="another"), *OWN.receipts[1:])), REFUTED),
        (_run(steps=tuple(replace(step, region="") for step in RUN.steps)), UNPROVEN),
        (_run(steps=tuple(replace(step, account_id="") for step in RUN.steps)), UNPROVEN),
    )
    renamed = tuple(
        replace(one, key=one.key.replace("bringup", "codebuild-bringup")) if "bringup" in one.key else one
        for one in OWN.stored
    )
    expect(house, "receipt_is_the_stored_object", (_facts(stored=renamed), UNPROVEN), subject="bringup")
    assert OWN.receipts[0].account_id != ACCOUNT
    extra = replace(OWN.stored[0], key=f"atlas/receipts/{NAME}/seal.json")
    expect(house, "nothing_stored_was_left_out", (_facts(stored=(*OWN.stored, extra)), REFUTED))


@boundary
def what_an_export_masked_confirms_nothing(house: House) -> None:
    def masked(evidence: Evidence, files: Any, phase: str) -> Evidence:
        changed = tuple(replace(file, masked=file.phase == phase) for file in files)
        return evidence.facts("read_execution", files=changed)

    for evidence, files in ((OURS, OWN.files), (PASSING, OBSERVED.files)):
        for contract in ("receipt_says_what_the_history_says", "receipt_is_the_stored_object"):
            expect(house, contract, (masked(evidence, files, "restore"), UNPROVEN), subject="restore")
            expect(house, contract, (masked(evidence, files, "notify"), PROVEN), subject="restore")


@boundary
def an_answer_is_missed_only_where_a_history_was_read(house: House) -> None:
    assert RUN is not None
    silent = _facts(decisions=(), run=replace(RUN, events=0))
    expect(house, "approval_was_given", (silent, UNPROVEN), (_facts(decisions=()), REFUTED))
