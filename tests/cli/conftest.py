"""An operator, and one short drill that a module's tests look at."""

import shutil
from pathlib import Path

import pytest

from tests.drill.conftest import Drill, Operator


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Operator:
    return Operator(tmp_path_factory.mktemp("cli"))


@pytest.fixture(scope="module")
def closed(operator: Operator) -> Drill:
    """A short drill that is closed; tests copy it before they change it."""
    drill = operator.run("-m", "backup-check", "--target", "embedded", "--run-id", "closed")
    assert drill.status == 0, drill.output
    return drill


@pytest.fixture
def copy(closed: Drill, tmp_path: Path) -> Path:
    return Path(shutil.copytree(closed.bundle, tmp_path / "closed"))
