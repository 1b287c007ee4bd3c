"""What an execution used: those that the settings name, and no others."""

from drproof.contracts.execution.changed import Reading, changed, one
from drproof.model.contract import contract, expected
from drproof.model.criteria import Criteria
from drproof.model.verdict import Finding, compare, undecided


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
