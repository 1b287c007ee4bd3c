"""One restore point, read once from front to back; which one, and at whose site, the caller says."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from drproof.formats import archive, backup_metadata, s3_uri
from drproof.formats.backup_metadata import Artifact, BackupMetadata
from drproof.model.capabilities import ObjectStore
from drproof.model.criteria import Backup
from drproof.model.errors import FormatError, NotFoundError
from drproof.phases.backup.control_plane import read_control_plane
from drproof.phases.backup.observed import (
    METADATA,
    NOT_THERE,
    ArchiveSeen,
    ObjectSeen,
    RestorePointObserved,
)


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
    members: Mapping[str, list[archive.Member]]
    control_plane: Mapping[str, str]


def read_point(place: Place, wanted: Backup) -> Reading:
    """Read every byte of a restore point once, hash it, and extract nothing.

    Raises:
        TargetError: the site does not answer, or refuses.
    """
    uri = s3_uri.parse(wanted.uri)
    metadata, problem = _metadata(place, uri)
    promised = metadata.artifacts if metadata else {}
    objects, archives, listings = [], [], {}
    for name in wanted.objects:
        one = _Object(place, uri, name, promised.get(name), is_archive=name in wanted.archives)
        objects.append(one.seen)
        if name in wanted.archives:
            archives.append(one.archive)
            listings[name] = one.members
    control, listed = read_control_plane(place.objects, uri, place.sections, redact=place.redact)
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


class _Object:
    """One object, streamed once: hashed, and listed when it is an archive."""

    def __init__(
        self, place: Place, uri: s3_uri.S3Uri, name: str, promised: Artifact | None, *, is_archive: bool
    ) -> None:
        self._place = place
        self.members: list[archive.Member] = []
        self.archive = ArchiveSeen(name=name, problem=NOT_THERE)
        self._digest = hashlib.sha256()
        self._size = 0
        key = uri.join(name)
        # The metadata cannot promise its own digest.
        size, sha256 = (promised.size, promised.sha256) if promised else (None, "")
        try:
            info, chunks = place.objects.stream(uri.bucket, key)
        except NotFoundError:
            self.seen = ObjectSeen(name=name, key=key, status="not_found", promised_size=size, promised_sha256=sha256)
            return
        counted = self._counted(chunks)
        if is_archive:
            self.archive = self._list(name, counted)
        for _ in counted:
            continue
        self.seen = ObjectSeen(
            name=name,
            key=key,
            status="ok",
            version=info.version,
            size=self._size,
            sha256=self._digest.hexdigest(),
            promised_size=size,
            promised_sha256=sha256,
        )

    def _counted(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            self._digest.update(chunk)
            self._size += len(chunk)
            yield chunk

    def _list(self, name: str, chunks: Iterator[bytes]) -> ArchiveSeen:
        """List an archive's members; the first problem is kept, reading goes on where it can."""
        problem = ""
        seen: set[str] = set()
        try:
            for member in archive.read(archive.zstd(chunks)):
                self.members.append(member)
                if found := archive.problem_of(member, seen):
                    problem = problem or f"{found}: {member.path}"
        except FormatError as exc:
            problem = problem or f"{exc.code}: {exc}"
        return ArchiveSeen(
            name=name,
            members=len(self.members),
            files=sum(member.kind == "file" for member in self.members),
            size=sum(member.size for member in self.members),
            problem=self._place.redact(problem),
        )
