"""Locks of Terraform in a table, as somebody else writes and reads them."""

import json
from collections.abc import Callable
from typing import Any

NOTE = {
    "ID": "11111111-2222-3333-4444-555555555555",
    "Operation": "OperationTypeApply",
    "Info": "",
    "Who": "somebody@elsewhere",
    "Version": "1.11.4",
    "Created": "2026-01-01T00:00:00.000000000Z",
    "Path": "x",
}
Stranger = Callable[[str], Any]


def make_table(dynamodb: Any, name: str) -> None:
    """Make a table in which Terraform can lock."""
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "LockID", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "LockID", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )


def note_in(stranger: Stranger, table: str, state: str) -> dict[str, Any]:
    """Return the note on the lock of a state, `<bucket>/<key>`; empty where nobody holds it."""
    item = stranger("dynamodb").get_item(TableName=table, Key={"LockID": {"S": state}}).get("Item")
    return json.loads(item["Info"]["S"]) if item else {}


def lock_in(stranger: Stranger, table: str, state: str) -> None:
    """Lock a state in the table as somebody else."""
    item = {"LockID": {"S": state}, "Info": {"S": json.dumps(NOTE)}}
    stranger("dynamodb").put_item(TableName=table, Item=item)
