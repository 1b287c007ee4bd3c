"""A bundle and the pointer to it, written so that nothing is lost, replaced or turned back unseen."""

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from drproof.cli.control_plane.commits import descends
from drproof.formats import control_plane, control_plane_bundle, timestamps
from drproof.formats.control_plane import ControlPlanePointer
from drproof.formats.control_plane_bundle import MOST_BYTES, Content
from drproof.model.capabilities import ObjectStore
from drproof.model.context import Effects
from drproof.model.errors import AlreadyExistsError, FormatError, GuardError, NotFoundError

SMALL = 1 << 20
"""Bytes; no pointer is larger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A bundle that is ready, and where it and the pointer to it belong."""

    content: Content
    manifest: bytes
    bundle: bytes
    bucket: str
    prefix: str
    """The control plane's own."""

    @property
    def sha256(self) -> str:
        """The digest of the bundle."""
        return hashlib.sha256(self.bundle).hexdigest()

    @property
    def key(self) -> str:
        """Where the bundle belongs."""
        return control_plane_bundle.key(self.prefix, self.content.created_at, self.sha256)

    @property
    def pointer(self) -> bytes:
        """What the pointer says."""
        return control_plane_bundle.pointer(
            self.content, bucket=self.bucket, prefix=self.prefix, bundle_sha256=self.sha256
        )

    @property
    def pointer_key(self) -> str:
        """Where the pointer belongs."""
        return f"{self.prefix}/{control_plane.CURRENT}"

    def uri(self, key: str) -> str:
        """Return a place in the bucket."""
        return f"s3://{self.bucket}/{key}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What publishing came to; both are False when all was there already, as it had to be."""

    bundle_made: bool
    pointer_moved: bool


def publish(store: ObjectStore, release: Release, *, repository: Path, rollback: str = "") -> Published:
    """Put the bundle where its digest belongs and let the pointer name it; what is there already is only looked at.

    `rollback` is the reason for which a newer bundle may be left behind.

    Raises:
        GuardError: it would turn the control plane back, other bytes lie there, or somebody else published meanwhile.
        FormatError: the pointer that is there cannot be read.
        TargetError: the store refuses, or does not answer.
    """
    now, etag = _current(store, release)
    wanted = control_plane.parse_pointer(release.pointer)
    if now is not None and now != wanted and not rollback.strip():
        _refuse_to_turn_back(now, wanted, repository)
    with _effects(release) as effects:
        made = _bundle(store, release, effects)
        if now == wanted:
            return Published(bundle_made=made, pointer_moved=False)
        with effects.intend("objects.put", release.uri(release.pointer_key), {"after": etag}) as pending:
            try:
                put = store.put(
                    pending.intent,
                    release.bucket,
                    release.pointer_key,
                    release.pointer,
                    if_absent=not etag,
                    if_match=etag,
                )
            except AlreadyExistsError as exc:
                msg = (
                    f"{release.uri(release.pointer_key)} changed while this was published: somebody else publishes as"
                    " well, and theirs was left\n  next: look at it, then run the same command again"
                )
                raise GuardError(msg) from exc
    _read_back(store, release, release.pointer_key, release.pointer, put.version)
    return Published(bundle_made=made, pointer_moved=True)


def _current(store: ObjectStore, release: Release) -> tuple[ControlPlanePointer | None, str]:
    """Return what the pointer says now, and its ETag; None and "" where there is none yet."""
    try:
        info, data = store.read(release.bucket, release.pointer_key, limit=SMALL)
    except NotFoundError:
        return None, ""
    try:
        return control_plane.parse_pointer(data), info.etag
    except FormatError as exc:
        said = (
            f"{release.uri(release.pointer_key)} is there and cannot be read, so nobody knows what would be replaced: "
            f"{exc}\n  next: look at it, and put it away if it is of no use"
        )
        raise FormatError(exc.code, said) from exc


def _refuse_to_turn_back(now: ControlPlanePointer, wanted: ControlPlanePointer, repository: Path) -> None:
    said = ""
    try:
        if timestamps.parse_compact(now.created_at) > timestamps.parse_compact(wanted.created_at):
            said = f"is of {now.created_at}, which is newer than {wanted.created_at}"
    except FormatError:
        said = f"is of {now.created_at!r}, which is no instant that can be compared with {wanted.created_at}"
    if not said and now.schema_version != wanted.schema_version:
        said = f"is written in version {now.schema_version}, and this would be in version {wanted.schema_version}"
    if not said and descends(repository, now.git_sha, wanted.git_sha):
        said = f"is of commit {now.git_sha}, which comes after {wanted.git_sha}"
    if said:
        msg = (
            f"this would turn the control plane back: what is published now {said}\n"
            '  next: publish what is newer, or say why not: --allow-rollback "<reason>"'
        )
        raise GuardError(msg)


def _bundle(store: ObjectStore, release: Release, effects: Effects) -> bool:
    """Make sure that the bundle lies where it belongs, and return whether it had to be put there."""
    if _there(store, release):
        return False
    with effects.intend("objects.put", release.uri(release.key), {"sha256": release.sha256}) as pending:
        try:
            put = store.put(pending.intent, release.bucket, release.key, release.bundle, if_absent=True)
        except AlreadyExistsError:
            # Somebody else published the same a moment ago: the name is of the bytes, so it is the same.
            if _there(store, release):
                return False
            raise
    _read_back(store, release, release.key, release.bundle, put.version)
    return True


def _there(store: ObjectStore, release: Release) -> bool:
    try:
        store.head(release.bucket, release.key)
    except NotFoundError:
        return False
    _read_back(store, release, release.key, release.bundle, "")
    return True


def _read_back(store: ObjectStore, release: Release, key: str, expected: bytes, version: str) -> None:
    _, data = store.read(release.bucket, key, version=version, limit=MOST_BYTES)
    if data != expected:
        msg = (
            f"{release.uri(key)} holds other bytes than were published: expected SHA-256 "
            f"{hashlib.sha256(expected).hexdigest()}, got {hashlib.sha256(data).hexdigest()}\n"
            "  next: find out who writes there; nothing was written over"
        )
        raise GuardError(msg)


@contextmanager
def _effects(release: Release) -> Iterator[Effects]:
    """Lend what effects are written down with, for as long as this command runs."""
    from drproof.engine.effects import JournalledEffects
    from drproof.evidence.journal import Journal

    with (
        tempfile.TemporaryDirectory(prefix="drproof-publish-") as private,
        Journal(Path(private) / "journal.log") as journal,
    ):
        yield JournalledEffects(journal, drill_id=release.sha256, phase="publish")
