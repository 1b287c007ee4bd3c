"""The account has room for what a drill brings up."""

import re
from collections.abc import Callable
from dataclasses import replace

from drproof.model.contract import contract, expected
from drproof.model.criteria import Criteria
from drproof.model.readiness import PROJECT_LIMIT, QuotaSeen
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding, hold, undecided
from drproof.phases.preflight.read_quotas import QuotaRead, QuotasObserved

Quotas = Receipt[QuotasObserved]
PASSES = re.compile(
    "throttl|toomany|limitexceeded|service_error|internal|unavailable|unreachable|timeout", re.IGNORECASE
)
"""How a service says what may be over in a moment."""
UNKNOWN_TYPES = frozenset({"InvalidInstanceType", "UnknownFamily", "UnknownType"})
UNKNOWN_PROJECTS = frozenset({"ProjectNotFound", "ResourceNotFoundException"})
NO_SUCH_QUOTA = "NoSuchQuota"


@contract(
    needs=["read_quotas"],
    subjects=expected("quota", lambda criteria: criteria.preflight.quotas),
    controls=["NIST CP-2(2)"],
)
def quota_has_room_for_a_drill(read_quotas: Quotas, criteria: Criteria, subject: str) -> Finding:
    """Each quota leaves room for what a drill brings up beside what runs already."""
    found = [one for one in read_quotas.facts.quotas if one.name == subject]
    if not found:
        return undecided(f"the receipt does not speak of {subject}")
    quota = found[0].quota
    if quota is None:
        return undecided(
            f"the quota of {subject} could not be read: {found[0].status}\n"
            f"  next: {_next(found[0].status, criteria.sites.recovery.region)}"
        )
    wanted = quota.in_use + quota.needed
    return hold(
        quota.value >= wanted,
        observed={"code": quota.code, "value": quota.value, "in_use": quota.in_use},
        expected={"value": f"at least {wanted}"},
        reason=_short_of(quota, wanted, criteria.sites.recovery.region),
    )


def _short_of(quota: QuotaSeen, wanted: int, region: str) -> str:
    """Return which limit leaves too little room, and the command that raises it."""
    if quota.code == PROJECT_LIMIT:
        return (
            f"the project {quota.name} runs at most {quota.value} builds at a time; {quota.in_use} run, and a drill "
            f"takes {quota.needed} more\n  next: aws codebuild update-project --name {quota.name} "
            f"--concurrent-build-limit {wanted} --region {region}"
        )
    return (
        f"{quota.service} quota {quota.code} ({quota.name}) is {quota.value}; {quota.in_use} are taken and a drill "
        f"takes {quota.needed} more\n  next: aws service-quotas request-service-quota-increase --service-code "
        f"{quota.service} --quota-code {quota.code} --desired-value {wanted} --region {region}"
    )


def _next(status: str, region: str) -> str:
    """Return what helps against a quota that could not be read, by the code that was given for it."""
    if PASSES.search(status):
        return "pytest -m preflight again: the service was asked too often, or failed"
    if status in UNKNOWN_TYPES:
        return (
            "name a type of EC2 with a quota of its own, such as t4g.medium, as recovery.instance_type in drproof.toml"
        )
    if status in UNKNOWN_PROJECTS:
        return "name a project that is there as recovery.provisioner.codebuild.project in drproof.toml"
    if status == NO_SUCH_QUOTA:
        return (
            f"aws service-quotas list-aws-default-service-quotas --region {region} --service-code codebuild lists "
            "those that there are; give the project an environment that has one"
        )
    return "allow what drproof policy --plan preflight prints, then run pytest -m preflight again"


@quota_has_room_for_a_drill.sabotage("the quota is 0")
def zero(read_quotas: Quotas, subject: str) -> Quotas:
    """Allow nothing."""
    return _changed(read_quotas, subject, lambda quota: replace(quota, value=0))


@quota_has_room_for_a_drill.sabotage("all of the quota is taken")
def taken(read_quotas: Quotas, subject: str) -> Quotas:
    """Let others take all."""
    return _changed(read_quotas, subject, lambda quota: replace(quota, in_use=quota.value))


@quota_has_room_for_a_drill.sabotage("the machine is larger than the quota")
def larger(read_quotas: Quotas, subject: str) -> Quotas:
    """Need more than there is."""
    return _changed(read_quotas, subject, lambda quota: replace(quota, needed=quota.value + 1))


def _changed(read_quotas: Quotas, subject: str, change: Callable[[QuotaSeen], QuotaSeen]) -> Quotas:
    def spoiled(read: QuotaRead) -> QuotaRead:
        if read.name != subject or read.quota is None:
            return read
        return replace(read, quota=change(read.quota))

    facts = read_quotas.facts
    return replace(read_quotas, observed=replace(facts, quotas=tuple(spoiled(read) for read in facts.quotas)))
