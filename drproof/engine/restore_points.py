"""Making a restore point: packed, promised, uploaded with its metadata last, and read back before it is called made."""

import hashlib
import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from drproof.engine.packing import LEVEL, Packed, pack
from drproof.engine.refusal import refuse
from drproof.formats import backup_metadata, member_manifest, s3_uri
from drproof.formats.backup_metadata import SCHEMA_VERSION, Artifact, BackupMetadata, CanaryPromise, ManifestPromise
from drproof.formats.s3_uri import S3Uri
from drproof.model.capabilities import Intent, ObjectStore
from drproof.model.context import Effects
from drproof.model.criteria import Backup
from drproof.model.errors import EvidenceError, FormatError, TargetError
from drproof.phases.backup.observed import METADATA
from drproof.phases.backup.reading import Place, read_point

Say = Callable[[str], None]


class Uploads(Protocol):
    """What makes objects of files."""

    def create(self, intent: Intent, bucket: str, key: str, path: Path, *, sha256: str) -> str:
        """Make an object that is not there, and return its version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The restore point that is to be made."""

    uri: str
    created_at: str
    """RFC 3339 in UTC."""
    folders: Mapping[str, Path]
    """What goes into each archive, by the archive's name."""
    canary: str = ""
    """`archive/path` of the record that is looked for after a restore; written where the folder has none."""
    level: int = LEVEL


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A restore point as it was packed, and where it went."""

    metadata: BackupMetadata
    archives: tuple[Packed, ...]
    versions: Mapping[str, str] = field(default_factory=dict)
    """Of each object; empty where the bucket keeps none."""


def pack_point(wanted: Wanted, into: Path, *, progress: Callable[[int], None] | None = None) -> Made:
    """Write archives and metadata into a folder; the same files, id and instant give the same bytes.

    Raises:
        Refusal: the URI is none, or a folder cannot be restored from.
        EvidenceError: a file changed while it was packed.
    """
    uri = _uri(wanted.uri)
    for folder in wanted.folders.values():
        if into.resolve().is_relative_to(folder.resolve()):
            raise refuse(
                f"{into} lies in {folder}: what is written there would be packed with it the next time",
                expected="a place outside of every folder that is packed",
                next_step="--into <another folder>",
            )
    archive, _, inside = wanted.canary.partition("/")
    if wanted.canary and archive not in wanted.folders:
        raise refuse(
            f"the canary {wanted.canary} lies in no archive of this restore point",
            expected=" or ".join(f"{name}/…" for name in wanted.folders),
            next_step="--canary <archive>/<path>, or --canary '' for none",
        )
    packed: list[Packed] = []
    for name, folder in wanted.folders.items():
        extra = _canary(wanted, uri, folder, inside) if name == archive else {}
        packed.append(pack(folder, into, name=name, extra=extra, level=wanted.level, progress=progress))
    digests = {f"{one.name}/{member.path}": member.sha256 for one in packed for member in one.members}
    if wanted.canary and wanted.canary not in digests:
        raise refuse(f"{wanted.canary} is a folder", expected="a file", next_step="--canary <archive>/<path of a file>")
    metadata = BackupMetadata(
        backup_id=uri.key.rpartition("/")[2],
        backup_uri=str(uri),
        bucket=uri.bucket,
        prefix=uri.key.partition("/backups/")[0],
        created_at=wanted.created_at,
        artifacts={one.name: Artifact(size=one.size, sha256=one.sha256) for one in packed},
        schema_version=SCHEMA_VERSION,
        member_manifests={one.name: ManifestPromise(sha256=one.manifest_sha256) for one in packed},
        canary=CanaryPromise(path=wanted.canary, sha256=digests[wanted.canary], written_at=wanted.created_at)
        if wanted.canary
        else None,
    )
    (into / METADATA).write_bytes(backup_metadata.write(metadata))
    return Made(metadata=metadata, archives=tuple(packed))


def upload_point(made: Made, folder: Path, *, objects: ObjectStore, uploads: Uploads, effects: Effects) -> Made:
    """Upload what was packed, metadata last: a restore point without metadata is none.

    Raises:
        Refusal: something lies there already.
        TargetError: the store refused; what was uploaded before is named, and is no restore point.
    """
    uri = s3_uri.parse(made.metadata.backup_uri)
    there = next(iter(objects.list(uri.bucket, f"{uri.key}/")), None)
    if there is not None:
        raise refuse(
            f"{made.metadata.backup_uri} is not empty: {there.key} lies there",
            expected="a restore point that nobody made before",
            next_step="leave out --backup-id, or choose another one",
        )
    versions: dict[str, str] = {}
    for name in (*(one.name for one in made.archives), METADATA):
        path, key = folder / name, uri.join(name)
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        try:
            with effects.intend("s3.put", f"s3://{uri.bucket}/{key}", {"sha256": sha256}) as pending:
                versions[name] = uploads.create(pending.intent, uri.bucket, key, path, sha256=sha256)
                pending.done(version=versions[name])
        except TargetError as exc:
            raise _unfinished(exc, made.metadata.backup_uri, tuple(versions)) from exc
    return Made(metadata=made.metadata, archives=made.archives, versions=versions)


def _unfinished(error: TargetError, uri: str, uploaded: tuple[str, ...]) -> TargetError:
    """Return the error with what lies in the store because of it."""
    if not uploaded:
        return error
    left = ", ".join(f"{uri}/{name}" for name in uploaded)
    told = f"{left} {'lies' if len(uploaded) == 1 else 'lie'} there, and without {METADATA} is no restore point"
    next_step = "make it again under another --backup-id, and delete what lies there"
    return TargetError(f"{error}\n{told}\n  next: {next_step}", code=error.code, call=error.call)


def verify_point(made: Made, *, objects: ObjectStore) -> None:
    """Read back every byte of a restore point, and compare it with what was packed.

    Raises:
        EvidenceError: `not-as-packed`: it must not be relied on.
    """
    names = tuple(one.name for one in made.archives)
    wanted = Backup(uri=made.metadata.backup_uri, objects=(METADATA, *names), archives=names)
    reading = read_point(Place(objects=objects, sections=(), redact=str), wanted)
    facts = reading.observed
    problems = [facts.problem] if facts.problem else []
    # Not what the metadata there promises: whoever replaced both would be believed.
    ours = {one.name: (one.size, one.sha256) for one in made.archives}
    ours[METADATA] = _of(backup_metadata.write(made.metadata))
    for seen in facts.objects:
        if seen.status != "ok":
            problems.append(f"{seen.key} is {seen.status}")
        elif (seen.size, seen.sha256) != ours[seen.name]:
            problems.append(f"{seen.key} is not what was uploaded")
    problems += [f"{one.name}: {one.problem}" for one in facts.archives if one.problem]
    for one in made.archives:
        promised = {(member.path, member.size, member.sha256) for member in one.members}
        found = {
            (member.path, member.size, member.sha256)
            for member in reading.members.get(one.name, ())
            if member.kind == "file" and member.path != member_manifest.NAME
        }
        if promised != found:
            problems.append(f"{one.name} holds other files than were packed: {len(promised ^ found)} differ")
    if problems:
        raise EvidenceError("not-as-packed", f"{made.metadata.backup_uri}: {problems[0]}")


def _of(data: bytes) -> tuple[int, str]:
    return len(data), hashlib.sha256(data).hexdigest()


def summary_of(made: Made, *, verified: bool) -> bytes:
    """Return the receipt of a restore point that was made."""
    content: Mapping[str, Any] = {
        "schema_version": 1,
        "backup_uri": made.metadata.backup_uri,
        "created_utc": made.metadata.created_at,
        "artifacts": {one.name: {"bytes": one.size, "sha256": one.sha256} for one in made.archives},
        "members": {one.name: len(one.members) for one in made.archives},
        "canary": made.metadata.canary.path if made.metadata.canary else "",
        "versions": dict(made.versions),
        "uploaded": bool(made.versions),
        "verified_by_reading_back": verified,
    }
    return (json.dumps(content, indent=2, sort_keys=True) + "\n").encode()


def _uri(text: str) -> S3Uri:
    try:
        uri = s3_uri.parse(text)
    except FormatError as exc:
        raise refuse(
            f"{text}: {exc}",
            expected="s3://bucket/prefix/backups/<id>",
            next_step="--to s3://<bucket>/<prefix>/backups/, and where --backup-id is said, an id without / and ..",
        ) from exc
    if "/backups/" not in uri.key:
        # Where the control plane lies is told from what stands before that.
        raise refuse(
            f"{text} does not lie below a prefix named backups",
            expected="s3://bucket/prefix/backups/<id>",
            next_step=f"--to s3://{uri.bucket}/<prefix>/backups/",
        )
    if "" in uri.key.split("/"):
        raise refuse(f"{text} has an empty part", expected="s3://bucket/prefix/backups/<id>", next_step="--to s3://…")
    return uri


def _canary(wanted: Wanted, uri: S3Uri, folder: Path, inside: str) -> dict[str, bytes]:
    """Return the record that is looked for after a restore; nothing where the folder has one of its own."""
    below = inside.partition("/")[2]
    if not below or (folder / below).exists():
        return {}
    record = {"canary_id": hashlib.sha256(str(uri).encode()).hexdigest()[:32], "written_at": wanted.created_at}
    return {inside: (json.dumps(record, indent=2, sort_keys=True) + "\n").encode()}


def scratch() -> "tempfile.TemporaryDirectory[str]":
    """Return a folder that is gone afterwards."""
    return tempfile.TemporaryDirectory(prefix="drproof-backup-")
