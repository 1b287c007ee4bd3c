"""What a pointer says besides the run's id follows from that run: where it lies, whose it is, when it ended."""

from dataclasses import replace
from typing import Any

from drproof.contracts.published.finding import pointer_of
from drproof.contracts.published.spoiling import Seen, pointer
from drproof.formats.published_runs import run_path
from drproof.formats.timestamps import milliseconds
from drproof.model.contract import NotApplicableError, contract, expected
from drproof.model.criteria import Criteria
from drproof.model.errors import FormatError
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding, Status, compare, undecided
from drproof.phases.published.observed import OK, PointerRead, PublishedRunObserved, ReportRead


@contract(
    needs=["read_published_run"],
    subjects=expected("pointer", lambda criteria: criteria.pointers),
    controls=["NIST CP-2", "SOC 2 A1.2"],
)
def pointer_agrees_with_its_run(
    read_published_run: Receipt[PublishedRunObserved], criteria: Criteria, subject: str
) -> Finding:
    """Each pointer gives the path, the provider and the past end of the run that it names, as its report does."""
    facts, published = read_published_run.facts, criteria.published
    found = pointer_of(facts, subject)
    if isinstance(found, Finding):
        return found
    if not found.ended_at:
        return undecided(f"the pointer {found.key} does not say when its run ended")
    observed: dict[str, Any] = {
        "run_path": found.run_path,
        "run_of_the_provider": found.provider_profiles.get(f"{published.provider}:{published.profile}", ""),
        "provider": published.provider if published.provider in found.providers else "",
        "profile": published.profile if published.profile in found.profiles else "",
        "ended": "in the past" if _is_past(found.ended_at, read_published_run.ended_at) else found.ended_at,
    }
    wanted: dict[str, Any] = {
        "run_path": run_path(published.prefix, found.run_id),
        "run_of_the_provider": found.run_id,
        "provider": published.provider,
        "profile": published.profile,
        "ended": "in the past",
    }
    dated = _is_dated(facts.report, found.run_id)
    if dated:
        observed["ended_at"] = _instant(found.ended_at)
        wanted["ended_at"] = _instant(facts.report.ended_at)
    finding = compare(observed=observed, expected=wanted, reason=f"the pointer {found.key} is not that of its run")
    if finding.status is Status.PROVEN and not dated:
        return undecided(
            f"no report says when run {found.run_id} ended: {facts.report.key} is {facts.report.status}, "
            f"of run {facts.report.run_id!r}, which ended {facts.report.ended_at!r}"
        )
    return finding


def _is_dated(report: ReportRead, run_id: str) -> bool:
    return report.status == OK and report.run_id == run_id and bool(report.ended_at)


def _instant(text: str) -> int | str:
    """Return an instant in milliseconds, or what stands in its stead."""
    try:
        return milliseconds(text)
    except FormatError:
        return text


def _is_past(text: str, now: str) -> bool:
    instant = _instant(text)
    return isinstance(instant, int) and instant <= milliseconds(now)


@pointer_agrees_with_its_run.sabotage("the path is that of another run")
def other_path(read_published_run: Seen, subject: str) -> Seen:
    """Point elsewhere."""
    found = _read(read_published_run, subject)
    return pointer(read_published_run, subject, run_path=f"{found.run_path}-other")


@pointer_agrees_with_its_run.sabotage("its provider is said to be at another run")
def other_run_of_the_provider(read_published_run: Seen, criteria: Criteria, subject: str) -> Seen:
    """Name another run for the provider."""
    name = f"{criteria.published.provider}:{criteria.published.profile}"
    found = _read(read_published_run, subject)
    return pointer(read_published_run, subject, provider_profiles={**found.provider_profiles, name: "another"})


@pointer_agrees_with_its_run.sabotage("its provider is not among its providers")
def other_providers(read_published_run: Seen, subject: str) -> Seen:
    """Name other providers."""
    return pointer(read_published_run, subject, providers=())


@pointer_agrees_with_its_run.sabotage("its profile is not among its profiles")
def other_profiles(read_published_run: Seen, subject: str) -> Seen:
    """Name other profiles."""
    return pointer(read_published_run, subject, profiles=())


@pointer_agrees_with_its_run.sabotage("the run ends in the future")
def future(read_published_run: Seen, subject: str) -> Seen:
    """Move the end ahead."""
    return pointer(read_published_run, subject, ended_at="9999-12-31T23:59:59Z")


@pointer_agrees_with_its_run.sabotage("when the run ended cannot be read")
def no_instant(read_published_run: Seen, subject: str) -> Seen:
    """Write no instant."""
    return pointer(read_published_run, subject, ended_at="yesterday")


@pointer_agrees_with_its_run.sabotage("the run's report ends at another time")
def other_end(read_published_run: Seen, subject: str) -> Seen:
    """Move the report's end."""
    report = read_published_run.facts.report
    found = _read(read_published_run, subject)
    if not _is_dated(report, found.run_id):
        msg = "no report says when the run ended"
        raise NotApplicableError(msg)
    other = replace(report, ended_at="1999-12-31T23:59:59Z")
    return replace(read_published_run, observed=replace(read_published_run.facts, report=other))


def _read(receipt: Seen, label: str) -> PointerRead:
    found = pointer_of(receipt.facts, label)
    if isinstance(found, Finding):
        raise TypeError(found.reason)
    return found
