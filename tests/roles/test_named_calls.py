"""Each call that an adapter names is granted somewhere, or has its reason: a call that fails quietly is seen in no log."""

import re
from importlib.resources import files

from drproof.targets.aws.permissions import TABLE
from drproof.targets.aws.roles import TABLE as ROLES
from tests.roles.asked import FREE, OF_S3

NAMED = re.compile(r'translated\(\s*f?"([a-z0-9-]+):([A-Z][A-Za-z0-9]+)"')
PARTS = dict.fromkeys(("CompleteMultipartUpload", "CreateMultipartUpload", "UploadPart"), ("PutObject",))
AS_THEMSELVES = "an operator's own command does it as whoever types it, and no plan"
TOLERATED = "what keeps a principal from an action is told better where it may be read, and told without it else"
UNGRANTED = {
    "iam:GetPolicy": TOLERATED,
    "iam:GetPolicyVersion": TOLERATED,
    "iam:ListGroupsForUser": TOLERATED,
    "logs:FilterLogEvents": AS_THEMSELVES,
    "s3:AbortMultipartUpload": AS_THEMSELVES,
}


def named():
    found = set()
    for path in (files("drproof") / "targets/aws").iterdir():
        if path.name.endswith(".py"):
            for service, name in NAMED.findall(path.read_text(encoding="utf-8")):
                names = {**OF_S3, **PARTS}.get(name, (name,)) if service == "s3" else (name,)
                found |= {f"{service}:{one}" for one in names}
    return found - FREE


def granted():
    of_verbs = {action for grants in TABLE.values() for grant in grants for action in grant.actions}
    return of_verbs | {action for grants in ROLES.values() for grant in grants for action in grant.actions}


def test_each_call_that_an_adapter_names_is_granted_or_has_its_reason():
    assert len(named()) > 40, "the calls were not found where they stand"
    assert named() - granted() == UNGRANTED.keys()
