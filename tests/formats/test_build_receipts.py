"""The receipt of a build is read as what it says, or not at all."""

import json
from typing import Any

import pytest

from drproof.formats import build_receipts
from drproof.model.errors import FormatError

WHOLE: dict[str, Any] = {
    "schema_version": 1,
    "phase": "bringup",
    "status": "ok",
    "exit_status": 0,
    "failed_command": "",
    "reason": "",
    "execution_id": "drill-1",
    "build_id": "project:1",
    "account_id": "444455556666",
    "region": "us-west-2",
    "tool": "terraform",
    "tool_version": "1.11.4",
    "terraform_module": {"sha256": "0" * 64},
    "plan": {"add": 1, "change": 2, "destroy": 3},
    "terraform_providers": {"registry.terraform.io/hashicorp/aws": "6.34.0"},
    "terraform_lock_held": {"id": "1", "who": "somebody@elsewhere"},
    "terraform_outputs": {
        "name": {"sensitive": False, "type": "string", "value": "n"},
        "hidden": {"sensitive": True, "type": "string", "value": "never"},
        "number": {"sensitive": False, "type": "number", "value": 1.5},
    },
}


def read(**changes: Any) -> build_receipts.BuildReceipt:
    return build_receipts.parse(json.dumps({**WHOLE, **changes}).encode())


def test_a_receipt_is_read_with_its_counts_and_without_its_secrets() -> None:
    found = read()
    assert (found.add, found.change, found.destroy) == (1, 2, 3)
    assert found.outputs == {"name": "n"}
    assert found.providers == {"registry.terraform.io/hashicorp/aws": "6.34.0"}
    assert found.lock_held == {"id": "1", "who": "somebody@elsewhere"}


@pytest.mark.parametrize(
    "changes",
    [
        {"schema_version": 2},
        {"status": "great"},
        {"status": "failed"},
        {"exit_status": 1},
        {"exit_status": True},
        {"build_id": None},
        {"plan": {"add": -1, "change": 0, "destroy": 0}},
        {"plan": []},
        {"terraform_module": {}},
        {"terraform_outputs": None},
        {"terraform_providers": None},
        {"terraform_providers": {"aws": 6}},
        {"terraform_lock_held": []},
    ],
    ids=json.dumps,
)
def test_a_receipt_that_is_none_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(FormatError):
        read(**changes)
