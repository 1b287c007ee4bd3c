"""Readers of the latest copies read the last good run: both were read, not one plan beside itself."""

from drproof.contracts.digests import other
from drproof.contracts.published.finding import copy_of, output_of
from drproof.contracts.published.spoiling import Seen, latest
from drproof.model.contract import contract, expected
from drproof.model.criteria import Criteria
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding, compare, undecided
from drproof.phases.published.observed import OK, PublishedRunObserved


@contract(
    needs=["read_published_run"],
    subjects=expected("output", lambda criteria: criteria.published.outputs),
    controls=["NIST CP-9(1)", "SOC 2 A1.2"],
)
def latest_equals_the_run(
    read_published_run: Receipt[PublishedRunObserved], criteria: Criteria, subject: str
) -> Finding:
    """The latest copy of each output has the bytes that the last good run has."""
    facts = read_published_run.facts
    run, copy = output_of(facts, criteria.published, subject), copy_of(facts, subject)
    if isinstance(run, Finding):
        return run
    if isinstance(copy, Finding):
        return copy
    if run.status != OK:
        return undecided(f"{run.key} is {run.status}: there is nothing to compare its copy with")
    return compare(
        observed={"status": copy.status, "size": copy.size, "sha256": copy.sha256},
        expected={"status": OK, "size": run.size, "sha256": run.sha256},
        reason=f"{copy.key} is not {run.key}",
    )


@latest_equals_the_run.sabotage("the copy is that of another run")
def stale(read_published_run: Seen, subject: str) -> Seen:
    """Leave an older copy there."""
    copy = next(one for one in read_published_run.facts.latest if one.name == subject)
    return latest(read_published_run, copy.key, sha256=other(copy.sha256))


@latest_equals_the_run.sabotage("the copy is one byte longer")
def longer(read_published_run: Seen, subject: str) -> Seen:
    """Add a byte."""
    copy = next(one for one in read_published_run.facts.latest if one.name == subject)
    return latest(read_published_run, copy.key, size=copy.size + 1)


@latest_equals_the_run.sabotage("the copy is gone")
def gone(read_published_run: Seen, subject: str) -> Seen:
    """Lose the copy."""
    copy = next(one for one in read_published_run.facts.latest if one.name == subject)
    return latest(read_published_run, copy.key, status="not_found")
