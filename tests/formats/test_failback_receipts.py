"""The receipts of the reference's failback scripts are read as what they say, and no boolean is taken from a text."""

import json
from typing import Any

import pytest

from drproof.formats.failback_receipts import FIELDS, RECEIPTS, parse, parse_comparison, run_id_of
from drproof.model.errors import FormatError

SOUND: dict[str, dict[str, Any]] = {
    "summary": {"status": "success", "dr_run_id": "a", "primary_run_id": "b", "dry_run": False},
    "inputs": {
        "bucket": "x",
        "prefix": "y",
        "primary_run_id": "b",
        "dr_run_id": "a",
        "apply_mode": True,
        "dry_run": False,
    },
    "verify_before": {"expected_dr_run_id": "a", "global_pointer_run_id": "a", "provider_pointer_run_id": None},
    "plan": {
        "from_run_id": "a",
        "to_run_id": "b",
        "dry_run": True,
        "pointer_updates": [{"key": "k", "payload": {"run_id": "b", "run_path": "y/runs/b"}}],
    },
    "apply": {"applied": True, "canonical_run_id": "b", "updated_keys": ["k"]},
    "verify_after": {"expected_primary_run_id": "b"},
    "phase_timestamps": {"phases": {"inputs": "2026-05-05T09:30:10Z", "apply": ""}},
}


def _written(kind: str, **changes: object) -> bytes:
    return json.dumps({"schema_version": 1, **SOUND[kind], **changes}).encode()


def test_every_receipt_has_its_fields_and_an_example_here():
    assert SOUND.keys() == FIELDS.keys() == set(RECEIPTS.values())


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in FIELDS.items() for name in names])
def test_a_receipt_without_one_of_its_fields_is_named_with_the_field(kind, name):
    document = json.loads(_written(kind))
    parse(json.dumps(document).encode(), kind)
    del document[name]

    with pytest.raises(FormatError, match=f"{kind}:missing_field:{name}") as caught:
        parse(json.dumps(document).encode(), kind)

    assert caught.value.code == "receipt-field"


@pytest.mark.parametrize(
    ("kind", "changes", "code"),
    [
        ("plan", {"schema_version": 2}, "receipt-version"),
        ("plan", {"schema_version": True}, "receipt-version"),
        ("plan", {"pointer_updates": {}}, "receipt-field"),
        ("plan", {"pointer_updates": [{"key": "k"}]}, "receipt-field"),
        ("plan", {"pointer_updates": [{"payload": {}}]}, "receipt-field"),
        ("plan", {"pointer_updates": ["k"]}, "receipt-field"),
        ("apply", {"updated_keys": "k"}, "receipt-field"),
        ("phase_timestamps", {"phases": []}, "receipt-field"),
        ("phase_timestamps", {"phases": {"apply": "2026-05-05T0930:10Z"}}, "timestamp"),
        ("summary", {"end_timestamp_utc": "yesterday"}, "timestamp"),
    ],
)
def test_a_receipt_of_another_shape_is_refused_with_its_code(kind, changes, code):
    with pytest.raises(FormatError) as caught:
        parse(_written(kind, **changes), kind)

    assert caught.value.code == code


def test_a_list_is_no_receipt():
    with pytest.raises(FormatError, match="no JSON object"):
        parse(b"[]", "apply")


@pytest.mark.parametrize(("value", "answer"), [(True, "yes"), (False, "no"), ("false", "unclear"), (1, "unclear")])
def test_only_a_boolean_is_an_answer(value, answer):
    assert parse(_written("apply", applied=value), "apply").answers == {"applied": answer}


def test_the_plans_own_word_about_a_dry_run_is_not_read():
    assert parse(_written("plan"), "plan").answers == {}


def test_both_sides_and_the_pointers_that_were_found_are_read_from_whichever_name_they_have():
    read = {kind: parse(_written(kind), kind) for kind in SOUND}

    assert {kind: one.from_run for kind, one in read.items() if one.from_run} == dict.fromkeys(
        ("summary", "inputs", "verify_before", "plan"), "a"
    )
    assert {kind: one.to_run for kind, one in read.items() if one.to_run} == dict.fromkeys(
        ("summary", "inputs", "plan", "apply", "verify_after"), "b"
    )
    assert read["verify_before"].pointed == ("a",)
    assert read["phase_timestamps"].times == ("2026-05-05T09:30:10.000Z",)


@pytest.mark.parametrize(
    ("log", "outcome"),
    [
        ("PASS: dual-run deterministic comparison matched\ncompare_exit=0\n", "matched"),
        ("PASS: dual-run deterministic comparison matched\n", "matched"),
        ("PASS: dual-run deterministic comparison matched\r\ncompare_exit=0\r\n", "matched"),
        ("compare_exit=0\n", "unclear"),
        ("", "unclear"),
        ("skipped: missing artifacts\n", "skipped"),
        ("PASS: x\nskipped: missing artifacts\ncompare_exit=0\n", "skipped"),
        ("PASS: x\ncompare_exit=2\n", "different"),
        ("PASS: x\ncompare_exit=\n", "different"),
        ("PASS: x\ncompare_exit=0\ncompare_exit=1\n", "different"),
        ("FAIL: x\n- y\ncompare_exit=0\n", "different"),
        ("PASS: x\nFAIL: y\n", "different"),
        ("it would PASS: x\n", "unclear"),
    ],
)
def test_a_comparison_matched_only_when_its_log_says_so_and_nothing_else(log, outcome):
    assert parse_comparison(log.encode()) == outcome


def test_a_copy_says_of_which_run_it_is_or_is_refused():
    assert run_id_of(b'{"run_id": "a"}') == "a"
    assert run_id_of(b'{"run_id": 7}') == ""
    with pytest.raises(FormatError, match="no JSON object"):
        run_id_of(b"[]")
