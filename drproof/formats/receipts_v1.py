"""The receipts of the reference orchestrator: the envelope of its Lambda, that of its builds, and a bare decision.

A receipt is read as what it says; whether that is good is not decided here.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from drproof.formats.aws_instants import instant
from drproof.formats.strict_json import parse as parse_json
from drproof.model.errors import FormatError

PHASES: Mapping[str, str] = {
    "check_health": "check_health",
    "bringup": "bringup",
    "codebuild-bringup": "bringup",
    "resolve_runner": "resolve_runner",
    "restore": "restore",
    "validate": "validate",
    "notify": "notify",
    "request_manual_approval": "request_manual_approval",
    "promote": "decision",
    "record_manual_decision": "decision",
    "promote.decision": "decision",
    "teardown": "teardown",
    "codebuild-teardown": "teardown",
}
"""Each name that a receipt can have, and the phase it is the receipt of; a decision has three names."""

SAID_PHASES: Mapping[str, frozenset[str]] = {"decision": frozenset({"promote", "record_manual_decision"})}
"""What a receipt may call its phase where that is not the phase's own name."""

BUILT = frozenset({"bringup", "teardown"})
DECISION = "promote.decision"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptV1:
    """What a receipt says."""

    form: str
    """`lambda`, `build`, `decision`, or `drproof` for a receipt of our own (`own_receipts`)."""
    phase: str
    status: str
    at: str
    execution: str
    account_id: str
    region: str
    given: Mapping[str, Any] = field(default_factory=dict)
    result: Mapping[str, Any] = field(default_factory=dict)
    given_sha256: str = ""
    result_sha256: str = ""


def parse(data: bytes, stem: str) -> ReceiptV1:
    """Return the receipt in a file whose name without `.json` is `stem`, one of `PHASES`.

    Raises:
        FormatError: `receipt-field` when one is missing or not of its kind, `receipt-version`, `timestamp`, and those
            of strict JSON.
    """
    document = _object(parse_json(data, fractions=True), stem, "the receipt")
    if stem == DECISION:
        return _decision(document, stem)
    for name in ("schema_version", "phase", "status", "timestamp_utc"):
        _wanted(document, name, stem)
    if document["schema_version"] != 1 or isinstance(document["schema_version"], bool):
        raise FormatError("receipt-version", f"{stem}: the schema_version is not 1")
    return _build(document, stem) if PHASES[stem] in BUILT else _lambda(document, stem)


def digest(value: object) -> str:
    """Return a digest under which two JSON values are equal when they say the same, however they are written."""
    plain = json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(plain.encode()).hexdigest()


def identifier(value: object) -> str:
    """Return the name of an execution, from the name or from the ARN that ends in it."""
    return value.rpartition(":")[2] if isinstance(value, str) else ""


def word(value: object) -> str:
    """Return a text as it is, and anything else as the empty one."""
    return value if isinstance(value, str) else ""


def _lambda(document: Mapping[str, Any], stem: str) -> ReceiptV1:
    payload = _object(_wanted(document, "payload", stem), stem, "the payload")
    given = _object(_wanted(payload, "input", stem), stem, "the payload's input")
    # A phase that failed writes its error where its result would be.
    result = payload.get("result", {}) if "error" in payload else _wanted(payload, "result", stem)
    _object(result, stem, "the payload's result")
    return ReceiptV1(
        form="lambda",
        phase=word(document["phase"]),
        status=word(document["status"]),
        at=instant(document["timestamp_utc"]),
        execution=identifier(given.get("execution_id")),
        account_id=word(result.get("account_id")) or word(given.get("expected_account_id")),
        region=word(result.get("region")) or word(given.get("region")),
        given=given,
        result=result,
        given_sha256=digest(given),
        result_sha256=digest(result),
    )


def _build(document: Mapping[str, Any], stem: str) -> ReceiptV1:
    _wanted(document, "build_id", stem)
    for name in ("terraform_backend", "terraform_outputs"):
        _object(_wanted(document, name, stem), stem, name)
    return ReceiptV1(
        form="build",
        phase=word(document["phase"]),
        status=word(document["status"]),
        at=instant(document["timestamp_utc"]),
        execution=identifier(document.get("execution_id")),
        account_id=word(document.get("account_id")),
        region=word(document.get("region")),
        result=document,
        result_sha256=digest(document["build_id"]),
    )


def _decision(document: Mapping[str, Any], stem: str) -> ReceiptV1:
    _wanted(document, "approved", stem)
    return ReceiptV1(
        form="decision",
        phase="promote",
        status="ok",
        at=instant(_wanted(document, "timestamp_utc", stem)),
        execution=identifier(document.get("execution_id")),
        account_id=word(document.get("account_id")),
        region=word(document.get("region")),
        result=document,
        result_sha256=digest(document),
    )


def _wanted(document: Mapping[str, Any], name: str, stem: str) -> Any:  # noqa: ANN401 — any JSON value
    if name not in document:
        raise FormatError("receipt-field", f"{PHASES[stem]}:missing_field:{name}")
    return document[name]


def _object(value: object, stem: str, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise FormatError("receipt-field", f"{stem}: {what} is no JSON object")
    return value


def _plain(value: object) -> object:
    """Bring numbers to one spelling: 6 and 6.0 are the same to every reader of JSON."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value
