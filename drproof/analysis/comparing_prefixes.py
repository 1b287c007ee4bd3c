"""Two listings in key order become what differs between them: a merge-join of pages, in constant memory.

What an ETag tells of the content:

- the same ETag and the same size on both sides: the same content. An ETag of parts is the digest of the parts'
  digests, so that equal ones have equal parts;
- different ETags of one piece each: different content, unless a key of KMS or of the customer encrypts one side; a
  listing does not say which, so that the objects themselves have to be asked;
- different ETags of which one is of parts: nothing, because the same content cut otherwise has another ETag.
"""

from collections.abc import Iterator

from drproof.formats.s3_etag import parts
from drproof.model.comparison import Difference, Kind, Tally
from drproof.model.errors import FormatError
from drproof.model.listing import Page, Row

SHORTEST_RUN = 16
LONGEST_RUN = 1024
"""How many rows are compared in one step: more after equal ones, few after a difference."""


class Side:
    """One listing while it is gone through: a page, and the place in it."""

    certain: bool
    """Whether equal rows of the page are equal objects; known from the first page on."""

    def __init__(self, pages: Iterator[Page]) -> None:
        """Start before the first page."""
        self._pages = pages
        self._last: bytes | None = None
        self.rows: list[Row] = []
        self.at = 0
        self.seen = 0

    def more(self) -> bool:
        """Return whether there is a row left, after fetching the page that has it.

        Raises:
            FormatError: `listing-order`, when a page begins where the one before did not end.
        """
        while self.at >= len(self.rows):
            page = next(self._pages, None)
            if page is None:
                return False
            if page.rows:
                first = page.rows[0][0]
                if self._last is not None and first <= self._last:
                    msg = f"a page begins with {first!r}, after {self._last!r}: keys must ascend from page to page"
                    raise FormatError("listing-order", msg)
                self._last = page.rows[-1][0]
            self.rows, self.at, self.certain = page.rows, 0, page.certain
            self.seen += len(page.rows)
        return True


def compare(
    left: Iterator[Page], right: Iterator[Page], tally: Tally, *, trust_etags: bool = True
) -> Iterator[Difference]:
    """Yield what differs or may differ, in key order; keys that are the same are only counted, in `tally`.

    Without `trust_etags` every pair of objects of one size is doubtful. `tally` counts rows and equal keys; the
    differences are counted by whoever decides the doubtful ones.

    Raises:
        FormatError: `listing-order`.
    """
    one, other = Side(left), Side(right)
    run = SHORTEST_RUN
    while one.more() and other.more():
        if trust_etags and one.certain and other.certain:
            equal = _equal(one, other, run)
            one.at, other.at, tally.equal = one.at + equal, other.at + equal, tally.equal + equal
            if equal:
                run = min(2 * run, LONGEST_RUN)
                continue
            run = SHORTEST_RUN
        yield from _step(one, other, tally, trust_etags=trust_etags)
    for row in _rest(one):
        yield Difference(key=row[0], kind=Kind.MISSING, left=row)
    for row in _rest(other):
        yield Difference(key=row[0], kind=Kind.EXTRA, right=row)
    tally.left, tally.right = tally.left + one.seen, tally.right + other.seen


def judge(left: Row, right: Row, *, trust_etags: bool = True) -> Difference | None:
    """Return in which way two objects of one key differ; None where they are the same."""
    key, size, etag = left
    if size != right[1]:
        return Difference(key=key, kind=Kind.SIZE, left=left, right=right, reason=f"{size} and {right[1]} bytes")
    reason = "every pair is to be read"
    if trust_etags:
        ours, theirs = parts(etag), parts(right[2])
        if ours is not None and etag == right[2]:
            return None
        reason = _doubt(ours, theirs)
    return Difference(key=key, kind=Kind.DOUBTFUL, left=left, right=right, reason=reason)


def _doubt(ours: int | None, theirs: int | None) -> str:
    if ours is None or theirs is None:
        return "an ETag of no known form"
    if ours == theirs == 0:
        return "different ETags, which encryption with a key of KMS also causes"
    return f"ETags of {ours or 1} and {theirs or 1} parts, which may be cut otherwise"


def _equal(one: Side, other: Side, run: int) -> int:
    """Return how many of the next rows are the same on both sides, in at most `run`."""
    rows, others, at, there = one.rows, other.rows, one.at, other.at
    high = min(run, len(rows) - at, len(others) - there)
    if rows[at : at + high] == others[there : there + high]:
        return high
    low = 0
    # So many halvings leave one row between both ends.
    for _ in range(high.bit_length()):
        middle = (low + high) // 2
        if rows[at + low : at + middle] == others[there + low : there + middle]:
            low = middle
        else:
            high = middle
    return low


def _step(one: Side, other: Side, tally: Tally, *, trust_etags: bool) -> Iterator[Difference]:
    """Go past the lesser key of the two next rows, or past both."""
    row, its = one.rows[one.at], other.rows[other.at]
    if row[0] < its[0]:
        one.at += 1
        yield Difference(key=row[0], kind=Kind.MISSING, left=row)
    elif its[0] < row[0]:
        other.at += 1
        yield Difference(key=its[0], kind=Kind.EXTRA, right=its)
    else:
        one.at, other.at = one.at + 1, other.at + 1
        found = judge(row, its, trust_etags=trust_etags)
        if found is None:
            tally.equal += 1
        else:
            yield found


def _rest(side: Side) -> Iterator[Row]:
    while side.more():
        yield from side.rows[side.at :]
        side.at = len(side.rows)
