"""The settings of how often the original site is heard of: rows of the one table in `leaves`."""

from drproof.engine.leaf import Leaf, row

CADENCE: tuple[Leaf, ...] = (
    row("primary.schedule", "text", "when it publishes: a cron line in UTC, or a duration", default=""),
    row("primary.schedule_slack", "duration", "how much later than that a run may end", default="0s"),
    row("primary.metrics_every", "duration", "the longest time between two datapoints of its metrics", default="0s"),
    row("primary.age_metric", "text", "the metric that tells how old the last good run is", default=""),
    row("primary.age_unit", "duration", "what a 1 of that metric means", default="1h"),
    row("primary.fault_values", "table", "what each other metric says when the site is at fault", default={}),
)
