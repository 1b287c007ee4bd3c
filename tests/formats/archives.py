"""Archives as other tools make them, and headers that no tool makes."""

import gzip
import io
import tarfile
from collections.abc import Iterable, Mapping

import zstandard

from drproof.formats import archive


def tar(
    files: Mapping[str, bytes], *, form: int = tarfile.PAX_FORMAT, entries: Iterable[tarfile.TarInfo] = ()
) -> bytes:
    """Return a tar of files, then of entries without content."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as out:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            out.addfile(info, io.BytesIO(data))
        for entry in entries:
            out.addfile(entry)
    return buffer.getvalue()


def entry(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    """Return an entry without content."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def compressed(data: bytes, *, checksum: bool = True) -> bytes:
    """Return one zstd frame."""
    return zstandard.ZstdCompressor(write_checksum=checksum).compress(data)


def gzipped(data: bytes) -> bytes:
    """Return one gzip member."""
    return gzip.compress(data, mtime=0)


def header(name: bytes, size: bytes, kind: bytes = b"0", *, magic: bytes = b"ustar\x0000") -> bytes:
    """Return a header with any bytes in its fields and a checksum that holds."""
    block = bytearray(512)
    block[0 : len(name)] = name
    block[124 : 124 + len(size)] = size
    block[156:157] = kind
    block[257 : 257 + len(magic)] = magic
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def padded(data: bytes) -> bytes:
    """Return content filled up to whole blocks."""
    return data + b"\0" * (-len(data) % 512)


END = b"\0" * 1024


def members(data: bytes, step: int = 1 << 16, limits: archive.Limits = archive.LIMITS) -> list[archive.Member]:
    """Return the members of a plain tar that arrives in chunks of `step` bytes."""
    return list(archive.read(chunks(data, step), limits=limits))


def chunks(data: bytes, step: int) -> Iterable[bytes]:
    """Return data in pieces."""
    return [data[start : start + step] for start in range(0, len(data), step)]
