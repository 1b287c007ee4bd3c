"""The known defects of the reference system, in its own receipts: a whole hand-in, with what that system would write."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drproof.model.verdict import Status

RECEIPTS, HISTORY, ALARMS = "receipts", "history/events.json", "alarms/freshness.json"


@dataclass(frozen=True)
class HandedDefect:
    """One defect in the files of a hand-in, and the verdict that must notice it."""

    item: str
    says: str
    contract: str
    plant: Callable[[Path], None]
    subject: str = ""
    status: Status = Status.REFUTED

    @property
    def name(self) -> str:
        return f"{self.item}: {self.says}"

    @property
    def verdict(self) -> str:
        return f"{self.contract}[{self.subject}]" if self.subject else self.contract


def _edit(path: str, change: Callable[[Any], Any]) -> Callable[[Path], None]:
    def plant(folder: Path) -> None:
        file = folder / path
        document = json.loads(file.read_text())
        file.write_text(json.dumps(change(document), indent=2, sort_keys=True) + "\n")

    return plant


def _receipt(name: str, change: Callable[[Any], Any]) -> Callable[[Path], None]:
    return _edit(f"{RECEIPTS}/{name}.json", change)


def _result(name: str, **changes: Any) -> Callable[[Path], None]:
    def change(document: Any) -> Any:
        document["payload"]["result"] |= changes
        return document

    return _receipt(name, change)


def _given(name: str, **changes: Any) -> Callable[[Path], None]:
    def change(document: Any) -> Any:
        document["payload"]["input"] |= changes
        return document

    return _receipt(name, change)


def _said(name: str, **changes: Any) -> Callable[[Path], None]:
    return _receipt(name, lambda document: {**document, **changes})


def _heads(rows: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> Callable[[Path], None]:
    def change(document: Any) -> Any:
        found = document["payload"]["result"]["checked_keys"]
        document["payload"]["result"]["checked_keys"] = [rows(row) for row in found]
        return document

    return _receipt("restore", change)


def _head_only(row: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: row[name] for name in ("key", "content_length", "etag")}


def _failed(document: Any) -> Any:
    error = "backup contract failed, missing keys: ['atlas/backups/one/state.tar.zst']"
    return {**document, "status": "error", "payload": {"input": document["payload"]["input"], "error": error}}


def _ended(kind: str, details: str, said: Mapping[str, str]) -> Callable[[Path], None]:
    """Let the history end otherwise than by a success."""

    def change(document: Any) -> Any:
        last = document["events"][-1]
        kept = {name: last[name] for name in ("id", "previousEventId", "timestamp")}
        document["events"][-1] = {**kept, "type": kind, details: dict(said)}
        return document

    return _edit(HISTORY, change)


def _ended_as(kind: str, status: str, details: str, **said: str) -> Callable[[Path], None]:
    def plant(folder: Path) -> None:
        _ended(kind, details, said)(folder)
        _edit("history/description.json", lambda document: {**document, "status": status})(folder)

    return plant


def _still_running(folder: Path) -> None:
    _edit(HISTORY, lambda document: {**document, "events": document["events"][:-1]})(folder)

    def running(document: Any) -> Any:
        return {name: value for name, value in document.items() if name != "stopDate"} | {"status": "RUNNING"}

    _edit("history/description.json", running)(folder)


def _missing_data(document: Any) -> Any:
    """Write the rise as CloudWatch writes it of an alarm that takes missing data for a breach."""
    for item in document["AlarmHistoryItems"]:
        data = json.loads(item["HistoryData"])
        if data.get("newState", {}).get("stateValue") == "ALARM":
            data["newState"]["stateReason"] = (
                "Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint was treated as "
                "[Breaching]."
            )
            data["newState"]["stateReasonData"] |= {
                "recentDatapoints": [],
                "evaluatedDatapoints": [{"timestamp": "2026-05-04T09:45:00.000+0000"}],
            }
            item["HistoryData"] = json.dumps(data)
    return document


def _gone(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / RECEIPTS / f"{name}.json").unlink()


CREATED = (
    "NAME     STATUS   ROLES           AGE     VERSION\nrunner   Ready    control-plane   7m40s   v1.31.5\n"
    "namespace/atlas created\n"
)
OLD = (
    "NAME     STATUS   ROLES           AGE     VERSION\nrunner   Ready    control-plane   47m     v1.31.5\n"
    "namespace/atlas Active\n"
)
NO_CHANGES = {"add": 0, "change": 0, "destroy": 0}

HANDED: tuple[HandedDefect, ...] = (
    HandedDefect(
        "1",
        "restore is a row of HEAD requests",
        "something_was_restored",
        _heads(_head_only),
        # A receipt that shows existence does not show that nothing was restored either.
        status=Status.UNPROVEN,
    ),
    HandedDefect(
        "1",
        "an empty object passes",
        "something_was_restored",
        _heads(lambda row: {**_head_only(row), "content_length": 0}),
    ),
    HandedDefect("1", "restore looked at no key", "something_was_restored", _result("restore", checked_keys=[])),
    HandedDefect(
        "2", "validation creates the namespace", "validation_made_nothing", _result("validate", stdout_tail=CREATED)
    ),
    HandedDefect("3", "the alarm fired on missing data", "an_alarm_noticed_the_outage", _edit(ALARMS, _missing_data)),
    HandedDefect(
        "4",
        "bring-up changed nothing",
        "bringup_started_a_machine",
        _said("codebuild-bringup", terraform_changes=NO_CHANGES),
    ),
    HandedDefect("4", "the node was warm", "bringup_started_a_machine", _result("validate", stdout_tail=OLD)),
    HandedDefect(
        "7",
        "the notice of a failure overwrote that of the validation",
        "people_were_told_of_the_validation",
        _given("notify", status="dr_orchestrator_phase_failed"),
    ),
    HandedDefect(
        "7",
        "a receipt was written over afterwards",
        "receipt_is_the_stored_object",
        _said("restore", timestamp_utc="2026-05-04T10:11:00Z"),
        "restore",
    ),
    HandedDefect(
        "7",
        "what a receipt says is not what the execution did",
        "receipt_says_what_the_history_says",
        _result("validate", command_id="c-2"),
        "validate",
    ),
    HandedDefect(
        "8",
        "a receipt that says error is there",
        "receipt_is_there_and_says_ok",
        _receipt("restore", _failed),
        "restore",
    ),
    HandedDefect(
        "8",
        "a receipt of another execution",
        "receipts_are_of_one_execution",
        _given("validate", execution_id="atlas-drill-20260503"),
    ),
    HandedDefect(
        "8",
        "the bundle is that of an older execution",
        "receipt_was_written_during_the_execution",
        _said("check_health", timestamp_utc="2026-05-03T10:01:00Z"),
        "check_health",
    ),
    HandedDefect(
        "9",
        "success is another word for ok",
        "receipt_is_there_and_says_ok",
        _said("validate", status="success"),
        "validate",
    ),
    HandedDefect(
        "9",
        "an aborted execution bears a name of success",
        "execution_succeeded",
        _ended_as("ExecutionAborted", "ABORTED", "executionAbortedEventDetails"),
    ),
    HandedDefect("9", "an execution that still runs", "execution_succeeded", _still_running),
    HandedDefect("9", "the text false approves", "approval_was_given", _result("promote", approved="false")),
    HandedDefect(
        "10",
        "a time without a colon",
        "every_file_is_known_and_read",
        _said("validate", timestamp_utc="2026-05-04T1013:00Z"),
    ),
    HandedDefect(
        "11",
        "a build that failed leaves no receipt",
        "receipt_is_there_and_says_ok",
        _gone("codebuild-bringup"),
        "bringup",
        status=Status.UNPROVEN,
    ),
    HandedDefect(
        "11",
        "a path that does not resolve ends the execution uncaught",
        "execution_succeeded",
        _ended_as(
            "ExecutionFailed",
            "FAILED",
            "executionFailedEventDetails",
            error="States.Runtime",
            cause="The JSONPath '$.reason' could not be found in the input",
        ),
    ),
    HandedDefect("12", "the command failed", "validation_made_nothing", _result("validate", status="Failed")),
    HandedDefect(
        "19",
        "another machine was validated than was brought up",
        "one_machine_throughout",
        _given("validate", instance_id="i-0fedcba9876543210"),
    ),
)
