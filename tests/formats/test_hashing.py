"""Content is hashed by a second thread where that is worth it, and neither thread waits in vain, whichever fails."""

import hashlib
import threading

import pytest

from drproof.formats import archive, hashing
from drproof.formats.hashing import Hashing
from drproof.model.errors import FormatError
from tests.formats.archives import chunks, compressed, tar

LARGE = {"one": b"1" * 3_000_000, "small": b"2" * 10, "three": bytes(range(256)) * 9_000, "empty": b""}
STEP = 1 << 18
pytestmark = pytest.mark.timeout(60)


@pytest.fixture(autouse=True)
def _no_thread_is_left():
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


def digests(files):
    return {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}


def test_two_threads_list_what_one_does():
    data = compressed(tar(LARGE))
    one, two = (list(archive.rows(archive.zstd([data]), threads=threads)) for threads in (1, 2))

    assert one == two
    assert {path: digest.hex() for path, _, _, digest in two} == digests(LARGE)


def test_the_second_thread_is_used_for_large_content_alone(monkeypatch):
    started = []
    start = Hashing._start

    def counted(self):
        started.append(self)
        start(self)

    monkeypatch.setattr(Hashing, "_start", counted)
    small = tar({f"{number:04}": bytes(2_000) for number in range(1_000)})

    list(archive.rows(chunks(small, STEP), threads=2))
    assert started == []
    list(archive.rows(chunks(tar(LARGE), STEP), threads=1))
    list(archive.rows(chunks(tar(LARGE), STEP), threads=2, sink=lambda path, content: None))
    assert started == []
    # A sink that waits for one file is no reason to hash the others in one thread.
    list(archive.rows(chunks(tar(LARGE), STEP), threads=2, sink=lambda path, content: None, wanted="members.json"))
    assert len(started) == 1
    started.clear()
    list(archive.rows(chunks(tar(LARGE), STEP), threads=2))
    assert len(started) == 1


def test_a_reader_that_walks_away_leaves_no_thread():
    found = archive.rows(chunks(tar(LARGE), STEP), threads=2)
    next(found)
    assert "hashing" in {thread.name for thread in threading.enumerate()}
    del found


def test_a_reader_that_fails_leaves_no_thread():
    class DrillEndsError(BaseException): ...

    def act():
        for _ in archive.rows(chunks(tar(LARGE), STEP), threads=2):
            raise DrillEndsError

    with pytest.raises(DrillEndsError):
        act()


def test_a_source_that_fails_while_pieces_wait_ends_both():
    def broken():
        yield from list(chunks(tar(LARGE), STEP))[:8]
        raise ConnectionError

    with pytest.raises(ConnectionError):
        list(archive.rows(broken(), threads=2))


@pytest.mark.parametrize("end", [2_000_000, 4_000_000])
def test_an_archive_that_is_refused_ends_both(end):
    with pytest.raises(FormatError) as caught:
        list(archive.rows(chunks(tar(LARGE)[:end], STEP), threads=2))
    assert caught.value.code == "archive-truncated"


@pytest.mark.parametrize("threads", [1, 2])
def test_chunks_on_their_way_are_hashed_whole_whatever_is_taken(threads):
    data = bytes(range(256)) * 20_000
    for taken in (0, 3, 100):
        hashed = hashing.Hashed(chunks(data, STEP), threads=threads)
        for _, _chunk in zip(range(taken), hashed, strict=False):
            continue
        hashed.finish()
        hashed.close()

        assert (hashed.size, hashed.sha256) == (len(data), hashlib.sha256(data).hexdigest())


def test_chunks_that_fail_on_their_way_leave_no_thread_and_no_digest():
    def broken():
        yield from list(chunks(bytes(1 << 20), STEP))
        raise ConnectionError

    hashed = hashing.Hashed(broken(), threads=2)
    with pytest.raises(ConnectionError):
        hashed.finish()
    assert hashed.sha256 == ""

    abandoned = hashing.Hashed(chunks(bytes(1 << 20), STEP), threads=2)
    next(iter(abandoned))
    abandoned.close()
    assert abandoned.sha256 == ""


def test_small_content_behind_large_is_hashed_where_it_is_read():
    both, here = Hashing(2), []

    class Noting:
        def update(self, data, /):
            here.append(threading.current_thread() is threading.main_thread())

        def digest(self):
            return b""

    for size in (hashing.WORTH_IT - 1, hashing.WORTH_IT, 1):
        both.update(Noting(), bytes(size))
    both.settle()
    both.update(Noting(), b"x")
    both.close()

    assert here == [True, False, False, True]


def test_a_hash_that_fails_is_raised_where_the_content_came_from():
    class Broken:
        def update(self, data, /):
            raise MemoryError(len(data))

        def digest(self):
            return b""

    piece = bytes(hashing.WORTH_IT)
    both = Hashing(2)
    both.update(Broken(), piece)
    with pytest.raises(MemoryError):
        both.settle()
    both.close()
    again = Hashing(2)
    with pytest.raises(MemoryError):
        list(map(again.update, [Broken()] * 100, [piece] * 100))
    again.close()


def test_no_more_than_a_few_pieces_wait():
    """A hash that stands still: the reader is stopped at the bound instead of taking the whole archive into memory."""
    may_go, handed = threading.Event(), []

    class Slow:
        def update(self, data, /):
            may_go.wait(30)

        def digest(self):
            return b""

    both = Hashing(2)
    digest, piece = Slow(), bytes(hashing.WORTH_IT)
    full = threading.Event()

    def read():
        for number in range(20):
            handed.append(number)
            if len(handed) == hashing.AHEAD + 1:
                full.set()
            both.update(digest, piece)

    reader = threading.Thread(target=read)
    reader.start()
    assert full.wait(30)
    assert len(handed) == hashing.AHEAD + 1
    may_go.set()
    reader.join(30)
    both.settle()
    both.close()
    assert len(handed) == 20
