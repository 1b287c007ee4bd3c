"""A disk that fails at any write costs the proof, never the teardown, and never lets anything be changed unannounced."""

import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from drproof.engine import resume as resuming
from drproof.engine.conclusion import Conclusion
from drproof.evidence.bundle import Bundle
from drproof.report import summary
from tests.engine import small
from tests.report.observed import TYPES

NUMBERS = (errno.ENOSPC, errno.EIO, errno.EROFS)
WRITES = 270
"""More than a small run makes; a number that it never reaches is a run that ends well."""


class Disk:
    """Counts what is written and flushed, and fails from the Nth on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, fails: Callable[[int], int]) -> None:
        """`fails` returns the error of a numbered write, 0 for none."""
        self.count = 0
        self.struck = 0
        self._fails = fails
        for name in ("write", "fsync"):
            monkeypatch.setattr(os, name, self._around(getattr(os, name)))
        monkeypatch.setattr(Path, "replace", self._around(Path.replace))

    def _around(self, act: Callable[..., Any]) -> Callable[..., Any]:
        def acted(*given: Any) -> Any:
            self.count += 1
            if number := self._fails(self.count):
                self.struck += 1
                raise OSError(number, os.strerror(number))
            return act(*given)

        return acted


@contextmanager
def failing(fails: Callable[[int], int]) -> Iterator[Disk]:
    with pytest.MonkeyPatch.context() as patch:
        yield Disk(patch, fails)


def _never(_: int) -> int:
    return 0


def test_a_small_run_ends_whole(tmp_path):
    run = small.begin(tmp_path)

    with failing(_never) as disk:
        conclusion = run.to_the_end()

    assert {name: receipt.outcome for name, receipt in run.run.receipts.items()} == dict.fromkeys(TYPES, "passed")
    assert run.world.things == set()
    assert (run.directory / "closing.dsse.json").exists()
    assert not conclusion.still_up
    assert 100 < disk.count < WRITES


def shown(run: small.Small, conclusion: Conclusion) -> str:
    """Return what a driver prints at the end."""
    types = {phase.name: phase.observes for phase in run.run.prepared.plan.phases}
    bundle = Bundle.open(run.directory, types)
    said = summary.lines(
        bundle, outcome=conclusion.outcome, exit_status=conclusion.exit_status, still_up=conclusion.still_up,
        directory=run.directory, unsealed=conclusion.unsealed,
    )  # fmt: skip
    return "\n".join(said)


def sampled(first: int) -> list[Any]:
    """Return every write of a small run with each error in turn; all but a few only in the whole sweep."""
    few = set(range(first, WRITES, 60))
    return [
        pytest.param(nth, NUMBERS[nth % 3], id=f"write-{nth}", marks=() if nth in few else (pytest.mark.exhaustive,))
        for nth in range(1, WRITES)
    ]


@pytest.mark.parametrize(("nth", "number"), sampled(4))
def test_one_write_that_fails_leaves_nothing_up_and_nothing_unannounced(tmp_path, nth, number):
    run = small.begin(tmp_path)

    with failing(lambda count: number if count == nth else 0):
        conclusion = run.to_the_end()

    assert run.world.undeclared == []
    assert run.world.things == set()
    assert not conclusion.still_up
    assert (run.directory / "closing.dsse.json").exists()


@pytest.mark.parametrize(("nth", "number"), sampled(9))
def test_a_disk_that_takes_nothing_any_more_changes_nothing_more_and_says_what_is_up(tmp_path, nth, number):
    run = small.begin(tmp_path)

    with failing(lambda count: number if count >= nth else 0) as disk:
        conclusion = run.to_the_end()

    assert run.world.undeclared == []
    if not disk.struck:
        return
    assert conclusion.exit_status == 1
    assert conclusion.outcome != "proven"
    said = shown(run, conclusion)
    assert f"drproof resume {run.directory}" in said, said
    assert conclusion.still_up or run.world.things == set()
    assert not conclusion.still_up or "STILL UP" in said, said


@pytest.mark.parametrize("nth", range(5, WRITES, 60))
def test_with_the_reserve_a_full_disk_still_takes_the_teardown(tmp_path, nth):
    run = small.begin(tmp_path)
    reserve = run.directory / "journal.reserve"

    with failing(lambda count: errno.ENOSPC if count >= nth and reserve.exists() else 0):
        conclusion = run.to_the_end()

    assert run.world.undeclared == []
    assert run.world.things == set()
    assert run.run.receipts["teardown"].passed
    assert not conclusion.still_up
    assert (run.directory / "closing.dsse.json").exists()


def test_a_run_whose_disk_was_full_is_finished_once_there_is_room(tmp_path, monkeypatch):
    run = small.begin(tmp_path)
    with failing(lambda count: errno.ENOSPC if count >= 40 else 0):
        conclusion = run.to_the_end()
    assert conclusion.still_up
    assert run.world.things
    run.run.opened.private.release()

    again = small.again(run, monkeypatch)
    concluded = resuming.resume(run.directory, reason="there is room again")

    assert again.things == set()
    assert not concluded.still_up
    assert (run.directory / "closing.dsse.json").exists()


def test_a_run_on_a_real_disk_that_is_full_is_torn_down_from_the_journals_reserve(tmp_path):
    """Where nobody may mount, the tests above stand alone."""
    place = tmp_path / "small"
    place.mkdir()
    root = Path(__file__).parents[2]
    command = ["unshare", "--mount", sys.executable, "-m", "tests.engine.on_a_small_disk", str(place)]
    if shutil.which("unshare") is None:
        pytest.skip("no unshare on this machine")
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip(f"nobody may mount a small disk here: {done.stderr}")

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (sorted(found.pop("up")), found.pop("full")) == (sorted(small.MAKING), "No space left on device")
    assert found == {"undeclared": [], "left": [], "teardown": "passed", "still_up": False}
