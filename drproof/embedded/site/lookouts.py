"""What surrounds the recovery site: who hears its topic, and an orchestrator whose triggers are off for the drill."""

from moto.cloudwatch.models import cloudwatch_backends
from moto.events.models import events_backends
from moto.sns.models import sns_backends

from drproof.embedded.world import World

LISTENER = "on-call@atlas.example.com"
ALARM_METRIC = "NeedsRecovery"


def generate(world: World) -> None:
    """Let somebody hear the topic, and make a rule and an alarm that would start a recovery by themselves."""
    names, site = world.names, world.recovery
    topics = sns_backends[site.account_id][site.region]
    topic = topics.get_topic(names.topic_arn)
    if world.scenario == "preflight-topic-unheard":
        topic.subscriptions_pending = 1
    else:
        topics.subscribe(names.topic_arn, LISTENER, "email").confirmed = True
        # The emulator counts no subscription of a topic.
        topic.subscriptions_confimed = 1
    enabled = world.scenario == "preflight-triggers-enabled"
    events = events_backends[site.account_id][site.region]
    for rule in names.trigger_rules:
        events.put_rule(name=rule, scheduled_expression="rate(15 minutes)", state="ENABLED" if enabled else "DISABLED")
    for alarm in names.trigger_alarms:
        cloudwatch_backends[site.account_id][site.region].put_metric_alarm(
            name=alarm,
            namespace=names.namespace,
            metric_name=ALARM_METRIC,
            description="Starts a recovery when the original site needs one",
            dimensions=[],
            comparison_operator="GreaterThanThreshold",
            evaluation_periods=1,
            period=60,
            threshold=0.5,
            statistic="Maximum",
            alarm_actions=[names.topic_arn],
            actions_enabled=enabled,
            treat_missing_data="notBreaching",
        )
