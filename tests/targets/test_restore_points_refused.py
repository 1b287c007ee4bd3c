"""Restore points that are not made: what would be incomplete, or would write over what is there."""

import secrets
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from drproof.cli.app import app
from drproof.formats import s3_uri
from drproof.targets import embedded
from tests.targets.conftest import NAMES

BUCKET = s3_uri.parse(NAMES["drill"]["backup_uri"]).bucket


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    folder.mkdir()
    (folder / "orders.json").write_text('{"orders": 3}')
    return folder


def create(world: embedded.World, *words: str) -> Result:
    under = f"s3://{BUCKET}/test-{secrets.token_hex(4)}/backups/"
    return CliRunner().invoke(app, ["backup", "create", "--to", under, "--embedded", world.endpoint, *words])


def test_one_that_lacks_an_archive_is_refused_before_anything_is_packed(
    world: embedded.World, state: Path, tmp_path: Path
) -> None:
    refused = create(world, "--archive", f"state.tar.zst={state}", "--into", str(tmp_path / "kept"))

    assert refused.exit_code == 2
    assert "the restore point would have no manifests.tar.zst" in refused.output
    assert "next: add --archive manifests.tar.zst=<folder>" in refused.output
    assert not (tmp_path / "kept").exists()


def test_what_restore_points_consist_of_is_a_setting(
    world: embedded.World, state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "drproof.toml").write_text('[backup]\narchives = ["state.tar.zst"]\n')

    made = create(world, "--archive", f"state.tar.zst={state}", "--dry-run")

    assert made.exit_code == 0, made.output


@pytest.mark.parametrize(("option", "kept"), [("--receipt-dir", "backup.summary.json"), ("--into", "state.tar.zst")])
def test_neither_a_receipt_nor_what_was_packed_is_written_over(
    world: embedded.World, state: Path, tmp_path: Path, option: str, kept: str
) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / kept).write_text("of an earlier one")
    both = ("--archive", f"state.tar.zst={state}", "--archive", f"manifests.tar.zst={state}")

    refused = create(world, *both, option, str(tmp_path / "there"))

    assert refused.exit_code == 2
    assert f"{option} {tmp_path / 'there'} holds {kept} already" in refused.output
    assert (tmp_path / "there" / kept).read_text() == "of an earlier one"
    assert "uploaded" not in refused.output
