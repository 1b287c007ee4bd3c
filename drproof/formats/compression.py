"""What zstd and gzip streams hold, in flat memory, and never more than a stream of that length may hold."""

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import zstandard

from drproof.formats.zstd_frames import WINDOW, Frames
from drproof.model.errors import FormatError

PIECE = 1 << 18
"""Bytes of content that are made at once."""
GZIP_PIECE = 1_024
"""Compressed bytes of gzip that are taken at once; each may become a thousand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """How much may come out of a stream before it is called a bomb."""

    free_bytes: int = 256 << 20
    times: int = 250


GROWTH = Growth()


class Zstd:
    """What zstd frames hold, as pieces; `seen` says what the frames so far promised."""

    def __init__(self, chunks: Iterable[bytes], *, growth: Growth = GROWTH) -> None:
        self._frames = Frames(chunks)
        self._growth = growth
        self.seen = self._frames.seen

    def __iter__(self) -> Iterator[bytes]:
        """Yield the content, once.

        Raises:
            FormatError: `archive-compression`, `archive-truncated` or `archive-limit`.
        """
        decompressor = zstandard.ZstdDecompressor(max_window_size=WINDOW)
        made = 0
        while self._frames.start():
            # The reader makes no more than it is asked for, whatever a block claims, and takes a torn frame for a
            # whole one: the frames know better. Of the frames it uses `read` alone.
            reader = decompressor.stream_reader(self._frames)  # type: ignore[arg-type]
            while piece := self._read(reader):
                made += len(piece)
                _check_growth(self._growth, self._frames.taken, made, "zstd")
                yield piece
            self._frames.check_end()
        if not self.seen.frames:
            raise FormatError("archive-truncated", "the zstd stream ends before its first frame")

    def _read(self, reader: zstandard.ZstdDecompressionReader) -> bytes:
        try:
            return reader.read(PIECE)
        except zstandard.ZstdError as exc:
            message = f"frame {self.seen.frames} of the zstd stream is damaged: {exc}"
            raise FormatError("archive-compression", message) from exc


def zstd(chunks: Iterable[bytes], *, growth: Growth = GROWTH) -> Zstd:
    """Return what zstd frames hold."""
    return Zstd(chunks, growth=growth)


def gzip(chunks: Iterable[bytes], *, growth: Growth = GROWTH) -> Iterator[bytes]:
    """Yield what gzip members hold, their checksums compared.

    Raises:
        FormatError: `archive-compression`, `archive-truncated` or `archive-limit`.
    """
    current = None
    started = False
    taken = made = 0
    for piece in _pieces(chunks):
        data = piece
        taken += len(piece)
        while data:
            current = current or zlib.decompressobj(wbits=31)
            started = True
            try:
                out = current.decompress(data)
            except zlib.error as exc:
                raise FormatError("archive-compression", f"the gzip stream is damaged: {exc}") from exc
            made += len(out)
            _check_growth(growth, taken, made, "gzip")
            if out:
                yield out
            data = b""
            if current.eof:
                data, current = current.unused_data, None
    if current is not None or not started:
        raise FormatError("archive-truncated", "the gzip stream ends before its end")


def _pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield chunks in pieces that cannot grow beyond memory: a bomb of a mebibyte would become a gigabyte."""
    for chunk in chunks:
        for start in range(0, len(chunk), GZIP_PIECE):
            yield chunk[start : start + GZIP_PIECE]


def _check_growth(growth: Growth, taken: int, made: int, name: str) -> None:
    if made > growth.free_bytes + growth.times * taken:
        raise FormatError("archive-limit", f"{taken} bytes of {name} became {made}: a bomb")
