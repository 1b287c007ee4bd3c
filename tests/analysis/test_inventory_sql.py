"""What is read of an inventory, column by column, and what Athena is told of its files."""

import pytest

from drproof.analysis.inventory_sql import COLUMNS, athena_tables, columns_of, compared, counted, counted_once
from drproof.formats.s3_inventory import DataFile, Manifest

CSV, PARQUET = "CSV", "Parquet"
BARE = ("key", "size", "e_tag")


def manifest(kind: str, columns: tuple[str, ...]) -> Manifest:
    file = DataFile(key="inventories/atlas/all/data/1.csv.gz", size=3, md5="0" * 32)
    return Manifest(bucket="atlas", destination="lists", created_ms=0, file_format=kind, columns=columns, files=(file,))


def test_columns_that_an_inventory_has_are_read_as_their_kind() -> None:
    assert columns_of(manifest(PARQUET, tuple(COLUMNS)), "DECODED") == [f"{name} AS {name}" for name in COLUMNS]
    assert columns_of(manifest(CSV, tuple(COLUMNS)), "DECODED") == [
        "DECODED AS key",
        "CAST(NULLIF(size, '') AS BIGINT) AS size",
        "CAST(NULLIF(e_tag, '') AS VARCHAR) AS e_tag",
        "CAST(NULLIF(encryption_status, '') AS VARCHAR) AS encryption_status",
        "CAST(NULLIF(is_latest, '') AS BOOLEAN) AS is_latest",
        "CAST(NULLIF(is_delete_marker, '') AS BOOLEAN) AS is_delete_marker",
    ]


@pytest.mark.parametrize("kind", [CSV, PARQUET])
def test_columns_that_an_inventory_lacks_have_a_value_that_says_nothing(kind: str) -> None:
    assert columns_of(manifest(kind, BARE), "DECODED")[3:] == [
        "CAST(NULL AS VARCHAR) AS encryption_status",
        "TRUE AS is_latest",
        "FALSE AS is_delete_marker",
    ]


def test_athena_is_told_of_every_column_of_a_csv_file_and_of_those_that_are_read_of_parquet() -> None:
    columns = ("bucket", *BARE, "is_latest")
    csv = athena_tables("left", manifest(CSV, columns), "2026-01-31T01-00Z")
    assert "  bucket string,\n  key string,\n  size string,\n  e_tag string,\n  is_latest string\n" in csv
    assert "OpenCSVSerde" in csv
    assert "URL_DECODE(key) AS key" in csv
    parquet = athena_tables("right", manifest(PARQUET, columns), "2026-01-31T01-00Z")
    assert "(\n  key string,\n  size bigint,\n  e_tag string,\n  is_latest boolean\n)" in parquet
    assert "ParquetHiveSerDe" in parquet
    assert "key AS key" in parquet
    assert "'s3://lists/inventories/atlas/all/hive/dt=2026-01-31-01-00/'" in parquet


def test_prefixes_are_quoted_and_cut_off() -> None:
    statement = compared("o'ne/", "other/")
    assert "SUBSTR(key, 6) AS key" in statement
    assert "SUBSTR(key, 1, 5) = 'o''ne/'" in statement
    assert "FROM left_inventory" in statement
    assert "FROM right_inventory" in statement
    assert counted("right_inventory", "other/").startswith("SELECT COUNT(*) FROM (SELECT SUBSTR(key, 7) AS key")


def test_keys_are_counted_once_below_a_prefix() -> None:
    once = counted_once("right_inventory", "other/")
    assert once == counted("right_inventory", "other/").replace("COUNT(*)", "COUNT(*), COUNT(DISTINCT key)")
