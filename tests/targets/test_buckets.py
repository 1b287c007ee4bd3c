"""What kind of place a bucket is, and reads that hold on to what was first seen."""

import secrets
from collections.abc import Callable
from typing import Any

import pytest

from drproof.model.errors import AlreadyExistsError, TargetError
from drproof.phases.backup.pinned import Pinned
from drproof.targets import embedded
from drproof.targets.aws.s3 import AwsObjectStore
from drproof.targets.sites import AwsTarget
from tests.targets.conftest import NAMES, make_intent

BUCKET = NAMES["recovery"]["bucket"]


@pytest.fixture
def plain(stranger: Callable[[str], Any]) -> str:
    """A bucket of this test's own that keeps no versions."""
    name = f"plain-{secrets.token_hex(4)}"
    region = NAMES["sites"]["recovery"]["region"]
    stranger("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": region})
    return name


def test_a_bucket_says_where_it_is_whose_it_is_and_what_it_keeps(target: AwsTarget, plain: str) -> None:
    site = NAMES["sites"]["recovery"]
    found = target.recovery.objects.describe(BUCKET)

    assert (found.name, found.owner, found.region) == (BUCKET, site["account_id"], site["region"])
    assert (found.versioning, found.object_lock, found.replication) == ("enabled", "none", "none")
    assert target.recovery.objects.describe(plain).versioning == "none"


def test_a_bucket_of_another_owner_is_not_described(target: AwsTarget) -> None:
    with pytest.raises(TargetError):
        target.recovery.objects.describe(NAMES["primary"]["bucket"])


def test_every_question_about_a_bucket_names_the_owner(world: embedded.World, target: AwsTarget, plain: str) -> None:
    target.recovery.objects.describe(plain)

    asked = [call for call in world.calls() if call["bucket"] == plain and call["action"] != "CreateBucket"]
    assert {call["action"] for call in asked} >= {"HeadBucket", "GetBucketVersioning"}
    assert {call["expected_owner"] for call in asked} == {NAMES["sites"]["recovery"]["account_id"]}


def test_a_second_read_returns_the_version_that_was_first_seen(target: AwsTarget) -> None:
    store: AwsObjectStore = target.recovery.objects
    key = f"test-{secrets.token_hex(4)}"
    first = store.put(make_intent(), BUCKET, key, b"one")
    pinned = Pinned(store)
    assert pinned.read(BUCKET, key)[1] == b"one"
    second = store.put(make_intent(), BUCKET, key, b"two")

    assert pinned.read(BUCKET, key)[1] == b"one"
    assert b"".join(pinned.stream(BUCKET, key)[1]) == b"one"
    (look,) = pinned.looks()
    assert (look.uri, look.status_after) == (f"s3://{BUCKET}/{key}", "ok")
    assert (look.version, look.version_after) == (first.version, second.version)
    assert (look.etag, look.etag_after) == (first.etag, second.etag)
    store.delete(make_intent(), BUCKET, [key])
    (look,) = pinned.looks()
    assert (look.status_after, look.version_after, look.etag_after) == ("not_found", "", "")


def test_without_versions_a_read_of_other_content_is_refused(target: AwsTarget, plain: str) -> None:
    store: AwsObjectStore = target.recovery.objects
    store.put(make_intent(), plain, "k", b"one")
    pinned = Pinned(store)
    pinned.read(plain, "k")
    assert pinned.read(plain, "k")[1] == b"one"
    store.put(make_intent(), plain, "k", b"two")

    with pytest.raises(AlreadyExistsError):
        pinned.read(plain, "k")
    (look,) = pinned.looks()
    assert (look.version, look.version_after) == ("", "")
    assert look.etag != look.etag_after


def test_a_bucket_of_somebody_else_is_asked_for_in_that_owners_name(
    world: embedded.World, target: AwsTarget, stranger: Callable[[str], Any]
) -> None:
    mine, theirs = NAMES["sites"]["recovery"]["account_id"], NAMES["sites"]["primary"]["account_id"]
    bucket = NAMES["primary"]["bucket"]
    store = AwsObjectStore(stranger("s3"), owner=mine, owners={bucket: theirs})

    assert next(store.list(bucket, f"{NAMES['primary']['prefix']}/runs/")).bucket == bucket
    with pytest.raises(TargetError):
        next(AwsObjectStore(stranger("s3"), owner=mine).list(bucket, ""))
    assert store.describe(BUCKET).owner == mine
