"""Evidence that is kept by pieces is what it would be whole: the same bytes, and withheld for the same reasons."""

import tracemalloc
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from drproof.evidence import pieces as by_pieces
from drproof.evidence.canonical import canonical, digest
from drproof.evidence.pieces import keep_by_pieces, pieces
from drproof.evidence.redaction import Redactor
from drproof.evidence.withheld import keep
from drproof.formats.archive import Member
from drproof.formats.listing import Listing
from drproof.model.codec import decode, encode
from drproof.model.errors import EvidenceError

KIND = dict[str, tuple[Member, ...]]
PATH = "evidence/read.members.json"
KEY = "AKIAQYLPMN5HXV3R7TZW"
ROWS = 50


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(by_pieces, "ROWS", ROWS)


def listed(count: int, name: str = "état/{:07}") -> Listing:
    listing = Listing()
    listing.extend((name.format(number), "file", number, number.to_bytes(32, "big")) for number in range(count))
    return listing


def whole(content: object) -> bytes:
    return canonical(encode(decode(KIND, encode(content))))


def lying(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"a": ()},
        {"a": listed(3)},
        {"b": listed(ROWS), "a": listed(1)},
        {"a": listed(ROWS + 1), "\ufffe": listed(2), "\U0001f600": (), 'q"\\': listed(5)},
        {"a": listed(2 * ROWS), "b": listed(2 * ROWS + 1)},
        {"a": list(listed(ROWS + 1))},
    ],
    ids=["nothing", "empty", "few", "one piece each", "odd names", "full pieces", "a list"],
)
def test_the_bytes_are_those_of_the_whole(content: Mapping[str, Sequence[Member]], tmp_path: Path) -> None:
    expected = whole(content)

    kept = keep_by_pieces(tmp_path, PATH, pieces(KIND, content), Redactor())

    assert lying(tmp_path) == {PATH: expected}
    assert (kept.sha256, kept.size, kept.written) == (digest(expected), len(expected), True)


def test_many_rows_come_in_pieces_and_all_else_at_once() -> None:
    rows = list(pieces(KIND, {"a": listed(3 * ROWS)}))
    plain = list(pieces(dict[str, str], {str(number): "value" for number in range(2 * ROWS)}))

    assert [len(value["a"]) for value, _ in rows if value] == [ROWS] * 3
    assert [value for value, _ in plain] == [None]


@pytest.mark.parametrize("place", [0, ROWS - 1, ROWS, 2 * ROWS + 7])
@pytest.mark.parametrize("secret", [KEY, "what-only-we-know"], ids=["by its form", "by its value"])
def test_a_secret_in_any_piece_withholds_all_as_it_would_the_whole(place: int, secret: str, tmp_path: Path) -> None:
    redactor = Redactor(["what-only-we-know"])
    rows = list(listed(3 * ROWS))
    rows[place] = Member(path=f"state/{secret}", kind="file", size=1, sha256="0" * 64)
    content = {"a": rows, "z": list(listed(10))}
    apart, together = tmp_path / "apart", tmp_path / "together"
    for folder in (apart, together):
        (folder / "evidence").mkdir(parents=True)
        (folder / PATH).write_bytes(b"from an attempt before")

    kept = keep_by_pieces(apart, PATH, pieces(KIND, content), redactor)

    assert not kept.written
    assert kept.sha256 == digest(whole(content))
    assert not keep(together, PATH, whole(content), redactor)
    assert lying(apart) == lying(together)
    assert all(secret.encode() not in data for data in lying(apart).values())


def test_a_secret_in_the_name_of_an_empty_listing_withholds_all(tmp_path: Path) -> None:
    """No row comes under that name, so that no piece of rows shows it."""
    content = {KEY: (), "z": listed(ROWS + 1)}

    kept = keep_by_pieces(tmp_path, PATH, pieces(KIND, content), Redactor())

    assert not kept.written
    assert all(KEY.encode() not in data for data in lying(tmp_path).values())


def test_a_known_value_that_lies_across_two_pieces_is_found(tmp_path: Path) -> None:
    content = {"a": listed(ROWS + 1, name="{}")}
    data = whole(content)
    at = data.index(b'"path":"%d"' % ROWS)
    across = data[at - 40 : at + 4].decode()

    kept = keep_by_pieces(tmp_path, PATH, pieces(KIND, content), Redactor([across]))

    assert not kept.written
    assert PATH not in lying(tmp_path)


def test_what_only_seems_to_hold_a_secret_is_written_whole(tmp_path: Path) -> None:
    data = whole({"a": listed(2 * ROWS)})
    half = len(data) // 2
    # A piece that is looked at by itself is no JSON: its rows are a text, which tells more than they do.
    alarmed = iter([({}, data[:half]), ({"password": "Tr0ub4dor&3-horse"}, data[half:])])

    kept = keep_by_pieces(tmp_path, PATH, alarmed, Redactor())

    assert (kept.written, kept.sha256, kept.size) == (True, digest(data), len(data))
    assert lying(tmp_path) == {PATH: data}


def test_what_no_reader_would_take_is_refused_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(by_pieces, "LARGEST_FILE", 10_000)

    with pytest.raises(EvidenceError, match=r"more than 10000 bytes, which no reader of a bundle takes\n  next: pack"):
        keep_by_pieces(tmp_path, PATH, pieces(KIND, {"a": listed(2 * ROWS)}), Redactor())

    assert lying(tmp_path) == {}


def test_memory_does_not_grow_with_the_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(by_pieces, "ROWS", 500)

    def peak(count: int) -> int:
        content: dict[str, Any] = {"a": listed(count)}
        tracemalloc.start()
        try:
            keep_by_pieces(tmp_path, PATH, pieces(KIND, content), Redactor())
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(4_000) < 1.3 * peak(1_000)
