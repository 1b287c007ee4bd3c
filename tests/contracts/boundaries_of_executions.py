"""Where the comparisons turn that speak of an execution that was handed in as files."""

from dataclasses import replace
from typing import Any

from drproof.model.criteria import Criteria
from drproof.phases.execution.observed import CauseSeen, Changes, ManifestSeen, SecretSeen
from tests.contracts.boundary import PROVEN, REFUTED, UNPROVEN, boundary, expect
from tests.contracts.checks import House
from tests.contracts.evidence import LISTING_ALONE, PASSING, Evidence
from tests.contracts.observed import CRITERIA
from tests.contracts.observed_execution import ASKED_FOR, FALL, OBSERVED, RISE, moment

PHASE = "restore"
RUN = OBSERVED.run
VALIDATED = OBSERVED.validated
TOLD = OBSERVED.told
ASKED = OBSERVED.asked
assert RUN is not None
assert VALIDATED is not None
assert TOLD is not None
assert ASKED is not None


def _facts(**changes: Any) -> Evidence:
    return PASSING.facts("read_execution", **changes)


def _run(**changes: Any) -> Evidence:
    assert RUN is not None
    return _facts(run=replace(RUN, **changes))


def _receipt(phase: str = PHASE, **changes: Any) -> Evidence:
    return _facts(receipts=tuple(replace(r, **changes) if r.phase == phase else r for r in OBSERVED.receipts))


def _without(phase: str) -> Evidence:
    return _facts(receipts=tuple(row for row in OBSERVED.receipts if row.phase != phase))


def _step(**changes: Any) -> Evidence:
    assert RUN is not None
    return _run(steps=tuple(replace(step, **changes) if step.phase == PHASE else step for step in RUN.steps))


def _stored(**changes: Any) -> Evidence:
    return _facts(
        stored=tuple(replace(o, **changes) if o.key.endswith(f"/{PHASE}.json") else o for o in OBSERVED.stored)
    )


def _machine(**changes: Any) -> Evidence:
    return _facts(machine=replace(OBSERVED.machine, **changes))


def _asking(evidence: Evidence, **changes: Any) -> Evidence:
    return evidence.asking(execution=replace(ASKED_FOR, **changes))


@boundary
def a_file_with_any_problem_is_refuted_and_named(house: House) -> None:
    (first, *rest) = OBSERVED.files
    spoiled = _facts(files=(replace(first, problem="comes twice"), *rest))
    expect(house, "every_file_is_known_and_read", (spoiled, REFUTED), (_facts(files=()), UNPROVEN))
    assert house.verdict("every_file_is_known_and_read", _facts(files=())).reason == "no file was handed in"
    assert "check_health.json: comes twice" in house.verdict("every_file_is_known_and_read", spoiled).reason


@boundary
def a_manifest_is_compared_both_ways(house: House) -> None:
    expect(
        house,
        "manifest_lists_what_is_there",
        (_facts(manifest=None), UNPROVEN),
        (_facts(manifest=ManifestSeen(listed=7, missing=("a",))), REFUTED),
        (_facts(manifest=ManifestSeen(listed=7, extra=("a",))), REFUTED),
        (_facts(manifest=ManifestSeen(listed=7, different=("a",))), REFUTED),
    )
    told = house.verdict("manifest_lists_what_is_there", _facts(manifest=ManifestSeen(listed=7, extra=("a", "b"))))
    assert told.reason.endswith(": extra: a, b")


@boundary
def a_receipt_that_the_store_has_and_nobody_handed_in_was_left_out(house: House) -> None:
    teardown = replace(OBSERVED.stored[0], key="atlas/receipts/drill-of-atlas/codebuild-teardown.json")
    renamed = replace(OBSERVED.stored[0], key="atlas/receipts/drill-of-atlas/bringup.json")
    expect(
        house,
        "nothing_stored_was_left_out",
        (_facts(stored=()), UNPROVEN),
        (_facts(stored=(*OBSERVED.stored, teardown)), REFUTED),
        (_facts(stored=(*OBSERVED.stored, renamed)), PROVEN),
        (_without("decision"), REFUTED),
    )


@boundary
def all_receipts_are_of_the_one_execution_that_was_meant(house: House) -> None:
    contract = "receipts_are_of_one_execution"
    nobody_said = {"execution_id": "", "account_id": "", "region": ""}
    expect(
        house,
        contract,
        (_facts(receipts=()), UNPROVEN),
        (_receipt(execution=""), UNPROVEN),
        (_receipt(account_id=""), UNPROVEN),
        (_receipt(region=""), UNPROVEN),
        (_receipt("decision", execution="", account_id="", region=""), PROVEN),
        (_receipt("decision", execution="another"), REFUTED),
        (_receipt(execution="another"), REFUTED),
        (_receipt(account_id="000000000000"), REFUTED),
        (_receipt(region="elsewhere"), REFUTED),
        (_step(execution="another"), REFUTED),
        (_run(described_execution="another"), REFUTED),
        (_run(described_execution=""), PROVEN),
        (_facts(run=None), PROVEN),
        (_asking(PASSING, **nobody_said), PROVEN),
        (_asking(_receipt(execution="another"), **nobody_said), REFUTED),
        (_asking(PASSING, execution_id="another"), REFUTED),
        (_asking(PASSING, account_id="000000000000"), REFUTED),
        (_asking(PASSING, region="elsewhere"), REFUTED),
    )


@boundary
def a_receipt_is_of_the_time_of_the_execution_to_the_second(house: House) -> None:
    contract = "receipt_was_written_during_the_execution"
    at = next(row.at for row in OBSERVED.receipts if row.phase == PHASE)
    before = next(row.at for row in OBSERVED.receipts if row.phase == "bringup")
    second = at.replace(".000Z", ".999Z")
    late = at.replace(":00.000Z", ":01.000Z")
    expect(
        house,
        contract,
        (_without(PHASE), UNPROVEN),
        (_facts(run=None), UNPROVEN),
        (_run(stopped_at=""), UNPROVEN),
        (_run(stopped_at=at), PROVEN),
        (_run(stopped_at=at.replace(":00.000Z", ":00.001Z")), PROVEN),
        (_receipt(at=moment(22)), REFUTED),
        (_receipt(at=before), PROVEN),
        (_receipt(at=moment(4, 59)), REFUTED),
        (_without("bringup"), PROVEN),
        subject=PHASE,
    )
    for unknown in (_facts(run=None), _run(stopped_at="")):
        assert house.verdict(contract, unknown, PHASE).reason == "nobody says when the execution began and ended"
    first = next(row.at for row in OBSERVED.receipts if row.phase == "check_health")
    expect(
        house,
        contract,
        (_run(started_at=first), PROVEN),
        (_run(started_at=first.replace(".000Z", ".999Z")), PROVEN),
        (_run(started_at=first.replace(":00.000Z", ":01.000Z")), REFUTED),
        subject="check_health",
    )
    assert second < late


@boundary
def a_receipt_says_what_the_history_says(house: House) -> None:
    contract = "receipt_says_what_the_history_says"
    expect(
        house,
        contract,
        (_without(PHASE), UNPROVEN),
        (_facts(run=None), UNPROVEN),
        (_run(steps=()), UNPROVEN),
        (_step(result_sha256=""), UNPROVEN),
        (_step(result_sha256="0" * 64), REFUTED),
        (_step(given_sha256="0" * 64), REFUTED),
        (_receipt(given_sha256="0" * 64), REFUTED),
        (_receipt(form="build", given_sha256=""), PROVEN),
        subject=PHASE,
    )
    assert RUN is not None
    build = [replace(step, outcome="failed") if step.phase == "bringup" else step for step in RUN.steps]
    expect(
        house,
        contract,
        (PASSING, PROVEN),
        (_receipt("bringup", result_sha256="0" * 64), REFUTED),
        (_run(steps=tuple(build)), REFUTED),
        subject="bringup",
    )
    expect(house, contract, (_step(outcome="failed"), PROVEN), subject=PHASE)


@boundary
def a_receipt_is_the_object_of_its_phase_whatever_its_name(house: House) -> None:
    contract = "receipt_is_the_stored_object"
    twice = replace(OBSERVED.stored[1], key="atlas/receipts/drill-of-atlas/bringup.json")
    expect(
        house,
        contract,
        (_without(PHASE), UNPROVEN),
        (_facts(stored=()), UNPROVEN),
        (_stored(md5=""), UNPROVEN),
        (_stored(md5="0" * 32), REFUTED),
        (_stored(size=1), REFUTED),
        (_facts(stored=(*OBSERVED.stored, twice)), PROVEN),
        subject=PHASE,
    )
    renamed = _facts(stored=(*(row for row in OBSERVED.stored if "bringup" not in row.key), twice))
    expect(house, contract, (_facts(stored=(*OBSERVED.stored, twice)), UNPROVEN), (renamed, PROVEN), subject="bringup")


@boundary
def an_origin_needs_one_that_confirms_and_none_that_contradicts(house: House) -> None:
    contract = "origin_is_corroborated"
    expect(
        house,
        contract,
        (PASSING, PROVEN),
        (LISTING_ALONE, PROVEN),
        (_facts(stored=()), PROVEN),
        (_facts(stored=(), run=None), UNPROVEN),
        (_step(result_sha256="0" * 64), REFUTED),
        (_stored(md5="0" * 32), REFUTED),
        (_without(PHASE), UNPROVEN),
        subject=PHASE,
    )


@boundary
def a_history_is_whole_and_ends_as_it_is_described(house: House) -> None:
    expect(
        house,
        "history_is_whole",
        (_facts(run=None), UNPROVEN),
        (_run(events=0), UNPROVEN),
        (_run(events=1), PROVEN),
        (_run(problem="gaps"), REFUTED),
        (_run(described_as=""), PROVEN),
        (_run(described_as="ABORTED"), REFUTED),
    )


@boundary
def a_phase_must_say_ok_under_its_own_name(house: House) -> None:
    contract = "receipt_is_there_and_says_ok"
    expect(
        house,
        contract,
        (_without(PHASE), UNPROVEN),
        (_receipt(status=""), REFUTED),
        (_receipt(status="OK"), REFUTED),
        (_receipt("validate", status="error"), PROVEN),
        subject=PHASE,
    )
    assert "missing_required_receipt:restore" in house.verdict(contract, _without(PHASE), PHASE).reason
    assert house.verdict(contract, _receipt(status=""), PHASE).reason.endswith("its status is none")
    assert house.verdict(contract, _receipt(status="error"), PHASE).reason.endswith("its status is error")


@boundary
def only_succeeded_is_success_and_the_deepest_cause_is_told(house: House) -> None:
    contract = "execution_succeeded"
    causes = {
        CauseSeen(kind="aborted", phase="validate"): "; deepest cause: aborted in validate",
        CauseSeen(kind="runtime", state="Promote", error="States.Runtime"): (
            "; deepest cause: runtime in Promote: States.Runtime"
        ),
        CauseSeen(kind="denied", denied="iam:TagRole"): "; deepest cause: denied, iam:TagRole was denied",
        CauseSeen(kind="task", phase="restore", state="Restore"): "; deepest cause: task in restore",
        None: "FAILED",
    }
    expect(house, contract, (_facts(run=None), UNPROVEN), (_run(status="RUNNING"), REFUTED))
    for cause, said in causes.items():
        verdict = house.verdict(contract, _run(status="FAILED", cause=cause))
        assert (verdict.status, verdict.reason.endswith(said)) == (REFUTED, True), verdict.reason


@boundary
def a_notice_is_published_numbered_and_of_no_failure(house: House) -> None:
    assert TOLD is not None
    expect(
        house,
        "people_were_told_of_the_validation",
        (_facts(told=None), UNPROVEN),
        (_facts(told=replace(TOLD, published=False)), REFUTED),
        (_facts(told=replace(TOLD, message_id="")), REFUTED),
        (_facts(told=replace(TOLD, status="phase_failed")), REFUTED),
        (_facts(told=replace(TOLD, status="")), PROVEN),
    )
    expected = house.verdict("people_were_told_of_the_validation", PASSING).expected
    assert expected == {"published": True, "message_id": "one", "status": "no failure"}


@boundary
def an_approval_is_a_yes_of_somebody_after_the_question(house: House) -> None:
    assert ASKED is not None
    assert RUN is not None
    (answer,) = OBSERVED.decisions
    asked_at = next(row.at for row in OBSERVED.receipts if row.phase == "request_manual_approval")
    waiting = replace(RUN, status="RUNNING")

    def answered(**changes: Any) -> Evidence:
        return _facts(decisions=(replace(answer, **changes),))

    expect(
        house,
        "approval_was_given",
        (_facts(asked=None), UNPROVEN),
        (_facts(asked=replace(ASKED, published=False)), REFUTED),
        (_facts(decisions=()), REFUTED),
        (_facts(decisions=(), run=waiting), UNPROVEN),
        (_facts(decisions=(), run=None), UNPROVEN),
        (_facts(run=waiting), PROVEN),
        (answered(approved="no"), REFUTED),
        (answered(approved="unclear"), REFUTED),
        (answered(approver=""), REFUTED),
        (answered(at=asked_at), PROVEN),
        (answered(at=moment(16, 59)), REFUTED),
        (_facts(decisions=(answer, replace(answer, source="history"))), PROVEN),
        (answered(tied=False), UNPROVEN),
        (_facts(decisions=(replace(answer, tied=False), replace(answer, source="history"))), PROVEN),
        (_run(steps=tuple(replace(step, outcome="open") for step in RUN.steps)), REFUTED),
        (_step(outcome="failed"), PROVEN),
        (_run(steps=()), PROVEN),
        (_facts(decisions=(answer, replace(answer, source="history", approved="no"))), REFUTED),
        (_without("request_manual_approval"), UNPROVEN),
    )
    for silent in (_facts(asked=None), _without("request_manual_approval")):
        verdict = house.verdict("approval_was_given", silent)
        assert verdict.reason == "missing_required_receipt:request_manual_approval"


@boundary
def a_decision_that_is_demanded_has_a_receipt_that_says_ok(house: House) -> None:
    expect(
        house,
        "decision_is_on_record",
        (_without("decision"), UNPROVEN),
        (_receipt("decision", status="error"), REFUTED),
        (_receipt(status="error"), PROVEN),
    )


@boundary
def a_machine_that_was_there_before_was_not_brought_up(house: House) -> None:
    contract = "bringup_started_a_machine"
    nothing = Changes(added=0, changed=0, destroyed=0)
    silent = {"changes": None, "launched_at": "", "node_ages": ()}
    (age,) = OBSERVED.machine.node_ages
    old = (replace(age, at_least_ms=2**40, less_than_ms=2**41),)
    unseen = tuple(row for row in OBSERVED.receipts if row.phase != "check_health")
    expect(
        house,
        contract,
        (_machine(changes=nothing), REFUTED),
        (_machine(**silent), UNPROVEN),
        (_machine(**{**silent, "node_ages": old}), REFUTED),
        (_machine(**{**silent, "node_ages": (age,)}), PROVEN),
        (_machine(launched_at="2026-05-04T09:59:59.999Z"), REFUTED),
        (_facts(run=None, machine=replace(OBSERVED.machine, launched_at=moment(1))), REFUTED),
        (_facts(run=None, machine=replace(OBSERVED.machine, launched_at=moment(2))), PROVEN),
        (_facts(run=None, receipts=unseen), PROVEN),
        (_facts(run=None, receipts=unseen, machine=replace(OBSERVED.machine, changes=None)), UNPROVEN),
        (_machine(changes=Changes(added=4, changed=1, destroyed=0)), PROVEN),
        (_machine(changes=None), PROVEN),
    )


@boundary
def one_machine_is_brought_up_resolved_and_validated(house: House) -> None:
    expect(
        house,
        "one_machine_throughout",
        (_machine(brought_up=""), UNPROVEN),
        (_machine(validated=""), UNPROVEN),
        (_machine(resolved=""), PROVEN),
        (_machine(resolved="i-other"), REFUTED),
        (_machine(validated="i-other"), REFUTED),
        (_machine(brought_up="i-other"), REFUTED),
    )


@boundary
def what_exists_is_not_restored(house: House) -> None:
    first, second = OBSERVED.restored
    contract = "something_was_restored"
    expect(
        house,
        contract,
        (_without(PHASE), UNPROVEN),
        (_facts(restored=()), REFUTED),
        (_facts(restored=(replace(first, size=0), second)), REFUTED),
        (_facts(restored=(replace(first, size=1), second)), PROVEN),
        (_facts(restored=(replace(first, sha256=""), second)), UNPROVEN),
        (_facts(restored=(replace(first, restored_to=False), second)), UNPROVEN),
    )
    short = _facts(restored=(replace(first, sha256=""), replace(second, restored_to=False)))
    assert "metadata.json: existence, state.tar.zst: integrity" in house.verdict(contract, short).reason


@boundary
def a_validation_that_makes_something_is_refuted_also_where_its_beginning_is_lost(house: House) -> None:
    assert VALIDATED is not None

    def validated(**changes: Any) -> Evidence:
        assert VALIDATED is not None
        return _facts(validated=replace(VALIDATED, **changes))

    made = ("namespace/atlas created",)
    expect(
        house,
        "validation_made_nothing",
        (_facts(validated=None), UNPROVEN),
        (validated(lines=0), UNPROVEN),
        (validated(whole=False), UNPROVEN),
        (validated(made=made), REFUTED),
        (validated(made=made, whole=False), REFUTED),
        (validated(made=made, lines=0), REFUTED),
        (validated(status="TimedOut"), REFUTED),
        (validated(status=""), REFUTED),
    )
    told = house.verdict("validation_made_nothing", validated(made=made)).reason
    assert told == "validation ended as Success and changed its target: namespace/atlas created"
    told = house.verdict("validation_made_nothing", validated(status="")).reason
    assert told == "validation ended as nothing and changed its target: no"


@boundary
def an_alarm_is_looked_at_in_the_time_before_and_during_the_execution(house: House) -> None:
    contract = "an_alarm_noticed_the_outage"
    other = replace(RISE, alarm="other", said="missing_data")
    unsaid = replace(RISE, alarm="other", said="nothing")
    expect(
        house,
        contract,
        (_facts(alarms=()), UNPROVEN),
        (_facts(alarms=(RISE, FALL, other)), PROVEN),
        (_facts(alarms=(RISE, FALL, unsaid)), PROVEN),
        (_facts(alarms=(other, replace(unsaid, alarm="third"))), UNPROVEN),
        (_facts(alarms=(other,)), REFUTED),
        (_facts(alarms=(RISE, replace(FALL, alarm="other"))), REFUTED),
        (_facts(run=None), UNPROVEN),
        (_facts(run=None, alarms=(other,)), REFUTED),
        (_run(stopped_at=""), UNPROVEN),
        (_asking(PASSING, alarm_lead_ms=8 * 60_000), PROVEN),
        (_asking(PASSING, alarm_lead_ms=8 * 60_000 - 1), REFUTED),
        (_run(stopped_at=FALL.at), PROVEN),
        (_run(stopped_at=moment(18)), REFUTED),
    )
    controls = {control.name: control.reason for control in house.verdict(contract, PASSING).controls}
    assert "did not go back to OK" in controls["no alarm healed"]
    told = house.verdict(contract, _facts(alarms=(RISE, replace(FALL, alarm="other")))).reason
    assert "atlas-freshness: the alarm did not go back" in told
    assert "other: the alarm never went" in told


@boundary
def a_token_in_a_receipt_is_a_secret_and_in_the_platforms_own_history_it_is_none(house: House) -> None:
    contract = "no_secret_lies_in_the_receipts"
    (first, *_) = OBSERVED.files
    token = SecretSeen(file=first.name, kind="task_token", where="/a", tag="hmac-sha256:00")
    for kind, status in (
        ("receipt", REFUTED), ("alarms", REFUTED), ("unknown", REFUTED), ("history", PROVEN), ("description", PROVEN),
    ):  # fmt: skip
        files = (*OBSERVED.files, replace(first, name="added.json", kind=kind))
        expect(house, contract, (_facts(files=files, secrets=(replace(token, file="added.json"),)), status))
    verdict = house.verdict(contract, _facts(secrets=(token,)))
    assert verdict.observed == [{"file": first.name, "kind": "task_token", "where": "/a"}]


@boundary
def a_sabotage_that_this_evidence_cannot_show_is_not_counted(house: House) -> None:
    assert RUN is not None
    unasked: Criteria = CRITERIA
    assert unasked.execution.decision
    controls = {
        (contract, evidence): {
            control.name: control.result.value for control in house.verdict(contract, given, subject).controls
        }
        for contract, evidence, given, subject in (
            ("origin_is_corroborated", "listing", LISTING_ALONE, PHASE),
            ("origin_is_corroborated", "history", _facts(stored=()), PHASE),
            ("approval_was_given", "running", _facts(run=replace(RUN, status="RUNNING")), ""),
            ("approval_was_given", "listing", LISTING_ALONE, ""),
            ("approval_was_given", "ended", PASSING, ""),
            ("bringup_started_a_machine", "changed", _machine(changes=Changes(added=1, changed=1, destroyed=0)), ""),
            ("bringup_started_a_machine", "counts", PASSING, ""),
            ("bringup_started_a_machine", "unsaid", _machine(changes=None), ""),
        )
    }
    expected = {
        ("origin_is_corroborated", "listing"): {
            "the receipt was made up": "not_applicable",
            "the store has other bytes": "refuted",
        },
        ("origin_is_corroborated", "history"): {
            "the receipt was made up": "refuted",
            "the store has other bytes": "not_applicable",
        },
        ("approval_was_given", "running"): {"nobody answered": "not_applicable"},
        ("approval_was_given", "listing"): {"nobody answered": "not_applicable"},
        ("approval_was_given", "ended"): {"nobody answered": "refuted"},
        ("bringup_started_a_machine", "changed"): {"bring-up changed nothing": "not_applicable"},
        ("bringup_started_a_machine", "counts"): {
            "bring-up changed nothing": "refuted",
            "the machine was launched long before": "refuted",
            "a node is older than the execution": "refuted",
        },
        ("bringup_started_a_machine", "unsaid"): {"bring-up changed nothing": "not_applicable"},
    }
    for key, wanted in expected.items():
        assert {name: controls[key][name] for name in wanted} == wanted, key
    blind = tuple(row for row in OBSERVED.receipts if row.phase != "check_health")
    told = house.verdict("bringup_started_a_machine", _facts(run=None, receipts=blind))
    assert {control.result.value for control in told.controls[1:3]} == {"not_applicable"}
    none = house.verdict("no_secret_lies_in_the_receipts", _facts(files=(replace(OBSERVED.files[0], kind="history"),)))
    assert none.controls[0].result.value == "not_applicable"
