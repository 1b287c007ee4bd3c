"""What an execution used, and what may start one: those that the settings name, and no others."""

from drproof.contracts.execution.changed import Reading, changed, one
from drproof.model.contract import contract, expected
from drproof.model.criteria import Criteria
from drproof.model.verdict import Finding, compare, undecided

DISABLED, KNOWN = "DISABLED", frozenset({"DISABLED", "ENABLED", "ABSENT"})


@contract(
    needs=["read_execution"],
    plans=["orchestrator"],
    subjects=expected("kind", lambda criteria: tuple(sorted(criteria.execution.wiring))),
    topic="recovery",
    applies=lambda criteria: len(criteria.execution.wiring) > 0,
    controls=["NIST CM-2", "SOC 2 CC8.1"],
)
def execution_used_what_the_settings_name(read_execution: Reading, criteria: Criteria, subject: str) -> Finding:
    """Function, machine, project, role and topic of the execution are those that the settings name, and no others."""
    used = sorted(wire.name for wire in read_execution.facts.wires if wire.kind == subject)
    if not used:
        return undecided(f"nothing says which {subject} the execution used")
    wanted = criteria.execution.wiring[subject]
    return compare(observed=used, expected=[wanted], reason=f"the {subject} was {', '.join(used)}, expected {wanted}")


@execution_used_what_the_settings_name.sabotage("it used another one")
def used_another(read_execution: Reading, subject: str) -> Reading:
    """Use another."""
    wires = one(read_execution.facts.wires, lambda wire: wire.kind == subject, name="another")
    return changed(read_execution, wires=wires)


@contract(
    needs=["read_execution"],
    plans=["orchestrator"],
    subjects=expected("trigger", lambda criteria: criteria.execution.triggers),
    topic="recovery",
    applies=lambda criteria: len(criteria.execution.triggers) > 0,
    controls=["NIST CP-4"],
)
def nothing_starts_executions_by_itself(read_execution: Reading, subject: str) -> Finding:
    """Each rule and each alarm that the settings name was there and disabled as the execution was exported."""
    states = {row.name: row.state for row in read_execution.facts.triggers}
    if states.get(subject) not in KNOWN:
        return undecided(f"the export does not say whether {subject} is enabled")
    return compare(
        observed=states[subject],
        expected=DISABLED,
        reason=f"{subject} is {states[subject].lower()}: it is switched on only after a verified drill, knowingly",
    )


@nothing_starts_executions_by_itself.sabotage("the trigger is enabled")
def enabled(read_execution: Reading, subject: str) -> Reading:
    """Enable it."""
    return _with(read_execution, subject, "ENABLED")


@nothing_starts_executions_by_itself.sabotage("there is no such trigger")
def absent(read_execution: Reading, subject: str) -> Reading:
    """Lose it."""
    return _with(read_execution, subject, "ABSENT")


def _with(read_execution: Reading, subject: str, state: str) -> Reading:
    rows = one(read_execution.facts.triggers, lambda row: row.name == subject, state=state)
    return changed(read_execution, triggers=rows)
