"""CloudWatch as the world serves it: alarms follow their data, and their history says why."""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from drproof.embedded.shims import alarms
from drproof.embedded.shims.alarms import Datapoint
from tests.patience import until
from tests.shares import FEW

from .conftest import RunningWorld, Start

pytestmark = pytest.mark.costly(days=FEW)

NAMES = ("atlas-dr-pipeline-freshness", "atlas-dr-publish-correctness")
POINTER = "atlas/state/candidates/local/last_success.json"


def updates(world: RunningWorld, name: str, **more: Any) -> list[dict[str, Any]]:
    """Return an alarm's transitions, oldest first."""
    asked = {"AlarmName": name, "HistoryItemType": "StateUpdate", "ScanBy": "TimestampAscending"} | more
    return list(world.client("cloudwatch", "primary").describe_alarm_history(**asked)["AlarmHistoryItems"])


def steps(items: list[dict[str, Any]]) -> list[tuple[str, str]]:
    data = [json.loads(item["HistoryData"]) for item in items]
    return [(item["oldState"]["stateValue"], item["newState"]["stateValue"]) for item in data]


def values(world: RunningWorld) -> dict[str, str]:
    held = world.client("cloudwatch", "primary").describe_alarms(AlarmNames=list(NAMES))["MetricAlarms"]
    return {alarm["AlarmName"]: alarm["StateValue"] for alarm in held}


def look(world: RunningWorld) -> None:
    world.client("s3").get_object(Bucket="atlas-primary", Key=POINTER)["Body"].read()


@pytest.mark.parametrize("name", NAMES)
def test_before_a_drill_both_alarms_are_ok_and_were_not_always(world: RunningWorld, name: str) -> None:
    assert values(world)[name] == "OK"
    (first,) = updates(world, name)
    assert steps([first]) == [("INSUFFICIENT_DATA", "OK")]
    assert first["Timestamp"] < datetime.now(UTC) - timedelta(hours=1)


def test_the_first_look_at_the_pointer_starts_one_outage_that_both_alarms_see(start: Start) -> None:
    world = start()
    begun = datetime.now(UTC) - timedelta(milliseconds=1)
    look(world)
    look(world)
    until(lambda: all(len(updates(world, name)) == 3 for name in NAMES))
    for name, bad, limit in zip(NAMES, (30.0, 1.0), (26.0, 0.5), strict=True):
        items = updates(world, name, StartDate=begun)
        assert steps(items) == [("OK", "ALARM"), ("ALARM", "OK")]
        assert items[0]["HistorySummary"] == "Alarm updated from OK to ALARM"
        data = json.loads(items[0]["HistoryData"])["newState"]["stateReasonData"]
        assert data["version"] == "1.0"
        assert (data["statistic"], data["period"], data["threshold"]) == ("Maximum", 60, limit)
        assert data["recentDatapoints"] == [bad]
        (point,) = data["evaluatedDatapoints"]
        assert (point["value"], point["sampleCount"]) == (bad, 1.0)
        assert begun <= datetime.strptime(point["timestamp"], "%Y-%m-%dT%H:%M:%S.%f%z") <= datetime.now(UTC)
        assert {"queryDate", "startDate"} <= set(data)
    assert set(values(world).values()) == {"OK"}


def test_history_is_filtered_by_kind_and_time_and_comes_in_pages(start: Start) -> None:
    world = start("alarm-outside-window")
    cloudwatch = world.client("cloudwatch", "primary")
    everything = cloudwatch.describe_alarm_history(AlarmName=NAMES[0])["AlarmHistoryItems"]
    assert [item["HistoryItemType"] for item in everything] == ["StateUpdate"] * 3 + ["ConfigurationUpdate"]
    assert [item["Timestamp"] for item in everything] == sorted(
        (item["Timestamp"] for item in everything), reverse=True
    )
    paged: list[dict[str, Any]] = []
    token: dict[str, str] = {}
    while True:
        page = cloudwatch.describe_alarm_history(AlarmName=NAMES[0], MaxRecords=1, **token)
        assert len(page["AlarmHistoryItems"]) == 1
        paged += page["AlarmHistoryItems"]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert paged == everything
    now = datetime.now(UTC)
    assert len(updates(world, NAMES[0], EndDate=now - timedelta(hours=1, minutes=50))) == 2
    assert updates(world, NAMES[0], StartDate=now - timedelta(hours=1)) == []
    assert len(cloudwatch.describe_alarm_history()["AlarmHistoryItems"]) == 8


def test_missing_data_breach_without_a_datapoint_where_the_scenario_says_so(start: Start) -> None:
    world = start("alarm-on-missing-data")
    look(world)
    until(lambda: all(len(updates(world, name)) == 3 for name in NAMES))
    for name in NAMES:
        items = updates(world, name)[1:]
        assert steps(items) == [("OK", "ALARM"), ("ALARM", "OK")]
        new = json.loads(items[0]["HistoryData"])["newState"]
        assert "missing datapoint was treated as [Breaching]" in new["stateReason"]
        assert new["stateReasonData"]["recentDatapoints"] == []
        assert new["stateReasonData"]["evaluatedDatapoints"] == []


def test_an_alarm_of_the_past_stays_in_the_past_where_the_scenario_says_so(start: Start) -> None:
    world = start("alarm-outside-window")
    look(world)
    for name in NAMES:
        assert steps(updates(world, name)) == [("INSUFFICIENT_DATA", "OK"), ("OK", "ALARM"), ("ALARM", "OK")]
        assert updates(world, name)[-1]["Timestamp"] < datetime.now(UTC) - timedelta(hours=1)
    time.sleep(1.1)  # the outage of the other scenarios is over by then
    assert all(len(updates(world, name)) == 3 for name in NAMES)


def test_an_alarm_of_ones_own_starts_without_data_and_follows_what_arrives(start: Start) -> None:
    world = start()
    cloudwatch = world.client("cloudwatch")
    # Of two that hear the same, one is patient and one misses data as soon as none came for two seconds.
    for name, period in (("own", 3600), ("brief", 1)):
        cloudwatch.put_metric_alarm(
            AlarmName=name,
            Namespace="N",
            MetricName="M",
            Statistic="Average",
            Period=period,
            EvaluationPeriods=2,
            DatapointsToAlarm=2,
            Threshold=5,
            ComparisonOperator="GreaterThanOrEqualToThreshold",
            TreatMissingData="missing",
        )

    def state(name: str = "own") -> str:
        return str(cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["StateValue"])

    def send(*numbers: float) -> str:
        cloudwatch.put_metric_data(Namespace="N", MetricData=[{"MetricName": "M", "Values": list(numbers)}])
        return state()

    assert state() == "INSUFFICIENT_DATA"
    assert send(4.0, 8.0) == "OK"
    assert send(5.0) == "ALARM"
    assert send(4.9) == "OK"
    until(lambda: state("brief") == "INSUFFICIENT_DATA")
    assert state() == "OK"
    asked = {"AlarmName": "brief", "HistoryItemType": "StateUpdate", "ScanBy": "TimestampAscending"}
    assert steps(cloudwatch.describe_alarm_history(**asked)["AlarmHistoryItems"])[-1] == ("OK", "INSUFFICIENT_DATA")


def test_metrics_are_listed_once_each_with_their_dimensions(world: RunningWorld, names: dict[str, Any]) -> None:
    listed = world.client("cloudwatch", "primary").list_metrics(Namespace=names["primary"]["metrics"]["namespace"])
    assert sorted(metric["MetricName"] for metric in listed["Metrics"]) == [
        "NeedsDR",
        "PipelineFreshnessHours",
        "PublishCorrectness",
    ]
    for metric in listed["Metrics"]:
        assert {item["Name"]: item["Value"] for item in metric["Dimensions"]} == names["primary"]["metrics"][
            "dimensions"
        ]


def test_metrics_have_datapoints_of_the_last_minutes(world: RunningWorld, names: dict[str, Any]) -> None:
    now = datetime.now(UTC)
    dimensions = [{"Name": key, "Value": value} for key, value in names["primary"]["metrics"]["dimensions"].items()]
    points = world.client("cloudwatch", "primary").get_metric_statistics(
        Namespace="Atlas/DR",
        MetricName="PipelineFreshnessHours",
        Dimensions=dimensions,
        StartTime=now - timedelta(minutes=10),
        EndTime=now + timedelta(minutes=1),
        Period=60,
        Statistics=["Maximum"],
    )["Datapoints"]
    assert len(points) >= 4
    assert all(point["Maximum"] == 3.0 for point in points)


class Rule:
    """An alarm's settings, as deciding needs them."""

    name, statistic, period = "rule", "Maximum", 60

    def __init__(self, operator: str, missing: str | None = None, periods: int = 1, needed: int | None = None) -> None:
        self.comparison_operator, self.threshold, self.treat_missing_data = operator, 5.0, missing
        self.evaluation_periods, self.datapoints_to_alarm = periods, needed


def _points(*numbers: float) -> list[Datapoint]:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    return [Datapoint(at=start + timedelta(minutes=i), count=1.0, value=value) for i, value in enumerate(numbers)]


@pytest.mark.parametrize(
    ("operator", "below", "at", "above"),
    [
        ("GreaterThanThreshold", "OK", "OK", "ALARM"),
        ("GreaterThanOrEqualToThreshold", "OK", "ALARM", "ALARM"),
        ("LessThanThreshold", "ALARM", "OK", "OK"),
        ("LessThanOrEqualToThreshold", "ALARM", "ALARM", "OK"),
    ],
)
def test_a_threshold_is_compared_as_its_operator_says(operator: str, below: str, at: str, above: str) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    found = [alarms.judge(Rule(operator), _points(value), now).state for value in (4.0, 5.0, 6.0)]
    assert found == [below, at, above]


@pytest.mark.parametrize(("points", "state"), [((9, 1, 9), "ALARM"), ((9, 1, 1), "OK"), ((9, 9, 1, 1), "OK")])
def test_m_of_the_last_n_periods_must_breach(points: tuple[float, ...], state: str) -> None:
    rule = Rule("GreaterThanThreshold", periods=3, needed=2)
    assert alarms.judge(rule, _points(*points), datetime(2026, 1, 1, tzinfo=UTC)).state == state


@pytest.mark.parametrize(
    ("treatment", "state"),
    [("breaching", "ALARM"), ("notBreaching", "OK"), ("missing", "INSUFFICIENT_DATA"), (None, "INSUFFICIENT_DATA")],
)
def test_silence_is_treated_as_the_alarm_says(treatment: str | None, state: str) -> None:
    decision = alarms.judge_silence(Rule("GreaterThanThreshold", treatment), datetime(2026, 1, 1, tzinfo=UTC))
    assert decision is not None
    assert decision.state == state


def test_silence_is_ignored_when_the_alarm_says_so() -> None:
    assert alarms.judge_silence(Rule("GreaterThanThreshold", "ignore"), datetime(2026, 1, 1, tzinfo=UTC)) is None
