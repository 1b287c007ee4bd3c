"""How often a healthy original site is heard of, from its settings."""

from drproof.analysis import alarm_fit
from drproof.engine.refusal import refuse
from drproof.engine.settings import Resolved
from drproof.formats import schedules
from drproof.model.criteria import Cadence
from drproof.model.errors import FormatError


def cadence_of(resolved: Resolved) -> Cadence:
    """Return what contracts compare limits and alarms with.

    Raises:
        Refusal: the schedule is none, or the value of a fault is no number.
    """
    schedule = resolved["primary.schedule"]
    try:
        gap = schedules.longest_gap_ms(schedule) if schedule else 0
    except FormatError as exc:
        raise refuse(
            f"primary.schedule ({resolved.sources['primary.schedule']}): {exc}",
            next_step="set primary.schedule in drproof.toml to the schedule of the pipeline",
        ) from exc
    for metric, value in resolved["primary.fault_values"].items():
        if not alarm_fit.is_number(value):
            raise refuse(
                f"primary.fault_values ({resolved.sources['primary.fault_values']}): {metric} is {value!r}",
                expected="a number",
                next_step=f'set primary.fault_values in drproof.toml, such as {{ {metric} = "1" }}',
            )
    return Cadence(
        schedule=schedule,
        longest_gap_ms=gap,
        slack_ms=resolved["primary.schedule_slack"],
        metrics_every_ms=resolved["primary.metrics_every"],
        age_metric=resolved["primary.age_metric"],
        age_unit_ms=resolved["primary.age_unit"],
        fault_values=resolved["primary.fault_values"],
    )
