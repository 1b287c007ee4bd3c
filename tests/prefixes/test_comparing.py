"""Two prefixes over sockets: what differs is found, nothing else is, and only what is in doubt is asked."""

import hashlib
import re

import pytest

from drproof.model.comparison import Kind
from tests.prefixes.bucket_server import Stored
from tests.prefixes.conftest import Served
from tests.prefixes.planting import DIFFERENT, EACH, expected, planted
from tests.prefixes.planting import ODD as PLANTED_AT

ODD = (
    b"x//y", b"./c", b"../z", b"a/../b", b"tail/", b"new\nline", b"a+b", b"a b", b"100%", b"%2F", b"%252F", b"\x01\x1f",
    "ünïcode/…".encode(), "\ufffe\U0001f600".encode(), b"<&>\"'", b"q?&=#;", b"/", b"//", b"~", b"\x7f",
)  # fmt: skip


def many(count: int) -> dict[bytes, Stored]:
    return {f"{number % 37:02}/{number:06}.bin".encode(): Stored(b"%d" % number) for number in range(count)}


def test_equal_prefixes_have_no_difference_and_nothing_is_read(served: Served) -> None:
    same = many(5_000)
    pair = served(same, same)

    found, comparison = pair.compare()

    assert found == []
    assert (comparison.tally.left, comparison.tally.right, comparison.tally.equal) == (5_000, 5_000, 5_000)
    assert pair.server.count("GET") == pair.server.count("HEAD") == 0
    assert pair.server.unsigned == []


@pytest.mark.parametrize("count", [5_000, pytest.param(100_000, marks=pytest.mark.exhaustive)])
def test_planted_differences_are_all_found_and_nothing_else_is_and_only_doubt_is_read(
    served: Served, count: int
) -> None:
    right = many(count) | {b"odd/" + key: Stored(key) for key in ODD}
    left = dict(right)
    for one in planted():
        for side, stored in ((left, one.left), (right, one.right)):
            if stored is not None:
                side[one.key] = stored
    pair, must = served(left, right), expected()

    found, comparison = pair.compare()

    assert len(must.found) == DIFFERENT
    assert {one.key: one.kind for one in found} == must.found
    assert [one.key for one in found] == sorted(must.found)
    assert pair.server.keys("GET") == {side + key for side in (b"l/", b"r/") for key in must.read}
    assert pair.server.keys("HEAD") == {side + key for side in (b"l/", b"r/") for key in must.asked}
    assert {number for (verb, _, _), number in pair.server.counts.items() if verb != "LIST"} == {1}
    assert comparison.tally.equal == count + len(ODD) + must.alike


def test_what_is_planted_differs_in_every_way_and_at_every_odd_key() -> None:
    must = expected()
    forms = [
        re.compile(re.escape(form).replace(b"%02d", rb"\d\d").replace(b"%08d", rb"\d{8}").replace(b"%%", b"%"))
        for form in PLANTED_AT
    ]

    for kind, number in ((Kind.CONTENT, 40), (Kind.SIZE, 20), (Kind.MISSING, 20), (Kind.EXTRA, 20)):
        keys = [key for key, found in must.found.items() if found is kind]
        assert len(keys) == number
        assert all(any(form.fullmatch(key) for key in keys) for form in forms)
    assert len(must.read & must.found.keys()) == EACH
    assert len(must.read - must.found.keys()) == EACH // 2


def test_every_key_comes_out_exactly_as_it_is(served: Served) -> None:
    pair = served({key: Stored(key) for key in ODD}, {})

    found, _ = pair.compare()

    assert [one.key for one in found] == sorted(ODD)
    assert {one.kind for one in found} == {Kind.MISSING}


def test_an_odd_key_in_doubt_is_read_under_its_own_name(served: Served) -> None:
    pair = served({key: Stored(b"same", "0" * 32 + "-1") for key in ODD}, {key: Stored(b"same") for key in ODD})

    found, comparison = pair.compare()

    assert found == []
    assert comparison.tally.equal == len(ODD)
    assert pair.server.keys("GET") == {side + key for side in (b"l/", b"r/") for key in ODD}
    assert pair.server.unsigned == []


def test_what_an_object_says_of_its_whole_spares_reading_it(served: Served) -> None:
    body = b"content"
    whole = {"x-amz-checksum-sha256": hashlib.sha256(body).hexdigest(), "x-amz-checksum-type": "FULL_OBJECT"}
    pair = served(
        {b"k": Stored(body, "1" * 32 + "-2", whole)},
        {b"k": Stored(body, "2" * 32, {"x-amz-server-side-encryption": "aws:kms", **whole})},
    )

    found, comparison = pair.compare()

    assert (found, comparison.tally.equal, pair.server.count("GET")) == ([], 1, 0)


def test_different_etags_under_kms_are_no_difference_until_the_bytes_are(served: Served) -> None:
    kms = {"x-amz-server-side-encryption": "aws:kms"}
    pair = served(
        {b"a": Stored(b"one", "1" * 32, kms), b"b": Stored(b"one", "1" * 32)},
        {b"a": Stored(b"one"), b"b": Stored(b"two", "2" * 32, kms)},
    )

    found, comparison = pair.compare()

    assert [(one.key, one.kind, one.reason) for one in found] == [(b"b", Kind.CONTENT, "SHA-256 of what was read")]
    assert (comparison.tally.equal, pair.server.count("GET")) == (1, 4)


def test_one_folder_without_folders_is_listed_in_ranges_too(served: Served) -> None:
    hexadecimal = {hashlib.md5(b"%d" % number).hexdigest().encode(): Stored(b"%d" % number) for number in range(6_000)}
    decimal = {b"deep/er/object-%08d" % number: Stored(b"%d" % number) for number in range(6_000)}
    for objects in (hexadecimal, decimal):
        pair = served(objects, dict(sorted(objects.items())[:-1]))

        found, comparison = pair.compare(shards=4)

        assert [one.kind for one in found] == [Kind.MISSING]
        assert comparison.tally.equal == 5_999
        assert len(pair.server.begun) >= 2 * 3, "each side is listed in several ranges"


def test_requests_are_as_many_as_pages_and_ranges(served: Served) -> None:
    same = many(20_000)
    pair = served(same, same)

    pair.compare(shards=8)

    for side in ("left", "right"):
        assert pair.server.count("LIST", side) <= 20 + 8 + 1
