"""`.ci/tests` asks what failed once more, alone: what passes then is named, what fails twice fails the run."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.patience import PATIENCE

ROOT = Path(__file__).parents[1]

BOOTSTRAP = """
import subprocess, sys
assert sys.argv[1] == "test"
with open("runs", "a") as runs:
    print(*sys.argv[2:], file=runs)
words = ["-p", "xdist.plugin", "-n", "1", "--dist", "worksteal", *sys.argv[2:]]
sys.exit(subprocess.call([INTERPRETER, "-m", "pytest", *words]))
"""

TESTS = """
from pathlib import Path

import pytest

def test_well():
    pass

def test_once():
    mark = Path(__file__).with_name("failed-once")
    if not mark.exists():
        mark.touch()
        pytest.fail("the first time")

@pytest.fixture
def broken():
    assert not Path(__file__).with_name("set-up-fails").exists()

def test_set_up(broken):
    pass

@pytest.mark.parametrize("number", range(6))
def test_always(number):
    assert number >= int(Path(__file__).with_name("bad").read_text())
"""

FIRST = "--cache-clear --durations=60 --durations-min=5"
"""How the tests are run the first time."""


class Project:
    """A small project with the script."""

    def __init__(self, folder: Path, *, bad: int = 0) -> None:
        self.folder = folder
        (folder / ".ci").mkdir()
        shutil.copy(ROOT / ".ci/tests", folder / ".ci/tests")
        (folder / "bootstrap.py").write_text(BOOTSTRAP.replace("INTERPRETER", repr(sys.executable)))
        (folder / "pytest.ini").write_text("[pytest]\naddopts = -ra\n")
        (folder / "test_small.py").write_text(TESTS)
        (folder / "failed-once").touch()
        (folder / "bad").write_text(str(bad))

    def run(self, *words: str) -> tuple[int, list[str], list[str]]:
        """Return the status, the lines that the script itself says, and the words of each run of the tests."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        # What the environment has besides would be imported dozens of times.
        kept["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        done = subprocess.run(
            [sys.executable, ".ci/tests", *words],
            cwd=self.folder,
            env=kept,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        said = [line for line in done.stdout.splitlines() if line.startswith(("FLAKY: ", "FAILED TWICE: "))]
        return done.returncode, said, (self.folder / "runs").read_text().splitlines()


def test_what_passes_the_first_time_is_asked_once(tmp_path: Path) -> None:
    assert Project(tmp_path).run() == (0, [], [FIRST])


def test_what_passes_alone_is_named_and_does_not_fail_the_run(tmp_path: Path) -> None:
    project = Project(tmp_path)
    (tmp_path / "failed-once").unlink()

    status, said, runs = project.run("-v")

    assert (status, runs) == (0, [f"{FIRST} -v", "--last-failed -n 0 -v"])
    assert said == ["FLAKY: test_small.py::test_once failed among the others and passed alone"]


def test_what_fails_twice_fails_the_run_and_what_passed_alone_is_named_beside_it(tmp_path: Path) -> None:
    project = Project(tmp_path, bad=1)
    (tmp_path / "failed-once").unlink()

    status, said, _ = project.run()

    assert status == 1
    assert said == [
        "FLAKY: test_small.py::test_once failed among the others and passed alone",
        "FAILED TWICE: test_small.py::test_always[0]",
    ]


def test_a_set_up_that_fails_twice_fails_the_run(tmp_path: Path) -> None:
    project = Project(tmp_path)
    (tmp_path / "set-up-fails").touch()

    assert project.run()[:2] == (1, ["FAILED TWICE: test_small.py::test_set_up"])


@pytest.mark.parametrize(("bad", "asked"), [(5, 2), (6, 1)])
def test_more_than_five_failures_are_not_asked_again(tmp_path: Path, bad: int, asked: int) -> None:
    status, said, runs = Project(tmp_path, bad=bad).run()

    assert (status, len(runs)) == (1, asked)
    assert len(said) == (bad if asked == 2 else 0)


def test_a_failure_of_an_earlier_run_is_none_of_this_one(tmp_path: Path) -> None:
    project = Project(tmp_path, bad=1)
    project.run()
    (tmp_path / "test_small.py").write_text("def test_other():\n    pass\n")

    status, said, runs = project.run()

    assert (status, said, len(runs)) == (0, [], 3)


def test_what_is_no_failure_of_a_test_is_not_asked_again(tmp_path: Path) -> None:
    status, said, runs = Project(tmp_path).run("--no-such-option")

    assert (status, said, len(runs)) == (4, [], 1)


def test_a_file_that_cannot_be_collected_fails_the_run(tmp_path: Path) -> None:
    project = Project(tmp_path)
    (tmp_path / "test_small.py").write_text("import no_such_module\n")

    status, said, _ = project.run()

    assert status != 0
    assert not [line for line in said if line.startswith("FLAKY")]
