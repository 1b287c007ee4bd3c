"""The manifest of an S3 Inventory: which data files it has, how long each is, and which columns they hold."""

import re
from dataclasses import dataclass
from typing import Any

from drproof.formats.strict_json import parse as parse_json
from drproof.model.errors import FormatError

MD5 = re.compile(r"[0-9a-f]{32}", re.ASCII)
NEEDED = ("key", "size", "e_tag")
VERSIONED = ("version_id", "is_latest", "is_delete_marker")
_SPECIAL = {"ETag": "e_tag"}
_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")
_PARQUET = re.compile(r"(?:required|optional)\s+\S+\s+(\w+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFile:
    """One file of rows, as its manifest names it."""

    key: str
    size: int
    md5: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """One inventory of one bucket."""

    bucket: str
    """The bucket whose objects it lists."""
    destination: str
    """The bucket that holds the inventory itself."""
    created_ms: int
    """When it was begun, in milliseconds since 1970."""
    file_format: str
    """`CSV`, where keys are URL-encoded, or `Parquet`, where they are not."""
    columns: tuple[str, ...]
    """In small letters with underscores, as the Parquet files have them; in the order of the CSV files."""
    files: tuple[DataFile, ...]

    @property
    def has_versions(self) -> bool:
        """Whether it lists every version, delete markers included."""
        return "is_latest" in self.columns


def parse(data: bytes) -> Manifest:
    """Return a manifest.

    Raises:
        FormatError: `inventory-manifest` (not one), `inventory-format` (neither CSV nor Parquet), `inventory-columns`
            (a column is missing without which nothing can be compared), `inventory-empty` (it has no file).
    """
    document = parse_json(data)
    try:
        manifest = Manifest(
            bucket=_text(document["sourceBucket"]),
            destination=_text(document["destinationBucket"]).removeprefix("arn:aws:s3:::"),
            created_ms=int(_text(document["creationTimestamp"])),
            file_format=_text(document["fileFormat"]),
            columns=_columns(_text(document["fileFormat"]), _text(document["fileSchema"])),
            files=tuple(_file(one) for one in document["files"]),
        )
    except (KeyError, TypeError, ValueError) as exc:
        raise FormatError("inventory-manifest", f"not a manifest of S3 Inventory: {type(exc).__name__}: {exc}") from exc
    if not manifest.files:
        raise FormatError("inventory-empty", "the manifest names no data file: there is nothing to compare")
    wanted = (*NEEDED, *VERSIONED[1:]) if "version_id" in manifest.columns else NEEDED
    if missing := [name for name in wanted if name not in manifest.columns]:
        raise FormatError(
            "inventory-columns",
            f"the inventory of {manifest.bucket} has no {', '.join(missing)}; got {', '.join(manifest.columns)}\n"
            "  next: add the fields to the bucket's inventory configuration, and wait for the next inventory",
        )
    return manifest


def _columns(file_format: str, schema: str) -> tuple[str, ...]:
    if file_format == "CSV":
        return tuple(_SPECIAL.get(name, _WORD.sub("_", name).lower()) for name in schema.replace(" ", "").split(","))
    if file_format == "Parquet":
        return tuple(_PARQUET.findall(schema))
    raise FormatError("inventory-format", f"expected an inventory in CSV or Parquet, got {file_format!r}")


def _file(document: Any) -> DataFile:  # noqa: ANN401 — any JSON value
    found = DataFile(key=_text(document["key"]), size=document["size"], md5=_text(document["MD5checksum"]))
    if isinstance(found.size, bool) or not isinstance(found.size, int) or not MD5.fullmatch(found.md5):
        msg = f"a file without size or MD5: {found.key!r}"
        raise ValueError(msg)
    if ".." in found.key.split("/") or found.key.startswith("/"):
        msg = f"a file outside the inventory: {found.key!r}"
        raise ValueError(msg)
    return found


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        msg = f"expected a text, got {value!r}"
        raise ValueError(msg)
    return value
