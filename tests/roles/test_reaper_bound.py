"""What the reaper and the builds are allowed beside the state reaches no further than what they do there."""

import json
from typing import Any

import pytest

from drproof.analysis import iam
from drproof.targets.aws.permissions import policy
from tests.roles.granted import one_account, permissions

WHERE = one_account().recovery.provisioner
STATE = f"arn:aws:s3:::{WHERE.state_bucket}/{WHERE.state_key}"
LEASE, LOCK, DIRECT = f"{STATE}.drproof-lease", f"{STATE}.tflock", f"{STATE}.direct.json"
RECEIPTS = "arn:aws:s3:::atlas-receipts"


def documents(role: str) -> tuple[dict[str, Any], ...]:
    return (json.loads(json.dumps(policy(permissions(role)))),)


@pytest.mark.parametrize(
    ("role", "action", "allowed", "not_allowed"),
    [
        # A sweep takes the lease, and writes nothing else beside the state.
        ("reaper", "s3:PutObject", {LEASE}, {STATE, LOCK, DIRECT}),
        ("reaper", "s3:PutObjectTagging", {LEASE}, {STATE, LOCK, DIRECT}),
        ("reaper", "s3:GetObjectTagging", {LOCK}, {STATE, LEASE, DIRECT}),
        ("reaper", "s3:DeleteObject", {STATE, LOCK, DIRECT, LEASE}, {f"{STATE}.old"}),
        ("reaper", "s3:GetObject", {STATE, LOCK, DIRECT, LEASE}, {f"{STATE}.old"}),
        # Terraform writes its state over, and takes away its lock alone.
        ("builds", "s3:DeleteObject", {LOCK}, {STATE, LEASE, DIRECT}),
        ("builds", "s3:PutObject", {STATE, LOCK}, {LEASE, DIRECT}),
    ],
)
def test_each_object_beside_the_state_may_be_touched_as_it_is_and_not_otherwise(role, action, allowed, not_allowed):
    assert {one: iam.decide(documents(role), action, one) for one in allowed} == dict.fromkeys(allowed, "allowed")
    denied = {one: iam.decide(documents(role), action, one) for one in not_allowed}
    assert denied == dict.fromkeys(not_allowed, "implicit_deny")


def test_the_reaper_lists_receipts_below_their_prefix_alone():
    def decided(prefix: str) -> str:
        return iam.decide(documents("reaper"), "s3:ListBucket", RECEIPTS, {"s3:prefix": (prefix,)})

    assert decided("r/drill-1/journal/") == "allowed"
    assert decided("payroll/") == "implicit_deny"
