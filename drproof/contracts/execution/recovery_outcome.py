"""How the execution ended: each phase, the whole, the people who were told, and the answer that was asked for."""

from dataclasses import replace

from drproof.contracts.execution.changed import Reading, changed, one, run_of, with_run
from drproof.formats.timestamps import milliseconds
from drproof.model.contract import NotApplicableError, contract, expected
from drproof.model.verdict import Finding, compare, hold, undecided
from drproof.phases.execution.observed import CauseSeen, Told

CONTROLS = ["NIST CP-10", "ISO 27001 A.5.30"]
OK, SUCCEEDED, RUNNING = "ok", "SUCCEEDED", "RUNNING"
APPROVAL, DECISION = "request_manual_approval", "decision"


@contract(
    needs=["read_execution"],
    subjects=expected("phase", lambda criteria: criteria.execution.phases),
    topic="recovery",
    controls=CONTROLS,
)
def receipt_is_there_and_says_ok(read_execution: Reading, subject: str) -> Finding:
    """The phase has a receipt of its own name, and its status is ok: to be there is not to have passed."""
    rows = [row for row in read_execution.facts.receipts if row.phase == subject]
    if not rows:
        return undecided(f"missing_required_receipt:{subject}")
    return compare(
        observed={"phase": rows[0].says_phase, "status": rows[0].status},
        expected={"phase": subject, "status": OK},
        reason=f"the receipt is of {rows[0].says_phase}, and its status is {rows[0].status or 'none'}",
    )


@receipt_is_there_and_says_ok.sabotage("the phase failed")
def failed(read_execution: Reading, subject: str) -> Reading:
    """Let it fail."""
    rows = one(read_execution.facts.receipts, lambda row: row.phase == subject, status="error")
    return changed(read_execution, receipts=rows)


@receipt_is_there_and_says_ok.sabotage("the status is a word that nobody knows")
def unknown_status(read_execution: Reading, subject: str) -> Reading:
    """Say something else."""
    rows = one(read_execution.facts.receipts, lambda row: row.phase == subject, status="completed")
    return changed(read_execution, receipts=rows)


@receipt_is_there_and_says_ok.sabotage("the receipt is of another phase")
def other_phase(read_execution: Reading, subject: str) -> Reading:
    """Rename another receipt."""
    rows = one(read_execution.facts.receipts, lambda row: row.phase == subject, says_phase="another")
    return changed(read_execution, receipts=rows)


@contract(needs=["read_execution"], topic="recovery", controls=CONTROLS)
def execution_succeeded(read_execution: Reading) -> Finding:
    """The execution ended, and by its history as SUCCEEDED: a name that says success is not one."""
    run = read_execution.facts.run
    if run is None:
        return undecided("no history says how the execution ended")
    return compare(observed=run.status, expected=SUCCEEDED, reason=f"the execution is {run.status}{_why(run.cause)}")


@execution_succeeded.sabotage("the execution was aborted")
def aborted(read_execution: Reading) -> Reading:
    """Abort it."""
    return with_run(read_execution, status="ABORTED")


@execution_succeeded.sabotage("the execution failed")
def failed_execution(read_execution: Reading) -> Reading:
    """Let it fail."""
    return with_run(read_execution, status="FAILED")


@execution_succeeded.sabotage("the execution still runs")
def still_runs(read_execution: Reading) -> Reading:
    """Let it run."""
    return with_run(read_execution, status=RUNNING)


def _why(cause: CauseSeen | None) -> str:
    """Return the deepest cause for people."""
    if cause is None:
        return ""
    place = f" in {cause.phase or cause.state}" if cause.phase or cause.state else ""
    said = f": {cause.error}" if cause.error else ""
    denied = f", {cause.denied} was denied" if cause.denied else ""
    return f"; deepest cause: {cause.kind}{place}{said}{denied}"


@contract(needs=["read_execution"], topic="recovery", controls=CONTROLS)
def people_were_told_of_the_validation(read_execution: Reading) -> Finding:
    """The notice was published, and it tells of a validation, not of a failure that overwrote it."""
    told = read_execution.facts.told
    if told is None:
        return undecided("missing_required_receipt:notify")
    return hold(
        told.published and bool(told.message_id) and not told.status.endswith("failed"),
        observed={"published": told.published, "message_id": told.message_id, "status": told.status},
        expected={"published": True, "message_id": "one", "status": "no failure"},
        reason="nobody was told, or the notice is that of a failure",
    )


@people_were_told_of_the_validation.sabotage("nothing was published")
def unpublished(read_execution: Reading) -> Reading:
    """Publish nothing."""
    return changed(read_execution, told=replace(_told(read_execution.facts.told), published=False))


@people_were_told_of_the_validation.sabotage("the messenger gave no number")
def numberless(read_execution: Reading) -> Reading:
    """Lose the number."""
    return changed(read_execution, told=replace(_told(read_execution.facts.told), message_id=""))


@people_were_told_of_the_validation.sabotage("the notice of a failure overwrote it")
def overwritten(read_execution: Reading) -> Reading:
    """Overwrite it."""
    told = replace(_told(read_execution.facts.told), status="dr_orchestrator_phase_failed")
    return changed(read_execution, told=told)


def _told(told: Told | None) -> Told:
    if told is None:
        msg = "there is no such receipt"
        raise NotApplicableError(msg)
    return told


@contract(needs=["read_execution"], topic="recovery", controls=["NIST CP-10", "SOC 2 CC8.1"])
def approval_was_given(read_execution: Reading) -> Finding:
    """The approval that was requested was given, by somebody and afterwards: a request is no decision."""
    facts = read_execution.facts
    asked_at = [milliseconds(row.at) for row in facts.receipts if row.phase == APPROVAL]
    if facts.asked is None or not asked_at:
        return undecided(f"missing_required_receipt:{APPROVAL}")
    if not facts.asked.published:
        return compare(observed="asked nobody", expected="yes", reason="nobody was asked")
    if not facts.decisions:
        if facts.run is not None and facts.run.events and facts.run.status != RUNNING:
            reason = (
                f"approval was requested and not given: the execution ended as {facts.run.status} without an answer"
            )
            return compare(observed="undecided", expected="yes", reason=reason)
        return undecided("approval was requested, and nothing shows an answer", observed="undecided", expected="yes")
    steps = facts.run.steps if facts.run else ()
    unanswered = [step.outcome for step in steps if step.phase == APPROVAL and step.outcome != "succeeded"]
    if unanswered:
        reason = f"a receipt tells of an answer, and the history knows of none: the question is {unanswered[0]} there"
        return compare(observed=unanswered[0], expected="succeeded", reason=reason)
    if not any(one.tied for one in facts.decisions):
        return undecided("the answer does not say of which execution it is, and no history tells of one")
    observed = [
        {
            "source": one.source,
            "approved": one.approved,
            "by": bool(one.approver),
            "after": milliseconds(one.at) >= asked_at[0],
        }
        for one in facts.decisions
    ]
    wanted = [{"source": one.source, "approved": "yes", "by": True, "after": True} for one in facts.decisions]
    return compare(
        observed=observed, expected=wanted, reason="the answer is no yes of a named person that follows the request"
    )


@approval_was_given.sabotage("nobody answered")
def nobody_answered(read_execution: Reading) -> Reading:
    """Lose the answers."""
    run = read_execution.facts.run
    if run is None or not run.events or run.status == RUNNING:
        msg = "the execution may still be answered"
        raise NotApplicableError(msg)
    return changed(read_execution, decisions=())


@approval_was_given.sabotage("the history knows of no answer")
def not_in_the_history(read_execution: Reading) -> Reading:
    """Leave the question open."""
    steps = one(run_of(read_execution).steps, lambda step: step.phase == APPROVAL, outcome="open")
    return with_run(read_execution, steps=steps)


@approval_was_given.sabotage("the answer was no")
def refused(read_execution: Reading) -> Reading:
    """Refuse."""
    return changed(read_execution, decisions=one(read_execution.facts.decisions, lambda _: True, approved="no"))


@approval_was_given.sabotage("the answer is a text that only looks like a boolean")
def no_boolean(read_execution: Reading) -> Reading:
    """Blur the answer."""
    return changed(read_execution, decisions=one(read_execution.facts.decisions, lambda _: True, approved="unclear"))


@approval_was_given.sabotage("nobody says who answered")
def anonymous(read_execution: Reading) -> Reading:
    """Forget who answered."""
    return changed(read_execution, decisions=one(read_execution.facts.decisions, lambda _: True, approver=""))


@approval_was_given.sabotage("the answer came before the question")
def too_early(read_execution: Reading) -> Reading:
    """Answer before."""
    early = "2001-01-01T00:00:00.000Z"
    return changed(read_execution, decisions=one(read_execution.facts.decisions, lambda _: True, at=early))


@approval_was_given.sabotage("nobody was asked")
def nobody_asked(read_execution: Reading) -> Reading:
    """Ask nobody."""
    return changed(read_execution, asked=replace(_told(read_execution.facts.asked), published=False))


@contract(
    needs=["read_execution"],
    topic="recovery",
    applies=lambda criteria: criteria.execution.decision,
    controls=["SOC 2 CC8.1"],
)
def decision_is_on_record(read_execution: Reading) -> Finding:
    """The decision has a receipt of its own, under whichever of its names, and its status is ok."""
    rows = [row for row in read_execution.facts.receipts if row.phase == DECISION]
    if not rows:
        return undecided("missing_required_receipt:record_manual_decision")
    return compare(observed=rows[0].status, expected=OK, reason="the decision's receipt does not say ok")


@decision_is_on_record.sabotage("recording the decision failed")
def failed_decision(read_execution: Reading) -> Reading:
    """Let it fail."""
    rows = one(read_execution.facts.receipts, lambda row: row.phase == DECISION, status="error")
    return changed(read_execution, receipts=rows)
