"""The original site is well: what a recovery would be needed for, each by its name."""

from dataclasses import replace

from drproof.model.contract import contract, expected
from drproof.model.criteria import Criteria
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding, compare, hold, undecided
from drproof.phases.health.check_health import HealthObserved, PointerSeen

HEALTH = ["NIST CP-2", "SOC 2 A1.2"]


@contract(
    needs=["check_health"],
    plans={"health"},
    subjects=expected("pointer", lambda criteria: criteria.pointers),
    controls=HEALTH,
)
def primary_pointer_is_readable(check_health: Receipt[HealthObserved], subject: str) -> Finding:
    """Each pointer to the last good run can be read and names a run."""
    found = [pointer for pointer in check_health.facts.pointers if pointer.label == subject]
    if len(found) != 1:
        return undecided(f"the receipt holds {len(found)} pointers {subject!r}, expected 1")
    return compare(
        observed={"status": found[0].status, "names_a_run": bool(found[0].run_id)},
        expected={"status": "ok", "names_a_run": True},
        reason=f"the pointer {found[0].key} cannot be read, or names no run",
    )


@primary_pointer_is_readable.sabotage("the pointer is gone")
def pointer_gone(check_health: Receipt[HealthObserved], subject: str) -> Receipt[HealthObserved]:
    """Lose the pointer."""
    return _pointers(check_health, subject, status="not_found")


@primary_pointer_is_readable.sabotage("the pointer names no run")
def pointer_to_nothing(check_health: Receipt[HealthObserved], subject: str) -> Receipt[HealthObserved]:
    """Forget the run."""
    return _pointers(check_health, subject, run_id="")


@contract(needs=["check_health"], plans={"health"}, controls=HEALTH)
def primary_pointers_agree(check_health: Receipt[HealthObserved], criteria: Criteria) -> Finding:
    """All pointers name the same run."""
    read = [pointer for pointer in check_health.facts.pointers if pointer.status == "ok"]
    if len(read) != len(criteria.pointers):
        return undecided(f"{len(read)} of {len(criteria.pointers)} pointers could be read")
    runs = sorted({pointer.run_id for pointer in read})
    return hold(len(runs) == 1, observed=runs, expected="one run", reason=f"the pointers name {len(runs)} runs")


@primary_pointers_agree.sabotage("one pointer names another run")
def other_run(check_health: Receipt[HealthObserved]) -> Receipt[HealthObserved]:
    """Point elsewhere."""
    first = check_health.facts.pointers[0]
    return _pointers(check_health, first.label, run_id=f"{first.run_id}-other")


@contract(needs=["check_health"], plans={"health"}, controls=HEALTH)
def primary_marker_is_present(check_health: Receipt[HealthObserved]) -> Finding:
    """The run that the pointers name has its marker, and the marker is not empty."""
    marker = check_health.facts.marker
    return hold(
        marker.status == "ok" and marker.size > 0,
        observed={"status": marker.status, "size": marker.size},
        expected={"status": "ok", "size": "more than 0"},
        reason=f"the marker {marker.key} is not there whole",
    )


@primary_marker_is_present.sabotage("the marker is gone")
def marker_gone(check_health: Receipt[HealthObserved]) -> Receipt[HealthObserved]:
    """Lose the marker."""
    facts = check_health.facts
    return replace(check_health, observed=replace(facts, marker=replace(facts.marker, status="not_found")))


@primary_marker_is_present.sabotage("the marker is empty")
def marker_empty(check_health: Receipt[HealthObserved]) -> Receipt[HealthObserved]:
    """Empty the marker."""
    facts = check_health.facts
    return replace(check_health, observed=replace(facts, marker=replace(facts.marker, size=0)))


@contract(needs=["check_health"], plans={"health"}, controls=HEALTH)
def primary_instants_are_past(check_health: Receipt[HealthObserved]) -> Finding:
    """The last good run ended before it was looked at."""
    age_ms = check_health.facts.age_ms
    if age_ms is None:
        return undecided("no pointer says when the last good run ended")
    return hold(age_ms >= 0, observed=age_ms, expected="0 ms or more", reason="the last good run ends in the future")


@primary_instants_are_past.sabotage("the run ends in the future")
def future_run(check_health: Receipt[HealthObserved]) -> Receipt[HealthObserved]:
    """Move the end ahead by the least that counts."""
    return replace(check_health, observed=replace(check_health.facts, age_ms=-1))


@contract(needs=["check_health"], plans={"health"}, controls=HEALTH)
def primary_is_fresh(check_health: Receipt[HealthObserved], criteria: Criteria) -> Finding:
    """The last good run is not older than the limit."""
    age_ms = check_health.facts.age_ms
    if age_ms is None:
        return undecided("no pointer says when the last good run ended")
    return hold(
        age_ms <= criteria.freshness_limit_ms,
        observed=age_ms,
        expected=f"{criteria.freshness_limit_ms} ms or less",
        reason="the last good run is too old",
    )


@primary_is_fresh.sabotage("one millisecond too old")
def too_old(check_health: Receipt[HealthObserved], criteria: Criteria) -> Receipt[HealthObserved]:
    """Let the run age."""
    return replace(check_health, observed=replace(check_health.facts, age_ms=criteria.freshness_limit_ms + 1))


@contract(needs=["check_health"], plans={"health"}, controls=HEALTH)
def primary_publishes_metrics(check_health: Receipt[HealthObserved]) -> Finding:
    """The original site publishes metrics with the expected dimensions."""
    facts = check_health.facts
    return hold(
        len(facts.metrics) > 0,
        observed=facts.metrics,
        expected="at least one metric",
        reason=f"no metric has the dimensions {dict(facts.dimensions)}",
    )


@primary_publishes_metrics.sabotage("no metric is published")
def no_metrics(check_health: Receipt[HealthObserved]) -> Receipt[HealthObserved]:
    """Lose the metrics."""
    return replace(check_health, observed=replace(check_health.facts, metrics=()))


def _pointers(receipt: Receipt[HealthObserved], label: str, **changes: str) -> Receipt[HealthObserved]:
    def changed(pointer: PointerSeen) -> PointerSeen:
        return replace(pointer, **changes) if pointer.label == label else pointer

    facts = receipt.facts
    return replace(receipt, observed=replace(facts, pointers=tuple(changed(p) for p in facts.pointers)))
