"""Nothing of the drill is left, and only what was the drill's own was taken away."""

from dataclasses import replace

from drproof.model.contract import NotApplicableError, contract
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding, compare, hold, undecided
from drproof.phases.recovery.census import CLUSTER, UNMARKED, Item, is_seen
from drproof.phases.recovery.teardown import Residue, TeardownObserved

CONTROLS = ["NIST CP-4", "SOC 2 A1.3"]
ENDING = "shutting-down"
SAID = 3
"""How many refusals a verdict repeats; the receipt has each."""

Teardown = Receipt[TeardownObserved]


@contract(needs=["teardown"], controls=CONTROLS)
def no_residue_is_left(teardown: Teardown) -> Finding:
    """A recount of all that carries the drill's mark finds nothing, and before the removal it found what was there."""
    facts = teardown.facts
    if facts.residue:
        blind = [item for item in facts.residue if item.kind == CLUSTER]
        if len(blind) == len(facts.residue):
            names = ", ".join(item.identity for item in blind)
            why = f": {'; '.join(facts.refused[:SAID])}" if facts.refused else ""
            return undecided(f"nobody could look into cluster {names} for what is left{why}; {blind[0].remove_command}")
        refused = f"; refused: {'; '.join(facts.refused[:SAID])}" if facts.refused else ""
        return compare(
            observed=[f"{item.kind} {item.identity}" for item in facts.residue],
            expected=[],
            reason=f"still there{refused}; remove it with: {facts.residue[0].remove_command}",
        )
    if facts.before_unsettled:
        names = ", ".join(f"{item.kind} {item.identity}" for item in facts.before_unsettled[:SAID])
        many = len(facts.before_unsettled)
        return undecided(
            f"an earlier teardown counted {many} more, and is not known to have ended; nothing of that is seen now: "
            f"it went away then, or the recount is blind; look for it by name: {names}"
        )
    if strange := [item.identity for item in facts.foreign if (item.kind, item.state) == ("object", UNMARKED)]:
        return undecided(
            f"{len(strange)} objects lie where the drill wrote, and carry no drill's tag: they are the drill's, or "
            f"somebody wrote over those; look whose they are: {', '.join(strange[:SAID])}"
        )
    # A recount that never saw anything proves nothing, unless nothing was ever created.
    there_was = sum(map(is_seen, facts.before))
    if facts.created:
        return hold(
            there_was > 0,
            observed={"created": facts.created, "before": there_was, "left": 0},
            expected={"before": "more than 0", "left": 0},
            reason="something was created, and the count before the removal saw nothing: the recount may be blind",
        )
    return hold(
        facts.intended > 0 or not facts.before,
        observed={"intended": facts.intended, "before": len(facts.before), "left": 0},
        expected={"before": 0, "left": 0},
        reason="nothing was ever to be created, and yet something was there",
    )


@no_residue_is_left.sabotage("a machine is left")
def machine_left(teardown: Teardown) -> Teardown:
    """Leave a machine."""
    left = Residue(kind="instance", identity="i-00000000000000000", remove_command="aws ec2 terminate-instances")
    return replace(teardown, observed=replace(teardown.facts, residue=(left,)))


@no_residue_is_left.sabotage("the count saw nothing although something was created")
def blind_count(teardown: Teardown) -> Teardown:
    """Blind the count."""
    if not teardown.facts.created:
        msg = "nothing is known to have been created"
        raise NotApplicableError(msg)
    return replace(teardown, observed=replace(teardown.facts, before=()))


@no_residue_is_left.sabotage("something was there although nothing was created")
def unexplained(teardown: Teardown) -> Teardown:
    """Find something unexplained."""
    if teardown.facts.intended:
        msg = "something was to be created"
        raise NotApplicableError(msg)
    stray = Item(kind="instance", identity="i-00000000000000000")
    return replace(teardown, observed=replace(teardown.facts, before=(stray,)))


@contract(needs=["teardown"], controls=CONTROLS)
def only_own_resources_were_removed(teardown: Teardown) -> Finding:
    """Everything that was removed carried the drill's mark before, and everything foreign is still there."""
    facts = teardown.facts
    own = {(item.kind, item.identity) for item in facts.before}
    removed = {(item.kind, item.identity) for item in facts.removed}
    # A machine that is shutting down is on its way out, although it can still be seen.
    still_there = {(item.kind, item.identity) for item in facts.foreign if item.state != ENDING}
    foreign = {(item.kind, item.identity) for item in facts.foreign_before if item.state != ENDING}
    return compare(
        observed={
            "removed_and_not_own": sorted(identity for _, identity in removed - own),
            "foreign_and_gone": sorted(identity for _, identity in foreign - still_there),
            "removed_and_foreign": sorted(identity for _, identity in removed & foreign),
        },
        expected={"removed_and_not_own": [], "foreign_and_gone": [], "removed_and_foreign": []},
        reason="something was removed that was not the drill's own",
    )


@only_own_resources_were_removed.sabotage("a foreign machine is gone after the teardown")
def foreign_gone(teardown: Teardown) -> Teardown:
    """Lose a foreign machine."""
    facts = teardown.facts
    stranger = Item(kind="instance", identity="i-00000000000000000")
    return replace(teardown, observed=replace(facts, foreign_before=(*facts.foreign_before, stranger)))


@only_own_resources_were_removed.sabotage("something without the mark was removed")
def removed_without_mark(teardown: Teardown) -> Teardown:
    """Remove a stranger."""
    stranger = Item(kind="instance", identity="i-00000000000000000")
    return replace(teardown, observed=replace(teardown.facts, removed=(*teardown.facts.removed, stranger)))


@only_own_resources_were_removed.sabotage("what was removed is foreign")
def removed_foreign(teardown: Teardown) -> Teardown:
    """Call what was removed foreign."""
    if not teardown.facts.removed:
        msg = "nothing was removed"
        raise NotApplicableError(msg)
    facts = teardown.facts
    return replace(teardown, observed=replace(facts, foreign_before=(*facts.foreign_before, facts.removed[0])))
