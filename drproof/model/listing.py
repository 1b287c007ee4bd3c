"""What a listing says of a bucket, one page at a time."""

from dataclasses import dataclass
from typing import TypeAlias

Row: TypeAlias = tuple[bytes, int, bytes]
"""One object: its key without the listing's prefix (UTF-8), its size in bytes, its ETag without quotes.

A tuple of plain values, because a listing has millions and two equal pages of them are compared in one step.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One answer of a listing: the objects and the common prefixes that came, in the order in which they came."""

    rows: list[Row]
    common_prefixes: tuple[bytes, ...] = ()
    """As keys: without the listing's prefix."""
    next_token: str = ""
    """What asks for the page after this one; empty on the last."""
    certain: bool = True
    """Whether every ETag has one of the two forms that can be compared."""
