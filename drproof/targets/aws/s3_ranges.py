"""A prefix of a bucket as ranges of keys, each listed page by page while the page before is being read."""

from collections.abc import Iterator
from concurrent.futures import Executor, Future
from copy import copy
from dataclasses import dataclass

from drproof.formats import s3_page
from drproof.model.errors import FormatError
from drproof.model.listing import Page
from drproof.targets.aws.s3_requests import SignedBucket

DELIMITER = b"/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """What lies directly under a prefix, as far as one page shows."""

    common_prefixes: tuple[bytes, ...]
    keys: tuple[bytes, ...]
    has_more: bool


class ListedPrefix:
    """Everything under a prefix; keys are given without it."""

    def __init__(self, bucket: SignedBucket, prefix: str) -> None:
        """List `prefix` of a bucket."""
        self.bucket = bucket
        self.prefix = prefix.encode()
        self._subject = bucket.uri(self.prefix)

    def reopened(self) -> "ListedPrefix":
        """Return the same prefix with connections, counts and an end of its own, as a forked process needs it."""
        again = copy(self)
        again.bucket = self.bucket.reopened()
        return again

    def glance(self, under: bytes = b"") -> Glance:
        """Return what one page shows of the keys and common prefixes directly under a prefix."""
        page = self._page(under, [("delimiter", DELIMITER)])
        return Glance(
            common_prefixes=tuple(under + one for one in page.common_prefixes),
            keys=tuple(under + key for key, _, _ in page.rows),
            has_more=bool(page.next_token),
        )

    def first_above(self, key: bytes) -> bytes | None:
        """Return the first key above another one; None where there is none."""
        page = self._page(b"", [("start-after", self.prefix + key), ("max-keys", b"1")])
        return page.rows[0][0] if page.rows else None

    def pages(self, after: bytes, until: bytes | None, ahead: Executor) -> Iterator[Page]:
        """Yield the pages of the keys above `after` and up to `until`; the next one is under way while one is read."""
        first = [("start-after", self.prefix + after)] if after else []
        coming: Future[Page] | None = ahead.submit(self._page, b"", first)
        token, empty = "", 0
        while coming is not None:
            page = coming.result()
            empty = 0 if page.rows else empty + 1
            if empty > s3_page.MOST_EMPTY:
                raise FormatError(
                    "page-shape",
                    f"s3:ListObjectsV2 {self._subject}: {empty} pages in a row hold no key, and each names another one",
                )
            if page.next_token and page.next_token == token:
                raise FormatError(
                    "page-shape", f"s3:ListObjectsV2 {self._subject}: a page names itself as the next one"
                )
            if page.rows and after and page.rows[0][0] <= after:
                raise FormatError(
                    "listing-order",
                    f"s3:ListObjectsV2 {self._subject}: keys came that were not asked for, as from a store "
                    "that ignores start-after\n  next: --shards 1",
                )
            token = page.next_token
            is_last = not page.next_token or (until is not None and bool(page.rows) and page.rows[-1][0] >= until)
            coming = (
                None if is_last else ahead.submit(self._page, b"", [("continuation-token", page.next_token.encode())])
            )
            yield page if until is None else _up_to(page, until)

    def _page(self, under: bytes, more: list[tuple[str, bytes]]) -> Page:
        prefix = self.prefix + under
        query = [("list-type", b"2"), ("encoding-type", b"url"), ("prefix", prefix), *more]
        return self.bucket.page(query, self._subject, lambda data: s3_page.parse(data, prefix))


def _up_to(page: Page, until: bytes) -> Page:
    if not page.rows or page.rows[-1][0] <= until:
        return page
    rows = [row for row in page.rows if row[0] <= until]
    return Page(rows=rows, next_token="", certain=page.certain)
