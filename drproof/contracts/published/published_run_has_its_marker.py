"""The marker of a whole run is in the run and among the latest copies; it was read, and it is not empty."""

from drproof.contracts.published.finding import readable
from drproof.contracts.published.spoiling import Seen, latest, published
from drproof.formats.published_runs import latest_path
from drproof.model.contract import contract, expected
from drproof.model.criteria import Criteria
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding, hold, undecided
from drproof.phases.published.observed import OK, ObjectRead, PublishedRunObserved

RUN, LATEST = "run", "latest"


@contract(
    needs=["read_published_run"],
    subjects=expected("place", lambda _: (RUN, LATEST)),
    controls=["NIST CP-9(1)", "SOC 2 A1.2"],
)
def published_run_has_its_marker(
    read_published_run: Receipt[PublishedRunObserved], criteria: Criteria, subject: str
) -> Finding:
    """The run that the pointers name, and the latest copies, have the marker of a whole run, and it is not empty."""
    if not read_published_run.facts.run_path:
        return undecided("no pointer names a run")
    found = _markers(read_published_run.facts, criteria, subject)
    for seen in found:
        if isinstance(readable(seen), Finding):
            return undecided(f"{seen.key} may not be read")
    # One object that was promised twice was read once.
    there = sorted({seen.size for seen in found if seen.status == OK})
    return hold(
        len(there) == 1 and there[0] > 0,
        observed=there,
        expected="one marker of more than 0 bytes",
        reason=f"the marker {criteria.published.marker} is not there whole",
    )


def _markers(facts: PublishedRunObserved, criteria: Criteria, place: str) -> list[ObjectRead]:
    published = criteria.published
    # Exactly there: a copy that was put away below the run is read by nobody.
    folder = latest_path(published.prefix) if place == LATEST else facts.run_path
    key = f"{folder}/{published.provider}/{published.profile}/{published.marker}"
    return [seen for seen in (facts.latest if place == LATEST else facts.objects) if seen.key == key]


@published_run_has_its_marker.sabotage("the marker is gone")
def marker_gone(read_published_run: Seen, criteria: Criteria, subject: str) -> Seen:
    """Lose the marker."""
    return _changed(read_published_run, criteria, subject, {"status": "not_found"})


@published_run_has_its_marker.sabotage("the marker is empty")
def marker_empty(read_published_run: Seen, criteria: Criteria, subject: str) -> Seen:
    """Empty the marker."""
    return _changed(read_published_run, criteria, subject, {"size": 0})


def _changed(receipt: Seen, criteria: Criteria, place: str, changes: dict[str, str | int]) -> Seen:
    marker, *_ = _markers(receipt.facts, criteria, place)
    change = latest if place == LATEST else published
    return change(receipt, marker.key, **changes)
