"""The limit of freshness suits the schedule: a pipeline that keeps its schedule is never called stale."""

from dataclasses import replace

from drproof.contracts.health.alarms import Rules
from drproof.formats.durations import show
from drproof.model.contract import contract
from drproof.model.criteria import Criteria
from drproof.model.verdict import Finding, compare, hold, undecided


@contract(needs=["read_alarms"], controls=["NIST CP-2", "SOC 2 A1.2"])
def freshness_limit_suits_the_schedule(read_alarms: Rules, criteria: Criteria) -> Finding:
    """The last good run may be as old as the schedule lets it become."""
    facts, cadence = read_alarms.facts, criteria.cadence
    if not cadence.longest_gap_ms:
        return undecided("nobody says when the pipeline runs: set primary.schedule")
    limit, gap = facts.freshness_limit_ms, facts.schedule_gap_ms
    if limit < gap:
        return hold(
            False,  # noqa: FBT003 — what does not hold
            observed=limit,
            expected=f"{gap} ms or more",
            reason=f"runs of {facts.schedule!r} end up to {show(gap)} apart and the limit is {show(limit)}: "
            f"a healthy pipeline is called stale for {show(gap - limit)} at a time",
        )
    return compare(
        observed={"schedule": facts.schedule, "gap_ms": gap, "limit_ms": limit},
        expected={
            "schedule": cadence.schedule,
            "gap_ms": cadence.longest_gap_ms + cadence.slack_ms,
            "limit_ms": criteria.freshness_limit_ms,
        },
        reason="the receipt speaks of another schedule or limit",
    )


@freshness_limit_suits_the_schedule.sabotage("the limit is a millisecond shorter than runs are apart")
def too_strict(read_alarms: Rules) -> Rules:
    """Shorten the limit."""
    facts = read_alarms.facts
    return replace(read_alarms, observed=replace(facts, freshness_limit_ms=facts.schedule_gap_ms - 1))


@freshness_limit_suits_the_schedule.sabotage("the pipeline runs more seldom than it is called stale")
def too_seldom(read_alarms: Rules) -> Rules:
    """Run less often."""
    facts = read_alarms.facts
    return replace(read_alarms, observed=replace(facts, schedule_gap_ms=facts.freshness_limit_ms + 1))


@freshness_limit_suits_the_schedule.sabotage("the receipt speaks of another schedule")
def other_schedule(read_alarms: Rules) -> Rules:
    """Name another schedule."""
    facts = read_alarms.facts
    return replace(read_alarms, observed=replace(facts, schedule=f"{facts.schedule} or so"))
