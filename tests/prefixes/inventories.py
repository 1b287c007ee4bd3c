"""Inventories as S3 delivers them: a folder with a manifest, its checksum, and data files in CSV or Parquet."""

import csv
import gzip
import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import duckdb

NAMES = {
    "bucket": "Bucket",
    "key": "Key",
    "version_id": "VersionId",
    "is_latest": "IsLatest",
    "is_delete_marker": "IsDeleteMarker",
    "size": "Size",
    "last_modified_date": "LastModifiedDate",
    "e_tag": "ETag",
    "encryption_status": "EncryptionStatus",
}
KINDS = {"is_latest": "BOOLEAN", "is_delete_marker": "BOOLEAN", "size": "BIGINT"}
TAKEN = "2026-01-31T01-00Z"


def row(key: str, size: int | None, etag: str, **more: Any) -> dict[str, Any]:
    """Return one row of an inventory of all versions."""
    whole = {"bucket": "b", "key": key, "version_id": "v", "is_latest": True, "is_delete_marker": False}
    rest = {"size": size, "last_modified_date": "2026-01-30T00:00:00.000Z", "e_tag": etag}
    return {**whole, **rest, "encryption_status": "SSE-S3", **more}


def written(folder: Path, kind: str, *files: Iterable[Mapping[str, Any]], columns: Iterable[str] = NAMES) -> Path:
    """Write an inventory and return its manifest."""
    columns, named = tuple(columns), list[dict[str, Any]]()
    place = folder / "dest" / "b" / "config"
    (place / "data").mkdir(parents=True)
    (place / TAKEN).mkdir()
    for number, rows in enumerate(files):
        path = place / "data" / f"{number}.{'csv.gz' if kind == 'CSV' else 'parquet'}"
        (_csv if kind == "CSV" else _parquet)(path, columns, rows)
        data = path.read_bytes()
        named.append({"key": f"dest/b/config/data/{path.name}", "size": len(data), "MD5checksum": md5(data)})
    schema = ", ".join(NAMES[name] for name in columns)
    if kind == "Parquet":
        fields = "".join(f"  optional {_type(name)} {name}{'' if name in KINDS else ' (UTF8)'};\n" for name in columns)
        schema = f"message s3.inventory {{\n{fields}}}\n"
    document = {
        "sourceBucket": "b",
        "destinationBucket": "arn:aws:s3:::dest-bucket",
        "version": "2016-11-30",
        "creationTimestamp": "1769817600000",
        "fileFormat": kind,
        "fileSchema": schema,
        "files": named,
    }
    manifest = place / TAKEN / "manifest.json"
    manifest.write_text(json.dumps(document))
    sealed(manifest)
    return manifest


def sealed(manifest: Path) -> None:
    """Write the checksum that belongs to a manifest."""
    manifest.with_suffix(".checksum").write_text(md5(manifest.read_bytes()))


def md5(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()


def _type(name: str) -> str:
    return {"BOOLEAN": "boolean", "BIGINT": "int64"}.get(KINDS.get(name, ""), "binary")


def _csv(path: Path, columns: tuple[str, ...], rows: Iterable[Mapping[str, Any]]) -> None:
    with gzip.open(path, "wt", compresslevel=1, encoding="utf-8", newline="") as text:
        writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
        for one in rows:
            writer.writerow([_cell(name, one[name]) for name in columns])


def _cell(name: str, value: object) -> str:
    if name == "key":
        return quote_plus(str(value), safe="/")
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _parquet(path: Path, columns: tuple[str, ...], rows: Iterable[Mapping[str, Any]]) -> None:
    # By way of the other format: DuckDB takes rows of Python one by one.
    between = path.with_suffix(".csv.gz")
    _csv(between, columns, rows)
    named = ", ".join(f"'{name}': 'VARCHAR'" for name in columns)
    taken = ", ".join(_typed(name) for name in columns)
    with duckdb.connect() as database:
        source = f"read_csv('{between}', columns={{{named}}}, header=false, auto_detect=false, quote='\"', escape='\"')"
        database.execute(f"COPY (SELECT {taken} FROM {source}) TO '{path}' (FORMAT parquet)")
    between.unlink()


def _typed(name: str) -> str:
    if name == "key":
        return "url_decode(replace(key, '+', '%20')) AS key"
    return f"CAST(NULLIF({name}, '') AS {KINDS[name]}) AS {name}" if name in KINDS else name
