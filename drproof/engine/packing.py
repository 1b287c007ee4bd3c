"""A folder as an archive: the same files give the same bytes, and each file is promised as it was read.

`tarfile` writes here; nothing that it could be deceived by comes from outside. What a restore would refuse (links,
devices, names that leave the folder) is refused before anything is written.
"""

import hashlib
import io
import os
import stat
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO, cast

import zstandard

from drproof.engine.refusal import refuse
from drproof.formats import archive, member_manifest
from drproof.formats.member_manifest import ListedMember
from drproof.model.errors import EvidenceError

LEVEL = 3
MTIME = 315_532_800
"""1980-01-01: no clock of the machine is in an archive, and no tool warns of a time before its own."""
CHUNK = 1 << 20
FOLDER_MODE, FILE_MODE, PROGRAM_MODE = 0o755, 0o644, 0o755


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """An archive that was written: its own size and digest, and what it was made from."""

    name: str
    path: Path
    size: int
    sha256: str
    members: tuple[ListedMember, ...]
    manifest_sha256: str


@dataclass(frozen=True, slots=True)
class _Entry:
    """One thing of a folder, as it is named in the archive."""

    name: str
    path: Path
    is_folder: bool


def pack(  # noqa: PLR0913 — a folder, and how it becomes an archive
    folder: Path,
    into: Path,
    *,
    name: str,
    extra: dict[str, bytes] | None = None,
    level: int = LEVEL,
    progress: Callable[[int], None] | None = None,
) -> Packed:
    """Write the archive `name` of a folder into `into`, its member manifest last.

    Members lie below the archive's first name (`state/…` in `state.tar.zst`); `extra` adds files that the folder lacks.
    `progress` is told the bytes of each piece that was read.

    Raises:
        Refusal: the folder is none, is empty, or holds what a restore would refuse.
        EvidenceError: `changed`, when a file is not what it was when it was opened.
    """
    root = name.partition(".")[0]
    added = extra or {}
    entries = list(_entries(folder, root, name))
    if not any(not entry.is_folder for entry in entries) and not added:
        raise refuse(f"{folder} holds no file", expected="a folder with state", next_step="name another folder")
    _refuse_too_many([entry.name for entry in entries if not entry.is_folder], name)
    if twice := added.keys() & {entry.name for entry in entries}:
        msg = f"{name} would have {min(twice)} twice"
        raise ValueError(msg)
    _refuse_names(added, name, {entry.name for entry in entries if not entry.is_folder})
    target, unfinished = into / name, into / f".{name}.part"
    try:
        packed = _write(unfinished, name, [*entries, *_folders_of(added, entries)], added, level, progress)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
    return replace(packed, path=target)


def _write(  # noqa: PLR0913 — what goes into one file
    target: Path,
    name: str,
    entries: list[_Entry],
    added: dict[str, bytes],
    level: int,
    progress: Callable[[int], None] | None,
) -> Packed:
    """Write an archive, and return what it holds."""
    members: list[ListedMember] = []
    digest = hashlib.sha256()
    with target.open("wb") as file:
        hashed = _Hashed(file, digest.update)
        compressor = zstandard.ZstdCompressor(level=level, write_checksum=True)
        with (
            compressor.stream_writer(cast("IO[bytes]", hashed), closefd=False) as stream,
            tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT, bufsize=CHUNK) as tar,
        ):
            tar.copybufsize = CHUNK  # type: ignore[attr-defined] # typeshed does not list it
            for entry in sorted(entries, key=lambda one: one.name):
                if entry.is_folder:
                    tar.addfile(_info(entry.name, tarfile.DIRTYPE, FOLDER_MODE))
                else:
                    members.append(_add(tar, entry, progress))
            for path, data in sorted(added.items()):
                members.append(_add_bytes(tar, path, data))
            manifest = member_manifest.write(name, members)
            _add_bytes(tar, member_manifest.NAME, manifest)
        file.flush()
        os.fsync(file.fileno())
    return Packed(
        name=name,
        path=target,
        size=target.stat().st_size,
        sha256=digest.hexdigest(),
        members=tuple(members),
        manifest_sha256=hashlib.sha256(manifest).hexdigest(),
    )


def _refuse_too_many(files: list[str], name: str) -> None:
    """Refuse before anything is read what has too many files for its manifest."""
    if (most := member_manifest.most_bytes(files)) > member_manifest.LIMIT:
        raise refuse(
            f"{name} would hold {len(files):,} files, and a member manifest of {most:,} bytes",
            expected=f"at most {member_manifest.LIMIT:,} bytes, some 400,000 files",
            next_step="spread the folder over several archives (backup.archives)",
        )


def _refuse_names(added: dict[str, bytes], name: str, files: set[str]) -> None:
    """Refuse added files by the rules for those of the folder, and what would lie below one of its files."""
    for path in added:
        problem = _not_text(path) or archive.problem_of(archive.Member(path=path, kind="file", size=0), set())
        above = next((str(one) for one in PurePosixPath(path).parents if str(one) in files), "")
        problem = problem or (f"{above} is a file" if above else "")
        if problem:
            raise refuse(
                f"{name}/{path} cannot be restored from an archive: {problem}",
                expected="a plain name",
                next_step="choose another path for the canary",
            )


def _entries(folder: Path, root: str, name: str) -> Iterator[_Entry]:
    """Yield everything below a folder by its name in the archive."""
    if not folder.is_dir():
        raise refuse(f"{folder} is no folder", expected=f"what goes into {name}", next_step=f"--archive {name}=FOLDER")
    seen: set[str] = set()
    pending = [(folder, root)]
    while pending:
        place, inside = pending.pop()
        yield _Entry(inside, place, is_folder=True)
        with os.scandir(place) as found:
            for one in found:
                path = f"{inside}/{one.name}"
                is_folder = one.is_dir(follow_symlinks=False)
                kind = "directory" if is_folder else "file" if one.is_file(follow_symlinks=False) else "link or device"
                problem = _not_text(path) or archive.problem_of(archive.Member(path=path, kind=kind, size=0), seen)
                if problem:
                    raise refuse(
                        f"{Path(one.path)!s} cannot be restored from an archive: {problem}",
                        expected="regular files and folders with plain names",
                        next_step="leave it out of the folder, or replace a link by what it points to",
                    )
                if is_folder:
                    pending.append((Path(one.path), path))
                else:
                    yield _Entry(path, Path(one.path), is_folder=False)


def _not_text(path: str) -> str:
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return "its name is not UTF-8"
    return ""


def _folders_of(added: dict[str, bytes], entries: list[_Entry]) -> Iterator[_Entry]:
    """Yield the folders that only added files lie in."""
    known = {entry.name for entry in entries if entry.is_folder}
    for path in added:
        parts = path.split("/")[:-1]
        for end in range(1, len(parts) + 1):
            if (folder := "/".join(parts[:end])) not in known:
                known.add(folder)
                yield _Entry(folder, Path(), is_folder=True)


def _add(tar: tarfile.TarFile, entry: _Entry, progress: Callable[[int], None] | None) -> ListedMember:
    """Add a file as it is read, and promise what was read; one that changes meanwhile is refused."""
    descriptor = os.open(entry.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            raise EvidenceError("changed", f"{entry.path} is no file any more")
        reader = _Read(file, progress)
        mode = PROGRAM_MODE if before.st_mode & 0o111 else FILE_MODE
        try:
            tar.addfile(_info(entry.name, tarfile.REGTYPE, mode, before.st_size), reader)
        except OSError as exc:
            raise EvidenceError("changed", f"{entry.path} could not be read to its end: {exc}") from exc
        after = os.fstat(descriptor)
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or file.read(1):
            msg = f"{entry.path} was written to while it was packed: stop its writer, or pack a copy"
            raise EvidenceError("changed", msg)
    return ListedMember(path=entry.name, size=before.st_size, sha256=reader.digest.hexdigest())


def _add_bytes(tar: tarfile.TarFile, name: str, data: bytes) -> ListedMember:
    tar.addfile(_info(name, tarfile.REGTYPE, FILE_MODE, len(data)), io.BytesIO(data))
    return ListedMember(path=name, size=len(data), sha256=hashlib.sha256(data).hexdigest())


def _info(name: str, kind: bytes, mode: int, size: int = 0) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.size, info.mtime = kind, mode, size, MTIME
    return info


class _Read(io.RawIOBase):
    """A file that is hashed as it is read."""

    def __init__(self, file: BinaryIO | io.FileIO, progress: Callable[[int], None] | None) -> None:
        super().__init__()
        self.digest = hashlib.sha256()
        self._file = file
        self._progress = progress

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes."""
        data = self._file.read(size) or b""
        self.digest.update(data)
        if self._progress is not None and data:
            self._progress(len(data))
        return data


class _Hashed(io.RawIOBase):
    """A file that is hashed as it is written."""

    def __init__(self, file: BinaryIO, update: Callable[[bytes], object]) -> None:
        super().__init__()
        self._file = file
        self._update = update

    def writable(self) -> bool:
        """Say yes: it is written to."""
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override] # bytes are all that the compressor writes
        """Write all of it."""
        self._update(data)
        return self._file.write(data)
