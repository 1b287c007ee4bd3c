"""The policy that `drproof policy` prints is enough: an honest drill makes no call that it does not allow."""

from drproof import catalog
from drproof.engine.criteria import settings_of
from drproof.engine.readiness import verbs_of
from drproof.engine.settings import resolve
from drproof.targets.aws.grants import SIDES
from drproof.targets.aws.permissions import needed

# IAM names some of the calls otherwise than the API does.
OF_S3 = {
    "DeleteObjects": "DeleteObjectVersion",
    "GetBucketReplication": "GetReplicationConfiguration",
    "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
    "HeadBucket": "ListBucket",
    "HeadObject": "GetObject",
    "ListObjectVersions": "ListBucketVersions",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
}
SERVICES = {"monitoring": "cloudwatch"}
FREE = frozenset({"sts:GetCallerIdentity"})


def test_every_call_of_a_drill_is_one_that_the_policy_allows(green):
    settings = settings_of(resolve({"target": "embedded"}, {}, None), no_retry=False)
    verbs = verbs_of(catalog.plan("recovery"), settings)
    provisioner = green.receipts["bringup"]["observed"]["provisioner"]
    allowed = {
        (site.account_id, one.action)
        for side, site in zip(SIDES, (settings.sites.primary, settings.sites.recovery), strict=True)
        for one in needed(verbs, side, settings, provisioner=provisioner)
    }

    made = set()
    for call in green.calls:
        if call["service"] == "kubernetes":
            # What a cluster lets its users do is not IAM.
            continue
        service = SERVICES.get(call["service"], call["service"])
        action = OF_S3.get(call["action"], call["action"]) if service == "s3" else call["action"]
        made.add((call["account"], f"{service}:{action}"))

    assert len(made) > 10, "a drill asks for a lot"
    assert sorted(action for _, action in made - allowed if action not in FREE) == []
