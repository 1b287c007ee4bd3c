"""The laws of judging: nothing passes by default, and a contract that cannot fail proves nothing."""

from dataclasses import replace
from typing import Any

import pytest

from drproof.evidence.schemas import problem_of_receipt
from drproof.model.contract import Contract, NotApplicableError, contract, discovered, expected
from drproof.model.criteria import Criteria
from drproof.model.errors import FormatError
from drproof.model.judging import judge
from drproof.model.receipt import Outcome, Receipt
from drproof.model.verdict import ControlResult, Finding, Status, compare, hold, undecided
from drproof.phases.recovery.notify import NotifyObserved
from tests.contracts.evidence import PASSING, Evidence
from tests.contracts.observed import CRITERIA

Notify = Receipt[NotifyObserved]


def claim(decide: Any = None, **properties: Any) -> Contract:
    """Return a contract on the receipt of `notify` that has no sabotage yet."""

    def accepted(notify: Notify) -> Finding:
        """A message was accepted."""
        return compare(observed=bool(notify.facts.message_id), expected=True, reason="no message was accepted")

    return contract(**{"needs": ["notify"], **properties})(decide or accepted)


def silent(notify: Notify) -> Notify:
    """Lose the message."""
    return replace(notify, observed=replace(notify.facts, message_id=""))


def judged(subject: Contract, evidence: Evidence = PASSING) -> Any:
    """Return the one verdict."""
    (verdict,) = evidence.verdicts(subject)
    return verdict


def sabotaged(*spoils: Any, **properties: Any) -> Contract:
    """Return a contract with these sabotages."""
    made = claim(**properties)
    for number, spoil in enumerate(spoils):
        made.sabotage(f"way {number}")(spoil)
    return made


def control(verdict: Any, name: str) -> ControlResult:
    """Return what one control came to."""
    (found,) = (one for one in verdict.controls if one.name == name)
    result: ControlResult = found.result
    return result


def test_a_claim_is_proven_when_the_evidence_shows_it_and_every_control_convinces():
    verdict = judged(sabotaged(silent))

    assert verdict.proven
    assert {(one.name, one.result.value) for one in verdict.controls} == {
        ("way 0", "refuted"),
        ("notify: receipt absent", "unproven"),
        ("notify: receipt failed", "unproven"),
    }


def test_a_verdict_names_what_was_done_by_hand_whatever_it_says():
    helped = PASSING.receipt("notify", by_hand=("notify", "restore")).receipt("validate", by_hand=("bringup",))

    def agreed(notify: Notify, validate: Any) -> Finding:
        """Both happened."""
        return compare(observed=bool(notify and validate), expected=True, reason="one did not")

    both = claim(agreed, needs=["notify", "validate"])

    assert judged(sabotaged(silent), helped).by_hand == ("notify", "restore")
    assert judged(claim(), helped).by_hand == ("notify", "restore"), "unproven"
    assert judged(both, helped).by_hand == ("bringup", "notify", "restore")
    assert judged(sabotaged(silent)).by_hand == ()


def test_an_unobserved_act_is_no_evidence():
    unseen = PASSING.receipt("notify", outcome=Outcome.UNOBSERVED, observed=None, reason="nobody could look")
    verdict = judged(sabotaged(silent), unseen)

    assert (verdict.status, verdict.reason) == (Status.UNPROVEN, "notify is unobserved: nobody could look")


def test_a_contract_without_sabotage_proves_nothing():
    verdict = judged(claim())

    assert verdict.status is Status.UNPROVEN
    assert verdict.reason == "no sabotage could be applied to this evidence"


def test_a_sabotage_that_survives_takes_the_proof_away():
    verdict = judged(sabotaged(silent, lambda notify: replace(notify, reason="another reason")))

    assert verdict.status is Status.UNPROVEN
    assert control(verdict, "way 1") is ControlResult.SURVIVED
    assert "way 1 (survived)" in verdict.reason


def test_a_sabotage_that_changes_nothing_takes_the_proof_away():
    def same(notify: Notify) -> Notify:
        return replace(notify)

    verdict = judged(sabotaged(silent, same))

    assert verdict.status is Status.UNPROVEN
    assert control(verdict, "way 1") is ControlResult.CHANGED_NOTHING


@pytest.mark.parametrize("error", [ValueError, KeyError, TypeError, IndexError, AttributeError])
def test_a_sabotage_that_breaks_takes_the_proof_away(error):
    def breaks(notify: Notify) -> Notify:
        raise error("out of order")

    verdict = judged(sabotaged(silent, breaks))

    assert verdict.status is Status.UNPROVEN
    assert control(verdict, "way 1") is ControlResult.BROKEN


def test_a_sabotage_that_makes_an_invalid_receipt_takes_the_proof_away():
    verdict = judged(sabotaged(silent, lambda notify: replace(notify, started_at="yesterday")))

    assert verdict.status is Status.UNPROVEN
    assert control(verdict, "way 1") is ControlResult.BROKEN


def test_a_sabotage_that_leaves_the_claim_open_does_not_refute_it():
    def decide(notify: Notify) -> Finding:
        """A message was accepted."""
        return undecided("who knows") if not notify.facts.message_id else hold(True, observed=1, expected=1, reason="")

    made = claim(decide)
    made.sabotage("the message is gone")(silent)
    verdict = judged(made)

    assert verdict.status is Status.UNPROVEN
    assert control(verdict, "the message is gone") is ControlResult.UNPROVEN


def test_a_sabotage_that_does_not_apply_is_listed_with_its_reason_and_at_least_one_must_be_refuted():
    def cannot(notify: Notify) -> Notify:
        raise NotApplicableError("nobody was to be told")

    beside = judged(sabotaged(silent, cannot))
    assert beside.proven
    assert [one.reason for one in beside.controls if one.result is ControlResult.NOT_APPLICABLE] == [
        "nobody was to be told"
    ]
    alone = judged(sabotaged(cannot))
    assert alone.status is Status.UNPROVEN
    assert alone.reason == "no sabotage could be applied to this evidence"


def test_a_failed_receipt_is_no_removal_for_a_claim_that_accepts_it():
    def decide(notify: Notify) -> Finding:
        """A message was accepted."""
        return compare(observed=bool(notify.facts.message_id), expected=True, reason="silence")

    blind = claim(decide, accepts=[Outcome.PASSED, Outcome.FAILED])
    blind.sabotage("the message is gone")(silent)
    names = {one.name for one in judged(blind).controls}

    assert names == {"the message is gone", "notify: receipt absent"}


def test_controls_are_not_run_on_evidence_that_does_not_prove_the_claim():
    verdict = judged(sabotaged(silent), PASSING.facts("notify", message_id=""))

    assert verdict.status is Status.REFUTED
    assert verdict.reason == "no message was accepted"
    assert (verdict.observed, verdict.expected, verdict.controls) == (False, True, ())


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.BLOCKED, Outcome.NOT_RUN, Outcome.INTERRUPTED])
def test_presence_of_a_receipt_is_not_its_outcome(outcome):
    verdict = judged(sabotaged(silent), PASSING.receipt("notify", outcome=outcome, reason="so it was"))

    assert verdict.status is Status.UNPROVEN
    assert verdict.reason == f"notify is {outcome.value}: so it was"


def test_a_passed_receipt_that_observed_nothing_is_no_evidence():
    assert judged(sabotaged(silent), PASSING.receipt("notify", observed=None)).status is Status.UNPROVEN
    assert judged(sabotaged(silent), PASSING.without("notify")).reason == "there is no receipt of notify"


@pytest.mark.parametrize(
    "error",
    [ValueError("x"), KeyError("x"), TypeError("x"), IndexError("x"), AttributeError("x"), FormatError("a", "x")],
)
def test_an_exception_inside_a_contract_is_no_verdict_about_the_world(error):
    def decide(notify: Notify) -> Finding:
        """A message was accepted."""
        raise error

    verdict = judged(claim(decide))

    assert verdict.status is Status.UNPROVEN
    assert type(error).__name__ in verdict.reason


def subjects(names: Any) -> Contract:
    """Return a contract with a verdict for each of these names of the criteria."""

    def decide(notify: Notify, subject: str) -> Finding:
        """Each subject is told of."""
        return hold(subject in notify.facts.subject, observed=subject, expected="told", reason="not told")

    made = claim(decide, subjects=names)
    made.sabotage("nobody is told")(lambda notify: replace(notify, observed=replace(notify.facts, subject="")))
    return made


def test_each_expected_subject_has_one_verdict_even_when_it_comes_twice():
    verdicts = PASSING.verdicts(subjects(expected("word", lambda _: ["drill", "fire", "drill"])))

    assert [(one.name, one.status.value) for one in verdicts] == [
        ("decide[drill]", "proven"),
        ("decide[fire]", "refuted"),
    ]


def test_nothing_to_judge_is_one_unproven_verdict_and_never_none():
    def none(_: Criteria) -> list[str]:
        return []

    (verdict,) = PASSING.verdicts(subjects(expected("word", none)))
    assert (verdict.status, verdict.reason) == (Status.UNPROVEN, "nothing to judge: no word is known")


def test_discovered_subjects_come_only_from_a_phase_that_passed():
    names = discovered("word", "notify", lambda receipt: [receipt.facts.subject])

    assert [one.subject for one in PASSING.verdicts(subjects(names))] == ["drill"]
    for evidence in (PASSING.without("notify"), PASSING.receipt("notify", outcome=Outcome.FAILED)):
        (verdict,) = evidence.verdicts(subjects(names))
        assert (verdict.status, verdict.subject) == (Status.UNPROVEN, "")


def test_nothing_to_judge_names_the_phase_that_found_nothing():
    nothing = subjects(discovered("word", "notify", lambda _: []))

    (verdict,) = PASSING.verdicts(nothing)
    assert (verdict.status, verdict.reason) == (
        Status.UNPROVEN,
        "nothing to judge: no word is known, and notify found none",
    )


def test_a_claim_is_asked_for_unless_the_criteria_say_otherwise():
    told = claim(applies=lambda criteria: criteria.notification_expected)

    assert claim().is_asked(CRITERIA)
    assert told.is_asked(CRITERIA)
    assert not told.is_asked(replace(CRITERIA, notification_expected=False))


def reading() -> Contract:
    """Return a contract on an evidence file."""

    def decide(members: dict[str, Any]) -> Finding:
        """There are members."""
        return hold(bool(members), observed=len(members), expected="some", reason="no members")

    made = contract(needs=["read_restore_point"], reads={"members": ("read_restore_point", "members")})(decide)
    made.sabotage("no members")(lambda members: {})
    return made


def test_evidence_is_read_by_the_one_reference_of_the_receipt():
    (ref,) = (one for one in PASSING.receipts["read_restore_point"].evidence if one.name == "members")

    assert judged(reading()).proven
    for refs in ((), (ref, ref), (replace(ref, name="another"),), (replace(ref, path="evidence/gone.json"),)):
        verdict = judged(reading(), PASSING.receipt("read_restore_point", evidence=refs))
        assert verdict.status is Status.UNPROVEN


def test_equal_in_value_and_not_in_type_is_not_equal():
    assert compare(observed=1, expected=True, reason="r").status is Status.REFUTED
    assert compare(observed=0, expected=False, reason="r").status is Status.REFUTED
    assert compare(observed=1, expected=1.0, reason="r").status is Status.REFUTED
    assert compare(observed="1", expected=1, reason="r").status is Status.REFUTED
    assert compare(observed=True, expected=True, reason="r") == Finding(Status.PROVEN, True, True)


def test_a_verdict_rests_on_the_digests_of_the_receipts_that_it_needed():
    made = sabotaged(silent, needs=["notify", "validate"])
    (verdict,) = judge(
        made,
        PASSING.receipts,
        CRITERIA,
        digests={"notify": "a" * 64, "validate": "b" * 64, "restore": "c" * 64},
        read=PASSING.read,
        check=problem_of_receipt,
    )

    assert verdict.receipts == ("a" * 64, "b" * 64)
    assert (verdict.contract, verdict.version, verdict.claim) == ("accepted", 1, "A message was accepted.")


def test_a_contract_that_needs_nothing_claims_nothing_or_asks_for_a_stranger_cannot_be_made():
    def mute(notify: Notify) -> Finding:
        return undecided("mute")

    def stranger(notify: Notify, clock: Any) -> Finding:
        """It is late."""
        return undecided(str(clock))

    for decide, needs in ((mute, ["notify"]), (stranger, ["notify"]), (claim().decide, [])):
        with pytest.raises(ValueError, match="contract"):
            contract(needs=needs)(decide)
    with pytest.raises(ValueError, match="spoils 'clock'"):
        claim().sabotage("it was early", spoils="clock")(lambda clock: clock)
