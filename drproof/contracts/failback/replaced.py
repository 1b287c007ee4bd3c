"""Nobody wrote a pointer between its reading and its switch, and what it was is kept: it can be taken back."""

from drproof.contracts.execution.changed import one
from drproof.contracts.failback.changed import BEFORE, Reading, changed, kept, with_kept
from drproof.model.contract import contract, expected
from drproof.model.verdict import Finding, compare, undecided

CONTROLS = ["NIST CP-10", "NIST CP-10(2)", "NIST CP-9"]
OTHER = "0" * 32


@contract(
    needs=["read_failback"],
    subjects=expected("pointer", lambda criteria: criteria.pointers),
    topic="failback",
    controls=CONTROLS,
)
def pointer_replaced_what_was_read(read_failback: Reading, subject: str) -> Finding:
    """The version that the switch replaced is, byte for byte, the pointer that was read before it, and is kept."""
    facts = read_failback.facts
    keys = {row.key for row in facts.planned if row.pointer == subject}
    stored = [row for row in facts.listed or () if row.key in keys]
    if len(stored) != 1:
        return undecided(f"a listing has {len(stored)} objects for the pointer {subject} of the plan, expected 1")
    if stored[0].earlier_md5 is None:
        return undecided(
            f"the listing tells no versions of {stored[0].key}: whoever wrote it in between was written over\n"
            "  next: aws s3api list-object-versions --bucket … --prefix … --region … > listing.json, and hand that in"
        )
    if not stored[0].earlier_md5:
        return undecided(
            f"{stored[0].key} has no version before, or one of parts: it cannot be taken back, or compared"
        )
    before = kept(facts, BEFORE, subject)
    if not before:
        return undecided(f"nobody kept what the pointer {subject} named before")
    return compare(
        observed=[stored[0].earlier_md5 for _ in before],
        expected=[row.md5 for row in before],
        reason=f"somebody wrote {stored[0].key} after {before[0].file} was read, and was written over",
    )


@pointer_replaced_what_was_read.sabotage("somebody wrote the pointer in between")
def written_in_between(read_failback: Reading, subject: str) -> Reading:
    """Replace another version."""
    keys = {row.key for row in read_failback.facts.planned if row.pointer == subject}
    rows = one(read_failback.facts.listed or (), lambda row: row.key in keys, earlier_md5=OTHER)
    return changed(read_failback, listed=rows)


@pointer_replaced_what_was_read.sabotage("what was read was something else")
def read_something_else(read_failback: Reading, subject: str) -> Reading:
    """Keep another pointer."""
    return with_kept(read_failback, BEFORE, subject, md5=OTHER)
