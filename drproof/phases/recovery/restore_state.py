"""State is materialised in a prefix that nobody else uses, and read back digest by digest."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from drproof.analysis.ownership import refuse_too_many
from drproof.formats import archive
from drproof.model.capabilities import Intent
from drproof.model.context import Context
from drproof.model.errors import DrproofError, PhaseError
from drproof.model.phase import phase
from drproof.model.receipt import Count, Digest
from drproof.phases.backup.observed import ObjectSeen
from drproof.phases.backup.read_restore_point import read_restore_point
from drproof.phases.recovery import own_objects
from drproof.phases.recovery.place import isolated_prefix

BATCH_FILES = 64
"""Files behind one journalled intent: a line for each would cost more than the files."""

BATCH_BYTES = 32 << 20
WORKERS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """An archive as restore read it, to be compared with the one that was verified."""

    name: str
    version: str
    sha256: str
    files: Count
    size: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """A file as it was read back."""

    path: str
    size: Count
    sha256: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class StateObserved:
    """What was written, and what was there when it was read back."""

    bucket: str
    prefix: str
    origin: str
    sources: tuple[Source, ...]
    files: Count
    size: Count
    read_back: Count
    unexpected: Count
    """Objects under the prefix that restore did not write."""


@phase(
    plans={"recovery"},
    after=["reach_cluster", "read_restore_point"],
    window="restore",
    mutates=True,
    requires=[
        "backup_object_matches_its_metadata",
        "archive_is_sound",
        "metadata_names_this_restore_point",
    ],
    uses={"objects.read", "objects.put"},
    objective_ms=600_000,
    keeps={"read_back": dict[str, tuple[Restored, ...]]},
    command_hint="pytest -m drill --start-at restore --stop-after restore --receipt-dir …",
    input=lambda ctx: {"bucket": ctx.settings.recovery.bucket, "prefix": isolated_prefix(ctx)},
)
def restore_state(ctx: Context) -> StateObserved:
    """The state of the restore point lies in the isolated prefix, byte for byte."""
    point = ctx.observed(read_restore_point)
    verified = {seen.name: seen for seen in point.objects}
    bucket, prefix = ctx.settings.recovery.bucket, isolated_prefix(ctx)
    sources = []
    written: dict[str, str] = {}
    for name in ctx.plan.criteria.backup.archives:
        source, keys = _materialise(ctx, point.bucket, verified[name], f"{prefix}/{name}")
        sources.append(source)
        written |= keys
        ctx.say(f"{name}: {source.files} files, {source.size} bytes")
    read_back = _read_back(ctx, bucket, prefix)
    ctx.evidence("read_back", {source.name: _below(read_back, f"{prefix}/{source.name}/") for source in sources})
    return StateObserved(
        bucket=bucket,
        prefix=prefix,
        origin=ctx.origin,
        sources=tuple(sources),
        files=sum(source.files for source in sources),
        size=sum(source.size for source in sources),
        read_back=len(read_back),
        unexpected=len(read_back.keys() - written.keys()),
    )


@restore_state.repair
def clear_the_prefix(ctx: Context, error: Exception) -> str:
    """Remove what a failed attempt left in the isolated prefix, so that the next one starts from nothing."""
    del error
    place = f"s3://{ctx.settings.recovery.bucket}/{isolated_prefix(ctx)}/"
    keys = own_objects.removable(ctx)
    if not keys:
        return ""
    refuse_too_many("objects", keys, ctx.settings.limits.max_deletions, "limits.max_deletions")
    with ctx.effects.intend("objects.delete", place, {"count": len(keys)}) as pending:
        own_objects.remove(ctx, pending.intent, keys)
    return f"removed {len(keys)} objects of the failed attempt"


@restore_state.looking
def seen_in_the_prefix(ctx: Context) -> StateObserved:
    """Return what lies in the isolated prefix, beside the archives read again; an empty prefix is an error."""
    point = ctx.observed(read_restore_point)
    verified = {seen.name: seen for seen in point.objects}
    bucket, prefix = ctx.settings.recovery.bucket, isolated_prefix(ctx)
    sources, meant = [], set[str]()
    for name in ctx.plan.criteria.backup.archives:
        source, files = _read(ctx, point.bucket, verified[name])
        _refuse_a_change(verified[name], source)
        sources.append(source)
        meant |= {f"{prefix}/{name}/{file.path.removeprefix('./')}" for file in files}
    read_back = _read_back(ctx, bucket, prefix)
    if not meant & read_back.keys():
        msg = f"after the act by hand s3://{bucket}/{prefix}/ holds none of the {len(meant)} files of the restore point"
        raise PhaseError(msg)
    ctx.evidence("read_back", {source.name: _below(read_back, f"{prefix}/{source.name}/") for source in sources})
    return StateObserved(
        bucket=bucket,
        prefix=prefix,
        origin=ctx.origin,
        sources=tuple(sources),
        files=sum(source.files for source in sources),
        size=sum(source.size for source in sources),
        read_back=len(read_back),
        unexpected=len(read_back.keys() - meant),
    )


def _materialise(ctx: Context, bucket: str, seen: ObjectSeen, prefix: str) -> tuple[Source, dict[str, str]]:
    """Stream an archive again, at the version that was verified, and write its files."""
    batch = _Batch(ctx, prefix)
    source, _ = _read(ctx, bucket, seen, sink=batch.add)
    batch.flush()
    _refuse_a_change(seen, source)
    return source, batch.written


def _read(
    ctx: Context, bucket: str, seen: ObjectSeen, *, sink: archive.Sink | None = None
) -> tuple[Source, list[archive.Member]]:
    """Stream an archive at the version that was verified, and return what it was, and its files."""
    info, chunks = ctx.target.primary.objects.stream(bucket, seen.key, version=seen.version)
    digest = hashlib.sha256()

    def hashed() -> Iterator[bytes]:
        for chunk in chunks:
            digest.update(chunk)
            yield chunk

    stream = hashed()
    members = list(archive.read(archive.zstd(stream), sink=sink))
    for _ in stream:
        continue
    files = [member for member in members if member.kind == "file"]
    source = Source(
        name=seen.name,
        version=info.version,
        sha256=digest.hexdigest(),
        files=len(files),
        size=sum(member.size for member in files),
    )
    return source, files


def _refuse_a_change(seen: ObjectSeen, source: Source) -> None:
    if source.sha256 != seen.sha256:
        msg = f"{seen.name} changed between verification and restore: expected {seen.sha256}, got {source.sha256}"
        raise PhaseError(msg)


class _Batch:
    """Files on their way to the store, a few at a time, each batch behind one intent."""

    def __init__(self, ctx: Context, prefix: str) -> None:
        self.written: dict[str, str] = {}
        self._ctx = ctx
        self._prefix = prefix
        self._bucket = ctx.settings.recovery.bucket
        self._held: list[tuple[str, bytes]] = []
        self._size = 0
        self._number = 0
        self._meant = 0

    def add(self, path: str, content: Iterator[bytes]) -> None:
        """Hold one file; write the batch when it is full."""
        if problem := archive.problem_of(archive.Member(path=path, kind="file", size=0), set()):
            msg = f"{problem}: {path} is not materialised"
            raise PhaseError(msg)
        body = b"".join(content)
        self._held.append((f"{self._prefix}/{path.removeprefix('./')}", body))
        self._size += len(body)
        if len(self._held) >= BATCH_FILES or self._size >= BATCH_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write what is held."""
        if not self._held:
            return
        self._number += 1
        # What could not be removed again is not written.
        self._meant += len(self._held)
        most = self._ctx.settings.limits.max_deletions
        if self._meant > most:
            msg = (
                f"the state has more than {most} files, and a teardown may remove no more (limits.max_deletions); "
                f"the rest is not written\n  next: raise limits.max_deletions in drproof.toml"
            )
            raise PhaseError(msg)
        place = f"s3://{self._bucket}/{self._prefix}/#{self._number}"
        with self._ctx.effects.intend(own_objects.WRITING, place, {"keys": [key for key, _ in self._held]}) as pending:
            with ThreadPoolExecutor(WORKERS) as pool:
                list(pool.map(lambda held: self._put(pending.intent, *held), self._held))
            pending.done(count=len(self._held))
        self._held, self._size = [], 0

    def _put(self, intent: Intent, key: str, body: bytes) -> None:
        self._ctx.target.recovery.objects.put(intent, self._bucket, key, body, tags=self._ctx.tags)
        self.written[key] = hashlib.sha256(body).hexdigest()


def _read_back(ctx: Context, bucket: str, prefix: str) -> dict[str, tuple[int, str]]:
    """Return size and SHA-256 of everything under the prefix, from its bytes."""
    store = ctx.target.recovery.objects

    def one(key: str) -> tuple[str, tuple[int, str]]:
        digest, size = hashlib.sha256(), 0
        for chunk in store.stream(bucket, key)[1]:
            digest.update(chunk)
            size += len(chunk)
        return key, (size, digest.hexdigest())

    keys = [info.key for info in store.list(bucket, f"{prefix}/")]
    try:
        with ThreadPoolExecutor(WORKERS) as pool:
            return dict(pool.map(one, keys))
    except DrproofError as exc:
        msg = f"what was restored cannot be read back: {exc}"
        raise PhaseError(msg) from exc


def _below(found: dict[str, tuple[int, str]], prefix: str) -> list[Restored]:
    return [
        Restored(path=key.removeprefix(prefix), size=size, sha256=sha256)
        for key, (size, sha256) in sorted(found.items())
        if key.startswith(prefix)
    ]
