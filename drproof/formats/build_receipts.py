"""The receipt that a build leaves: what it did for which execution, and, where it failed, at which command."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from drproof.formats.strict_json import parse as parse_json
from drproof.formats.strict_json import shape_of
from drproof.model.errors import FormatError

SCHEMA_VERSION = 1
STATUSES = frozenset({"ok", "failed"})
TEXTS = (
    "phase",
    "status",
    "failed_command",
    "reason",
    "execution_id",
    "build_id",
    "account_id",
    "region",
    "tool",
    "tool_version",
)
LIMIT = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildReceipt:
    """What the receipt of a build says."""

    phase: str
    status: str
    """`ok` or `failed`."""
    exit_status: int
    failed_command: str
    reason: str
    execution_id: str
    build_id: str
    account_id: str
    region: str
    tool: str
    tool_version: str
    module_sha256: str
    add: int
    change: int
    destroy: int
    outputs: Mapping[str, str]
    """The texts among Terraform's outputs that are no secrets."""
    providers: Mapping[str, str]
    """Terraform's plugins, each with its version; none before they were chosen, or without Terraform."""
    lock_held: Mapping[str, str]
    """Whose lock kept Terraform from the state: `id`, `who`, `operation` and `created`, as far as it said them.

    `service` is that which said so: `S3` of a lock beside the state, `DynamoDB` of one in the table.
    """


def parse(data: bytes) -> BuildReceipt:
    """Return what a receipt says.

    Raises:
        FormatError: `build-receipt`, or why it is no JSON.
    """
    document = parse_json(data, fractions=True, limit=LIMIT)
    if not isinstance(document, dict) or document.get("schema_version") != SCHEMA_VERSION:
        raise FormatError("build-receipt", f"expected an object with schema_version {SCHEMA_VERSION}")
    texts: dict[str, Any] = {name: _text(document, name) for name in TEXTS}
    if texts["status"] not in STATUSES:
        raise FormatError("build-receipt", f"status: expected ok or failed, got {texts['status'][:40]!r}")
    plan, module, outputs = (_table(document, name) for name in ("plan", "terraform_module", "terraform_outputs"))
    providers, lock = (_texts(document, name) for name in ("terraform_providers", "terraform_lock_held"))
    exit_status = _count(document, "exit_status")
    if (exit_status == 0) is not (texts["status"] == "ok"):
        raise FormatError("build-receipt", f"status {texts['status']} and exit_status {exit_status} contradict")
    counts: dict[str, Any] = {name: _count(plan, name) for name in ("add", "change", "destroy")}
    return BuildReceipt(
        **texts,
        exit_status=exit_status,
        module_sha256=_text(module, "sha256"),
        **counts,
        providers=providers,
        lock_held=lock,
        outputs={
            name: value["value"]
            for name, value in outputs.items()
            if isinstance(value, dict) and value.get("sensitive") is False and isinstance(value.get("value"), str)
        },
    )


def _text(table: Mapping[str, Any], name: str) -> str:
    value = table.get(name)
    if not isinstance(value, str):
        raise FormatError("build-receipt", f"{name}: expected text, got {shape_of(value)}")
    return value


def _count(table: Mapping[str, Any], name: str) -> int:
    value = table.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise FormatError("build-receipt", f"{name}: expected a whole number, got {shape_of(value)}")
    return value


def _texts(document: Mapping[str, Any], name: str) -> dict[str, str]:
    found = _table(document, name)
    return {key: _text(found, key) for key in found}


def _table(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = document.get(name)
    if not isinstance(value, dict):
        raise FormatError("build-receipt", f"{name}: expected an object, got {shape_of(value)}")
    return value
