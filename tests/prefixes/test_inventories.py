"""Two inventories: what they say differs is found, in both formats, and a file that is not what its manifest says is none."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlglot
from sqlglot import exp
from typer.testing import CliRunner

from drproof.analysis import inventory_sql
from drproof.cli.app import app
from drproof.model.comparison import Difference, Kind
from drproof.model.errors import FormatError, NotFoundError
from drproof.targets.inventory import InventoryComparison, opened, statements
from tests.prefixes.inventories import NAMES, row, sealed, written

ONE, OTHER = "0" * 32, "f" * 32
ODD = ("x//y", "./c", "../z", "tail/", "new\nline", "a+b", "a b", "100%", "%2F", "\x01", "ünïcode/…", "<&>\"',", "'--")
FORMATS = ["CSV", "Parquet"]


def compare(left: Path, right: Path, scratch: Path, *prefixes: str) -> tuple[list[Difference], InventoryComparison]:
    found = InventoryComparison(opened(left), opened(right), *(prefixes or ("", "")), scratch=scratch)
    return list(found), found


@pytest.mark.parametrize("left_format", FORMATS)
@pytest.mark.parametrize("right_format", FORMATS)
def test_planted_differences_are_found_and_nothing_else_is(tmp_path: Path, left_format: str, right_format: str) -> None:
    same = [row(f"p/{number % 7}/{number:05}", number, ONE) for number in range(400)]
    same += [row(f"p/odd/{key}", 1, ONE) for key in ODD]
    left = [
        row("p/content", 3, ONE),
        row("p/doubt/kms", 3, ONE, encryption_status="SSE-KMS"),
        row("p/doubt/parts", 3, f"{ONE}-2"),
        row("p/missing+ü", 3, ONE),
        row("p/size", 3, ONE),
        row("other/not compared", 3, ONE),
    ]
    right = [
        row("p/content", 3, OTHER),
        row("p/doubt/kms", 3, OTHER, encryption_status="SSE-KMS"),
        row("p/doubt/parts", 3, f"{ONE}-3"),
        row("p/extra", 0, ONE),
        row("p/size", 4, ONE),
    ]

    found, comparison = compare(
        written(tmp_path / "l", left_format, same[:100], [*left, *same[100:]]),
        written(tmp_path / "r", right_format, [*same, *right]),
        tmp_path,
        "p/",
        "p/",
    )

    assert [(one.key.decode(), one.kind) for one in found] == [
        ("content", Kind.CONTENT),
        ("doubt/kms", Kind.DOUBTFUL),
        ("doubt/parts", Kind.DOUBTFUL),
        ("extra", Kind.EXTRA),
        ("missing+ü", Kind.MISSING),
        ("size", Kind.SIZE),
    ]
    assert found[-1].left == (b"size", 3, ONE.encode())
    tally = comparison.tally
    assert (tally.equal, tally.left, tally.right) == (len(same), len(same) + 5, len(same) + 5)


@pytest.mark.parametrize("kind", FORMATS)
def test_only_current_versions_count_and_a_delete_marker_is_an_absence(tmp_path: Path, kind: str) -> None:
    left = [
        row("kept", 1, ONE),
        row("kept", 9, OTHER, is_latest=False),
        row("deleted", None, "", is_delete_marker=True),
        row("deleted", 1, ONE, is_latest=False),
        row("gone", 1, ONE),
    ]
    right = [row("kept", 1, ONE), row("deleted", 1, ONE), row("gone", None, "", is_delete_marker=True)]

    found, comparison = compare(written(tmp_path / "l", kind, left), written(tmp_path / "r", kind, right), tmp_path)

    assert [(one.key, one.kind) for one in found] == [(b"deleted", Kind.EXTRA), (b"gone", Kind.MISSING)]
    assert comparison.tally.equal == 1


@pytest.mark.parametrize("kind", FORMATS)
def test_an_inventory_of_current_versions_alone_needs_no_columns_for_them(tmp_path: Path, kind: str) -> None:
    few = ("bucket", "key", "size", "e_tag")
    left = written(tmp_path / "l", kind, [row("a", 1, ONE), row("b", 1, ONE)], columns=few)
    right = written(tmp_path / "r", kind, [row("a", 1, ONE), row("b", 1, OTHER)], columns=few)

    found, comparison = compare(left, right, tmp_path)

    # Without the encryption nothing says that different ETags are different content.
    assert [(one.key, one.kind) for one in found] == [(b"b", Kind.DOUBTFUL)]
    assert comparison.tally.equal == 1


def test_an_etag_of_no_known_form_shows_nothing(tmp_path: Path) -> None:
    both = [row("a", 1, ""), row("b", 1, "abc"), row("c", 1, ONE)]

    found, _ = compare(written(tmp_path / "l", "CSV", both), written(tmp_path / "r", "CSV", both), tmp_path)

    assert [(one.key, one.kind) for one in found] == [(b"a", Kind.DOUBTFUL), (b"b", Kind.DOUBTFUL)]


def test_a_key_that_comes_twice_is_an_error(tmp_path: Path) -> None:
    left = written(tmp_path / "l", "CSV", [row("a", 1, ONE), row("a", 1, ONE)])

    with pytest.raises(FormatError, match="names a key twice"):
        compare(left, written(tmp_path / "r", "CSV", [row("a", 1, ONE)]), tmp_path)


def test_keys_that_come_twice_on_either_side_are_an_error_however_they_balance(tmp_path: Path) -> None:
    a, b = row("a", 1, ONE), row("b", 1, ONE)

    for number, (ours, theirs) in enumerate((([a, a], [a, a]), ([a, a, b], [a, b, b]), ([a, b], [a, b, b]))):
        left = written(tmp_path / f"l{number}", "CSV", ours)
        with pytest.raises(FormatError, match="names a key twice"):
            compare(left, written(tmp_path / f"r{number}", "CSV", theirs), tmp_path)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_row_without_a_key_is_an_error(tmp_path: Path, kind: str) -> None:
    left = written(tmp_path / "l", "CSV", [row("a", 1, ONE)])
    right = written(tmp_path / "r", kind, [row("a", 1, ONE), row("", 2, OTHER)])

    with pytest.raises(FormatError, match="it has no key"):
        compare(left, right, tmp_path)


def cut(manifest: Path) -> None:
    path = manifest.parents[1] / "data" / "0.csv.gz"
    path.write_bytes(path.read_bytes()[:-1])


def flip(manifest: Path) -> None:
    path = manifest.parents[1] / "data" / "0.csv.gz"
    data = bytearray(path.read_bytes())
    data[20] ^= 1
    path.write_bytes(data)


def drop(manifest: Path) -> None:
    (manifest.parents[1] / "data" / "0.csv.gz").unlink()


def edit(manifest: Path) -> None:
    manifest.write_text(manifest.read_text().replace('"b"', '"c"'))


def unseal(manifest: Path) -> None:
    manifest.with_suffix(".checksum").unlink()


@pytest.mark.parametrize(
    ("spoil", "error", "says"),
    [
        (cut, FormatError, "expected .* bytes with MD5"),
        (flip, FormatError, "expected .* bytes with MD5"),
        (drop, NotFoundError, "neither beside it nor above it"),
        (edit, FormatError, r"manifest\.json: expected MD5"),
        (unseal, NotFoundError, r"manifest\.checksum is missing"),
    ],
)
def test_files_that_are_not_what_s3_delivered_are_refused(
    tmp_path: Path, spoil: Callable[[Path], None], error: type[Exception], says: str
) -> None:
    manifest = written(tmp_path, "CSV", [row("a", 1, ONE)])
    opened(manifest)
    spoil(manifest)

    with pytest.raises(error, match=says):
        opened(manifest)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"files": []}, "inventory-empty"),
        ({"fileFormat": "ORC"}, "inventory-format"),
        ({"fileSchema": "Bucket, Key, Size"}, "inventory-columns"),
        ({"fileSchema": "Bucket, Key, VersionId, Size, ETag"}, "inventory-columns"),
        ({"files": [{"key": "../x", "size": 1, "MD5checksum": ONE}]}, "inventory-manifest"),
        ({"files": [{"key": "x", "size": "1", "MD5checksum": ONE}]}, "inventory-manifest"),
        ({"sourceBucket": None}, "inventory-manifest"),
    ],
)
def test_a_manifest_that_is_none_is_refused(tmp_path: Path, change: dict[str, Any], code: str) -> None:
    manifest = written(tmp_path, "CSV", [row("a", 1, ONE)])
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), **change}))
    sealed(manifest)

    with pytest.raises(FormatError) as caught:
        opened(manifest)
    assert caught.value.code == code


def test_rows_of_another_shape_than_the_manifest_says_are_an_error(tmp_path: Path) -> None:
    left = written(tmp_path / "l", "CSV", [row("a", 1, ONE)])
    document = json.loads(left.read_text())
    left.write_text(json.dumps({**document, "fileSchema": "Bucket, Key, Size, ETag"}))
    sealed(left)

    with pytest.raises(FormatError) as caught:
        compare(left, written(tmp_path / "r", "CSV", [row("a", 1, ONE)]), tmp_path)
    assert caught.value.code == "inventory-rows"


def test_the_statement_is_one_that_athena_reads_with_no_function_but_ansi_ones() -> None:
    statement = inventory_sql.compared("it's/", "y/")

    read = sqlglot.parse_one(statement, read="athena")
    functions = {type(one).__name__ for one in read.find_all(exp.Func)}
    assert functions <= {"Coalesce", "Case", "If", "Length", "Substring", "And", "Or"}
    assert read.sql("athena") == sqlglot.parse_one(statement, read="duckdb").sql("athena")
    assert "'it''s/'" in statement


def test_what_athena_needs_is_printed_and_can_be_read(tmp_path: Path) -> None:
    left = written(tmp_path / "l", "CSV", [row("a", 1, ONE)])
    right = written(tmp_path / "r", "Parquet", [row("a", 1, ONE)])

    text = statements(opened(left), opened(right), "", "")

    assert [type(one).__name__ for one in sqlglot.parse(text, read="athena")] == ["Create"] * 4 + ["Select"]
    assert "LOCATION 's3://dest-bucket/dest/b/config/hive/dt=2026-01-31-01-00/'" in text
    assert "URL_DECODE(key) AS key" in text
    assert all(f"  {name} string" in text for name in NAMES)


def run(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["compare-inventories", *map(str, arguments)])
    return done.exit_code, done.output


def test_an_inventory_is_itself_wherever_a_copy_of_it_lies(tmp_path: Path) -> None:
    one = written(tmp_path / "one", "CSV", [row("a", 1, ONE)])
    shutil.copytree(tmp_path / "one", tmp_path / "copy")

    status, said = run(one, tmp_path / "copy" / one.relative_to(tmp_path / "one"))

    assert status == 2
    assert "compared with itself shows nothing" in said


@pytest.mark.parametrize(
    ("words", "ends", "says"),
    [
        (("--scratch", "/no/such/folder"), 2, "No such file"),
        (("--memory", "banana"), 2, "next: --memory 512MB"),
        (("--memory", "1B"), 3, "not compared"),
        (("--memory", "100KB"), 3, "next: give the join more by --memory"),
    ],
)
def test_no_place_to_compare_in_is_no_difference(tmp_path: Path, words: tuple[str, str], ends: int, says: str) -> None:
    left = written(tmp_path / "l", "CSV", [row("a", 1, ONE)])

    status, said = run(left, written(tmp_path / "r", "CSV", [row("a", 1, ONE), row("b", 1, ONE)]), *words)

    assert status == ends
    assert says in said


def test_what_is_too_much_for_two_threads_is_joined_by_one(tmp_path: Path) -> None:
    rows = [row(f"x/{number:06}", number, ONE) for number in range(10_000)]
    left, right = (
        written(tmp_path / "l", "CSV", rows[:5_000], rows[5_000:]),
        written(tmp_path / "r", "Parquet", rows[1:]),
    )

    comparison = InventoryComparison(opened(left), opened(right), "", "", scratch=tmp_path, memory="24MB")
    found = list(comparison)

    assert [(one.key, one.kind) for one in found] == [(b"x/000000", Kind.MISSING)]
    assert comparison.tally.equal == len(rows) - 1


def test_the_command_ends_as_its_findings_say(tmp_path: Path) -> None:
    plain = written(tmp_path / "l", "CSV", [row("x/a", 1, ONE)])
    same = written(tmp_path / "s", "Parquet", [row("y/a", 1, ONE)])
    other = written(tmp_path / "o", "CSV", [row("x/a", 1, ONE), row("x/b", 1, ONE)])
    doubt = written(tmp_path / "d", "CSV", [row("x/a", 1, f"{ONE}-1")])

    equal, said = run(plain, same, "--prefix-left", "x/", "--prefix-right", "y/")
    assert (equal, said.splitlines()[-1]) == (0, "equal")
    assert f"s3://b/x/ (inventory of {'2026-01-31T01-00Z'}): 1 objects" in said
    assert run(plain, other)[0] == 1
    assert run(plain, doubt)[0] == 3
    assert run(plain, same, "--prefix-left", "n/", "--prefix-right", "n/")[0] == 3
    assert run(plain, plain)[0] == 2
    assert run(plain, tmp_path / "none.json")[0] == 2
    status, sql = run(plain, same, "--show-sql")
    assert status == 0
    assert "FULL OUTER JOIN" in sql
    status, _ = run(plain, other, "--json", tmp_path / "found.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "found.jsonl").read_text().splitlines()]
    assert [line.get("key") for line in lines] == ["x/b", None]


def test_every_odd_key_comes_out_exactly_as_it_is(tmp_path: Path) -> None:
    for kind in FORMATS:
        left = written(tmp_path / kind, kind, [row(key, 1, ONE) for key in ODD])
        right = written(tmp_path / f"{kind}-empty", kind, [row("zz", 1, ONE)])

        found, _ = compare(left, right, tmp_path)

        assert [one.key.decode() for one in found if one.kind is Kind.MISSING] == sorted(ODD, key=str.encode)


def test_a_path_that_duckdb_takes_for_a_pattern_is_refused(tmp_path: Path) -> None:
    (tmp_path / "copy[1]").mkdir()
    manifest = written(tmp_path / "copy[1]", "CSV", [row("a", 1, ONE)])

    with pytest.raises(FormatError, match="for a pattern of many files"):
        opened(manifest)


def test_without_duckdb_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left, right = (written(tmp_path / key, "CSV", [row(key, 1, ONE)]) for key in ("l", "r"))
    monkeypatch.setitem(sys.modules, "duckdb", None)

    status, said = run(left, right)

    assert status == 3
    assert "pip install 'drproof[inventory]'" in said


@pytest.mark.parametrize("kind", FORMATS)
def test_a_row_that_does_not_say_whether_it_is_current_is_not_left_out(tmp_path: Path, kind: str) -> None:
    unsaid = {"is_latest": None, "is_delete_marker": None}
    left = written(tmp_path / "l", kind, [row("a", 1, ONE, **unsaid), row("b", 1, ONE, **unsaid)])
    right = written(tmp_path / "r", kind, [row("a", 1, ONE)])

    found, comparison = compare(left, right, tmp_path)

    assert [(one.key, one.kind) for one in found] == [(b"b", Kind.MISSING)]
    assert comparison.tally.equal == 1


def test_an_object_without_a_size_is_doubtful(tmp_path: Path) -> None:
    left = written(tmp_path / "l", "CSV", [row("a", None, ONE)])

    found, _ = compare(left, written(tmp_path / "r", "CSV", [row("a", None, ONE)]), tmp_path)

    assert [one.kind for one in found] == [Kind.DOUBTFUL]
