"""What the frames of an archive's compression say, counted while the archive is read."""

from dataclasses import replace

from drproof.formats.zstd_frames import Walker
from drproof.model.errors import FormatError
from drproof.phases.backup.observed import ArchiveSeen


class Frames:
    """Counts frames; a stream that is none is the business of whoever decompresses it, and counts as none here."""

    def __init__(self) -> None:
        """Begin before the first byte."""
        self._walker = Walker()
        self._broken = False
        self._frames = self._unchecked = self._window = 0

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the archive as it is stored."""
        if self._broken:
            return
        try:
            for frame in self._walker.feed(chunk):
                self._frames += 1
                self._unchecked += not frame.has_checksum
                self._window = max(self._window, frame.window)
        except FormatError:
            self._broken = True

    def of(self, seen: ArchiveSeen) -> ArchiveSeen:
        """Return an archive with what its frames say; nothing where they do not end as they must."""
        try:
            self._walker.end()
        except FormatError:
            self._broken = True
        if self._broken:
            return seen
        return replace(seen, frames=self._frames, unchecked=self._unchecked, window=self._window)
