"""Metrics and alarms of one site."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from drproof.formats import timestamps
from drproof.model.alarms import AlarmRule
from drproof.model.errors import FormatError
from drproof.targets.aws import instants
from drproof.targets.aws.errors import translated

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch.client import CloudWatchClient

NAMES_AT_ONCE = 100
TYPES = ["MetricAlarm", "CompositeAlarm"]


class AwsAlarms:
    """Metrics and alarms of one site; read-only."""

    def __init__(self, client: "CloudWatchClient") -> None:
        """Ask through `client`."""
        self._client: Any = client

    def states(self, names: Iterable[str]) -> Mapping[str, str]:
        """Return each alarm's state; an alarm that does not exist is absent."""
        return {name: alarm["StateValue"] for name, alarm in self._described(names).items()}

    def comparisons(self, names: Iterable[str]) -> Mapping[str, str]:
        """Return how each alarm compares a datapoint with its threshold; a composite alarm compares nothing."""
        described = self._described(names)
        return {
            name: alarm["ComparisonOperator"] for name, alarm in described.items() if alarm.get("ComparisonOperator")
        }

    def rules(self, names: Iterable[str]) -> Mapping[str, AlarmRule]:
        """Return how each alarm is set; an alarm that does not exist is absent."""
        return {name: _rule(alarm) for name, alarm in self._described(names).items()}

    def _described(self, names: Iterable[str]) -> Mapping[str, Mapping[str, Any]]:
        asked = sorted(set(names))
        found: dict[str, Mapping[str, Any]] = {}
        for first in range(0, len(asked), NAMES_AT_ONCE):
            some = asked[first : first + NAMES_AT_ONCE]
            pages = self._pages("describe_alarms", "DescribeAlarms", ", ".join(some), AlarmNames=some, AlarmTypes=TYPES)
            for page in pages:
                for alarm in (*page.get("MetricAlarms", ()), *page.get("CompositeAlarms", ())):
                    found[alarm["AlarmName"]] = alarm
        return {name: found[name] for name in asked if name in found}

    def history(self, name: str, *, since: str, until: str) -> tuple[Mapping[str, Any], ...]:
        """Return the alarm's raw history items between two instants, oldest first, as plain JSON.

        Raises:
            ValueError: an instant is none.
        """
        begin, end = _moment(since), _moment(until)
        items = [
            item
            for page in self._pages(
                "describe_alarm_history",
                "DescribeAlarmHistory",
                name,
                AlarmName=name,
                AlarmTypes=TYPES,
                StartDate=begin,
                EndDate=end,
                ScanBy="TimestampAscending",
            )
            for item in page.get("AlarmHistoryItems", ())
        ]
        items.sort(key=lambda item: item["Timestamp"])
        return tuple(instants.plain(item) for item in items)

    def metrics(self, namespace: str, dimensions: Mapping[str, str]) -> tuple[str, ...]:
        """Return the names of the metrics with exactly these dimensions."""
        wanted = dict(dimensions)
        filters = [{"Name": key, "Value": value} for key, value in sorted(wanted.items())]
        request: dict[str, Any] = {"Namespace": namespace, **({"Dimensions": filters} if filters else {})}
        names = set()
        for page in self._pages("list_metrics", "ListMetrics", namespace, **request):
            for metric in page.get("Metrics", ()):
                if {found["Name"]: found["Value"] for found in metric.get("Dimensions", ())} == wanted:
                    names.add(str(metric["MetricName"]))
        return tuple(sorted(names))

    def _pages(self, method: str, operation: str, subject: str, **request: Any) -> Iterator[Mapping[str, Any]]:  # noqa: ANN401
        pages = iter(self._client.get_paginator(method).paginate(**request))
        while True:
            with translated(f"cloudwatch:{operation}", subject):
                page = next(pages, None)
            if page is None:
                return
            yield page


def _rule(alarm: Mapping[str, Any]) -> AlarmRule:
    """Return how an alarm is set; one that computes its metric names none, and one of a band has no threshold."""
    told: dict[str, Any] = {
        "name": alarm["AlarmName"],
        "actions_enabled": bool(alarm.get("ActionsEnabled")),
        "actions": tuple(alarm.get("AlarmActions", ())),
        "insufficient_data_actions": tuple(alarm.get("InsufficientDataActions", ())),
        "state": alarm.get("StateValue", ""),
        "state_since": _since(alarm),
    }
    if "AlarmRule" in alarm:
        return AlarmRule(kind="composite", **told)
    periods = int(alarm.get("EvaluationPeriods", 0))
    return AlarmRule(
        kind="metric",
        namespace=alarm.get("Namespace", ""),
        metric=alarm.get("MetricName", ""),
        dimensions={found["Name"]: found["Value"] for found in alarm.get("Dimensions", ())},
        statistic=alarm.get("Statistic") or alarm.get("ExtendedStatistic") or "",
        comparison=alarm.get("ComparisonOperator", ""),
        threshold=str(alarm.get("Threshold", "")),
        period_ms=int(alarm.get("Period", 0)) * 1000,
        periods=periods,
        # CloudWatch leaves out what it takes for granted: all periods must breach, and silence is no state.
        datapoints=int(alarm.get("DatapointsToAlarm") or periods),
        missing_data=alarm.get("TreatMissingData") or "missing",
        **told,
    )


def _since(alarm: Mapping[str, Any]) -> str:
    """Return since when an alarm says what it says: later words for the same state are no change of it."""
    return instants.text(alarm.get("StateTransitionedTimestamp") or alarm.get("StateUpdatedTimestamp"))


def _moment(text: str) -> datetime:
    try:
        return timestamps.parse(text)
    except FormatError as exc:
        raise ValueError(str(exc)) from exc
