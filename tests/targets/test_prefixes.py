"""Against the embedded world: real signing, its owner's refusal, and keys as an emulator writes them."""

import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from drproof.engine.comparing import Asked, open_pair
from drproof.engine.prefixes import Comparison
from drproof.engine.reaching import Way
from drproof.model.comparison import Kind
from drproof.model.errors import NotFoundError, TargetError
from drproof.targets import embedded
from drproof.targets.aws.s3_ranges import ListedPrefix
from drproof.targets.aws.s3_requests import FIRST_PAUSE, FIRST_PAUSE_AT_THE_WORLD, SignedBucket
from drproof.targets.aws.sessions import Session
from tests.targets.conftest import NAMES

BUCKET = NAMES["recovery"]["bucket"]
OWNER = NAMES["sites"]["recovery"]["account_id"]
ODD = ("x//y", "a b+c", "ünïcode/…", "100%/%2F", "tail/", "q?&=#;", "<&>\"'", "a/../b")


def listed(world: embedded.World, prefix: str, *, owner: str = OWNER, bucket: str = BUCKET) -> ListedPrefix:
    issued = embedded.credentials(world.endpoint)["recovery"]
    session = Session(issued["region"], endpoint=world.endpoint, credentials=issued)
    return ListedPrefix(SignedBucket(session, bucket, owner=owner, first_pause=0.001), prefix)


def test_two_prefixes_of_the_world_are_compared_key_by_key(
    world: embedded.World, stranger: Callable[[str], Any]
) -> None:
    client, place = stranger("s3"), secrets.token_hex(4)
    for number, key in enumerate(ODD):
        client.put_object(Bucket=BUCKET, Key=f"{place}/l/{key}", Body=b"same")
        client.put_object(Bucket=BUCKET, Key=f"{place}/r/{key}", Body=b"else" if number == 1 else b"same")
    client.put_object(Bucket=BUCKET, Key=f"{place}/r/~", Body=b"")
    before = len(world.calls())

    comparison = Comparison(listed(world, f"{place}/l/"), listed(world, f"{place}/r/"))

    assert [(one.key, one.kind) for one in comparison] == [(b"a b+c", Kind.CONTENT), (b"~", Kind.EXTRA)]
    assert comparison.tally.equal == len(ODD) - 1
    calls = world.calls()[before:]
    assert {call["action"] for call in calls} == {"ListObjectsV2", "HeadObject"}
    assert {call["expected_owner"] for call in calls} == {OWNER}


def test_objects_of_several_parts_are_read_and_found_equal(
    world: embedded.World, stranger: Callable[[str], Any]
) -> None:
    client, place, body = stranger("s3"), secrets.token_hex(4), b"0123456789abcdef" * (7 << 16)
    for side, size in (("l", 5 << 20), ("r", 6 << 20)):
        made = client.create_multipart_upload(Bucket=BUCKET, Key=f"{place}/{side}/k")["UploadId"]
        at = {"Bucket": BUCKET, "Key": f"{place}/{side}/k", "UploadId": made}
        parts = [body[:size], body[size:]]
        tags = [client.upload_part(**at, PartNumber=n, Body=one)["ETag"] for n, one in enumerate(parts, 1)]
        done = [{"PartNumber": n, "ETag": tag} for n, tag in enumerate(tags, 1)]
        client.complete_multipart_upload(**at, MultipartUpload={"Parts": done})

    comparison = Comparison(listed(world, f"{place}/l/"), listed(world, f"{place}/r/"))

    assert list(comparison) == []
    assert comparison.tally.equal == 1


def test_another_owner_and_a_bucket_that_is_not_there_are_refused(world: embedded.World) -> None:
    with pytest.raises(TargetError, match="AccessDenied"):
        list(Comparison(listed(world, "a/", owner="999999999999"), listed(world, "b/")))
    with pytest.raises(NotFoundError, match="NoSuchBucket"):
        list(Comparison(listed(world, "a/"), listed(world, "b/", bucket="no-such-bucket-at-all")))


def test_another_store_has_the_time_of_a_live_one_and_only_the_embedded_world_less(
    world: embedded.World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that is asked to slow down six times within a fifth of a second says no six times."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    there = Way(owner="111122223333", region="us-east-1", endpoint=world.endpoint)
    ways = {FIRST_PAUSE: there, FIRST_PAUSE_AT_THE_WORLD: replace(there, endpoint="", world=world.endpoint)}

    for pause, way in ways.items():
        sides = open_pair(Asked(uri="s3://one/a/", way=way), Asked(uri="s3://two/a/", way=way), connections=1)
        assert [side.bucket._first_pause for side in sides] == [pause] * 2
