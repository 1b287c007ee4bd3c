"""The account has room for what a drill brings up."""

from collections.abc import Callable
from dataclasses import replace

from drproof.model.contract import contract, expected
from drproof.model.criteria import Criteria
from drproof.model.readiness import QuotaSeen
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding, hold, undecided
from drproof.phases.preflight.read_quotas import QuotaRead, QuotasObserved

Quotas = Receipt[QuotasObserved]


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
            f"the quota of {subject} could not be read: {found[0].status}\n  next: allow what drproof policy --plan "
            "preflight prints, then run pytest -m preflight again"
        )
    wanted = quota.in_use + quota.needed
    return hold(
        quota.value >= wanted,
        observed={"code": quota.code, "value": quota.value, "in_use": quota.in_use},
        expected={"value": f"at least {wanted}"},
        reason=f"{quota.service} quota {quota.code} ({quota.name}) is {quota.value}; {quota.in_use} are taken and a "
        f"drill takes {quota.needed} more\n  next: aws service-quotas request-service-quota-increase --service-code "
        f"{quota.service} --quota-code {quota.code} --desired-value {wanted} --region {criteria.sites.recovery.region}",
    )


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
