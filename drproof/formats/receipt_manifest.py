"""The manifest of a folder of receipts, as the reference's collector writes it: paths, digests and sizes."""

import re
from dataclasses import dataclass

from drproof.formats.strict_json import parse as parse_json
from drproof.model.errors import FormatError

NAME = "bundle-manifest.json"
SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A file that the manifest lists."""

    path: str
    sha256: str
    size: int


def parse(data: bytes) -> tuple[Listed, ...]:
    """Return what a manifest lists, by path.

    Raises:
        FormatError: `manifest` when it is not what the collector writes, lists nothing, or a path twice.
    """
    document = parse_json(data)
    rows = document.get("files") if isinstance(document, dict) else None
    if not isinstance(rows, list) or not rows or document.get("schema_version") != 1:
        raise FormatError("manifest", "the manifest lists no file, or is of another version than 1")
    listed = []
    for row in rows:
        if not isinstance(row, dict):
            raise FormatError("manifest", "a row of the manifest is no JSON object")
        path, sha256, size = row.get("path"), row.get("sha256"), row.get("size_bytes")
        if not isinstance(path, str) or not isinstance(sha256, str) or not SHA256.fullmatch(sha256):
            raise FormatError("manifest", "a row of the manifest has no path, or no SHA-256")
        if isinstance(size, bool) or not isinstance(size, int) or size < 0:
            raise FormatError("manifest", "a row of the manifest has no size")
        listed.append(Listed(path=path, sha256=sha256, size=size))
    if len({one.path for one in listed}) != len(listed):
        raise FormatError("manifest", "the manifest lists a path twice")
    return tuple(sorted(listed, key=lambda one: one.path))
