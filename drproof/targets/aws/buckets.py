"""What kind of place a bucket is: region, versions, locks, copies; each question names the owner that it must have."""

from collections.abc import Callable, Mapping
from typing import Any

from drproof.model.capabilities import BucketInfo
from drproof.model.errors import TargetError
from drproof.targets.aws.errors import translated

NONE = "none"
ABSENT = frozenset({"ObjectLockConfigurationNotFoundError", "ReplicationConfigurationNotFoundError"})
FIRST_REGION = "us-east-1"
"""The region that S3 answers with nothing when it is asked for a location."""


def describe(client: Any, bucket: str, *, owner: str) -> BucketInfo:  # noqa: ANN401 — a client of the SDK
    """Return what kind of place a bucket is.

    Raises:
        TargetError: it is not there, does not belong to `owner`, or nobody may ask where it is.
    """
    asked = {"Bucket": bucket, "ExpectedBucketOwner": owner}
    return BucketInfo(
        name=bucket,
        owner=owner,
        region=region_of(client, bucket, owner=owner),
        versioning=_told(
            "s3:GetBucketVersioning", bucket, lambda: client.get_bucket_versioning(**asked).get("Status", "")
        ),
        object_lock=_told(
            "s3:GetObjectLockConfiguration",
            bucket,
            lambda: client.get_object_lock_configuration(**asked)["ObjectLockConfiguration"].get("ObjectLockEnabled"),
        ),
        replication=_told(
            "s3:GetBucketReplication",
            bucket,
            lambda: _enabled(client.get_bucket_replication(**asked)["ReplicationConfiguration"]),
        ),
    )


def region_of(client: Any, bucket: str, *, owner: str) -> str:  # noqa: ANN401 — a client of the SDK
    """Return where a bucket lies.

    Raises:
        TargetError: it is not there, does not belong to `owner`, or nobody may ask where it is.
    """
    asked = {"Bucket": bucket, "ExpectedBucketOwner": owner}
    with translated("s3:HeadBucket", f"s3://{bucket}"):
        head = client.head_bucket(**asked)
    region = head.get("BucketRegion") or head["ResponseMetadata"]["HTTPHeaders"].get("x-amz-bucket-region", "")
    if not region:
        with translated("s3:GetBucketLocation", f"s3://{bucket}"):
            region = client.get_bucket_location(**asked).get("LocationConstraint") or FIRST_REGION
    return str(region)


def _told(call: str, bucket: str, ask: Callable[[], str | None]) -> str:
    """Return an answer in one word; a refusal to answer is one as well."""
    try:
        with translated(call, f"s3://{bucket}"):
            return (ask() or NONE).lower()
    except TargetError as exc:
        if exc.code in ABSENT:
            return NONE
        if exc.code in {"AccessDenied", "403", "NotImplemented", "501"}:
            return exc.code
        raise


def _enabled(configuration: Mapping[str, Any]) -> str:
    return "Enabled" if any(rule.get("Status") == "Enabled" for rule in configuration.get("Rules", ())) else NONE
