"""A pointer to nothing is readable, and agrees with every other pointer to nothing."""

from drproof.contracts.published.finding import pointer_of
from drproof.contracts.published.spoiling import Seen, pointer
from drproof.formats.published_runs import run_path
from drproof.model.contract import contract, expected
from drproof.model.criteria import Criteria
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding, hold, undecided
from drproof.phases.published.observed import PublishedRunObserved


@contract(
    needs=["read_published_run"],
    subjects=expected("pointer", lambda criteria: criteria.pointers),
    controls=["NIST CP-2", "SOC 2 A1.2"],
)
def pointer_names_an_existing_run(
    read_published_run: Receipt[PublishedRunObserved], criteria: Criteria, subject: str
) -> Finding:
    """Each pointer names a run of which at least one object is published."""
    found = pointer_of(read_published_run.facts, subject)
    if isinstance(found, Finding):
        return found
    place = run_path(criteria.published.prefix, found.run_id)
    if found.objects and found.run_path != place:
        return undecided(f"the objects under {found.run_path!r}, which {found.key} names, are not those of {place}")
    return hold(
        found.objects > 0,
        observed=found.objects,
        expected="at least one object",
        reason=f"nothing lies under {found.run_path!r}, which {found.key} names",
    )


@pointer_names_an_existing_run.sabotage("the run is not there")
def run_gone(read_published_run: Seen, subject: str) -> Seen:
    """Remove the run."""
    return pointer(read_published_run, subject, objects=0)
