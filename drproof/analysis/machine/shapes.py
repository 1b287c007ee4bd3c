"""What is known of a JSON value that only a run will have: which fields are there for sure, which may be."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import reduce

DEEPEST = 24
"""A value that holds itself, as one that a loop wraps again and again, is anything from here on."""


class There(Enum):
    """Whether a path leads to a value."""

    SURE = "there"
    SOMETIMES = "not on every way"
    NEVER = "never there"
    UNKNOWN = "nobody says"


@dataclass(frozen=True, slots=True)
class Anything:
    """A value of which nothing is known."""


@dataclass(frozen=True, slots=True)
class Plain:
    """A value without parts: `text`, `number`, `truth` or `null`; empty where it may be any of them."""

    kind: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A list; `items` where its length is known, `each` what every item is."""

    each: "Shape"
    items: tuple["Shape", ...] | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """An object: fields that are there for sure, and fields that may be; `closed` where there are no others."""

    sure: Mapping[str, "Shape"] = field(default_factory=dict)
    maybe: Mapping[str, "Shape"] = field(default_factory=dict)
    closed: bool = True

    def named(self, name: str) -> "Shape | None":
        """Return what stands at a name, if anything does; where others may be, this may be one, with any content."""
        return self.sure.get(name, self.maybe.get(name, None if self.closed else ANYTHING))


Shape = Anything | Plain | Row | Record
ANYTHING = Anything()
TEXT, NUMBER, TRUTH, NOTHING = Plain("text"), Plain("number"), Plain("truth"), Plain("null")


def record(*sure: str, maybe: Iterable[str] = (), known: Mapping[str, Shape] | None = None) -> Record:
    """Return an object with no other fields than these: the named ones hold anything, the known ones what is said."""
    return Record({**dict.fromkeys(sure, ANYTHING), **(known or {})}, dict.fromkeys(maybe, ANYTHING))


def shape_of(value: object) -> Shape:
    """Return what is known of a value that stands in a document."""
    if isinstance(value, dict):
        return Record({name: shape_of(item) for name, item in value.items()})
    if isinstance(value, list):
        items = tuple(shape_of(item) for item in value)
        return Row(join_all(items), items)
    if isinstance(value, bool):
        return TRUTH
    if isinstance(value, int | float):
        return NUMBER
    return NOTHING if value is None else TEXT


def at(shape: Shape, steps: Iterable[str | int]) -> tuple[There, Shape]:
    """Return whether steps lead to a value, and what that value is."""
    there = There.SURE
    for step in steps:
        one, shape = _into(shape, step)
        if one in {There.NEVER, There.UNKNOWN}:
            # What may be missing on the way hides what lies behind it; what is never there stays so.
            return one, ANYTHING
        if one is There.SOMETIMES:
            there = one
    return there, shape


def put(shape: Shape, steps: tuple[str | int, ...], value: Shape) -> Shape:
    """Return a value with another one at a place in it, as `ResultPath` puts it there."""
    if not steps:
        return value
    name, rest = steps[0], steps[1:]
    if not isinstance(name, str):
        return ANYTHING
    if isinstance(shape, Anything):
        shape = Record(closed=False)
    if not isinstance(shape, Record):
        return ANYTHING
    inner = shape.sure.get(name, shape.maybe.get(name, Record() if shape.closed else Record(closed=False)))
    maybe = {key: item for key, item in shape.maybe.items() if key != name}
    return Record({**shape.sure, name: put(inner, rest, value)}, maybe, shape.closed)


def narrowed(shape: Shape, steps: tuple[str | int, ...]) -> Shape:
    """Return a value of which is known that steps lead to something in it."""
    if not steps or not isinstance(steps[0], str):
        return shape
    if isinstance(shape, Anything):
        shape = Record(closed=False)
    if not isinstance(shape, Record):
        return shape
    name = steps[0]
    inner = narrowed(shape.sure.get(name, shape.maybe.get(name, ANYTHING)), steps[1:])
    maybe = {key: item for key, item in shape.maybe.items() if key != name}
    return Record({**shape.sure, name: inner}, maybe, shape.closed)


def join(one: Shape, other: Shape, depth: int = 0) -> Shape:
    """Return what is known of a value that is one or the other."""
    if one == other:
        return one
    if depth > DEEPEST:
        return ANYTHING
    if isinstance(one, Record) and isinstance(other, Record):
        return _joined(one, other, depth)
    if isinstance(one, Row) and isinstance(other, Row):
        return Row(join(one.each, other.each, depth + 1))
    if isinstance(one, Plain) and isinstance(other, Plain):
        return Plain()
    return ANYTHING


def join_all(shapes: Iterable[Shape]) -> Shape:
    """Return what is known of a value that is one of several; of none nothing is known."""
    shapes = tuple(shapes)
    return reduce(join, shapes) if shapes else ANYTHING


def bounded(shape: Shape, depth: int = 0) -> Shape:
    """Return a value without what lies too deep in it."""
    if depth > DEEPEST:
        return ANYTHING
    if isinstance(shape, Record):
        sure = {name: bounded(item, depth + 1) for name, item in shape.sure.items()}
        return Record(sure, {name: bounded(item, depth + 1) for name, item in shape.maybe.items()}, shape.closed)
    if isinstance(shape, Row):
        items = tuple(bounded(item, depth + 1) for item in shape.items) if shape.items is not None else None
        return Row(bounded(shape.each, depth + 1), items)
    return shape


def _into(shape: Shape, step: str | int) -> tuple[There, Shape]:
    if isinstance(shape, Anything) or shape == Plain():
        return There.UNKNOWN, ANYTHING
    if isinstance(shape, Record) and isinstance(step, str):
        if step in shape.sure:
            return There.SURE, shape.sure[step]
        if step in shape.maybe:
            return There.SOMETIMES, shape.maybe[step]
        return (There.NEVER if shape.closed else There.UNKNOWN), ANYTHING
    if isinstance(shape, Row) and isinstance(step, int):
        if shape.items is None:
            return There.SOMETIMES, shape.each
        return (There.SURE, shape.items[step]) if step < len(shape.items) else (There.NEVER, ANYTHING)
    return There.NEVER, ANYTHING


def _joined(one: Record, other: Record, depth: int) -> Record:
    sure: dict[str, Shape] = {}
    maybe: dict[str, Shape] = {}
    for name in {*one.sure, *one.maybe, *other.sure, *other.maybe}:
        found = [side.named(name) for side in (one, other)]
        (sure if name in one.sure and name in other.sure else maybe)[name] = reduce(
            lambda left, right: join(left, right, depth + 1), (shape for shape in found if shape is not None)
        )
    return Record(sure, maybe, one.closed and other.closed)
