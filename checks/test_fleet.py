"""Plan `fleet`: an item for each restore point; its contracts are those of one restore point."""

import pytest

from drproof.plugin.fleet_items import PointCheck

DRPROOF_CHECKS = "fleet"
pytestmark = getattr(pytest.mark, "backup-check")


def test_restore_point(restore_point: PointCheck) -> None:
    """The restore point was read to its end, and every contract is proven for it."""
    restore_point.demand()
