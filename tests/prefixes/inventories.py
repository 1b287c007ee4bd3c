"""Inventories as S3 delivers them: a folder with a manifest, its checksum, and data files in CSV or Parquet."""

import csv
import gzip
import hashlib
import io
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
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    for one in rows:
        writer.writerow([_cell(name, one[name]) for name in columns])
    path.write_bytes(gzip.compress(text.getvalue().encode(), mtime=0))


def _cell(name: str, value: object) -> str:
    if name == "key":
        return quote_plus(str(value), safe="/")
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _parquet(path: Path, columns: tuple[str, ...], rows: Iterable[Mapping[str, Any]]) -> None:
    declared = ", ".join(f"{name} {KINDS.get(name, 'VARCHAR')}" for name in columns)
    with duckdb.connect() as database:
        database.execute(f"CREATE TABLE t ({declared})")
        values = [[one[name] for name in columns] for one in rows]
        if values:
            database.executemany(f"INSERT INTO t VALUES ({', '.join('?' * len(columns))})", values)
        database.execute(f"COPY t TO '{path}' (FORMAT parquet)")
