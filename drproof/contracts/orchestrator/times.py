"""When it all happened."""

from drproof.contracts.execution.changed import Reading, changed, with_run
from drproof.formats.timestamps import milliseconds
from drproof.model.contract import NotApplicableError, contract
from drproof.model.verdict import Finding, compare, undecided

SKEW_MS = 60_000
"""How far the clocks of the platform and of the reader may be apart."""


@contract(needs=["read_execution"], plans=["orchestrator"], topic="origin", controls=["NIST AU-8", "NIST AU-10"])
def execution_lies_in_the_past(read_execution: Reading) -> Finding:
    """The execution and its receipts are of a time before they were read."""
    facts = read_execution.facts
    if facts.run is None or not facts.read_at:
        return undecided("no history says when the execution was")
    told = {"start": facts.run.started_at, "end": facts.run.stopped_at}
    told |= {row.file: row.at for row in facts.receipts}
    until = milliseconds(facts.read_at) + SKEW_MS
    later = {name: at for name, at in told.items() if at and milliseconds(at) > until}
    reason = f"later than {facts.read_at}, when it was read: {', '.join(later)}"
    return compare(observed=later, expected={}, reason=reason)


@execution_lies_in_the_past.sabotage("the execution began in the future")
def began_later(read_execution: Reading) -> Reading:
    """Begin later."""
    return with_run(read_execution, started_at="2999-01-01T00:00:00.000Z")


@execution_lies_in_the_past.sabotage("the execution ended in the future")
def ended_later(read_execution: Reading) -> Reading:
    """End later."""
    return with_run(read_execution, stopped_at="2999-01-01T00:00:00.000Z")


@execution_lies_in_the_past.sabotage("it was read before it happened")
def read_before(read_execution: Reading) -> Reading:
    """Read it earlier."""
    if not read_execution.facts.read_at:
        msg = "nobody says when it was read"
        raise NotApplicableError(msg)
    return changed(read_execution, read_at="2001-01-01T00:00:00.000Z")
