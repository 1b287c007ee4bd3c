"""What `drproof.analysis` says on both sides of each limit; mutants of contracts are put to the same checks."""

import pytest

from tests.contracts.mutants import original
from tests.contracts.reasoning import REASONING


@pytest.mark.parametrize("check", REASONING, ids=lambda check: check.__name__)
def test_reasoning(check):
    check(original())
