"""A decision counts only as an approver signed it: over this drill, in time, and not one's own."""

from dataclasses import replace
from typing import Any

import pytest

from drproof.evidence import approvals
from drproof.evidence.approvals import Bar
from drproof.model.approval import Decision, same_person
from drproof.model.codec import encode
from drproof.model.errors import EvidenceError
from tests.evidence.keys import APPROVER, RUNNER, STRANGER, p256

ADA = "arn:aws:sts::444455556666:assumed-role/approver/ada"
OPENING, PLAN, VALIDATION = "0" * 64, "1" * 64, "2" * 64
SAID = Decision(
    approved=True,
    approver=ADA,
    account_id="444455556666",
    ticket="CHG-7",
    reason="seen",
    decided_at="2026-11-27T10:05:00.000Z",
    expires_at="2026-11-27T11:05:00.000Z",
    drill_id="one",
    plan_sha256=PLAN,
    validation_sha256=VALIDATION,
)
BAR = Bar(
    drill_id="one",
    plan_sha256=PLAN,
    opening_sha256=OPENING,
    validation_sha256=VALIDATION,
    keys={APPROVER.keyid: APPROVER.public_key},
    operators=("arn:aws:sts::444455556666:assumed-role/drill/bob",),
    asked_at="2026-11-27T10:00:00.000Z",
    within_ms=3_600_000,
    recorded_at="2026-11-27T10:05:01.000Z",
)


def signed(*keys: Any, said: Decision = SAID, opening: str = OPENING) -> Any:
    return encode(approvals.sign(said, opening, keys or (APPROVER,)))


def test_what_an_approver_signed_about_this_drill_counts_whether_it_is_a_yes_or_a_no():
    assert approvals.doubt(signed(), BAR) == ""
    assert approvals.doubt(signed(said=replace(SAID, approved=False)), BAR) == ""
    assert approvals.read(signed()).decision == SAID


def test_a_key_on_p256_may_decide_as_well():
    key = p256("approver")

    assert approvals.doubt(signed(key), replace(BAR, keys={key.keyid: key.public_key})) == ""


@pytest.mark.parametrize(
    ("changes", "opening", "said"),
    [
        ({"drill_id": "two"}, OPENING, "it is about another drill: two, expected one"),
        ({"execution_arn": "arn:one"}, OPENING, "it is about another execution: arn:one, expected none"),
        ({"plan_sha256": "3" * 64}, OPENING, "it is about another plan"),
        ({"validation_sha256": "3" * 64}, OPENING, "it is about another validation"),
        ({}, "3" * 64, "it is about another opening"),
        ({"decided_at": "2026-11-27T09:58:59.999Z"}, OPENING, "before people were asked"),
        ({"decided_at": "2026-11-27T10:06:01.001Z"}, OPENING, "which is to come"),
        ({"expires_at": "2026-11-27T10:05:00.999Z"}, OPENING, "it expired at"),
        ({"approver": "arn:aws:iam::444455556666:user/bob"}, OPENING, "nobody approves their own work"),
        ({"ticket": " "}, OPENING, "it names no ticket"),
        ({"reason": ""}, OPENING, "it names no reason"),
        ({"approver": "arn:aws:sts::111122223333:assumed-role/another/Bob"}, OPENING, "not of account 444455556666"),
    ],
)
def test_a_decision_about_something_else_or_at_another_time_or_of_the_operator_does_not_count(changes, opening, said):
    assert said in approvals.doubt(signed(said=replace(SAID, **changes), opening=opening), BAR)


def test_clocks_may_differ_by_a_minute_and_no_more():
    for decided_at in ("2026-11-27T09:59:00.000Z", "2026-11-27T10:06:01.000Z"):
        assert approvals.doubt(signed(said=replace(SAID, decided_at=decided_at)), BAR) == ""
    late = replace(SAID, decided_at="2026-11-27T11:01:00.001Z", expires_at="2026-11-27T12:00:00.000Z")
    bar = replace(BAR, recorded_at="2026-11-27T11:30:00.000Z")
    assert "after the time for it was up" in approvals.doubt(signed(said=late), bar)
    in_time = replace(late, decided_at="2026-11-27T11:01:00.000Z")
    assert approvals.doubt(signed(said=in_time), bar) == ""


def test_who_ran_the_drill_must_be_known():
    assert "nobody knows who ran the drill" in approvals.doubt(signed(), replace(BAR, operators=("",)))


def test_each_signature_must_be_an_approver_s():
    assert "nobody signed it" in approvals.doubt({**signed(), "dsse": {**signed()["dsse"], "signatures": []}}, BAR)
    assert "no key of an approver" in approvals.doubt(signed(STRANGER), BAR)
    assert "no key of an approver" in approvals.doubt(signed(APPROVER, RUNNER), BAR)
    forged = signed(STRANGER)
    forged["dsse"]["signatures"][0]["keyid"] = APPROVER.keyid
    assert "its signature is not one of" in approvals.doubt(forged, BAR)


def test_nothing_but_the_one_form_of_a_decision_is_read():
    whole = signed()
    spoiled: Any
    for spoiled in (
        None,
        [],
        "approved",
        {**whole, "more": 1},
        {"decision": whole["decision"]},
        {**whole, "decision": {**whole["decision"], "approved": "false"}},
        {**whole, "decision": {**whole["decision"], "approved": 1}},
        {**whole, "decision": {**whole["decision"], "comment": ""}},
        {**whole, "decision": {name: it for name, it in whole["decision"].items() if name != "reason"}},
        {**whole, "decision": {**whole["decision"], "approver": "ada"}},
        {**whole, "decision": {**whole["decision"], "decided_at": "2026-02-30T10:05:00.000Z"}},
        {**whole, "decision": {**whole["decision"], "approved": False}},
        {**whole, "dsse": {**whole["dsse"], "payload": whole["dsse"]["payload"] + "="}},
        {**whole, "dsse": {**whole["dsse"], "payloadType": "application/json"}},
    ):
        assert approvals.doubt(spoiled, BAR).startswith("it is no signed decision: ")
        with pytest.raises(EvidenceError):
            approvals.read(spoiled)


def test_a_doubt_about_what_a_stranger_wrote_is_short():
    long = replace(SAID, drill_id="x" * 10_000)

    assert len(approvals.doubt(signed(said=long), BAR)) <= approvals.MOST_CHARACTERS


def test_one_name_is_one_person_whatever_the_role_and_the_account():
    assert same_person(ADA, "arn:aws:sts::111122223333:assumed-role/drill/ADA")
    assert same_person(ADA, "arn:aws:iam::444455556666:user/people/ada")
    assert not same_person(ADA, "arn:aws:sts::444455556666:assumed-role/approver/adam")
    assert not same_person("arn:aws:iam::111122223333:root", "arn:aws:iam::444455556666:root")
