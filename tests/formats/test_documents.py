"""Documents of the systems that are drilled: pointers, metadata, control plane, alarm histories."""

import json

import pytest

from drproof.formats import alarm_history, backup_metadata, control_plane, pointers
from drproof.model.errors import FormatError

HEX = "ab" * 32


def changed(document, name, value):
    return {key: row for key, row in {**document, name: value}.items() if row is not ...}


def code_of(parse, document):
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    with pytest.raises(FormatError) as caught:
        parse(data)
    return caught.value.code


POINTER = {"run_id": "run-7", "run_path": "runs/run-7", "ended_at": "2026-01-31T11:00:00Z", "score": 0.5}


def test_a_pointer_names_run_path_and_end():
    assert pointers.parse(json.dumps(POINTER).encode()) == pointers.Pointer(
        run_id="run-7", run_path="runs/run-7", ended_at="2026-01-31T11:00:00Z"
    )
    assert pointers.parse(json.dumps(changed(POINTER, "ended_at", ...)).encode()).ended_at is None


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (b"", "pointer-empty"),
        (b"{", "json-syntax"),
        ([], "pointer-shape"),
        (changed(POINTER, "run_id", ...), "pointer-shape"),
        (changed(POINTER, "run_id", ""), "pointer-shape"),
        (changed(POINTER, "run_id", 7), "pointer-shape"),
        (changed(POINTER, "run_path", None), "pointer-shape"),
        (changed(POINTER, "ended_at", 1769860800), "pointer-shape"),
        (b'{"run_id":"a","run_id":"b","run_path":"p"}', "json-duplicate-key"),
    ],
)
def test_a_pointer_that_names_no_run_is_refused(document, code):
    assert code_of(pointers.parse, document) == code


def test_the_four_pointers_have_keys_of_their_own():
    keys = pointers.keys("p", "local", "openai", "cs")

    assert tuple(keys) == pointers.LABELS
    assert len(set(keys.values())) == 4
    assert keys["provider"] == "p/state/candidates/local/openai/cs/last_success.json"


METADATA = {
    "backup_id": "backup-1",
    "backup_uri": "s3://b/p/backups/backup-1",
    "bucket": "b",
    "prefix": "p",
    "created_utc": "2026-01-31T11:00:00Z",
    "artifacts": {"state.tar.zst": {"bytes": 5, "sha256": HEX}},
    "extra": 1.5,
}


def test_metadata_promises_size_and_digest_of_each_artifact():
    parsed = backup_metadata.parse(json.dumps(METADATA).encode())

    assert parsed.backup_id == "backup-1"
    assert parsed.created_at == "2026-01-31T11:00:00Z"
    assert parsed.artifacts == {"state.tar.zst": backup_metadata.Artifact(size=5, sha256=HEX)}


@pytest.mark.parametrize("name", ["backup_id", "backup_uri", "bucket", "prefix", "created_utc", "artifacts"])
@pytest.mark.parametrize("value", [..., "", None, 7, []], ids=str)
def test_metadata_without_one_of_its_facts_is_refused(name, value):
    assert code_of(backup_metadata.parse, changed(METADATA, name, value)) == "metadata-shape"


@pytest.mark.parametrize(
    "row",
    [
        None,
        {},
        {"bytes": -1, "sha256": HEX},
        {"bytes": True, "sha256": HEX},
        {"bytes": 1.5, "sha256": HEX},
        {"bytes": "5", "sha256": HEX},
        {"bytes": 5},
        {"bytes": 5, "sha256": HEX.upper()},
        {"bytes": 5, "sha256": HEX + "\n"},
        {"bytes": 5, "sha256": HEX[1:]},
    ],
)
def test_an_artifact_without_size_or_digest_is_refused(row):
    assert code_of(backup_metadata.parse, changed(METADATA, "artifacts", {"a": row})) == "metadata-shape"


def test_metadata_that_is_no_object_is_refused():
    assert code_of(backup_metadata.parse, []) == "metadata-shape"


CURRENT = {
    "bundle_uri": "s3://b/p/control-plane/one.tar.gz",
    "bundle_sha256": HEX,
    "created_at": "2026-01-31T11:00:00Z",
    "image_ref_digest": f"atlas@sha256:{HEX}",
}
MANIFEST = {
    "created_at": "2026-01-31T11:00:00Z",
    "image_ref_digest": None,
    "supported_sections": ["alerts"],
    "files": [
        {"path": "alerts/one.json", "sha256": HEX, "bytes": 0},
        {"path": "alerts/two.json", "sha256": HEX, "bytes": 1},
    ],
}


def test_the_pointer_and_the_manifest_of_a_control_plane_are_read():
    assert control_plane.parse_pointer(json.dumps(CURRENT).encode()).image_ref == f"atlas@sha256:{HEX}"
    assert control_plane.parse_pointer(json.dumps(changed(CURRENT, "image_ref_digest", ...)).encode()).image_ref == ""
    manifest = control_plane.parse_manifest(json.dumps(MANIFEST).encode())
    assert [file.path for file in manifest.files] == ["alerts/one.json", "alerts/two.json"]
    assert (manifest.sections, manifest.image_ref) == (("alerts",), "")


@pytest.mark.parametrize(
    ("name", "value"),
    [("bundle_uri", ""), ("bundle_uri", ...), ("bundle_sha256", "x"), ("bundle_sha256", HEX + "\n"), ("created_at", 1)],
)
def test_a_spoiled_control_plane_pointer_is_refused(name, value):
    assert code_of(control_plane.parse_pointer, changed(CURRENT, name, value)) == "control-plane-shape"


FILE = MANIFEST["files"][0]  # type: ignore[index]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("files", []),
        ("files", {}),
        ("files", ["alerts/one.json"]),
        ("files", [FILE, FILE]),
        ("files", [changed(FILE, "bytes", -1)]),
        ("files", [changed(FILE, "bytes", True)]),
        ("files", [changed(FILE, "bytes", ...)]),
        ("files", [changed(FILE, "sha256", "x")]),
        ("files", [changed(FILE, "path", "")]),
        ("supported_sections", "alerts"),
        ("supported_sections", [1]),
        ("supported_sections", ...),
        ("created_at", ...),
    ],
)
def test_a_spoiled_manifest_is_refused(name, value):
    assert code_of(control_plane.parse_manifest, changed(MANIFEST, name, value)) == "control-plane-shape"


def test_documents_of_the_control_plane_are_objects():
    assert code_of(control_plane.parse_pointer, []) == "control-plane-shape"
    assert code_of(control_plane.parse_manifest, "text") == "control-plane-shape"


def test_files_are_compared_both_ways():
    difference = control_plane.compare_both_ways({"a": "1", "b": "2", "c": "3"}, {"b": "2", "c": "0", "d": "4"})

    assert (difference.missing, difference.extra, difference.different) == (("a",), ("d",), ("c",))


def item(when="2026-01-31T12:05:00.000Z", kind="StateUpdate", data=None, **reason):
    history = data or {
        "oldState": {"stateValue": "OK"},
        "newState": {"stateValue": "ALARM", "stateReasonData": reason},
    }
    return {"Timestamp": when, "HistoryItemType": kind, "HistoryData": json.dumps(history)}


def point(when, value):
    return {"timestamp": when, "value": value}


def test_transitions_come_oldest_first_and_other_items_are_left_out():
    items = [item("2026-01-31T12:05:00.000Z"), item(kind="ConfigurationUpdate"), item("2026-01-31T13:04:00.000+01:00")]

    assert [found.at for found in alarm_history.parse(items)] == [
        "2026-01-31T13:04:00.000+01:00",
        "2026-01-31T12:05:00.000Z",
    ]


def test_a_transition_keeps_its_numbers_exactly():
    (found,) = alarm_history.parse(
        [
            item(
                threshold=1234567.25,
                evaluatedDatapoints=[
                    point("2026-01-31T12:04:00.000+0000", 1234567.5),
                    point("2026-01-31T12:03:00.000+0000", 26.0),
                ],
            )
        ]
    )

    assert found.threshold == "1234567.25"
    assert found.datapoints == ("1234567.5", "26")
    assert found.newest_datapoint_at == "2026-01-31T12:04:00.000Z"


def test_the_newest_datapoint_is_found_by_time_and_not_by_spelling():
    (found,) = alarm_history.parse(
        [
            item(
                threshold=1,
                evaluatedDatapoints=[point("2026-01-31T12:04:00Z", 2), point("2026-01-31T12:04:00.500Z", 2)],
            )
        ]
    )

    assert found.newest_datapoint_at == "2026-01-31T12:04:00.500Z"


def test_missing_data_has_no_datapoint_and_no_age():
    (found,) = alarm_history.parse(
        [item(evaluatedDatapoints=[{"timestamp": "2026-01-31T12:04:00Z"}, point("2026-01-31T12:04:00Z", None)])]
    )

    assert (found.datapoints, found.newest_datapoint_at, found.threshold) == ((), "", "")
    (bare,) = alarm_history.parse([item(data={"oldState": {"stateValue": "OK"}, "newState": {"stateValue": "ALARM"}})])
    assert bare.datapoints == ()


@pytest.mark.parametrize(
    "spoiled",
    [
        {"HistoryItemType": "StateUpdate"},
        {**item(), "Timestamp": "soon"},
        {**item(), "HistoryData": None},
        {**item(), "HistoryData": "{"},
        {**item(), "HistoryData": "[]"},
        item(data={"oldState": {"stateValue": "OK"}}),
        item(data={"oldState": "OK", "newState": "ALARM"}),
        item(evaluatedDatapoints=[5]),
        item(evaluatedDatapoints=[{"value": 5}]),
        item(evaluatedDatapoints=[point("soon", 5)]),
        {
            **item(),
            "HistoryData": '{"oldState":{"stateValue":"OK"},"newState":{"stateValue":"ALARM","stateReasonData":{"threshold":1e999}}}',
        },
    ],
)
def test_a_history_that_cannot_be_read_is_refused_by_its_name(spoiled):
    with pytest.raises(FormatError) as caught:
        alarm_history.parse([spoiled])
    assert caught.value.code == "alarm-history"
