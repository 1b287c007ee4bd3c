"""The alarms of the original site noticed the outage during the drill."""

from datetime import timedelta
from typing import Any

from drproof.analysis.alarm_window import COMPARISONS, detection
from drproof.formats import alarm_history
from drproof.formats.timestamps import parse
from drproof.model.contract import contract, expected
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding, compare, undecided
from drproof.phases.recovery.capture_alarms import AlarmsObserved


@contract(
    needs=["capture_alarms"],
    reads={"history": ("capture_alarms", "history")},
    subjects=expected("alarm", lambda criteria: criteria.alarms),
    controls=["NIST CP-2(3)", "NIST SI-4", "SOC 2 CC7.2"],
)
def alarm_detected_the_outage(
    capture_alarms: Receipt[AlarmsObserved], history: dict[str, Any], subject: str
) -> Finding:
    """Each alarm went from OK to ALARM on a breaching datapoint, and back, inside the drill's window."""
    if subject not in history:
        return undecided(f"no history of {subject} was captured")
    facts = capture_alarms.facts
    comparison = {alarm.name: alarm.comparison for alarm in facts.alarms}.get(subject, "")
    if comparison not in COMPARISONS:
        return undecided(f"nobody knows how {subject} compares a datapoint with its threshold")
    transitions = alarm_history.parse(history[subject])
    found = detection(transitions, since=facts.since, until=facts.until, comparison=comparison)
    return compare(observed=found.problem, expected="", reason=found.problem)


@alarm_detected_the_outage.sabotage("nothing happened", spoils="history")
def nothing_happened(history: dict[str, Any], subject: str) -> dict[str, Any]:
    """Lose the history."""
    return {**history, subject: []}


@alarm_detected_the_outage.sabotage("the alarm went off on missing data", spoils="history")
def missing_data(history: dict[str, Any], subject: str) -> dict[str, Any]:
    """Take the datapoints away."""
    return {**history, subject: [_without_datapoints(item) for item in history[subject]]}


@alarm_detected_the_outage.sabotage("it all happened a day before", spoils="history")
def a_day_before(history: dict[str, Any], subject: str) -> dict[str, Any]:
    """Move the history a day back."""
    return {**history, subject: [{**item, "Timestamp": _earlier(item["Timestamp"])} for item in history[subject]]}


@alarm_detected_the_outage.sabotage("the alarm never healed", spoils="history")
def never_healed(history: dict[str, Any], subject: str) -> dict[str, Any]:
    """Leave it in ALARM."""
    kept = [item for item in history[subject] if not _heals(item)]
    return {**history, subject: kept}


def _heals(item: dict[str, Any]) -> bool:
    return any(transition.new == "OK" for transition in alarm_history.parse([item]))


def _without_datapoints(item: dict[str, Any]) -> dict[str, Any]:
    data = str(item.get("HistoryData", ""))
    return {**item, "HistoryData": data.replace("evaluatedDatapoints", "formerDatapoints")}


def _earlier(timestamp: str) -> str:
    moment = parse(timestamp) - timedelta(days=1)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
