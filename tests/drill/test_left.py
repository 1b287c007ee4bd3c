"""What tests call a leak: of a state, what it holds, whoever wrote it; an empty one is what Terraform leaves."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from drproof.targets import embedded
from tests.drill.left import left
from tests.targets.decoys import STATE_KEY, STATES, Yard

ONE = [{"mode": "managed", "type": "aws_iam_role", "name": "runner", "instances": [{"attributes": {}}]}]
NONE = [{**ONE[0], "instances": []}, {**ONE[0], "mode": "data"}]


def seen(yard) -> Any:
    return SimpleNamespace(inventory=yard.world.inventory())


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (json.dumps({"resources": ONE}), [f"state: {STATE_KEY} holds aws_iam_role.runner"]),
        (json.dumps({"resources": NONE}), []),
        ("{", [f"state: {STATE_KEY} holds what cannot be read"]),
    ],
    ids=["something", "nothing", "unreadable"],
)
def test_a_state_leaks_what_it_holds(body, expected, tmp_path):
    yard = Yard(embedded.start(tmp_path, scenario="none", linger=600))
    try:
        yard.put(STATE_KEY, {}, bucket=STATES, body=body.encode())
        assert left(seen(yard), "drill-7") == expected
        yard.client("s3").delete_object(Bucket=STATES, Key=STATE_KEY)
        assert left(seen(yard), "drill-7") == []
    finally:
        yard.world.stop()
