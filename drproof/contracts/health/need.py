"""An unhealthy original site is the reason to recover; a drill without one says that it is forced."""

from dataclasses import replace

from drproof.analysis.need import reasons
from drproof.model.contract import NotApplicableError, contract
from drproof.model.criteria import Criteria
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding, compare, hold
from drproof.phases.health.check_health import HealthObserved


@contract(needs=["check_health"], plans={"recovery"}, controls=["NIST CP-2", "ISO 22301 8.4"])
def need_for_recovery_has_a_reason(check_health: Receipt[HealthObserved], criteria: Criteria) -> Finding:
    """The need for recovery follows from what was seen of the original site, or the drill says that it is forced."""
    facts = check_health.facts
    follows = follow_from(facts, criteria)
    if facts.reasons != follows:
        return compare(observed=facts.reasons, expected=follows, reason="the reasons do not follow from what was seen")
    if facts.reasons:
        return hold(
            facts.needs_dr and not facts.forced,
            observed={"needs_dr": facts.needs_dr, "forced": facts.forced},
            expected={"needs_dr": True, "forced": False},
            reason="there is a reason, and the need is not taken from it",
        )
    return hold(
        facts.needs_dr and facts.forced and criteria.force_recovery,
        observed={"needs_dr": facts.needs_dr, "forced": facts.forced},
        expected={"needs_dr": True, "forced": criteria.force_recovery},
        reason="there is no reason to recover, and the drill does not say that it is forced",
    )


def follow_from(facts: HealthObserved, criteria: Criteria) -> tuple[str, ...]:
    """Return the reasons that the facts give."""
    return reasons(
        pointers={pointer.label: (pointer.status, pointer.run_id) for pointer in facts.pointers},
        marker_size=facts.marker.size,
        age_ms=facts.age_ms,
        limit_ms=criteria.freshness_limit_ms,
    )


@need_for_recovery_has_a_reason.sabotage("a reason that nothing seen supports")
def invented_reason(check_health: Receipt[HealthObserved]) -> Receipt[HealthObserved]:
    """Add a reason."""
    facts = check_health.facts
    return replace(check_health, observed=replace(facts, reasons=(*facts.reasons, "stale_pipeline: invented")))


@need_for_recovery_has_a_reason.sabotage("the last run is older than the limit, and no reason says so")
def hidden_age(check_health: Receipt[HealthObserved], criteria: Criteria) -> Receipt[HealthObserved]:
    """Make the last run old."""
    facts = check_health.facts
    if facts.age_ms is not None and facts.age_ms > criteria.freshness_limit_ms:
        msg = "the last run is older than the limit, and a reason says so"
        raise NotApplicableError(msg)
    return replace(check_health, observed=replace(facts, age_ms=criteria.freshness_limit_ms + 1))


@need_for_recovery_has_a_reason.sabotage("nobody needs the recovery")
def no_need(check_health: Receipt[HealthObserved]) -> Receipt[HealthObserved]:
    """Say that there is no need."""
    return replace(check_health, observed=replace(check_health.facts, needs_dr=False))


@need_for_recovery_has_a_reason.sabotage("a forced drill does not say that it is forced")
def force_denied(check_health: Receipt[HealthObserved]) -> Receipt[HealthObserved]:
    """Hide the force."""
    if not check_health.facts.forced:
        msg = "this drill has a reason and is not forced"
        raise NotApplicableError(msg)
    return replace(check_health, observed=replace(check_health.facts, forced=False))


@need_for_recovery_has_a_reason.sabotage("a drill with a reason calls itself forced")
def force_claimed(check_health: Receipt[HealthObserved]) -> Receipt[HealthObserved]:
    """Claim a force that there was not."""
    if not check_health.facts.reasons:
        msg = "this drill is forced"
        raise NotApplicableError(msg)
    return replace(check_health, observed=replace(check_health.facts, forced=True))
