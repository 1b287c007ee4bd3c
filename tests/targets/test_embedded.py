"""The embedded world as a process: it comes up or says why not, is found again, and ends."""

import os
from pathlib import Path

import pytest

from drproof.embedded.fork_server import VARIABLE
from drproof.model.errors import TargetError
from drproof.targets import embedded


def test_a_world_is_started_found_again_kept_and_stopped(tmp_path: Path) -> None:
    started = embedded.start(tmp_path, scenario="none", linger=3600)
    found = embedded.attach(tmp_path)
    assert (found.endpoint, found.pid) == (started.endpoint, started.pid)
    assert os.getsid(started.pid) == started.pid
    found.keep(90)
    assert found.calls() == []
    assert "instances" in found.inventory()
    started.stop()
    started.stop()
    with pytest.raises(TargetError, match="nobody answers") as caught:
        embedded.attach(tmp_path)
    assert caught.value.code == "Unreachable"
    with pytest.raises(ProcessLookupError):
        os.kill(started.pid, 0)


def test_a_world_is_not_taken_for_another_that_has_its_port(world: embedded.World, tmp_path: Path) -> None:
    text = (world.directory / "world.json").read_text(encoding="utf-8")
    (tmp_path / "world.json").write_text(text.replace(f'"pid": {world.pid}', '"pid": 1'), encoding="utf-8")
    with pytest.raises(TargetError, match=f"is process {world.pid}, expected 1"):
        embedded.attach(tmp_path)


def test_a_folder_without_a_world_says_so(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="does not say where the embedded world is"):
        embedded.attach(tmp_path)
    (tmp_path / "world.json").write_text("{", encoding="utf-8")
    with pytest.raises(TargetError, match="does not say where the embedded world is"):
        embedded.attach(tmp_path)


def test_a_world_that_cannot_start_shows_its_own_words(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match=r"(?s)ended with status 2.*no-such-scenario.*next: read ") as caught:
        embedded.start(tmp_path, scenario="no-such-scenario", linger=5)
    assert caught.value.code == "WorldNotReady"


def test_a_missing_emulator_is_named_with_the_command_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "fake" / "moto"
    fake.mkdir(parents=True)
    (fake / "__init__.py").write_text("raise ModuleNotFoundError(\"No module named 'moto'\")", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(fake.parent))
    monkeypatch.delenv(VARIABLE)
    with pytest.raises(TargetError, match=r"pip install 'drproof\[embedded\]'") as caught:
        embedded.start(tmp_path, scenario="none", linger=5)
    assert caught.value.code == "EmbeddedMissing"
    # People who lack an extra are not shown where Python noticed it.
    assert str(caught.value).splitlines() == [
        "the embedded world is not installed: No module named 'moto'",
        "  next: pip install 'drproof[embedded]'",
    ]
