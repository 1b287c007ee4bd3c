"""The restore point does not go down with what it backs up."""

from dataclasses import replace
from typing import Any

from drproof.model.contract import contract
from drproof.model.criteria import Criteria
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding, hold, undecided
from drproof.phases.backup.beside import OK, BucketSeen
from drproof.phases.backup.observed import RestorePointObserved

RestorePoint = Receipt[RestorePointObserved]


def _is_asked(criteria: Criteria) -> bool:
    domain = criteria.backup.failure_domain
    return domain in {"region", "account"} or (domain == "bucket" and criteria.backup.published is not None)


@contract(
    needs=["read_restore_point"],
    applies=_is_asked,
    controls=["NIST CP-6", "NIST CP-9(3)", "ISO 27001 A.8.14", "DORA Art. 12"],
)
def restore_point_outlives_the_primary(read_restore_point: RestorePoint, criteria: Criteria) -> Finding:
    """The restore point lies outside the failure domain of the original site that the criteria name."""
    buckets = {one.role: one for one in read_restore_point.facts.buckets}
    backup = buckets.get("backup")
    if backup is None or backup.status != OK:
        why = "it was not looked at" if backup is None else backup.status
        return undecided(f"nobody knows where the bucket of the restore point is: {why}")
    published = buckets.get("published")
    if criteria.backup.published is not None and (published is None or published.status != OK):
        why = "it was not looked at" if published is None else published.status
        return undecided(f"nobody knows where the bucket of published runs is: {why}")
    domain = criteria.backup.failure_domain
    mine, others = _value(backup, domain), _others(criteria, published, domain)
    return hold(
        mine not in others,
        observed={
            "bucket": backup.name,
            "region": backup.region,
            "account": backup.owner,
            "versioning": backup.versioning,
            "object_lock": backup.object_lock,
            "replication": backup.replication,
        },
        expected={domain: f"other than {', '.join(sorted(others))}"},
        reason=f"restore point and original site share the {domain} {mine}",
    )


@restore_point_outlives_the_primary.sabotage("the restore point lies where the original site does")
def moved_in(read_restore_point: RestorePoint, criteria: Criteria) -> RestorePoint:
    """Move the restore point into the failure domain."""
    facts, domain = read_restore_point.facts, criteria.backup.failure_domain
    published = next((one for one in facts.buckets if one.role == "published"), None)
    there = min(_others(criteria, published, domain))
    field = {"bucket": "name", "region": "region", "account": "owner"}[domain]

    def moved(one: BucketSeen) -> BucketSeen:
        changes: dict[str, Any] = {field: there}
        return replace(one, **changes) if one.role == "backup" else one

    return replace(read_restore_point, observed=replace(facts, buckets=tuple(map(moved, facts.buckets))))


def _value(bucket: BucketSeen, domain: str) -> str:
    return {"bucket": bucket.name, "region": bucket.region, "account": bucket.owner}[domain]


def _others(criteria: Criteria, published: BucketSeen | None, domain: str) -> set[str]:
    """Return where the original site is: what its settings say, and where it was seen to publish."""
    site = criteria.sites.primary
    named = {"bucket": set(), "region": {site.region}, "account": {site.account_id}}[domain]
    return named | ({_value(published, domain)} if published is not None else set())
