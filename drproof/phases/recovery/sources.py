"""What is restored into the cluster, as manifests: from the backup, the baseline folder and the control plane."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from drproof.formats import archive, control_plane, control_plane_objects, manifests, pod_templates, s3_uri
from drproof.model.cluster import CONFIG_MAP, Manifest, named
from drproof.model.context import Context
from drproof.model.errors import FormatError, PhaseError
from drproof.model.receipt import Digest
from drproof.phases.backup.read_restore_point import read_restore_point

SUFFIXES = (".yaml", ".yml", ".json")
LARGEST = 4 << 20
"""Bytes of one file of manifests, and of one file of the control plane."""

EVERY_NAMESPACE_HAS = frozenset({"ServiceAccount/default"})
"""What the recovery namespace has by itself, under a name that the backup's may have as well."""

Origin = Literal["backup", "baseline", "control_plane", "drill"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentSeen:
    """One file of the manifests' archive, and the objects in it."""

    path: str
    sha256: Digest
    objects: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One object that must be in the cluster, and where it comes from."""

    manifest: Manifest
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Everything that is restored, what is left out, and what was set otherwise than it was backed up."""

    objects: tuple[Wanted, ...]
    documents: tuple[DocumentSeen, ...]
    left_out: tuple[str, ...]
    overrides: tuple[str, ...]
    manifests_sha256: str
    bundle_sha256: str


def sources(ctx: Context) -> Sources:
    """Return what must be in the cluster, in the order in which it is applied.

    Raises:
        PhaseError: the bytes are not those that were verified, or a manifest is malformed or of a kind that no
            setting speaks of.
    """
    try:
        return _sources(ctx)
    except FormatError as exc:
        msg = f"what was backed up cannot be restored into a cluster: {exc}"
        raise PhaseError(msg) from exc


def _sources(ctx: Context) -> Sources:
    documents, backed_up, sha256 = _backup(ctx)
    baseline = _baseline(ctx)
    left_out: list[str] = []
    found: dict[str, Wanted] = {}
    # The backup comes second: what it holds is what ran, the baseline is what is there besides.
    for origin, group in (("baseline", baseline), ("backup", backed_up)):
        for manifest in _restorable(ctx, group, left_out):
            found[named(manifest)] = Wanted(manifest=manifest, origin=origin)  # type: ignore[arg-type] # two literals
    overrides: list[str] = []
    found = {name: _frozen(wanted, overrides) for name, wanted in found.items()}
    found = {name: _kept_from_publishing(ctx, wanted, overrides) for name, wanted in found.items()}
    _switch_publishing_off(ctx, found, overrides)
    bundle_sha256, config_maps = _control_plane(ctx)
    for manifest in config_maps:
        if (name := named(manifest)) in found:
            msg = f"{name} is of the control plane, and the backup's manifests hold one of that name as well"
            raise PhaseError(msg)
        found[name] = Wanted(manifest=manifest, origin="control_plane")
    ordered = manifests.order([wanted.manifest for wanted in found.values()])
    return Sources(
        objects=tuple(found[named(manifest)] for manifest in ordered),
        documents=documents,
        left_out=tuple(left_out),
        overrides=tuple(overrides),
        manifests_sha256=sha256,
        bundle_sha256=bundle_sha256,
    )


def _restorable(ctx: Context, group: list[Manifest], left_out: list[str]) -> Iterator[Manifest]:
    settings = ctx.settings.cluster
    taken, left, refused = manifests.sorted_out(group, kinds=settings.kinds, left_out=settings.left_out)
    if refused:
        msg = (
            f"{named(refused[0])} is of a kind that is neither restored nor left out: expected one of "
            f"{', '.join(settings.kinds)}\n  next: name {refused[0]['kind']} in cluster.kinds or in cluster.left_out"
        )
        raise PhaseError(msg)
    left_out.extend(named(manifest) for manifest in left)
    # A kind that is left out may say another namespace, or none: it is not moved anywhere.
    spaces = manifests.namespaces(taken)
    if len(spaces) > 1:
        msg = f"the backup holds objects of {len(spaces)} namespaces, expected those of one; got {', '.join(spaces)}"
        raise PhaseError(msg)
    for manifest in taken:
        if named(manifest) in EVERY_NAMESPACE_HAS:
            left_out.append(named(manifest))
            continue
        here = manifests.moved(manifest, source=spaces[0], target=settings.namespace) if spaces else manifest
        yield manifests.portable(here, namespace=settings.namespace)


def _frozen(wanted: Wanted, overrides: list[str]) -> Wanted:
    """Return a schedule that cannot start anything: a drill must not run what the original site runs."""
    quiet = manifests.suspended(wanted.manifest)
    if quiet != wanted.manifest:
        overrides.append(f"{named(quiet)}: suspended")
    return Wanted(manifest=quiet, origin=wanted.origin)


def _kept_from_publishing(ctx: Context, wanted: Wanted, overrides: list[str]) -> Wanted:
    """Return a workload whose containers are told themselves not to publish, wherever else they would look."""
    off = ctx.settings.cluster.publishing_off
    quiet = pod_templates.with_environment(wanted.manifest, off)
    if quiet != wanted.manifest:
        overrides.extend(f"{named(quiet)}: {key}={value} in every container" for key, value in off.items())
    return Wanted(manifest=quiet, origin=wanted.origin)


def _switch_publishing_off(ctx: Context, found: dict[str, Wanted], overrides: list[str]) -> None:
    settings = ctx.settings.cluster
    name = f"ConfigMap/{settings.publishing_config_map}"
    empty: Manifest = {
        "apiVersion": CONFIG_MAP.api_version,
        "kind": CONFIG_MAP.kind,
        "metadata": {"name": settings.publishing_config_map, "namespace": settings.namespace},
    }
    before = found.get(name, Wanted(manifest=empty, origin="drill"))
    data: Mapping[str, Any] = before.manifest.get("data") or {}
    overrides.extend(
        f"{name}: {key}={value}" for key, value in settings.publishing_off.items() if data.get(key) != value
    )
    manifest = {**before.manifest, "data": {**data, **settings.publishing_off}}
    found[name] = Wanted(manifest=manifest, origin=before.origin)


def _backup(ctx: Context) -> tuple[tuple[DocumentSeen, ...], list[Manifest], str]:
    """Return the files and the objects of the manifests' archive, at the version that was verified."""
    point = ctx.observed(read_restore_point)
    name = ctx.settings.cluster.manifests
    seen = next((one for one in point.objects if one.name == name), None)
    if seen is None:
        msg = f"the restore point has no {name}: cluster.manifests names an object that backup.objects does not"
        raise PhaseError(msg)
    documents: list[DocumentSeen] = []
    objects: list[Manifest] = []

    def take(path: str, content: Iterator[bytes]) -> None:
        data = _bounded(path, content)
        read = manifests.read(path, data) if path.endswith(SUFFIXES) else ()
        names = tuple(named(manifest) for manifest in read)
        documents.append(DocumentSeen(path=path, sha256=hashlib.sha256(data).hexdigest(), objects=names))
        objects.extend(read)

    _, chunks = ctx.target.primary.objects.stream(point.bucket, seen.key, version=seen.version)
    digest = _Digest(chunks)
    for _ in archive.read(archive.zstd(iter(digest)), sink=take):
        continue
    digest.must_be(seen.sha256, name)
    return tuple(documents), list(manifests.unique(objects)), seen.sha256


def _baseline(ctx: Context) -> list[Manifest]:
    if not ctx.settings.cluster.baseline:
        return []
    folder = Path(ctx.settings.cluster.baseline)
    files = sorted(path for path in folder.rglob("*") if path.suffix in SUFFIXES and path.is_file())
    if not files:
        msg = f"cluster.baseline {folder} holds no manifest: expected files that end in {', '.join(SUFFIXES)}"
        raise PhaseError(msg)
    return list(manifests.unique(one for path in files for one in manifests.read(path.name, path.read_bytes())))


def _control_plane(ctx: Context) -> tuple[str, tuple[Manifest, ...]]:
    """Return the digest of the control plane's bundle, and its ConfigMaps."""
    seen = ctx.observed(read_restore_point).control_plane
    place = s3_uri.parse(seen.bundle_uri)
    files: dict[str, bytes] = {}

    def take(path: str, content: Iterator[bytes]) -> None:
        if path.startswith(control_plane.ROOT):
            files[path.removeprefix(control_plane.ROOT)] = _bounded(path, content)

    _, chunks = ctx.target.primary.objects.stream(place.bucket, place.key)
    digest = _Digest(chunks)
    for _ in archive.read(archive.gzip(iter(digest)), limits=archive.SMALL, sink=take):
        continue
    digest.must_be(seen.bundle_sha256, seen.bundle_uri)
    rendered = control_plane_objects.render(
        files,
        sections=ctx.plan.criteria.control_plane_sections,
        name=ctx.settings.cluster.control_plane_name.replace("{namespace}", ctx.settings.cluster.namespace),
        namespace=ctx.settings.cluster.namespace,
        bundle_sha256=seen.bundle_sha256,
        labels={},
    )
    return seen.bundle_sha256, rendered


class _Digest:
    """Bytes on their way, hashed."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._digest = hashlib.sha256()

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self._digest.update(chunk)
            yield chunk

    def must_be(self, sha256: str, name: str) -> None:
        """Read what is left; `PhaseError` when these are not the bytes that were verified."""
        for _ in self:
            continue
        if (got := self._digest.hexdigest()) != sha256:
            msg = f"{name} changed between verification and restore: expected {sha256}, got {got}"
            raise PhaseError(msg)


def _bounded(path: str, content: Iterator[bytes]) -> bytes:
    data = bytearray()
    for chunk in content:
        data += chunk
        if len(data) > LARGEST:
            msg = (
                f"{path} has more than {LARGEST} bytes: expected files of manifests, and of the control plane, of less"
            )
            raise PhaseError(msg)
    return bytes(data)
