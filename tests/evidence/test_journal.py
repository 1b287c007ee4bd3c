"""The journal: what was announced is on disk, a torn end is forgiven, damage and a full disk are not."""

import os
import resource
from pathlib import Path
from typing import Any

import pytest

from drproof.evidence import journal as journals
from drproof.evidence.journal import RESERVE_BYTES, Journal, read
from drproof.model.errors import EvidenceError, JournalError

RECORDS: list[dict[str, Any]] = [
    {"kind": "intent", "verb": "runner.up"},
    {"kind": "outcome", "of": 1},
    {"kind": "intent", "verb": "ä\n"},
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.log"


def written(path: Path) -> bytes:
    with Journal(path) as journal:
        for record in RECORDS:
            journal.append(record)
    return path.read_bytes()


def numbered(count: int) -> tuple[dict[str, Any], ...]:
    return tuple({"number": number, **record} for number, record in enumerate(RECORDS[:count], start=1))


def test_records_are_numbered_and_read_by_any_process(path):
    written(path)

    assert read(path) == numbered(3)
    with Journal(path) as journal:
        assert journal.records() == numbered(3)
        assert journal.append({"kind": "closed"}) == 4


def test_a_journal_that_is_not_there_has_no_records(path):
    assert read(path) == ()


def test_a_journal_torn_at_any_byte_keeps_every_whole_record_and_goes_on(path):
    data = written(path)
    ends = [number for number, byte in enumerate(data, start=1) if byte == 10]

    for length in range(len(data) + 1):
        path.write_bytes(data[:length])
        whole = sum(end <= length for end in ends)
        assert read(path) == numbered(whole)
        with Journal(path) as journal:
            assert journal.append({"kind": "closed"}) == whole + 1
        assert read(path) == (*numbered(whole), {"number": whole + 1, "kind": "closed"})


def test_any_flipped_bit_before_the_last_record_is_damage(path):
    data = written(path)
    last = data.rindex(b"\n", 0, -1) + 1

    for number in range(8 * last):
        spoiled = bytearray(data)
        spoiled[number // 8] ^= 1 << number % 8
        path.write_bytes(bytes(spoiled))
        with pytest.raises(JournalError, match="damaged at byte"):
            read(path)
        with pytest.raises(JournalError):
            Journal(path)
        assert path.read_bytes() == spoiled, "what is damaged is left for people to look at"


def test_a_flipped_bit_in_the_last_record_drops_it_or_is_damage_and_never_changes_it(path):
    data = written(path)
    last = data.rindex(b"\n", 0, -1) + 1

    for number in range(8 * last, 8 * len(data)):
        spoiled = bytearray(data)
        spoiled[number // 8] ^= 1 << number % 8
        path.write_bytes(bytes(spoiled))
        try:
            assert read(path) == numbered(2)
        except JournalError:
            continue


def test_records_that_are_swapped_lost_or_doubled_are_damage(path):
    first, second, third = written(path).splitlines(keepends=True)

    for lines in ([second, first, third], [first, third], [first, first, second], [second]):
        path.write_bytes(b"".join(lines))
        with pytest.raises(JournalError, match="is not what was written"):
            read(path)


def test_a_record_is_flushed_before_append_returns(path, monkeypatch):
    synced = []
    flush = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_size)
        flush(descriptor)

    with Journal(path) as journal:
        monkeypatch.setattr(os, "fsync", fsync)
        journal.append(RECORDS[0])
        assert synced == [path.stat().st_size]


def test_a_disk_that_takes_a_part_only_loses_no_earlier_record(path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Journal(path) as journal:
        journal.append(RECORDS[0])
        size = path.stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 10, hard))
        try:
            with pytest.raises(JournalError, match="cannot be written"):
                journal.append(RECORDS[1])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert path.stat().st_size == size
        assert journal.append(RECORDS[1]) == 2
    assert read(path) == numbered(2)


def test_on_a_full_disk_the_reserve_is_given_up_once(path, monkeypatch):
    reserve = path.with_suffix(".reserve")
    write = os.write

    def full_while_reserved(descriptor: int, data: bytes) -> int:
        if reserve.exists():
            write(descriptor, data[:5])
            raise OSError(28, "No space left on device")
        return write(descriptor, data)

    with Journal(path) as journal:
        assert reserve.stat().st_size == RESERVE_BYTES
        journal.append(RECORDS[0])
        monkeypatch.setattr(os, "write", full_while_reserved)
        assert journal.append(RECORDS[1]) == 2
        assert not reserve.exists()
        monkeypatch.setattr(os, "write", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(JournalError, match="No space left on device"):
            journal.append(RECORDS[2])
        monkeypatch.undo()
        assert journal.append(RECORDS[2]) == 3
    assert read(path) == numbered(3)


def test_the_reserve_is_given_back_when_the_journal_is_closed(path):
    with Journal(path):
        assert path.with_suffix(".reserve").exists()
    assert not path.with_suffix(".reserve").exists()


def test_a_journal_in_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(JournalError, match="nothing was changed"):
        Journal(tmp_path / "nowhere" / "journal.log")


def test_a_record_that_is_no_evidence_is_not_written(path):
    with Journal(path) as journal:
        with pytest.raises(EvidenceError):
            journal.append({"share": 0.5})
        assert journal.append(RECORDS[0]) == 1
    assert read(path) == numbered(1)


def test_a_line_without_its_checksum_is_no_record():
    assert journals._record(b"00000000 {}\n") is None
    assert journals._record(b"{}\n") is None
    assert journals._record(b"") is None


@pytest.mark.parametrize("written_first", [True, False])
def test_an_interruption_at_any_point_of_an_append_leaves_a_journal_that_goes_on(path, monkeypatch, written_first):
    fsync = os.fsync
    with Journal(path) as journal:
        journal.append({"kind": "opened"})

        def interrupted(descriptor):
            if written_first:
                fsync(descriptor)
            else:
                os.ftruncate(descriptor, os.fstat(descriptor).st_size - 3)
            raise KeyboardInterrupt

        monkeypatch.setattr(os, "fsync", interrupted)
        with pytest.raises(KeyboardInterrupt):
            journal.append({"kind": "phase"})
        monkeypatch.setattr(os, "fsync", fsync)
        journal.append({"kind": "closed"})

    kinds = [record["kind"] for record in read(path)]
    assert kinds == (["opened", "phase", "closed"] if written_first else ["opened", "closed"])
    assert [record["number"] for record in read(path)] == list(range(1, len(kinds) + 1))
