"""A disk that gives nothing back at any read costs the proof, never the teardown, and is never taken for an empty one."""

import builtins
import errno
import io
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from drproof.cli.app import app
from drproof.engine import resume as resuming
from drproof.engine.refusal import Refusal
from drproof.model.errors import DrproofError
from tests.engine import small

SAMPLE = Path(__file__).parents[2] / "reports"


class Reading:
    """Counts how often files below a folder are opened or read, and lets the Nth fail."""

    def __init__(self, patch: pytest.MonkeyPatch, folder: Path, nth: int) -> None:
        self.count = 0
        self._folder, self._nth = str(folder.resolve()), nth
        opened, read = io.open, os.read

        def open_(file: Any, mode: str = "r", *given: Any, **more: Any) -> Any:
            self._pass(str(file) if set(mode) <= set("rbt") else "")
            return opened(file, mode, *given, **more)

        def read_(descriptor: int, size: int) -> bytes:
            self._pass(_path(descriptor))
            return read(descriptor, size)

        for module in (io, builtins):
            patch.setattr(module, "open", open_)
        patch.setattr(os, "read", read_)

    def _pass(self, path: str) -> None:
        if path.startswith(self._folder):
            self.count += 1
            if self.count == self._nth:
                raise OSError(errno.EIO, os.strerror(errno.EIO), path)


def _path(descriptor: int) -> str:
    try:
        return str(Path(f"/proc/self/fd/{descriptor}").readlink())
    except OSError:
        return ""


@contextmanager
def failing(folder: Path, nth: int) -> Iterator[Reading]:
    with pytest.MonkeyPatch.context() as patch:
        yield Reading(patch, folder, nth)


def sampled(most: int, every: int, *those: int) -> list[Any]:
    """Return every read; all but a few, and those that once went wrong, only in the whole sweep."""
    return [
        pytest.param(nth, id=f"read-{nth}", marks=() if nth % every == 1 or nth in those else (pytest.mark.exhaustive,))
        for nth in range(1, most + 1)
    ]


def half(folder: Path) -> small.Small:
    """Return a run of which the process ended while all that it made is up."""
    run = small.begin(folder)
    run.run.advance("restore")
    run.run.opened.private.release()
    return run


def verified() -> tuple[int, str]:
    """Return what an auditor is told of the sample, which is sound."""
    words = ["verify", str(SAMPLE / "sample"), "--trust", str(SAMPLE / "sample.trust.json"), "--accept-rehearsal"]
    done = CliRunner().invoke(app, words)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


READS = 280
"""More than a small run has, or its resumption; a number that it never reaches is a run that ends well."""

OF_AN_AUDIT = 160


def test_the_sweeps_reach_past_the_last_read(tmp_path, monkeypatch):
    with failing(SAMPLE, 0) as audit:
        assert verified()[0] == 0
    with failing(tmp_path, 0) as whole:
        small.begin(tmp_path / "whole").to_the_end()
    run = half(tmp_path / "half")
    small.again(run, monkeypatch)
    with failing(tmp_path, 0) as resumed:
        resuming.resume(run.directory)

    assert 100 < audit.count < OF_AN_AUDIT
    assert 100 < whole.count < READS
    assert 100 < resumed.count < READS


@pytest.mark.parametrize("nth", sampled(READS, 90, 95, 169))
def test_one_read_that_fails_leaves_nothing_up_and_the_run_is_sealed(tmp_path, nth):
    run = small.begin(tmp_path)

    with failing(tmp_path, nth):
        conclusion = run.to_the_end()

    assert run.world.undeclared == []
    assert run.world.things == set()
    assert not conclusion.still_up
    assert (run.directory / "closing.dsse.json").exists()


@pytest.mark.parametrize("nth", sampled(READS, 90))
def test_a_read_that_fails_while_a_run_is_taken_up_costs_no_teardown(tmp_path, monkeypatch, nth):
    run = half(tmp_path)
    world = small.again(run, monkeypatch)

    with failing(tmp_path, nth), suppress(ValueError, DrproofError, OSError):
        resuming.resume(run.directory)
    with suppress(Refusal):
        # It says that there is nothing to resume where the first one has done it all.
        resuming.resume(run.directory)

    assert world.undeclared == []
    assert world.things == set()
    assert (run.directory / "closing.dsse.json").exists()
    assert run.run.opened.private.has_ended


@pytest.mark.parametrize("nth", sampled(OF_AN_AUDIT, 50))
def test_a_read_that_fails_in_an_audit_is_never_taken_for_proof(nth):
    with failing(SAMPLE, nth) as disk:
        status, said = verified()

    if disk.count < nth:
        assert status == 0
        return
    assert status in {1, 2}
    assert os.strerror(errno.EIO) in said


def test_what_cannot_be_put_away_after_the_seal_is_told_and_left_to_the_guardian(tmp_path, monkeypatch):
    run = small.begin(tmp_path)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", refuse)
        conclusion = run.to_the_end()

    assert not conclusion.still_up
    assert run.run.not_put_away == (
        f"not put away: [Errno 30] Read-only file system\n  next: drproof resume {run.directory}"
    )
    small.again(run, monkeypatch)
    resuming.resume(run.directory)
    assert run.run.opened.private.has_ended
