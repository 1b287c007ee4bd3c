"""Somebody's folder: small plugins, conftest files and settings beside the drill, and pytest as a process of its own."""

import contextlib
import os
import pty
import select
import subprocess
import sys
import time
from importlib.resources import files
from pathlib import Path

import pytest

from tests.drill.conftest import SECONDS, Drill, Operator
from tests.drill.shared import Shelf

KEPT = {"PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "SYSTEMROOT"}
"""What a folder's environment keeps of ours: a developer's shell must not decide a test."""

WATCH = """
import os, sys

EVENTS = {"socket.connect", "socket.bind", "socket.getaddrinfo", "subprocess.Popen", "os.fork", "os.posix_spawn", "os.exec"}

TERMINAL = os.dup(2)

def hear(event, args):
    if event in EVENTS and not (event == "subprocess.Popen" and args[1][0] == "git"):
        os.write(TERMINAL, f"TOUCHED {event}\\n".encode())

sys.addaudithook(hear)
"""
"""A plugin that says so when anything but git is started, or a socket is used."""


class Colleague(Operator):
    """An operator with every plugin of the environment switched on, shuffling apart."""

    shuffled = False
    interpreter: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()
    """Switches of one desk; rerunfailures listens on a socket of its own in every run."""

    def command(self, *words: str) -> list[str]:
        plain = () if self.shuffled else ("-p", "no:randomly")
        return [sys.executable, *self.interpreter, "-m", "pytest", *plain, *self.apart, *words]

    def environment(self, **changes: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name in KEPT}
        world = {
            "EMBEDDED_WORLD_MEMBERS": "60",
            "PYTHONDONTWRITEBYTECODE": "1",
            "COLUMNS": "200",
            "PYTHONPATH": str(self.folder),
        }
        return {**kept, **world, **changes}

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def refused(self, *words: str, **environment: str) -> str:
        """Run what must be refused, and return what was said: exit 4, the next command, and nothing left behind."""
        before = self.names()
        drill = self.run("-p", "no:cacheprovider", *words, **environment)
        assert drill.status == pytest.ExitCode.USAGE_ERROR, drill.output
        assert "  next: " in drill.output, drill.output
        assert "Traceback" not in drill.output
        assert self.names() == before, "a refusal leaves nothing"
        return drill.output

    def names(self) -> set[str]:
        """Return what lies here, the project's key apart: it outlives every run, refused ones too."""
        names = (path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*"))
        return {name for name in names if name.partition("/")[0] != ".drproof"}

    def at_a_terminal(self, *words: str) -> tuple[int, str]:
        """Run pytest in a pseudo-terminal and return its status and everything it wrote there."""
        ours, theirs = pty.openpty()
        try:
            process = subprocess.Popen(
                self.command(*words),
                cwd=self.folder,
                env=self.environment(TERM="xterm"),
                stdin=theirs,
                stdout=theirs,
                stderr=theirs,
                start_new_session=True,
            )
        finally:
            os.close(theirs)
        try:
            text = _all_of(ours)
            return process.wait(timeout=SECONDS), text
        finally:
            os.close(ours)


def _all_of(descriptor: int) -> str:
    """Return what is written to a terminal until nobody holds it any more."""
    data = b""
    deadline = time.monotonic() + SECONDS
    # The end of a terminal whose other side is closed is an error, not an empty read.
    with contextlib.suppress(OSError):
        while time.monotonic() < deadline:
            if select.select([descriptor], [], [], 1)[0]:
                chunk = os.read(descriptor, 65536)
                if not chunk:
                    break
                data += chunk
    return data.decode(errors="replace")


def live_settings() -> str:
    """Return a whole `drproof.toml` of a live site."""
    return 'target = "aws"\n' + (files("drproof") / "embedded" / "settings.toml").read_text(encoding="utf-8")


@pytest.fixture
def desk(tmp_path: Path) -> Colleague:
    return Colleague(tmp_path)


@pytest.fixture
def live(desk: Colleague) -> Colleague:
    """A desk whose settings name a live site."""
    desk.write("drproof.toml", live_settings())
    return desk


@pytest.fixture
def watched(desk: Colleague) -> Colleague:
    desk.write("watch.py", WATCH)
    desk.apart = ("-p", "no:rerunfailures", "-p", "watch")
    return desk


USERS_TEST = """
import pytest

@pytest.mark.drill
def test_what_was_restored(restore):
    print(f"SEEN {type(restore).__name__} {restore.phase} {restore.outcome}")
    assert restore.passed
"""

SETTINGS = """
target = "embedded"
[criteria]
rto = "40m"
[limits]
max_attempts = 7
validate_max_retries = 0
lease = "90s"
"""


@pytest.fixture(scope="session")
def whole(shelf: Shelf) -> Drill:
    """One whole drill with every plugin on, a user's own test beside it, and settings from everywhere."""
    return shelf.drill("whole", _whole)


def _whole(folder: Path) -> Drill:
    colleague = Colleague(folder)
    colleague.write("drproof.toml", SETTINGS)
    colleague.write("test_mine.py", USERS_TEST)
    said = ("--max-attempts", "2", "--run-id", "whole", "-v", "-s", "-ra", "test_mine.py")
    return colleague.run("-m", "drill", *said, DR_MAX_PHASE_ATTEMPTS="5", DR_VALIDATE_MAX_RETRIES="1")


LEAK = """
import json
from pathlib import Path

from drproof.phases.health.check_health import check_health

act = check_health.act

def leaking(ctx):
    Path("secrets.json").write_text(json.dumps(list(ctx.target.secrets)))
    for value in ctx.target.secrets:
        ctx.say(f"the key is {value}")
    return act(ctx)

check_health.act = leaking
"""
"""A plugin whose check_health tells its log every secret that the target knows."""


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Colleague, str]:
    """A drill at a terminal that was kept up, and what the terminal showed."""
    colleague = Colleague(tmp_path_factory.mktemp("kept"))
    colleague.write("leak.py", LEAK)
    words = ("-m", "drill", "--target", "embedded", "--run-id", "up", "--stop-after", "bringup", "--teardown", "false")
    status, shown = colleague.at_a_terminal("-p", "leak", *words)
    assert status == 0, shown
    return colleague, shown


@pytest.fixture(scope="session")
def removed(kept: tuple[Colleague, str]) -> Drill:
    """The teardown of what was kept up, with the board's results elsewhere."""
    words = ("--start-at", "teardown", "--receipt-dir", "reports/up", "--run-id", "down", "--alluredir", "elsewhere")
    return kept[0].run("-m", "drill", "--target", "embedded", *words)
