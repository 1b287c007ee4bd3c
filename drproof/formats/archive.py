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


def rows(tar: Iterable[bytes], *, limits: Limits = LIMITS, sink: Sink | None = None, threads: int = 1) -> Iterator[Row]:
    """Yield the members of a tar stream as plain tuples, for those who read a million.

    With two threads the content of large files is hashed while what comes next is read; not so before a sink.

    Raises:
        FormatError: `archive-truncated`, `archive-header`, `archive-limit`.
    """
    source = _Source(tar)
    extensions = tar_header.Extensions()
    count = total = names = 0
    with closing(Hashing(threads if sink is None else 1)) as hashing:
        while (block := source.exactly(BLOCK)) != EMPTY:
            count += 1
            if count > limits.members:
                raise _beyond(count, "is one too many")
            if extensions.says_nothing and (ordinary := tar_header.ordinary_file(block)):
                path, size = ordinary
                kind = "file"
            elif (header := tar_header.parse(block)).flag in tar_header.EXTENSIONS:
                extensions.extend(header.flag, source.extension(header.size, limits.header_bytes))
                continue
            else:
                path, kind, size = extensions.take(header)
            total += size
            names += len(path)
            if size > limits.member_bytes or total > limits.total_bytes:
                raise _beyond(count, f"ends at {total} bytes")
            if len(path) > limits.path_characters or names > limits.all_paths_characters:
                raise _beyond(count, f"has a path of {len(path)} characters, and all together have {names}")
            if kind != "file":
                source.skip(_padded(size))
                yield path, kind, size, b""
            elif sink is None:
                yield path, kind, size, source.digest(size, hashing)
            else:
                yield path, kind, size, source.shown(size, path, sink)
    if extensions.is_pending:
        raise FormatError("archive-header", "an extended header stands before nothing")
    _check_end(source)


def problem_of(member: Member, seen: set[str], *, portable: bool = False) -> str:
    """Return why a member must not be materialised, or ""; `seen` collects what names the paths so far.

    `portable` also refuses what only some systems can hold: reserved names, and paths that differ by case or by the
    composition of their characters alone.
    """
    return problem_of_name(member.path, member.kind, seen, portable=portable)


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

    def extension(self, size: int, most: int) -> bytes:
        """Return the content of an extended header."""
        if size > most:
            raise FormatError("archive-limit", f"an extended header has {size} bytes, expected at most {most}")
        return self.exactly(_padded(size))[:size]

    def digest(self, size: int, hashing: Hashing) -> bytes:
        """Return the SHA-256 of a member's content, and go to the next header."""
        end = self._at + size
        following = end + -size % BLOCK
        if following <= len(self._chunk):
            content = self._view[self._at : end]
            self._at = following
            return sha256(content).digest()
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


def _beyond(number: int, what: str) -> FormatError:
    return FormatError("archive-limit", f"member {number} {what}: beyond the limits of an archive")


def _check_end(source: _Source) -> None:
    """A tar ends with two empty blocks; what follows them must be empty too."""
    if source.exactly(BLOCK) != EMPTY:
        raise FormatError("archive-header", "an empty block stands between members")
    for part in source.rest():
        if part.count(0) != len(part):
            raise FormatError("archive-header", "something follows the end of the archive")


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK
