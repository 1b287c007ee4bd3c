"""An original is told by the salt of the drill's private folder, and by nothing else."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from drproof.cli.app import app
from drproof.evidence.redaction import REDACTIONS, Redactor

ORIGINAL = "the token was ghp_aB3dE6gH9aB3dE6gH9aB3dE6gH9\nand nothing else"


@pytest.fixture
def drill(tmp_path: Path) -> Path:
    """A bundle that redacted one text, and the salt beside it."""
    salt = b"\x07" * 32
    redactor = Redactor(salt=salt)
    redactor.redact(ORIGINAL)
    (row,) = redactor.taken()
    folder = tmp_path / "one"
    (folder / "evidence").mkdir(parents=True)
    rows = [{"text": row.text, "original": row.original}]
    (folder / f"evidence/restore.{REDACTIONS}.json").write_text(json.dumps(rows))
    (tmp_path / "one.private").mkdir()
    (tmp_path / "one.private/redaction.salt").write_text(salt.hex())
    return folder


def _asked(drill: Path, text: str, *words: str) -> tuple[int, str]:
    path = drill.with_name("original.txt")
    path.write_text(text)
    told = CliRunner().invoke(app, ["redaction", str(drill), str(path), *words])
    return told.exit_code, told.output


def test_the_original_is_told_from_any_other(drill: Path) -> None:
    status, said = _asked(drill, ORIGINAL)
    assert (status, "evidence/restore.redactions.json: this is the original" in said) == (0, True)
    assert _asked(drill, f"{ORIGINAL}.")[0] == 1


def test_another_salt_tells_nothing(drill: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.salt"
    other.write_text("08" * 32)
    assert _asked(drill, ORIGINAL, "--salt", str(other))[0] == 1


def test_without_the_salt_the_error_names_it(drill: Path) -> None:
    (drill.with_name("one.private") / "redaction.salt").unlink()
    assert _asked(drill, ORIGINAL)[0] == 2


def test_the_bundle_holds_neither_the_original_nor_its_bare_digest(drill: Path) -> None:
    import hashlib

    kept = (drill / f"evidence/restore.{REDACTIONS}.json").read_text()
    assert "ghp_" not in kept
    assert hashlib.sha256(ORIGINAL.encode()).hexdigest() not in kept
