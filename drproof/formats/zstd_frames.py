"""The frames of a zstd stream, walked by their headers alone: nothing is decompressed.

A frame says whether its content carries a checksum, and how much memory a reader needs. What a decoder does not tell is
that a frame has no checksum: a bit that flips inside of it may come out as other content, and as no error.
"""

from collections.abc import Generator
from dataclasses import dataclass

from drproof.model.errors import FormatError

MAGIC = 0xFD2FB528
SKIPPABLE = range(0x184D2A50, 0x184D2A60)
CONTENT_SIZE_BYTES = {0: 0, 1: 2, 2: 4, 3: 8}
DICTIONARY_BYTES = {0: 0, 1: 1, 2: 2, 3: 4}
RLE, RESERVED = 1, 3
CHECKSUM_BYTES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One frame that holds content: where its bytes lie, and what its header says."""

    offset: int
    size: int
    """Bytes of the frame as it is stored, header and checksum included."""
    has_checksum: bool
    window: int
    """Bytes of memory that a reader needs to look back."""
    content_size: int | None
    """Bytes that come out; None when the header does not say."""


class Walker:
    """Takes a stream in chunks of any size; memory does not grow with it."""

    def __init__(self) -> None:
        self._held = b""
        self._at = 0
        self._begin = 0
        """Where in the stream `_held` begins."""
        self._done: list[Frame] = []
        self._inside = False
        self._walk = self._frames()
        next(self._walk)

    def feed(self, chunk: bytes) -> list[Frame]:
        """Return the frames that end in this chunk.

        Raises:
            FormatError: `zstd-frame`: what comes is no frame.
        """
        self._done = []
        if chunk:
            self._walk.send(chunk)
        return self._done

    def end(self) -> None:
        """Say that nothing more comes.

        Raises:
            FormatError: `zstd-frame`: the stream ends inside a frame.
        """
        if self._inside:
            raise FormatError("zstd-frame", f"the stream ends at byte {self._begin + len(self._held)}, inside a frame")

    def _frames(self) -> Generator[None, bytes, None]:
        while True:
            start = self._begin + self._at
            first = yield from self._take(1)
            self._inside = True
            magic = int.from_bytes(first + (yield from self._take(3)), "little")
            if magic in SKIPPABLE:
                yield from self._skip((yield from self._number(4)))
            elif magic == MAGIC:
                yield from self._frame(start)
            else:
                raise FormatError("zstd-frame", f"byte {start} begins no zstd frame")
            self._inside = False

    def _frame(self, start: int) -> Generator[None, bytes, None]:
        descriptor = yield from self._number(1)
        single, has_checksum = bool(descriptor & 0x20), bool(descriptor & 0x04)
        if descriptor & 0x08:
            raise FormatError("zstd-frame", f"the frame at byte {start} has a reserved bit set")
        window = 0 if single else _window((yield from self._number(1)))
        yield from self._skip(DICTIONARY_BYTES[descriptor & 0x03])
        width = CONTENT_SIZE_BYTES[descriptor >> 6] or int(single)
        content = (yield from self._number(width)) + (256 if width == 2 else 0) if width else None  # noqa: PLR2004 — of RFC 8878
        last = False
        while not last:
            block = yield from self._number(3)
            last, kind, size = bool(block & 1), block >> 1 & 3, block >> 3
            if kind == RESERVED:
                raise FormatError("zstd-frame", f"the frame at byte {start} has a block of a reserved kind")
            yield from self._skip(1 if kind == RLE else size)
        yield from self._skip(CHECKSUM_BYTES if has_checksum else 0)
        self._done.append(
            Frame(
                offset=start,
                size=self._begin + self._at - start,
                has_checksum=has_checksum,
                window=content or 0 if single else window,
                content_size=content,
            )
        )

    def _number(self, size: int) -> Generator[None, bytes, int]:
        return int.from_bytes((yield from self._take(size)), "little")

    def _take(self, size: int) -> Generator[None, bytes, bytes]:
        while len(self._held) - self._at < size:
            chunk = yield
            self._begin += self._at
            self._held = self._held[self._at :] + chunk
            self._at = 0
        taken = self._held[self._at : self._at + size]
        self._at += size
        return taken

    def _skip(self, size: int) -> Generator[None, bytes, None]:
        left = size - (len(self._held) - self._at)
        while left > 0:
            chunk = yield
            self._begin += len(self._held)
            self._held, self._at = chunk, 0
            size, left = left, left - len(chunk)
        self._at += size


def _window(descriptor: int) -> int:
    base = 1 << (10 + (descriptor >> 3))
    return base + (base >> 3) * (descriptor & 7)
