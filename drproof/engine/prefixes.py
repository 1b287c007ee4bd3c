"""Two prefixes compared: both listed at once in ranges of keys, and only what the listings leave in doubt is asked.

Every range is compared by a thread of its own; the differences come out in key order, whatever their number, in
constant memory: a range that is ahead waits.
"""

import hashlib
import queue
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Literal, TypeAlias

from drproof.analysis.comparing_prefixes import compare
from drproof.analysis.deciding_doubt import Said, decide, said
from drproof.engine.key_ranges import found_cuts
from drproof.model.comparison import Difference, Kind, Tally
from drproof.model.errors import NotFoundError, TargetError
from drproof.targets.aws.s3_ranges import ListedPrefix

Reading: TypeAlias = Literal["auto", "never", "always"]
SHARDS = 8
READERS = 16
"""How many pairs of objects are asked about at once."""

AHEAD = 8
"""How many batches of differences a range may be ahead of those before it."""

BATCH = 200
UNDER_WAY = 4 * READERS
RANGE = "drproof range"
"""How the threads of ranges are named."""

_Batch: TypeAlias = "list[Difference] | Tally | BaseException"
"""What comes out of a range: differences, then what it saw in all, or what ended it."""


class Comparison:
    """One comparison: an iterator over what differs, and what it came to once that has ended."""

    def __init__(
        self, left: ListedPrefix, right: ListedPrefix, *, shards: int = SHARDS, read: Reading = "auto"
    ) -> None:
        """Compare two prefixes in at most `shards` ranges; nothing is asked before the first difference is.

        Raises:
            ValueError: there are less than one shards.
        """
        if shards < 1:
            msg = f"expected at least one shard, got {shards}"
            raise ValueError(msg)
        self.tally = Tally()
        self._left = left
        self._right = right
        self._shards = shards
        self._read = read
        self._ended = threading.Event()

    def __iter__(self) -> Iterator[Difference]:
        """Yield what differs and what stays in doubt, in key order.

        Raises:
            TargetError: a listing was refused or not answered.
            FormatError: a listing is not one, or has no order.
        """
        sides = (self._left, self._right)
        with ThreadPoolExecutor(2 * self._shards) as ahead, ThreadPoolExecutor(READERS) as readers:
            try:
                for found in self._decided(self._merged(ahead), readers):
                    self.tally.add(found)
                    yield found
            finally:
                self._ended.set()
                for side in sides:
                    side.bucket.ended.set()
                readers.shutdown(wait=False, cancel_futures=True)

    def _merged(self, ahead: ThreadPoolExecutor) -> Iterator[Difference]:
        """Compare all ranges at once and yield their differences in key order."""
        at = found_cuts(self._left, self._right, self._shards, ahead)
        outlets: list[queue.Queue[_Batch]] = []
        for after, until in zip((b"", *at), (*at, None), strict=True):
            outlet: queue.Queue[_Batch] = queue.Queue(AHEAD)
            outlets.append(outlet)
            named = f"{RANGE} {len(outlets)}"
            threading.Thread(target=self._range, args=(after, until, ahead, outlet), name=named, daemon=True).start()
        for outlet in outlets:
            while not isinstance(batch := outlet.get(), Tally):
                if isinstance(batch, BaseException):
                    raise batch
                yield from batch
            # Counted by one thread alone: the one that takes what all the others put.
            self.tally.join(batch)

    def _range(
        self, after: bytes, until: bytes | None, ahead: ThreadPoolExecutor, outlet: "queue.Queue[_Batch]"
    ) -> None:
        """Compare one range; whatever ends it, its outlet says so."""
        tally, batch = Tally(), list[Difference]()
        left, right = (side.pages(after, until, ahead) for side in (self._left, self._right))
        try:
            for found in compare(left, right, tally, trust_etags=self._read != "always"):
                batch.append(found)
                if self._ended.is_set():
                    return
                if len(batch) == BATCH:
                    self._put(outlet, batch)
                    batch = []
            self._put(outlet, batch)
            self._put(outlet, tally)
        except BaseException as exc:  # noqa: BLE001 — raised again where the differences are consumed
            self._put(outlet, exc)

    def _put(self, outlet: "queue.Queue[_Batch]", batch: _Batch) -> None:
        while not self._ended.is_set():
            try:
                outlet.put(batch, timeout=1)
            except queue.Full:
                continue
            return

    def _decided(self, merged: Iterator[Difference], readers: ThreadPoolExecutor) -> Iterator[Difference]:
        """Decide what is in doubt, many at once, and keep the order."""
        under_way: deque[Difference | Future[Difference | None]] = deque()
        for found in merged:
            asked = found.kind is Kind.DOUBTFUL and self._read != "never"
            under_way.append(readers.submit(self._asked, found) if asked else found)
            while under_way and (len(under_way) > UNDER_WAY or _is_ready(under_way[0])):
                yield from self._settled(under_way.popleft())
        while under_way:
            yield from self._settled(under_way.popleft())

    def _settled(self, one: "Difference | Future[Difference | None]") -> Iterator[Difference]:
        found = one.result() if isinstance(one, Future) else one
        if found is None:
            self.tally.equal += 1
        else:
            yield found

    def _asked(self, doubt: Difference) -> Difference | None:
        """Return what a doubtful pair is: None for equal; still doubtful, with the reason, where nobody answers."""
        try:
            kind, reason = self._verdict(doubt)
        except NotFoundError:
            kind, reason = Kind.DOUBTFUL, "gone since it was listed"
        except TargetError as exc:
            changed = exc.code in {"412", "PreconditionFailed"}
            kind, reason = Kind.DOUBTFUL, "changed since it was listed" if changed else str(exc).partition("\n")[0]
        return None if kind is None else replace(doubt, kind=kind, reason=reason)

    def _verdict(self, doubt: Difference) -> tuple[Kind | None, str]:
        rows = [row for row in (doubt.left, doubt.right) if row is not None]
        etags = [etag.decode() for _, _, etag in rows]
        if self._read != "always":
            sides = [self._said(side, doubt.key) for side in (self._left, self._right)]
            if any(etag not in {one.etag, ""} for one, etag in zip(sides, etags, strict=True)):
                return Kind.DOUBTFUL, "changed since it was listed"
            decided = decide(*sides)
            if decided is not None:
                return decided
        digests = [
            side.bucket.read(side.prefix + doubt.key, etag=etag.decode(), size=size, into=hashlib.sha256).hexdigest()
            for side, (_, size, etag) in zip((self._left, self._right), rows, strict=True)
        ]
        same = digests[0] == digests[1]
        return None if same else Kind.CONTENT, "SHA-256 of what was read"

    @staticmethod
    def _said(side: ListedPrefix, key: bytes) -> Said:
        return said(side.bucket.head(side.prefix + key))


def _is_ready(one: "Difference | Future[Difference | None]") -> bool:
    return not isinstance(one, Future) or one.done()
