"""The receipt store of AWS: made once, with checksum and retention, read back by version, for the expected owner."""

import secrets
from collections.abc import Callable
from typing import Any

import pytest

from drproof.model.capabilities import ReceiptStore, Retention
from drproof.model.errors import AlreadyExistsError, NotFoundError, TargetError
from drproof.targets import embedded
from drproof.targets.aws import s3_receipts
from drproof.targets.aws.s3_receipts import AwsReceiptStore
from drproof.targets.sites import AwsTarget
from tests.targets.conftest import NAMES, make_intent

LOCKED, VERSIONED, PLAIN = "atlas-receipts", "atlas-receipts-versioned", "atlas-receipts-plain"
OWNER = NAMES["sites"]["recovery"]["account_id"]
KEPT = Retention(mode="COMPLIANCE", until="2099-01-01T00:00:00.000Z")


@pytest.fixture
def store(target: AwsTarget) -> AwsReceiptStore:
    return target.receipts


@pytest.fixture
def key() -> str:
    return f"t/{secrets.token_hex(4)}/restore.json"


def test_the_adapter_is_the_models_store(store: AwsReceiptStore) -> None:
    asked: ReceiptStore = store
    assert asked is store


def test_a_bucket_says_whether_it_can_keep_what_is_put_there(store: AwsReceiptStore) -> None:
    assert [store.locks(bucket) for bucket in (LOCKED, VERSIONED, PLAIN)] == [True, False, False]
    with pytest.raises(NotFoundError, match="s3:GetObjectLockConfiguration s3://no-such-bucket-at-all: NoSuchBucket"):
        store.locks("no-such-bucket-at-all")


def test_what_was_made_is_read_back_with_version_and_retention(store: AwsReceiptStore, key: str) -> None:
    version = store.create(make_intent(), LOCKED, key, b"{}", retention=KEPT)
    found = store.look(LOCKED, key, version=version, locked=True)
    assert (found.body, found.version, found.retention) == (b"{}", version, KEPT)
    assert version
    assert found.etag


def test_it_is_json_with_a_checksum_that_the_store_has_verified(
    store: AwsReceiptStore, key: str, stranger: Callable[[str], Any]
) -> None:
    intent = make_intent()
    store.create(intent, VERSIONED, key, b"{}")
    head = stranger("s3").head_object(Bucket=VERSIONED, Key=key, ChecksumMode="ENABLED")
    assert head["ContentType"] == "application/json"
    assert head["ChecksumSHA256"] == "RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o="
    assert head["Metadata"] == {"drproof-effect": intent.token}


@pytest.mark.parametrize("bucket", [LOCKED, VERSIONED, PLAIN])
def test_nothing_is_ever_written_over(store: AwsReceiptStore, key: str, bucket: str) -> None:
    store.create(make_intent(), bucket, key, b"first")
    with pytest.raises(AlreadyExistsError):
        store.create(make_intent(), bucket, key, b"second")
    assert store.look(bucket, key).body == b"first"


def test_a_bucket_without_versions_gives_none(store: AwsReceiptStore, key: str) -> None:
    assert store.create(make_intent(), PLAIN, key, b"{}") == ""
    assert store.look(PLAIN, key).version == ""


def test_a_listing_of_a_great_archive_is_read_back_and_what_no_bundle_may_hold_is_not(
    store: AwsReceiptStore, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    listing = b"[" + b" " * (17 << 20) + b"]"
    store.create(make_intent(), PLAIN, key, listing)
    assert store.look(PLAIN, key).body == listing

    monkeypatch.setattr(s3_receipts, "LARGEST_FILE", len(listing) - 1)
    with pytest.raises(TargetError, match=f"expected at most {len(listing) - 1} bytes, got {len(listing)}"):
        store.look(PLAIN, key)


def test_an_object_that_nobody_keeps_is_told_from_one_that_is_not_there(store: AwsReceiptStore, key: str) -> None:
    store.create(make_intent(), LOCKED, key, b"{}")
    assert store.look(LOCKED, key, locked=True).retention is None
    with pytest.raises(NotFoundError):
        store.look(LOCKED, key + "x", locked=True)


def test_every_call_names_the_owner_and_another_one_is_refused(
    target: AwsTarget, store: AwsReceiptStore, key: str, world: embedded.World
) -> None:
    before = len(world.calls())
    store.locks(LOCKED)
    store.look(LOCKED, key, version=store.create(make_intent(), LOCKED, key, b"{}", retention=KEPT), locked=True)
    calls = world.calls()[before:]
    actions = ["GetObjectLockConfiguration", "PutObject", "GetObject", "GetObjectRetention"]
    assert [(call["action"], call["expected_owner"]) for call in calls] == [(action, OWNER) for action in actions]
    wrong = AwsReceiptStore(target.recovery._session, owner="999999999999")
    asked: list[Callable[[], Any]] = [
        lambda: wrong.locks(LOCKED),
        lambda: wrong.look(LOCKED, key),
        lambda: wrong.create(make_intent(), LOCKED, key + "2", b"{}"),
    ]
    for ask in asked:
        with pytest.raises(TargetError) as caught:
            ask()
        assert caught.value.code == "AccessDenied"


def test_every_key_below_a_prefix_is_listed_page_by_page_up_to_a_bound(store: AwsReceiptStore) -> None:
    prefix = f"t/{secrets.token_hex(4)}"
    for number in range(3):
        store.create(make_intent(), PLAIN, f"{prefix}/{number}.json", b"{}")

    assert store.keys(PLAIN, f"{prefix}/", most=3) == tuple(f"{prefix}/{number}.json" for number in range(3))
    assert store.keys(PLAIN, f"{prefix}/none/", most=3) == ()
    with pytest.raises(TargetError, match="expected at most 2 objects"):
        store.keys(PLAIN, f"{prefix}/", most=2)
