"""The metadata of a restore point: what it consists of, and from when."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from drproof.formats.strict_json import parse as parse_json
from drproof.model.errors import FormatError

SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """An object of the restore point as the metadata promises it."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupMetadata:
    """What the metadata says."""

    backup_id: str
    backup_uri: str
    bucket: str
    prefix: str
    created_at: str
    artifacts: Mapping[str, Artifact]


def parse(data: bytes) -> BackupMetadata:
    """Return the metadata of a restore point.

    Raises:
        FormatError: `metadata-shape`, or what strict JSON says.
    """
    content = parse_json(data, fractions=True)
    if not isinstance(content, dict):
        raise FormatError("metadata-shape", "the metadata is no JSON object")
    texts = {name: _text(content, name) for name in ("backup_id", "backup_uri", "bucket", "prefix", "created_utc")}
    artifacts = content.get("artifacts")
    if not isinstance(artifacts, dict) or not artifacts:
        raise FormatError("metadata-shape", "the metadata names no artifacts")
    return BackupMetadata(
        backup_id=texts["backup_id"],
        backup_uri=texts["backup_uri"],
        bucket=texts["bucket"],
        prefix=texts["prefix"],
        created_at=texts["created_utc"],
        artifacts={name: _artifact(name, row) for name, row in artifacts.items()},
    )


def _artifact(name: str, row: object) -> Artifact:
    size, digest = (row.get("bytes"), row.get("sha256")) if isinstance(row, dict) else (None, None)
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise FormatError("metadata-shape", f"the metadata gives {name} no size: {size!r}")
    if not isinstance(digest, str) or not SHA256.fullmatch(digest):
        raise FormatError("metadata-shape", f"the metadata gives {name} no SHA-256: {digest!r}")
    return Artifact(size=size, sha256=digest)


def _text(content: Mapping[str, object], name: str) -> str:
    value = content.get(name)
    if not isinstance(value, str) or not value:
        raise FormatError("metadata-shape", f"the metadata's {name} is {value!r}, expected text")
    return value
