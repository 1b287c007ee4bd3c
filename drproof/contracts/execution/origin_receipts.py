"""Where the receipts come from: one execution, its time, its history, its store.

Receipts are not signed. Only what somebody else kept of them, a history or a listing, can speak for their origin.
"""

from drproof.contracts.execution.changed import Reading, changed, one, run_of, with_run
from drproof.formats.own_receipts import FORM as OWN
from drproof.formats.receipts_v1 import PHASES
from drproof.formats.timestamps import milliseconds
from drproof.model.contract import NotApplicableError, contract, expected
from drproof.model.criteria import Criteria
from drproof.model.verdict import Finding, Status, compare, undecided
from drproof.phases.execution.observed import ExecutionObserved, FileSeen, ReceiptSeen

CONTROLS = ["NIST AU-10", "NIST AU-12", "SOC 2 CC4.1"]
EACH = expected("phase", lambda criteria: criteria.execution.phases)
SECOND_MS = 1000
"""Receipts say when they were written to the second."""


@contract(needs=["read_execution"], topic="origin", controls=CONTROLS)
def receipts_are_of_one_execution(read_execution: Reading, criteria: Criteria) -> Finding:
    """All receipts are of one execution, in one account and region, and of the ones that were meant."""
    facts, wanted = read_execution.facts, criteria.execution
    required = [row for row in facts.receipts if row.phase in wanted.phases]
    if not required:
        return undecided("no receipt could be read")
    silent = [row.phase for row in required if not all((row.execution, row.account_id, row.region))]
    # Each of our own phases is of one of two sites: the place of the execution is that of its machine.
    if silent:
        return undecided(f"the receipt of {', '.join(silent)} names no execution, account or region")
    places = [
        (row.execution, "", "") if row.form == OWN else (row.execution, row.account_id, row.region)
        for row in facts.receipts
    ]
    if facts.run is not None:
        places += [(step.execution, step.account_id, step.region) for step in facts.run.steps]
        places.append((facts.run.described_execution, "", ""))
    accounts, regions = ([place[part] for place in places if place[part]] for part in (1, 2))
    if not accounts or not regions:
        return undecided("nothing says in which account and region the execution was")
    observed = {
        "executions": sorted({execution for execution, _, _ in places} - {""}),
        "accounts": sorted(set(accounts)),
        "regions": sorted(set(regions)),
    }
    return compare(
        observed=observed,
        expected={
            "executions": [wanted.execution_id or required[0].execution],
            "accounts": [wanted.account_id or accounts[0]],
            "regions": [wanted.region or regions[0]],
        },
        reason="the receipts are not all of one execution in one place",
    )


@receipts_are_of_one_execution.sabotage("a receipt is of another execution")
def other_execution(read_execution: Reading) -> Reading:
    """Take a receipt from another execution."""
    return _first_receipt(read_execution, execution="another")


@receipts_are_of_one_execution.sabotage("a receipt is of another account")
def other_account(read_execution: Reading) -> Reading:
    """Take a receipt from another account."""
    return _another_place(read_execution, account_id="000000000000")


@receipts_are_of_one_execution.sabotage("a receipt is of another region")
def other_region(read_execution: Reading) -> Reading:
    """Take a receipt from another region."""
    return _another_place(read_execution, region="nowhere-1")


@receipts_are_of_one_execution.sabotage("the history is of another execution")
def other_history(read_execution: Reading) -> Reading:
    """Hand in another history."""
    return with_run(
        read_execution, steps=one(run_of(read_execution).steps, lambda step: bool(step.phase), execution="another")
    )


@contract(needs=["read_execution"], subjects=EACH, topic="origin", controls=CONTROLS)
def receipt_was_written_during_the_execution(read_execution: Reading, criteria: Criteria, subject: str) -> Finding:
    """The receipt was written while the execution ran, and not before that of the phase before it."""
    facts = read_execution.facts
    row = _receipt(facts, subject)
    if row is None:
        return undecided(f"missing_required_receipt:{subject}")
    if facts.run is None or not facts.run.stopped_at:
        return undecided("nobody says when the execution began and ended")
    at = milliseconds(row.at)
    phases = criteria.execution.phases
    earlier = [one.at for one in facts.receipts if one.phase in phases[: phases.index(subject)]]
    return compare(
        observed={
            "after_its_start": at + SECOND_MS > milliseconds(facts.run.started_at),
            "before_its_end": at <= milliseconds(facts.run.stopped_at),
            "in_order": all(at >= milliseconds(before) for before in earlier),
        },
        expected={"after_its_start": True, "before_its_end": True, "in_order": True},
        reason=f"the receipt is of {row.at}, the execution ran from {facts.run.started_at} to {facts.run.stopped_at}",
    )


@receipt_was_written_during_the_execution.sabotage("the receipt is of a year before")
def a_year_before(read_execution: Reading, subject: str) -> Reading:
    """Date it back."""
    return _receipts(read_execution, subject, at="2001-01-01T00:00:00.000Z")


@receipt_was_written_during_the_execution.sabotage("the receipt was written afterwards")
def afterwards(read_execution: Reading, subject: str) -> Reading:
    """Write it later."""
    return _receipts(read_execution, subject, at="2999-01-01T00:00:00.000Z")


@contract(
    needs=["read_execution"],
    subjects=EACH,
    topic="origin",
    applies=lambda criteria: criteria.execution.history,
    controls=CONTROLS,
)
def receipt_says_what_the_history_says(read_execution: Reading, subject: str) -> Finding:
    """What went into the phase and what came out of it is the same in the receipt and in the execution's history."""
    return _by_history(read_execution.facts, subject)


@receipt_says_what_the_history_says.sabotage("the receipt has another result")
def other_result(read_execution: Reading, subject: str) -> Reading:
    """Change the result."""
    return _receipts(read_execution, subject, result_sha256="0" * 64)


@receipt_says_what_the_history_says.sabotage("the history was given something else")
def other_given(read_execution: Reading, subject: str) -> Reading:
    """Change the history."""
    steps = one(run_of(read_execution).steps, lambda step: step.phase == subject, result_sha256="0" * 64)
    return with_run(read_execution, steps=steps)


@contract(
    needs=["read_execution"],
    subjects=EACH,
    topic="origin",
    applies=lambda criteria: criteria.execution.listing,
    controls=CONTROLS,
)
def receipt_is_the_stored_object(read_execution: Reading, subject: str) -> Finding:
    """The receipt has the size and, as its ETag, the MD5 of the object that the store lists for it."""
    return _by_listing(read_execution.facts, subject)


@receipt_is_the_stored_object.sabotage("one byte of the receipt differs")
def other_byte(read_execution: Reading, subject: str) -> Reading:
    """Change a byte."""
    return _file(read_execution, subject, md5="0" * 32)


@receipt_is_the_stored_object.sabotage("the receipt is longer")
def longer(read_execution: Reading, subject: str) -> Reading:
    """Add a byte."""
    return _file(read_execution, subject, size=2**40)


@contract(needs=["read_execution"], subjects=EACH, topic="origin", controls=CONTROLS)
def origin_is_corroborated(read_execution: Reading, subject: str) -> Finding:
    """The history of the execution or the listing of its store confirms the receipt, and neither contradicts it."""
    found = {
        "history": _by_history(read_execution.facts, subject),
        "listing": _by_listing(read_execution.facts, subject),
    }
    observed = {name: finding.status.value for name, finding in found.items()}
    for finding in found.values():
        if finding.status is Status.REFUTED:
            return Finding(Status.REFUTED, observed, "confirmed", finding.reason)
    if any(finding.status is Status.PROVEN for finding in found.values()):
        return Finding(Status.PROVEN, observed, "confirmed")
    reasons = "; ".join(finding.reason for finding in found.values())
    return undecided(f"the receipt is not signed, and nothing else speaks for it: {reasons}", observed=observed)


@origin_is_corroborated.sabotage("the receipt was made up")
def made_up(read_execution: Reading, subject: str) -> Reading:
    """Make up the result."""
    if _by_history(read_execution.facts, subject).status is not Status.PROVEN:
        msg = "no history confirms the receipt"
        raise NotApplicableError(msg)
    return _receipts(read_execution, subject, result_sha256="0" * 64)


@origin_is_corroborated.sabotage("the store has other bytes")
def other_bytes(read_execution: Reading, subject: str) -> Reading:
    """Change the file."""
    if _by_listing(read_execution.facts, subject).status is not Status.PROVEN:
        msg = "no listing confirms the receipt"
        raise NotApplicableError(msg)
    return _file(read_execution, subject, md5="0" * 32)


@contract(
    needs=["read_execution"],
    topic="origin",
    applies=lambda criteria: criteria.execution.history,
    controls=CONTROLS,
)
def history_is_whole(read_execution: Reading) -> Finding:
    """The history runs from the start of the execution to its last event without a gap, and as it is described."""
    run = read_execution.facts.run
    if run is None or not run.events:
        return undecided("there is no history that could be read")
    return compare(
        observed={"problem": run.problem, "described_as": run.described_as or run.status},
        expected={"problem": "", "described_as": run.status},
        reason=run.problem or f"the history ends as {run.status}, the description says {run.described_as}",
    )


@history_is_whole.sabotage("an event is missing")
def gap(read_execution: Reading) -> Reading:
    """Lose an event."""
    return with_run(read_execution, problem="the numbers of the events have gaps")


@history_is_whole.sabotage("the description tells of another end")
def other_end(read_execution: Reading) -> Reading:
    """Describe another end."""
    return with_run(read_execution, described_as="ANOTHER")


def _by_history(facts: ExecutionObserved, subject: str) -> Finding:
    row = _receipt(facts, subject)
    if row is None:
        return undecided(f"missing_required_receipt:{subject}")
    steps = [step for step in facts.run.steps if step.phase == subject] if facts.run else []
    if not steps or not steps[0].result_sha256:
        return undecided(f"no history tells what came of {subject}")
    if _file_of(facts, row).masked:
        return undecided(f"the export masked a secret in {row.file}: its bytes are not those that the history tells of")
    # A build's receipt keeps no input; its number is what both have.
    given = steps[0].given_sha256 if row.form == "lambda" else row.given_sha256
    # A build that failed has a receipt that says ok as well: it is written in the middle of the build.
    failed = row.form == "build" and steps[0].outcome != "succeeded"
    return compare(
        observed={"given": row.given_sha256, "result": row.result_sha256, "failed": False},
        expected={"given": given, "result": steps[0].result_sha256, "failed": failed},
        reason=f"the receipt of {subject} is not what the history tells of it",
    )


def _by_listing(facts: ExecutionObserved, subject: str) -> Finding:
    row = _receipt(facts, subject)
    if row is None:
        return undecided(f"missing_required_receipt:{subject}")
    # A collector may have renamed it: the phase tells, not the name.
    stored = [one for one in facts.stored if _is_of(one.key.rpartition("/")[2], row)]
    if len(stored) != 1:
        return undecided(f"the listing has {len(stored)} objects for {subject}, expected 1")
    if not stored[0].md5:
        return undecided(f"the ETag of {stored[0].key} is no MD5: the object was stored in parts")
    file = _file_of(facts, row)
    if file.masked:
        return undecided(f"the export masked a secret in {row.file}: its bytes are not those that are stored")
    return compare(
        observed={"size": file.size, "md5": file.md5},
        expected={"size": stored[0].size, "md5": stored[0].md5},
        reason=f"{row.file} is not the object {stored[0].key}: other bytes, or a store whose ETags are no MD5 (KMS)",
    )


def _is_of(name: str, row: ReceiptSeen) -> bool:
    """Return whether a stored object is this receipt: ours keeps its name, the reference's may have been renamed."""
    return name == row.file if row.form == OWN else PHASES.get(name.removesuffix(".json")) == row.phase


def _file_of(facts: ExecutionObserved, row: ReceiptSeen) -> FileSeen:
    return next(file for file in facts.files if file.name == row.file)


def _receipt(facts: ExecutionObserved, subject: str) -> ReceiptSeen | None:
    return next((row for row in facts.receipts if row.phase == subject), None)


def _receipts(read_execution: Reading, subject: str, **changes: str) -> Reading:
    rows = one(read_execution.facts.receipts, lambda row: row.phase == subject, **changes)
    return changed(read_execution, receipts=rows)


def _first_receipt(read_execution: Reading, **changes: str) -> Reading:
    rows = one(read_execution.facts.receipts, lambda _: True, **changes)
    return changed(read_execution, receipts=rows)


def _another_place(read_execution: Reading, **changes: str) -> Reading:
    """Move a receipt, or, where receipts are of two sites by their nature, what the history tells of one."""
    if read_execution.facts.receipts[0].form != OWN:
        return _first_receipt(read_execution, **changes)
    steps = one(run_of(read_execution).steps, lambda step: bool(step.account_id), **changes)
    return with_run(read_execution, steps=steps)


def _file(read_execution: Reading, subject: str, **changes: str | int) -> Reading:
    row = _receipt(read_execution.facts, subject)
    files = one(read_execution.facts.files, lambda file: row is not None and file.name == row.file, **changes)
    return changed(read_execution, files=files)
