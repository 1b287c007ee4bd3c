"""What zstd and gzip streams hold, in flat memory, and never more than a stream of that length may hold."""

import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

import zstandard

from drproof.model.errors import FormatError

PIECE = 1_024
"""Compressed bytes that are taken at once; zstd makes at most 128 KiB of three."""
WINDOW = 1 << 27


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """How much may come out of a stream before it is called a bomb."""

    free_bytes: int = 256 << 20
    times: int = 250


GROWTH = Growth()


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /) -> bytes: ...


def zstd(chunks: Iterable[bytes], *, growth: Growth = GROWTH) -> Iterator[bytes]:
    """Yield what zstd frames hold.

    Raises:
        FormatError: `archive-compression`, `archive-truncated` or `archive-limit`.
    """
    # `stream_reader` would take a truncated frame for a whole one; `decompressobj` has `.eof`.
    new = zstandard.ZstdDecompressor(max_window_size=WINDOW).decompressobj
    return _decompressed(chunks, new, "zstd", growth)


def gzip(chunks: Iterable[bytes], *, growth: Growth = GROWTH) -> Iterator[bytes]:
    """Yield what gzip members hold, their checksums compared.

    Raises:
        FormatError: `archive-compression`, `archive-truncated` or `archive-limit`.
    """
    return _decompressed(chunks, lambda: zlib.decompressobj(wbits=31), "gzip", growth)


def _pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield chunks in pieces that cannot grow beyond memory: a bomb of a mebibyte would become tens of gigabytes."""
    for chunk in chunks:
        for start in range(0, len(chunk), PIECE):
            yield chunk[start : start + PIECE]


def _decompressed(
    chunks: Iterable[bytes], new: Callable[[], _Decompressor], name: str, growth: Growth
) -> Iterator[bytes]:
    current: _Decompressor | None = None
    started = False
    taken = made = 0
    for piece in _pieces(chunks):
        data = piece
        taken += len(piece)
        while data:
            current = current or new()
            started = True
            try:
                out = current.decompress(data)
            except (zstandard.ZstdError, zlib.error) as exc:
                raise FormatError("archive-compression", f"the {name} stream is damaged: {exc}") from exc
            made += len(out)
            if made > growth.free_bytes + growth.times * taken:
                raise FormatError("archive-limit", f"{taken} bytes of {name} became {made}: a bomb")
            if out:
                yield out
            data = b""
            if current.eof:
                data, current = current.unused_data, None
    if current is not None or not started:
        raise FormatError("archive-truncated", f"the {name} stream ends before its end")
