"""The member manifest: what the maker of an archive says that its files are, one by one.

The digest of an archive says that nothing was changed since it was packed. This says what was packed, so that a file
that was left out, or that changed while it was read, is found as well.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from drproof.formats.backup_metadata import SHA256
from drproof.formats.strict_json import parse as parse_json
from drproof.model.errors import FormatError

NAME = "members.json"
"""The member that holds the manifest where it lies inside its archive; it does not list itself."""
SCHEMA_VERSION = 1
LIMIT = 64 << 20
"""Bytes; about 400,000 files."""
ROW = 120
"""Bytes of a row at most, its path apart: a digest, a size of 20 digits, and what names them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedMember:
    """A file of an archive as its maker promises it; the path is that of the archive's header, unchanged."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberManifest:
    """Every file that the maker of an archive put into it."""

    archive: str
    members: tuple[ListedMember, ...]


def parse(data: bytes) -> MemberManifest:
    """Return a member manifest.

    Raises:
        FormatError: `members-shape`, or what strict JSON says.
    """
    content = parse_json(data, limit=LIMIT)
    if not isinstance(content, dict) or content.keys() != {"schema_version", "archive", "members"}:
        raise FormatError("members-shape", "a member manifest has exactly schema_version, archive and members")
    if content["schema_version"] != SCHEMA_VERSION or isinstance(content["schema_version"], bool):
        raise FormatError("members-shape", f"expected schema_version {SCHEMA_VERSION} in the member manifest")
    archive, rows = content["archive"], content["members"]
    if not isinstance(archive, str) or not archive:
        raise FormatError("members-shape", "the member manifest names no archive")
    if not isinstance(rows, list) or not rows:
        raise FormatError("members-shape", f"the member manifest of {archive} lists no file")
    members = tuple(_member(row) for row in rows)
    if len({member.path for member in members}) != len(members):
        raise FormatError("members-shape", f"the member manifest of {archive} lists a path twice")
    return MemberManifest(archive=archive, members=members)


def write(archive: str, members: Iterable[ListedMember]) -> bytes:
    """Return the bytes of a member manifest, by path: the same files give the same bytes.

    Raises:
        FormatError: `members-shape`: it would be none, because it lists nothing or a path twice.
    """
    rows = [_row(member) for member in sorted(members, key=lambda member: member.path)]
    document = {"archive": archive, "members": rows, "schema_version": SCHEMA_VERSION}
    data = (json.dumps(document, sort_keys=True, separators=(",", ":")) + "\n").encode()
    parse(data)
    return data


def most_bytes(paths: Iterable[str]) -> int:
    """Return how many bytes the manifest of files with these paths has at most."""
    return sum(len(json.dumps(path)) + ROW for path in paths)


def _row(member: ListedMember) -> Mapping[str, object]:
    return {"bytes": member.size, "path": member.path, "sha256": member.sha256}


def _member(row: object) -> ListedMember:
    if not isinstance(row, dict) or row.keys() != {"path", "bytes", "sha256"}:
        raise FormatError("members-shape", "a row of the member manifest has exactly path, bytes and sha256")
    path, size, digest = row["path"], row["bytes"], row["sha256"]
    if not isinstance(path, str) or not path:
        raise FormatError("members-shape", "a row of the member manifest has no path")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise FormatError("members-shape", "a row of the member manifest has no size")
    if not isinstance(digest, str) or not SHA256.fullmatch(digest):
        raise FormatError("members-shape", "a row of the member manifest has no SHA-256")
    return ListedMember(path=path, size=size, sha256=digest)
