"""The control plane as a cluster holds it: one ConfigMap a section, every file byte for byte."""

import base64
import binascii
import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

import yaml

from drproof.formats.control_plane import MANIFEST
from drproof.formats.manifests import DNS_SUBDOMAIN
from drproof.model.cluster import Manifest
from drproof.model.errors import FormatError

BUNDLE_ANNOTATION: Final = "drproof.io/bundle-sha256"
SECTION: Final = "{section}"
MAX_BYTES: Final = 1 << 20
"""What a ConfigMap may hold, keys and values together."""
KEY = re.compile(r"(?!\.{1,2}\Z|\.\.)[-._a-zA-Z0-9]{1,253}")
UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that YAML does not carry."""

DUMPER: Final = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
UNFOLDED: Final = 1 << 30
"""Characters of a line: a text that is folded is one that readers unfold in their own ways."""


def render(  # noqa: PLR0913 — what the objects are made of and what they are called
    files: Mapping[str, bytes],
    *,
    sections: Collection[str],
    name: str,
    namespace: str,
    bundle_sha256: str,
    labels: Mapping[str, str],
) -> tuple[dict[str, Any], ...]:
    """Return one ConfigMap a section of a bundle; a key is the path inside the section with `/` as `__`.

    `files` are by path below the bundle's root, whose own manifest is left out; `name` has `{section}` in it.

    Raises:
        FormatError: `control-plane-section`: a section is empty, or a file lies in none; `control-plane-key`: a path
            makes no key, or two make the same; `control-plane-size`: a section is more than a ConfigMap holds;
            `control-plane-name`.
    """
    if SECTION not in name:
        raise ValueError(f"the name of a section's object needs {SECTION}: {name!r}")
    astray = [path for path in files if path != MANIFEST and path.partition("/")[0] not in sections]
    if astray:
        raise FormatError("control-plane-section", f"{astray[0]} lies in no section")
    return tuple(
        _config_map(section, files, name.replace(SECTION, section), namespace, labels, bundle_sha256)
        for section in sections
    )


def written(objects: Iterable[Manifest]) -> bytes:
    """Return objects as YAML that every reader takes for the same: each text in double quotes, on one line."""
    text: str = yaml.dump_all(
        list(objects),
        Dumper=DUMPER,
        default_style='"',
        default_flow_style=False,
        allow_unicode=False,
        width=UNFOLDED,
        sort_keys=True,
        explicit_start=True,
    )
    return text.encode("ascii")


def contents(config_map: Manifest) -> dict[str, str]:
    """Return the SHA-256 of what is behind each key of a ConfigMap, from `data` and `binaryData`.

    Raises:
        FormatError: `config-map-shape`.
    """
    found: dict[str, str] = {}
    for field in ("data", "binaryData"):
        values = config_map.get(field) or {}
        if not isinstance(values, Mapping) or not all(isinstance(value, str) for value in values.values()):
            raise FormatError("config-map-shape", f"{field} is no map of texts")
        if twice := sorted(found.keys() & values.keys()):
            raise FormatError("config-map-shape", f"{twice[0]} is in data and in binaryData")
        for key, value in values.items():
            content = _decoded(key, value) if field == "binaryData" else value.encode("utf-8", "surrogatepass")
            found[key] = hashlib.sha256(content).hexdigest()
    return found


def expected_keys(listing: Mapping[str, str], section: str) -> dict[str, str]:
    """Return the SHA-256 by key that a section's ConfigMap must have, from the SHA-256 by path of a bundle's manifest.

    Raises:
        FormatError: `control-plane-key`.
    """
    return {key: listing[path] for key, path in _keys(listing, section).items()}


def fitting(sizes: Mapping[str, int], section: str) -> tuple[int, str]:
    """Return the bytes of the ConfigMap that a section becomes, and the first path that makes no key of its own.

    `sizes` are by path below the bundle's root.
    """
    total, unfit = 0, ""
    taken: set[str] = set()
    for path in sorted(path for path in sizes if path.startswith(f"{section}/")):
        key = _key(path, section)
        if not key or key in taken:
            unfit = unfit or path
        taken.add(key)
        total += len(path.removeprefix(f"{section}/").replace("/", "__").encode("utf-8", "replace")) + sizes[path]
    return total, unfit


def _config_map(  # noqa: PLR0913 — as above
    section: str,
    files: Mapping[str, bytes],
    name: str,
    namespace: str,
    labels: Mapping[str, str],
    bundle_sha256: str,
) -> dict[str, Any]:
    if not DNS_SUBDOMAIN.fullmatch(name):
        raise FormatError("control-plane-name", f"section {section!r} would be called {name!r}")
    keys = _keys(files, section)
    if not keys:
        raise FormatError("control-plane-section", f"section {section} has no files")
    size = sum(len(key) + len(files[path]) for key, path in keys.items())
    if size > MAX_BYTES:
        raise FormatError("control-plane-size", f"section {section} has {size} bytes, a ConfigMap holds {MAX_BYTES}")
    texts = {key: _text(files[path]) for key, path in keys.items()}
    result: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": dict(labels),
            "annotations": {BUNDLE_ANNOTATION: bundle_sha256},
        },
    }
    if data := {key: text for key, text in texts.items() if text is not None}:
        result["data"] = data
    binary = {key: files[path] for key, path in keys.items() if texts[key] is None}
    if binary:
        result["binaryData"] = {key: base64.b64encode(content).decode() for key, content in binary.items()}
    return result


def _keys(paths: Iterable[str], section: str) -> dict[str, str]:
    """Return the paths of a section by the keys that they get, sorted by path."""
    keys: dict[str, str] = {}
    for path in sorted(path for path in paths if path.startswith(f"{section}/")):
        key = _key(path, section)
        if not key:
            raise FormatError("control-plane-key", f"section {section}: {path!r} makes no key of a ConfigMap")
        if key in keys:
            raise FormatError("control-plane-key", f"section {section}: {keys[key]} and {path} are both {key}")
        keys[key] = path
    return keys


def _key(path: str, section: str) -> str:
    """Return the key of a path, or "" when it makes none."""
    inside = path.removeprefix(f"{section}/")
    key = inside.replace("/", "__")
    return key if KEY.fullmatch(key) and not any(part in ("", ".", "..") for part in inside.split("/")) else ""


def _text(content: bytes) -> str | None:
    """Return a file's content as text, or None where only its bytes are exact."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if UNPRINTABLE.search(text) else text


def _decoded(key: str, value: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise FormatError("config-map-shape", f"{key} is no base64") from exc
