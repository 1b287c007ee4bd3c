"""A run of all tests takes each costly test on one of so many days, and any other run takes all that it names."""

import datetime as dt
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import shares
from tests.patience import PATIENCE

ROOT = Path(__file__).parents[1]
SUITE = """
import pytest

@pytest.fixture
def operator():
    return None

@pytest.mark.parametrize("number", range(40))
def test_a_drill_of_its_own(operator, number):
    pass

@pytest.mark.costly("one execution")
@pytest.mark.parametrize("number", range(6))
def test_what_shares_an_execution(number):
    pass

@pytest.mark.costly(days=4)
@pytest.mark.parametrize("number", range(20))
def test_that_costs_a_second(number):
    pass

@pytest.mark.parametrize("number", range(5))
def test_cheap(number):
    pass

@pytest.mark.exhaustive
def test_sweep(operator):
    pass
"""
SETTINGS = """
[tool.pytest.ini_options]
testpaths = ["tests"]
addopts = ["-m", "not exhaustive", "-p", "no:randomly", "-p", "no:cacheprovider"]
pythonpath = ["."]
markers = ["exhaustive: a sweep", "costly(together, days): a drill"]
"""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """A project with the conftest of ours, and tests of each kind."""
    folder = tmp_path / "tests"
    folder.mkdir()
    for name in ("__init__.py", "conftest.py", "fork_server.py", "interpreter.py", "shares.py"):
        (folder / name).write_bytes((ROOT / "tests" / name).read_bytes())
    (folder / "test_all.py").write_text(SUITE)
    (tmp_path / "pyproject.toml").write_text(SETTINGS)
    return tmp_path


def pytest_in(suite: Path, *words: str, share: str = "") -> "subprocess.CompletedProcess[str]":
    """Run pytest in a project as somebody who types it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "TESTS_"))}
    kept["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "xdist.plugin", "-v", *words],
        cwd=suite,
        env=kept | ({shares.VARIABLE: share} if share else {}),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


def ran(suite: Path, *words: str, share: str = "") -> list[str]:
    """Return the tests that a run took."""
    done = pytest_in(suite, *words, share=share)
    assert done.returncode == 0, done.stdout
    passed = [line for line in done.stdout.splitlines() if "PASSED" in line]
    return sorted(re.findall(r"test_all\.py::(\S+)", "\n".join(passed)))


def test_every_costly_test_has_one_day_and_every_other_test_has_each(suite: Path) -> None:
    days = [ran(suite, share=str(share)) for share in range(shares.SHARES)]

    assert all(sum(one.startswith("test_cheap") for one in day) == 5 for day in days)
    costly = [one for day in days for one in day if one.startswith(("test_a_drill", "test_what_shares"))]
    assert len(costly) == len(set(costly)) == 46
    together = [sum(one.startswith("test_what_shares") for one in day) for day in days]
    assert sorted(together) == [*[0] * (shares.SHARES - 1), 6]
    assert all(0 < len(day) < 40 for day in days)
    seconds = [{one for one in day if one.startswith("test_that_costs")} for day in days]
    assert seconds[: shares.FEW] * (shares.SHARES // shares.FEW) == seconds, "each is run in every few days"
    assert sorted(one for day in seconds[: shares.FEW] for one in day) == sorted(set.union(*seconds))
    assert len(set.union(*seconds)) == 20


def test_a_run_of_all_tests_takes_the_share_of_the_day_and_says_so(suite: Path) -> None:
    done = pytest_in(suite, "-n", "2")

    said = [line for line in done.stdout.splitlines() if line.startswith("costly tests: share ")]
    assert len(said) == 1, done.stdout
    assert said[0].endswith("TESTS_SHARE=whole")
    assert 5 < done.stdout.count("PASSED") < 71


@pytest.mark.parametrize(
    ("words", "count"),
    [
        (("tests/test_all.py", "-n", "2"), 71),
        (("-m", "exhaustive or costly"), 67),
    ],
)
def test_what_is_named_is_run_whole(suite: Path, words: tuple[str, ...], count: int) -> None:
    assert len(ran(suite, *words)) == count


def test_a_share_that_is_none_is_refused(suite: Path) -> None:
    done = pytest_in(suite, share=str(shares.SHARES))

    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert f"expected whole or a number below {shares.SHARES}" in done.stderr


def test_days_follow_each_other(pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(shares.VARIABLE)
    monkeypatch.setattr(pytestconfig, "args_source", pytest.Config.ArgsSource.TESTPATHS)
    monkeypatch.setattr(pytestconfig.option, "markexpr", shares.DEFAULT)
    first = dt.date(2026, 11, 27)
    days = [first + dt.timedelta(days=number) for number in range(shares.SHARES)]

    assert {shares.share_of_a_run(pytestconfig, day) for day in days} == {*map(str, range(shares.SHARES))}
