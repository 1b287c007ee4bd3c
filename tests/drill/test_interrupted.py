"""A drill that is interrupted in any way, wherever it is, on each release of pytest, leaves nothing behind."""

import fcntl
import subprocess
import sys
from pathlib import Path

import pytest

from tests.drill.conftest import SECONDS
from tests.drill.left import left

KINDS = ("sigint", "sigint-thrice", "sigterm", "sighup", "sigkill", "exit", "timeout-signal", "timeout-thread")
PLACES = ("set-up", "body", "teardown")
RELEASES = ("8.4.2", "9.0.2", "9.1.0", "9.2.0")
INSTALLED = pytest.__version__
SAMPLE = {
    ("sigint-thrice", "set-up", RELEASES[-1]),
    ("sighup", "body", RELEASES[-1]),
    ("timeout-signal", "teardown", RELEASES[-1]),
    ("timeout-thread", "set-up", RELEASES[-1]),
}


def cells():
    for release in RELEASES:
        for kind in KINDS:
            for place in PLACES:
                marks = () if (kind, place, release) in SAMPLE else (pytest.mark.exhaustive,)
                yield pytest.param(release, kind, place, marks=marks, id=f"{release}-{kind}-{place}")


@pytest.fixture
def installed(shelf):
    """Where a release of pytest lies, installed when it is first asked for; "" for the one that runs this."""

    def path(release: str) -> str:
        if release == INSTALLED:
            return ""
        folder: Path = shelf.place / f"pytest-{release}"
        with (shelf.place / f"pytest-{release}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (folder / "done").exists():
                words = ("-q", "--disable-pip-version-check", "--no-deps", "--target", str(folder))
                subprocess.run([sys.executable, "-m", "pip", "install", *words, f"pytest=={release}"], check=True)
                (folder / "done").touch()
        return str(folder)

    return path


def interrupted(operator, root, kind, place, *words, packages=""):
    """Run a drill up to its restore that is interrupted once, with no other plugin than the one that may do it."""
    struck = operator.folder / "struck"
    timeout = ("-p", "pytest_timeout", "--timeout", "900", "--timeout-method", kind.removeprefix("timeout-"))
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "drproof.plugin", *(timeout if kind.startswith("timeout") else ()),
         "-p", "tests.drill.interrupt", "-m", "drill", "--target", "embedded", "--provisioner", "direct",
         "--stop-after", "restore", "--run-id", "interrupted", *words],
        cwd=operator.folder,
        env=operator.environment(
            INTERRUPT=f"{kind}:{place}", STRUCK=str(struck), PYTEST_DISABLE_PLUGIN_AUTOLOAD="1",
            PYTHONPATH=f"{packages}:{root}", EMBEDDED_WORLD_MEMBERS="4",
        ),
        capture_output=True, text=True, timeout=SECONDS, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    output = run.stdout + run.stderr
    assert struck.exists(), output
    return run.returncode, output


@pytest.mark.parametrize(("release", "kind", "place"), list(cells()))
def test_an_interrupted_drill_leaves_nothing(operator, installed, release, kind, place, pytestconfig):
    status, output = interrupted(operator, pytestconfig.rootpath, kind, place, packages=installed(release))
    assert f"pytest-{release}" in output or kind in {"sigkill", "exit"}, output

    drill = operator.closed("interrupted")

    assert status != 0 or (kind.startswith("sig") and place == "teardown"), output
    assert left(drill, "interrupted") == [], output
    made = [call for call in drill.called("RunInstances") if call["status"] == 200]
    assert len(made) == 1, "the drill was interrupted before there was anything to leave"
    assert drill.verified().status in {3, 4, 0}, drill.verified().problems
