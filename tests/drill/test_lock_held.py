"""A drill that finds the lock of its state held by somebody else: recovery was not tried, which is no failed recovery."""

import json
from typing import Any

import boto3
import pytest
from botocore.config import Config

from drproof.targets import embedded
from tests.drill import faulted
from tests.targets.lock_notes import NOTE
from tests.terraform_here import needs_terraform

BUCKET, KEY = "atlas-dr-tfstate", "atlas/dr/terraform/dr-runner.tfstate.tflock"


def lock_as_somebody_else(living: embedded.World) -> None:
    """Put the lock beside the state, as a Terraform elsewhere does."""
    issued = embedded.credentials(living.endpoint)["recovery"]
    make: Any = boto3.client
    client = make(
        "s3",
        region_name=issued["region"],
        endpoint_url=living.endpoint,
        aws_access_key_id=issued["access_key_id"],
        aws_secret_access_key=issued["secret_access_key"],
        config=Config(s3={"addressing_style": "path"}),
    )
    client.put_object(Bucket=BUCKET, Key=KEY, Body=json.dumps(NOTE).encode())


@pytest.mark.parametrize("provisioner", ["direct", pytest.param("codebuild", marks=needs_terraform)])
def test_a_lock_that_somebody_else_holds_blocks_the_bringup_names_the_holder_and_is_left(operator, provisioner):
    with faulted.world(operator) as (living, environment):
        lock_as_somebody_else(living)
        drill = operator.drill("--provisioner", provisioner, "--run-id", faulted.RUN_ID, **environment)
        there = faulted.inventory(living, drill)

    bringup = drill.receipts["bringup"]
    assert (bringup["outcome"], bringup["cause"], len(bringup["attempts"])) == ("blocked", "lease", 1), drill.output
    assert "LockHeld: expected no lock, got lock" in bringup["reason"]
    assert f"{NOTE['ID']} of somebody@elsewhere since 2026-01-01" in bringup["reason"]
    assert f"terraform force-unlock {NOTE['ID']}" in "\n".join(bringup["attempts"][0]["error_tail"])
    assert drill.status == 1
    assert drill.verified().status == 4, "incomplete, and not refuted: nothing shows that a recovery fails"
    assert there["instances"] == []
    locks = [one for one in there["objects"] if (one["bucket"], one["key"]) == (BUCKET, KEY)]
    assert [one["delete_marker"] for one in locks] == [False], "nobody wrote over it, and nobody took it away"
