"""A grade is reached on all the rungs below it, and suffices for itself and for each below."""

from itertools import product

import pytest

from drproof.analysis.grades import LADDER, reached, suffices
from drproof.model.criteria import Grade


def test_the_ladder_has_every_grade_and_the_weakest_first():
    assert LADDER == (Grade.EXISTENCE, Grade.INTEGRITY, Grade.MATERIALISED, Grade.APPLICATION_VERIFIED)
    assert set(LADDER) == set(Grade)


def test_the_highest_rung_is_reached_only_on_all_those_below_it():
    for shown in product([True, False], repeat=len(LADDER)):
        unbroken = shown.index(False) if False in shown else len(LADDER)

        assert reached(dict(zip(LADDER, shown, strict=True))) == (LADDER[unbroken - 1] if unbroken else None)


def test_a_grade_that_nobody_spoke_of_is_not_shown():
    assert reached({}) is None
    assert reached({Grade.EXISTENCE: True}) is Grade.EXISTENCE
    assert reached({Grade.EXISTENCE: True, Grade.MATERIALISED: True}) is Grade.EXISTENCE
    assert reached({Grade.INTEGRITY: True}) is None


@pytest.mark.parametrize("demanded", LADDER)
def test_a_grade_suffices_from_the_demanded_one_upwards(demanded):
    assert [suffices(grade, demanded) for grade in LADDER] == [
        LADDER.index(grade) >= LADDER.index(demanded) for grade in LADDER
    ]
    assert suffices(demanded, demanded) is True
    assert suffices(None, demanded) is False
