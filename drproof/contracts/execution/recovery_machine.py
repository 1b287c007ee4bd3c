"""What was recovered: a machine that was not there before, restored bytes, and a validation that only looked."""

from dataclasses import replace

from drproof.analysis.bringup_start import COLD, NO_OP, UNKNOWN, WARM, start
from drproof.contracts.execution.changed import Reading, changed, one
from drproof.formats.node_table import NodeAge
from drproof.model.contract import NotApplicableError, contract
from drproof.model.criteria import Criteria
from drproof.model.verdict import Finding, Status, compare, undecided
from drproof.phases.execution.observed import Changes, ExecutionObserved, Machine, Validated

CONTROLS = ["NIST CP-10", "SOC 2 A1.3"]
WHY = {
    WARM: "its machine, or a node of it, is older than the execution",
    NO_OP: "it added, changed and destroyed nothing",
}


def of_others(criteria: Criteria) -> bool:
    """Return whether the execution is not drproof's own: of one of ours the drill's own bundle says more than this."""
    return not criteria.execution.own


@contract(needs=["read_execution"], topic="recovery", controls=CONTROLS)
def bringup_started_a_machine(read_execution: Reading) -> Finding:
    """Bring-up created the machine during the execution: one that was there before was not brought up."""
    facts = read_execution.facts
    machine, changes = facts.machine, facts.machine.changes
    found = start(
        changes=(changes.added, changes.changed, changes.destroyed) if changes else None,
        launched_at=machine.launched_at,
        ages=tuple(
            NodeAge(node=age.node, at_least_ms=age.at_least_ms, less_than_ms=age.less_than_ms)
            for age in machine.node_ages
        ),
        looked_at=machine.looked_at,
        began_at=_began_at(facts),
    )
    if found == UNKNOWN:
        return undecided("nothing says whether bring-up changed anything: no counts, no launch time, no age of a node")
    return compare(observed=found, expected=COLD, reason=f"bring-up was {found}: {WHY.get(found, found)}")


def _began_at(facts: ExecutionObserved) -> str:
    """Return when the execution began; without a history, when the first look was on record, before any bring-up."""
    if facts.run is not None:
        return facts.run.started_at
    return next((row.at for row in facts.receipts if row.phase == "check_health"), "")


def _added(read_execution: Reading) -> int:
    changes = read_execution.facts.machine.changes
    return changes.added if changes else 0


@bringup_started_a_machine.sabotage("bring-up changed nothing")
def no_op(read_execution: Reading) -> Reading:
    """Do nothing."""
    if read_execution.facts.machine.changes != Changes(added=_added(read_execution), changed=0, destroyed=0):
        msg = "the receipt has no counts of changes, or more than one that is not zero"
        raise NotApplicableError(msg)
    return _machine(read_execution, changes=Changes(added=0, changed=0, destroyed=0))


@bringup_started_a_machine.sabotage("the machine was launched long before")
def launched_before(read_execution: Reading) -> Reading:
    """Launch it earlier."""
    if not _began_at(read_execution.facts):
        msg = "nobody says when the execution began"
        raise NotApplicableError(msg)
    return _machine(read_execution, launched_at="2001-01-01T00:00:00.000Z")


@bringup_started_a_machine.sabotage("a node is older than the execution")
def old_node(read_execution: Reading) -> Reading:
    """Let a node be old."""
    if not _began_at(read_execution.facts):
        msg = "nobody says when the execution began"
        raise NotApplicableError(msg)
    ages = one(read_execution.facts.machine.node_ages, lambda _: True, at_least_ms=2**40)
    return _machine(read_execution, node_ages=ages)


@contract(needs=["read_execution"], topic="recovery", applies=of_others, controls=CONTROLS)
def one_machine_throughout(read_execution: Reading) -> Finding:
    """The machine that was validated is the one that was brought up and resolved."""
    machine = read_execution.facts.machine
    if not machine.brought_up or not machine.validated:
        return undecided("the receipts of bring-up and validation do not name the machine")
    return compare(
        observed={"resolved": machine.resolved or machine.brought_up, "validated": machine.validated},
        expected={"resolved": machine.brought_up, "validated": machine.brought_up},
        reason="another machine was validated than was brought up",
    )


@one_machine_throughout.sabotage("another machine was validated")
def other_validated(read_execution: Reading) -> Reading:
    """Validate another."""
    return _machine(read_execution, validated="i-00000000000000000")


@one_machine_throughout.sabotage("another machine was resolved")
def other_resolved(read_execution: Reading) -> Reading:
    """Resolve another."""
    return _machine(read_execution, resolved="i-00000000000000000")


@one_machine_throughout.sabotage("another machine was brought up")
def other_brought_up(read_execution: Reading) -> Reading:
    """Bring up another."""
    return _machine(read_execution, brought_up="i-00000000000000000")


@contract(needs=["read_execution"], topic="recovery", applies=of_others, controls=["NIST CP-9(1)", "ISO 27001 A.8.13"])
def something_was_restored(read_execution: Reading) -> Finding:
    """Every object of the restore point was read, hashed and put somewhere: that it exists is no restore."""
    facts = read_execution.facts
    if not any(row.phase == "restore" for row in facts.receipts):
        return undecided("missing_required_receipt:restore")
    empty = [row.key for row in facts.restored if not row.size]
    if not facts.restored or empty:
        return compare(
            observed={"objects": len(facts.restored), "empty": empty},
            expected={"objects": "some", "empty": []},
            reason="restore looked at nothing, or at an empty object",
        )
    grades = {
        row.key: "existence" if not row.sha256 else "integrity" if not row.restored_to else "materialised"
        for row in facts.restored
    }
    short = {key: grade for key, grade in grades.items() if grade != "materialised"}
    if short:
        told = ", ".join(f"{key.rpartition('/')[2]}: {grade}" for key, grade in short.items())
        return undecided(
            f"the receipt shows no more than {told}; nothing says that anything was restored", observed=grades
        )
    return Finding(Status.PROVEN, grades, "materialised")


@something_was_restored.sabotage("an object is empty")
def empty_object(read_execution: Reading) -> Reading:
    """Empty an object."""
    return changed(read_execution, restored=one(read_execution.facts.restored, lambda _: True, size=0))


@something_was_restored.sabotage("restore looked at nothing")
def looked_at_nothing(read_execution: Reading) -> Reading:
    """Look at nothing."""
    return changed(read_execution, restored=())


@contract(needs=["read_execution"], topic="recovery", applies=of_others, controls=["NIST CP-4", "SOC 2 A1.3"])
def validation_made_nothing(read_execution: Reading) -> Finding:
    """Validation's command succeeded and printed no verb of making: who creates what he looks for finds it."""
    seen = read_execution.facts.validated
    if seen is None:
        return undecided("missing_required_receipt:validate")
    if not seen.made and not (seen.lines and seen.whole):
        return undecided("validation printed nothing, or more than was kept: nobody can say what it did")
    return compare(
        observed={"status": seen.status, "made": list(seen.made)},
        expected={"status": "Success", "made": []},
        reason=f"validation ended as {seen.status or 'nothing'} and changed its target: {', '.join(seen.made) or 'no'}",
    )


@validation_made_nothing.sabotage("validation created the namespace that it looked for")
def made_it(read_execution: Reading) -> Reading:
    """Make what is looked for."""
    return _validated(read_execution, made=("namespace/atlas created",))


@validation_made_nothing.sabotage("the command failed")
def command_failed(read_execution: Reading) -> Reading:
    """Let it fail."""
    return _validated(read_execution, status="Failed")


def _machine(read_execution: Reading, **changes: str | Changes | tuple[object, ...]) -> Reading:
    machine: Machine = replace(read_execution.facts.machine, **changes)  # type: ignore[arg-type] # fields of many types
    return changed(read_execution, machine=machine)


def _validated(read_execution: Reading, **changes: str | tuple[str, ...]) -> Reading:
    seen: Validated | None = read_execution.facts.validated
    if seen is None:
        msg = "there is no receipt of the validation"
        raise NotApplicableError(msg)
    return changed(read_execution, validated=replace(seen, **changes))  # type: ignore[arg-type] # fields of many types
