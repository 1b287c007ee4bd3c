"""Two prefixes compared: both listed at once in ranges of keys, and only what the listings leave in doubt is asked.

The differences come out in key order, whatever their number, in constant memory.
"""

import hashlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Literal, TypeAlias

from drproof.analysis.deciding_doubt import Said, decide, said
from drproof.engine.key_ranges import found_cuts
from drproof.engine.key_ranges_apart import RangesApart
from drproof.model.comparison import Difference, Kind, Tally
from drproof.model.errors import NotFoundError, TargetError
from drproof.targets.aws.s3_ranges import ListedPrefix

Reading: TypeAlias = Literal["auto", "never", "always"]
SHARDS = 8
READERS = 16
"""How many pairs of objects are asked about at once."""

UNDER_WAY = 4 * READERS


class Comparison:
    """One comparison: an iterator over what differs, and what it came to once that has ended."""

    def __init__(
        self,
        left: ListedPrefix,
        right: ListedPrefix,
        *,
        shards: int = SHARDS,
        read: Reading = "auto",
        processes: int = 1,
    ) -> None:
        """Compare two prefixes in at most `shards` ranges; nothing is asked before the first difference is.

        More than one of `processes` is for a caller that has no other thread: they are forked.

        Raises:
            ValueError: there is less than one shard, or less than one process.
        """
        if min(shards, processes) < 1:
            msg = f"expected at least one shard and one process, got {shards} and {processes}"
            raise ValueError(msg)
        self.tally = Tally()
        self._left = left
        self._right = right
        self._shards = shards
        self._read = read
        self._processes = processes

    def __iter__(self) -> Iterator[Difference]:
        """Yield what differs and what stays in doubt, in key order.

        Raises:
            TargetError: a listing was refused or not answered.
            FormatError: a listing is not one, or has no order.
        """
        sides = (self._left, self._right)
        with ThreadPoolExecutor(2 * self._shards) as looking:
            at = found_cuts(*sides, self._shards, looking)
        spans = tuple(zip((b"", *at), (*at, None), strict=True))
        apart = RangesApart(sides, spans, trust_etags=self._read != "always", processes=self._processes)
        # Whoever asks about objects has threads, so the processes are forked before.
        with apart, ThreadPoolExecutor(READERS) as readers:
            try:
                for found in self._decided(self._merged(apart), readers):
                    self.tally.add(found)
                    yield found
            finally:
                for side in sides:
                    side.bucket.ended.set()
                readers.shutdown(wait=False, cancel_futures=True)

    def _merged(self, apart: RangesApart) -> Iterator[Difference]:
        for batch in apart.batches():
            if isinstance(batch, Tally):
                self.tally.join(batch)
            else:
                yield from batch

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
