"""Archives that were made to do harm, each named after its defect, with the verdict that every Python must give.

A case is a row: what the tar's bytes are, and what the reader says of them; each row is tried plain, in zstd and in
gzip. Rows that are about the compression have a table of their own.
"""

import gzip
import struct
import tarfile
import zlib
from collections.abc import Callable, Iterable, Iterator

import zstandard

from tests.formats.archives import END, compressed, entry, gzipped, padded, tar

SOUND, HEADER, TRUNCATED, LIMIT, COMPRESSION = (
    "sound",
    "archive-header",
    "archive-truncated",
    "archive-limit",
    "archive-compression",
)
TWICE, ABSOLUTE, LEAVES, UNPLAIN, DEEP = (
    "path comes twice",
    "absolute path",
    "path leaves the archive",
    "path is not plain",
    "path is too deep, or a name of it too long",
)
RESERVED = "name is reserved on some systems"


def member(
    name: bytes = b"f",
    content: bytes = b"x",
    *,
    kind: bytes = b"0",
    size: bytes | None = None,
    link: bytes = b"",
    magic: bytes = b"ustar\x0000",
    prefix: bytes = b"",
    mode: bytes = b"0000644\0",
    checksum: int = 0,
) -> bytes:
    """Return one member with any bytes in its fields; `checksum` is added to the one that would hold."""
    block = bytearray(512)
    fields = {0: name, 100: mode, 124: size if size is not None else b"%011o\0" % len(content), 157: link, 345: prefix}
    for place, value in {**fields, 156: kind, 257: magic, 148: b" " * 8}.items():
        block[place : place + len(value)] = value
    block[148:156] = b"%06o\0 " % (sum(block) + checksum)
    return bytes(block) + padded(content)


def record(key: bytes, value: bytes) -> bytes:
    """Return a PAX record with its length."""
    rest = b" " + key + b"=" + value + b"\n"
    length = len(rest) + 1
    while len(b"%d" % length) + len(rest) != length:
        length = len(b"%d" % length) + len(rest)
    return b"%d" % length + rest


def pax(*records: bytes, kind: bytes = b"x") -> bytes:
    """Return an extended header."""
    return member(b"PaxHeader", b"".join(records), kind=kind)


def long_name(name: bytes, kind: bytes = b"L") -> bytes:
    """Return GNU's header of a long name."""
    return member(b"././@LongLink", name + b"\0", kind=kind, magic=b"ustar  \0")


def links(*rows: tuple[str, bytes, str]) -> bytes:
    """Return a tar of entries without content, then a file that would be written through them."""
    return tar({}, entries=[entry(*row) for row in rows])


def base256(number: int) -> bytes:
    """Return a number as GNU writes what does not fit."""
    return (number & ((1 << 96) - 1) | (0x80 << 88)).to_bytes(12, "big")


GOOD = member(b"a/one", b"1" * 700) + member(b"two", b"")
LONG = "/".join(["d" * 247] * 16)


def _ladder() -> bytes:
    """CVE-2025-4517: a path longer than `realpath` resolves, built of links, and a file behind it."""
    rows = [(f"{'d' * 200}{n}", tarfile.SYMTYPE, "d" * 200) for n in range(16)]
    return links(
        *rows, (LONG[:800], tarfile.SYMTYPE, "../" * 16), ("flag", tarfile.LNKTYPE, f"{LONG[:800]}/../../etc/passwd")
    )


TARS: dict[str, tuple[Callable[[], bytes], str]] = {
    "sound": (lambda: GOOD + END, SOUND),
    "empty-archive-of-two-blocks": (lambda: END, SOUND),
    "cve-2007-4559-parent-path": (lambda: member(b"../../etc/passwd") + END, LEAVES),
    "cve-2007-4559-absolute-path": (lambda: member(b"/etc/passwd") + END, ABSOLUTE),
    "cve-2007-4559-parent-in-the-middle": (lambda: member(b"a/../../b") + END, LEAVES),
    "cve-2007-4559-parent-by-prefix": (lambda: member(b"passwd", prefix=b"../etc") + END, LEAVES),
    "cve-2007-4559-parent-by-pax": (lambda: pax(record(b"path", b"../x")) + member() + END, LEAVES),
    "cve-2007-4559-parent-by-long-name": (lambda: long_name(b"../x") + member() + END, LEAVES),
    "cve-2024-12718-mode-of-the-destination": (lambda: member(b"..", b"", kind=b"5", mode=b"0000777\0") + END, LEAVES),
    "cve-2024-12718-directory-is-the-root": (lambda: member(b"/", b"", kind=b"5") + END, UNPLAIN),
    "cve-2025-4138-link-leaves-the-archive": (
        lambda: links(("l", tarfile.SYMTYPE, "../../etc")) + END,
        "member is a symlink",
    ),
    "cve-2025-4330-link-to-a-link": (
        lambda: links(("a", tarfile.SYMTYPE, "."), ("a/b", tarfile.SYMTYPE, "../..")),
        "member is a symlink",
    ),
    "cve-2025-4435-rejected-member-in-disguise": (
        lambda: member(b"/x", b"", kind=b"5") + member(b"ok") + END,
        ABSOLUTE,
    ),
    "cve-2025-4517-ladder-of-links": (_ladder, "member is a symlink"),
    "cve-2025-8194-negative-size-in-base-256": (lambda: member(size=b"\xff" * 11 + b"\x00") + END, HEADER),
    "cve-2025-8194-negative-size-by-pax": (lambda: pax(record(b"size", b"-512")) + member() + END, HEADER),
    "cve-2025-8194-negative-octal": (lambda: member(size=b"-0000001000\0") + END, HEADER),
    "cve-2025-62518-size-by-pax-differs": (
        lambda: pax(record(b"size", b"0")) + member(content=b"x" * 512) + END,
        HEADER,
    ),
    "size-by-pax-hides-a-member": (
        lambda: pax(record(b"size", b"512")) + member(size=b"0" * 11 + b"\0", content=member(b"hidden", b"")) + END,
        HEADER,
    ),
    "duplicate-file": (lambda: member() + member(content=b"y") + END, TWICE),
    "duplicate-by-dot-slash": (lambda: member(b"a/f") + member(b"./a/f") + END, TWICE),
    "duplicate-by-inner-dot": (lambda: member(b"a/f") + member(b"a/./f") + END, TWICE),
    "duplicate-by-case": (lambda: member(b"a/File") + member(b"a/fiLE") + END, TWICE),
    "duplicate-by-case-sharp-s": (lambda: member("straße".encode()) + member(b"STRASSE") + END, TWICE),
    "duplicate-by-composition": (lambda: member("é".encode()) + member("e\u0301".encode()) + END, TWICE),
    "duplicate-file-and-directory": (lambda: member(b"a/", b"", kind=b"5") + member(b"a") + END, TWICE),
    "duplicate-of-a-long-path": (lambda: (long_name(b"n/" * 40 + b"f") + member()) * 2 + END, TWICE),
    "letters-that-a-later-unicode-paired": (
        lambda: member("\ua7cb".encode()) + member("\u0264".encode()) + END,
        SOUND,
    ),
    "path-with-backslash": (lambda: member(b"a\\..\\b") + END, UNPLAIN),
    "path-with-newline": (lambda: member(b"a\nb") + END, UNPLAIN),
    "path-with-escape": (lambda: member(b"a\x1b[2Jb") + END, UNPLAIN),
    "path-with-delete": (lambda: member(b"a\x7f") + END, UNPLAIN),
    "path-with-c1-control": (lambda: member("a\x9b".encode()) + END, UNPLAIN),
    "path-that-turns-direction": (lambda: member("a\u202egpj.exe".encode()) + END, UNPLAIN),
    "path-with-nul-by-pax": (lambda: pax(record(b"path", b"a\0b")) + member() + END, UNPLAIN),
    "path-with-empty-part": (lambda: member(b"a//b") + END, UNPLAIN),
    "path-of-a-file-ends-in-slash": (lambda: member(b"a/") + END, UNPLAIN),
    "path-is-only-a-dot": (lambda: member(b".") + END, UNPLAIN),
    "path-not-utf8": (lambda: member(b"\xff\xfe") + END, HEADER),
    "path-is-a-surrogate": (lambda: member(b"\xed\xa0\x80") + END, HEADER),
    "path-empty": (lambda: member(b"") + END, HEADER),
    "reserved-con": (lambda: member(b"a/CON") + END, RESERVED),
    "reserved-nul-with-suffix": (lambda: member(b"nul.txt") + END, RESERVED),
    "reserved-com-with-superscript": (lambda: member("COM¹".encode()) + END, RESERVED),
    "reserved-trailing-dot": (lambda: member(b"a./b") + END, RESERVED),
    "reserved-trailing-space": (lambda: member(b"a ") + END, RESERVED),
    "reserved-stream": (lambda: member(b"a:stream") + END, RESERVED),
    "path-too-deep": (lambda: long_name(b"d/" * 100 + b"f") + member() + END, DEEP),
    "path-part-too-long": (lambda: long_name(b"n" * 256) + member() + END, DEEP),
    "path-beyond-the-limit": (lambda: long_name(b"n/" * 4_000) + member() + END, LIMIT),
    "long-name-without-member": (lambda: long_name(b"a") + END, HEADER),
    "long-name-twice": (lambda: long_name(b"a") + long_name(b"b") + member() + END, HEADER),
    "long-name-and-pax-path": (lambda: long_name(b"a") + pax(record(b"path", b"b")) + member() + END, HEADER),
    "long-name-empty": (lambda: long_name(b"") + member() + END, HEADER),
    "long-name-with-nul": (lambda: long_name(b"a\0../../b") + member() + END, HEADER),
    "long-name-claims-a-gibibyte": (lambda: member(b"L", b"", kind=b"L", size=b"10000000000\0") + END, LIMIT),
    "long-link-twice": (lambda: long_name(b"a", b"K") * 2 + member() + END, HEADER),
    "kind-hard-link": (lambda: links(("l", tarfile.LNKTYPE, "/etc/shadow")), "member is a link"),
    "kind-character-device": (lambda: links(("n", tarfile.CHRTYPE, "")), "member is a device"),
    "kind-block-device": (lambda: links(("n", tarfile.BLKTYPE, "")), "member is a device"),
    "kind-fifo": (lambda: links(("p", tarfile.FIFOTYPE, "")), "member is a fifo"),
    "kind-contiguous": (lambda: member(kind=b"7") + END, "member is a unknown"),
    "kind-multi-volume": (lambda: member(kind=b"M") + END, "member is a unknown"),
    "kind-set-uid": (lambda: member(mode=b"0004755\0") + END, "member is a set-id file"),
    "kind-set-gid": (lambda: member(mode=b"0002755\0") + END, "member is a set-id file"),
    "sparse-of-gnu": (lambda: member(kind=b"S", magic=b"ustar  \0") + END, "member is a sparse file"),
    "sparse-of-gnu-goes-on": (
        lambda: member(kind=b"S", magic=b"ustar  \0") + b"\1" * 512 + END,
        HEADER,
    ),
    "sparse-by-pax": (
        lambda: pax(record(b"GNU.sparse.major", b"1"), record(b"GNU.sparse.name", b"/x")) + member() + END,
        "member is a sparse file",
    ),
    "directory-with-content": (lambda: member(b"d", member(b"hidden"), kind=b"5") + END, HEADER),
    "link-with-content": (lambda: member(b"l", member(b"hidden"), kind=b"1", link=b"x") + END, HEADER),
    "prefix-that-only-some-read": (lambda: member(b"f", magic=b"", prefix=b"etc") + END, HEADER),
    "prefix-in-a-gnu-header": (lambda: member(b"f", magic=b"ustar  \0", prefix=b"etc") + END, HEADER),
    "size-declared-beyond-the-data": (lambda: member(size=b"00000100000\0") + END, TRUNCATED),
    "size-of-eight-gibibytes-in-octal": (lambda: member(size=b"77777777777\0") + END, LIMIT),
    "size-in-base-256-overflows": (lambda: member(size=base256((1 << 87) - 1)) + END, LIMIT),
    "size-in-base-256-of-2-to-the-64": (lambda: member(size=base256(1 << 64)) + END, LIMIT),
    "size-octal-with-junk": (lambda: member(size=b"0000001x000\0") + END, HEADER),
    "size-behind-a-nul": (lambda: member(size=b"\0" * 4 + b"0000001\0") + END, HEADER),
    "size-with-blank-inside": (lambda: member(size=b"0000 000001\0") + END, HEADER),
    "size-by-pax-overflows": (lambda: pax(record(b"size", b"9" * 18)) + member(content=b"") + END, LIMIT),
    "size-by-pax-too-long": (lambda: pax(record(b"size", b"9" * 5_000)) + member() + END, HEADER),
    "size-by-pax-in-other-digits": (lambda: pax(record(b"size", "\u0661".encode())) + member() + END, HEADER),
    "size-by-pax-twice": (lambda: pax(record(b"size", b"1"), record(b"size", b"1")) + member() + END, HEADER),
    "size-by-pax-for-all": (lambda: pax(record(b"size", b"0"), kind=b"g") + member() + END, HEADER),
    "pax-path-twice": (lambda: pax(record(b"path", b"a"), record(b"path", b"b")) + member() + END, HEADER),
    "pax-header-twice": (lambda: pax(record(b"path", b"a")) + pax(record(b"size", b"1")) + member() + END, HEADER),
    "pax-before-nothing": (lambda: pax(record(b"path", b"a")) + END, HEADER),
    "pax-length-too-small": (lambda: pax(b"3 path=a\n") + member() + END, HEADER),
    "pax-length-too-large": (lambda: pax(b"999 path=a\n") + member() + END, HEADER),
    "pax-length-negative": (lambda: pax(b"-9 path=a\n") + member() + END, HEADER),
    "pax-length-zero": (lambda: pax(b"0 path=a\n") + member() + END, HEADER),
    "pax-length-of-a-thousand-digits": (lambda: pax(b"9" * 1_000 + b" path=a\n") + member() + END, HEADER),
    "pax-without-equals": (lambda: pax(b"7 path\n") + member() + END, HEADER),
    "pax-not-utf8": (lambda: pax(record(b"path", b"\xff")) + member() + END, HEADER),
    "pax-of-a-mebibyte-of-tiny-records": (lambda: pax(b"4 =\n" * (1 << 18)) + member() + END, LIMIT),
    "pax-of-64-kibibytes-of-tiny-records": (lambda: pax(b"4 =\n" * (1 << 14)) + member() + END, SOUND),
    "pax-claims-a-gibibyte": (lambda: member(b"x", b"", kind=b"x", size=b"10000000000\0") + END, LIMIT),
    "pax-for-all-ten-thousand-times": (lambda: pax(record(b"comment", b"c"), kind=b"g") * 10_001 + END, LIMIT),
    "checksum-wrong": (lambda: member(checksum=1) + END, HEADER),
    "checksum-empty": (lambda: bytearray_with(member(), 148, b" " * 8) + END, HEADER),
    "header-of-noise": (lambda: b"\xa5" * 512 + END, HEADER),
    "trailing-member-after-the-end": (lambda: GOOD + END + member(b"hidden") + END, HEADER),
    "trailing-byte-after-the-end": (lambda: GOOD + END + b"x", HEADER),
    "trailing-byte-after-much-padding": (lambda: GOOD + END + b"\0" * 100_000 + b"x", HEADER),
    "concatenated-archives": (lambda: (GOOD + END) * 2, HEADER),
    "trailing-padding-only": (lambda: GOOD + END + b"\0" * 9_216, SOUND),
    "end-has-one-block": (lambda: GOOD + END[:512], TRUNCATED),
    "end-is-missing": (lambda: GOOD, TRUNCATED),
    "end-in-the-middle": (lambda: member() + b"\0" * 512 + member(b"g") + END, HEADER),
    "torn-inside-a-header": (lambda: GOOD[:100], TRUNCATED),
    "torn-after-a-header": (lambda: GOOD[:512], TRUNCATED),
    "torn-inside-content": (lambda: GOOD[:900], TRUNCATED),
    "torn-inside-padding": (lambda: GOOD[:1_300], TRUNCATED),
    "torn-between-members": (lambda: GOOD[:1_536], TRUNCATED),
    "members-beyond-the-limit": (lambda: b"".join(member(b"%d" % n, b"") for n in range(10_001)) + END, LIMIT),
    "member-beyond-the-limit": (lambda: member(size=b"%011o\0" % ((16 << 20) + 1)) + END, LIMIT),
    "not-a-tar-but-json": (lambda: b'{"files":[]}' * 100, HEADER),
}


def bytearray_with(data: bytes, place: int, value: bytes) -> bytes:
    """Return data with other bytes at one place."""
    return data[:place] + value + data[place + len(value) :]


def _zeros(packer: Callable[[bytes], bytes], mebibytes: int) -> Iterator[bytes]:
    piece = packer(bytes(1 << 20))
    for _ in range(mebibytes):
        yield piece


def _window(log: int) -> bytes:
    """Return a frame of one empty block that asks for a window."""
    return b"\x28\xb5\x2f\xfd\x00" + bytes([log - 10 << 3]) + b"\1\0\0"


def _skippable(content: bytes) -> bytes:
    return struct.pack("<II", 0x184D2A50, len(content)) + content


def _zstd_bomb() -> Iterator[bytes]:
    """Four gibibytes of zeros in 130 KiB."""
    packer = zstandard.ZstdCompressor(level=1).compressobj()
    yield packer.compress(member(size=b"%011o\0" % (16 << 20), content=b"")) + packer.flush()
    yield from _zeros(zstandard.ZstdCompressor(level=1).compress, 4_096)


def _gzip_bomb() -> Iterator[bytes]:
    """A gibibyte of zeros that comes in members of a mebibyte each."""
    yield gzipped(GOOD + END)
    yield from _zeros(lambda data: gzip.compress(data, 9, mtime=0), 1_024)


Z, G = compressed(GOOD + END), gzipped(GOOD + END)
ZSTDS: dict[str, tuple[Callable[[], Iterable[bytes]], str]] = {
    "total-beyond-the-limit": (lambda: (compressed(member(b"f", bytes(8 << 20))) for _ in range(9)), LIMIT),
    "two-frames-of-one-archive": (lambda: [compressed(GOOD[:512]) + compressed(GOOD[512:] + END)], SOUND),
    "second-archive-in-a-second-frame": (lambda: [Z + compressed(member(b"hidden") + END)], HEADER),
    "same-archive-in-a-second-frame": (lambda: [Z + Z], HEADER),
    "skippable-frame-before": (lambda: [_skippable(b"seen by nobody") + Z], SOUND),
    "skippable-frame-after": (lambda: [Z + _skippable(b"seen by nobody")], SOUND),
    "skippable-frame-alone": (lambda: [_skippable(b"seen by nobody")], TRUNCATED),
    "skippable-frame-torn": (lambda: [Z + _skippable(b"torn")[:-1]], TRUNCATED),
    "skippable-frame-claims-four-gibibytes": (lambda: [struct.pack("<II", 0x184D2A50, 0xFFFFFFFF)], TRUNCATED),
    "dictionary-that-nobody-has": (lambda: [Z[:4] + bytes([Z[4] & ~3 | 1]) + b"\7" + Z[5:]], COMPRESSION),
    "reserved-bit-in-the-frame": (lambda: [Z[:4] + bytes([Z[4] | 8]) + Z[5:]], COMPRESSION),
    "checksum-flipped": (lambda: [Z[:-1] + bytes([Z[-1] ^ 1])], COMPRESSION),
    "checksum-missing": (lambda: [Z[:-4]], TRUNCATED),
    "frame-torn": (lambda: [Z[: len(Z) // 2]], TRUNCATED),
    "frame-torn-in-its-magic": (lambda: [Z[:3]], TRUNCATED),
    "second-frame-torn": (lambda: [Z + Z[:20]], TRUNCATED),
    "trailing-garbage": (lambda: [Z + b"garbage"], COMPRESSION),
    "trailing-zeros": (lambda: [Z + b"\0" * 512], COMPRESSION),
    "window-of-256-mebibytes": (lambda: [_window(28)], COMPRESSION),
    "window-of-two-gibibytes": (lambda: [_window(31)], COMPRESSION),
    "gzip-in-its-place": (lambda: [G], COMPRESSION),
    "nothing": (list, TRUNCATED),
    "bomb-of-four-gibibytes": (_zstd_bomb, LIMIT),
    "bomb-after-a-whole-archive": (
        lambda: [Z, *_zeros(zstandard.ZstdCompressor(level=1).compress, 4_096)],
        LIMIT,
    ),
    "ten-thousand-empty-frames": (lambda: [compressed(b"") * 10_000 + Z], SOUND),
}
GZIPS: dict[str, tuple[Callable[[], Iterable[bytes]], str]] = {
    "total-beyond-the-limit": (lambda: (gzipped(member(b"f", bytes(8 << 20))) for _ in range(9)), LIMIT),
    "two-members-of-one-archive": (lambda: [gzipped(GOOD[:512]) + gzipped(GOOD[512:] + END)], SOUND),
    "second-archive-in-a-second-member": (lambda: [G + gzipped(member(b"hidden") + END)], HEADER),
    "crc-wrong": (lambda: [G[:-8] + bytes([G[-8] ^ 1]) + G[-7:]], COMPRESSION),
    "length-wrong": (lambda: [G[:-4] + bytes([G[-4] ^ 1]) + G[-3:]], COMPRESSION),
    "trailer-missing": (lambda: [G[:-8]], TRUNCATED),
    "trailer-torn": (lambda: [G[:-1]], TRUNCATED),
    "torn-in-its-header": (lambda: [G[:5]], TRUNCATED),
    "torn": (lambda: [G[: len(G) // 2]], TRUNCATED),
    "trailing-zeros": (lambda: [G + b"\0" * 512], COMPRESSION),
    "trailing-garbage": (lambda: [G + b"garbage"], COMPRESSION),
    "second-member-torn": (lambda: [G + G[:20]], HEADER),
    "extra-field": (lambda: [G[:3] + b"\4" + G[4:10] + b"\5\0extra" + G[10:]], SOUND),
    "extra-field-torn": (lambda: [G[:3] + b"\4" + G[4:10] + b"\xff\xffextra"], TRUNCATED),
    "name-that-never-ends": (lambda: [G[:3] + b"\x08" + G[4:10] + b"n" * (4 << 20)], TRUNCATED),
    "header-checksum-wrong": (lambda: [G[:3] + b"\2" + G[4:10] + b"\0\0" + G[10:]], COMPRESSION),
    "reserved-flags": (lambda: [G[:3] + b"\xe0" + G[4:]], COMPRESSION),
    "unknown-method": (lambda: [G[:2] + b"\7" + G[3:]], COMPRESSION),
    "zlib-in-its-place": (lambda: [zlib.compress(GOOD + END)], COMPRESSION),
    "plain-tar-in-its-place": (lambda: [GOOD + END], COMPRESSION),
    "zstd-in-its-place": (lambda: [Z], COMPRESSION),
    "nothing": (list, TRUNCATED),
    "bomb-after-a-whole-archive": (_gzip_bomb, LIMIT),
    "ten-thousand-empty-members": (lambda: [gzipped(b"") * 10_000 + G], SOUND),
}
