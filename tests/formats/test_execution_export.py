"""Receipts of drproof and the companions of an export are read by name, and what cannot be read says so."""

import hashlib
import json
from typing import Any

import pytest

from drproof.formats import execution_export, own_receipts
from drproof.formats.execution_export import Build, Companions, MaskedAt
from drproof.model.codec import encode
from drproof.model.errors import FormatError
from tests.contracts.evidence import PASSING

RECEIPT: Any = encode(PASSING.receipts["bringup"])


def test_a_receipt_of_ours_is_told_by_its_members_and_read_with_the_digest_of_its_bytes():
    data = json.dumps(RECEIPT).encode()

    found = own_receipts.parse(data)

    assert own_receipts.is_one(RECEIPT)
    assert (found.form, found.phase, found.status) == ("drproof", "bringup", "ok")
    assert (found.execution, found.account_id, found.region) == ("drill-1", "444455556666", "us-west-2")
    assert found.at == RECEIPT["ended_at"]
    assert found.result == RECEIPT["observed"]
    assert found.result_sha256 == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("missing", sorted(own_receipts.MARKS))
def test_a_document_that_lacks_a_mark_is_none_of_ours(missing):
    assert not own_receipts.is_one({name: value for name, value in RECEIPT.items() if name != missing})
    assert not own_receipts.is_one([RECEIPT])


@pytest.mark.parametrize("outcome", ["failed", "blocked", "interrupted", "not_run"])
def test_an_outcome_that_is_no_success_is_told_as_it_is(outcome):
    assert own_receipts.parse(json.dumps(RECEIPT | {"outcome": outcome}).encode()).status == outcome


def test_a_receipt_without_a_caller_or_facts_names_no_place():
    found = own_receipts.parse(json.dumps(RECEIPT | {"caller": None, "observed": None}).encode())

    assert (found.account_id, found.region, found.result) == ("", "", {})


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"schema_version": 2}, "receipt-version"),
        ({"schema_version": True}, "receipt-version"),
        ({"ended_at": "yesterday"}, "timestamp"),
    ],
)
def test_a_receipt_that_cannot_be_read_says_why(change, code):
    with pytest.raises(FormatError) as caught:
        own_receipts.parse(json.dumps(RECEIPT | change).encode())

    assert caught.value.code == code


BUILD = {
    "id": "infra:1",
    "action": "teardown",
    "status": "SUCCEEDED",
    "execution": "one",
    "started_at": "2026-01-01T00:00:00Z",
    "ended_at": "",
    "cause": "words",
}
DOCUMENTS: dict[str, Any] = {
    "definition": {"stateMachineArn": "m", "roleArn": "r", "definition": "{}", "name": "n"},
    "builds": {"builds": [BUILD]},
    "logs": {"logs": [{"build": "infra:1", "lines": ["a"]}]},
    "triggers": {"triggers": [{"name": "rule a", "state": "DISABLED"}]},
    "export": {"kind": "drproof_export", "mode": "rehearsal", "masked": [{"file": "a", "kind": "k", "where": "/b"}]},
}


def test_each_companion_is_known_by_its_shape_and_taken_by_name():
    found = Companions()
    for kind, document in DOCUMENTS.items():
        assert execution_export.kind_of(document) == kind
        found = execution_export.take(found, kind, document)

    assert DOCUMENTS.keys() == execution_export.KINDS
    assert found == Companions(
        machine="m",
        role="r",
        definition="{}",
        builds=(
            Build(
                build_id="infra:1",
                action="teardown",
                status="SUCCEEDED",
                execution="one",
                started_at="2026-01-01T00:00:00.000Z",
                ended_at="",
            ),
        ),
        triggers=(("rule a", "DISABLED"),),
        masked=(MaskedAt(file="a", kind="k", where="/b"),),
        mode="rehearsal",
    )


@pytest.mark.parametrize("document", [[], {}, {"builds": [], "more": 1}, {"definition": "{}"}, {"kind": "other"}, "x"])
def test_anything_else_is_no_companion(document):
    assert execution_export.kind_of(document) == ""


@pytest.mark.parametrize(
    ("kind", "document"),
    [
        ("definition", {"stateMachineArn": "m", "definition": "{}"}),
        ("builds", {"builds": [{"id": "a"}]}),
        ("builds", {"builds": 7}),
        ("triggers", {"triggers": [7]}),
        ("export", {"kind": "drproof_export", "mode": "live"}),
    ],
)
def test_a_companion_that_cannot_be_read_says_so(kind, document):
    with pytest.raises(FormatError, match=f"the {kind} of an export cannot be read") as caught:
        execution_export.take(Companions(), kind, document)

    assert caught.value.code == "export"
