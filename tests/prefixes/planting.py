"""Differences that are put among any number of equal objects, and what of them must be found, asked and read.

A hundred of them: twenty objects each of other content, of another size, missing, extra, and uploaded in parts of which one has
other bytes; of each twenty, five have odd keys. Beside them lie objects that only look different.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from drproof.model.comparison import Kind
from tests.prefixes.bucket_server import Stored, parts_of

DIFFERENT = 100
ODD = (b"%02d//y-%08d", b"./%02d/c-%08d", b"%02d/../z-%08d", b"%02d/a+b 100%%-%08d", b"%02d/new\nline-%08d/")
"""Keys that clients which think of paths lose: empty parts, parts of dots, what URLs mean otherwise, lines and tails."""
WAYS = ("content", "size", "missing", "extra", "parts")
EACH = DIFFERENT // len(WAYS)
ODD_OF_EACH = len(ODD)
PART = 64


@dataclass(frozen=True, slots=True)
class Planted:
    """One key: what lies on both sides, None where nothing does, and what a comparison must do about it."""

    key: bytes
    left: Stored | None
    right: Stored | None
    kind: Kind | None = None
    """What must be found; None where nothing may be."""
    asked: bool = False
    """Whether both sides must be asked by HeadObject."""
    read: bool = False
    """Whether both sides must be read."""


def planted() -> Iterator[Planted]:
    """Yield a hundred differences, and then what only looks like one."""
    for number in range(DIFFERENT):
        way, nth = WAYS[number % len(WAYS)], number // len(WAYS)
        odd = ODD[nth] if nth < ODD_OF_EACH else b"%02d/planted-%08d"
        yield _different(odd % (number, number), way, b"%08d" % number * 32)
    for number in range(EACH):
        key = (ODD[number] if number < ODD_OF_EACH else b"%02d/alike-%08d") % (number, DIFFERENT + number)
        body = b"alike-%08d" % number * 32
        in_parts = Stored(body, parts_of(body, PART))
        if number % 4 == 0:
            yield Planted(key, in_parts, in_parts)
        elif number % 4 == 1:
            yield Planted(key, Stored(body), Stored(body))
        else:
            other = Stored(body, parts_of(body, 2 * PART)) if number % 4 == 2 else Stored(body)
            yield Planted(key, in_parts, other, asked=True, read=True)


def _different(key: bytes, way: str, body: bytes) -> Planted:
    other = body[:-1] + b"~"
    match way:
        case "content":
            return Planted(key, Stored(body), Stored(other), Kind.CONTENT, asked=True)
        case "size":
            return Planted(key, Stored(body), Stored(body + b"!"), Kind.SIZE)
        case "missing":
            return Planted(key, Stored(body), None, Kind.MISSING)
        case "extra":
            return Planted(key, None, Stored(body), Kind.EXTRA)
        case _:
            left, right = (Stored(one, parts_of(one, PART)) for one in (body, other))
            return Planted(key, left, right, Kind.CONTENT, asked=True, read=True)


@dataclass(frozen=True, slots=True)
class Expected:
    """What a comparison of two prefixes with `planted()` among their objects must come to."""

    found: dict[bytes, Kind]
    asked: frozenset[bytes]
    read: frozenset[bytes]
    alike: int
    """How many of the planted keys are the same on both sides."""


def expected() -> Expected:
    """Return what must be found, asked and read, by keys without their prefixes."""
    everything = list(planted())
    return Expected(
        {one.key: one.kind for one in everything if one.kind is not None},
        frozenset(one.key for one in everything if one.asked),
        frozenset(one.key for one in everything if one.read),
        sum(one.kind is None for one in everything),
    )
