"""One restore point, read once from front to back; which one, and at whose site, the caller says."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from drproof.formats import archive, backup_metadata, member_manifest, onprem_backup, s3_uri
from drproof.formats.backup_metadata import Artifact, BackupMetadata
from drproof.formats.hashing import Hashed
from drproof.formats.member_manifest import ListedMember
from drproof.model.capabilities import ObjectStore
from drproof.model.criteria import Backup
from drproof.model.errors import AlreadyExistsError, FormatError, NotFoundError
from drproof.phases.backup import promises, surroundings
from drproof.phases.backup.control_plane import read_control_plane
from drproof.phases.backup.observed import (
    METADATA,
    NOT_THERE,
    ArchiveSeen,
    ControlPlaneSeen,
    ObjectSeen,
    RestorePointObserved,
)
from drproof.phases.backup.pinned import Pinned
from drproof.phases.backup.reading_onprem import read_onprem

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
    promised: Mapping[str, tuple[ListedMember, ...]]
    """By archive, the files that its member manifest lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Looking:
    """One pass over a restore point: every object keeps the version of its first look."""

    objects: Pinned
    sections: tuple[str, ...]
    redact: Callable[[str], str]
    meter: "_Meter"
    expect: Callable[[int], None]


def read_point(
    place: Place,
    wanted: Backup,
    progress: Callable[[int], None] | None = None,
    *,
    expect: Callable[[int], None] | None = None,
) -> Reading:
    """Read every byte of a restore point once, hash it, extract nothing, and look at every object again at the end.

    `progress` is told how many more bytes were read, every few mebibytes and at the end; `expect` is told once how many
    the metadata promises.

    Raises:
        TargetError: the site does not answer, or refuses.
    """
    looking = _Looking(
        objects=Pinned(place.objects),
        sections=place.sections,
        redact=place.redact,
        meter=_Meter(progress),
        expect=expect or (lambda _: None),
    )
    uri = s3_uri.parse(wanted.uri)
    read = _archives if wanted.layout == "archives" else _onprem
    reading = read(looking, uri, wanted)
    looking.meter.tell()
    observed = replace(
        reading.observed,
        published=surroundings.published(place.objects, wanted.published) if wanted.published else None,
        buckets=surroundings.buckets(place.objects, uri.bucket, wanted)
        if (wanted.failure_domain, wanted.protection) != ("none", "none")
        else (),
        # Last: whatever changed in the meantime is seen now.
        looks=looking.objects.looks(),
    )
    return replace(reading, observed=observed)


def _onprem(place: _Looking, uri: s3_uri.S3Uri, wanted: Backup) -> Reading:
    """Read an encrypted backup: it has no archives that can be listed, and no control plane beside it."""
    read = read_onprem(place.objects, uri, place.meter.count, place.expect)
    observed = RestorePointObserved(
        uri=wanted.uri,
        bucket=uri.bucket,
        prefix=uri.key,
        problem=read.problem,
        backup_id=read.encrypted.run_id,
        metadata_uri=read.metadata.backup_uri if read.metadata else "",
        created_at=read.metadata.created_at if read.metadata else "",
        objects=read.objects,
        archives=(),
        control_plane=ControlPlaneSeen(pointer_key="", problem="this layout has none"),
        schema_version=onprem_backup.SCHEMA_VERSION if read.metadata else None,
        encrypted=read.encrypted,
    )
    return Reading(observed=observed, members={}, control_plane={}, promised={})


def _archives(looking: _Looking, uri: s3_uri.S3Uri, wanted: Backup) -> Reading:
    """Read a restore point of archives, and the control plane beside it."""
    metadata, problem = _metadata(looking, uri)
    promised = metadata.artifacts if metadata else {}
    looking.expect(sum(promised[name].size for name in wanted.objects if name in promised))
    manifests = promises.inside(metadata)
    objects, archives, listings = [], [], {}
    for name in wanted.objects:
        one = _Object(
            looking, uri, name, promised.get(name), is_archive=name in wanted.archives, sink=manifests.sink(name)
        )
        objects.append(one.seen)
        if name in wanted.archives:
            archives.append(replace(one.archive, manifest_size=len(manifests.found.get(name, b""))))
            listings[name] = one.members
    kept = promises.compare(looking.objects, uri, metadata, listings, manifests.found)
    control, listed = read_control_plane(
        looking.objects, uri, looking.sections, redact=looking.redact, count=looking.meter.count
    )
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
        schema_version=metadata.schema_version if metadata else None,
        members=kept.members,
        canary=kept.canary,
        unread=tuple(sorted(promised.keys() - {*wanted.objects})),
    )
    return Reading(observed=observed, members=listings, control_plane=listed, promised=kept.listed)


def _metadata(place: _Looking, uri: s3_uri.S3Uri) -> tuple[BackupMetadata | None, str]:
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
            self.count(len(chunk))
            yield chunk

    def count(self, size: int) -> None:
        """Count bytes that were read, and tell when it is worth it."""
        self._done += size
        if self._done - self._told >= STEP:
            self.tell()

    def tell(self) -> None:
        """Tell what is not told yet."""
        if self._tell and self._done != self._told:
            self._tell(self._done - self._told)
            self._told = self._done


class _Object:
    """One object, streamed once: hashed, and listed when it is an archive."""

    def __init__(  # noqa: PLR0913 — all that one object needs
        self,
        place: _Looking,
        uri: s3_uri.S3Uri,
        name: str,
        promised: Artifact | None,
        *,
        is_archive: bool,
        sink: archive.Sink | None,
    ) -> None:
        self.members: Sequence[archive.Member] = ()
        self.archive = ArchiveSeen(name=name, problem=NOT_THERE)
        key = uri.join(name)
        # The metadata cannot promise its own digest.
        size, sha256 = (promised.size, promised.sha256) if promised else (None, "")
        try:
            info, chunks = place.objects.stream(uri.bucket, key)
        except (NotFoundError, AlreadyExistsError) as exc:
            status = "not_found" if isinstance(exc, NotFoundError) else "replaced"
            self.seen = ObjectSeen(name=name, key=key, status=status, promised_size=size, promised_sha256=sha256)
            return
        with closing(Hashed(place.meter.counted(chunks), threads=_threads())) as hashed:
            if is_archive:
                self.members, self.archive = _listed(name, hashed, place.redact, sink)
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


def _listed(
    name: str, chunks: Iterable[bytes], redact: Callable[[str], str], sink: archive.Sink | None
) -> tuple[archive.Listing, ArchiveSeen]:
    """List an archive's members; the first problem is kept, reading goes on where it can."""
    listing, stream, problem = archive.Listing(), archive.zstd(chunks), ""
    try:
        listing.extend(archive.rows(stream, sink=sink, wanted=member_manifest.NAME, threads=_threads()))
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
