"""Objects: keys as they are, writes that can be trusted, deletions that hit nothing else."""

import hashlib
import os
import secrets
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from drproof.model.capabilities import ObjectStore
from drproof.model.errors import AlreadyExistsError, NotFoundError, TargetError
from drproof.model.settings import Limits
from drproof.phases.fleet.find_restore_points import listed
from drproof.targets import embedded, open_target
from drproof.targets.aws.s3 import AwsObjectStore
from drproof.targets.sites import AwsTarget
from tests.targets.conftest import NAMES, make_intent, settings

BUCKET = NAMES["recovery"]["bucket"]
KEYS = ("x//y", "a b+c", "ünïcode/…", "100%/%2F", "tail/", "q?&=#", "<&>\"'")


@pytest.fixture
def store(target: AwsTarget) -> AwsObjectStore:
    """The store of the recovery site."""
    return target.recovery.objects


@pytest.fixture
def prefix() -> str:
    """A prefix of this test's own."""
    return f"test-{secrets.token_hex(4)}/"


def test_a_written_object_is_read_back_as_it_was(store: AwsObjectStore, prefix: str) -> None:
    body = os.urandom(3_000_000)
    made = store.put(make_intent(), BUCKET, prefix + "k", body, tags={"a b": "c=+d/e @f", "drproof:drill": "d"})
    head = store.head(BUCKET, prefix + "k")
    info, chunks = store.stream(BUCKET, prefix + "k")
    assert hashlib.sha256(b"".join(chunks)).digest() == hashlib.sha256(body).digest()
    assert (
        (made.size, made.etag, made.version)
        == (head.size, head.etag, head.version)
        == (info.size, info.etag, info.version)
    )
    assert head.etag == hashlib.md5(body, usedforsecurity=False).hexdigest()
    assert made.version
    assert made.modified_at.endswith("Z")
    assert head.modified_at.endswith(".000Z")
    assert store.tags(BUCKET, prefix + "k") == {"a b": "c=+d/e @f", "drproof:drill": "d"}


def test_an_earlier_version_is_still_readable(store: AwsObjectStore, prefix: str) -> None:
    first = store.put(make_intent(), BUCKET, prefix + "k", b"one")
    store.put(make_intent(), BUCKET, prefix + "k", b"two")
    assert store.read(BUCKET, prefix + "k", version=first.version)[1] == b"one"
    assert store.read(BUCKET, prefix + "k")[1] == b"two"


def test_an_empty_object_is_read_as_empty(store: AwsObjectStore, prefix: str) -> None:
    store.put(make_intent(), BUCKET, prefix + "k", b"")
    assert store.read(BUCKET, prefix + "k")[1] == b""


def test_keys_are_listed_exactly_as_they_are(store: AwsObjectStore, prefix: str) -> None:
    for key in KEYS:
        store.put(make_intent(), BUCKET, prefix + key, key.encode())
    found = {info.key: info.size for info in store.list(BUCKET, prefix)}
    assert found == {prefix + key: len(key.encode()) for key in KEYS}
    for key in KEYS:
        assert store.read(BUCKET, prefix + key)[1] == key.encode()


def test_a_listing_goes_on_after_its_first_page(store: AwsObjectStore, prefix: str) -> None:
    client = store._client
    client.meta.events.register("before-parameter-build.s3.ListObjectsV2", lambda params, **_: params.update(MaxKeys=2))
    names = [f"{prefix}{number}" for number in range(5)]
    for name in names:
        store.put(make_intent(), BUCKET, name, b"x")
    assert [info.key for info in store.list(BUCKET, prefix)] == names


def test_what_lies_directly_below_a_prefix_is_listed_once_names_exactly_as_they_are(
    store: AwsObjectStore, prefix: str
) -> None:
    for key in ("a/1", "a/2", "ab/deep/er/1", "ünï code/1", "100%/1", "x//1", "/1", "stray", "a"):
        store.put(make_intent(), BUCKET, prefix + key, b"")

    found = store.folders(BUCKET, prefix)

    assert sorted(found.names) == sorted(["a", "ab", "ünï code", "100%", "x", ""])
    assert sorted(found.keys) == sorted([f"{prefix}stray", f"{prefix}a"])


def test_restore_points_are_folders_that_a_uri_can_name_and_both_counts_agree(
    store: AwsObjectStore, prefix: str
) -> None:
    for key in ("one/metadata.json", "one/deep/x", "two/y", "/nowhere", "../up", "README"):
        store.put(make_intent(), BUCKET, prefix + key, b"")
    under = f"s3://{BUCKET}/{prefix}"

    found = listed(store, under)

    assert found.under == under.rstrip("/")
    assert found.found == found.recounted == (f"{under}one", f"{under}two")
    assert sorted(found.strays) == sorted([f"{prefix}README", f"{prefix}/", f"{prefix}../"])


def test_folders_beyond_the_first_page_are_found(store: AwsObjectStore, prefix: str) -> None:
    client = store._client
    client.meta.events.register("before-parameter-build.s3.ListObjectsV2", lambda params, **_: params.update(MaxKeys=2))
    for number in range(5):
        store.put(make_intent(), BUCKET, f"{prefix}{number}/x", b"")

    found = listed(store, f"s3://{BUCKET}/{prefix}")

    assert [uri.rpartition("/")[2] for uri in found.found] == ["0", "1", "2", "3", "4"]
    assert found.found == found.recounted


def test_a_conditional_create_finds_what_is_there(store: AwsObjectStore, prefix: str) -> None:
    made = store.put(make_intent(), BUCKET, prefix + "k", b"one", if_absent=True)
    with pytest.raises(AlreadyExistsError):
        store.put(make_intent(), BUCKET, prefix + "k", b"two", if_absent=True)
    again = store.put(make_intent(), BUCKET, prefix + "k", b"three", if_match=made.etag)
    with pytest.raises(AlreadyExistsError):
        store.put(make_intent(), BUCKET, prefix + "k", b"four", if_match=made.etag)
    assert store.read(BUCKET, prefix + "k")[1] == b"three"
    assert again.etag != made.etag
    with pytest.raises(ValueError, match="got both"):
        store.put(make_intent(), BUCKET, prefix + "k", b"", if_absent=True, if_match="x")


@pytest.mark.parametrize(("lease_ms", "seconds"), [(Limits().lease_ms, 10), (600_000, 10), (12_000, 2), (1_000, 1)])
def test_a_lease_is_asked_for_in_haste_so_that_a_request_that_hangs_leaves_time_for_another(
    world: embedded.World, tmp_path: Path, lease_ms: int, seconds: int
) -> None:
    plain = settings("direct")
    limited = replace(plain, limits=replace(plain.limits, lease_ms=lease_ms))
    site = open_target(limited, world.endpoint, directory=tmp_path, origin="one").recovery

    assert site.leases._client.meta.config.read_timeout == seconds
    assert site.objects._client.meta.config.read_timeout > seconds


def test_a_missing_object_is_not_found(store: AwsObjectStore, prefix: str) -> None:
    for ask in (store.head, store.read, store.stream, store.tags):
        with pytest.raises(NotFoundError, match=prefix):
            ask(BUCKET, prefix + "none")
    with pytest.raises(NotFoundError):
        list(store.list("no-such-bucket-at-all", ""))


def test_reading_stops_at_the_limit(store: AwsObjectStore, prefix: str) -> None:
    store.put(make_intent(), BUCKET, prefix + "k", b"12345")
    assert store.read(BUCKET, prefix + "k", limit=5)[1] == b"12345"
    with pytest.raises(TargetError, match="expected at most 4 bytes, got 5"):
        store.read(BUCKET, prefix + "k", limit=4)


def test_a_bucket_of_another_owner_is_refused_by_every_call(
    target: AwsTarget, store: AwsObjectStore, prefix: str
) -> None:
    made = store.put(make_intent(), BUCKET, prefix + "k", b"x")
    wrong = AwsObjectStore(target.recovery._session.client("s3"), owner="999999999999")
    calls: list[Callable[[], Any]] = [
        lambda: wrong.head(BUCKET, prefix + "k"),
        lambda: wrong.read(BUCKET, prefix + "k"),
        lambda: wrong.stream(BUCKET, prefix + "k"),
        lambda: list(wrong.list(BUCKET, prefix)),
        lambda: wrong.folders(BUCKET, prefix),
        lambda: wrong.tags(BUCKET, prefix + "k"),
        lambda: wrong.put(make_intent(), BUCKET, prefix + "k", b"y"),
        lambda: wrong.delete(make_intent(), BUCKET, [prefix + "k"]),
    ]
    for call in calls:
        with pytest.raises(TargetError) as caught:
            call()
        assert caught.value.code in {"AccessDenied", "403"}
    assert store.head(BUCKET, prefix + "k") == replace(made, modified_at=store.head(BUCKET, prefix + "k").modified_at)


def test_every_call_on_a_bucket_names_its_owner(store: AwsObjectStore, prefix: str, world: embedded.World) -> None:
    before = len(world.calls())
    store.put(make_intent(), BUCKET, prefix + "k", b"x")
    store.read(BUCKET, prefix + "k")
    store.head(BUCKET, prefix + "k")
    store.tags(BUCKET, prefix + "k")
    list(store.list(BUCKET, prefix))
    store.folders(BUCKET, prefix)
    store.delete(make_intent(), BUCKET, [prefix + "k"])
    calls = world.calls()[before:]
    assert {call["action"] for call in calls} >= {"PutObject", "GetObject", "HeadObject", "ListObjectsV2"}
    assert {call["expected_owner"] for call in calls} == {NAMES["sites"]["recovery"]["account_id"]}


@pytest.mark.parametrize("crowd", [0, 40], ids=["alone", "among many versions of others"])
def test_deleting_removes_every_version_of_exactly_these_keys(
    store: AwsObjectStore, prefix: str, stranger: Callable[[str], Any], crowd: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = stranger("s3")
    if crowd:
        # What others have there shall be more than the one listing may go through.
        monkeypatch.setattr("drproof.targets.aws.s3.BATCH", 8)
    wanted = [f"{prefix}k", f"{prefix}k+ü x", f"{prefix}gone"]
    kept = [f"{prefix}k2", f"{prefix}k/", f"{prefix}a", *(f"{prefix}crowd/{number}" for number in range(crowd))]
    for key in (*wanted, *wanted, *kept):
        store.put(make_intent(), BUCKET, key, b"x")
    client.delete_object(Bucket=BUCKET, Key=f"{prefix}k")
    store.delete(make_intent(), BUCKET, wanted)
    left = client.list_object_versions(Bucket=BUCKET, Prefix=prefix)
    assert "DeleteMarkers" not in left
    assert sorted(item["Key"] for item in left["Versions"]) == sorted(kept)
    store.delete(make_intent(), BUCKET, wanted)
    store.delete(make_intent(), BUCKET, [wanted[0]])
    store.delete(make_intent(), BUCKET, [])


def test_a_version_that_cannot_be_deleted_is_an_error(
    store: AwsObjectStore, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put(make_intent(), BUCKET, prefix + "k", b"x")
    answer = {"Errors": [{"Key": prefix + "k", "Code": "AccessDenied", "Message": "locked"}]}
    monkeypatch.setattr(store._client, "delete_objects", lambda **_: answer)
    with pytest.raises(TargetError, match=rf"s3:DeleteObjects s3://{BUCKET}/{prefix}k .*AccessDenied: locked"):
        store.delete(make_intent(), BUCKET, [prefix + "k"])


def test_what_is_removed_unchanged_goes_alone_and_uncovers_nothing_of_others(
    store: AwsObjectStore, prefix: str, stranger: Callable[[str], Any]
) -> None:
    client, key = stranger("s3"), f"{prefix}k"
    theirs = client.put_object(Bucket=BUCKET, Key=key, Body=b"theirs")["VersionId"]
    ours = [store.put(make_intent(), BUCKET, key, body).etag for body in (b"ours", b"ours again")]

    store.delete_unchanged(make_intent(), BUCKET, key, if_match=ours[1], also=ours[:1])

    left = client.list_object_versions(Bucket=BUCKET, Prefix=key)
    assert [item["VersionId"] for item in left["Versions"]] == [theirs]
    assert [item["IsLatest"] for item in left["DeleteMarkers"]] == [True]
    with pytest.raises(NotFoundError):
        store.head(BUCKET, key)


def test_what_is_removed_unchanged_and_alone_leaves_no_version_and_no_marker(
    store: AwsObjectStore, prefix: str, stranger: Callable[[str], Any]
) -> None:
    made = store.put(make_intent(), BUCKET, f"{prefix}k", b"ours")

    store.delete_unchanged(make_intent(), BUCKET, f"{prefix}k", if_match=made.etag)

    left = stranger("s3").list_object_versions(Bucket=BUCKET, Prefix=f"{prefix}k")
    assert (left.get("Versions"), left.get("DeleteMarkers")) == (None, None)


def test_what_was_written_anew_since_it_was_read_is_not_removed(
    store: AwsObjectStore, prefix: str, stranger: Callable[[str], Any]
) -> None:
    made = store.put(make_intent(), BUCKET, f"{prefix}k", b"ours")
    stranger("s3").put_object(Bucket=BUCKET, Key=f"{prefix}k", Body=b"theirs")

    with pytest.raises(AlreadyExistsError):
        store.delete_unchanged(make_intent(), BUCKET, f"{prefix}k", if_match=made.etag)
    assert store.read(BUCKET, f"{prefix}k")[1] == b"theirs"


def test_a_version_that_the_platform_keeps_is_an_error_of_who_removes_it_unchanged(
    store: AwsObjectStore, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = store.put(make_intent(), BUCKET, f"{prefix}k", b"x")
    answer = {"Errors": [{"Key": f"{prefix}k", "Code": "AccessDenied", "Message": "locked"}]}
    monkeypatch.setattr(store._client, "delete_objects", lambda **_: answer)

    with pytest.raises(TargetError, match=rf"s3:DeleteObjects s3://{BUCKET}/{prefix}k .*AccessDenied: locked"):
        store.delete_unchanged(make_intent(), BUCKET, f"{prefix}k", if_match=made.etag)


def test_the_adapter_is_the_models_store(store: AwsObjectStore) -> None:
    asked: ObjectStore = store
    assert asked is store
