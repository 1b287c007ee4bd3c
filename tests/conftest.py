"""What the drills of all tests have in common."""

import os

import pytest


@pytest.fixture(scope="session")
def shelf(tmp_path_factory):
    """Drills that tests only look at, shared by all processes of the tests."""
    from tests.drill.shared import Shelf

    return Shelf.of(tmp_path_factory, os.environ.get("PYTEST_XDIST_WORKER", ""))
