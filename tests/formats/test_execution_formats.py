"""What an orchestrator and its platform write is read strictly: what cannot be read is no evidence."""

import json
from dataclasses import replace
from typing import Any

import pytest

from drproof.formats import alarm_evidence, execution_history, receipt_manifest, receipts_v1, s3_listing, secret_shapes
from drproof.formats.aws_instants import instant
from drproof.formats.node_table import ages
from drproof.model.errors import FormatError

AT = "2026-05-04T10:00:00Z"
LAMBDA: dict[str, Any] = {
    "schema_version": 1,
    "timestamp_utc": AT,
    "phase": "notify",
    "status": "ok",
    "payload": {
        "input": {"execution_id": "drill", "expected_account_id": "111122223333", "region": "eu-west-1", "n": 6.0},
        "result": {"account_id": "111122223333"},
    },
}
BUILD: dict[str, Any] = {
    "schema_version": 1,
    "timestamp_utc": AT,
    "phase": "bringup",
    "status": "ok",
    "execution_id": "drill",
    "build_id": "infra:1",
    "account_id": "111122223333",
    "region": "eu-west-1",
    "terraform_backend": {},
    "terraform_outputs": {},
}


def _data(value):
    return json.dumps(value).encode()


def _code(call, *args):
    with pytest.raises(FormatError) as refused:
        call(*args)
    return refused.value.code


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("2026-05-04T10:00:00Z", "2026-05-04T10:00:00.000Z"),
        ("2026-05-04T05:00:00.341999-05:00", "2026-05-04T10:00:00.341Z"),
        ("2026-05-04T10:00:00.120+0000", "2026-05-04T10:00:00.120Z"),
        ("2026-05-04T12:00:00+0200", "2026-05-04T10:00:00.000Z"),
        (1777888800, "2026-05-04T10:00:00.000Z"),
        (1777888800.25, "2026-05-04T10:00:00.250Z"),
    ],
)
def test_an_instant_has_one_form_whoever_wrote_it(given, said):
    assert instant(given) == said


@pytest.mark.parametrize("given", ["2026-05-04T10:00:00", "soon", "", None, True, 1e300, "2026-05-04T1000:00Z", []])
def test_what_is_no_instant_is_refused(given):
    assert _code(instant, given) == "timestamp"


def test_a_receipt_says_who_where_and_when():
    receipt = receipts_v1.parse(_data(LAMBDA), "notify")

    assert (receipt.form, receipt.phase, receipt.status, receipt.at) == (
        "lambda",
        "notify",
        "ok",
        "2026-05-04T10:00:00.000Z",
    )
    assert (receipt.execution, receipt.account_id, receipt.region) == ("drill", "111122223333", "eu-west-1")


def test_an_execution_is_known_by_its_name_also_where_its_arn_is_given():
    arn = "arn:aws:states:eu-west-1:111122223333:execution:machine:drill"

    assert receipts_v1.identifier(arn) == "drill"
    assert receipts_v1.identifier(7) == ""


def test_numbers_and_the_order_of_members_do_not_change_a_digest_and_a_value_does():
    assert receipts_v1.digest({"a": 6, "b": [1]}) == receipts_v1.digest({"b": [1.0], "a": 6.0})
    assert receipts_v1.digest({"a": 6}) != receipts_v1.digest({"a": 6.5})
    assert receipts_v1.digest({"a": True}) != receipts_v1.digest({"a": 1})


def test_a_phase_that_failed_has_an_error_in_place_of_its_result():
    failed = {**LAMBDA, "status": "error", "payload": {"input": LAMBDA["payload"]["input"], "error": "it broke"}}

    assert receipts_v1.parse(_data(failed), "notify").status == "error"


@pytest.mark.parametrize(
    ("stem", "document", "missing", "code"),
    [
        *(
            ("notify", LAMBDA, name, "receipt-field")
            for name in ("schema_version", "phase", "status", "timestamp_utc", "payload")
        ),
        *(("bringup", BUILD, name, "receipt-field") for name in ("build_id", "terraform_backend", "terraform_outputs")),
    ],
)
def test_a_receipt_without_a_field_is_refused_in_the_references_words(stem, document, missing, code):
    short = {name: value for name, value in document.items() if name != missing}
    with pytest.raises(FormatError, match=f"^{stem}:missing_field:{missing}$") as refused:
        receipts_v1.parse(_data(short), stem)

    assert refused.value.code == code


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"schema_version": 2}, "receipt-version"),
        ({"schema_version": True}, "receipt-version"),
        ({"schema_version": "1"}, "receipt-version"),
        ({"timestamp_utc": "2026-05-04 10:00"}, "timestamp"),
        ({"payload": []}, "receipt-field"),
        ({"payload": {"input": {}}}, "receipt-field"),
        ({"payload": {"result": {}}}, "receipt-field"),
        ({"payload": {"input": 1, "result": {}}}, "receipt-field"),
        ({"payload": {"input": {}, "result": []}}, "receipt-field"),
    ],
)
def test_a_receipt_of_another_shape_is_refused(change, code):
    assert _code(receipts_v1.parse, _data({**LAMBDA, **change}), "notify") == code


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"[]", "receipt-field"), (b"{", "json-syntax"), (b'{"a":1,"a":2}', "json-duplicate-key"), (b"\xff", "json-utf8")],
)
def test_a_file_that_has_no_one_reading_is_no_receipt(data, code):
    assert _code(receipts_v1.parse, data, "notify") == code


def test_a_receipt_of_a_build_is_told_by_its_build():
    receipt = receipts_v1.parse(_data(BUILD), "codebuild-bringup")

    assert (receipt.form, receipt.result_sha256) == ("build", receipts_v1.digest("infra:1"))
    assert receipt.given_sha256 == ""


def test_a_decision_of_the_drill_script_is_a_receipt_of_its_own_form():
    receipt = receipts_v1.parse(_data({"timestamp_utc": AT, "approved": True}), "promote.decision")

    assert (receipt.form, receipt.status) == ("decision", "ok")
    assert _code(receipts_v1.parse, _data({"timestamp_utc": AT}), "promote.decision") == "receipt-field"


NODATA = (
    "Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint was treated as [Breaching]."
)
OVER = "Threshold Crossed: 1 datapoint [7.5 (04/05/26 09:45:00)] was greater than the threshold (6.0)."
WHY = {
    "period": 300,
    "threshold": 6.0,
    "recentDatapoints": [7.5],
    "evaluatedDatapoints": [{"timestamp": "2026-05-04T09:45:00.000+0000", "value": 7.5}],
}


def _item(reason=OVER, why=WHY, **changes):
    new = {
        "stateValue": "ALARM",
        **({"stateReason": reason} if reason else {}),
        **({"stateReasonData": why} if why else {}),
    }
    return {
        "AlarmName": "a",
        "Timestamp": AT,
        "HistoryItemType": "StateUpdate",
        "HistorySummary": "Alarm updated from OK to ALARM",
        "HistoryData": json.dumps({"oldState": {"stateValue": "OK"}, "newState": new}),
        **changes,
    }


def test_a_change_of_an_alarm_keeps_what_it_rests_on():
    (change,) = alarm_evidence.parse({"AlarmHistoryItems": [_item()]})

    assert (change.alarm, change.old, change.new, change.said) == ("a", "OK", "ALARM", "threshold")
    assert (change.datapoints, change.threshold, change.comparison) == (("7.5",), "6", "GreaterThanThreshold")
    assert (change.newest_datapoint_at, change.period_ms) == ("2026-05-04T09:45:00.000Z", 300_000)
    assert alarm_evidence.parse([_item()]) == (change,)
    assert alarm_evidence.parse([{**_item(), "HistoryData": json.loads(_item()["HistoryData"])}]) == (change,)


@pytest.mark.parametrize(
    ("reason", "why", "said"),
    [
        (OVER, WHY, "threshold"),
        (
            NODATA,
            {**WHY, "recentDatapoints": [], "evaluatedDatapoints": [{"timestamp": "2026-05-04T09:45:00.000+0000"}]},
            "missing_data",
        ),
        (NODATA, WHY, "missing_data"),
        (OVER, None, "missing_data"),
        ("testing", None, "other"),
        ("testing", WHY, "other"),
        (None, None, "nothing"),
        (None, WHY, "other"),
    ],
)
def test_what_an_alarm_says_of_its_cause_is_one_of_four(reason, why, said):
    (change,) = alarm_evidence.parse([_item(reason, why)])

    assert change.said == said


@pytest.mark.parametrize(
    ("words", "comparison"),
    [
        ("1 datapoint [7] was greater than or equal to the threshold (6.0).", "GreaterThanOrEqualToThreshold"),
        ("2 datapoints [1, 2] were less than the threshold (6.0).", "LessThanThreshold"),
        ("1 datapoint [1] was less than or equal to the threshold (6.0).", "LessThanOrEqualToThreshold"),
        ("1 datapoint [1] lay outside the band.", ""),
    ],
)
def test_how_an_alarm_compares_stands_in_its_reason(words, comparison):
    (change,) = alarm_evidence.parse([_item(f"Threshold Crossed: {words}")])

    assert change.comparison == comparison


def test_recent_datapoints_follow_each_other_from_the_start_date():
    why = {"period": 300, "threshold": 6, "recentDatapoints": [7, 8, 9], "startDate": "2026-05-04T09:30:00.000+0000"}
    (change,) = alarm_evidence.parse([_item(OVER, why)])

    assert (change.datapoints, change.newest_datapoint_at) == (("7", "8", "9"), "2026-05-04T09:40:00.000Z")


def test_an_item_without_data_is_read_from_its_summary():
    (change,) = alarm_evidence.parse([_item(HistoryData="")])

    assert (change.old, change.new, change.said) == ("OK", "ALARM", "nothing")


def test_the_references_digest_keeps_no_cause():
    rows = [{"timestamp": AT, "from": "OK", "to": "ALARM", "summary": ""}]
    digest = {"kind": alarm_evidence.KIND, "schema_version": 1, "alarms": [{"alarm_name": "a", "transitions": rows}]}
    (change,) = alarm_evidence.parse(digest)

    assert change.said == "nothing"
    assert _code(alarm_evidence.parse, {**digest, "schema_version": 2}) == "alarm-history"
    assert _code(alarm_evidence.parse, {**digest, "alarms": []}) == "alarm-empty"


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ({"AlarmHistoryItems": []}, "alarm-empty"),
        ({"AlarmHistoryItems": None}, "alarm-empty"),
        ([], "alarm-empty"),
        ("text", "alarm-history"),
        ({"AlarmHistoryItems": [_item()], "NextToken": "more"}, "alarm-cut"),
        ([_item(HistoryItemType="Odd")], "alarm-history"),
        ([_item(AlarmName="")], "alarm-history"),
        ([_item(Timestamp="soon")], "timestamp"),
        ([_item(HistoryData="", HistorySummary="it changed")], "alarm-history"),
        ([_item(HistoryData="{")], "json-syntax"),
        (
            [_item(HistoryData='{"oldState": {"stateValue": "FINE"}, "newState": {"stateValue": "ALARM"}}')],
            "alarm-history",
        ),
        ([_item(OVER, {**WHY, "threshold": "six"})], "alarm-history"),
        ([_item(OVER, {**WHY, "period": "soon"})], "alarm-history"),
        ([7], "alarm-history"),
    ],
)
def test_an_alarm_history_that_cannot_be_read_whole_is_refused(document, code):
    assert _code(alarm_evidence.parse, document) == code


def test_items_of_other_kinds_are_no_changes():
    assert alarm_evidence.parse([_item(HistoryItemType="Action")]) == ()


def test_a_sequence_is_one_alarms_own_and_in_its_order():
    (rise,) = alarm_evidence.parse([_item()])
    fall = replace(rise, old="ALARM", new="OK", at="2026-05-04T11:00:00.000Z")

    assert alarm_evidence.sequence_is_found([rise, fall])
    assert not alarm_evidence.sequence_is_found([fall, rise])
    assert not alarm_evidence.sequence_is_found([rise, replace(fall, alarm="b")])
    assert not alarm_evidence.sequence_is_found([rise])
    assert not alarm_evidence.sequence_is_found([])


def _event(number, **changes):
    return {"id": number, "previousEventId": number - 1, "type": "TaskStarted", "timestamp": AT, **changes}


def test_events_are_sorted_whichever_order_they_come_in():
    one, two, three = _event(1), _event(2), _event(3)

    assert [event.number for event in execution_history.parse([{"events": [three, two, one]}])] == [1, 2, 3]
    assert len(execution_history.parse([{"events": [three]}, {"events": [one, two], "nextToken": "t"}])) == 3


@pytest.mark.parametrize(
    ("pages", "code"),
    [
        ([{"events": []}], "history-empty"),
        ([{"events": [_event(1)], "nextToken": "more"}], "history-cut"),
        ([{"events": [_event(1)], "nextToken": "a"}, {"events": [_event(2)], "nextToken": "b"}], "history-cut"),
        ([{"events": [_event(1), _event(1)]}], "history-twice"),
        ([{"events": [_event(1, id="1")]}], "history"),
        ([{"events": [_event(1, id=True)]}], "history"),
        ([{"events": [{}]}], "history"),
        ([{"events": 7}], "history"),
        ([[]], "history"),
        ([{"events": [_event(1, timestamp="soon")]}], "timestamp"),
    ],
)
def test_a_history_that_is_not_whole_is_refused(pages, code):
    assert _code(execution_history.parse, pages) == code


ARN = "arn:aws:states:eu-west-1:111122223333:execution:machine:drill"


def test_a_description_names_the_execution_and_its_end():
    told = execution_history.parse_description(
        {"executionArn": ARN, "status": "ABORTED", "startDate": AT, "stopDate": AT}
    )
    running = execution_history.parse_description({"executionArn": ARN, "status": "RUNNING", "startDate": AT})

    assert (told.execution, told.account_id, told.region, told.status) == (
        "drill",
        "111122223333",
        "eu-west-1",
        "ABORTED",
    )
    assert running.stopped_at == ""
    broken: Any
    for broken in (
        {"executionArn": ARN, "status": "FINE", "startDate": AT},
        {"executionArn": "drill", "status": "RUNNING"},
        [],
    ):
        assert _code(execution_history.parse_description, broken) == "history"


def _row(**changes):
    return {"Key": "a/b.json", "ETag": f'"{"0" * 32}"', "Size": 3, "LastModified": AT, **changes}


def test_a_listing_is_read_in_each_of_its_forms():
    for document in (
        {"Contents": [_row()]},
        {"Versions": [{**_row(), "IsLatest": True}, {**_row(), "IsLatest": False}]},
        [_row()],
    ):
        (stored,) = s3_listing.parse(document)
        assert (stored.key, stored.size, stored.md5) == ("a/b.json", 3, "0" * 32)
        assert s3_listing.is_one(document)


def test_an_etag_of_an_object_in_parts_is_no_md5():
    (stored,) = s3_listing.parse([_row(ETag=f'"{"0" * 32}-2"')])

    assert stored.md5 == ""


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ({"Contents": []}, "listing-empty"),
        ({"Contents": None}, "listing-empty"),
        ({"Contents": [_row()], "IsTruncated": True}, "listing-cut"),
        ({"Contents": [_row()], "NextToken": "t"}, "listing-cut"),
        ([_row(), _row()], "listing-twice"),
        ([_row(Size=-1)], "listing"),
        ([_row(Size=True)], "listing"),
        ([_row(Key=None)], "listing"),
        ([{}], "listing"),
        ("text", "listing"),
    ],
)
def test_a_listing_that_is_not_whole_is_refused(document, code):
    assert _code(s3_listing.parse, document) == code


@pytest.mark.parametrize(
    "document",
    [
        [],
        {"schema_version": 1, "files": []},
        {"schema_version": 2, "files": [{"path": "a", "sha256": "0" * 64, "size_bytes": 1}]},
        {"schema_version": 1, "files": ["a"]},
        {"schema_version": 1, "files": [{"path": "a", "sha256": "0", "size_bytes": 1}]},
        {"schema_version": 1, "files": [{"path": "a", "sha256": "0" * 64, "size_bytes": True}]},
        {"schema_version": 1, "files": [{"path": "a", "sha256": "0" * 64, "size_bytes": 1}] * 2},
    ],
)
def test_a_manifest_of_another_shape_is_refused(document):
    assert _code(receipt_manifest.parse, _data(document)) == "manifest"


def test_the_age_of_a_node_is_a_span_as_wide_as_its_last_unit():
    table = "NAME STATUS ROLES AGE VERSION\none Ready x 22m v1\ntwo Ready x 3d4h v1\nthree Ready x <unknown> v1\n\nfour Ready x 1m v1\n"
    found = {age.node: (age.at_least_ms, age.less_than_ms) for age in ages(table)}

    assert found == {"one": (1_320_000, 1_380_000), "two": (273_600_000, 277_200_000)}
    assert ages("no table\n22m") == ()


TOKEN = "AAAAKgAAAAIAAAAAAAAAAQ" + "bm90IHJlYWw" * 8


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ({"payload": {"task_token": "a token that is long enough"}}, [("task_token", "/payload/task_token")]),
        ({"taskToken": TOKEN}, [("task_token", "/taskToken")]),
        ({"message": f"approve with {TOKEN}"}, [("task_token", "/message")]),
        ([{"a/b": TOKEN}], [("task_token", "/0/a~1b")]),
        ({"key": "AKIA" + "ABCDEFGHIJKLMNOP"}, [("access_key", "/key")]),
        ({"pem": "-----BEGIN RSA " + "PRIVATE KEY-----"}, [("private_key", "/pem")]),
        ({"config": "client-key-data: abc"}, [("kubeconfig_key", "/config")]),
        ({"task_token_hint": "AAAAKgAAAA...6Paab+"}, []),
        ({"task_token": "short"}, []),
        ({"etag": "0" * 64, "run": "2026-05-04T10:00:00Z"}, []),
    ],
)
def test_secrets_are_found_by_the_name_or_the_shape_of_what_holds_them(document, found):
    assert [(kind, where) for kind, where, _ in secret_shapes.find(document)] == found
