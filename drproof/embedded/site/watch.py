"""How the original site is watched: its metrics, two alarms on them, and what those alarms have seen before."""

from datetime import datetime, timedelta

from moto.cloudwatch.models import cloudwatch_backends

from drproof.embedded import timeline
from drproof.embedded.shims import cloudwatch
from drproof.embedded.world import World

PERIOD_SECONDS = 60
METRICS = ("PipelineFreshnessHours", "PublishCorrectness")
CORRECTNESS_LIMIT = 0.5
CREATED_BEFORE = timedelta(days=30)
FIRST_OK_BEFORE = timedelta(hours=3)
OLD_OUTAGE = (timedelta(hours=2), timedelta(hours=1, minutes=45))
PAST_MINUTES = (4, 3, 2, 1)


def generate(world: World, now: datetime) -> None:
    """Create the alarms with their past and publish the metrics of the last minutes."""
    names = world.names
    backend = cloudwatch_backends[world.primary.account_id][world.primary.region]
    limits = (float(names.freshness_hours), CORRECTNESS_LIMIT)
    for name, metric, limit in zip(names.alarms, METRICS, limits, strict=True):
        alarm = backend.put_metric_alarm(
            name=name,
            namespace=names.namespace,
            metric_name=metric,
            comparison_operator="GreaterThanThreshold",
            evaluation_periods=1,
            period=PERIOD_SECONDS,
            threshold=limit,
            statistic="Maximum",
            description=f"{metric} of the original site is above {limit}",
            dimensions=[{"Name": key, "Value": value} for key, value in names.dimensions.items()],
            alarm_actions=[],
            actions_enabled=False,
            treat_missing_data="breaching",
        )
        cloudwatch.backdate(alarm, now - CREATED_BEFORE)
        cloudwatch.replay(alarm, timeline.FRESH[metric], now - FIRST_OK_BEFORE)
        if world.scenario == "alarm-outside-window":
            for values, before in zip((timeline.STALE, timeline.FRESH), OLD_OUTAGE, strict=True):
                cloudwatch.replay(alarm, values[metric], now - before)
    for minutes in PAST_MINUTES:
        timeline.publish(world, timeline.FRESH, now - timedelta(minutes=minutes))
    timeline.publish(world, timeline.FRESH)
