"""What may start an execution by itself is off, or a verified drill stands behind it."""

from dataclasses import replace

from drproof.analysis.drills_behind import EXPECTED, judged
from drproof.contracts.execution.changed import Reading, changed, one
from drproof.contracts.preflight.triggers import LONG_AGO, Drills, with_drills, without_drills
from drproof.model.contract import NotApplicableError, contract, expected
from drproof.model.criteria import Criteria
from drproof.model.verdict import Finding, hold, undecided

DISABLED, ENABLED, ABSENT = "DISABLED", "ENABLED", "ABSENT"
KNOWN = frozenset({DISABLED, ENABLED, ABSENT})


@contract(
    needs=["read_execution", "read_verified_drill"],
    plans=["orchestrator"],
    subjects=expected("trigger", lambda criteria: criteria.execution.triggers),
    topic="recovery",
    applies=lambda criteria: len(criteria.execution.triggers) > 0,
    controls=["NIST CP-4"],
)
def executions_start_by_themselves_only_after_a_verified_drill(
    read_execution: Reading, read_verified_drill: Drills, criteria: Criteria, subject: str
) -> Finding:
    """Each rule and each alarm that the settings name was there, and on only where a verified drill allows it."""
    states = {row.name: row.state for row in read_execution.facts.triggers}
    if states.get(subject) not in KNOWN:
        return undecided(f"the export does not say whether {subject} is enabled")
    if states[subject] != ENABLED:
        reason = f"{subject} is absent: nothing shows what starts executions"
        return hold(states[subject] == DISABLED, observed=states[subject], expected=EXPECTED, reason=reason)
    drills = read_verified_drill.facts
    return judged(subject, drills.drills, criteria.by_itself, drills.read_at)


@executions_start_by_themselves_only_after_a_verified_drill.sabotage(
    "there is no such trigger", spoils="read_execution"
)
def absent(read_execution: Reading, subject: str) -> Reading:
    """Lose it."""
    return _with(read_execution, subject, ABSENT)


@executions_start_by_themselves_only_after_a_verified_drill.sabotage(
    "the trigger is on and no drill is named", spoils="read_execution"
)
def enabled(read_execution: Reading, read_verified_drill: Drills, subject: str) -> Reading:
    """Enable it."""
    if read_verified_drill.facts.drills:
        msg = "a drill is named"
        raise NotApplicableError(msg)
    return _with(read_execution, subject, ENABLED)


@executions_start_by_themselves_only_after_a_verified_drill.sabotage(
    "the drill is named no more", spoils="read_verified_drill"
)
def forgotten(read_execution: Reading, read_verified_drill: Drills, subject: str) -> Drills:
    """Forget the drill."""
    return without_drills(read_verified_drill, on=_is_on(read_execution, subject))


@executions_start_by_themselves_only_after_a_verified_drill.sabotage(
    "the drill is of another account", spoils="read_verified_drill"
)
def of_another_account(read_execution: Reading, read_verified_drill: Drills, subject: str) -> Drills:
    """Drill elsewhere."""
    return with_drills(
        read_verified_drill, lambda one: replace(one, account_id="000000000000"), on=_is_on(read_execution, subject)
    )


@executions_start_by_themselves_only_after_a_verified_drill.sabotage(
    "the drill was of another state machine", spoils="read_verified_drill"
)
def of_another_machine(
    read_execution: Reading, read_verified_drill: Drills, criteria: Criteria, subject: str
) -> Drills:
    """Drill another machine."""
    named = bool(criteria.by_itself.machine)
    return with_drills(
        read_verified_drill, lambda one: replace(one, machine="another"), on=named and _is_on(read_execution, subject)
    )


@executions_start_by_themselves_only_after_a_verified_drill.sabotage(
    "the drill is too old", spoils="read_verified_drill"
)
def too_old(read_execution: Reading, read_verified_drill: Drills, subject: str) -> Drills:
    """Drill long ago."""
    return with_drills(
        read_verified_drill,
        lambda one: replace(one, closed_at=LONG_AGO),
        on=_is_on(read_execution, subject),
    )


def _is_on(read_execution: Reading, subject: str) -> bool:
    return any(row.name == subject and row.state == ENABLED for row in read_execution.facts.triggers)


def _with(read_execution: Reading, subject: str, state: str) -> Reading:
    rows = one(read_execution.facts.triggers, lambda row: row.name == subject, state=state)
    return changed(read_execution, triggers=rows)
