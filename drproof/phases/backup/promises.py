"""What the metadata promises about single files, beside what the archives hold: member manifests and the canary."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from drproof.formats import archive, member_manifest, s3_uri
from drproof.formats.backup_metadata import BackupMetadata, ManifestPromise
from drproof.formats.control_plane import compare_both_ways
from drproof.formats.member_manifest import ListedMember
from drproof.model.errors import AlreadyExistsError, FormatError, NotFoundError, TargetError
from drproof.phases.backup.beside import CanarySeen, MembersSeen
from drproof.phases.backup.pinned import Pinned

EXAMPLES = 5
TOO_LARGE = "EntityTooLarge"
Listings = Mapping[str, Sequence[archive.Member]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Promises:
    """What came of the promises, and the files that each manifest lists."""

    members: tuple[MembersSeen, ...]
    canary: CanarySeen | None
    listed: Mapping[str, tuple[ListedMember, ...]]


class Inside:
    """Keeps the member manifests that come by while archives are read."""

    def __init__(self, archives: Iterable[str]) -> None:
        """Look for manifests in these archives."""
        self._archives = frozenset(archives)
        self.found: dict[str, bytes] = {}

    def sink(self, name: str) -> archive.Sink | None:
        """Return what an archive's files are shown to; None where nothing is looked for."""
        if name not in self._archives:
            return None

        def keep(path: str, content: Iterator[bytes]) -> None:
            if path == member_manifest.NAME and name not in self.found:
                self.found[name] = _at_most(content, member_manifest.LIMIT)

        return keep


def inside(metadata: BackupMetadata | None) -> Inside:
    """Return what looks for the manifests that lie inside their archives."""
    promised = metadata.member_manifests if metadata else {}
    return Inside(name for name, one in promised.items() if not one.path)


def compare(
    objects: Pinned, uri: s3_uri.S3Uri, metadata: BackupMetadata | None, listings: Listings, found: Mapping[str, bytes]
) -> Promises:
    """Compare every promise with what the archives hold; `found` are the manifests that lay inside of them."""
    promised = metadata.member_manifests if metadata else {}
    seen, listed = [], {}
    for name, promise in promised.items():
        one, rows = _members(objects, uri, name, promise, listings.get(name, ()), found.get(name))
        seen.append(one)
        listed[name] = rows
    return Promises(members=tuple(seen), canary=_canary(metadata, listings), listed=listed)


def _members(  # noqa: PLR0913 — where the manifest is, and both sides of a comparison
    objects: Pinned,
    uri: s3_uri.S3Uri,
    name: str,
    promise: ManifestPromise,
    held: Sequence[archive.Member],
    found: bytes | None,
) -> tuple[MembersSeen, tuple[ListedMember, ...]]:
    place = f"s3://{uri.bucket}/{uri.join(promise.path or name)}"

    def failed(problem: str, sha256: str = "") -> tuple[MembersSeen, tuple[ListedMember, ...]]:
        seen = MembersSeen(
            archive=name,
            inside=not promise.path,
            uri=place,
            promised_sha256=promise.sha256,
            sha256=sha256,
            problem=problem,
        )
        return seen, ()

    if promise.path:
        try:
            _, found = objects.read(uri.bucket, uri.join(promise.path), limit=member_manifest.LIMIT)
        except NotFoundError:
            return failed("the member manifest is not there")
        except AlreadyExistsError:
            return failed("the member manifest was replaced while it was read")
        except TargetError as exc:
            if exc.code != TOO_LARGE:
                raise
            return failed(f"the member manifest is larger than {member_manifest.LIMIT} bytes")
    if found is None:
        return failed(f"the archive has no member {member_manifest.NAME}")
    sha256 = hashlib.sha256(found).hexdigest()
    try:
        manifest = member_manifest.parse(found)
    except FormatError as exc:
        return failed(exc.code, sha256)
    if manifest.archive != name:
        return failed("the member manifest is that of another archive", sha256)
    own = "" if promise.path else member_manifest.NAME
    difference = compare_both_ways(
        {row.path: f"{row.size} {row.sha256}" for row in manifest.members},
        {row.path: f"{row.size} {row.sha256}" for row in held if row.kind == "file" and row.path != own},
    )
    examples = (*difference.missing, *difference.extra, *difference.different)
    seen = MembersSeen(
        archive=name,
        inside=not promise.path,
        uri=place,
        promised_sha256=promise.sha256,
        sha256=sha256,
        listed=len(manifest.members),
        missing=len(difference.missing),
        extra=len(difference.extra),
        different=len(difference.different),
        examples=examples[:EXAMPLES],
    )
    return seen, manifest.members


def _canary(metadata: BackupMetadata | None, listings: Listings) -> CanarySeen | None:
    if metadata is None or metadata.canary is None:
        return None
    canary = metadata.canary
    name, _, path = canary.path.partition("/")
    member = next((row for row in listings.get(name, ()) if row.path.removeprefix("./") == path), None)
    return CanarySeen(
        path=canary.path,
        promised_sha256=canary.sha256,
        sha256=member.sha256 if member else "",
        written_at=canary.written_at,
    )


def _at_most(content: Iterator[bytes], limit: int) -> bytes:
    """Return content whole, or its beginning: what is cut has another digest than was promised."""
    kept, size = [], 0
    for part in content:
        kept.append(part[: limit - size])
        size += len(part)
        if size >= limit:
            break
    return b"".join(kept)
