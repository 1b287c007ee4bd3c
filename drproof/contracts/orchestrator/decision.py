"""The answer that an execution of ours waited for: whose it is, until when it holds, and that it was followed.

Both answers end in SUCCEEDED. That somebody said yes is `approval_was_given`.
"""

from drproof.contracts.execution.changed import Reading, changed, one, run_of, with_run
from drproof.evidence.approvals import SKEW_MS
from drproof.formats.timestamps import milliseconds
from drproof.model.approval import same_person
from drproof.model.contract import contract
from drproof.model.criteria import Criteria
from drproof.model.verdict import Finding, compare, hold, undecided
from drproof.phases.execution.observed import Decision, ExecutionObserved

CONTROLS = ["SOC 2 CC8.1", "NIST AC-5"]
HISTORY, APPROVAL = "history", "request_manual_approval"
ENDS = {"yes": "PromoteApproved", "no": "PromotionRejected"}
"""The state in which an execution of ours ends after each answer."""
LONG_AGO, NEVER = "2001-01-01T00:00:00.000Z", "2999-01-01T00:00:00.000Z"


def of_ours(criteria: Criteria) -> bool:
    """Return whether the execution is one of drproof's own orchestrator: only those are answered by a decision."""
    return criteria.execution.own


@contract(needs=["read_execution"], plans=["orchestrator"], topic="recovery", applies=of_ours, controls=CONTROLS)
def answer_is_a_decision_in_time(read_execution: Reading) -> Finding:
    """The answer names approver and ticket, is of this execution, and was given between its question and its expiry."""
    facts = read_execution.facts
    answer, asked_at = _answer(facts), _asked_at(facts)
    if answer is None or not asked_at:
        return undecided("nobody answered")
    if not answer.decided_at or not answer.expires_at:
        return undecided("the answer does not say when it was decided, or until when it holds")
    asked, decided, taken, expires = (
        milliseconds(at) for at in (asked_at, answer.decided_at, answer.at, answer.expires_at)
    )
    observed = {
        "approver": bool(answer.approver),
        "ticket": bool(answer.ticket),
        "of_this_execution": answer.tied,
        # Approvers decide by their own clock: what the function takes for a decision in time is one here.
        "after_the_question": decided >= asked - SKEW_MS,
        "before_it_was_taken": decided <= taken + SKEW_MS,
        "not_expired": taken <= expires,
    }
    lacking = ", ".join(name for name, there in observed.items() if not there)
    return hold(
        not lacking, observed=observed, expected=dict.fromkeys(observed, True), reason=f"the answer lacks: {lacking}"
    )


@answer_is_a_decision_in_time.sabotage("nobody says who decided")
def anonymous(read_execution: Reading) -> Reading:
    """Forget who."""
    return _answered(read_execution, approver="")


@answer_is_a_decision_in_time.sabotage("it has no ticket")
def no_ticket(read_execution: Reading) -> Reading:
    """Lose the ticket."""
    return _answered(read_execution, ticket="")


@answer_is_a_decision_in_time.sabotage("it is of another execution")
def of_another(read_execution: Reading) -> Reading:
    """Take another's."""
    return _answered(read_execution, tied=False)


@answer_is_a_decision_in_time.sabotage("it was decided before anybody asked")
def before_the_question(read_execution: Reading) -> Reading:
    """Decide before."""
    return _answered(read_execution, decided_at=LONG_AGO)


@answer_is_a_decision_in_time.sabotage("it was decided after it had been taken")
def decided_afterwards(read_execution: Reading) -> Reading:
    """Decide afterwards."""
    return _answered(read_execution, decided_at=NEVER)


@answer_is_a_decision_in_time.sabotage("it had expired")
def expired(read_execution: Reading) -> Reading:
    """Let it expire."""
    return _answered(read_execution, expires_at=LONG_AGO)


@contract(needs=["read_execution"], plans=["orchestrator"], topic="recovery", applies=of_ours, controls=CONTROLS)
def approver_is_not_who_asked_for_it(read_execution: Reading) -> Finding:
    """Whoever answered is somebody else than whoever asked for the execution."""
    facts = read_execution.facts
    answer = _answer(facts)
    if answer is None or facts.run is None:
        return undecided("nobody answered")
    if not answer.approver or not facts.run.requested_by:
        return undecided("nobody says who asked for the execution, or who answered")
    return hold(
        not same_person(answer.approver, facts.run.requested_by),
        observed=answer.approver,
        expected=f"somebody else than {facts.run.requested_by}",
        reason=f"{answer.approver} asked for the execution and answered it",
    )


@approver_is_not_who_asked_for_it.sabotage("the operator approved")
def own_approval(read_execution: Reading) -> Reading:
    """Answer oneself."""
    return _answered(read_execution, approver=run_of(read_execution).requested_by)


@approver_is_not_who_asked_for_it.sabotage("the operator approved in another role")
def in_another_role(read_execution: Reading) -> Reading:
    """Sign on otherwise, under the same name."""
    name = run_of(read_execution).requested_by.rpartition("/")[2]
    return _answered(read_execution, approver=f"arn:aws:sts::000000000000:assumed-role/another/{name}")


@contract(needs=["read_execution"], plans=["orchestrator"], topic="recovery", applies=of_ours, controls=CONTROLS)
def end_state_is_that_of_the_answer(read_execution: Reading) -> Finding:
    """The execution ended in the state of its answer: what was refused was not promoted, and the other way round."""
    facts = read_execution.facts
    answer = _answer(facts)
    if answer is None or facts.run is None:
        return undecided("nobody answered")
    wanted = ENDS.get(answer.approved, "FailWorkflow")
    return compare(
        observed=facts.run.last_state,
        expected=wanted,
        reason=f"the answer was {answer.approved}, and the execution ended in {facts.run.last_state or 'no state'}",
    )


@end_state_is_that_of_the_answer.sabotage("the answer was turned round")
def turned_round(read_execution: Reading) -> Reading:
    """Turn the answer round."""
    answer = _answer(read_execution.facts)
    return _answered(read_execution, approved="no" if answer is not None and answer.approved == "yes" else "yes")


@end_state_is_that_of_the_answer.sabotage("the answer is a text that only looks like a boolean")
def blurred(read_execution: Reading) -> Reading:
    """Blur the answer."""
    return _answered(read_execution, approved="unclear")


@end_state_is_that_of_the_answer.sabotage("it ended somewhere else")
def elsewhere(read_execution: Reading) -> Reading:
    """End elsewhere."""
    return with_run(read_execution, last_state="HealthyNoop")


def _answer(facts: ExecutionObserved) -> Decision | None:
    return next((row for row in facts.decisions if row.source == HISTORY), None)


def _asked_at(facts: ExecutionObserved) -> str:
    steps = facts.run.steps if facts.run else ()
    return next((step.scheduled_at for step in steps if step.phase == APPROVAL), "")


def _answered(read_execution: Reading, **changes: str | bool) -> Reading:
    return changed(
        read_execution, decisions=one(read_execution.facts.decisions, lambda row: row.source == HISTORY, **changes)
    )
