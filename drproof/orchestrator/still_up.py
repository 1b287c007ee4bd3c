"""What is held on a failure and costs money meanwhile, as the message about the failure says it."""

from typing import Any

from drproof.formats.timestamps import milliseconds
from drproof.model.capabilities import Fleet
from drproof.model.context import DRILL_TAG
from drproof.model.errors import DrproofError

MINUTE_MS = 60_000


def machines_of(origin: str, fleet: Fleet, *, now: str, disk_gb: int) -> list[dict[str, Any]]:
    """Return the machines of a drill that are not terminated, each with its age and cost in the terms that are known.

    A site that does not say keeps nobody from being told: there is one row then, of an unknown machine.
    """
    try:
        found = fleet.runners({DRILL_TAG: origin})
    except DrproofError as exc:
        state = f"the recovery site did not say: {getattr(exc, 'code', '') or type(exc).__name__}"
        return [{"instance_id": "unknown", "state": state, "age_minutes": None, "cost": "unknown"}]
    return [
        {
            "instance_id": one.instance_id,
            "state": one.state,
            "age_minutes": _age_minutes(now, one.launched_at),
            "cost": f"{one.instance_type} and {disk_gb} GB of disk since {one.launched_at}; drproof knows no prices",
        }
        for one in found
    ]


def _age_minutes(now: str, since: str) -> int:
    # Clocks of two machines differ: nothing is younger than it exists.
    return max(0, milliseconds(now) - milliseconds(since)) // MINUTE_MS
