"""Turning any comparison of a file that decides is noticed: CI looks at a sample, the sweep at all of them."""

import random

import pytest

from drproof import catalog
from tests.contracts import mutants
from tests.contracts.boundary import BOUNDARIES
from tests.contracts.checks import EVERY
from tests.contracts.reasoning import REASONING

SAMPLE = 12
ALL = mutants.mutants()


@pytest.mark.exhaustive
def test_the_unchanged_house_passes_every_check_that_mutants_are_put_to():
    house = mutants.original()

    assert house.contracts.keys() == {contract.name for contract in catalog.contracts()}
    for contract in house.contracts.values():
        for check in EVERY:
            check(contract)
    for boundary in (*REASONING, *BOUNDARIES):
        boundary(house)


def test_a_module_that_is_loaded_unchanged_survives_so_that_deaths_are_due_to_the_change():
    one = next(m for m in ALL if m.module == "drproof.analysis.objectives")

    house = mutants.original()
    with mutants.mutated(one) as (changed, names):
        assert names >= {"recovery_was_within_rto", "restore_point_is_within_rpo"}
        assert changed.modules["objectives"] is not house.modules["objectives"]
    assert mutants.original().modules == house.modules, "the originals are back"
    assert mutants.survives(mutants.Mutant(one.module, mutants.UNCHANGED, 0, "nothing"))


def test_a_room_with_tests_of_its_own_passes_them_as_long_as_no_file_of_it_is_changed():
    (one,) = (m for m in ALL if m.module == "drproof.analysis.machine.defects")

    assert mutants.survives(mutants.Mutant(one.module, mutants.UNCHANGED, 0, "nothing"))
    assert not mutants.survives(one)


def test_every_file_that_compares_has_mutants():
    with_mutants = {mutant.module for mutant in ALL}

    without = {
        "drproof.analysis.machine.soundness",
        "drproof.analysis.terraform.facts",
        "drproof.contracts.digests",
    }
    assert {name for name in mutants.modules() if name not in with_mutants} == without


@pytest.mark.parametrize("mutant", random.Random(20).sample(ALL, min(SAMPLE, len(ALL))), ids=str)
def test_a_turned_comparison_is_noticed(mutant):
    assert not mutants.survives(mutant)


@pytest.mark.exhaustive
def test_every_turned_comparison_is_noticed():
    assert [str(mutant) for mutant in ALL if mutants.survives(mutant)] == []
