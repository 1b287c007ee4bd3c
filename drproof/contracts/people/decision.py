"""A decision counts only as an approver gave it."""

import base64
from dataclasses import replace
from typing import Any

from drproof.analysis.callers import anonymous
from drproof.evidence import approvals
from drproof.evidence.approvals import Answer, Bar
from drproof.evidence.canonical import canonical, digest
from drproof.evidence.exact import exactly
from drproof.model.codec import encode
from drproof.model.contract import NotApplicableError, contract
from drproof.model.criteria import Criteria
from drproof.model.receipt import Caller, Outcome, Receipt
from drproof.model.verdict import Finding, Status, compare, undecided
from drproof.phases.recovery.promote import PromoteObserved
from drproof.phases.recovery.request_manual_approval import ApprovalRequested
from drproof.phases.recovery.validate import ValidateObserved

Promotion = Receipt[PromoteObserved]
WORDS = ("approved", "approver", "account_id", "ticket", "reason", "decided_at")
"""What a record repeats of a decision."""


@contract(
    needs=["validate", "request_manual_approval", "promote"],
    reads={"answer": ("promote", "decision")},
    accepts=[Outcome.PASSED, Outcome.NOT_RUN],
    applies=lambda criteria: criteria.approval.awaited,
    controls=["NIST CP-10", "NIST AC-5", "SOC 2 CC6.1", "SOC 2 CC8.1"],
)
def recorded_decision_is_one_that_counts(
    validate: Receipt[ValidateObserved],
    request_manual_approval: Receipt[ApprovalRequested],
    promote: Promotion,
    answer: Any,  # noqa: ANN401 — plain JSON
    criteria: Criteria,
) -> Finding:
    """The record is word for word what an approver signed in time, over a drill that others ran, or there is none."""
    signed, approval = exactly(Answer, answer).signed, criteria.approval
    bar = Bar(
        drill_id=promote.drill_id,
        execution_arn=approval.execution_arn,
        opening_sha256=promote.opening,
        validation_sha256=digest(canonical(encode(validate))),
        keys={one.keyid: one.public_key for one in approval.approvers},
        operators=(*(one.caller.arn for one in (validate, promote) if one.caller is not None), *approval.requested_by),
        asked_at=request_manual_approval.ended_at,
        within_ms=approval.within_ms,
        recorded_at=promote.ended_at,
    )
    doubt = approvals.doubt(answer["signed"], bar) if signed is not None else ""
    found = compare(
        observed={"record": _words(promote.observed), "doubt": doubt},
        expected={"record": _words(signed.decision if signed is not None else None), "doubt": ""},
        reason=doubt or "what is on record is not what was signed",
    )
    # Whoever ran the drill may be who approved it; where nobody decided, there is nobody to compare with.
    unknown = anonymous(validate, promote) if signed is not None else ""
    return undecided(unknown) if unknown and found.status is Status.PROVEN else found


def _words(said: object) -> dict[str, Any] | None:
    return {name: getattr(said, name) for name in WORDS} if said is not None else None


def _given(answer: Any) -> dict[str, Any]:  # noqa: ANN401 — plain JSON
    if answer["signed"] is None:
        msg = "nobody decided"
        raise NotApplicableError(msg)
    found: dict[str, Any] = answer["signed"]
    return found


def _with_signatures(answer: Any, *signatures: dict[str, str]) -> dict[str, Any]:  # noqa: ANN401 — plain JSON
    given = _given(answer)
    return {**answer, "signed": {**given, "dsse": {**given["dsse"], "signatures": list(signatures)}}}


@recorded_decision_is_one_that_counts.sabotage("nobody signed it", spoils="answer")
def unsigned(answer: Any) -> dict[str, Any]:  # noqa: ANN401 — plain JSON
    """Take the signature away."""
    return _with_signatures(answer)


@recorded_decision_is_one_that_counts.sabotage("the signature is another one", spoils="answer")
def another_signature(answer: Any) -> dict[str, Any]:  # noqa: ANN401 — plain JSON
    """Turn the bytes of the signature round."""
    (signature, *_) = _given(answer)["dsse"]["signatures"]
    turned = base64.b64encode(base64.b64decode(signature["sig"])[::-1]).decode("ascii")
    return _with_signatures(answer, {**signature, "sig": turned})


@recorded_decision_is_one_that_counts.sabotage("the signature is a stranger's", spoils="answer")
def a_stranger(answer: Any) -> dict[str, Any]:  # noqa: ANN401 — plain JSON
    """Name another key."""
    (signature, *_) = _given(answer)["dsse"]["signatures"]
    return _with_signatures(answer, {**signature, "keyid": digest(signature["keyid"].encode())})


@recorded_decision_is_one_that_counts.sabotage("the decision was turned after it was signed", spoils="answer")
def turned_afterwards(answer: Any) -> dict[str, Any]:  # noqa: ANN401 — plain JSON
    """Say the opposite beside the envelope."""
    given = _given(answer)
    said = given["decision"]
    return {**answer, "signed": {**given, "decision": {**said, "approved": not said["approved"]}}}


@recorded_decision_is_one_that_counts.sabotage("the record says the opposite", spoils="promote")
def recorded_otherwise(promote: Promotion, answer: Any) -> Promotion:  # noqa: ANN401 — plain JSON
    """Turn the record."""
    _given(answer)
    return replace(promote, observed=replace(promote.facts, approved=not promote.facts.approved))


@recorded_decision_is_one_that_counts.sabotage("a decision is on record that nobody gave", spoils="promote")
def made_up(promote: Promotion, answer: Any, criteria: Criteria) -> Promotion:  # noqa: ANN401 — plain JSON
    """Record a yes."""
    if answer["signed"] is not None:
        msg = "somebody decided"
        raise NotApplicableError(msg)
    yes = PromoteObserved(
        mode="approved",
        approved=True,
        approver="somebody",
        ticket="",
        reason="",
        decided_at=promote.ended_at,
        instance_id="",
        restore_point=criteria.backup.uri,
        image_ref=criteria.image_ref,
        promotion_status="recorded_nothing_switched",
    )
    return replace(promote, observed=yes)


@recorded_decision_is_one_that_counts.sabotage("another validation was shown", spoils="validate")
def another_validation(validate: Receipt[ValidateObserved], answer: Any) -> Receipt[ValidateObserved]:  # noqa: ANN401
    """Change the receipt that the decision rests on."""
    _given(answer)
    return replace(validate, duration_ms=validate.duration_ms + 1)


@recorded_decision_is_one_that_counts.sabotage("the drill was another one", spoils="promote")
def another_drill(promote: Promotion, answer: Any) -> Promotion:  # noqa: ANN401 — plain JSON
    """Take the decision over into another drill."""
    _given(answer)
    return replace(promote, drill_id=f"{promote.drill_id}-2")


@recorded_decision_is_one_that_counts.sabotage("the plan was another one", spoils="promote")
def another_plan(promote: Promotion, answer: Any) -> Promotion:  # noqa: ANN401 — plain JSON
    """Open the drill by another plan."""
    _given(answer)
    return replace(promote, opening=digest(promote.opening.encode()))


@recorded_decision_is_one_that_counts.sabotage("it was recorded after it had expired", spoils="promote")
def expired(promote: Promotion, answer: Any) -> Promotion:  # noqa: ANN401 — plain JSON
    """Record it late."""
    _given(answer)
    return replace(promote, ended_at="2999-01-01T00:00:00.000Z")


@recorded_decision_is_one_that_counts.sabotage("it was made before anybody asked", spoils="request_manual_approval")
def unasked(request_manual_approval: Receipt[ApprovalRequested], answer: Any) -> Receipt[ApprovalRequested]:  # noqa: ANN401
    """Ask late."""
    _given(answer)
    return replace(request_manual_approval, ended_at="2999-01-01T00:00:00.000Z")


@recorded_decision_is_one_that_counts.sabotage("it was made after the time was up", spoils="request_manual_approval")
def too_late(request_manual_approval: Receipt[ApprovalRequested], answer: Any) -> Receipt[ApprovalRequested]:  # noqa: ANN401
    """Ask long ago."""
    _given(answer)
    return replace(request_manual_approval, ended_at="2000-01-01T00:00:00.000Z")


@recorded_decision_is_one_that_counts.sabotage("the operator decided", spoils="promote")
def ones_own(promote: Promotion, answer: Any) -> Promotion:  # noqa: ANN401 — plain JSON
    """Have the approver run the drill."""
    said = _given(answer)["decision"]
    region = promote.caller.region if promote.caller is not None else ""
    return replace(promote, caller=Caller(arn=said["approver"], account_id=said["account_id"], region=region))
