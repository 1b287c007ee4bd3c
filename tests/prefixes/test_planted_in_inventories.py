"""What is planted in two listings is planted in two inventories: all of it is found there too, at whatever key, and no more."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from drproof.cli.app import app
from drproof.model.comparison import Kind
from tests.prefixes.bucket_server import Stored, parts_of
from tests.prefixes.inventories import row, written
from tests.prefixes.planting import DIFFERENT, EACH, PART, WAYS, Planted, planted

FORMATS = ["CSV", "Parquet"]
AWKWARD = (
    "a,b", 'a"b', '""', "'", "a;b|c\td", "two\nlines", "two\r\nlines", "\r", "a\\b", "\\N", "%2C", "%252C", "100%", "%zz",
    "a+b", "a b", " before", "behind ", "x//y", "/", "//", "./c", "../z", "a/../b", "behind/", "q?&=#;", "<&>", "\x01\x1f\x7f",
    "NULL", "null", "true", "key", "0", "-1", "--", "/* */", "{x}*?[y]", "~", "Case", "case", "\u00e9", "e\u0301", "\u00df", "ss",
    "\ufeffmarked", "\u202eturned", "\ufffe", "\U0001f600", "\u2026" * 300,
)  # fmt: skip
"""Keys that a table, a URL, a pattern, a number, a word of SQL or a folding of letters would make another one of."""


def awkward() -> Iterator[Planted]:
    """Yield one difference at each awkward key, and one at which both sides are alike."""
    for number, key in enumerate(AWKWARD):
        body, way = b"%08d" % number * 32, WAYS[number % len(WAYS)]
        other, kind = body[:-1] + b"~", Kind.CONTENT
        left: Stored | None = Stored(body)
        right: Stored | None = Stored(other)
        if way == "size":
            right, kind = Stored(body + b"!"), Kind.SIZE
        elif way == "missing":
            right, kind = None, Kind.MISSING
        elif way == "extra":
            left, kind = None, Kind.EXTRA
        elif way == "parts":
            left, right = Stored(body, parts_of(body, PART)), Stored(other, parts_of(other, PART))
        yield Planted(f"differs/{key}".encode(), left, right, kind)
        yield Planted(f"alike/{key}".encode(), Stored(body), Stored(body))


def as_inventories_tell(one: Planted) -> Kind | None:
    """Return what two inventories show of one key: they hold ETags and no bytes, so that one of parts shows nothing."""
    if one.left is None or one.right is None or len(one.left.body) != len(one.right.body):
        return one.kind
    if one.left.tag == one.right.tag:
        return None
    return Kind.DOUBTFUL if "-" in one.left.tag + one.right.tag else Kind.CONTENT


def rows(side: str, *, versions: bool) -> Iterator[dict[str, Any]]:
    """Yield the rows of one side, equal objects among what is planted; with versions, also what each object was before."""
    for number in range(2_000):
        yield row(f"p/{number % 37:02}/{number:06}.bin", number, f"{number:032x}")
    yield row("other/only-here" if side == "left" else "other/only-there", 1, "0" * 32)
    for one in (*planted(), *awkward()):
        stored, key = getattr(one, side), f"p/{one.key.decode()}"
        if stored is not None:
            yield row(key, len(stored.body), stored.tag)
        elif versions:
            yield row(key, None, "", is_delete_marker=True)
        if versions:
            yield row(key, 7, side[:1].encode().hex().zfill(32), is_latest=False)


@pytest.mark.parametrize("left", FORMATS)
@pytest.mark.parametrize("right", FORMATS)
@pytest.mark.parametrize("versions", [False, True])
def test_every_planted_difference_is_found_in_inventories_and_nothing_else_is(
    tmp_path: Path, left: str, right: str, versions: bool
) -> None:
    everything = [*planted(), *awkward()]
    must = {one.key: kind for one in everything if (kind := as_inventories_tell(one)) is not None}
    sides = []
    for side, form in (("left", left), ("right", right)):
        whole = list(rows(side, versions=versions))
        sides.append(written(tmp_path / side, form, whole[::2], whole[1::2]))
    words = ["--prefix-left", "p/", "--prefix-right", "p/", "--json", tmp_path / "found.jsonl"]

    done = CliRunner().invoke(app, ["compare-inventories", *map(str, (*sides, *words))])

    lines = [json.loads(line) for line in (tmp_path / "found.jsonl").read_text().splitlines()]
    *told, end = lines
    found = [(os.fsencode(one["key"]), Kind(one["kind"])) for one in told]
    assert done.exit_code == 1, done.output
    assert found == sorted(must.items())
    assert end["summary"]["equal"] == 2_000 + sum(as_inventories_tell(one) is None for one in everything)


def test_what_is_planted_differs_in_every_way_also_where_only_inventories_are_asked() -> None:
    told = [as_inventories_tell(one) for one in planted()]

    assert {kind: told.count(kind) for kind in Kind} == {
        Kind.CONTENT: EACH,
        Kind.SIZE: EACH,
        Kind.MISSING: EACH,
        Kind.EXTRA: EACH,
        # Those of parts with other bytes, and those with the same that are cut otherwise.
        Kind.DOUBTFUL: EACH + EACH // 2,
    }
    assert len(told) - told.count(None) == DIFFERENT + EACH // 2
    at_awkward_keys = [as_inventories_tell(one) for one in awkward()]
    assert at_awkward_keys.count(None) == len(AWKWARD)
    assert set(at_awkward_keys) == {None, *Kind}
