"""Recovery does not go down together with the original site."""

from dataclasses import replace
from typing import Any

from drproof.model.contract import NotApplicableError, contract, expected
from drproof.model.criteria import Criteria
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding, hold, undecided
from drproof.phases.preflight.read_domains import BucketPlace, DomainsObserved

Domains = Receipt[DomainsObserved]
NETWORKS = frozenset({"vpc", "subnet"})
SITES = frozenset({"account", "region", *NETWORKS})


def judged(criteria: Criteria) -> tuple[str, ...]:
    """Return the failure domains that recovery must have its own of; the plan and the page name the others."""
    preflight = criteria.preflight
    return tuple(name for name in preflight.domains if name not in preflight.accepted_overlaps)


@contract(
    needs=["read_domains"],
    subjects=expected("failure domain", judged),
    applies=lambda criteria: len(judged(criteria)) > 0,
    controls=["NIST CP-6(1)", "NIST CP-7(1)"],
)
def recovery_shares_no_failure_domain(read_domains: Domains, criteria: Criteria, subject: str) -> Finding:
    """Recovery has its own of each failure domain that the operator does not accept to be shared."""
    facts, accepted = read_domains.facts, criteria.preflight.accepted_overlaps
    if subject in SITES:
        here, there = getattr(facts.primary, subject), getattr(facts.recovery, subject)
        if subject in NETWORKS and here != there and _may_be_one(here, there):
            return undecided(
                f"both sites are in {facts.primary.region}, and nobody says which {subject} each of them runs in\n"
                f"  next: set primary.{subject}_id and recovery.provisioner.{subject}_id in drproof.toml"
            )
        return _judged(subject, here != there, observed={"primary": here, "recovery": there})
    found = [one for one in facts.buckets if one.name == subject]
    if not found or not found[0].region:
        why = found[0].status if found else "the receipt does not speak of it"
        return undecided(f"nobody knows where the {subject} lies: {why}\n  next: name one that answers in drproof.toml")
    place = found[0]
    # Where the operator accepts one region for both sites, the buckets of recovery lie there as well.
    elsewhere = place.region != facts.primary.region or "region" in accepted
    return _judged(
        subject,
        place.bucket != facts.published and elsewhere,
        observed={
            "primary": {"bucket": facts.published, "region": facts.primary.region},
            "recovery": {"bucket": place.bucket, "region": place.region},
        },
    )


def _may_be_one(here: str, there: str) -> bool:
    """Return whether two networks may be the same: they lie in one region, and one of them has no name."""
    (region, _, name), (other_region, _, other_name) = here.partition("/"), there.partition("/")
    return region == other_region and "" in {name, other_name}


def _judged(subject: str, apart: bool, *, observed: dict[str, Any]) -> Finding:  # noqa: FBT001
    return hold(
        apart,
        observed=observed,
        expected="another one",
        reason=f"the {subject} goes down with the original site\n  next: put it elsewhere; or, where that is meant, "
        f"name {subject!r} in preflight.accept_overlaps: the proof then says so",
    )


@recovery_shares_no_failure_domain.sabotage("recovery has what the original site has")
def same(read_domains: Domains, subject: str) -> Domains:
    """Put recovery where the original site is."""
    facts = read_domains.facts
    if subject in SITES:
        spoiled = replace(facts.recovery, **{subject: getattr(facts.primary, subject)})
        return replace(read_domains, observed=replace(facts, recovery=spoiled))
    return _with(read_domains, subject, bucket=facts.published)


@recovery_shares_no_failure_domain.sabotage("the bucket lies in the original site's region")
def in_its_region(read_domains: Domains, criteria: Criteria, subject: str) -> Domains:
    """Move the bucket."""
    if subject in SITES or "region" in criteria.preflight.accepted_overlaps:
        msg = f"of {subject} the region does not count by itself"
        raise NotApplicableError(msg)
    return _with(read_domains, subject, region=read_domains.facts.primary.region)


def _with(read_domains: Domains, subject: str, **changes: str) -> Domains:
    def spoiled(place: BucketPlace) -> BucketPlace:
        return replace(place, **changes) if place.name == subject else place

    facts = read_domains.facts
    return replace(read_domains, observed=replace(facts, buckets=tuple(spoiled(one) for one in facts.buckets)))
