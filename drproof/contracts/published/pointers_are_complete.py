"""All four pointers and the latest copies are there: a reader that takes another way must find the same."""

from dataclasses import replace

from drproof.contracts.published.finding import keys
from drproof.contracts.published.spoiling import Seen, latest, pointer
from drproof.model.contract import NotApplicableError, contract, expected
from drproof.model.criteria import Criteria
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding, compare, hold, undecided
from drproof.phases.published.observed import DENIED, OK, PublishedRunObserved

LATEST = "latest"


@contract(
    needs=["read_published_run"],
    subjects=expected("pointer", lambda criteria: (*criteria.pointers, LATEST)),
    controls=["NIST CP-2", "SOC 2 A1.2"],
)
def pointers_are_complete(
    read_published_run: Receipt[PublishedRunObserved], criteria: Criteria, subject: str
) -> Finding:
    """Each pointer is there with every field that its readers use, and each output has its latest copy."""
    facts = read_published_run.facts
    if subject == LATEST:
        if unseen := keys(one for one in facts.latest if one.status == DENIED):
            return undecided(f"{', '.join(unseen)} may not be read")
        lacking = sorted(
            set(criteria.published.outputs) - {one.name for one in facts.latest if one.status == OK},
        )
        return compare(observed=lacking, expected=[], reason="not every output has its latest copy")
    found = [one for one in facts.pointers if one.label == subject]
    if len(found) != 1:
        return undecided(f"the receipt holds {len(found)} pointers {subject!r}, expected 1")
    if found[0].status == DENIED:
        return undecided(f"the pointer {found[0].key} may not be read")
    return hold(
        found[0].status == OK and not found[0].lacks,
        observed={"status": found[0].status, "lacks": found[0].lacks},
        expected={"status": OK, "lacks": []},
        reason=f"the pointer {found[0].key} is not there whole",
    )


@pointers_are_complete.sabotage("the pointer is gone")
def pointer_gone(read_published_run: Seen, subject: str) -> Seen:
    """Lose the pointer."""
    _only_for_pointers(subject)
    return pointer(read_published_run, subject, status="not_found")


@pointers_are_complete.sabotage("the pointer names no provider")
def pointer_poor(read_published_run: Seen, subject: str) -> Seen:
    """Lose a field."""
    _only_for_pointers(subject)
    return pointer(read_published_run, subject, lacks=("providers",))


@pointers_are_complete.sabotage("one latest copy is gone")
def copy_gone(read_published_run: Seen, subject: str) -> Seen:
    """Lose a copy."""
    if subject != LATEST:
        msg = "a pointer has no copies"
        raise NotApplicableError(msg)
    return latest(read_published_run, read_published_run.facts.latest[0].key, status="not_found")


@pointers_are_complete.sabotage("a latest copy was never looked for")
def copy_forgotten(read_published_run: Seen, subject: str) -> Seen:
    """Forget a copy."""
    if subject != LATEST:
        msg = "a pointer has no copies"
        raise NotApplicableError(msg)
    facts = read_published_run.facts
    return replace(read_published_run, observed=replace(facts, latest=facts.latest[1:]))


def _only_for_pointers(subject: str) -> None:
    if subject == LATEST:
        msg = "the latest copies are no pointer"
        raise NotApplicableError(msg)
