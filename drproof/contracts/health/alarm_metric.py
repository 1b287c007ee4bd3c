"""What an alarm watches is published."""

from dataclasses import replace

from drproof.contracts.health.alarms import WATCHING, Rules, alarm, unread, with_alarm
from drproof.model.contract import contract, expected
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding, hold, undecided
from drproof.phases.health.check_health import HealthObserved


@contract(
    needs=["check_health", "read_alarms"],
    subjects=expected("alarm", lambda criteria: criteria.alarms),
    controls=WATCHING,
)
def alarm_watches_what_is_published(check_health: Receipt[HealthObserved], read_alarms: Rules, subject: str) -> Finding:
    """Each alarm watches a metric that the original site publishes, with the dimensions that it has there."""
    rule, published = alarm(read_alarms, subject), check_health.facts
    if rule is None:
        return undecided(unread(subject))
    if rule.kind != "metric" or not rule.metric:
        return undecided(f"{subject} has no metric of its own: it combines others")
    return hold(
        rule.metric in published.metrics and rule.dimensions == published.dimensions,
        observed={"metric": rule.metric, "dimensions": dict(rule.dimensions)},
        expected={"metric": list(published.metrics), "dimensions": dict(published.dimensions)},
        reason=f"{subject} watches {rule.metric} with {dict(rule.dimensions)}, which nobody publishes",
    )


@alarm_watches_what_is_published.sabotage("the alarm watches a metric that nobody publishes")
def other_metric(read_alarms: Rules, subject: str) -> Rules:
    """Watch something else."""
    return with_alarm(read_alarms, subject, metric="Nothing")


@alarm_watches_what_is_published.sabotage("the alarm watches another pipeline")
def other_dimensions(read_alarms: Rules, subject: str) -> Rules:
    """Watch the metric of somebody else."""
    rule = alarm(read_alarms, subject)
    dimensions = {**(rule.dimensions if rule else {}), "Pipeline": "another"}
    return with_alarm(read_alarms, subject, dimensions=dimensions)


@alarm_watches_what_is_published.sabotage("the metric is published no more")
def unpublished(check_health: Receipt[HealthObserved]) -> Receipt[HealthObserved]:
    """Stop publishing."""
    return replace(check_health, observed=replace(check_health.facts, metrics=()))
