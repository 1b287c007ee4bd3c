"""What a failback did: that it was applied and not tried dry, and that every pointer names the original run again."""

from dataclasses import replace

from drproof.contracts.execution.changed import one
from drproof.contracts.failback.changed import (
    AFTER,
    BEFORE,
    OTHER_RUN,
    Reading,
    changed,
    kept,
    not_here,
    said,
    with_kept,
)
from drproof.model.contract import contract, expected
from drproof.model.verdict import Finding, compare, undecided

CONTROLS = ["NIST CP-10", "SOC 2 A1.3"]
YES, NO, SUCCESS = "yes", "no", "success"
APPLIED = {"asked": YES, "dry": NO, "applied": YES}
ENDED = {"ended_as": SUCCESS, "ended_dry": NO}


@contract(needs=["read_failback"], topic="failback", controls=CONTROLS)
def failback_was_applied(read_failback: Reading) -> Finding:
    """What was planned was applied, every pointer of it: a dry run is no failback."""
    facts, acted = read_failback.facts, read_failback.facts.acted
    observed = {name: getattr(acted, name) for name in (*APPLIED, *ENDED)}
    wrong = [name for name, word in (APPLIED | ENDED).items() if observed[name] not in {word, ""}]
    if wrong:
        told = ", ".join(f"{name} is {observed[name]}" for name in wrong)
        return compare(
            observed=observed, expected=observed | {name: (APPLIED | ENDED)[name] for name in wrong}, reason=_why(told)
        )
    if silent := [name for name in APPLIED if not observed[name]]:
        return undecided(f"no receipt says that it was applied: {', '.join(silent)}", observed=observed)
    if not facts.planned:
        return undecided("no plan says what was to be applied", observed=observed)
    return compare(
        observed=sorted(acted.updated),
        expected=sorted(row.key for row in facts.planned),
        reason="the apply wrote other pointers than the plan names",
    )


@failback_was_applied.sabotage("it was a dry run")
def dry_run(read_failback: Reading) -> Reading:
    """Try it dry."""
    return _acted(read_failback, dry=YES)


@failback_was_applied.sabotage("nobody asked for an apply")
def not_asked(read_failback: Reading) -> Reading:
    """Ask for none."""
    return _acted(read_failback, asked=NO)


@failback_was_applied.sabotage("nothing was applied")
def not_applied(read_failback: Reading) -> Reading:
    """Apply nothing."""
    return _acted(read_failback, applied=NO)


@failback_was_applied.sabotage("the answer is a text that only looks like a boolean")
def no_boolean(read_failback: Reading) -> Reading:
    """Blur the answer."""
    return _acted(read_failback, applied="unclear")


@failback_was_applied.sabotage("the failback failed at another place")
def failed(read_failback: Reading) -> Reading:
    """Let it fail."""
    return _acted(read_failback, ended_as="failed")


@failback_was_applied.sabotage("the failback around it was a dry run")
def dry_around(read_failback: Reading) -> Reading:
    """Try it dry."""
    return _acted(read_failback, ended_dry=YES)


@failback_was_applied.sabotage("a planned pointer was not written")
def not_all(read_failback: Reading) -> Reading:
    """Forget one."""
    return _acted(read_failback, updated=read_failback.facts.acted.updated[1:])


@contract(
    needs=["read_failback"],
    subjects=expected("pointer", lambda criteria: criteria.pointers),
    topic="failback",
    controls=CONTROLS,
)
def pointer_was_switched_back(read_failback: Reading, subject: str) -> Finding:
    """The pointer named the recovered run, the plan gives it to the original one, and so it was read back, in shape."""
    facts = read_failback.facts
    source, goal, prefix = (said(facts.named, member) for member in ("from_run", "to_run", "prefix"))
    if not facts.planned or not all(len(values) == 1 for values in (source, goal, prefix)):
        return undecided("no plan says which pointers go back, or the receipts do not agree from where to where")
    if source == goal:
        reason = f"it goes from {source[0]} to itself: nothing goes back"
        return compare(observed=goal[0], expected=f"another run than {source[0]}", reason=reason)
    planned = [row for row in facts.planned if row.pointer == subject]
    if not planned:
        reason = f"half of the pointers: the plan leaves out {subject}, so that its readers stay with the recovered run"
        return compare(observed="not planned", expected="planned", reason=reason)
    before, after = kept(facts, BEFORE, subject), kept(facts, AFTER, subject)
    if not before or not after:
        side = " and ".join(name for name, rows in (("before", before), ("after", after)) if not rows)
        return undecided(f"nobody kept what the pointer {subject} named {side}")
    path = f"{prefix[0]}/runs/{goal[0]}"
    return compare(
        observed={
            "before": sorted({row.run_id for row in before}),
            "planned": [[row.run_id, row.run_path] for row in planned],
            "after": [[row.run_id, row.run_path] for row in after],
        },
        expected={
            "before": source,
            "planned": [[goal[0], path] for _ in planned],
            "after": [[goal[0], path] for _ in after],
        },
        reason=f"the pointer {subject} did not go from {source[0]} to {path}",
    )


@pointer_was_switched_back.sabotage("the plan leaves the pointer out")
def left_out(read_failback: Reading, subject: str) -> Reading:
    """Switch half of them."""
    rest = tuple(row for row in read_failback.facts.planned if row.pointer != subject)
    if not rest:
        raise not_here("other pointer in its plan")
    return changed(read_failback, planned=rest)


@pointer_was_switched_back.sabotage("the pointer still names the recovered run")
def not_switched(read_failback: Reading, subject: str) -> Reading:
    """Leave it."""
    return with_kept(read_failback, AFTER, subject, run_id=said(read_failback.facts.named, "from_run")[0])


@pointer_was_switched_back.sabotage("the pointer has another shape")
def other_shape(read_failback: Reading, subject: str) -> Reading:
    """Write it as a script that knows no prefix does."""
    return with_kept(read_failback, AFTER, subject, run_path=f"runs/{said(read_failback.facts.named, 'to_run')[0]}/")


@pointer_was_switched_back.sabotage("the plan has another shape for it")
def other_plan(read_failback: Reading, subject: str) -> Reading:
    """Plan it otherwise."""
    rows = one(read_failback.facts.planned, lambda row: row.pointer == subject, run_path="runs/of-no-prefix/")
    return changed(read_failback, planned=rows)


@pointer_was_switched_back.sabotage("the pointer never named the recovered run")
def never_there(read_failback: Reading, subject: str) -> Reading:
    """Let it name another before."""
    return with_kept(read_failback, BEFORE, subject, run_id=OTHER_RUN)


def _why(told: str) -> str:
    return f"nothing shows that anything went back: {told}"


def _acted(read_failback: Reading, **changes: str | tuple[str, ...]) -> Reading:
    acted = replace(read_failback.facts.acted, **changes)  # type: ignore[arg-type] # fields of many types
    return changed(read_failback, acted=acted)
