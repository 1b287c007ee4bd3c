"""Whether a drill stands behind what starts by itself: verified, live, of this place, and not too long ago."""

from collections.abc import Sequence

from drproof.formats.timestamps import milliseconds
from drproof.model.collection import DrillSeen
from drproof.model.criteria import ByItself
from drproof.model.verdict import Finding, Status, undecided

UNREADABLE = 2
RECOVERY = "recovery"
NEXT = "next: run a drill, verify it, and name it: --verified-drill reports/<drill-id> --trust trust.json"
EXPECTED = "off, or a verified drill behind it"


def judged(trigger: str, drills: Sequence[DrillSeen], bar: ByItself, now: str) -> Finding:
    """Return whether something that is on may be: proven by one drill that counts, else open, else refuted.

    `now` is the instant at which the drills were verified.
    """
    if not drills:
        return Finding(Status.REFUTED, "on", EXPECTED, f"{trigger} is on, and no verified drill is named\n  {NEXT}")
    against = {drill.name: against_it(drill, bar, now) for drill in drills}
    seen = {"switched": "on", "drills": {drill.name: drill.closing for drill in drills}}
    if not all(against.values()):
        return Finding(Status.PROVEN, seen, EXPECTED)
    open_ones = [drill for drill in drills if is_open(drill)]
    reasons = "; ".join(f"{name}: {why}" for name, why in against.items())
    if open_ones:
        return undecided(
            f"{trigger} is on, and the drill cannot be judged: {reasons}", observed=seen, expected=EXPECTED
        )
    return Finding(
        Status.REFUTED, seen, EXPECTED, f"{trigger} is on, and no drill stands behind it: {reasons}\n  {NEXT}"
    )


def is_open(drill: DrillSeen) -> bool:
    """Return whether a verifier could not decide about it at all."""
    return drill.status == UNREADABLE or (drill.status != 0 and not drill.trusted)


def against_it(drill: DrillSeen, bar: ByItself, now: str) -> str:
    """Return why a drill does not count, or ""."""
    if drill.status == UNREADABLE:
        return "it cannot be read"
    if drill.status != 0 and not drill.trusted:
        return "no trust file says whose signature counts"
    if drill.status != 0:
        return f"it is not verified: {', '.join(drill.codes)}"
    wanted = (
        ("plan", RECOVERY, drill.plan),
        ("outcome", "proven", drill.outcome),
        ("account", bar.account_id, drill.account_id),
        ("region", bar.region, drill.region),
        ("state machine", bar.machine, drill.machine),
    )
    for what, expected, got in wanted:
        if expected and got != expected:
            return f"its {what} is {got or 'none'}, expected {expected}"
    if drill.mode != "live" and not bar.rehearsal:
        return "it is a rehearsal, which shows nobody's recovery"
    if milliseconds(now) - milliseconds(drill.closed_at) > bar.drill_max_age_ms:
        days = bar.drill_max_age_ms // 86_400_000
        return f"it was closed at {drill.closed_at}, longer ago than {days} days"
    return ""
