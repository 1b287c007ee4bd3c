"""The merge-join against the plain answer: two dictionaries, key by key."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drproof.analysis.comparing_prefixes import compare, judge
from drproof.analysis.cutting_listings import beginnings, cuts
from drproof.analysis.deciding_doubt import Said, decide, said
from drproof.model.comparison import Difference, Kind, Tally
from drproof.model.errors import FormatError
from drproof.model.listing import Page, Row

ONE, OTHER = b"0" * 32, b"f" * 32
ETAGS = st.sampled_from([ONE, OTHER, ONE + b"-2", OTHER + b"-2", ONE + b"-3", b"", b"W/x"])
SIDES = st.dictionaries(st.binary(min_size=1, max_size=2), st.tuples(st.integers(0, 1), ETAGS), max_size=60)


def pages(objects: dict[bytes, tuple[int, bytes]], size: int) -> Iterator[Page]:
    rows: list[Row] = [(key, *one) for key, one in sorted(objects.items())]
    for at in range(0, len(rows), size):
        cut = rows[at : at + size]
        yield Page(rows=cut, certain=all(len(etag) >= 32 for _, _, etag in cut))
        yield Page(rows=[])


@settings(deadline=None)
@given(SIDES, SIDES, st.booleans(), st.integers(1, 40), st.integers(1, 40))
def test_pages_of_any_length_come_to_what_the_keys_come_to(
    left: dict[bytes, tuple[int, bytes]], more: dict[bytes, tuple[int, bytes]], alike: bool, size: int, its: int
) -> None:
    right = {**left, **dict(list(more.items())[:3])} if alike else more
    expected: list[Difference] = []
    for key in sorted(left.keys() | right.keys()):
        if key not in right:
            expected.append(Difference(key=key, kind=Kind.MISSING, left=(key, *left[key])))
        elif key not in left:
            expected.append(Difference(key=key, kind=Kind.EXTRA, right=(key, *right[key])))
        elif (found := judge((key, *left[key]), (key, *right[key]))) is not None:
            expected.append(found)
    tally = Tally()

    assert list(compare(pages(left, size), pages(right, its), tally)) == expected
    unlike = sum(one.kind not in {Kind.MISSING, Kind.EXTRA} for one in expected)
    assert (tally.left, tally.right) == (len(left), len(right))
    assert tally.equal == len(left.keys() & right.keys()) - unlike


@pytest.mark.parametrize(
    ("left", "right", "kind"),
    [
        ((3, ONE), (3, ONE), None),
        ((3, ONE), (4, ONE), Kind.SIZE),
        ((3, ONE), (3, OTHER), Kind.DOUBTFUL),
        ((3, ONE + b"-2"), (3, ONE + b"-2"), None),
        ((3, ONE + b"-2"), (3, OTHER + b"-2"), Kind.DOUBTFUL),
        ((3, ONE + b"-2"), (3, ONE + b"-3"), Kind.DOUBTFUL),
        ((3, ONE), (3, ONE + b"-1"), Kind.DOUBTFUL),
        ((3, b""), (3, b""), Kind.DOUBTFUL),
        ((0, b""), (1, b""), Kind.SIZE),
    ],
)
def test_what_etags_tell(left: tuple[int, bytes], right: tuple[int, bytes], kind: Kind | None) -> None:
    found = judge((b"k", *left), (b"k", *right))

    assert (found.kind if found else None) == kind


def test_when_all_are_to_be_read_equal_etags_are_doubtful_too() -> None:
    same = {b"k%d" % number: (1, ONE) for number in range(5)}

    found = list(compare(pages(same, 2), pages(same, 3), Tally(), trust_etags=False))

    assert [one.kind for one in found] == [Kind.DOUBTFUL] * 5


def test_pages_out_of_order_are_an_error() -> None:
    wrong = iter([Page(rows=[(b"b", 1, ONE)]), Page(rows=[(b"a", 1, ONE)])])

    with pytest.raises(FormatError, match="must ascend from page to page"):
        list(compare(wrong, iter([Page(rows=[(b"b", 1, ONE)])]), Tally()))


def headers(**more: str) -> Said:
    named = {name.replace("_", "-"): value for name, value in more.items()}
    return said({"content-length": "3", "etag": f'"{ONE.decode()}"', **named})


@pytest.mark.parametrize(
    ("left", "right", "decided"),
    [
        ({}, {"etag": f'"{OTHER.decode()}"'}, Kind.CONTENT),
        ({}, {"content_length": "4"}, Kind.SIZE),
        ({}, {"etag": f'"{OTHER.decode()}"', "x_amz_server_side_encryption": "AES256"}, Kind.CONTENT),
        ({}, {"etag": f'"{OTHER.decode()}"', "x_amz_server_side_encryption": "aws:kms"}, "read"),
        ({}, {"etag": f'"{OTHER.decode()}"', "x_amz_server_side_encryption_customer_algorithm": "AES256"}, "read"),
        ({}, {"etag": f'"{OTHER.decode()}-2"'}, "read"),
        ({"x_amz_checksum_sha256": "a"}, {"x_amz_checksum_sha256": "a"}, None),
        ({"x_amz_checksum_crc64nvme": "a"}, {"x_amz_checksum_crc64nvme": "a"}, None),
        ({"x_amz_checksum_crc32": "a"}, {"x_amz_checksum_crc32": "a"}, "read"),
        ({"x_amz_checksum_crc32": "a"}, {"x_amz_checksum_crc32": "b"}, Kind.CONTENT),
        ({"x_amz_checksum_sha256": "a"}, {"x_amz_checksum_crc64nvme": "b"}, "read"),
        ({"x_amz_checksum_sha256": "a-2"}, {"x_amz_checksum_sha256": "b-3"}, "read"),
        (
            {"x_amz_checksum_sha256": "a", "x_amz_checksum_type": "COMPOSITE"},
            {"x_amz_checksum_sha256": "b", "x_amz_checksum_type": "COMPOSITE"},
            "read",
        ),
    ],
)
def test_what_objects_say_of_themselves(left: dict[str, str], right: dict[str, str], decided: object) -> None:
    found = decide(headers(**left), headers(**right))

    assert (found[0] if found else "read") == decided


@settings(deadline=None)
@given(st.sets(st.binary(max_size=3)), st.integers(1, 20))
def test_cuts_ascend_and_are_few(found: set[bytes], shards: int) -> None:
    at = cuts(list(found), shards)

    assert at == sorted(set(at))
    assert set(at) <= found
    assert len(at) < shards


def test_keys_that_share_their_beginning_are_cut_where_they_may_go_on() -> None:
    keys = [b"p/00%02x" % number for number in range(100)]

    levels = list(beginnings(keys, b"p/"))

    assert levels[0] == [b"p/%c" % letter for letter in b"123456789abcdef"]
    assert levels[1] == [b"p/0%c" % letter for letter in b"123456789abcdef"]
    assert levels[2] == [b"p/00%c" % letter for letter in b"0123456789abcdef"]
    assert len(levels) == 3
    assert list(beginnings([b"k1", b"kZ"], b""))[1][:2] == [b"k0", b"k1"]
