"""Where the receipts of a failback come from: they are not signed, and only the store can speak for what they tell."""

from drproof.contracts.execution.changed import one
from drproof.contracts.failback.changed import AFTER, Reading, changed, kept, said, with_kept
from drproof.contracts.handed_files import known_and_read, with_problem, with_stranger
from drproof.model.contract import contract, expected
from drproof.model.criteria import Criteria
from drproof.model.verdict import Finding, compare, undecided

CONTROLS = ["NIST AU-10", "SOC 2 CC4.1"]
PLACE = ("bucket", "prefix", "account_id", "region")


@contract(needs=["read_failback"], topic="origin", controls=CONTROLS)
def every_file_of_the_failback_is_known_and_read(read_failback: Reading) -> Finding:
    """Every handed file is of a kind that a failback leaves, and could be read whole."""
    return known_and_read(read_failback.facts.files)


@every_file_of_the_failback_is_known_and_read.sabotage("a time has no colon")
def no_colon(read_failback: Reading) -> Reading:
    """Write a time as the script does."""
    return changed(read_failback, files=with_problem(read_failback.facts.files, "timestamp"))


@every_file_of_the_failback_is_known_and_read.sabotage("a stranger lies among the files")
def stranger(read_failback: Reading) -> Reading:
    """Add a file."""
    return changed(read_failback, files=with_stranger(read_failback.facts.files, "notes.md"))


@contract(needs=["read_failback"], topic="origin", controls=CONTROLS)
def receipts_are_of_one_failback(read_failback: Reading, criteria: Criteria) -> Finding:
    """All receipts name one bucket, prefix, account and region, and those that were meant."""
    asked = criteria.execution
    meant = {"account_id": asked.account_id, "region": asked.region, "from_run": asked.execution_id}
    members = PLACE if not asked.execution_id else (*PLACE, "from_run")
    observed = {member: said(read_failback.facts.named, member) for member in members}
    if silent := [member for member in members if not observed[member]]:
        return undecided(f"no receipt names its {', '.join(silent)}", observed=observed)
    wanted = {member: [meant.get(member) or values[0]] for member, values in observed.items()}
    other = ", ".join(member for member in observed if observed[member] != wanted[member])
    return compare(
        observed=observed,
        expected=wanted,
        reason=f"not one failback in one place, or not the one that is meant: {other}",
    )


@receipts_are_of_one_failback.sabotage("a receipt is of another account")
def other_account(read_failback: Reading) -> Reading:
    """Take a receipt from another account."""
    return _also_of(read_failback, account_id="000000000000")


@receipts_are_of_one_failback.sabotage("a receipt is of another region")
def other_region(read_failback: Reading) -> Reading:
    """Take a receipt from another region."""
    return _also_of(read_failback, region="nowhere-1")


@receipts_are_of_one_failback.sabotage("a receipt is of another bucket")
def other_bucket(read_failback: Reading) -> Reading:
    """Take a receipt from another bucket."""
    return _also_of(read_failback, bucket="another-bucket")


@receipts_are_of_one_failback.sabotage("a receipt is of another prefix")
def other_prefix(read_failback: Reading) -> Reading:
    """Take a receipt from another prefix."""
    return _also_of(read_failback, prefix="elsewhere")


@contract(
    needs=["read_failback"],
    subjects=expected("pointer", lambda criteria: criteria.pointers),
    topic="origin",
    controls=CONTROLS,
)
def pointer_read_back_is_the_stored_one(read_failback: Reading, subject: str) -> Finding:
    """The pointer that was read back has the size and, as its ETag, the MD5 of the object that the store lists."""
    facts = read_failback.facts
    if facts.listed is None:
        return undecided("the receipts are not signed, and no listing of the store speaks for them")
    keys = {row.key for row in facts.planned if row.pointer == subject}
    stored = [row for row in facts.listed if row.key in keys]
    if len(stored) != 1:
        return undecided(f"the listing has {len(stored)} objects for the pointer {subject} of the plan, expected 1")
    if not stored[0].md5:
        return undecided(f"the ETag of {stored[0].key} is no MD5: the object was stored in parts")
    back = kept(facts, AFTER, subject)
    if not back:
        return undecided(f"nobody read the pointer {subject} back")
    return compare(
        observed=[{"size": row.size, "md5": row.md5} for row in back],
        expected=[{"size": stored[0].size, "md5": stored[0].md5} for _ in back],
        reason=f"{back[0].file} is not the object {stored[0].key}: other bytes, or ETags that are no MD5 (KMS)",
    )


@pointer_read_back_is_the_stored_one.sabotage("one byte of the pointer differs")
def other_byte(read_failback: Reading, subject: str) -> Reading:
    """Change a byte."""
    return with_kept(read_failback, AFTER, subject, md5="0" * 32)


@pointer_read_back_is_the_stored_one.sabotage("the pointer is longer")
def longer(read_failback: Reading, subject: str) -> Reading:
    """Add a byte."""
    return with_kept(read_failback, AFTER, subject, size=2**40)


def _also_of(read_failback: Reading, **changes: str) -> Reading:
    """Let a receipt name a second place; where only one names any, a meant one must already be another."""
    (member,) = changes
    silent = one(read_failback.facts.named, lambda row: not getattr(row, member), **changes)
    return changed(read_failback, named=silent)
