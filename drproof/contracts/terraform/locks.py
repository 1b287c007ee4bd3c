"""A lock table outlives the module that would make it: it may be there already."""

from dataclasses import replace

from drproof.analysis.terraform.facts import LockTable
from drproof.contracts.terraform.judging import Sources, are_handed_in, judged, module_of, modules, spoiled
from drproof.model.contract import contract
from drproof.model.verdict import Finding

NEXT = (
    "next: take it over with an import block, make it by a count that a variable switches, or name it in a data source"
)


@contract(
    needs=["read_terraform"],
    plans=["orchestrator"],
    subjects=modules(),
    applies=are_handed_in,
    controls=["NIST CP-10", "NIST CM-2"],
)
def no_lock_table_collides_with_one_that_is_there(read_terraform: Sources, subject: str) -> Finding:
    """Each table that locks a state is taken over by an import, or made only where a variable or data says so."""
    module = module_of(read_terraform, subject)
    rows = module.lock_tables if module is not None else ()
    wrong = [
        f"{row.at} is made unconditionally, so that an apply fails where the table is there already\n  {NEXT}"
        for row in rows
        if row.guard == "none"
    ]
    unknown = [f"{row.at}: {row.why}" for row in rows if row.guard == "unknown"]
    seen = [f"{row.at} ({row.name or 'named when it is planned'}): {row.guard}" for row in rows]
    return judged(module, wrong=wrong, unknown=unknown, seen=seen, expected="import, condition or off")


@no_lock_table_collides_with_one_that_is_there.sabotage("a lock table is made unconditionally")
def unconditional(read_terraform: Sources, subject: str) -> Sources:
    """Plant a table."""
    row = LockTable(at="aws_dynamodb_table.planted", name="atlas-lock")
    return spoiled(read_terraform, subject, lambda one: replace(one, lock_tables=(*one.lock_tables, row)))
