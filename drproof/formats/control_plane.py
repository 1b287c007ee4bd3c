"""The control-plane bundle: the pointer to it, its manifest, and the comparison of the two sides."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from drproof.formats.backup_metadata import SHA256
from drproof.formats.strict_json import parse as parse_json
from drproof.model.errors import FormatError

ROOT = "control-plane/"
MANIFEST = "manifest.json"
CURRENT: Final = "current.json"
BUNDLES: Final = "bundles"
SCHEMA_VERSION: Final = 1
"""Of pointers and manifests; another one is not read."""

REGISTRY: Final = "registry.json"
"""What lists a section's records and is none itself."""

VERSION_NAMES: Final[Mapping[str, str]] = {"candidates": "candidate_registry"}
"""Where a manifest's `schema_versions` calls a section otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlPlanePointer:
    """What `current.json` says."""

    bundle_uri: str
    bundle_sha256: str
    created_at: str
    image_ref: str
    git_sha: str
    schema_version: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedFile:
    """A file as the manifest lists it."""

    path: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What the bundle says about itself."""

    created_at: str
    image_ref: str
    git_sha: str
    schema_version: int | None
    sections: tuple[str, ...]
    schema_versions: Mapping[str, str]
    """The version that each section states, as JSON text, by the name that the manifest has for it."""
    files: tuple[ListedFile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two sets of files by path and SHA-256, both ways."""

    missing: tuple[str, ...]
    """Listed and not there."""
    extra: tuple[str, ...]
    """There and not listed."""
    different: tuple[str, ...]
    """On both sides, with different content."""


def parse_pointer(data: bytes) -> ControlPlanePointer:
    """Return the pointer to the current bundle."""
    content = _object(data, "control-plane pointer")
    digest = _text(content, "bundle_sha256")
    if not SHA256.fullmatch(digest):
        raise FormatError("control-plane-shape", f"the pointer's bundle_sha256 is {digest!r}")
    return ControlPlanePointer(
        bundle_uri=_text(content, "bundle_uri"),
        bundle_sha256=digest,
        created_at=_text(content, "created_at"),
        image_ref=str(content.get("image_ref_digest") or ""),
        git_sha=str(content.get("git_sha") or ""),
        schema_version=_version(content),
    )


def parse_manifest(data: bytes) -> Manifest:
    """Return the manifest of a bundle; a path that comes twice is an error."""
    content = _object(data, "manifest")
    rows = content.get("files")
    sections = content.get("supported_sections")
    if not isinstance(rows, list) or not rows:
        raise FormatError("control-plane-shape", "the manifest lists no files")
    if not isinstance(sections, list) or not all(isinstance(name, str) for name in sections):
        raise FormatError("control-plane-shape", "the manifest's supported_sections is no list of names")
    files = tuple(_file(row) for row in rows)
    if len({file.path for file in files}) != len(files):
        raise FormatError("control-plane-shape", "the manifest lists a path twice")
    return Manifest(
        created_at=_text(content, "created_at"),
        image_ref=str(content.get("image_ref_digest") or ""),
        git_sha=str(content.get("git_sha") or ""),
        schema_version=_version(content),
        sections=tuple(sections),
        schema_versions=_versions(content.get("schema_versions")),
        files=files,
    )


def version_name(section: str) -> str:
    """Return what `schema_versions` of a manifest calls a section."""
    return VERSION_NAMES.get(section, section)


def version_file(paths: Iterable[str], section: str) -> str:
    """Return the file that states a section's version: its registry, else its first JSON file; "" without any."""
    own = sorted(
        path for path in paths if path.startswith(f"{section}/") and path.count("/") == 1 and path.endswith(".json")
    )
    registry = f"{section}/{REGISTRY}"
    return registry if registry in own else next(iter(own), "")


def stated_version(data: bytes) -> str:
    """Return the version that a file states, as JSON text: `schema_version`, else `version`, else "".

    Raises:
        FormatError: it is no JSON.
    """
    content = parse_json(data, fractions=True)
    if not isinstance(content, dict):
        return ""
    return _version_text(content.get("schema_version", content.get("version")))


def compare_both_ways(listed: Mapping[str, str], found: Mapping[str, str]) -> Comparison:
    """Return how what was found differs from what was listed; both map paths to SHA-256."""
    return Comparison(
        missing=tuple(sorted(listed.keys() - found.keys())),
        extra=tuple(sorted(found.keys() - listed.keys())),
        different=tuple(sorted(path for path in listed.keys() & found.keys() if listed[path] != found[path])),
    )


def _file(row: object) -> ListedFile:
    if not isinstance(row, dict):
        raise FormatError("control-plane-shape", f"the manifest lists {row!r}, expected path, sha256 and bytes")
    size, digest = row.get("bytes"), _text(row, "sha256")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0 or not SHA256.fullmatch(digest):
        raise FormatError("control-plane-shape", f"the manifest lists {row.get('path')!r} without size or SHA-256")
    return ListedFile(path=_text(row, "path"), sha256=digest, size=size)


def _version(content: Mapping[str, object]) -> int | None:
    value = content.get("schema_version")
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _versions(value: object) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise FormatError("control-plane-shape", "the manifest's schema_versions is no object")
    return {name: _version_text(version) for name, version in value.items()}


def _version_text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | str) or value == "":
        return ""
    return json.dumps(value)


def _object(data: bytes, what: str) -> Mapping[str, object]:
    content = parse_json(data, fractions=True)
    if not isinstance(content, dict):
        raise FormatError("control-plane-shape", f"the {what} is no JSON object")
    return content


def _text(content: Mapping[str, object], name: str) -> str:
    value = content.get(name)
    if not isinstance(value, str) or not value:
        raise FormatError("control-plane-shape", f"{name} is {value!r}, expected text")
    return value
