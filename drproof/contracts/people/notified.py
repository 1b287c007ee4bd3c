"""People heard of the drill, and were asked; neither is a decision."""

from dataclasses import replace

from drproof.model.contract import contract
from drproof.model.criteria import Criteria
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding, compare, hold
from drproof.phases.recovery.notify import VALIDATED, NotifyObserved
from drproof.phases.recovery.request_manual_approval import ApprovalRequested
from drproof.phases.recovery.validate import ValidateObserved

CONTROLS = ["NIST CP-2", "ISO 22301 8.4"]


def _has_a_topic(criteria: Criteria) -> bool:
    return criteria.notification_expected


@contract(needs=["validate", "notify"], applies=_has_a_topic, controls=CONTROLS)
def people_were_notified(notify: Receipt[NotifyObserved], validate: Receipt[ValidateObserved]) -> Finding:
    """The topic that people read accepted a message that says how validation ended, after it ended."""
    facts = notify.facts
    return compare(
        observed={
            "status": facts.status,
            "accepted": bool(facts.message_id),
            "after_validation": notify.started_at >= validate.ended_at,
        },
        expected={"status": VALIDATED, "accepted": True, "after_validation": True},
        reason="people were not told how validation ended",
    )


@people_were_notified.sabotage("the message was never accepted", spoils="notify")
def never_accepted(notify: Receipt[NotifyObserved]) -> Receipt[NotifyObserved]:
    """Lose the message."""
    return replace(notify, observed=replace(notify.facts, message_id=""))


@people_were_notified.sabotage("the message speaks of a failure", spoils="notify")
def other_status(notify: Receipt[NotifyObserved]) -> Receipt[NotifyObserved]:
    """Say something else."""
    return replace(notify, observed=replace(notify.facts, status="dr_phase_failed"))


@people_were_notified.sabotage("the message was sent before validation ended", spoils="notify")
def too_early(notify: Receipt[NotifyObserved]) -> Receipt[NotifyObserved]:
    """Send it too early."""
    return replace(notify, started_at="2000-01-01T00:00:00.000Z")


@contract(needs=["request_manual_approval"], applies=_has_a_topic, controls=["NIST CP-2", "SOC 2 CC6.1"])
def approval_was_requested_not_assumed(request_manual_approval: Receipt[ApprovalRequested]) -> Finding:
    """People were asked for a decision, and asking was not taken for an answer."""
    facts = request_manual_approval.facts
    return hold(
        bool(facts.message_id) and facts.decision == "pending",
        observed={"accepted": bool(facts.message_id), "decision": facts.decision},
        expected={"accepted": True, "decision": "pending"},
        reason="nobody was asked",
    )


@approval_was_requested_not_assumed.sabotage("the request was never accepted")
def never_asked(request_manual_approval: Receipt[ApprovalRequested]) -> Receipt[ApprovalRequested]:
    """Lose the request."""
    return replace(request_manual_approval, observed=replace(request_manual_approval.facts, message_id=""))
