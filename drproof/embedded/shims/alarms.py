"""How an alarm decides: from the datapoints of its last periods, or from their absence, to a state and its reason."""

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

OK, ALARM, UNKNOWN = "OK", "ALARM", "INSUFFICIENT_DATA"


class AlarmRule(Protocol):
    """What the emulator keeps of an alarm, as far as deciding needs it."""

    name: str
    comparison_operator: str
    threshold: float
    statistic: str
    period: int
    evaluation_periods: int
    datapoints_to_alarm: int | None
    treat_missing_data: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Datapoint:
    """What one period came to."""

    at: datetime
    count: float
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The state that an alarm must have, why, and the data behind it."""

    state: str
    reason: str
    data: dict[str, Any]


_OPERATORS: Mapping[str, tuple[str, Callable[[float, float], bool]]] = {
    "GreaterThanThreshold": ("greater than", operator.gt),
    "GreaterThanOrEqualToThreshold": ("greater than or equal to", operator.ge),
    "LessThanThreshold": ("less than", operator.lt),
    "LessThanOrEqualToThreshold": ("less than or equal to", operator.le),
}
_MISSING = {"breaching": ALARM, "notBreaching": OK, "missing": UNKNOWN}


def judge(rule: AlarmRule, points: Sequence[Datapoint], now: datetime) -> Decision:
    """Return what the last periods say; `points` is oldest first and not empty."""
    words, breaches = _OPERATORS[rule.comparison_operator]
    threshold = float(rule.threshold)
    window = list(points)[-int(rule.evaluation_periods) :]
    needed = int(rule.datapoints_to_alarm or rule.evaluation_periods)
    bad = [point for point in window if breaches(point.value, threshold)]
    alarming = len(bad) >= needed
    shown = bad if alarming else [point for point in window if point not in bad]
    values = ", ".join(f"{point.value} ({point.at:%d/%m/%y %H:%M:%S})" for point in shown)
    change = "OK -> ALARM" if alarming else "ALARM -> OK"
    reason = (
        f"Threshold Crossed: {len(shown)} out of the last {len(window)} datapoints [{values}] "
        f"{'was' if alarming else 'was not'} {words} the threshold ({threshold}) "
        f"(minimum {needed} datapoint{'' if needed == 1 else 's'} for {change} transition)."
    )
    return Decision(state=ALARM if alarming else OK, reason=reason, data=_data(rule, window, now))


def judge_silence(rule: AlarmRule, now: datetime) -> Decision | None:
    """Return what missing data say, or None when the alarm ignores them."""
    treatment = rule.treat_missing_data or "missing"
    state = _MISSING.get(treatment)
    if state is None:
        return None
    reason = f"Threshold Crossed: no datapoints were received for {rule.evaluation_periods} period"
    if state == UNKNOWN:
        reason = f"Insufficient Data: {rule.evaluation_periods} datapoint was unknown."
    else:
        word = treatment[0].upper() + treatment[1:]
        reason += f" and {rule.evaluation_periods} missing datapoint was treated as [{word}]."
    return Decision(state=state, reason=reason, data=_data(rule, [], now))


def moment(at: datetime) -> str:
    """Return an instant as alarm histories write it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}+0000"


def _data(rule: AlarmRule, window: Sequence[Datapoint], now: datetime) -> dict[str, Any]:
    data: dict[str, Any] = {
        "version": "1.0",
        "queryDate": moment(now),
        "statistic": rule.statistic,
        "period": int(rule.period),
        "recentDatapoints": [point.value for point in window],
        "threshold": float(rule.threshold),
        "evaluatedDatapoints": [
            {"timestamp": moment(point.at), "sampleCount": point.count, "value": point.value}
            for point in reversed(window)
        ],
    }
    if window:
        data["startDate"] = moment(window[0].at)
    return data
