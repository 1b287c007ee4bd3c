"""Bundles for the claims of this room."""

from collections.abc import Callable
from pathlib import Path

import pytest

from drproof.evidence.bundle import Bundle
from tests.report.drills import Drill, build

Make = Callable[..., Bundle]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Write the bundle of a drill below the test's own folder."""

    def written(drill: Drill | None = None, *, name: str = "drill", close: bool = False) -> Bundle:
        return build(tmp_path / name, drill, close=close)

    return written
