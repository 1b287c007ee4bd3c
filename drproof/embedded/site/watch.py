"""How the original site is watched: its metrics, two alarms on them, and what those alarms have seen before."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

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
AGE, CORRECTNESS = METRICS
TOPIC = "arn:aws:sns:{region}:{account}:atlas-dr-alarms"
SET_OTHERWISE: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "alarm-silence-is-health": {AGE: {"treat_missing_data": "notBreaching"}},
    "alarm-actions-disabled": {metric: {"actions_enabled": False} for metric in METRICS},
    "alarm-on-a-healthy-day": {AGE: {"threshold": 6.0}},
    "alarm-too-late": {AGE: {"threshold": 40.0}},
    "alarm-out-of-reach": {CORRECTNESS: {"threshold": 1.0}},
}
"""What an alarm on a metric is set to instead, by scenario."""


def generate(world: World, now: datetime) -> None:
    """Create the alarms with their past and publish the metrics of the last minutes."""
    names = world.names
    backend = cloudwatch_backends[world.primary.account_id][world.primary.region]
    limits = (float(names.freshness_hours), CORRECTNESS_LIMIT)
    topic = TOPIC.format(region=world.primary.region, account=world.primary.account_id)
    for name, metric, limit in zip(names.alarms, METRICS, limits, strict=True):
        if (world.scenario, metric) == ("alarm-missing", CORRECTNESS):
            continue
        settings: dict[str, Any] = {
            "comparison_operator": "GreaterThanThreshold",
            "evaluation_periods": 1,
            "period": PERIOD_SECONDS,
            "threshold": limit,
            "statistic": "Maximum",
            "alarm_actions": [topic],
            "actions_enabled": True,
            "treat_missing_data": "breaching",
        }
        alarm = backend.put_metric_alarm(
            name=name,
            namespace=names.namespace,
            metric_name=metric,
            description=f"{metric} of the original site is above {limit}",
            dimensions=[{"Name": key, "Value": value} for key, value in names.dimensions.items()],
            **settings | dict(SET_OTHERWISE.get(world.scenario, {}).get(metric, {})),
        )
        cloudwatch.backdate(alarm, now - CREATED_BEFORE)
        cloudwatch.replay(alarm, timeline.FRESH[metric], now - FIRST_OK_BEFORE)
        if world.scenario == "alarm-outside-window":
            for values, before in zip((timeline.STALE, timeline.FRESH), OLD_OUTAGE, strict=True):
                cloudwatch.replay(alarm, values[metric], now - before)
    for minutes in PAST_MINUTES:
        timeline.publish(world, timeline.FRESH, now - timedelta(minutes=minutes))
    timeline.publish(world, timeline.FRESH)
