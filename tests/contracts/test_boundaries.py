"""Every comparison of a contract, on both sides of where it turns."""

import pytest

from tests.contracts.boundaries import BOUNDARIES
from tests.contracts.checks import House
from tests.contracts.mutants import original
from tests.contracts.reasoning import REASONING

HOUSE: House = original()


@pytest.mark.parametrize("check", [*BOUNDARIES, *REASONING], ids=lambda check: check.__name__)
def test_boundary(check):
    check(HOUSE)
