"""Bundles of the control plane, made and opened: the same content is the same bytes, on every machine at any time."""

import hashlib
import io
import json
import re
import tarfile
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from drproof.formats import archive, control_plane, control_plane_objects
from drproof.formats.control_plane import BUNDLES, CURRENT, MANIFEST, ROOT, SCHEMA_VERSION, Manifest
from drproof.model.errors import FormatError

SHORT: Final = 12
"""Digits of a bundle's SHA-256 in its key."""

HEADER: Final = b"\x1f\x8b\x08\x00\0\0\0\0\x00\xff"
"""Of gzip: no name, no time, no system."""

LONGEST_BLOCK: Final = 0xFFFF
MOST_BYTES: Final = archive.SMALL.total_bytes + (1 << 20)
"""What a bundle may have, packed."""

NAME = re.compile(rf"(?P<created_at>\d{{8}}T\d{{6}}Z)-(?P<short>[0-9a-f]{{{SHORT},64}})\.tar\.gz", re.ASCII)
"""The name of a bundle: when its content was made, and the beginning of its own SHA-256."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What is published: the files by path below the root, and what they belong to."""

    files: Mapping[str, bytes]
    sections: tuple[str, ...]
    created_at: str
    """When the content was made, never when it is published: `YYYYmmddTHHMMSSZ`."""
    git_sha: str
    image_ref: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A bundle whose manifest and files agree."""

    sha256: str
    manifest: Manifest
    manifest_sha256: str
    files: Mapping[str, bytes]
    """By path below the root, the root's own manifest among them."""


def instant(seconds: int) -> str:
    """Return seconds since the epoch as bundles are dated."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y%m%dT%H%M%SZ")


def document(content: Mapping[str, Any]) -> bytes:
    """Return a document as the control plane's are written."""
    return (json.dumps(content, indent=2, sort_keys=True) + "\n").encode()


def packed(content: Content) -> tuple[bytes, bytes]:
    """Return manifest and bundle; both depend on the content alone.

    Raises:
        FormatError: what `check_content` raises, and `json-…` for a JSON file that has no single reading.
    """
    check_content(content)
    manifest = document(_manifest(content))
    return manifest, gzip_stored(tar({**content.files, MANIFEST: manifest}))


def check_content(content: Content) -> None:
    """Let files through that a bundle can hold and a cluster can be given.

    Raises:
        FormatError: `control-plane-manifest`, `control-plane-path`, `control-plane-section`, `control-plane-key`,
            `control-plane-size`, `control-plane-name`.
    """
    if MANIFEST in content.files:
        raise FormatError(
            "control-plane-manifest", f"{MANIFEST} of the root is made by publishing; there is one already"
        )
    seen: set[str] = set()
    for path, data in sorted(content.files.items()):
        member = archive.Member(path=ROOT + path, kind="file", size=len(data))
        if problem := archive.problem_of(member, seen, portable=True):
            raise FormatError("control-plane-path", f"{problem}: {path}")
        if len(data) > archive.SMALL.member_bytes:
            raise FormatError("control-plane-size", f"{path} has {len(data)} bytes")
    control_plane_objects.render(
        content.files,
        sections=content.sections,
        name=f"control-plane-{control_plane_objects.SECTION}",
        namespace="default",
        bundle_sha256="",
        labels={},
    )


def pointer(content: Content, *, bucket: str, prefix: str, bundle_sha256: str) -> bytes:
    """Return what `current.json` says of a bundle; `prefix` is the control plane's own."""
    return document(
        {
            "schema_version": SCHEMA_VERSION,
            "current_uri": f"s3://{bucket}/{prefix}/{CURRENT}",
            "bundle_uri": f"s3://{bucket}/{key(prefix, content.created_at, bundle_sha256)}",
            "bundle_sha256": bundle_sha256,
            "created_at": content.created_at,
            "git_sha": content.git_sha,
            "image_ref_digest": content.image_ref,
        }
    )


def key(prefix: str, created_at: str, sha256: str) -> str:
    """Return where a bundle lies: `<prefix>/bundles/<created_at>-<the first digits of its SHA-256>.tar.gz`."""
    return f"{prefix}/{BUNDLES}/{created_at}-{sha256[:SHORT]}.tar.gz"


def is_addressed_by(key_or_uri: str, sha256: str) -> bool:
    """Return whether a key is of the content: its name ends with the beginning of the bundle's SHA-256."""
    match = NAME.fullmatch(key_or_uri.rpartition("/")[2])
    return match is not None and sha256.startswith(match["short"])


def created_at_of(key_or_uri: str) -> str:
    """Return when the content of a bundle was made, by its name; "" for a name that does not say."""
    match = NAME.fullmatch(key_or_uri.rpartition("/")[2])
    return match["created_at"] if match else ""


def opened(data: bytes, *, sections: Collection[str]) -> Bundle:
    """Return a bundle whose members are harmless and whose files are exactly those of its manifest.

    Raises:
        FormatError: what `members` and `verified` raise.
    """
    return verified(members(data), sha256=hashlib.sha256(data).hexdigest(), sections=sections)


def members(data: bytes) -> dict[str, bytes]:
    """Return the files of a bundle by path below the root.

    Raises:
        FormatError: `archive-…`, `control-plane-member`.
    """
    files: dict[str, bytes] = {}
    seen: set[str] = set()

    def keep(path: str, content: Iterator[bytes]) -> None:
        files[path.removeprefix(ROOT)] = b"".join(content)

    # In pieces: what a bomb says of itself is seen before it has gone off.
    for member in archive.read(archive.gzip(_pieces(data)), limits=archive.SMALL, sink=keep):
        problem = archive.problem_of(member, seen, portable=True)
        if not problem and not (member.path.startswith(ROOT) or member.path.rstrip("/") == ROOT.rstrip("/")):
            problem = f"member outside {ROOT}"
        if problem:
            raise FormatError("control-plane-member", f"{problem}: {member.path}")
    return files


def verified(files: Mapping[str, bytes], *, sha256: str, sections: Collection[str]) -> Bundle:
    """Return files as a bundle when they are exactly those that their manifest lists.

    Raises:
        FormatError: `control-plane-shape`, `control-plane-version`, `control-plane-section`, `control-plane-files`.
    """
    if MANIFEST not in files:
        raise FormatError("control-plane-shape", f"there is no {ROOT}{MANIFEST}")
    manifest = control_plane.parse_manifest(files[MANIFEST])
    if manifest.schema_version != SCHEMA_VERSION:
        said = f"the manifest has schema_version {manifest.schema_version}, expected {SCHEMA_VERSION}"
        raise FormatError("control-plane-version", said)
    if sorted(manifest.sections) != sorted(sections):
        said = f"the manifest supports {', '.join(manifest.sections)}; expected {', '.join(sections)}"
        raise FormatError("control-plane-section", said)
    found = {path: hashlib.sha256(data).hexdigest() for path, data in files.items() if path != MANIFEST}
    difference = control_plane.compare_both_ways({file.path: file.sha256 for file in manifest.files}, found)
    for what, paths in (
        ("listed and not there", difference.missing),
        ("there and not listed", difference.extra),
        ("not of the SHA-256 that is listed", difference.different),
        ("not of the size that is listed", other_sizes(manifest, {path: len(files[path]) for path in found})),
    ):
        if paths:
            raise FormatError("control-plane-files", f"{what}: {', '.join(paths)}")
    for section in sections:
        if not any(path.startswith(f"{section}/") for path in found):
            raise FormatError("control-plane-section", f"section {section} has no files")
    return Bundle(
        sha256=sha256,
        manifest=manifest,
        manifest_sha256=hashlib.sha256(files[MANIFEST]).hexdigest(),
        files=files,
    )


def other_sizes(manifest: Manifest, found: Mapping[str, int]) -> tuple[str, ...]:
    """Return the listed files that are there in another size."""
    return tuple(sorted(file.path for file in manifest.files if found.get(file.path, file.size) != file.size))


def gzip_stored(data: bytes) -> bytes:
    """Return bytes as gzip without compressing them.

    What a compressor writes is its own affair: zlib, its successors and their releases differ on the same bytes.
    """
    blocks = [data[at : at + LONGEST_BLOCK] for at in range(0, len(data), LONGEST_BLOCK)] or [b""]
    parts = [HEADER]
    for number, block in enumerate(blocks, start=1):
        size = len(block)
        parts += [
            bytes([number == len(blocks)]),
            size.to_bytes(2, "little"),
            (size ^ 0xFFFF).to_bytes(2, "little"),
            block,
        ]
    return b"".join([*parts, zlib.crc32(data).to_bytes(4, "little"), (len(data) & 0xFFFFFFFF).to_bytes(4, "little")])


def _manifest(content: Content) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "created_at": content.created_at,
        "git_sha": content.git_sha,
        "image_ref_digest": content.image_ref,
        "supported_sections": list(content.sections),
        "schema_versions": {
            control_plane.version_name(section): _stated(content.files, section) for section in content.sections
        },
        "files": [
            {"path": path, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
            for path, data in sorted(content.files.items())
        ],
    }


def _stated(files: Mapping[str, bytes], section: str) -> object:
    path = control_plane.version_file(files, section)
    try:
        text = control_plane.stated_version(files[path]) if path else ""
    except FormatError as exc:
        raise FormatError(exc.code, f"{path}: {exc}") from exc
    return json.loads(text) if text else None


def tar(files: Mapping[str, bytes]) -> bytes:
    """Return files, by path below the root, as the archive that a bundle is."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as packing:
        for path, data in sorted(files.items()):
            # Times, owners and names of owners are those of no machine; the mode is 0644.
            entry = tarfile.TarInfo(ROOT + path)
            entry.size = len(data)
            packing.addfile(entry, io.BytesIO(data))
    return plain.getvalue()


def _pieces(data: bytes, size: int = 1 << 16) -> Iterable[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))
