"""S3 Object Lock as the world serves it: what is kept is said, and is not let go early."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import RunningWorld
from .test_s3 import code

BUCKET = "atlas-receipts"
LATER = datetime.now(UTC).replace(microsecond=0) + timedelta(days=3)


def put(client: Any, mode: str = "COMPLIANCE", until: Any = LATER, bucket: str = BUCKET) -> dict[str, Any]:
    where = {"Bucket": bucket, "Key": f"locks/{secrets.token_hex(4)}"}
    made = client.put_object(
        **where, Body=b"x", ChecksumAlgorithm="SHA256", ObjectLockMode=mode, ObjectLockRetainUntilDate=until
    )
    return {**where, "VersionId": made["VersionId"]}


def test_a_retention_is_read_back_as_it_was_set(world: RunningWorld) -> None:
    client = world.client("s3")
    kept = client.get_object_retention(**put(client))["Retention"]
    assert (kept["Mode"], kept["RetainUntilDate"]) == ("COMPLIANCE", LATER)


def test_an_object_without_retention_and_one_that_is_not_there_are_told_apart(world: RunningWorld) -> None:
    client = world.client("s3")
    client.put_object(Bucket=BUCKET, Key="locks/free", Body=b"x")
    for key, said in (("locks/free", "NoSuchObjectLockConfiguration"), ("locks/absent", "NoSuchKey")):
        with pytest.raises(ClientError) as refused:
            client.get_object_retention(Bucket=BUCKET, Key=key)
        assert code(refused) == (said, 404)


@pytest.mark.parametrize(
    ("was", "mode", "days", "bypass"),
    [
        ("COMPLIANCE", "COMPLIANCE", 2, False),
        ("COMPLIANCE", "COMPLIANCE", 2, True),
        ("COMPLIANCE", "GOVERNANCE", 4, True),
        ("GOVERNANCE", "GOVERNANCE", 2, False),
    ],
)
def test_a_retention_is_not_made_shorter_or_weaker(
    world: RunningWorld, was: str, mode: str, days: int, bypass: bool
) -> None:
    client = world.client("s3")
    where = put(client, was)
    retention = {"Mode": mode, "RetainUntilDate": LATER - timedelta(days=3 - days)}
    with pytest.raises(ClientError) as refused:
        client.put_object_retention(**where, Retention=retention, BypassGovernanceRetention=bypass)
    assert code(refused) == ("AccessDenied", 403)
    assert client.get_object_retention(**where)["Retention"]["RetainUntilDate"] == LATER


def test_a_retention_is_made_longer_by_anyone_and_governance_shorter_by_who_may(world: RunningWorld) -> None:
    client = world.client("s3")
    later, sooner = LATER + timedelta(days=1), LATER - timedelta(days=1)
    where, governed = put(client), put(client, "GOVERNANCE")
    client.put_object_retention(**where, Retention={"Mode": "COMPLIANCE", "RetainUntilDate": later})
    client.put_object_retention(
        **governed, Retention={"Mode": "GOVERNANCE", "RetainUntilDate": sooner}, BypassGovernanceRetention=True
    )
    found = [client.get_object_retention(**one)["Retention"]["RetainUntilDate"] for one in (where, governed)]
    assert found == [later, sooner]


def test_a_retention_that_is_over_already_is_refused(world: RunningWorld) -> None:
    with pytest.raises(ClientError) as refused:
        put(world.client("s3"), until=datetime.now(UTC) - timedelta(seconds=5))
    assert code(refused) == ("InvalidArgument", 400)


def test_a_version_that_is_kept_is_not_deleted(world: RunningWorld) -> None:
    client = world.client("s3")
    where = put(client)
    with pytest.raises(ClientError) as refused:
        client.delete_object(**where, BypassGovernanceRetention=True)
    assert code(refused) == ("AccessDenied", 403)
    assert client.get_object(**where)["Body"].read() == b"x"


@pytest.mark.parametrize("bucket", ["atlas-receipts-plain", "atlas-receipts-versioned"])
def test_a_bucket_without_lock_says_so_and_keeps_nothing(world: RunningWorld, bucket: str) -> None:
    client = world.client("s3")
    with pytest.raises(ClientError) as refused:
        client.get_object_lock_configuration(Bucket=bucket)
    assert code(refused) == ("ObjectLockConfigurationNotFoundError", 404)
    with pytest.raises(ClientError) as refused:
        put(client, bucket=bucket)
    assert code(refused) == ("InvalidRequest", 400)
