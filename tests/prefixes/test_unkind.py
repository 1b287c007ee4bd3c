"""A store that refuses, breaks off and forgets: nothing is lost, and nothing that was not seen counts as seen."""

import itertools
import re
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from drproof.engine.key_ranges_apart import RANGE
from drproof.engine.prefixes import Comparison
from drproof.formats import s3_page
from drproof.model.comparison import Kind
from drproof.model.errors import DrproofError, FormatError, TargetError, ThrottledError
from drproof.targets.aws.s3 import AwsObjectStore
from drproof.targets.aws.s3_requests import SignedBucket
from drproof.targets.aws.sessions import Session
from tests.prefixes.bucket_server import Asked, Bucket, BucketServer, Stored, parts_of
from tests.prefixes.conftest import KEYS, OWNER, Pair, Served
from tests.prefixes.test_comparing import many


class Once:
    """Each request goes wrong the first time, in one way after the other, and is answered when it comes again."""

    def __init__(self, *ways: str, verbs: tuple[str, ...] = ("LIST", "HEAD", "GET")) -> None:
        self._ways = ways
        self._verbs = verbs
        self._seen: Counter[tuple[object, ...]] = Counter()

    def __call__(self, asked: Asked) -> str:
        which = (asked.verb, asked.bucket, asked.key, *sorted(asked.query.items()))
        self._seen[which] += 1
        if asked.verb not in self._verbs or self._seen[which] > 1:
            return ""
        return self._ways[len(self._seen) % len(self._ways)]


def test_what_failed_once_is_asked_again_from_where_it_was(served: Served) -> None:
    body = b"0123456789" * 1000
    left = many(5_000) | {b"parts": Stored(body, parts_of(body, 500))}
    right = many(5_000) | {b"parts": Stored(body, parts_of(body, 400)), b"z": Stored(b"")}
    pair = served(left, right, unkind=Once("503", "500", "reset", "cut", "short"))

    found, comparison = pair.compare(shards=3)

    assert [(one.key, one.kind) for one in found] == [(b"z", Kind.EXTRA)]
    assert (comparison.tally.left, comparison.tally.right) == (5_001, 5_002)
    repeated = sum(side.bucket.sent.again for side in (comparison._left, comparison._right))
    assert repeated > 10


@pytest.mark.parametrize("way", ["503", "500", "reset", "cut", "short"])
def test_a_listing_that_stays_unanswered_ends_the_comparison(served: Served, way: str) -> None:
    pair = served(many(3_000), many(3_000), unkind=lambda asked: way if "continuation-token" in asked.query else "")

    with pytest.raises(DrproofError) as caught:
        pair.compare(shards=1)

    assert isinstance(caught.value, FormatError if way == "cut" else TargetError)
    assert "s3:ListObjectsV2 s3://" in str(caught.value)
    assert pair.server.count("LIST") >= 6
    if way == "503":
        assert isinstance(caught.value, ThrottledError)


def test_nobody_waits_for_the_other_ranges_when_one_has_failed(served: Served) -> None:
    same = many(20_000)
    pair = served(
        same, same, unkind=lambda asked: "404" if asked.query.get("start-after", b"").startswith(b"l/1") else ""
    )

    with pytest.raises(TargetError):
        pair.compare(shards=6)

    ranges = [one for one in threading.enumerate() if one.name.startswith(RANGE)]
    for one in ranges:
        one.join(30)
    assert not any(one.is_alive() for one in ranges)


def test_an_object_that_cannot_be_read_stays_in_doubt(served: Served) -> None:
    left = {b"a": Stored(b"1", "0" * 32 + "-1"), b"b": Stored(b"1", "0" * 32 + "-1"), b"c": Stored(b"1")}
    right = {b"a": Stored(b"1"), b"b": Stored(b"1"), b"c": Stored(b"1")}
    pair = served(left, right, unkind=lambda asked: {b"l/a": "503", b"l/b": "404"}.get(asked.key, ""))

    found, comparison = pair.compare()

    assert [(one.key, one.kind) for one in found] == [(b"a", Kind.DOUBTFUL), (b"b", Kind.DOUBTFUL)]
    assert "s3:HeadObject s3://left/l/a: 503" in found[0].reason
    assert found[1].reason == "gone since it was listed"
    assert (comparison.tally.equal, comparison.tally.doubtful) == (1, 2)


def test_an_object_that_changed_since_it_was_listed_stays_in_doubt() -> None:
    rows = {b"l/k": Stored(b"1", "0" * 32 + "-1"), b"r/k": Stored(b"1")}
    buckets = {side: Bucket.of({key: one}) for side, (key, one) in zip(("left", "right"), rows.items(), strict=True)}
    buckets["left"].objects[b"l/k"] = Stored(b"2")
    with BucketServer(buckets) as server:
        for read in ("auto", "always"):
            found, _ = Pair(server).compare(read=read)
            assert [(one.kind, one.reason) for one in found] == [(Kind.DOUBTFUL, "changed since it was listed")]


def test_a_bucket_of_another_owner_is_refused(served: Served) -> None:
    pair = served(many(3), many(3))
    wrong = Comparison(pair.listed("left", "l/", owner="999999999999"), pair.listed("right", "r/"))

    with pytest.raises(TargetError, match="AccessDenied") as caught:
        list(wrong)

    assert caught.value.code == "AccessDenied"
    assert OWNER != "999999999999"


def test_nothing_is_read_when_nothing_may_be(served: Served) -> None:
    pair = served({b"k": Stored(b"1", "0" * 32 + "-1")}, {b"k": Stored(b"1")})

    found, comparison = pair.compare(read="never")

    assert [one.kind for one in found] == [Kind.DOUBTFUL]
    assert pair.server.count("HEAD") == pair.server.count("GET") == comparison.tally.equal == 0


def test_everything_is_read_when_everything_must_be(served: Served) -> None:
    pair = served(
        {b"a": Stored(b"1"), b"b": Stored(b"2", "0" * 32)}, {b"a": Stored(b"1"), b"b": Stored(b"3", "0" * 32)}
    )

    found, comparison = pair.compare(read="always")

    assert [(one.key, one.kind) for one in found] == [(b"b", Kind.CONTENT)]
    assert (comparison.tally.equal, pair.server.count("GET")) == (1, 4)


def test_a_listing_that_goes_in_circles_ends(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    pair = served(many(2_500), many(2_500))
    left = pair.server.buckets["left"]
    page = left.page({"prefix": b"l/"})
    empty = page[: page.index(b"<Contents>")].replace(b"<KeyCount>1000", b"<KeyCount>0") + b"</ListBucketResult>"
    monkeypatch.setattr(left, "page", lambda _: empty)

    with pytest.raises(FormatError, match="names itself as the next one"):
        pair.compare(shards=1)


def without_keys(bucket: Bucket, tokens: tuple[bytes, ...]) -> Callable[[Mapping[str, bytes]], bytes]:
    """Return how a store answers whose pages are empty and name one token after the other."""
    page = bucket.page({"prefix": b"l/"})
    head = page[: page.index(b"<Contents>")].replace(b"<KeyCount>1000", b"<KeyCount>0")
    pages = [
        re.sub(rb"(<NextContinuationToken>).*(</Next)", rb"\g<1>" + token + rb"\g<2>", head) + b"</ListBucketResult>"
        for token in tokens
    ]
    asked = itertools.count()
    return lambda _: pages[next(asked) % len(pages)]


def test_empty_pages_that_name_each_other_end_with_an_error(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_page, "MOST_EMPTY", 20)
    pair = served(many(2_500), many(2_500))
    left = pair.server.buckets["left"]
    monkeypatch.setattr(left, "page", without_keys(left, (b"one", b"two")))

    with pytest.raises(FormatError, match="s3:ListObjectsV2 s3://left/l/: 21 pages in a row hold no key"):
        pair.compare(shards=1)

    session = Session("eu-central-1", endpoint=pair.server.address, credentials=KEYS)
    objects = AwsObjectStore(session.client("s3"), owner=OWNER)
    with pytest.raises(TargetError, match="EndlessListing: 21 pages in a row hold nothing"):
        list(objects.list("left", "l/"))


def test_a_store_that_passes_over_what_was_deleted_is_listed_to_its_end(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = served(many(2_500), many(2_500))
    left = pair.server.buckets["left"]
    empty, whole = without_keys(left, tuple(b"t%d" % number for number in range(20))), left.page
    monkeypatch.setattr(s3_page, "MOST_EMPTY", 20)
    asked = itertools.count()
    monkeypatch.setattr(left, "page", lambda query: empty(query) if next(asked) < 20 else whole(past(query)))

    found, comparison = pair.compare(shards=1)

    assert (found, comparison.tally.left) == ([], 2_500)


def past(query: Mapping[str, bytes]) -> Mapping[str, bytes]:
    """Return a question without the token of an empty page."""
    return {name: value for name, value in query.items() if name != "continuation-token" or not value.startswith(b"t")}


def test_a_store_that_lists_from_the_beginning_whatever_it_is_asked_is_refused(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = {b"%d/%d" % (folder, number): Stored(b"1") for folder in range(4) for number in range(10)}
    pair = served(folders, folders)
    for bucket in pair.server.buckets.values():

        def forgetful(query: Mapping[str, bytes], page: Callable[..., bytes] = bucket.page) -> bytes:
            return page({name: value for name, value in query.items() if name != "start-after"})

        monkeypatch.setattr(bucket, "page", forgetful)

    with pytest.raises(FormatError, match="start-after.*\n  next: --shards 1"):
        pair.compare(shards=4)

    found, comparison = pair.compare(shards=1)
    assert (found, comparison.tally.left, comparison.tally.equal) == ([], 40, 40)


@pytest.mark.parametrize(
    ("region", "bucket", "address"),
    [
        ("eu-west-1", "my-bucket", "https://my-bucket.s3.eu-west-1.amazonaws.com"),
        ("eu-west-1", "my.bucket", "https://s3.eu-west-1.amazonaws.com/my.bucket"),
        ("cn-north-1", "my-bucket", "https://my-bucket.s3.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_a_live_bucket_is_asked_where_the_sdk_would_ask_it(
    monkeypatch: pytest.MonkeyPatch, region: str, bucket: str, address: str
) -> None:
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")

    assert SignedBucket(Session(region), bucket, owner=OWNER)._address == address


def test_a_bucket_of_another_region_is_named_with_its_region(served: Served) -> None:
    pair = served(many(1), many(1), unkind=lambda asked: "301" if asked.bucket == "right" else "")

    with pytest.raises(TargetError, match="the bucket lies in eu-west-1\n  next: name that region"):
        pair.compare()


def test_an_object_that_is_listed_without_an_etag_is_read(served: Served) -> None:
    pair = served({b"k": Stored(b"1")}, {b"k": Stored(b"1"), b"l": Stored(b"1")})
    left = pair.server.buckets["left"]
    left.lines[0] = re.sub(rb"<ETag>.*</ETag>", b"", left.lines[0])

    found, comparison = pair.compare()

    assert [one.kind for one in found] == [Kind.EXTRA]
    assert (comparison.tally.equal, pair.server.count("GET")) == (1, 2)


def test_the_certificates_of_the_profile_hold_for_our_own_requests(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "config").write_text("[profile drill]\nca_bundle = /etc/our-authority.pem\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    for name in ("AWS_PROFILE", "AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)

    assert vars(Session("eu-west-1", profile="drill").http(1))["_verify"] == "/etc/our-authority.pem"
    assert vars(Session("eu-west-1").http(1))["_verify"] is True
