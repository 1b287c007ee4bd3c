"""Archives: `tar` inside zstd or gzip, read once, front to back, in flat memory; nothing is ever extracted.

Python's own `tarfile` is made to extract, forgives a truncated end, and follows what a header claims. This reader
lists and hashes, knows the member kinds that a restore may hold, and calls everything else by its name.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeAlias

from drproof.formats import tar_header
from drproof.formats.compression import Zstd, gzip, zstd
from drproof.formats.hashing import Hashing
from drproof.formats.listing import Listing, Member
from drproof.formats.member_names import problem_of_name
from drproof.formats.tar_header import BLOCK
from drproof.model.errors import FormatError

__all__ = [
    "LIMITS",
    "SMALL",
    "Limits",
    "Listing",
    "Member",
    "Row",
    "Sink",
    "Zstd",
    "gzip",
    "problem_of",
    "read",
    "rows",
    "zstd",
]

EMPTY = b"\0" * BLOCK


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What an archive may hold before it is called a bomb."""

    members: int = 5_000_000
    member_bytes: int = 64 << 30
    total_bytes: int = 1 << 40
    header_bytes: int = 1 << 20
    path_characters: int = 4_096
    all_paths_characters: int = 1 << 29


LIMITS = Limits()
SMALL = Limits(
    members=10_000, member_bytes=16 << 20, total_bytes=64 << 20, header_bytes=64 << 10, path_characters=1_024
)
"""What an archive of settings may hold: files that are read into memory."""

Row: TypeAlias = tuple[str, str, int, bytes]
"""Path, kind, size and SHA-256 of a member; no digest but for files."""
Sink: TypeAlias = Callable[[str, Iterator[bytes]], None]
"""Called for each regular file with its path and its content; content that is left unread is skipped."""


def read(tar: Iterable[bytes], *, limits: Limits = LIMITS, sink: Sink | None = None) -> Iterator[Member]:
    """Yield the members of a tar stream, files hashed.

    Raises:
        FormatError: `archive-truncated`, `archive-header`, `archive-limit`.
    """
    for path, kind, size, digest in rows(tar, limits=limits, sink=sink):
        yield Member(path=path, kind=kind, size=size, sha256=digest.hex())


def rows(
    tar: Iterable[bytes], *, limits: Limits = LIMITS, sink: Sink | None = None, wanted: str = "", threads: int = 1
) -> Iterator[Row]:
    """Yield the members of a tar stream as plain tuples, for those who read a million.

    With `wanted` the sink is shown the files of that path alone. With two threads the content of large files is hashed
    while what comes next is read; not so where the sink is shown each file.

    Raises:
        FormatError: `archive-truncated`, `archive-header`, `archive-limit`.
    """
    source = _Source(tar)
    extensions = tar_header.Extensions()
    bounds = _Bounds(limits)
    shows_all = sink is not None and not wanted
    with closing(Hashing(1 if shows_all else threads)) as hashing:
        while True:
            if not shows_all and extensions.says_nothing:
                found, content, characters = source.whole_files(wanted)
                if bounds.hold(len(found), content, characters):
                    yield from found
                else:
                    for row in found:
                        bounds.add(row[0], row[2])
                        yield row
            if (block := source.exactly(BLOCK)) == EMPTY:
                break
            header = tar_header.parse(block)
            if header.flag in tar_header.EXTENSIONS:
                bounds.count()
                extensions.extend(header.flag, source.extension(header.size, limits.header_bytes))
                continue
            path, kind, size = extensions.take(header)
            bounds.add(path, size)
            if kind != "file":
                source.skip(_padded(size))
                yield path, kind, size, b""
            elif sink is not None and (shows_all or path == wanted):
                yield path, kind, size, source.shown(size, path, sink)
            else:
                yield path, kind, size, source.digest(size, hashing)
    if extensions.is_pending:
        raise FormatError("archive-header", "an extended header stands before nothing")
    _check_end(source)


def problem_of(member: Member, seen: set[str], *, portable: bool = False) -> str:
    """Return why a member must not be materialised, or ""; `seen` collects what names the paths so far.

    `portable` also refuses what only some systems can hold: reserved names, and paths that differ by case or by the
    composition of their characters alone.
    """
    return problem_of_name(member.path, member.kind, seen, portable=portable)


class _Bounds:
    """How much an archive has held so far, and whether that is too much."""

    __slots__ = ("_limits", "_members", "_names", "_total")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._members = self._total = self._names = 0

    def count(self) -> None:
        """Count a header."""
        self._members += 1
        if self._members > self._limits.members:
            raise self._beyond("is one too many")

    def add(self, path: str, size: int) -> None:
        """Count a member, before its content is read."""
        self.count()
        limits = self._limits
        self._total += size
        self._names += len(path)
        if size > limits.member_bytes or self._total > limits.total_bytes:
            raise self._beyond(f"ends at {self._total} bytes")
        if len(path) > limits.path_characters or self._names > limits.all_paths_characters:
            raise self._beyond(f"has a path of {len(path)} characters, and all together have {self._names}")

    def hold(self, members: int, content: int, characters: int) -> bool:
        """Count so many ordinary files at once; False, and nothing is counted, where one of them may be too much."""
        limits = self._limits
        if (
            self._members + members > limits.members
            or self._total + content > limits.total_bytes
            or self._names + characters > limits.all_paths_characters
            or content > limits.member_bytes
            or limits.path_characters < tar_header.LONGEST_NAME
        ):
            return False
        self._members += members
        self._total += content
        self._names += characters
        return True

    def _beyond(self, what: str) -> FormatError:
        return FormatError("archive-limit", f"member {self._members} {what}: beyond the limits of an archive")


class _Source:
    """Chunks of any size, taken in pieces of the wanted size."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._chunk = b""
        self._view = memoryview(b"")
        self._at = 0

    def exactly(self, size: int) -> bytes:
        """Return exactly `size` bytes."""
        end = self._at + size
        if end <= len(self._chunk):
            piece = self._chunk[self._at : end]
            self._at = end
            return piece
        return b"".join(self._parts(size))

    def whole_files(self, wanted: str) -> tuple[list[Row], int, int]:
        """Take the files that come next and lie whole in what is there; their content and paths have so many bytes.

        It stops before the first member that is any other, which is read with care, and before one that is `wanted`.
        """
        chunk, view, start = self._chunk, self._view, self._at + BLOCK
        ordinary_file, end = tar_header.ordinary_file, len(chunk)
        found: list[Row] = []
        content = characters = 0
        while start <= end and (ordinary := ordinary_file(chunk[start - BLOCK : start])):
            path, size = ordinary
            if path == wanted:
                break
            stop = start + size
            following = stop + -size % BLOCK
            if following > end:
                break
            found.append((path, "file", size, sha256(view[start:stop]).digest()))
            content += size
            characters += len(path)
            start = following + BLOCK
        self._at = start - BLOCK
        return found, content, characters

    def extension(self, size: int, most: int) -> bytes:
        """Return the content of an extended header."""
        if size > most:
            raise FormatError("archive-limit", f"an extended header has {size} bytes, expected at most {most}")
        return self.exactly(_padded(size))[:size]

    def digest(self, size: int, hashing: Hashing) -> bytes:
        """Return the SHA-256 of a member's content, and go to the next header."""
        digest = sha256()
        for part in self._parts(size):
            hashing.update(digest, part)
        self.skip(_padded(size) - size)
        hashing.settle()
        return digest.digest()

    def shown(self, size: int, path: str, sink: Sink) -> bytes:
        """Show a member's content to a sink, and return its SHA-256."""
        digest = sha256()

        def content() -> Iterator[bytes]:
            for part in self._parts(size):
                digest.update(part)
                yield bytes(part)

        hashed = content()
        sink(path, hashed)
        for _ in hashed:
            continue
        self.skip(_padded(size) - size)
        return digest.digest()

    def skip(self, size: int) -> None:
        """Read on without keeping anything."""
        for _ in self._parts(size):
            continue

    def rest(self) -> Iterator[bytes]:
        """Yield what is left."""
        yield self._chunk[self._at :]
        yield from self._chunks

    def _parts(self, size: int) -> Iterator[memoryview]:
        left = size
        while left:
            if self._at == len(self._chunk):
                self._chunk, self._at = next(self._chunks, b""), 0
                self._view = memoryview(self._chunk)
                if not self._chunk:
                    raise FormatError("archive-truncated", f"the archive ends {left} bytes before the end of a member")
            piece = self._view[self._at : self._at + left]
            self._at += len(piece)
            left -= len(piece)
            yield piece


def _check_end(source: _Source) -> None:
    """A tar ends with two empty blocks; what follows them must be empty too."""
    if source.exactly(BLOCK) != EMPTY:
        raise FormatError("archive-header", "an empty block stands between members")
    for part in source.rest():
        if part.count(0) != len(part):
            raise FormatError("archive-header", "something follows the end of the archive")


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK
