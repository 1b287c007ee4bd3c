"""The archives that readers are measured on: the same bytes in every run, written to a file once."""

import random
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import zstandard

MIB = 1 << 20
PERIOD = 24 * MIB
"""Text comes again only behind the window of an ordinary frame, which therefore does not see it."""


def large(path: Path, mebibytes: int, *, window_log: int = 0) -> None:
    """Write a tar.zst of members of 16 MiB, a quarter of which does not compress; about 0.38 of it is left."""
    generator = random.Random(1)
    text = _text(generator, PERIOD)
    with _Packer(path, window_log) as out:
        for number in range(mebibytes // 16):
            parts = [
                part
                for place in range(16)
                for part in (generator.randbytes(MIB // 4), _cut(text, number * 16 + place, MIB * 3 // 4))
            ]
            out.add(f"state/{number:06}.bin", b"".join(parts))


def small(path: Path, members: int, *, largest: int = 8_000) -> None:
    """Write a tar.zst of documents of up to `largest` bytes, 1,000 in a folder."""
    generator = random.Random(2)
    text = _text(generator, PERIOD)
    with _Packer(path, 0) as out:
        for number in range(members):
            start = generator.randrange(PERIOD - largest)
            out.add(f"state/{number // 1000:04}/{number:08}.json", text[start : start + generator.randrange(largest)])


def _text(generator: random.Random, size: int) -> bytes:
    return b"".join(_lines(generator, size))[:size]


def _lines(generator: random.Random, size: int) -> Iterator[bytes]:
    made = 0
    while made < size:
        number, price = generator.getrandbits(30), generator.getrandbits(20)
        line = b'{"id":%d,"name":"listing %x","state":"active","price":%d,"currency":"EUR"}\n' % (number, price, price)
        made += len(line)
        yield line


def _cut(text: bytes, number: int, size: int) -> bytes:
    start = number * size % (len(text) - size)
    return text[start : start + size]


class _Packer:
    """A tar in one zstd frame with its checksum, as `zstd -3` writes it."""

    def __init__(self, path: Path, window_log: int) -> None:
        parameters = zstandard.ZstdCompressionParameters.from_level(3, write_checksum=True, window_log=window_log)
        self._file = path.open("wb")
        self._stream = zstandard.ZstdCompressor(compression_params=parameters).stream_writer(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._stream.write(b"\0" * 2 * tarfile.BLOCKSIZE)
        self._stream.close()  # type: ignore[no-untyped-call]

    def add(self, name: str, content: bytes) -> None:
        """Add one file."""
        member = tarfile.TarInfo(name)
        member.size = len(content)
        padding = b"\0" * (-len(content) % tarfile.BLOCKSIZE)
        self._stream.write(member.tobuf(tarfile.USTAR_FORMAT) + content + padding)
