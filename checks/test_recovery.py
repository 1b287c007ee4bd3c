"""Plan `recovery`: an item for each phase, and one for each contract with each subject."""

import pytest

from drproof.plugin.fixtures import ContractCheck, PhaseCheck

DRPROOF_CHECKS = "recovery"
pytestmark = getattr(pytest.mark, "drill")


def test_phase(phase_check: PhaseCheck) -> None:
    """The phase reached its end state."""
    phase_check.demand()


def test_contract(contract_check: ContractCheck) -> None:
    """The claim is proven, and its sabotages were refuted."""
    contract_check.demand()
