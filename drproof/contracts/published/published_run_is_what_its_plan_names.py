"""The run is no more and no less than its report: what lies there unpromised is nobody's word."""

from dataclasses import replace

from drproof.contracts.digests import other
from drproof.contracts.published.finding import keys
from drproof.contracts.published.published_run_matches_its_plan import as_promised
from drproof.contracts.published.spoiling import Seen, published
from drproof.model.contract import contract
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding, Status, compare, undecided
from drproof.phases.published.observed import DENIED, OK, ObjectRead, PublishedRunObserved


@contract(needs=["read_published_run"], controls=["NIST CP-9(1)", "SOC 2 A1.2"])
def published_run_is_what_its_plan_names(read_published_run: Receipt[PublishedRunObserved]) -> Finding:
    """Everything that the report of the last good run promises is published as promised, and nothing besides."""
    facts = read_published_run.facts
    promised = [one for one in facts.objects if one.promised]
    if not promised:
        return undecided(f"no digest is promised anywhere: the report {facts.report.key} is {facts.report.status}")
    # Not by key: several promises may be made of one object, and each is kept or is not.
    findings = [(one.key, as_promised(one)) for one in promised if one.status != DENIED]
    found = compare(
        observed={
            "report_of": facts.report.run_id,
            "not_as_promised": sorted({key for key, one in findings if one.status is Status.REFUTED}),
            "not_promised": keys(one for one in facts.objects if not one.promised),
        },
        expected={"report_of": facts.run_id, "not_as_promised": [], "not_promised": []},
        reason="the published run is not what its report names",
    )
    unknown = {one.key for one in promised if one.status == DENIED}
    unknown |= {key for key, one in findings if one.status is Status.UNPROVEN}
    if unknown and found.status is Status.PROVEN:
        return undecided(f"{', '.join(sorted(unknown))} may not be read, or is promised without size or digest")
    return found


@published_run_is_what_its_plan_names.sabotage("one bit of one object differs")
def bit_flipped(read_published_run: Seen) -> Seen:
    """Flip a bit."""
    seen = next(one for one in read_published_run.facts.objects if one.promised)
    return published(read_published_run, seen.key, sha256=other(seen.sha256))


@published_run_is_what_its_plan_names.sabotage("one promised object is gone")
def object_gone(read_published_run: Seen) -> Seen:
    """Lose an object."""
    seen = next(one for one in read_published_run.facts.objects if one.promised)
    return published(read_published_run, seen.key, status="not_found")


@published_run_is_what_its_plan_names.sabotage("something lies there that was never promised")
def stranger(read_published_run: Seen) -> Seen:
    """Add an object."""
    facts = read_published_run.facts
    added = ObjectRead(name="stranger", key=f"{facts.run_path}/stranger", status=OK)
    return replace(read_published_run, observed=replace(facts, objects=(*facts.objects, added)))


@published_run_is_what_its_plan_names.sabotage("the report is that of another run")
def other_report(read_published_run: Seen) -> Seen:
    """Put another run's report there."""
    facts = read_published_run.facts
    return replace(read_published_run, observed=replace(facts, report=replace(facts.report, run_id="another")))
