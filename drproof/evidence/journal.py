"""The journal: what a drill is about to change, on disk before it is changed.

One record a line: the CRC-32 of the JSON, a space, the canonical JSON, a newline; each line is flushed to the disk
before `append` returns. A line that a crash tore at the very end is dropped; a bad line anywhere else is an error,
because then nobody knows what was changed.
"""

import errno
import os
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from drproof.evidence.canonical import canonical
from drproof.formats.strict_json import parse
from drproof.model.errors import EvidenceError, JournalError

RESERVE_BYTES = 256 * 1024
"""Kept free beside the journal, and given up when the disk is full, so that a teardown can still be written down."""


class Journal:
    """An append-only file of records; one writer at a time, any process may continue it."""

    def __init__(self, path: Path) -> None:
        """Open or create the journal; a torn last line is cut off.

        Raises:
            JournalError: the file cannot be opened, or is damaged before its last line.
        """
        self.path = path
        self._reserve = path.with_suffix(".reserve")
        try:
            records, sound = _read(path)
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            os.ftruncate(self._descriptor, sound)
            os.fsync(self._descriptor)
            self._set_reserve_aside()
            _sync_directory(path.parent)
        except OSError as exc:
            msg = f"the journal {path} cannot be opened: {exc.strerror}; nothing was changed"
            raise JournalError(msg) from exc
        self._next = len(records) + 1
        self._size = sound

    def append(self, record: Mapping[str, Any]) -> int:
        """Write one record durably and return its number, counted from 1.

        Raises:
            JournalError: the record is not on disk; what it announced must not happen.
        """
        self._catch_up()
        number = self._next
        text = canonical({"number": number, **record})
        line = b"%08x %s\n" % (zlib.crc32(text), text)
        try:
            self._write(line)
        except OSError as exc:
            # A full disk must not keep a drill from undoing itself: the reserve is for exactly that.
            if not self.give_up_reserve():
                msg = f"the journal {self.path} cannot be written: {exc.strerror}"
                raise JournalError(msg) from exc
            self._retry(line)
        return number

    def records(self) -> tuple[dict[str, Any], ...]:
        """Return every record, oldest first."""
        return read(self.path)

    def close(self) -> None:
        """Close the file and give the reserve back."""
        os.close(self._descriptor)
        self._reserve.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        """Return the journal."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self.close()

    def _catch_up(self) -> None:
        """Count again when the file is not as the last append left it: a signal ended that one at any point."""
        if os.fstat(self._descriptor).st_size != self._size:
            records, self._size = _read(self.path)
            os.ftruncate(self._descriptor, self._size)
            self._next = len(records) + 1

    def _write(self, line: bytes) -> None:
        start = os.fstat(self._descriptor).st_size
        try:
            _write_whole(self._descriptor, line)
            os.fsync(self._descriptor)
        except OSError:
            # What is half written would be taken for damage once another record follows it.
            os.ftruncate(self._descriptor, start)
            raise
        # One statement: an interruption leaves both as they were, and the next append counts again.
        self._size, self._next = start + len(line), self._next + 1

    def _retry(self, line: bytes) -> None:
        try:
            self._write(line)
        except OSError as exc:
            msg = f"the journal {self.path} cannot be written: {exc.strerror}"
            raise JournalError(msg) from exc

    def _set_reserve_aside(self) -> None:
        descriptor = os.open(self._reserve, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, RESERVE_BYTES)
        finally:
            os.close(descriptor)

    def give_up_reserve(self) -> bool:
        """Give its room back to the disk, for what else must be written; return whether there was any."""
        try:
            self._reserve.unlink()
        except OSError:
            return False
        return True


def read(path: Path, *, must_exist: bool = False) -> tuple[dict[str, Any], ...]:
    """Return the records of a journal that another process may have left torn at its end.

    A journal that is not there has no records, unless it `must_exist`.

    Raises:
        JournalError: it cannot be read, or is damaged before its last line.
    """
    if must_exist and not path.exists():
        msg = f"the journal {path} is gone"
        raise JournalError(msg)
    try:
        records, _ = _read(path)
    except OSError as exc:
        msg = f"the journal {path} cannot be read: {exc.strerror}"
        raise JournalError(msg) from exc
    return tuple(records)


def _read(path: Path) -> tuple[list[dict[str, Any]], int]:
    """Return the sound records and the number of bytes that they take."""
    if not path.exists():
        return [], 0
    data = path.read_bytes()
    records: list[dict[str, Any]] = []
    sound = 0
    for line in _lines(data):
        record = _record(line)
        last = sound + len(line) == len(data)
        # A torn write is the beginning of a line: a last line that ends and is not sound was damaged.
        if record is None and last and not line.endswith(b"\n"):
            break
        if record is None or record.get("number") != len(records) + 1:
            msg = f"the journal {path} is damaged at byte {sound}: record {len(records) + 1} is not what was written"
            raise JournalError(msg)
        records.append(record)
        sound += len(line)
    return records, sound


def _lines(data: bytes) -> Iterator[bytes]:
    start = 0
    while start < len(data):
        end = data.find(b"\n", start) + 1 or len(data)
        yield data[start:end]
        start = end


def _record(line: bytes) -> dict[str, Any] | None:
    """Return the record of a line, or None when the line is not whole."""
    if not line.endswith(b"\n") or line[8:9] != b" ":
        return None
    text = line[9:-1]
    if line[:8] != b"%08x" % zlib.crc32(text):
        return None
    try:
        record = parse(text)
    except EvidenceError:
        return None
    return record if isinstance(record, dict) else None


def _write_whole(descriptor: int, line: bytes) -> None:
    """Write a line, or raise `OSError`: a part of a record is no record."""
    if os.write(descriptor, line) != len(line):
        raise OSError(errno.ENOSPC, "only a part of the record was written")


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
