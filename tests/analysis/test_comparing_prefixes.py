"""Two listings come to what a comparison key by key comes to, for every small pair of them."""

from collections.abc import Iterator, Mapping
from itertools import product

import pytest

from drproof.analysis.comparing_prefixes import compare, judge
from drproof.model.comparison import Difference, Kind, Tally
from drproof.model.errors import FormatError
from drproof.model.listing import Page, Row

ONE, OTHER = b"0" * 32, b"f" * 32
STATES: tuple[tuple[int, bytes] | None, ...] = (None, (1, ONE), (1, OTHER), (2, ONE))
LONG = 40
"""Rows: more than are compared in one step at first."""


def pages(rows: list[Row], size: int) -> Iterator[Page]:
    for at in range(0, len(rows), size):
        yield Page(rows=rows[at : at + size], certain=all(len(row[2]) >= 32 for row in rows[at : at + size]))


def plainly(left: Mapping[bytes, Row], right: Mapping[bytes, Row]) -> list[Difference]:
    found: list[Difference] = []
    for key in sorted(left.keys() | right.keys()):
        if key not in right:
            found.append(Difference(key=key, kind=Kind.MISSING, left=left[key]))
        elif key not in left:
            found.append(Difference(key=key, kind=Kind.EXTRA, right=right[key]))
        elif (one := judge(left[key], right[key])) is not None:
            found.append(one)
    return found


def side(states: tuple[tuple[int, bytes] | None, ...]) -> dict[bytes, Row]:
    return {b"%d" % number: (b"%d" % number, *one) for number, one in enumerate(states) if one is not None}


def same(left: dict[bytes, Row], right: dict[bytes, Row], size: int, its: int) -> None:
    tally = Tally()
    assert list(compare(pages(list(left.values()), size), pages(list(right.values()), its), tally)) == plainly(
        left, right
    )
    assert (tally.left, tally.right) == (len(left), len(right))
    assert tally.equal == sum(left[key] == right[key] for key in left.keys() & right.keys())


def test_every_pair_of_small_listings_is_told_apart() -> None:
    for left, right in product(product(STATES[:3], repeat=3), repeat=2):
        same(side(left), side(right), 1, 2)
        same(side(left), side(right), 3, 3)


def test_one_difference_is_found_wherever_it_lies_in_a_long_run() -> None:
    rows = {b"%03d" % number: (b"%03d" % number, 1, ONE) for number in range(LONG)}
    for at in range(LONG):
        key = b"%03d" % at
        for changed in ((key, 1, OTHER), (key, 2, ONE)):
            same(rows, {**rows, key: changed}, LONG, 7)
        same(rows, {name: row for name, row in rows.items() if name != key}, LONG, LONG)


@pytest.mark.parametrize(
    ("left", "right", "kind", "reason"),
    [
        ((3, ONE), (4, ONE), Kind.SIZE, "3 and 4 bytes"),
        ((3, ONE), (3, OTHER), Kind.DOUBTFUL, "different ETags, which encryption with a key of KMS also causes"),
        ((3, ONE + b"-2"), (3, ONE + b"-3"), Kind.DOUBTFUL, "ETags of 2 and 3 parts, which may be cut otherwise"),
        ((3, ONE + b"-2"), (3, OTHER + b"-2"), Kind.DOUBTFUL, "ETags of 2 and 2 parts, which may be cut otherwise"),
        ((3, ONE), (3, ONE + b"-2"), Kind.DOUBTFUL, "ETags of 1 and 2 parts, which may be cut otherwise"),
        ((3, ONE + b"-2"), (3, ONE), Kind.DOUBTFUL, "ETags of 2 and 1 parts, which may be cut otherwise"),
        ((3, b""), (3, ONE), Kind.DOUBTFUL, "an ETag of no known form"),
        ((3, ONE), (3, b""), Kind.DOUBTFUL, "an ETag of no known form"),
        ((3, b""), (3, b""), Kind.DOUBTFUL, "an ETag of no known form"),
    ],
)
def test_what_is_doubtful_says_why(left: tuple[int, bytes], right: tuple[int, bytes], kind: Kind, reason: str) -> None:
    found = judge((b"k", *left), (b"k", *right))
    assert found is not None
    assert (found.kind, found.reason) == (kind, reason)


@pytest.mark.parametrize("again", [b"1", b"0"])
def test_a_page_that_does_not_ascend_is_an_error(again: bytes) -> None:
    broken = iter([Page(rows=[(b"1", 1, ONE)], certain=True), Page(rows=[(again, 1, ONE)], certain=True)])
    with pytest.raises(FormatError):
        list(compare(broken, iter(()), Tally()))


def test_pages_that_are_not_certain_are_judged_row_by_row() -> None:
    rows = [(b"%d" % number, 1, b"") for number in range(3)]
    uncertain = [Page(rows=rows, certain=False)]
    for left, right in ((uncertain, uncertain), (uncertain, [Page(rows=rows, certain=True)])):
        found = list(compare(iter(left), iter(right), Tally()))
        assert [one.kind for one in found] == [Kind.DOUBTFUL] * 3
