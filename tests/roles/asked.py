"""Which actions IAM checks for the calls of a log, and whether the role that made them has each.

Tests that have such a log hand it over by `note`: it must lie within what the role is granted. With `DRPROOF_ASKED` in
the environment each is written down besides; `python -m tests.roles.record` makes `data/asked.json` of that.
"""

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.roles.exceptions import TOLERATED
from tests.roles.granted import actions

RECORDED = Path(__file__).with_name("data") / "asked.json"
VARIABLE = "DRPROOF_ASKED"
SERVICES = {"monitoring": "cloudwatch"}
OF_S3: Mapping[str, tuple[str, ...]] = {
    # Which of the two a removal needs hangs on whether it names versions, which the log does not say.
    "DeleteObjects": ("DeleteObject", "DeleteObjectVersion"),
    "GetBucketEncryption": ("GetEncryptionConfiguration",),
    "GetBucketReplication": ("GetReplicationConfiguration",),
    "GetObjectLockConfiguration": ("GetBucketObjectLockConfiguration",),
    "GetPublicAccessBlock": ("GetBucketPublicAccessBlock",),
    "HeadBucket": ("ListBucket",),
    "HeadObject": ("GetObject",),
    "ListObjectVersions": ("ListBucketVersions",),
    "ListObjects": ("ListBucket",),
    "ListObjectsV2": ("ListBucket",),
}
"""S3 calls some actions otherwise in policies than in its API."""
TOGETHER: Mapping[str, tuple[str, ...]] = {
    "ec2:CreateSecurityGroup": ("ec2:CreateTags",),
    "ec2:RunInstances": ("ec2:CreateTags", "iam:PassRole"),
    "iam:AddRoleToInstanceProfile": ("iam:PassRole",),
    "iam:CreateInstanceProfile": ("iam:TagInstanceProfile",),
    "iam:CreateRole": ("iam:TagRole",),
}
"""What IAM checks besides, because of what the call carries: tags as something is made, a role that is passed on."""
FREE = frozenset({"sts:GetCallerIdentity"})
INVOKE = re.compile(r"/functions/[^/]+/invocations$")


def actions_of(call: Mapping[str, Any]) -> frozenset[str]:
    """Return every action that IAM checks for one call."""
    service = SERVICES.get(call["service"], call["service"])
    if service == "kubernetes":
        # What a cluster lets its users do is not IAM.
        return frozenset()
    if service == "lambda" and INVOKE.search(call["path"]):
        return frozenset({"lambda:InvokeFunction"})
    names = OF_S3.get(call["action"], (call["action"],)) if service == "s3" else (call["action"],)
    found = [f"{service}:{name}" for name in names]
    return frozenset([*found, *(more for one in found for more in TOGETHER.get(one, ()))]) - FREE


def asked(calls: Iterable[Mapping[str, Any]], app: str | None = None) -> frozenset[str]:
    """Return the actions of calls; of those that were made for `app` where one is named."""
    return frozenset(action for call in calls if app is None or call["app"] == app for action in actions_of(call))


def note(role: str, scenario: str, calls: Iterable[Mapping[str, Any]], *, app: str | None = None) -> frozenset[str]:
    """Assert that a role is granted what was asked for as it, and write it down where somebody records."""
    found = asked(calls, app) - TOLERATED.get(role, {}).keys()
    assert found, f"{scenario} asked for nothing as {role}"
    if path := os.environ.get(VARIABLE):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"role": role, "scenario": scenario, "asked": sorted(found)}) + "\n")
    lacking = sorted(found - actions(role))
    assert lacking == [], f"{role} lacks what {scenario} asks for: {', '.join(lacking)}"
    return found


def note_invoked(role: str, scenario: str, calls: Sequence[Mapping[str, Any]], *, app: str) -> None:
    """Note what a function asked for in a world that several tests share, if any of those that ran had it called."""
    if any(INVOKE.search(call["path"]) and app in call["path"] for call in calls):
        note(role, scenario, calls, app=app)


def recorded() -> dict[str, dict[str, list[str]]]:
    """Return what was asked for as each role, action by action, with the scenarios that asked."""
    found: dict[str, dict[str, list[str]]] = json.loads(RECORDED.read_text(encoding="utf-8"))
    return found
