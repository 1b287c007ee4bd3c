"""Where a listing that nobody has seen yet can be cut into ranges that are listed at once.

A cut may lie anywhere: every key belongs to exactly one range wherever the cuts are. A poor cut costs time, nothing
else.
"""

import string
from collections.abc import Iterator, Sequence

ALPHABETS = tuple(
    one.encode() for one in (string.digits, string.hexdigits[:16], string.ascii_lowercase, string.ascii_uppercase)
)
LEVELS = 12
"""How many places of the keys are tried, from the first on."""


def cuts(found: Sequence[bytes], shards: int) -> list[bytes]:
    """Return the keys at which a listing is cut into at most `shards` ranges of about as many of `found` each."""
    ordered = sorted(set(found))
    if not ordered:
        return []
    chosen = {ordered[len(ordered) * number // shards] for number in range(1, shards)}
    # What comes before the first one is no range of its own: it has only what lies beside the prefixes.
    return sorted(chosen - {ordered[0]})


def beginnings(keys: Sequence[bytes], under: bytes) -> Iterator[list[bytes]]:
    """Yield, place by place, how keys after the first ones of a listing may begin, told by the letters of those.

    `keys` lie under the prefix `under`; the letters come as all of the first alphabets that have theirs.
    """
    letters = set(b"".join(key[len(under) :] for key in keys))
    wanted = sorted({one for alphabet in _alphabets(letters) for one in alphabet})
    first, last = min(keys, default=b""), max(keys, default=b"")
    shared = first[
        : next((at for at, pair in enumerate(zip(first, last, strict=False)) if len(set(pair)) > 1), len(first))
    ]
    for place in range(len(under), min(len(shared) + 1, len(under) + LEVELS)):
        beyond = shared[place] if place < len(shared) else 0
        yield [shared[:place] + bytes([letter]) for letter in wanted if letter > beyond]


def _alphabets(letters: set[int]) -> Iterator[bytes]:
    left = set(letters)
    for alphabet in ALPHABETS:
        if left & set(alphabet):
            yield alphabet
            left -= set(alphabet)
