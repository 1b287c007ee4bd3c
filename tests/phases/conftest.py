"""Sites and drills for the phases' own tests."""

from pathlib import Path

import pytest

from tests.phases.site import Drill, Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    folder = tmp_path / "machine"
    (folder / "srv").mkdir(parents=True)
    (folder / "srv" / "state").write_text("as it was")
    return Site(folder)


@pytest.fixture
def drill(site: Site, tmp_path: Path) -> Drill:
    return Drill(site, tmp_path / "journal.log")
