"""A listing is a sequence of members that keeps a million of them small."""

import sys
import tracemalloc

import pytest

from drproof.formats.archive import Listing, Member, problem_of
from drproof.model.codec import decode, encode
from drproof.model.errors import FormatError

ROWS = [("a/", "directory", 0, b""), ("a/one", "file", 700, b"\1" * 32), ("a/link", "symlink", 0, b"")]


def made(rows):
    listing = Listing()
    for row in rows:
        listing.add(*row)
    return listing


def test_members_come_back_as_they_were_added():
    listing = made(ROWS)
    members = [Member(path=path, kind=kind, size=size, sha256=digest.hex()) for path, kind, size, digest in ROWS]

    assert list(listing) == members
    assert (listing[0], listing[-1], listing[1:]) == (members[0], members[-1], members[1:])
    assert (len(listing), listing.files, listing.size) == (3, 1, 700)
    with pytest.raises(IndexError):
        listing[3]


def test_what_came_before_an_error_is_kept():
    def torn():
        yield from ROWS
        raise FormatError("archive-truncated", "the archive ends")

    listing = Listing()
    with pytest.raises(FormatError):
        listing.extend(torn())

    assert list(listing) == list(made(ROWS))
    assert listing.problem == "member is a symlink: a/link"


def test_it_is_written_as_the_list_that_it_stands_for():
    listing = made(ROWS)

    assert decode(tuple[Member, ...], encode({"x": listing})["x"]) == tuple(listing)
    assert encode({"x": Listing()}) == {"x": []}
    with pytest.raises(TypeError, match="a object is no JSON"):
        encode(object())


def test_the_first_problem_is_kept():
    assert made(ROWS).problem == "member is a symlink: a/link"
    assert made(ROWS[:2]).problem == ""
    assert made([ROWS[1], ROWS[1], ROWS[2]]).problem == "path comes twice: a/one"


@pytest.mark.parametrize(
    "paths",
    [
        ("a/b", "a/b"),
        ("./a/b", "a/b"),
        ("a/b", "a/./b"),
        ("a" * 200, "a" * 200),
        ("ä/b", "./ä/b"),
        ("d/" * 60 + "f", "./" + "d/" * 60 + "f"),
    ],
)
def test_a_path_comes_twice_whether_it_is_ordinary_or_not(paths):
    seen: set[str] = set()
    assert [problem_of(Member(path=path, kind="file", size=0), seen) for path in paths] == ["", "path comes twice"]


def test_what_is_a_folder_cannot_be_a_file_too_in_either_order():
    file, folder = Member(path="a", kind="file", size=0), Member(path="a/", kind="directory", size=0)
    for first, second in ((file, folder), (folder, file)):
        seen: set[str] = set()
        assert [problem_of(first, seen), problem_of(second, seen)] == ["", "path comes twice"]


@pytest.mark.parametrize(
    "path", ["", "a" * 256, "/".join("a" * 65), "/".join("a" * 70), "a/b/", "a/../b", "\x7f", "/a"]
)
def test_a_path_that_only_seems_ordinary_is_a_problem(path):
    assert problem_of(Member(path=path, kind="file", size=0), set()) != ""


def test_a_member_takes_less_than_two_hundred_bytes():
    rows = [(f"state/{number // 1000:04}/{number:08}.json", "file", number, bytes(32)) for number in range(100_000)]
    paths = sum(sys.getsizeof(path) for path, *_ in rows)
    tracemalloc.start()
    try:
        listing = made(rows)
        held = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()

    # The rows' own paths were made before: they are counted here.
    assert (held + paths) / len(listing) < 200
