"""How often a healthy original site is heard of, from its settings."""

from drproof.engine.refusal import refuse
from drproof.engine.settings import Resolved
from drproof.formats import schedules
from drproof.model.criteria import Cadence
from drproof.model.errors import FormatError


def cadence_of(resolved: Resolved) -> Cadence:
    """Return what contracts compare limits and alarms with.

    Raises:
        Refusal: the schedule is none.
    """
    schedule = resolved["primary.schedule"]
    try:
        gap = schedules.longest_gap_ms(schedule) if schedule else 0
    except FormatError as exc:
        raise refuse(
            f"primary.schedule ({resolved.sources['primary.schedule']}): {exc}",
            next_step="set primary.schedule in drproof.toml to the schedule of the pipeline",
        ) from exc
    return Cadence(
        schedule=schedule,
        longest_gap_ms=gap,
        slack_ms=resolved["primary.schedule_slack"],
        metrics_every_ms=resolved["primary.metrics_every"],
        age_metric=resolved["primary.age_metric"],
        age_unit_ms=resolved["primary.age_unit"],
    )
