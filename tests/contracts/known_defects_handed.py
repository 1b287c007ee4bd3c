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
    base: str = "whole_ok"
    """The case of `tests/imports/data` that it is planted in."""

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


def _all(*plants: Callable[[Path], None]) -> Callable[[Path], None]:
    def plant(folder: Path) -> None:
        for one in plants:
            one(folder)

    return plant


def _switch(kind: str, **changes: Any) -> Callable[[Path], None]:
    """Change a receipt of the script that switches pointers back."""
    return _receipt(f"drill.failback.{kind}", lambda document: {**document, **changes})


def _texts(change: Callable[[str], str], pattern: str) -> Callable[[Path], None]:
    def plant(folder: Path) -> None:
        for file in (folder / RECEIPTS).glob(pattern):
            file.write_text(change(file.read_text()))

    return plant


def _replaced_another(folder: Path) -> None:
    _versions(folder, lambda row: row if row["IsLatest"] else {**row, "ETag": f'"{"ab" * 16}"'})


def _versions_gone(folder: Path) -> None:
    _versions(folder, lambda row: row if row["IsLatest"] else None)


def _versions(folder: Path, change: Callable[[Any], Any]) -> None:
    listing = folder / "listing.json"
    rows = [change(row) for row in json.loads(listing.read_text())["Versions"]]
    listing.write_text(json.dumps({"Versions": [row for row in rows if row is not None]}))


def _legacy_pair_only(kind: str, member: str) -> Callable[[Path], None]:
    """Leave the pointers of the candidate out, as a script does that knows two of four."""

    def change(document: Any) -> Any:
        return {**document, member: [row for row in document[member] if "candidates" not in json.dumps(row)]}

    return _receipt(f"drill.failback.{kind}", change)


def _without_prefix(pointer: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**pointer, "run_path": f"runs/{pointer['run_id']}/"}


def _shapeless(folder: Path) -> None:
    """Write pointers whose path has no prefix and ends in a slash: as they were planned, and as they were read back."""

    def planned(plan: Any) -> Any:
        updates = [{**row, "payload": _without_prefix(row["payload"])} for row in plan["pointer_updates"]]
        return {**plan, "pointer_updates": updates}

    _receipt("drill.failback.plan", planned)(folder)
    _receipt("after/global", _without_prefix)(folder)


RECOVERED, ORIGINAL = "2026-05-04T11:00:12.250000+00:00", "2026-05-03T23:00:41.500000+00:00"
BACK = "failback_ok"
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
        "5",
        "a failback from a run to itself",
        "failback_is_between_two_runs",
        _all(
            *(
                _texts(lambda text: text.replace(RECOVERED, ORIGINAL), pattern)
                for pattern in ("*.json", "before/*.json", "before/**/last_success.json")
            )
        ),
        base=BACK,
    ),
    HandedDefect(
        "5",
        "what was planned is not what the inputs named",
        "failback_is_between_two_runs",
        _switch("plan", from_run_id="2026-05-01T11:00:00+00:00"),
        base=BACK,
    ),
    HandedDefect(
        "5",
        "a dry run is no failback",
        "failback_was_applied",
        _all(
            _switch("inputs", apply_mode=False, dry_run=True),
            _gone("drill.failback.apply"),
            _gone("drill.failback.verify_after"),
        ),
        base=BACK,
    ),
    HandedDefect(
        "5",
        "the pointers never named the recovered run",
        "pointer_was_switched_back",
        _texts(lambda text: text.replace(RECOVERED, ORIGINAL), "before/global.json"),
        "global-legacy",
        base=BACK,
    ),
    HandedDefect(
        "5",
        "nothing but the script's own receipts tells of it",
        "pointer_read_back_is_the_stored_one",
        lambda folder: (folder / "listing.json").unlink(),
        "global",
        status=Status.UNPROVEN,
        base=BACK,
    ),
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
        "9",
        "a text stands where it was to say whether it was applied",
        "failback_was_applied",
        _switch("apply", applied="false"),
        base=BACK,
    ),
    HandedDefect(
        "9",
        "the status of a failback is left at running",
        "failback_was_applied",
        _receipt("failback.summary", lambda document: {**document, "status": "running"}),
        base=BACK,
    ),
    HandedDefect(
        "10",
        "the times of a failback have no colon",
        "every_file_of_the_failback_is_known_and_read",
        _texts(lambda text: text.replace("T09:30:", "T0930:"), "drill.failback.phase_timestamps.json"),
        base=BACK,
    ),
    HandedDefect(
        "11",
        "a failback that failed leaves no receipt of its apply",
        "failback_was_applied",
        _gone("drill.failback.apply"),
        status=Status.UNPROVEN,
        base=BACK,
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
    HandedDefect(
        "12",
        "a comparison that was skipped stops nothing",
        "runs_were_compared_and_match",
        _texts(lambda _: "skipped: missing artifacts\n", "compare_run_artifacts.log"),
        base=BACK,
    ),
    HandedDefect(
        "12",
        "a comparison that found differences stops nothing",
        "runs_were_compared_and_match",
        _texts(
            lambda _: "FAIL: dual-run deterministic comparison failed\n- scores differ\ncompare_exit=1\n",
            "compare_run_artifacts.log",
        ),
        base=BACK,
    ),
    HandedDefect(
        "12",
        "a log says that runs match whose copies beside it differ",
        "copies_of_the_runs_come_to_the_same",
        _texts(lambda text: text.replace("a,3,A", "a,4,A"), "compare/dr/*/*/*.csv"),
        base=BACK,
    ),
    HandedDefect("12", "the command failed", "validation_made_nothing", _result("validate", status="Failed")),
    HandedDefect(
        "18",
        "the original's schedule ran while the pointers were switched",
        "schedules_were_frozen",
        _texts(lambda text: text.replace('"suspend": true', '"suspend": false'), "primary.cronjobs.after.json"),
        "original",
        base=BACK,
    ),
    HandedDefect(
        "18",
        "nobody thought of the original's schedule",
        "schedules_were_frozen",
        lambda folder: (folder / RECEIPTS / "primary.cronjobs.after.json").unlink(),
        "original",
        status=Status.UNPROVEN,
        base=BACK,
    ),
    HandedDefect(
        "19",
        "another machine was validated than was brought up",
        "one_machine_throughout",
        _given("validate", instance_id="i-0fedcba9876543210"),
    ),
    HandedDefect(
        "20",
        "a pointer was written over whoever had written it since",
        "pointer_replaced_what_was_read",
        _replaced_another,
        "global",
        base=BACK,
    ),
    HandedDefect(
        "20",
        "what a pointer was is kept nowhere: nothing can be taken back",
        "pointer_replaced_what_was_read",
        _versions_gone,
        "global",
        status=Status.UNPROVEN,
        base=BACK,
    ),
    HandedDefect(
        "20",
        "half of the pointers are switched",
        "pointer_was_switched_back",
        _all(_legacy_pair_only("plan", "pointer_updates"), _legacy_pair_only("apply", "updated_keys")),
        "global",
        base=BACK,
    ),
    HandedDefect(
        "20",
        "a planned pointer is not written",
        "failback_was_applied",
        _legacy_pair_only("apply", "updated_keys"),
        base=BACK,
    ),
    HandedDefect(
        "20",
        "a pointer is written in another shape",
        "pointer_was_switched_back",
        _shapeless,
        "global-legacy",
        base=BACK,
    ),
)
