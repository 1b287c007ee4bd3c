"""A published file is what the run's report promises, to the last byte: that it is there shows nothing."""

from drproof.contracts.digests import other
from drproof.contracts.published.finding import output_of
from drproof.contracts.published.spoiling import Seen, published
from drproof.model.contract import contract, expected
from drproof.model.criteria import Criteria
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding, hold, undecided
from drproof.phases.published.observed import OK, ObjectRead, PublishedRunObserved


@contract(
    needs=["read_published_run"],
    subjects=expected("output", lambda criteria: criteria.published.outputs),
    controls=["NIST CP-9(1)", "SOC 2 A1.2"],
)
def published_run_matches_its_plan(
    read_published_run: Receipt[PublishedRunObserved], criteria: Criteria, subject: str
) -> Finding:
    """Each output of the last good run is published with the size and SHA-256 that the run's report promises."""
    found = output_of(read_published_run.facts, criteria.published, subject)
    return found if isinstance(found, Finding) else as_promised(found)


def as_promised(seen: ObjectRead) -> Finding:
    """Return whether an object that may be read is what was promised; unproven when no digest was."""
    if not seen.promised_sha256 or seen.promised_size is None:
        return undecided(f"{seen.name} is promised without its size or its SHA-256")
    kept = seen.kept_sha256 or seen.promised_sha256
    return hold(
        (seen.status, seen.size, seen.sha256, kept)
        == (OK, seen.promised_size, seen.promised_sha256, seen.promised_sha256),
        observed={"status": seen.status, "size": seen.size, "sha256": seen.sha256, "kept_sha256": seen.kept_sha256},
        expected={"status": OK, "size": seen.promised_size, "sha256": seen.promised_sha256},
        reason=f"{seen.key} is not the object that the report promises",
    )


@published_run_matches_its_plan.sabotage("one bit of the object differs")
def bit_flipped(read_published_run: Seen, criteria: Criteria, subject: str) -> Seen:
    """Flip a bit."""
    seen = _seen(read_published_run, criteria, subject)
    return published(read_published_run, seen.key, sha256=other(seen.sha256))


@published_run_matches_its_plan.sabotage("the object is one byte longer")
def byte_more(read_published_run: Seen, criteria: Criteria, subject: str) -> Seen:
    """Add a byte."""
    seen = _seen(read_published_run, criteria, subject)
    return published(read_published_run, seen.key, size=seen.size + 1)


@published_run_matches_its_plan.sabotage("the object is gone")
def object_gone(read_published_run: Seen, criteria: Criteria, subject: str) -> Seen:
    """Lose the object."""
    return published(read_published_run, _seen(read_published_run, criteria, subject).key, status="not_found")


@published_run_matches_its_plan.sabotage("the store keeps the digest of another object")
def other_digest_kept(read_published_run: Seen, criteria: Criteria, subject: str) -> Seen:
    """Let the store contradict what was read."""
    seen = _seen(read_published_run, criteria, subject)
    return published(read_published_run, seen.key, kept_sha256=other(seen.sha256))


def _seen(receipt: Seen, criteria: Criteria, subject: str) -> ObjectRead:
    found = output_of(receipt.facts, criteria.published, subject)
    if isinstance(found, Finding):
        raise TypeError(found.reason)
    return found
