"""Archives: `tar` inside zstd or gzip, read once, front to back, in flat memory; nothing is ever extracted.

Python's own `tarfile` is made to extract, forgives a truncated end, and follows what a header claims. This reader
lists and hashes, knows the member kinds that a restore may hold, and calls everything else by its name.
"""

import hashlib
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

import zstandard

from drproof.model.errors import FormatError

BLOCK = 512
EMPTY = b"\0" * BLOCK
KINDS = {
    b"0": "file",
    b"\0": "file",
    b"5": "directory",
    b"1": "link",
    b"2": "symlink",
    b"3": "device",
    b"4": "device",
    b"6": "fifo",
}
OCTAL = re.compile(rb"[0-7]*")
DECIMAL = re.compile(r"[0-9]{1,19}")
PIECE = 1_024
"""Compressed bytes that are taken at once; zstd makes at most 128 KiB of three."""

EXTENDED, GLOBAL, LONG_NAME, LONG_LINK = b"x", b"g", b"L", b"K"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What an archive may hold before it is called a bomb."""

    members: int = 5_000_000
    member_bytes: int = 64 << 30
    total_bytes: int = 1 << 40
    header_bytes: int = 1 << 20
    path_characters: int = 4_096


LIMITS = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One member of an archive; `sha256` only of files."""

    path: str
    kind: str
    size: int
    sha256: str = ""


Sink = Callable[[str, Iterator[bytes]], None]
"""Called for each regular file with its path and its content; content that is left unread is skipped."""


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /) -> bytes: ...


def zstd(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield what zstd frames hold.

    Raises:
        FormatError: `archive-compression` or `archive-truncated`.
    """
    # `stream_reader` would take a truncated frame for a whole one; `decompressobj` has `.eof`.
    return _decompressed(chunks, lambda: zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj(), "zstd")


def gzip(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield what gzip members hold, their checksums compared.

    Raises:
        FormatError: `archive-compression` or `archive-truncated`.
    """
    return _decompressed(chunks, lambda: zlib.decompressobj(wbits=31), "gzip")


def _pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield chunks in pieces that cannot grow beyond memory: a bomb of a mebibyte would become tens of gigabytes."""
    for chunk in chunks:
        for start in range(0, len(chunk), PIECE):
            yield chunk[start : start + PIECE]


def _decompressed(chunks: Iterable[bytes], new: Callable[[], _Decompressor], name: str) -> Iterator[bytes]:
    current: _Decompressor | None = None
    started = False
    for piece in _pieces(chunks):
        data = piece
        while data:
            current = current or new()
            started = True
            try:
                out = current.decompress(data)
            except (zstandard.ZstdError, zlib.error) as exc:
                raise FormatError("archive-compression", f"the {name} stream is damaged: {exc}") from exc
            if out:
                yield out
            data = b""
            if current.eof:
                data, current = current.unused_data, None
    if current is not None or not started:
        raise FormatError("archive-truncated", f"the {name} stream ends before its end")


def read(tar: Iterable[bytes], *, limits: Limits = LIMITS, sink: Sink | None = None) -> Iterator[Member]:
    """Yield the members of a tar stream, files hashed.

    Raises:
        FormatError: `archive-truncated`, `archive-header`, `archive-limit`.
    """
    source = _Source(tar)
    names = _Names()
    count = total = 0
    while True:
        header = source.exactly(BLOCK)
        if header == EMPTY:
            if names.once:
                raise FormatError("archive-header", "an extended header stands before nothing")
            _check_end(source)
            return
        size, flag = _checked(header)
        count += 1
        if flag in {EXTENDED, GLOBAL, LONG_NAME, LONG_LINK}:
            if size > limits.header_bytes:
                raise FormatError("archive-limit", f"member {count} has a header of {size} bytes")
            names.extend(flag, source.exactly(_padded(size))[:size])
            if count > limits.members:
                raise FormatError("archive-limit", f"member {count} is one too many")
            continue
        path, size = names.take(header, size)
        total += size
        if count > limits.members or size > limits.member_bytes or total > limits.total_bytes:
            raise FormatError("archive-limit", f"member {count} ends at {total} bytes: beyond the limits of an archive")
        if len(path) > limits.path_characters:
            raise FormatError("archive-limit", f"member {count} has a path of {len(path)} characters")
        kind = KINDS.get(flag, "unknown")
        yield _member(source, path, kind, size, sink)


def problem_of(member: Member, seen: set[str]) -> str:
    """Return why a member must not be materialised, or ""; `seen` collects the paths so far."""
    path = member.path.rstrip("/") if member.kind == "directory" else member.path
    parts = path.removeprefix("./").split("/")
    if path.startswith("/"):
        return "absolute path"
    if ".." in parts:
        return "path leaves the archive"
    if "" in parts or any(ord(char) < ord(" ") or char == "\\" for char in path):
        return "path is not plain"
    if member.kind not in {"file", "directory"}:
        return f"member is a {member.kind}"
    plain = "/".join(part for part in parts if part != ".")
    if not plain and member.kind == "file":
        return "path is not plain"
    if plain in seen and member.kind == "file":
        return "path comes twice"
    seen.add(plain)
    return ""


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


@dataclass(slots=True)
class _Names:
    """Names and sizes that do not fit a header and come in a member before it."""

    once: dict[str, str] = field(default_factory=dict)
    always: dict[str, str] = field(default_factory=dict)

    def extend(self, flag: bytes, data: bytes) -> None:
        """Take the records of an extension."""
        if flag == LONG_NAME:
            self.once["path"] = _text(data.rstrip(b"\0"))
        elif flag in {EXTENDED, GLOBAL}:
            (self.once if flag == EXTENDED else self.always).update(_records(data))

    def take(self, header: bytes, size: int) -> tuple[str, int]:
        """Return path and size of the member whose header this is."""
        records = {**self.always, **self.once}
        self.once.clear()
        path = records.get("path") or _short_name(header)
        if "size" in records:
            size = int(records["size"]) if DECIMAL.fullmatch(records["size"]) else -1
        if not path or size < 0:
            raise FormatError("archive-header", "a member has no name or no size")
        return path, size


def _short_name(header: bytes) -> str:
    """Return the name in a header itself; beside a long name it is cut off, maybe inside a character."""
    prefix = header[345:500].partition(b"\0")[0] if header[257:263] == b"ustar\0" else b""
    name = header[:100].partition(b"\0")[0]
    return _text(prefix + b"/" + name if prefix else name)


def _records(data: bytes) -> Iterator[tuple[str, str]]:
    """Yield the records of a PAX header: length, space, key=value, newline."""
    while data:
        word, _, _ = data.partition(b" ")
        length = int(word) if word.isdigit() and len(word) < 9 else 0  # noqa: PLR2004 — a length below a gigabyte
        record = data[len(word) + 1 : length]
        if length <= len(word) + 1 or length > len(data) or not record.endswith(b"\n") or b"=" not in record:
            raise FormatError("archive-header", "an extended header is damaged")
        key, _, value = record[:-1].partition(b"=")
        yield _text(key), _text(value)
        data = data[length:]


def _checked(header: bytes) -> tuple[int, bytes]:
    """Return size and kind of a header whose checksum holds."""
    stated = _number(header[148:156])
    if sum(header[:148]) + 8 * 32 + sum(header[156:]) != stated:
        raise FormatError("archive-header", "the checksum of a member's header does not hold")
    return _number(header[124:136]), header[156:157]


def _number(raw: bytes) -> int:
    if raw[:1] == b"\x80":
        return int.from_bytes(raw[1:], "big")
    digits = raw.strip(b" \0")
    if not OCTAL.fullmatch(digits):
        raise FormatError("archive-header", "a number in a member's header cannot be read")
    return int(digits or b"0", 8)


def _check_end(source: _Source) -> None:
    """A tar ends with two empty blocks; what follows them must be empty too."""
    if source.exactly(BLOCK) != EMPTY:
        raise FormatError("archive-header", "an empty block stands between members")
    for part in source.rest():
        if part.count(0) != len(part):
            raise FormatError("archive-header", "something follows the end of the archive")


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise FormatError("archive-header", f"a name is not UTF-8: {raw[:40]!r}") from exc
