"""How the alarms are set that must notice an outage of the original site."""

from dataclasses import dataclass

from drproof.model.alarms import AlarmRule
from drproof.model.context import Context
from drproof.model.phase import phase
from drproof.model.receipt import Milliseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRules:
    """The alarms that exist, and the limit beside which they stand."""

    alarms: tuple[AlarmRule, ...]
    absent: tuple[str, ...]
    """The alarms that should exist and do not."""
    freshness_limit_ms: Milliseconds
    schedule: str
    """When the original site publishes; empty where nobody said."""
    schedule_gap_ms: Milliseconds
    """The longest time between the ends of two runs that keep the schedule, with its slack."""


@phase(
    plans={"health"},
    after=["check_health"],
    site="primary",
    uses={"alarms.read"},
    objective_ms=60_000,
    command_hint="aws cloudwatch describe-alarms --region … --alarm-names …",
)
def read_alarms(ctx: Context) -> AlarmRules:
    """How every expected alarm is set was read, beside the schedule that it has to suit."""
    criteria = ctx.plan.criteria
    rules = ctx.target.primary.alarms.rules(criteria.alarms)
    return AlarmRules(
        alarms=tuple(rules[name] for name in criteria.alarms if name in rules),
        absent=tuple(name for name in criteria.alarms if name not in rules),
        freshness_limit_ms=criteria.freshness_limit_ms,
        schedule=criteria.cadence.schedule,
        schedule_gap_ms=criteria.cadence.longest_gap_ms + criteria.cadence.slack_ms,
    )
