"""The encrypted on-prem backup: what it says of itself in the clear, which is all that can be read without its key."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from drproof.formats.backup_metadata import SHA256
from drproof.formats.strict_json import parse as parse_json
from drproof.model.errors import FormatError

METADATA, CHECKSUMS = "metadata.json", "checksums.json"
ENCRYPTED = ("db_backup.enc", "artifacts_backup.enc")
OBJECTS = (METADATA, CHECKSUMS, *ENCRYPTED)
SCHEMA_VERSION = 1
DB_MODES = frozenset({"pg_dump", "state_runs_export"})
SALTED = b"Salted__"
HEADER_BYTES = 16
"""The word and the salt; what follows is whole blocks."""
BLOCK_BYTES = 16
LOCAL = re.compile(r"/|[A-Za-z]:[\\/]|\\\\|~")
"""How a path begins that means something on one machine only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OnpremMetadata:
    """What the metadata says."""

    run_id: str
    created_at: str
    backup_uri: str
    db_mode: str
    inputs: Mapping[str, str]
    checksums: Mapping[str, str]
    sizes: Mapping[str, int]


def parse_metadata(data: bytes) -> OnpremMetadata:
    """Return the metadata of an on-prem backup.

    Raises:
        FormatError: `metadata-shape`, `metadata-layout`, `metadata-version`, or what strict JSON says.
    """
    content = parse_json(data, fractions=True)
    if not isinstance(content, dict):
        raise FormatError("metadata-shape", "the metadata is no JSON object")
    if "db_mode" not in content and "artifacts" in content:
        raise FormatError("metadata-layout", "this is the metadata of archives, not of an encrypted on-prem backup")
    if content.get("schema_version") != SCHEMA_VERSION or isinstance(content["schema_version"], bool):
        raise FormatError("metadata-version", f"the metadata's schema_version is not {SCHEMA_VERSION}")
    inputs, sizes = content.get("inputs"), content.get("sizes")
    if not isinstance(inputs, dict) or not all(isinstance(path, str) for path in inputs.values()):
        raise FormatError("metadata-shape", "the metadata's inputs is no table of paths")
    if not isinstance(sizes, dict) or not all(_is_size(size) for size in sizes.values()):
        raise FormatError("metadata-shape", "the metadata's sizes is no table of sizes")
    return OnpremMetadata(
        run_id=_text(content, "run_id"),
        created_at=_text(content, "timestamp_utc"),
        backup_uri=_text(content, "backup_uri"),
        db_mode=_text(content, "db_mode"),
        inputs=inputs,
        checksums=_digests(content.get("checksums"), "the metadata's checksums"),
        sizes=sizes,
    )


def parse_checksums(data: bytes) -> Mapping[str, str]:
    """Return the SHA-256 of each file as `checksums.json` gives them.

    Raises:
        FormatError: `checksums-shape`, or what strict JSON says.
    """
    return _digests(parse_json(data, fractions=True), CHECKSUMS)


def is_whole(size: int) -> bool:
    """Whether a file of this size can be a header and whole blocks, at least one: CBC pads what it encrypts."""
    return size >= HEADER_BYTES + BLOCK_BYTES and size % BLOCK_BYTES == 0


def is_local(path: str) -> bool:
    """Whether a path names a place of one machine."""
    return bool(LOCAL.match(path))


def _digests(content: object, what: str) -> Mapping[str, str]:
    if not isinstance(content, dict) or not content:
        raise FormatError("checksums-shape", f"{what} is no table of digests")
    for name, digest in content.items():
        if not isinstance(digest, str) or not SHA256.fullmatch(digest):
            raise FormatError("checksums-shape", f"{what} gives {name} no SHA-256")
    return content


def _is_size(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _text(content: Mapping[str, object], name: str) -> str:
    value = content.get(name)
    if not isinstance(value, str) or not value:
        raise FormatError("metadata-shape", f"the metadata's {name} is {value!r}, expected text")
    return value
