"""Two runs, compared on whatever they may hold: what does not matter is not found, whatever else is found."""

import copy
import json
import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from drproof.analysis import volatile
from drproof.analysis.run_comparison import compare_runs
from drproof.formats.run_files import AVAILABILITY, HEALTH, SUMMARY
from tests.contracts.reasoning_of_runs import CONTENTS, DOCUMENTS, run_files

FEW = settings(max_examples=60, deadline=None)
NOISE = sorted(volatile.EVERYWHERE)
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(-9, 9), st.floats(-9, 9).map(lambda f: round(f, 2)), st.text(max_size=4)
)
NAMES = st.text(st.characters(codec="ascii", categories=["Ll"]), min_size=1, max_size=3)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=6
)
OBJECTS = st.dictionaries(NAMES, VALUES, min_size=1, max_size=4)
ROWS = st.lists(OBJECTS, min_size=1, max_size=5)
PLACES = st.sampled_from([SUMMARY, HEALTH, AVAILABILITY, "ranked_json", "ranked_families_json"])


def run(place: str, value: Any) -> Any:
    """Return a run that holds a value at one of its places."""
    if place in DOCUMENTS:
        return run_files({place: {**DOCUMENTS[place], "costs": value}})
    return run_files(contents={**CONTENTS, place: value})


def shuffled(value: Any, chance: random.Random) -> Any:
    """Return a value with the members of its objects in another order, and volatile members among them."""
    if isinstance(value, dict):
        members = [(name, shuffled(one, chance)) for name, one in value.items()]
        members += [(name, chance.randrange(9)) for name in chance.sample(NOISE, 2)]
        chance.shuffle(members)
        return dict(members)
    return [shuffled(one, chance) for one in value] if isinstance(value, list) else value


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every leaf that counts: an empty list or object is one."""
    if isinstance(value, dict) and value:
        return [
            leaf for name in value if name not in volatile.EVERYWHERE for leaf in leaves(value[name], (*path, name))
        ]
    if isinstance(value, list) and value:
        return [leaf for number, one in enumerate(value) for leaf in leaves(one, (*path, number))]
    return [path]


@FEW
@given(PLACES, ROWS, st.integers(0, 9))
def test_runs_that_differ_in_order_of_members_and_volatile_fields_match(place, value, seed):
    other = shuffled(value, random.Random(seed))

    for left, right in ((value, other), (other, value)):
        found = compare_runs(run(place, left), run(place, right))
        assert found.matched, found.differences


@FEW
@given(PLACES, ROWS, LEAVES, st.data())
def test_any_one_leaf_that_changes_is_found(place, value, leaf, data):
    path = data.draw(st.sampled_from(leaves(value)))
    other = copy.deepcopy(value)
    inner = other
    for step in path[:-1]:
        inner = inner[step]
    old = inner[path[-1]]
    new = ["another"] if json.dumps(leaf) == json.dumps(old) else leaf
    inner[path[-1]] = new

    found = compare_runs(run(place, value), run(place, other))

    assert not found.matched
    assert found.count >= 1


@FEW
@given(ROWS, st.data())
def test_any_one_row_that_is_gone_or_elsewhere_is_found(rows, data):
    number = data.draw(st.integers(0, len(rows) - 1))
    fewer = rows[:number] + rows[number + 1 :]
    turned = rows[1:] + rows[:1]

    assert not compare_runs(run("ranked_json", rows), run("ranked_json", fewer)).matched
    same = json.dumps(turned, sort_keys=True) == json.dumps(rows, sort_keys=True)
    assert compare_runs(run("ranked_json", rows), run("ranked_json", turned)).matched is same


@FEW
@given(st.lists(st.lists(st.text(max_size=4), min_size=2, max_size=2), min_size=1, max_size=5), st.data())
def test_any_one_cell_that_changes_is_found_and_those_of_volatile_columns_are_not(rows, data):
    def table(name: str, cells: list[list[str]]) -> Any:
        lines = [f'"a","{name}"', *(",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in cells)]
        return run_files(contents={**CONTENTS, "ranked_csv": "\r\n".join(lines) + "\r\n"})

    number, column = data.draw(st.integers(0, len(rows) - 1)), data.draw(st.integers(0, 1))
    other = [list(row) for row in rows]
    other[number][column] += "!"

    assert compare_runs(table("b", rows), table("b", rows)).matched
    assert not compare_runs(table("b", rows), table("b", other)).matched
    assert compare_runs(table("timestamp", rows), table("timestamp", other)).matched is (column == 1)
