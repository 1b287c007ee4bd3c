"""The frames of a zstd stream (RFC 8878): where each begins and ends, and what its header promises.

The decompressor says neither that a stream ends inside a frame nor that a frame has no checksum. Both are read here,
from the compressed bytes alone: one step a block, which is up to 128 KiB of content.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from drproof.model.errors import FormatError

WINDOW = 1 << 27
"""The greatest window that is read: what `zstd` itself takes without being told to, and the memory of one stream."""
FREE_BLOCKS = 1 << 20
BYTES_A_BLOCK = 64
"""Beyond the free ones, a stream has so many bytes for each of its blocks, or it is made to take time."""
MAGIC = 0xFD2FB528
SKIPPABLE = range(0x184D2A50, 0x184D2A60)
RLE = 1
CHECKSUM = 4
BLOCK_HEADER = 3
LONG_CONTENT_SIZE = 2
"""Bytes; the values that one byte has are left out."""


@dataclass(slots=True, kw_only=True)
class FramesSeen:
    """What the frames so far promise; frames that hold no content count for nothing but `skippable`."""

    frames: int = 0
    checksummed: int = 0
    """How many of them end with a checksum over their content."""
    skippable: int = 0
    window: int = 0
    """The greatest, in bytes."""


class Frames:
    """Chunks of any size as frames: `start` goes to the next one, `read` gives its bytes to a decompressor."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self.seen = FramesSeen()
        self.taken = 0
        self._chunks = iter(chunks)
        self._chunk = b""
        self._at = 0
        self._blocks = 0
        self._head = b""
        self._left = 0
        """Bytes until the next block's header, or the end of the frame."""
        self._tail = 0
        """Bytes of the checksum behind the last block."""
        self._is_last = False
        self._place = "before its first frame"

    def start(self) -> bool:
        """Go to the next frame that holds content; whether there is one.

        Raises:
            FormatError: `archive-compression`, `archive-truncated`.
        """
        while self._has(1):
            number = self.seen.frames + self.seen.skippable + 1
            self._place = f"in the header of frame {number}"
            magic = int.from_bytes(self._exactly(4), "little")
            if magic == MAGIC:
                self._header(number)
                return True
            if magic not in SKIPPABLE:
                raise FormatError("archive-compression", f"frame {number} of the stream is no zstd frame")
            self.seen.skippable += 1
            self._count()
            self._skip(int.from_bytes(self._exactly(4), "little"), f"in the skippable frame {number}")
        return False

    def read(self, size: int = -1) -> bytes:
        """Return bytes of this frame, nothing at its end or at the end of the stream; as many as there are at once."""
        del size
        if self._head:
            head, self._head = self._head, b""
            return head
        if self._is_last and not self._left:
            return b""
        # A block's header may lie in two chunks.
        if not self._has(1 if self._left else BLOCK_HEADER):
            return self._torn()
        start, end = self._at, len(self._chunk)
        while self._at < end:
            if self._left:
                step = min(self._left, end - self._at)
                self._at += step
                self._left -= step
            elif self._is_last or end - self._at < BLOCK_HEADER:
                break
            else:
                self._block()
        return self._chunk[start : self._at]

    def check_end(self) -> None:
        """The decompressor has given all that it had: the frame must be whole.

        Raises:
            FormatError: `archive-truncated`.
        """
        if self._left or not self._is_last:
            place = "before the checksum of" if self._is_last and self._left <= self._tail else "inside"
            raise FormatError("archive-truncated", f"the zstd stream ends {place} frame {self.seen.frames}")

    def _header(self, number: int) -> None:
        described = self._exactly(1)
        descriptor = described[0]
        is_single = bool(descriptor & 0x20)
        lengths = (0 if is_single else 1, (0, 1, 2, 4)[descriptor & 3], (int(is_single), 2, 4, 8)[descriptor >> 6])
        window, dictionary, content = (self._exactly(length) for length in lengths)
        if is_single:
            wanted = int.from_bytes(content, "little") + (256 if len(content) == LONG_CONTENT_SIZE else 0)
        else:
            base = 1 << 10 + (window[0] >> 3)
            wanted = base + base // 8 * (window[0] & 7)
        if wanted > WINDOW:
            message = f"frame {number} asks for a window of {wanted} bytes, expected at most {WINDOW}"
            raise FormatError("archive-compression", message)
        is_checked = bool(descriptor & CHECKSUM)
        self._head = MAGIC.to_bytes(4, "little") + described + window + dictionary + content
        self._left, self._is_last = 0, False
        self._tail = 4 if is_checked else 0
        self.seen.frames += 1
        self.seen.checksummed += is_checked
        self.seen.window = max(self.seen.window, wanted)

    def _block(self) -> None:
        """Take the header of a block: three bytes, of which the kind says how many more are in the stream."""
        word = int.from_bytes(self._chunk[self._at : self._at + 3], "little")
        self._is_last = bool(word & 1)
        size = 1 if word >> 1 & 3 == RLE else word >> 3
        self._left = BLOCK_HEADER + size + (self._tail if self._is_last else 0)
        self._count()

    def _count(self) -> None:
        """Count a block, or a frame of none: each takes time, however little it holds."""
        self._blocks += 1
        if self._blocks > FREE_BLOCKS + self.taken // BYTES_A_BLOCK:
            raise FormatError("archive-limit", f"{self.taken} bytes of zstd are {self._blocks} blocks: a bomb")

    def _has(self, size: int) -> bool:
        """Return whether so many bytes are left, read into one chunk."""
        while len(self._chunk) - self._at < size:
            more = next(self._chunks, None)
            if more is None:
                return False
            self.taken += len(more)
            self._chunk = self._chunk[self._at :] + more
            self._at = 0
        return True

    def _exactly(self, size: int) -> bytes:
        if not self._has(size):
            raise FormatError("archive-truncated", f"the zstd stream ends {self._place}")
        self._at += size
        return self._chunk[self._at - size : self._at]

    def _skip(self, size: int, place: str) -> None:
        self._place = place
        while size:
            if not self._has(1):
                raise FormatError("archive-truncated", f"the zstd stream ends {self._place}")
            step = min(size, len(self._chunk) - self._at)
            self._at += step
            size -= step

    def _torn(self) -> bytes:
        """Give the decompressor what is left, so that all content before the cut is seen; then nothing."""
        rest, self._at = self._chunk[self._at :], len(self._chunk)
        return rest
