"""CloudWatch: alarms are evaluated when data arrive and when they fail to, and keep a history that can be read.

A drill lasts seconds and an alarm's period a minute. Here each arrival of data closes a period, so that an outage
and its end are seen while a drill runs; silence is noticed after the true length of the periods.
"""

import functools
import json
import threading
import time
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from moto.cloudwatch import models
from moto.cloudwatch.models import Alarm, CloudWatchBackend, Dimension, MetricDatumBase, Statistics, cloudwatch_backends
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult

from drproof.embedded.shims import seams
from drproof.embedded.shims.alarms import UNKNOWN, Datapoint, Decision, judge, judge_silence
from drproof.embedded.world import World

SEAMS = (
    "moto.cloudwatch.models:Alarm.update_state",
    "moto.cloudwatch.models:are_dimensions_same",
    "moto.cloudwatch.models:Statistics.get_statistics_for_type",
    "moto.cloudwatch.models:CloudWatchBackend.put_metric_alarm",
    "moto.cloudwatch.models:CloudWatchBackend.put_metric_data",
    "moto.cloudwatch.models:CloudWatchBackend.set_alarm_state",
    "moto.cloudwatch.responses:CloudWatchResponse.describe_alarms",
)
TICK_SECONDS = 1.0
PAGE = 100
_turn = threading.RLock()


class Watch:
    """What the emulator does not keep of one alarm: its periods, its history, when it last had data."""

    def __init__(self) -> None:
        self.periods: deque[Datapoint] = deque(maxlen=100)
        self.history: list[dict[str, Any]] = []
        self.heard = time.monotonic()


_watches: dict[str, Watch] = {}


def install(world: World) -> None:
    """Let alarms be evaluated, and their history be read."""
    put_alarm, put_data = CloudWatchBackend.put_metric_alarm, CloudWatchBackend.put_metric_data

    @functools.wraps(put_alarm)
    def put_metric_alarm(self: CloudWatchBackend, **asked: Any) -> Alarm:  # noqa: ANN401 — moto's signature
        with _turn:
            before = self.alarms.get(asked["name"])
            alarm = put_alarm(self, **asked)
            now = datetime.now(UTC)
            if before:
                alarm.state_value, alarm.state_reason = before.state_value, before.state_reason
                alarm.state_reason_data = before.state_reason_data
                alarm.state_updated_timestamp = before.state_updated_timestamp
            else:
                alarm.state_value = UNKNOWN
            verb = "updated" if before else "created"
            _note(alarm, now, "ConfigurationUpdate", f'Alarm "{alarm.name}" {verb}', {"version": "1.0", "type": verb})
            return alarm

    @functools.wraps(put_data)
    def put_metric_data(self: CloudWatchBackend, namespace: str, metric_data: list[dict[str, Any]]) -> None:
        with _turn:
            known = len(self.metric_data)
            put_data(self, namespace, metric_data)
            arrived = self.metric_data[known:]
            for alarm in list(self.alarms.values()):
                _hear(alarm, arrived, datetime.now(UTC))

    def update_state(self: Alarm, reason: str, reason_data: str, state_value: str) -> None:
        data = json.loads(reason_data) if reason_data else {}
        _change(self, Decision(state=state_value, reason=reason, data=data), datetime.now(UTC))

    seams.put(models, "are_dimensions_same", _same)
    seams.put(CloudWatchBackend, "put_metric_alarm", put_metric_alarm)
    seams.put(CloudWatchBackend, "put_metric_data", put_metric_data)
    seams.put(Alarm, "update_state", update_state)
    seams.add(CloudWatchResponse, "describe_alarm_history", describe_alarm_history)
    threading.Thread(target=_listen, args=(world,), daemon=True).start()


def backdate(alarm: Alarm, at: datetime) -> None:
    """Let an alarm have been created at `at`."""
    with _turn:
        for item in _watch(alarm).history:
            item["Timestamp"] = at
        alarm.configuration_updated_timestamp = at.replace(tzinfo=None)


def replay(alarm: Alarm, value: float, at: datetime) -> None:
    """Let an alarm hear a datapoint of the past, as its history then tells it."""
    with _turn:
        watch = _watch(alarm)
        watch.periods.append(Datapoint(at=at, count=1.0, value=value))
        _change(alarm, judge(alarm, watch.periods, at), at)


def fall_silent(alarm: Alarm) -> None:
    """Let an alarm find that its periods passed without data."""
    with _turn:
        now = datetime.now(UTC)
        _watch(alarm).periods.clear()
        decision = judge_silence(alarm, now)
        if decision:
            _change(alarm, decision, now)


def describe_alarm_history(self: CloudWatchResponse) -> ActionResult:
    """Answer `DescribeAlarmHistory`."""
    name, kind = self._get_param("AlarmName"), self._get_param("HistoryItemType")
    start, end = self._get_param("StartDate"), self._get_param("EndDate")
    size = int(self._get_param("MaxRecords") or PAGE)
    offset = int(self._get_param("NextToken") or 0)
    with _turn:
        items = [
            item
            for alarm in list(self.cloudwatch_backend.alarms.values())
            if name in {None, alarm.name}
            for item in _watch(alarm).history
            if kind in {None, item["HistoryItemType"]}
            and (start is None or item["Timestamp"] >= _utc(start))
            and (end is None or item["Timestamp"] <= _utc(end))
        ]
    newest_first = self._get_param("ScanBy") != "TimestampAscending"
    items.sort(key=lambda item: item["Timestamp"], reverse=newest_first)
    result: dict[str, Any] = {"AlarmHistoryItems": items[offset : offset + size]}
    if offset + size < len(items):
        result["NextToken"] = str(offset + size)
    return ActionResult(result)


def _watch(alarm: Alarm) -> Watch:
    return _watches.setdefault(alarm.alarm_arn, Watch())


def _hear(alarm: Alarm, arrived: Sequence[MetricDatumBase], now: datetime) -> None:
    """Close one period of an alarm with the data that arrived for it."""
    mine = [datum for datum in arrived if _concerns(alarm, datum)]
    if not mine:
        return
    at = max(_utc(datum.timestamp) for datum in mine)
    statistics = Statistics([alarm.statistic, "SampleCount"], at)
    statistics.metric_data = mine
    value = statistics.get_statistics_for_type(alarm.statistic)
    count = statistics.get_statistics_for_type("SampleCount")
    if value is None or count is None:
        return
    watch = _watch(alarm)
    watch.heard = time.monotonic()
    watch.periods.append(Datapoint(at=at, count=float(count), value=float(value)))
    _change(alarm, judge(alarm, watch.periods, now), now)


def _concerns(alarm: Alarm, datum: MetricDatumBase) -> bool:
    if (alarm.namespace, alarm.metric_name) != (datum.namespace, datum.name):
        return False
    return _same(alarm.dimensions, datum.dimensions)


def _same(one: Sequence[Dimension], other: Sequence[Dimension]) -> bool:
    # The emulator compares each with each, so that a metric of two dimensions is never the same as itself.
    return {(item.name, item.value) for item in one} == {(item.name, item.value) for item in other}


def _change(alarm: Alarm, decision: Decision, at: datetime) -> None:
    """Take an alarm to a state; only a transition is history."""
    if decision.state == alarm.state_value:
        return
    before = {"stateValue": alarm.state_value, "stateReason": alarm.state_reason}
    if alarm.state_reason_data and alarm.state_reason_data != "{}":
        before["stateReasonData"] = json.loads(alarm.state_reason_data)
    after: dict[str, Any] = {"stateValue": decision.state, "stateReason": decision.reason}
    if decision.data:
        after["stateReasonData"] = decision.data
    summary = f"Alarm updated from {alarm.state_value} to {decision.state}"
    _note(alarm, at, "StateUpdate", summary, {"version": "1.0", "oldState": before, "newState": after})
    alarm.state_value, alarm.state_reason = decision.state, decision.reason
    alarm.state_reason_data = json.dumps(decision.data)
    alarm.state_updated_timestamp = at


def _note(alarm: Alarm, at: datetime, kind: str, summary: str, data: dict[str, Any]) -> None:
    _watch(alarm).history.append(
        {
            "AlarmName": alarm.name,
            "AlarmType": "MetricAlarm",
            "Timestamp": at,
            "HistoryItemType": kind,
            "HistorySummary": summary,
            "HistoryData": json.dumps(data),
        }
    )


def _listen(world: World) -> None:
    """Notice, once a second, which alarms had no data for all of their periods."""
    sites = (world.primary, world.recovery)
    while True:
        time.sleep(TICK_SECONDS)
        for site in sites:
            with _turn:
                for alarm in list(cloudwatch_backends[site.account_id][site.region].alarms.values()):
                    if alarm.rule is None and alarm.period and _silent(alarm):
                        fall_silent(alarm)


def _silent(alarm: Alarm) -> bool:
    return time.monotonic() - _watch(alarm).heard > int(alarm.period) * int(alarm.evaluation_periods)


def _utc(at: datetime) -> datetime:
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
