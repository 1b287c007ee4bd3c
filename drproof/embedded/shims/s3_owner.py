"""S3: an expected bucket owner is compared, and an account reaches only the buckets that it may reach."""

from urllib.parse import unquote

from moto.s3.models import s3_backends

from drproof.embedded.accounts import Credentials
from drproof.embedded.asked import Asked
from drproof.embedded.refusals import Refusal
from drproof.embedded.world import World

SEAMS = ("moto.s3.models:s3_backends.bucket_accounts",)
READS = {"GET", "HEAD"}


def gate(world: World, asked: Asked, credentials: Credentials) -> Refusal | None:
    """Return a refusal when a bucket, or the source of a copy, is not the caller's to use or has another owner."""
    source = unquote(asked.header("x-amz-copy-source")).lstrip("/").partition("/")[0]
    uses = (
        (asked.bucket, asked.header("x-amz-expected-bucket-owner"), asked.method in READS),
        (source, asked.header("x-amz-source-expected-bucket-owner"), True),
    )
    for bucket, expected, reads in uses:
        owner = owner_of(bucket)
        if not owner:
            continue
        if expected and expected != owner:
            return Refusal(403, "AccessDenied", f"bucket {bucket} is not owned by {expected}")
        if owner != credentials.account_id and not (reads and _shared(world, bucket, credentials)):
            return Refusal(403, "AccessDenied", f"account {credentials.account_id} may not {asked.action} in {bucket}")
    return None


def owner_of(bucket: str) -> str:
    """Return the account that owns a bucket, empty when there is no such bucket."""
    entry = s3_backends.bucket_accounts.get(bucket)
    return entry[1] if entry else ""


def _shared(world: World, bucket: str, credentials: Credentials) -> bool:
    """Whether the original site lets the recovery account read this bucket."""
    return credentials.account_id == world.recovery.account_id and bucket in {
        world.names.bucket,
        world.names.backup_bucket,
    }
