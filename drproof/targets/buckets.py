"""Buckets for an operator's own look: nothing of a drill, and nothing can be changed."""

import boto3

from drproof.targets import embedded
from drproof.targets.aws.errors import translated
from drproof.targets.aws.s3 import AwsObjectStore
from drproof.targets.aws.sessions import Session
from drproof.targets.aws.sts import AwsIdentity


def open_buckets(*, region: str, profile: str, owner: str, world: str) -> AwsObjectStore:
    """Return the buckets of an account: the owner's, else the caller's own, or those of an embedded world.

    Raises:
        TargetError: nobody says who the caller is, or the world does not answer.
        ValueError: neither `region` nor the operator's configuration names a region.
    """
    if world:
        address = embedded.loopback(world)
        issued = embedded.credentials(address)["primary"]
        session = Session(region or issued["region"], endpoint=address, credentials=issued, read_only=True)
    else:
        session = Session(region or _configured(profile), profile=profile, read_only=True)
    # Without an owner on every call, a bucket of that name in a stranger's account would do.
    whose = owner or AwsIdentity(session.client("sts")).caller().account_id
    return AwsObjectStore(session.client("s3"), owner=whose)


def _configured(profile: str) -> str:
    """Return the region of the operator's own configuration."""
    with translated("session:open", profile):
        region = boto3.Session(profile_name=profile or None).region_name
    if not region:
        msg = "no region is configured: expected --region, AWS_REGION, or that of a profile; got none"
        raise ValueError(msg)
    return region
