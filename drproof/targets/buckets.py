"""Buckets for an operator's own look: nothing of a drill, and nothing can be changed."""

from drproof.targets import embedded
from drproof.targets.aws.s3 import AwsObjectStore
from drproof.targets.aws.sessions import Session
from drproof.targets.aws.sts import AwsIdentity


def open_buckets(*, region: str, profile: str, owner: str, world: str) -> AwsObjectStore:
    """Return the buckets of an account: the owner's, else the caller's own, or those of an embedded world.

    Raises:
        TargetError: nobody says who the caller is, or the world does not answer.
    """
    if world:
        address = embedded.loopback(world)
        issued = embedded.credentials(address)["primary"]
        session = Session(region or issued["region"], endpoint=address, credentials=issued, read_only=True)
    else:
        session = Session(region, profile=profile, read_only=True)
    # Without an owner on every call, a bucket of that name in a stranger's account would do.
    whose = owner or AwsIdentity(session.client("sts")).caller().account_id
    return AwsObjectStore(session.client("s3"), owner=whose)
