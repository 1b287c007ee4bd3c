"""Digests that threads of their own compute beside the one that reads, of content that is worth handing over."""

import hashlib
import threading
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from queue import SimpleQueue
from typing import Protocol

AHEAD = 4
"""Pieces that may wait: reading goes on while the hash of a member catches up, and memory stays flat."""
WORTH_IT = 1 << 16
"""Bytes of a piece; the hash over fewer takes less than waking a thread."""


class Digest(Protocol):
    """What `hashlib` makes."""

    def update(self, data: bytes | memoryview, /) -> object: ...  # noqa: D102
    def digest(self) -> bytes: ...  # noqa: D102


class Hashing:
    """Where pieces are hashed: here, or with two threads in another one, which starts when it is first worth it.

    The other thread waits for pieces alone, and `close` stops it: neither can wait for the other in vain, whichever of
    them fails.
    """

    def __init__(self, threads: int) -> None:
        self._is_alone = threads <= 1
        self._is_settled = True
        self._thread: threading.Thread | None = None
        self._pieces: SimpleQueue[tuple[Digest, bytes | memoryview] | None] = SimpleQueue()
        self._places: SimpleQueue[BaseException | None] = SimpleQueue()
        """One entry for each piece that may still be handed over; an error where hashing one failed."""

    def close(self) -> None:
        """Stop the other thread, once it has done what it was handed."""
        if self._thread:
            self._pieces.put(None)
            self._thread.join()

    def update(self, digest: Digest, piece: bytes | memoryview) -> None:
        """Hash a piece, now or soon; it must not change any more."""
        if self._is_alone or (self._is_settled and len(piece) < WORTH_IT):
            digest.update(piece)
            return
        if self._thread is None:
            self._start()
        self._is_settled = False
        self._wait_for_place()
        self._pieces.put((digest, piece))

    def settle(self) -> None:
        """Wait until every piece is hashed."""
        if self._is_settled:
            return
        for _ in range(AHEAD):
            self._wait_for_place()
        for _ in range(AHEAD):
            self._places.put(None)
        self._is_settled = True

    def _start(self) -> None:
        for _ in range(AHEAD):
            self._places.put(None)
        thread = threading.Thread(target=self._hash, name="hashing", daemon=True)
        thread.start()
        self._thread = thread

    def _wait_for_place(self) -> None:
        if error := self._places.get():
            raise error

    def _hash(self) -> None:
        while handed := self._pieces.get():
            digest, piece = handed
            error = None
            try:
                digest.update(piece)
            except BaseException as exc:  # noqa: BLE001 — raised where the piece came from
                error = exc
            self._places.put(error)


class Hashed:
    """Chunks on their way to whoever takes them, hashed and counted; with two threads, beside what is done with them.

    The chunks must not change. `close` it, so that no thread is left.
    """

    def __init__(self, chunks: Iterable[bytes], *, threads: int = 1) -> None:
        self.size = 0
        self.sha256 = ""
        """Known once all chunks are taken."""
        self._passed = self._pass(chunks, threads)

    def __iter__(self) -> Iterator[bytes]:
        """Yield what is left of them."""
        return self._passed

    def finish(self) -> None:
        """Take what nobody took: the digest is over all of it."""
        for _ in self._passed:
            continue

    def close(self) -> None:
        """Take no more."""
        self._passed.close()

    def _pass(self, chunks: Iterable[bytes], threads: int) -> Generator[bytes, None, None]:
        digest = hashlib.sha256()
        with closing(Hashing(threads)) as hashing:
            for chunk in chunks:
                hashing.update(digest, chunk)
                self.size += len(chunk)
                yield chunk
            hashing.settle()
        self.sha256 = digest.hexdigest()
