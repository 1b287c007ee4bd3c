"""The drill that is named as the one that triggers follow: what came of verifying its bundle."""

from dataclasses import dataclass

from drproof.model.collection import DrillSeen
from drproof.model.context import Context
from drproof.model.phase import phase
from drproof.model.receipt import Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedDrillObserved:
    """The bundles that were named, each with what a verifier finds about it."""

    read_at: Instant
    drills: tuple[DrillSeen, ...]


@phase(
    plans={"orchestrator", "preflight"},
    objective_ms=60_000,
    command_hint="pytest -m preflight --verified-drill reports/<drill-id>",
)
def read_verified_drill(ctx: Context) -> VerifiedDrillObserved:
    """Each drill that was named as the one that triggers follow has been verified by the reader's own trust file."""
    if not ctx.collection.drills:
        ctx.say("no drill is named: --verified-drill names the bundle that triggers may follow")
    for drill in ctx.collection.drills:
        ctx.say(f"{drill.name}: exit {drill.status}, {', '.join(drill.codes) or 'no finding'}")
    return VerifiedDrillObserved(read_at=ctx.clock.now(), drills=ctx.collection.drills)
