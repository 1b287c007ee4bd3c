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
    """Each alarm watches a metric that the original site publishes, in the namespace and with the dimensions there."""
    rule, published = alarm(read_alarms, subject), check_health.facts
    if rule is None:
        return undecided(unread(subject))
    if rule.kind != "metric" or not rule.metric:
        return undecided(f"{subject} has no metric of its own: it combines others")
    if not published.namespace:
        return undecided("the receipt does not say in which namespace metrics are published")
    place = (rule.namespace, rule.dimensions)
    return hold(
        rule.metric in published.metrics and place == (published.namespace, published.dimensions),
        observed={"namespace": rule.namespace, "metric": rule.metric, "dimensions": dict(rule.dimensions)},
        expected={
            "namespace": published.namespace,
            "metric": list(published.metrics),
            "dimensions": dict(published.dimensions),
        },
        reason=f"{subject} watches {rule.metric} of {rule.namespace} with {dict(rule.dimensions)}, "
        "which nobody publishes",
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


@alarm_watches_what_is_published.sabotage("the alarm watches a metric of that name elsewhere")
def other_namespace(read_alarms: Rules, subject: str) -> Rules:
    """Watch another namespace."""
    rule = alarm(read_alarms, subject)
    return with_alarm(read_alarms, subject, namespace=f"{rule.namespace if rule else ''}/Other")


@alarm_watches_what_is_published.sabotage("the metric is published no more")
def unpublished(check_health: Receipt[HealthObserved]) -> Receipt[HealthObserved]:
    """Stop publishing."""
    return replace(check_health, observed=replace(check_health.facts, metrics=()))
