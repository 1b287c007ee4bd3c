"""Two prefixes over sockets: what differs is found, nothing else is, and only what is in doubt is asked."""

import hashlib

import pytest

from drproof.model.comparison import Kind
from tests.prefixes.bucket_server import Stored, parts_of
from tests.prefixes.conftest import Served

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


def test_planted_differences_are_all_found_and_nothing_else_is_and_only_doubt_is_read(served: Served) -> None:
    left = many(5_000) | {b"odd/" + key: Stored(key) for key in ODD}
    right = dict(left)
    names = sorted(left)
    expected: dict[bytes, Kind] = {}
    for number, key in enumerate(names[7::43][:100]):
        kind = list(Kind)[number % 4]
        expected[key] = kind
        if kind is Kind.MISSING:
            del right[key]
        elif kind is Kind.EXTRA:
            del left[key]
        elif kind is Kind.SIZE:
            right[key] = Stored(left[key].body + b"!")
        else:
            right[key] = Stored(bytes(255 - one for one in left[key].body))
    body = b"0123456789" * 10
    left |= {b"parts/same": Stored(body, parts_of(body, 50)), b"parts/otherwise": Stored(body, parts_of(body, 50))}
    right |= {b"parts/same": Stored(body, parts_of(body, 50)), b"parts/otherwise": Stored(body, parts_of(body, 30))}
    left[b"parts/differ"] = Stored(body, parts_of(body, 50))
    right[b"parts/differ"] = Stored(body[::-1], parts_of(body[::-1], 50))
    expected[b"parts/differ"] = Kind.CONTENT
    left[b"parts/one"], right[b"parts/one"] = Stored(body), Stored(body, parts_of(body, 100))
    pair = served(left, right)

    found, comparison = pair.compare()

    assert {one.key: one.kind for one in found} == expected
    assert [one.key for one in found] == sorted(expected)
    read = {b"parts/otherwise", b"parts/differ", b"parts/one"}
    assert pair.server.keys("GET") == {side + key for side in (b"l/", b"r/") for key in read}
    asked = read | {key for key, kind in expected.items() if kind is Kind.CONTENT}
    assert pair.server.keys("HEAD") == {side + key for side in (b"l/", b"r/") for key in asked}
    assert {number for (verb, _, _), number in pair.server.counts.items() if verb != "LIST"} == {1}
    assert comparison.tally.equal == len(left.keys() & right.keys()) - comparison.tally.size - comparison.tally.content


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


@pytest.mark.exhaustive
def test_a_hundred_differences_in_a_hundred_thousand_objects(served: Served) -> None:
    left = many(100_000)
    right, expected, names = dict(left), dict[bytes, Kind](), sorted(left)
    for number, key in enumerate(names[501::999][:100]):
        kind = (Kind.MISSING, Kind.EXTRA, Kind.SIZE, Kind.CONTENT)[number % 4]
        expected[key] = kind
        if kind in {Kind.MISSING, Kind.EXTRA}:
            del (right if kind is Kind.MISSING else left)[key]
        else:
            right[key] = Stored(left[key].body + b"!" if kind is Kind.SIZE else bytes(255 - b for b in left[key].body))
    pair = served(left, right)

    found, comparison = pair.compare()

    assert {one.key: one.kind for one in found} == expected
    assert pair.server.count("GET") == 0
    assert pair.server.count("HEAD") == 2 * 25
    assert comparison.tally.equal == 99_900
