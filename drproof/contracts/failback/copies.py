"""The two runs of a failback, compared once more: a log that says PASS is what somebody said of them."""

from dataclasses import replace
from typing import Any

from drproof.contracts.failback.changed import OTHER_RUN, Reading, changed, not_here, said
from drproof.model.contract import contract
from drproof.model.verdict import Finding, compare, hold, undecided
from drproof.phases.failback.observed import ComparedAgain, Differing

CONTROLS = ["NIST CP-10", "NIST CP-10(2)", "SOC 2 A1.3"]


@contract(needs=["read_failback"], topic="failback", controls=CONTROLS)
def copies_of_the_runs_come_to_the_same(read_failback: Reading) -> Finding:
    """Compared once more from their copies, the two runs of the failback come to the same, whatever the log says."""
    facts = read_failback.facts
    again = facts.again
    if again is None:
        return undecided("no copy of either run was handed in: the comparison cannot be made again")
    if again.problem:
        return undecided(f"the comparison cannot be made again: {again.problem}")
    runs = {"recovered": again.recovered, "original": again.original}
    source, goal = said(facts.named, "from_run"), said(facts.named, "to_run")
    if len(source) != 1 or len(goal) != 1:
        return undecided("no receipt names the two runs of the failback, or they do not agree", observed=runs)
    named = {"recovered": source[0], "original": goal[0]}
    if runs != named:
        return compare(observed=runs, expected=named, reason="the copies are of other runs than those of the failback")
    if again.recovered == again.original:
        return compare(
            observed=again.recovered,
            expected="another run than the original one",
            reason=f"both copies are of {again.recovered}: a run always comes to the same as itself",
        )
    kinds = ", ".join(f"{row.file} ({row.kind})" for row in again.differing)
    log = " though the log says that they match" if facts.compared and facts.compared.outcome == "matched" else ""
    return hold(
        not again.count and not again.differing and again.compared > 0,
        observed={"compared": again.compared, "differences": again.count, "in": kinds},
        expected={"compared": "every file that a comparison reads", "differences": 0},
        reason=f"the copies differ in {again.count} places{log}: {kinds}" if again.compared else "nothing was compared",
    )


@copies_of_the_runs_come_to_the_same.sabotage("one score differs between the copies")
def one_score(read_failback: Reading) -> Reading:
    """Let one score differ."""
    row = Differing(file="ranked_json:ranked.json", kind="score")
    return _with(read_failback, differing=(*_again(read_failback).differing, row))


@copies_of_the_runs_come_to_the_same.sabotage("one difference more is counted")
def one_more(read_failback: Reading) -> Reading:
    """Count one that no list has."""
    return _with(read_failback, count=_again(read_failback).count + 1)


@copies_of_the_runs_come_to_the_same.sabotage("the copy of the recovered run is of another run")
def another_recovered(read_failback: Reading) -> Reading:
    """Copy another run."""
    return _with(read_failback, recovered=OTHER_RUN)


@copies_of_the_runs_come_to_the_same.sabotage("the copy of the original run is of the recovered one")
def one_run_twice(read_failback: Reading) -> Reading:
    """Copy one run to both sides."""
    return _with(read_failback, original=_again(read_failback).recovered)


@copies_of_the_runs_come_to_the_same.sabotage("no file of the copies was compared")
def nothing_compared(read_failback: Reading) -> Reading:
    """Compare nothing."""
    return _with(read_failback, compared=0)


def _again(read_failback: Reading) -> ComparedAgain:
    seen: ComparedAgain | None = read_failback.facts.again
    if seen is None:
        raise not_here("copy of a run")
    return seen


def _with(read_failback: Reading, **changes: Any) -> Reading:  # noqa: ANN401 — fields of many types
    return changed(read_failback, again=replace(_again(read_failback), **changes))
