"""Every comparison of a contract, on both sides of where it turns."""

import pytest

from tests.contracts.boundary import BOUNDARIES
from tests.contracts.checks import House
from tests.contracts.mutants import original

HOUSE: House = original()


@pytest.mark.parametrize("check", BOUNDARIES, ids=lambda check: check.__name__)
def test_boundary(check):
    check(HOUSE)
