"""Nothing is promoted without a decision, and a decision is on record whole."""

from dataclasses import replace

from drproof.model.contract import NotApplicableError, contract
from drproof.model.criteria import Criteria
from drproof.model.receipt import Outcome, Receipt
from drproof.model.verdict import Finding, compare, hold
from drproof.phases.recovery.promote import BYPASS, PromoteObserved

CONTROLS = ["NIST CP-10", "SOC 2 CC8.1"]
Promotion = Receipt[PromoteObserved]


@contract(needs=["promote"], accepts=[Outcome.PASSED, Outcome.NOT_RUN], controls=CONTROLS)
def nothing_was_promoted_without_a_decision(promote: Promotion, criteria: Criteria) -> Finding:
    """The drill stopped at the gate, or people decided, or both flags of the operator asked for what is on record."""
    ran = promote.outcome is Outcome.PASSED
    # Whether what people decided counts is another claim.
    decided = criteria.approval.awaited and ran and promote.observed is not None and promote.observed.mode != BYPASS
    return compare(
        observed={"decision_recorded": ran, "reason_given": ran or bool(promote.reason)},
        expected={"decision_recorded": criteria.promotion_expected or decided, "reason_given": True},
        reason="a promotion is on record that nobody asked for, or one that was asked for is not",
    )


@nothing_was_promoted_without_a_decision.sabotage("a decision appears that nobody asked for")
def unasked(promote: Promotion) -> Promotion:
    """Promote unasked."""
    if promote.outcome is Outcome.PASSED:
        msg = "a decision was asked for"
        raise NotApplicableError(msg)
    return replace(promote, outcome=Outcome.PASSED)


@nothing_was_promoted_without_a_decision.sabotage("the gate gives no reason")
def silent_gate(promote: Promotion) -> Promotion:
    """Say nothing at the gate."""
    if promote.outcome is Outcome.PASSED:
        msg = "the drill did not stop at the gate"
        raise NotApplicableError(msg)
    return replace(promote, reason="")


@nothing_was_promoted_without_a_decision.sabotage("the decision that was asked for is missing")
def missing_decision(promote: Promotion, criteria: Criteria) -> Promotion:
    """Lose the decision."""
    if not criteria.promotion_expected:
        msg = "no decision was asked for"
        raise NotApplicableError(msg)
    return replace(promote, outcome=Outcome.NOT_RUN)


@nothing_was_promoted_without_a_decision.sabotage("what people decided is a bypass")
def bypassed(promote: Promotion, criteria: Criteria) -> Promotion:
    """Record a bypass where people were to decide."""
    if promote.outcome is not Outcome.PASSED or criteria.promotion_expected:
        msg = "people decided nothing"
        raise NotApplicableError(msg)
    return replace(promote, observed=replace(promote.facts, mode=BYPASS))


@contract(needs=["promote"], applies=lambda criteria: criteria.promotion_expected, controls=CONTROLS)
def promotion_is_a_recorded_decision(promote: Promotion, criteria: Criteria) -> Finding:
    """The decision on record is a yes, and says who decided about which restore point and image."""
    facts = promote.facts
    return hold(
        facts.approved
        and bool(facts.approver)
        and facts.restore_point == criteria.backup.uri
        and facts.image_ref == criteria.image_ref,
        observed={
            "approved": facts.approved,
            "approver": facts.approver,
            "restore_point": facts.restore_point,
            "image_ref": facts.image_ref,
        },
        expected={
            "approved": True,
            "approver": "somebody",
            "restore_point": criteria.backup.uri,
            "image_ref": criteria.image_ref,
        },
        reason="the decision on record is not whole",
    )


@promotion_is_a_recorded_decision.sabotage("nobody decided")
def nobody_decided(promote: Promotion) -> Promotion:
    """Forget who decided."""
    return replace(promote, observed=replace(promote.facts, approver=""))


@promotion_is_a_recorded_decision.sabotage("the decision was no")
def refused(promote: Promotion) -> Promotion:
    """Refuse."""
    return replace(promote, observed=replace(promote.facts, approved=False))


@promotion_is_a_recorded_decision.sabotage("the decision is about another restore point")
def other_restore_point(promote: Promotion) -> Promotion:
    """Decide about another restore point."""
    return replace(promote, observed=replace(promote.facts, restore_point="s3://another/backups/one"))


@promotion_is_a_recorded_decision.sabotage("the decision is about another image")
def other_image(promote: Promotion) -> Promotion:
    """Decide about another image."""
    return replace(promote, observed=replace(promote.facts, image_ref="another"))
