"""Plan `orchestrator`: an execution of a state machine, an item for each claim about it."""

import pytest

DRPROOF_CHECKS = "orchestrator"
pytestmark = getattr(pytest.mark, "orchestrator-check")


def test_execution(bundle_check: str) -> None:
    """The execution meets the demand."""
    if bundle_check:
        pytest.fail(bundle_check, pytrace=False)
