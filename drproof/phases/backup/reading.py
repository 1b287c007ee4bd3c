"""One restore point, read once from front to back; which one, and at whose site, the caller says."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass

from drproof.formats import archive, backup_metadata, control_plane, s3_uri
from drproof.formats.backup_metadata import Artifact, BackupMetadata
from drproof.formats.hashing import Hashed
from drproof.model.capabilities import ObjectStore
from drproof.model.criteria import Backup
from drproof.model.errors import FormatError, NotFoundError, TargetError
from drproof.phases.backup.observed import (
    METADATA,
    NOT_THERE,
    ArchiveSeen,
    ControlPlaneSeen,
    ObjectSeen,
    RestorePointObserved,
    SectionSeen,
)

STEP = 4 << 20
"""Bytes between two words about progress."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where restore points are read: the buckets, the sections that a control plane must have, and what masks words."""

    objects: ObjectStore
    sections: tuple[str, ...]
    redact: Callable[[str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What reading a restore point came to: the facts, each archive's members, and the control plane's digests."""

    observed: RestorePointObserved
    members: Mapping[str, Sequence[archive.Member]]
    control_plane: Mapping[str, str]


def read_point(place: Place, wanted: Backup, progress: Callable[[int], None] | None = None) -> Reading:
    """Read every byte of a restore point once, hash it, and extract nothing.

    `progress` is told how many bytes of all objects together are read, every few mebibytes and at the end.

    Raises:
        TargetError: the site does not answer, or refuses.
    """
    uri = s3_uri.parse(wanted.uri)
    metadata, problem = _metadata(place, uri)
    promised = metadata.artifacts if metadata else {}
    objects, archives, listings = [], [], {}
    meter = _Meter(progress)
    for name in wanted.objects:
        one = _Object(place, uri, name, promised.get(name), meter, is_archive=name in wanted.archives)
        objects.append(one.seen)
        if name in wanted.archives:
            archives.append(one.archive)
            listings[name] = one.members
    control, listed = _control_plane(place, uri, meter)
    meter.tell()
    observed = RestorePointObserved(
        uri=wanted.uri,
        bucket=uri.bucket,
        prefix=uri.key,
        problem=problem,
        backup_id=metadata.backup_id if metadata else "",
        metadata_uri=metadata.backup_uri if metadata else "",
        created_at=metadata.created_at if metadata else "",
        objects=tuple(objects),
        archives=tuple(archives),
        control_plane=control,
    )
    return Reading(observed=observed, members=listings, control_plane=listed)


def _metadata(place: Place, uri: s3_uri.S3Uri) -> tuple[BackupMetadata | None, str]:
    try:
        _, data = place.objects.read(uri.bucket, uri.join(METADATA))
        return backup_metadata.parse(data), ""
    except (NotFoundError, FormatError) as exc:
        return None, place.redact(str(exc).partition("\n")[0])


class _Meter:
    """Bytes that have been read, told to whoever wants to know."""

    def __init__(self, tell: Callable[[int], None] | None) -> None:
        self._tell = tell
        self._done = self._told = 0

    def counted(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield chunks, and tell when it is worth it."""
        for chunk in chunks:
            self._done += len(chunk)
            if self._done - self._told >= STEP:
                self.tell()
            yield chunk

    def tell(self) -> None:
        """Tell what is not told yet."""
        if self._tell and self._done != self._told:
            self._told = self._done
            self._tell(self._done)


class _Object:
    """One object, streamed once: hashed, and listed when it is an archive."""

    def __init__(  # noqa: PLR0913 — all that one object needs
        self,
        place: Place,
        uri: s3_uri.S3Uri,
        name: str,
        promised: Artifact | None,
        meter: _Meter,
        *,
        is_archive: bool,
    ) -> None:
        self.members: Sequence[archive.Member] = ()
        self.archive = ArchiveSeen(name=name, problem=NOT_THERE)
        key = uri.join(name)
        # The metadata cannot promise its own digest.
        size, sha256 = (promised.size, promised.sha256) if promised else (None, "")
        try:
            info, chunks = place.objects.stream(uri.bucket, key)
        except NotFoundError:
            self.seen = ObjectSeen(name=name, key=key, status="not_found", promised_size=size, promised_sha256=sha256)
            return
        with closing(Hashed(meter.counted(chunks), threads=_threads())) as hashed:
            if is_archive:
                self.members, self.archive = _listed(name, hashed, place.redact)
            hashed.finish()
        self.seen = ObjectSeen(
            name=name,
            key=key,
            status="ok",
            version=info.version,
            size=hashed.size,
            sha256=hashed.sha256,
            promised_size=size,
            promised_sha256=sha256,
        )


def _listed(name: str, chunks: Iterable[bytes], redact: Callable[[str], str]) -> tuple[archive.Listing, ArchiveSeen]:
    """List an archive's members; the first problem is kept, reading goes on where it can."""
    listing, stream, problem = archive.Listing(), archive.zstd(chunks), ""
    try:
        for row in archive.rows(stream, threads=_threads()):
            listing.add(*row)
    except FormatError as exc:
        problem = f"{exc.code}: {exc}"
    frames = stream.seen
    return listing, ArchiveSeen(
        name=name,
        members=len(listing),
        files=listing.files,
        size=listing.size,
        frames=frames.frames,
        checksummed_frames=frames.checksummed,
        window=frames.window,
        problem=redact(listing.problem or problem),
    )


def _threads() -> int:
    """Return how many processors reading one object may take, beside what other workers of this run read."""
    # A container's share of the processors is not asked everywhere.
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, processors // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT") or 1))


def _control_plane(place: Place, uri: s3_uri.S3Uri, meter: _Meter) -> tuple[ControlPlaneSeen, dict[str, str]]:
    """Follow the pointer to the bundle, compare it with its manifest both ways, and return its files' digests too."""
    objects = place.objects
    try:
        pointer_key = f"{uri.control_plane_prefix}/current.json"
    except FormatError as exc:
        return ControlPlaneSeen(pointer_key="", problem=str(exc)), {}
    try:
        _, data = objects.read(uri.bucket, pointer_key)
        pointer = control_plane.parse_pointer(data)
        bundle = s3_uri.parse(pointer.bundle_uri)
        _, chunks = objects.stream(bundle.bucket, bundle.key)
    except (NotFoundError, FormatError) as exc:
        return ControlPlaneSeen(pointer_key=pointer_key, problem=place.redact(str(exc).partition("\n")[0])), {}
    except TargetError as exc:
        if exc.code != "AccessDenied":
            raise
        return ControlPlaneSeen(pointer_key=pointer_key, problem=place.redact(str(exc).partition("\n")[0])), {}
    hashed = Hashed(meter.counted(chunks))
    problem, files, manifest = _bundle(hashed)
    hashed.finish()
    listed = {file.path: file.sha256 for file in manifest.files} if manifest else {}
    found = {path: sha256 for path, (sha256, _) in files.items() if path != control_plane.MANIFEST}
    difference = control_plane.compare_both_ways(listed, found)
    seen = ControlPlaneSeen(
        pointer_key=pointer_key,
        problem=place.redact(problem),
        bundle_uri=pointer.bundle_uri,
        pointed_sha256=pointer.bundle_sha256,
        bundle_sha256=hashed.sha256,
        bundle_size=hashed.size,
        created_at=pointer.created_at,
        image_ref=pointer.image_ref,
        manifest_image_ref=manifest.image_ref if manifest else "",
        listed=len(listed),
        missing=difference.missing,
        extra=difference.extra,
        different=difference.different,
        sections=tuple(_section(name, files) for name in place.sections),
    )
    return seen, found


def _bundle(source: Iterable[bytes]) -> tuple[str, dict[str, tuple[str, int]], control_plane.Manifest | None]:
    """Return the first problem, every file below the root with digest and size, and the manifest."""
    kept: dict[str, bytes] = {}
    files: dict[str, tuple[str, int]] = {}
    problem = ""
    seen: set[str] = set()
    manifest_path = control_plane.ROOT + control_plane.MANIFEST

    def keep(path: str, content: Iterator[bytes]) -> None:
        if path == manifest_path:
            kept[path] = b"".join(content)

    try:
        for member in archive.read(archive.gzip(source), limits=archive.SMALL, sink=keep):
            found = archive.problem_of(member, seen, portable=True)
            if not found and not member.path.startswith(control_plane.ROOT):
                found = f"member outside {control_plane.ROOT}"
            if found:
                problem = problem or f"{found}: {member.path}"
            elif member.kind == "file":
                files[member.path.removeprefix(control_plane.ROOT)] = (member.sha256, member.size)
        if manifest_path not in kept:
            return problem or "the bundle has no manifest", files, None
        return problem, files, control_plane.parse_manifest(kept[manifest_path])
    except FormatError as exc:
        return problem or f"{exc.code}: {exc}", files, None


def _section(name: str, files: dict[str, tuple[str, int]]) -> SectionSeen:
    rows = {path: size for path, (_, size) in files.items() if path.startswith(f"{name}/")}
    return SectionSeen(
        name=name,
        files=len(rows),
        size=sum(rows.values()),
        records=sum(path.rpartition("/")[2] != "registry.json" for path in rows),
    )
