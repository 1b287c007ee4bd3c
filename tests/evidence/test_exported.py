"""What of an execution may be written down: members that are known, words only where proven harmless, no secret."""

import json
from typing import Any

import pytest

from drproof.evidence.exported import TAG, Export
from drproof.evidence.redaction import MASK, Redactor

TOKEN = "AAAAKgAAAA" + "Qx7" * 30
OTHER = "AAAAKgAAAA" + "Zp2" * 30


def _export() -> Export:
    return Export(Redactor())


def _event(kind: str, **details: Any) -> dict[str, Any]:
    name = kind[0].lower() + kind[1:] + "EventDetails"
    told = {"id": 2, "previousEventId": 1, "type": kind, "timestamp": "2026-01-01T00:00:00.000Z", "odd": "x"}
    return _export().event(told | {name: details})


def _details(event: dict[str, Any]) -> Any:
    (found,) = [value for name, value in event.items() if name.endswith("EventDetails")]
    return found


def test_of_an_event_only_known_members_are_kept():
    event = _event(
        "TaskScheduled",
        resource="invoke",
        region="us-west-2",
        parameters="{}",
        unheard_of="x",
        taskCredentials={"roleArn": "r"},
    )

    assert event.keys() == {"id", "previousEventId", "type", "timestamp", "taskScheduledEventDetails"}
    assert _details(event).keys() == {"resource", "region", "parameters"}


def test_of_what_a_task_was_called_with_only_known_members_are_kept():
    asked = {
        "FunctionName": "f",
        "Payload": {"act": "notify"},
        "Message": "words",
        "IdempotencyToken": "x",
        "ProjectName": "p",
    }

    (kept,) = [_details(_event("TaskScheduled", parameters=json.dumps(asked)))["parameters"]]

    assert json.loads(kept) == {"FunctionName": "f", "Payload": {"act": "notify"}, "ProjectName": "p"}


@pytest.mark.parametrize(
    ("answered", "kept"),
    [
        ({"Payload": {"a": 1}, "StatusCode": 200, "SdkHttpMetadata": {}}, {"Payload": {"a": 1}, "StatusCode": 200}),
        (
            {"Build": {"Id": "p:1", "BuildStatus": "SUCCEEDED", "Environment": {}}},
            {"Build": {"BuildStatus": "SUCCEEDED", "Id": "p:1"}},
        ),
        ({"approved": True}, {"approved": True}),
        ({"Payload": {"a": 1}}, {"Payload": {"a": 1}}),
    ],
)
def test_of_an_answer_what_is_the_services_own_is_left_out(answered, kept):
    assert json.loads(_details(_event("TaskSucceeded", output=json.dumps(answered)))["output"]) == kept


def test_what_is_no_json_is_somebodys_prose():
    for name in ("input", "output", "parameters"):
        assert MASK in _details(_event("TaskSucceeded", **{name: "Grüße von q8Zr4TvLx2Wm9Bn6Kd1P"}))[name]


@pytest.mark.parametrize("kind", ["TaskStateEntered", "TaskStateExited", "PassStateExited"])
def test_states_repeat_no_data(kind):
    assert _details(_event(kind, name="Restore", input='{"a": 1}', output="{}", cause="x")) == {"name": "Restore"}


def test_a_cut_text_is_told_as_cut():
    assert _details(_event("TaskSucceeded", output="{}", outputDetails={"truncated": True, "x": 1}))[
        "outputDetails"
    ] == {"truncated": True}


def test_of_a_cause_the_members_of_builds_and_functions_are_kept_and_else_what_is_harmless():
    build = {"Build": {"Id": "p:1", "BuildStatus": "FAILED", "Logs": {}}}
    bare = {"BuildStatus": "FAILED", "Phases": []}
    function = {"errorType": "PhaseFailed", "errorMessage": "restore failed", "trace": ["x"]}

    assert json.loads(_export().cause(json.dumps(build))) == {"Build": {"BuildStatus": "FAILED", "Id": "p:1"}}
    assert json.loads(_export().cause(json.dumps(bare))) == {"Build": {"BuildStatus": "FAILED"}}
    assert json.loads(_export().cause(json.dumps(function))) == {
        "errorType": "PhaseFailed",
        "errorMessage": "restore failed",
    }
    assert "q8Zr4TvL" not in _export().cause("q8Zr4TvLx2Wm9Bn6Kd1P") + _export().cause('["q8Zr4TvLx2Wm9Bn6Kd1P"]')


def test_equal_tokens_have_equal_tags_within_one_export_and_in_no_other():
    export = _export()
    one = export.value(
        {"task_token": TOKEN, "rows": [f"before {TOKEN}", {"TaskToken": TOKEN}], "other": {"task_token": OTHER}}
    )

    assert TAG.fullmatch(one["task_token"])
    assert one["rows"][1]["TaskToken"] == one["task_token"] != one["other"]["task_token"]
    assert TOKEN not in json.dumps(one)
    assert _export().value({"task_token": TOKEN}) != {"task_token": one["task_token"]}


def test_a_short_hint_under_a_tokens_name_approves_nothing_and_needs_no_tag():
    assert not TAG.fullmatch(_export().value({"task_token": "short"})["task_token"])


def test_a_file_without_a_secret_is_kept_byte_for_byte():
    data = b'{ "a": 1.50,\n"b": "restore"}'
    export = _export()

    assert export.file("a.json", data) == data
    assert export.masked == []


def test_a_file_with_a_secret_is_written_without_it_and_says_where_it_was():
    export = _export()
    data = json.dumps({"input": {"task_token": TOKEN}, "key": "AKIAABCDEFGHIJKLMNOP"}).encode()

    written = export.file("a.json", data)

    assert TOKEN.encode() not in written
    assert b"AKIAABCDEFGHIJKLMNOP" not in written
    assert [(one["file"], one["kind"], one["where"]) for one in export.masked] == [
        ("a.json", "task_token", "/input/task_token"),
        ("a.json", "access_key", "/key"),
    ]


def test_a_file_that_is_no_json_is_somebodys_prose():
    export = _export()

    assert b"q8Zr4TvL" not in export.file("a.json", b"q8Zr4TvLx2Wm9Bn6Kd1P {")
    assert export.masked == [{"file": "a.json", "kind": "text", "where": ""}]
    assert export.file("b.json", b"restore {") == b"restore {"
