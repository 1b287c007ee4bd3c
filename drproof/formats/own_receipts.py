"""Receipts of drproof itself, as its orchestrator leaves them in a store: read by name, as those of others are.

A receipt is read as what it says; whether that is good is not decided here.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from drproof.formats.aws_instants import instant
from drproof.formats.receipts_v1 import ReceiptV1, identifier, word
from drproof.formats.strict_json import parse as parse_json
from drproof.model.errors import FormatError

FORM = "drproof"
MARKS = frozenset({"drill_id", "plan", "phase", "sequence", "previous", "outcome"})
"""Members that no receipt of anybody else has together."""
PASSED, OK = "passed", "ok"


def is_one(document: object) -> bool:
    """Return whether a document means to be a receipt of drproof."""
    return isinstance(document, dict) and document.keys() >= MARKS


def parse(data: bytes) -> ReceiptV1:
    """Return what a receipt says; what can be compared with the execution's history is the digest of its bytes.

    Raises:
        FormatError: `receipt-version`, `timestamp`, and those of strict JSON.
    """
    document: Mapping[str, Any] = parse_json(data, fractions=True)
    if document.get("schema_version") != 1 or isinstance(document.get("schema_version"), bool):
        raise FormatError("receipt-version", "the schema_version of the receipt is not 1")
    caller, outcome = _mapping(document.get("caller")), word(document.get("outcome"))
    return ReceiptV1(
        form=FORM,
        phase=word(document["phase"]),
        status=OK if outcome == PASSED else outcome,
        at=instant(document.get("ended_at")),
        execution=identifier(document["drill_id"]),
        account_id=word(caller.get("account_id")),
        region=word(caller.get("region")),
        given=_mapping(document.get("input")),
        result=_mapping(document.get("observed")),
        result_sha256=hashlib.sha256(data).hexdigest(),
    )


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
