"""A bundle: as it was sealed, by whom, and every contract of its plan judged again."""

import pytest

DRPROOF_CHECKS = "bundle"
pytestmark = getattr(pytest.mark, "bundle-check")


def test_bundle(bundle_check: str) -> None:
    """The bundle meets the demand."""
    if bundle_check:
        pytest.fail(bundle_check, pytrace=False)
