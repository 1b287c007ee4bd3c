"""`drproof fleet manifest`: what it lists is what an execution gets, and why there is nothing is said."""

import json
import secrets
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from drproof.cli.app import app
from drproof.formats import s3_uri
from drproof.targets import embedded
from tests.targets.conftest import NAMES

KEPT = NAMES["drill"]["backup_uri"]
BUCKET = s3_uri.parse(KEPT).bucket


@pytest.fixture
def listed(world: embedded.World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Listing":
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DRPROOF_WORLD", str(world.directory))
    return Listing()


class Listing:
    """An operator who lists restore points of a world that lives."""

    def __call__(self, under: str) -> Result:
        return CliRunner().invoke(app, ["fleet", "manifest", "--target", "embedded", "--backups-under", under])


def test_restore_points_that_are_there_are_listed(listed: Listing) -> None:
    said = listed(KEPT.rpartition("/")[0])

    assert said.exit_code == 0, said.output
    assert {"backup_uri": KEPT} in json.loads(said.stdout)


def test_a_prefix_without_restore_points_is_named_with_the_next_step(listed: Listing) -> None:
    under = f"s3://{BUCKET}/test-{secrets.token_hex(4)}/backups/"

    said = listed(under)

    assert said.exit_code == 1
    assert json.loads(said.stdout) == []
    assert said.stderr == (
        f"drproof: no restore point lies under {under}\n  next: name the prefix whose folders they are\n"
    )
