"""The two runs of a failback: that they are two, and that somebody compared them before anything was switched."""

from dataclasses import replace

from drproof.contracts.execution.changed import one
from drproof.contracts.failback.changed import AFTER, BEFORE, OTHER_RUN, Reading, changed, not_here, said, with_named
from drproof.model.contract import contract
from drproof.model.verdict import Finding, compare, hold, undecided
from drproof.phases.failback.observed import Compared, FailbackObserved, Named

CONTROLS = ["NIST CP-10", "NIST CP-10(2)", "SOC 2 A1.3"]
MATCHED = "matched"


@contract(needs=["read_failback"], topic="failback", controls=CONTROLS)
def failback_is_between_two_runs(read_failback: Reading) -> Finding:
    """The run that the failback comes from and the one that it goes to are two, by every receipt and pointer."""
    source, goal = _from(read_failback.facts), _to(read_failback.facts)
    observed = {"from": source, "to": goal}
    if not source or not goal:
        missing = " and ".join(side for side, runs in observed.items() if not runs)
        return undecided(f"nothing names the run {missing} which the failback goes", observed=observed)
    why = f"a failback from the run {source[0]} to itself"
    if source != goal:
        why = f"receipts, plan and pointers do not name the same runs: from {', '.join(source)}, to {', '.join(goal)}"
    two = len(source) == 1 and len(goal) == 1 and source != goal
    return hold(two, observed=observed, expected="one run each, and another on either side", reason=why)


@failback_is_between_two_runs.sabotage("a receipt says that it comes from the run that it goes to")
def from_itself(read_failback: Reading) -> Reading:
    """Let it come from its goal."""
    return with_named(read_failback, "from_run", _to(read_failback.facts)[0])


@failback_is_between_two_runs.sabotage("a receipt says that it goes to the run that it comes from")
def to_itself(read_failback: Reading) -> Reading:
    """Let it go to its source."""
    return with_named(read_failback, "to_run", _from(read_failback.facts)[0])


@failback_is_between_two_runs.sabotage("a receipt names another run to come from")
def other_source(read_failback: Reading) -> Reading:
    """Come from another."""
    added = Named(source="another receipt", from_run=OTHER_RUN)
    return changed(read_failback, named=(*read_failback.facts.named, added))


@failback_is_between_two_runs.sabotage("the plan gives a pointer to another run")
def other_plan(read_failback: Reading) -> Reading:
    """Plan another."""
    return changed(read_failback, planned=one(read_failback.facts.planned, lambda _: True, run_id=OTHER_RUN))


@failback_is_between_two_runs.sabotage("a pointer named another run before")
def other_before(read_failback: Reading) -> Reading:
    """Point elsewhere before."""
    rows = one(read_failback.facts.kept, lambda row: row.side == BEFORE, run_id=OTHER_RUN)
    return changed(read_failback, kept=rows)


@contract(needs=["read_failback"], topic="failback", controls=CONTROLS)
def runs_were_compared_and_match(read_failback: Reading) -> Finding:
    """The run that the failback comes from was really compared with the one that it goes to, and they match."""
    facts = read_failback.facts
    seen = facts.compared
    if seen is None:
        return undecided("nothing says that the runs were compared")
    observed = {"outcome": seen.outcome, "recovered": seen.recovered, "original": seen.original}
    if seen.outcome == "unclear":
        return undecided("the log of the comparison does not say what it came to", observed=observed)
    if seen.outcome != MATCHED:
        what = {"skipped": "the comparison was skipped: that is none"}
        return compare(
            observed=seen.outcome, expected=MATCHED, reason=what.get(seen.outcome, "the comparison found differences")
        )
    if not seen.recovered or not seen.original:
        return undecided("no copy beside the log says which runs were compared", observed=observed)
    if seen.recovered == seen.original:
        why = f"{seen.recovered} was compared with itself: that shows nothing"
        return compare(observed=seen.recovered, expected="another run than the original one", reason=why)
    source, goal = _from(facts), _to(facts)
    if len(source) != 1 or len(goal) != 1:
        return undecided("nothing names the two runs of the failback, or not all that does agrees", observed=observed)
    return compare(
        observed=observed,
        expected={"outcome": MATCHED, "recovered": source[0], "original": goal[0]},
        reason="other runs were compared than those of the failback",
    )


@runs_were_compared_and_match.sabotage("the comparison was skipped")
def skipped(read_failback: Reading) -> Reading:
    """Skip it."""
    return _compared(read_failback, outcome="skipped")


@runs_were_compared_and_match.sabotage("the comparison found differences that nobody looked at")
def different(read_failback: Reading) -> Reading:
    """Let them differ."""
    return _compared(read_failback, outcome="different")


@runs_were_compared_and_match.sabotage("the run that it goes to was compared with itself")
def with_itself(read_failback: Reading) -> Reading:
    """Compare one with itself."""
    return _compared(read_failback, recovered=_to(read_failback.facts)[0])


@runs_were_compared_and_match.sabotage("another run was compared")
def with_another(read_failback: Reading) -> Reading:
    """Compare another."""
    return _compared(read_failback, original=OTHER_RUN)


def _from(facts: FailbackObserved) -> list[str]:
    """Return every run that anything says the failback comes from."""
    return sorted({*said(facts.named, "from_run"), *_pointed(facts, BEFORE)})


def _to(facts: FailbackObserved) -> list[str]:
    """Return every run that anything says the failback goes to."""
    planned = {row.run_id for row in facts.planned} - {""}
    return sorted({*said(facts.named, "to_run"), *planned, *_pointed(facts, AFTER)})


def _pointed(facts: FailbackObserved, side: str) -> set[str]:
    return {row.run_id for row in facts.kept if row.side == side} - {""}


def _compared(read_failback: Reading, **changes: str) -> Reading:
    seen: Compared | None = read_failback.facts.compared
    if seen is None:
        raise not_here("comparison")
    return changed(read_failback, compared=replace(seen, **changes))
