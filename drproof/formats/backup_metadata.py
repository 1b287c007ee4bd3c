"""The metadata of a restore point: what it consists of, from when, and what its maker promises besides.

Without `schema_version` it is the reference system's, which promises sizes and digests and nothing else. Number 1 is
that of the encrypted layout (`onprem_backup`); the number of restore points with promises is 2.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from drproof.formats.strict_json import parse as parse_json
from drproof.model.errors import FormatError

SHA256 = re.compile(r"[0-9a-f]{64}")
SCHEMA_VERSION = 2
ENCRYPTED = frozenset({"db_mode", "checksums"})
"""Fields that only the metadata of the encrypted layout has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """An object of the restore point as the metadata promises it."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestPromise:
    """Where the member manifest of an archive lies, and its digest."""

    sha256: str
    path: str = ""
    """An object beside the archive, as the rest of its key; empty means the member `members.json` of the archive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryPromise:
    """The record that was written before the backup, as it must come back after a restore."""

    path: str
    """As `archive/path of the member`."""
    sha256: str
    written_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupMetadata:
    """What the metadata says."""

    backup_id: str
    backup_uri: str
    bucket: str
    prefix: str
    created_at: str
    artifacts: Mapping[str, Artifact]
    schema_version: int | None = None
    member_manifests: Mapping[str, ManifestPromise] = field(default_factory=dict)
    """By archive; only archives that the metadata names as artifacts."""
    canary: CanaryPromise | None = None


def parse(data: bytes) -> BackupMetadata:
    """Return the metadata of a restore point.

    Raises:
        FormatError: `metadata-shape`, `metadata-layout`, `metadata-version`, or what strict JSON says.
    """
    content = parse_json(data, fractions=True)
    if not isinstance(content, dict):
        raise FormatError("metadata-shape", "the metadata is no JSON object")
    if content.keys() >= ENCRYPTED:
        msg = "this is the metadata of an encrypted on-prem backup, not of archives: see --backup-layout onprem"
        raise FormatError("metadata-layout", msg)
    texts = {name: _text(content, name) for name in ("backup_id", "backup_uri", "bucket", "prefix", "created_utc")}
    artifacts = content.get("artifacts")
    if not isinstance(artifacts, dict) or not artifacts:
        raise FormatError("metadata-shape", "the metadata names no artifacts")
    promised = {name: _artifact(name, row) for name, row in artifacts.items()}
    return BackupMetadata(
        backup_id=texts["backup_id"],
        backup_uri=texts["backup_uri"],
        bucket=texts["bucket"],
        prefix=texts["prefix"],
        created_at=texts["created_utc"],
        artifacts=promised,
        schema_version=_version(content),
        member_manifests=_manifests(content.get("member_manifests"), promised),
        canary=_canary(content.get("canary"), promised),
    )


def write(metadata: BackupMetadata) -> bytes:
    """Return the bytes of a restore point's metadata; what was parsed is written as it was understood.

    Raises:
        FormatError: `metadata-shape`: it would not be readable.
    """
    document: dict[str, object] = {
        "artifacts": {name: {"bytes": one.size, "sha256": one.sha256} for name, one in metadata.artifacts.items()},
        "backup_id": metadata.backup_id,
        "backup_uri": metadata.backup_uri,
        "bucket": metadata.bucket,
        "created_utc": metadata.created_at,
        "prefix": metadata.prefix,
    }
    if metadata.schema_version is not None:
        document["schema_version"] = metadata.schema_version
    if metadata.member_manifests:
        document["member_manifests"] = {
            name: {"sha256": one.sha256} | ({"path": one.path} if one.path else {})
            for name, one in metadata.member_manifests.items()
        }
    if canary := metadata.canary:
        document["canary"] = {"path": canary.path, "sha256": canary.sha256, "written_utc": canary.written_at}
    data = (json.dumps(document, indent=2, sort_keys=True) + "\n").encode()
    parse(data)
    return data


def _version(content: Mapping[str, object]) -> int | None:
    version = content.get("schema_version")
    if version is None:
        # Promises that this reader does not know of are no promises of the format that this is.
        if extra := content.keys() & {"member_manifests", "canary"}:
            raise FormatError("metadata-version", f"the metadata has {', '.join(sorted(extra))} and no schema_version")
        return None
    if version != SCHEMA_VERSION or isinstance(version, bool):
        raise FormatError("metadata-version", f"the metadata's schema_version is not {SCHEMA_VERSION}")
    return SCHEMA_VERSION


def _manifests(rows: object, promised: Mapping[str, Artifact]) -> Mapping[str, ManifestPromise]:
    if rows is None:
        return {}
    if not isinstance(rows, dict) or not rows:
        raise FormatError("metadata-shape", "the metadata's member_manifests is no table of archives")
    if strange := rows.keys() - promised.keys():
        raise FormatError("metadata-shape", f"a member manifest belongs to no artifact: {', '.join(sorted(strange))}")
    return {name: _manifest(name, row) for name, row in rows.items()}


def _manifest(name: str, row: object) -> ManifestPromise:
    if not isinstance(row, dict) or not {"sha256"} <= row.keys() <= {"sha256", "path"}:
        raise FormatError("metadata-shape", f"the member manifest of {name} has not exactly sha256 and perhaps path")
    path = row.get("path", "")
    if "path" in row and (not isinstance(path, str) or not is_plain(path)):
        raise FormatError("metadata-shape", f"the member manifest of {name} lies at no plain path")
    return ManifestPromise(sha256=_digest(f"member manifest of {name}", row["sha256"]), path=path)


def _canary(row: object, promised: Mapping[str, Artifact]) -> CanaryPromise | None:
    if row is None:
        return None
    if not isinstance(row, dict) or row.keys() != {"path", "sha256", "written_utc"}:
        raise FormatError("metadata-shape", "the metadata's canary has not exactly path, sha256 and written_utc")
    path = _text(row, "path")
    archive, _, member = path.partition("/")
    if archive not in promised or not member:
        raise FormatError("metadata-shape", "the metadata's canary lies in none of its artifacts")
    return CanaryPromise(path=path, sha256=_digest("canary", row["sha256"]), written_at=_text(row, "written_utc"))


def is_plain(path: str) -> bool:
    """Whether a path names something below where it starts, and is spelled in the one way that there is."""
    return bool(path) and not any(part in {"", ".", ".."} for part in path.split("/"))


def _artifact(name: str, row: object) -> Artifact:
    size, digest = (row.get("bytes"), row.get("sha256")) if isinstance(row, dict) else (None, None)
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise FormatError("metadata-shape", f"the metadata gives {name} no size: {size!r}")
    if not isinstance(digest, str) or not SHA256.fullmatch(digest):
        raise FormatError("metadata-shape", f"the metadata gives {name} no SHA-256: {digest!r}")
    return Artifact(size=size, sha256=digest)


def _digest(what: str, value: object) -> str:
    if not isinstance(value, str) or not SHA256.fullmatch(value):
        raise FormatError("metadata-shape", f"the metadata gives the {what} no SHA-256")
    return value


def _text(content: Mapping[str, object], name: str) -> str:
    value = content.get(name)
    if not isinstance(value, str) or not value:
        raise FormatError("metadata-shape", f"the metadata's {name} is {value!r}, expected text")
    return value
