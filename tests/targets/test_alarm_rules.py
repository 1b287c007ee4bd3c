"""How alarms are set, as CloudWatch tells it."""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from drproof.formats import timestamps
from drproof.model.alarms import AlarmRule
from drproof.targets.aws.cloudwatch import AwsAlarms
from drproof.targets.sites import AwsTarget
from tests.targets.conftest import NAMES

TOPIC = "arn:aws:sns:us-west-2:444455556666:people"


def test_an_alarm_is_read_as_it_was_set_and_one_that_does_not_exist_is_absent(
    target: AwsTarget, stranger: Callable[[str], Any]
) -> None:
    name = f"alarm-{secrets.token_hex(4)}"
    stranger("cloudwatch").put_metric_alarm(
        AlarmName=name,
        Namespace="T",
        MetricName="m",
        Dimensions=[{"Name": "Project", "Value": "a"}],
        Statistic="Maximum",
        Period=300,
        EvaluationPeriods=3,
        DatapointsToAlarm=2,
        Threshold=1.5,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
        ActionsEnabled=False,
        AlarmActions=[TOPIC],
        InsufficientDataActions=[TOPIC],
    )

    found = target.recovery.alarms.rules([name, "nobody"])

    assert timestamps.parse_evidence(found[name].state_since)
    assert found == {
        name: AlarmRule(
            name=name,
            kind="metric",
            namespace="T",
            metric="m",
            dimensions={"Project": "a"},
            statistic="Maximum",
            comparison="GreaterThanThreshold",
            threshold="1.5",
            period_ms=300_000,
            periods=3,
            datapoints=2,
            missing_data="notBreaching",
            actions_enabled=False,
            actions=(TOPIC,),
            insufficient_data_actions=(TOPIC,),
            state="INSUFFICIENT_DATA",
            state_since=found[name].state_since,
        )
    }


def test_the_alarms_of_the_world_tell_somebody(target: AwsTarget) -> None:
    rules = target.primary.alarms.rules(NAMES["primary"]["alarms"]["names"])

    assert {(rule.missing_data, rule.actions_enabled, len(rule.actions)) for rule in rules.values()} == {
        ("breaching", True, 1)
    }


class Answers:
    """A CloudWatch that has alarms which the embedded one does not know."""

    def __init__(self, **answer: Any) -> None:
        self.answer = answer

    def get_paginator(self, _method: str) -> "Answers":
        return self

    def paginate(self, **_asked: Any) -> list[dict[str, Any]]:
        return [self.answer]


def test_a_composite_alarm_has_no_metric() -> None:
    alarm = {"AlarmName": "both", "AlarmRule": "ALARM(a) OR ALARM(b)", "ActionsEnabled": True, "AlarmActions": [TOPIC]}

    (rule,) = AwsAlarms(Answers(CompositeAlarms=[alarm])).rules(["both"]).values()  # type: ignore[arg-type]

    assert (rule.kind, rule.metric, rule.period_ms, rule.actions) == ("composite", "", 0, (TOPIC,))


def test_what_cloudwatch_takes_for_granted_is_said() -> None:
    alarm = {
        "AlarmName": "band",
        "EvaluationPeriods": 2,
        "ComparisonOperator": "LessThanLowerThreshold",
        "ThresholdMetricId": "a",
        "Metrics": [],
    }

    (rule,) = AwsAlarms(Answers(MetricAlarms=[alarm])).rules(["band"]).values()  # type: ignore[arg-type]

    assert (rule.periods, rule.datapoints, rule.missing_data) == (2, 2, "missing")
    assert rule.statistic == ""
    assert (rule.metric, rule.threshold, rule.period_ms, rule.actions_enabled) == ("", "", 0, False)


def test_an_alarm_says_its_state_since_it_changed_and_not_since_it_was_told_again() -> None:
    changed, again = (datetime(2026, 1, day, tzinfo=UTC) for day in (30, 31))
    told = {"StateValue": "ALARM", "StateUpdatedTimestamp": again}
    alarms = [
        {"AlarmName": "kept", "StateTransitionedTimestamp": changed, **told},
        {"AlarmName": "told", **told},
        {"AlarmName": "mute"},
    ]

    rules = AwsAlarms(Answers(MetricAlarms=alarms)).rules(["kept", "told", "mute"])  # type: ignore[arg-type]

    assert {name: (rule.state, rule.state_since) for name, rule in rules.items()} == {
        "kept": ("ALARM", "2026-01-30T00:00:00.000Z"),
        "told": ("ALARM", "2026-01-31T00:00:00.000Z"),
        "mute": ("", ""),
    }


def test_a_percentile_is_the_statistic_of_its_alarm() -> None:
    alarm = {"AlarmName": "most", "EvaluationPeriods": 1, "ExtendedStatistic": "p90", "MetricName": "m"}

    (rule,) = AwsAlarms(Answers(MetricAlarms=[alarm])).rules(["most"]).values()  # type: ignore[arg-type]

    assert rule.statistic == "p90"
