"""Which rules a text breaks by what stands in it, whatever stands beside that.

Most texts hold no sign of any rule, which is quickly seen; where one stands, the rule is tried there and not between.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from drproof.evidence.secret_rules import BEFORE_ITS_SIGN, SIGNATURES, SIGNS

_RULES = tuple(
    (rule, SIGNS[rule], re.compile(pattern), BEFORE_ITS_SIGN.get(rule)) for rule, pattern in SIGNATURES.items()
)
_ALL_SIGNS = frozenset(sign for signs in SIGNS.values() for sign in signs)
_ANY_SIGN = re.compile("|".join(map(re.escape, sorted(_ALL_SIGNS))))
_SHORT = 256
"""Characters up to which one look for all signs together is quicker than one for each."""
_SELDOM = 16
"""Where a rule has no more than one sign in so many characters, the places of its signs alone are looked at."""


class Span(NamedTuple):
    """A part of a text that a rule took for a secret."""

    start: int
    end: int
    rule: str


def direct(text: str, among: Collection[str] = _ALL_SIGNS) -> list[Span]:
    """Return what the rules find in a text; it holds no other signs than those of `among`."""
    small = small_letters(text)
    if len(small) <= _SHORT and not _ANY_SIGN.search(small):
        return []
    return [
        Span(*match.span(), rule)
        for rule, signs, pattern, before in _RULES
        if (there := {sign: times for sign in signs if sign in among and (times := small.count(sign))})
        for match in (
            pattern.finditer(text)
            if before is None or sum(there.values()) * _SELDOM > len(text)
            else _at_signs(text, small, there, pattern, before)
        )
    ]


def signs_of(text: str) -> frozenset[str]:
    """Return the signs of all rules that a text holds."""
    small = small_letters(text)
    return frozenset(sign for sign in _ALL_SIGNS if sign in small)


def small_letters(text: str) -> str:
    """Return a text in small letters in which everything stands where it stood: one capital has two of them."""
    small = text.lower()
    return small if len(small) == len(text) else text.replace("\u0130", "i").lower()


def _at_signs(
    text: str, small: str, signs: Iterable[str], pattern: re.Pattern[str], before: int
) -> Iterator[re.Match[str]]:
    """Yield what `finditer` yields of a pattern that begins at one of these signs, or so many characters before it."""
    places: set[int] = set()
    for sign in signs:
        at = small.find(sign)
        while at >= 0:
            places.add(at)
            at = small.find(sign, at + 1)
    over = 0
    for place in sorted(places):
        tries = (pattern.match(text, start) for start in range(max(over, place - before), place + 1))
        if match := next(filter(None, tries), None):
            yield match
            over = match.end()
