"""What is known of a value that only a run will have, on both sides of where each question of it turns."""

from typing import Any

import pytest

from drproof.analysis.machine.shapes import (
    ANYTHING,
    DEEPEST,
    NOTHING,
    NUMBER,
    TEXT,
    TRUTH,
    Plain,
    Record,
    Row,
    Shape,
    There,
    at,
    bounded,
    join,
    join_all,
    narrowed,
    put,
    record,
    shape_of,
)

OPEN = Record(closed=False)


def _deep(levels: int, leaf: Shape) -> Shape:
    for _ in range(levels):
        leaf = Record({"a": leaf})
    return leaf


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        (None, NOTHING),
        ("x", TEXT),
        (1, NUMBER),
        (1.5, NUMBER),
        (True, TRUTH),
        ([1, 2], Row(NUMBER, (NUMBER, NUMBER))),
        ([1, "x"], Row(Plain(), (NUMBER, TEXT))),
        ([], Row(ANYTHING, ())),
        ({"a": None}, Record({"a": NOTHING})),
    ],
)
def test_a_written_value_is_known_whole(value: Any, shape: Shape) -> None:
    """Each part of it."""
    assert shape_of(value) == shape


@pytest.mark.parametrize(
    ("shape", "steps", "there", "found"),
    [
        (record("a"), (), There.SURE, record("a")),
        (record(known={"a": TEXT}), ("a",), There.SURE, TEXT),
        (record(maybe=("a",)), ("a",), There.SOMETIMES, ANYTHING),
        (record("a"), ("b",), There.NEVER, ANYTHING),
        (OPEN, ("b",), There.UNKNOWN, ANYTHING),
        (ANYTHING, ("b",), There.UNKNOWN, ANYTHING),
        (Plain(), ("b",), There.UNKNOWN, ANYTHING),
        (TEXT, ("b",), There.NEVER, ANYTHING),
        (record("a"), (0,), There.NEVER, ANYTHING),
        (Row(TEXT), ("a",), There.NEVER, ANYTHING),
        (Row(TEXT), (0,), There.SOMETIMES, TEXT),
        (Row(TEXT, (NUMBER, TEXT)), (0,), There.SURE, NUMBER),
        (Row(TEXT, (NUMBER, TEXT)), (1,), There.SURE, TEXT),
        (Row(TEXT, (NUMBER, TEXT)), (2,), There.NEVER, ANYTHING),
        (Record({}, {"a": record("b")}), ("a", "b"), There.SOMETIMES, ANYTHING),
        (Record({}, {"a": record("b")}), ("a", "c"), There.NEVER, ANYTHING),
    ],
)
def test_steps_lead_to_a_value_for_sure_sometimes_never_or_nobody_says(
    shape: Shape, steps: tuple[str | int, ...], there: There, found: Shape
) -> None:
    """The weakest step decides."""
    assert at(shape, steps) == (there, found)


def test_a_value_is_put_where_its_path_leads_and_the_rest_stays() -> None:
    """What may be there is overwritten for sure, and what else may be there still may."""
    assert put(record("a"), (), TEXT) == TEXT
    assert put(record("a"), (0,), TEXT) == ANYTHING
    assert put(TEXT, ("a",), TEXT) == ANYTHING
    assert put(record("b", maybe=("a", "c")), ("a",), TEXT) == Record({"b": ANYTHING, "a": TEXT}, {"c": ANYTHING})
    assert put(ANYTHING, ("a",), TEXT) == Record({"a": TEXT}, closed=False)
    assert put(Record(), ("a", "b"), TEXT) == Record({"a": Record({"b": TEXT})})
    assert put(OPEN, ("a", "b"), TEXT) == Record({"a": Record({"b": TEXT}, closed=False)}, closed=False)
    assert put(Record({"a": record("c")}), ("a", "b"), TEXT) == Record({"a": Record({"c": ANYTHING, "b": TEXT})})


def test_a_value_that_was_seen_is_there_and_the_rest_stays() -> None:
    """Of what is no object nothing more is known."""
    assert narrowed(record(maybe=("a", "c")), ("a",)) == Record({"a": ANYTHING}, {"c": ANYTHING})
    assert narrowed(record(maybe=("a",)), ()) == record(maybe=("a",))
    assert narrowed(record(maybe=("a",)), (0,)) == record(maybe=("a",))
    assert narrowed(ANYTHING, ("a",)) == Record({"a": ANYTHING}, closed=False)
    assert narrowed(TEXT, ("a",)) == TEXT
    assert narrowed(Record({}, {"a": record(maybe=("b",))}), ("a", "b")) == Record({"a": Record({"b": ANYTHING})})
    assert narrowed(Record({"a": TEXT}), ("a",)) == Record({"a": TEXT})


@pytest.mark.parametrize(
    ("one", "other", "joined"),
    [
        (TEXT, TEXT, TEXT),
        (TEXT, NUMBER, Plain()),
        (TEXT, Row(TEXT), ANYTHING),
        (Row(TEXT), TEXT, ANYTHING),
        (record("a"), TEXT, ANYTHING),
        (TEXT, record("a"), ANYTHING),
        (record("a"), Row(TEXT), ANYTHING),
        (ANYTHING, TEXT, ANYTHING),
        (Row(TEXT), Row(NUMBER), Row(Plain())),
        (Row(TEXT, (TEXT,)), Row(TEXT), Row(TEXT)),
        (Record({"a": TEXT}), Record({"a": NUMBER}), Record({"a": Plain()})),
        (Record({"a": TEXT}), Record({"b": NUMBER}), Record({}, {"a": TEXT, "b": NUMBER})),
        (Record({"a": TEXT}), Record({}, {"a": TEXT}), Record({}, {"a": TEXT})),
        (Record({}, {"a": TEXT}), Record({"a": NUMBER}), Record({}, {"a": Plain()})),
        (Record({"a": TEXT}), OPEN, Record({}, {"a": ANYTHING}, closed=False)),
        (OPEN, Record({"a": TEXT}), Record({}, {"a": ANYTHING}, closed=False)),
        (Record({"a": TEXT}, closed=False), Record({"a": TEXT}), Record({"a": TEXT}, closed=False)),
    ],
)
def test_of_one_or_the_other_that_is_known_which_both_have(one: Shape, other: Shape, joined: Shape) -> None:
    """A field that one lacks may be there; where one may have others, it may have any content."""
    assert join(one, other) == joined


def test_of_none_nothing_is_known() -> None:
    """Of one it is what that is."""
    assert join_all(()) == ANYTHING
    assert join_all((TEXT,)) == TEXT
    assert join_all((TEXT, NUMBER, TEXT)) == Plain()


def test_what_lies_too_deep_is_anything() -> None:
    """Up to that depth it is known."""
    assert join(_deep(DEEPEST, TEXT), _deep(DEEPEST, NUMBER)) == _deep(DEEPEST, Plain())
    assert join(_deep(DEEPEST + 1, TEXT), _deep(DEEPEST + 1, NUMBER)) == _deep(DEEPEST + 1, ANYTHING)
    assert bounded(_deep(DEEPEST, TEXT)) == _deep(DEEPEST, TEXT)
    assert bounded(_deep(DEEPEST + 1, TEXT)) == _deep(DEEPEST + 1, ANYTHING)
    assert bounded(Row(TEXT, (NUMBER,))) == Row(TEXT, (NUMBER,))
    assert bounded(Row(TEXT)) == Row(TEXT)
    within = Row(_deep(DEEPEST + 1, TEXT), (_deep(DEEPEST + 1, TEXT),))
    assert bounded(within) == Row(_deep(DEEPEST, ANYTHING), (_deep(DEEPEST, ANYTHING),))
    maybe = Record({}, {"a": _deep(DEEPEST, TEXT)}, closed=False)
    assert bounded(maybe) == Record({}, {"a": _deep(DEEPEST, ANYTHING)}, closed=False)
