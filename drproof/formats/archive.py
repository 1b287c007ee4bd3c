"""Archives: `tar` inside zstd or gzip, read once, front to back, in flat memory; nothing is ever extracted.

Python's own `tarfile` is made to extract, forgives a truncated end, and follows what a header claims. This reader
lists and hashes, knows the member kinds that a restore may hold, and calls everything else by its name.
"""

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from drproof.formats import tar_header
from drproof.formats.compression import gzip, zstd
from drproof.formats.tar_header import BLOCK
from drproof.model.errors import FormatError

__all__ = ["LIMITS", "SMALL", "Limits", "Member", "Sink", "gzip", "problem_of", "read", "zstd"]

EMPTY = b"\0" * BLOCK
DEEPEST = 64
LONGEST_NAME = 255
"""Bytes; no file system holds longer names."""
KEPT = 64
"""Characters of a path that are remembered as they are; of a longer one its digest, so that memory stays flat."""
UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\\\\\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
"""Controls, the other separator, and characters that turn the direction of a text around."""
RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])[ ]*(\..*)?|.*[ .]|.*[<>:\"|?*].*", re.IGNORECASE)
"""Names that are something else, or cannot be, on one of the usual systems."""
UNICODE = unicodedata.ucd_3_2_0
"""The one table of characters that every Python has: what later ones add stands for itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What an archive may hold before it is called a bomb."""

    members: int = 5_000_000
    member_bytes: int = 64 << 30
    total_bytes: int = 1 << 40
    header_bytes: int = 1 << 20
    path_characters: int = 4_096


LIMITS = Limits()
SMALL = Limits(
    members=10_000, member_bytes=16 << 20, total_bytes=64 << 20, header_bytes=64 << 10, path_characters=1_024
)
"""What an archive of settings may hold: files that are read into memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One member of an archive; `sha256` only of files."""

    path: str
    kind: str
    size: int
    sha256: str = ""


Sink = Callable[[str, Iterator[bytes]], None]
"""Called for each regular file with its path and its content; content that is left unread is skipped."""


def read(tar: Iterable[bytes], *, limits: Limits = LIMITS, sink: Sink | None = None) -> Iterator[Member]:
    """Yield the members of a tar stream, files hashed.

    Raises:
        FormatError: `archive-truncated`, `archive-header`, `archive-limit`.
    """
    source = _Source(tar)
    extensions = tar_header.Extensions()
    count = total = 0
    while True:
        block = source.exactly(BLOCK)
        if block == EMPTY:
            if extensions.is_pending:
                raise FormatError("archive-header", "an extended header stands before nothing")
            _check_end(source)
            return
        header = tar_header.parse(block)
        count += 1
        if header.flag in tar_header.EXTENSIONS:
            if header.size > limits.header_bytes:
                raise FormatError("archive-limit", f"member {count} has a header of {header.size} bytes")
            extensions.extend(header.flag, source.exactly(_padded(header.size))[: header.size])
            if count > limits.members:
                raise FormatError("archive-limit", f"member {count} is one too many")
            continue
        path, kind, size = extensions.take(header)
        total += size
        if count > limits.members or size > limits.member_bytes or total > limits.total_bytes:
            raise FormatError("archive-limit", f"member {count} ends at {total} bytes: beyond the limits of an archive")
        if len(path) > limits.path_characters:
            raise FormatError("archive-limit", f"member {count} has a path of {len(path)} characters")
        yield _member(source, path, kind, size, sink)


def problem_of(member: Member, seen: set[str], *, portable: bool = False) -> str:
    """Return why a member must not be materialised, or ""; `seen` collects what names the paths so far.

    `portable` also refuses what only some systems can hold: reserved names, and paths that differ by case or by the
    composition of their characters alone.
    """
    path = member.path.rstrip("/") if member.kind == "directory" else member.path
    parts = path.removeprefix("./").split("/")
    if path.startswith("/"):
        return "absolute path"
    if ".." in parts:
        return "path leaves the archive"
    if "" in parts or UNSEEN.search(path):
        return "path is not plain"
    if len(parts) > DEEPEST or any(len(part.encode("utf-8", "replace")) > LONGEST_NAME for part in parts):
        return "path is too deep, or a name of it too long"
    if member.kind not in {"file", "directory"}:
        return f"member is a {member.kind}"
    names = [part for part in parts if part != "."]
    if not names and member.kind == "file":
        return "path is not plain"
    if portable and any(RESERVED.fullmatch(name) for name in names):
        return "name is reserved on some systems"
    return _twice("/".join(names), member.kind, seen, portable=portable)


def _twice(path: str, kind: str, seen: set[str], *, portable: bool) -> str:
    """Return whether a path was there before; a directory may be listed again."""
    if not path:
        return ""
    name = _remembered(_folded(path) if portable else path)
    if f"f{name}" in seen or (kind == "file" and f"d{name}" in seen):
        return "path comes twice"
    seen.add(f"{kind[0]}{name}")
    return ""


def _folded(path: str) -> str:
    text = UNICODE.normalize("NFD", path)
    folded = "".join(char.casefold() if UNICODE.category(char) != "Cn" else char for char in text)
    return UNICODE.normalize("NFC", folded)


def _remembered(path: str) -> str:
    return path if len(path) <= KEPT else "/" + hashlib.sha256(path.encode("utf-8", "replace")).hexdigest()


def _member(source: "_Source", path: str, kind: str, size: int, sink: Sink | None) -> Member:
    if kind != "file":
        source.skip(_padded(size))
        return Member(path=path, kind=kind, size=size)
    digest = hashlib.sha256()
    content = _hashed(source.parts(size), digest.update)
    if sink is not None:
        sink(path, content)
    for _ in content:
        continue
    source.skip(_padded(size) - size)
    return Member(path=path, kind=kind, size=size, sha256=digest.hexdigest())


def _hashed(parts: Iterator[bytes], update: Callable[[bytes], object]) -> Iterator[bytes]:
    for part in parts:
        update(part)
        yield part


class _Source:
    """Chunks of any size, taken in pieces of the wanted size."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._buffer = b""
        self._at = 0

    def parts(self, size: int) -> Iterator[bytes]:
        """Yield exactly `size` bytes in pieces."""
        left = size
        while left:
            if self._at == len(self._buffer):
                self._buffer, self._at = next(self._chunks, b""), 0
                if not self._buffer:
                    raise FormatError("archive-truncated", f"the archive ends {left} bytes before the end of a member")
            piece = self._buffer[self._at : self._at + left]
            self._at += len(piece)
            left -= len(piece)
            yield piece

    def exactly(self, size: int) -> bytes:
        """Return exactly `size` bytes."""
        return b"".join(self.parts(size))

    def skip(self, size: int) -> None:
        """Read on without keeping anything."""
        for _ in self.parts(size):
            continue

    def rest(self) -> Iterator[bytes]:
        """Yield what is left."""
        yield self._buffer[self._at :]
        yield from self._chunks


def _check_end(source: _Source) -> None:
    """A tar ends with two empty blocks; what follows them must be empty too."""
    if source.exactly(BLOCK) != EMPTY:
        raise FormatError("archive-header", "an empty block stands between members")
    for part in source.rest():
        if part.count(0) != len(part):
            raise FormatError("archive-header", "something follows the end of the archive")


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK
