"""Where listings are cut: few places, in order, and everywhere that keys may go on."""

import pytest

from drproof.analysis.cutting_listings import LEVELS, beginnings, cuts

FOUND = [b"%d" % number for number in range(8)]


@pytest.mark.parametrize(
    ("shards", "at"),
    [
        (1, []),
        (2, [b"4"]),
        (4, [b"2", b"4", b"6"]),
        (8, FOUND[1:]),
        (9, FOUND[1:]),
        (3, [b"2", b"5"]),
    ],
)
def test_a_listing_is_cut_into_ranges_of_about_as_many(shards: int, at: list[bytes]) -> None:
    assert cuts(FOUND, shards) == at
    assert cuts([*FOUND, *FOUND], shards) == at


def test_nothing_found_is_not_cut() -> None:
    assert cuts([], 4) == []


def test_places_beyond_a_limit_are_not_tried() -> None:
    deep = [b"p/" + b"0" * 40 + b"1", b"p/" + b"0" * 40 + b"2"]
    assert len(list(beginnings(deep, b"p/"))) == LEVELS
    short = [b"p/00a", b"p/00b"]
    assert len(list(beginnings(short, b"p/"))) == 3


def test_a_key_that_is_the_beginning_of_another_one_is_cut_behind_it() -> None:
    levels = list(beginnings([b"p/1", b"p/12"], b"p/"))
    assert [level[0] for level in levels] == [b"p/2", b"p/10"]


@pytest.mark.parametrize(
    ("keys", "letters"),
    [
        ([b"1", b"2"], b"0123456789"),
        ([b"1", b"a"], b"0123456789abcdef"),
        ([b"1", b"z"], b"0123456789abcdefghijklmnopqrstuvwxyz"),
        ([b"A", b"B"], b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    ],
)
def test_letters_come_as_the_first_alphabets_that_have_them(keys: list[bytes], letters: bytes) -> None:
    assert b"".join(next(iter(beginnings(keys, b"")))) == letters
