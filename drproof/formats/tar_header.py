"""The header of a tar member, and the headers before it that say what does not fit.

Where two readers would take a header for two different members, it is refused: what the field, the extension and the
kind say must agree.
"""

import functools
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from drproof.model.errors import FormatError

BLOCK = 512
EXTENDED, GLOBAL, LONG_NAME, LONG_LINK = b"x", b"g", b"L", b"K"
EXTENSIONS = frozenset({EXTENDED, GLOBAL, LONG_NAME, LONG_LINK})
KINDS = {
    b"0": "file",
    b"\0": "file",
    b"5": "directory",
    b"1": "link",
    b"2": "symlink",
    b"3": "device",
    b"4": "device",
    b"6": "fifo",
    b"S": "sparse file",
}
WITHOUT_CONTENT = frozenset({"directory", "link", "symlink", "device", "fifo"})
SET_ID = 0o6000
OCTAL = re.compile(rb" *([0-7]*)[ \0]*")
DECIMAL = re.compile(r"[0-9]{1,19}")
FITS = 8**11
"""The first size that has no place in a header's own field."""
MEANT = frozenset({"path", "size"})
SPARSE = "GNU.sparse."


FIELDS = struct.Struct("100s8s16x12s12x8sc100x8s80x155s12x")
"""Name, mode, size, checksum, flag, magic and prefix; what lies between says nothing about the content."""
LONGEST_NAME = 100
"""Bytes of a header's own field; what is longer comes in parts, or before the header."""
ORDINARY = struct.Struct("100s8s16x12s12x8s356x")
"""Of these, what is not the same in nearly all headers: name, mode, size and checksum."""
FLAG_AT, PREFIX_AT = 156, 345
FILE = ord("0")
CHECKSUM_AS_BLANKS = 8 * 32
HALF = BLOCK // 2


class Header(NamedTuple):
    """What one block says."""

    flag: bytes
    size: int
    name: bytes
    prefix: bytes
    has_set_id: bool

    @property
    def kind(self) -> str:
        """The kind of the member by its flag."""
        return KINDS.get(self.flag, "unknown")


def parse(block: bytes) -> Header:
    """Return what a block says whose checksum holds.

    Raises:
        FormatError: `archive-header`.
    """
    name, mode, size, checksum, flag, magic, prefix = FIELDS.unpack(block)
    if _sum(block) != _stated(checksum):
        raise FormatError("archive-header", "the checksum of a member's header does not hold")
    # A sparse member has its map there.
    prefix = prefix.partition(b"\0")[0] if prefix[0] and flag != b"S" else b""
    if prefix and magic[:6] != b"ustar\0":
        raise FormatError("archive-header", "a member has one name for readers of ustar and another for all others")
    return Header(flag, _number(size), name.partition(b"\0")[0], prefix, bool(_number(mode) & SET_ID))


def ordinary_file(block: bytes) -> tuple[str, int] | None:
    """Return path and size where a block is the header of a file as nearly all are, which is cheap to see.

    None says nothing: `parse` reads it, or refuses it.
    """
    if block[FLAG_AT] != FILE or block[PREFIX_AT] or not block.isascii():
        return None
    name, mode, size, checksum = ORDINARY.unpack(block)
    try:
        if _number(mode) & SET_ID or zlib.adler32(block, 0) & 0xFFFF != _stated(checksum):
            return None
        path = name.partition(b"\0")[0].decode("ascii")
        return (path, _number(size)) if path else None
    except FormatError:
        return None


@functools.lru_cache(maxsize=1 << 13)
def _stated(checksum: bytes) -> int:
    """Return the sum of a whole block that has this checksum; itself, it counts as blanks."""
    return _number(checksum) + sum(checksum) - CHECKSUM_AS_BLANKS


def _sum(block: bytes) -> int:
    """Return the sum of all bytes: the low half of an Adler checksum, which is exact below 65,521."""
    if block.isascii():
        return zlib.adler32(block, 0) & 0xFFFF
    return (zlib.adler32(block[:HALF], 0) & 0xFFFF) + (zlib.adler32(block[HALF:], 0) & 0xFFFF)


@dataclass(slots=True)
class Extensions:
    """Names and sizes that do not fit a header and come in a member before it."""

    once: dict[str, str] = field(default_factory=dict)
    always: dict[str, str] = field(default_factory=dict)
    flags: set[bytes] = field(default_factory=set)
    says_nothing: bool = True
    """Whether the next header stands for itself."""

    @property
    def is_pending(self) -> bool:
        """Whether an extension waits for its member."""
        return bool(self.flags)

    def extend(self, flag: bytes, data: bytes) -> None:
        """Take the records of an extension."""
        if flag in self.flags:
            raise FormatError("archive-header", "a member has two extended headers of one kind")
        self.says_nothing = False
        if flag != GLOBAL:
            self.flags.add(flag)
        if flag == LONG_NAME:
            self._say({"path": _long(data)})
        elif flag == EXTENDED:
            self._say(_meant(data))
        elif flag == GLOBAL:
            self.always.update(_meant(data))

    def _say(self, records: dict[str, str]) -> None:
        if self.once.keys() & records.keys():
            raise FormatError("archive-header", "two extended headers name one member")
        self.once.update(records)

    def take(self, header: Header) -> tuple[str, str, int]:
        """Return path, kind and size of the member whose header this is."""
        path, size, kind = "", header.size, header.kind
        if not self.says_nothing:
            records = {**self.always, **self.once}
            self.once.clear()
            self.flags.clear()
            self.says_nothing = not self.always
            size = _size(size, records["size"]) if "size" in records else size
            path = records.get("path", "")
            kind = "sparse file" if kind == "file" and SPARSE in records else kind
        path = path or _short_name(header)
        if not path:
            raise FormatError("archive-header", "a member has no name")
        if size and kind in WITHOUT_CONTENT:
            raise FormatError("archive-header", f"a {kind} claims {size} bytes of content: some readers skip none")
        if kind == "file" and header.has_set_id:
            kind = "set-id file"
        return path, kind, size


def _size(stated: int, text: str) -> int:
    """Return the size of an extension; another one in the header's own field would hide a member from some readers."""
    size = int(text) if DECIMAL.fullmatch(text) else -1
    if size < 0 or (size != stated and size < FITS):
        raise FormatError("archive-header", "a member has two sizes, or none")
    return size


def _short_name(header: Header) -> str:
    """Return the name in a header itself; beside a long name it is cut off, maybe inside a character."""
    return _text(header.prefix + b"/" + header.name if header.prefix else header.name)


def _long(data: bytes) -> str:
    name = data.rstrip(b"\0")
    if not name or b"\0" in name:
        raise FormatError("archive-header", "a long name is empty or ends twice")
    return _text(name)


def _meant(data: bytes) -> dict[str, str]:
    """Return the records that say which bytes a member has and where it belongs; of the others only their form."""
    found: dict[str, str] = {}
    for key, value in _records(data):
        name = SPARSE if key.startswith(SPARSE) else key
        if name in MEANT and name in found:
            raise FormatError("archive-header", f"an extended header has two of {name}")
        if name in MEANT or name == SPARSE:
            found[name] = value
    return found


def _records(data: bytes) -> Iterator[tuple[str, str]]:
    """Yield the records of a PAX header: length, space, key=value, newline."""
    at = 0
    while at < len(data):
        space = data.find(b" ", at, at + 9)
        word = data[at:space] if space > at else b""
        end = at + int(word) if word.isdigit() else 0
        record = data[space + 1 : end]
        if not space < end <= len(data) or not record.endswith(b"\n") or b"=" not in record:
            raise FormatError("archive-header", "an extended header is damaged")
        key, _, value = record[:-1].partition(b"=")
        yield _text(key), _text(value)
        at = end


@functools.lru_cache(maxsize=1 << 13)
def _number(raw: bytes) -> int:
    """Return a number of a header; checksums, modes and small sizes come again and again."""
    if raw[:1] == b"\x80":
        return int.from_bytes(raw[1:], "big")
    digits = OCTAL.fullmatch(raw)
    if not digits:
        raise FormatError("archive-header", "a number in a member's header cannot be read")
    return int(digits[1] or b"0", 8)


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise FormatError("archive-header", f"a name is not UTF-8: {raw[:40]!r}") from exc
