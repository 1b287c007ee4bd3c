"""Values of our options are no paths of tests.

pytest reads configuration and conftest files before it knows our options, and takes their values for paths. A bundle
may come from anybody: nothing that lies in it may be run, or decide how pytest runs.
"""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from drproof.plugin.options import words_with_values

PROCESSES = re.compile(r"-n[0-9]*|--numprocesses(=.*)?")
FOLDERS = ("bundle-dir", "receipt-dir")


def shield(config: pytest.Config, parser: pytest.Parser, args: list[str]) -> None:
    """Keep the values of our options from being taken for paths of tests.

    Raises:
        pytest.UsageError: a bundle holds what pytest would run or obey.
    """
    words = words_with_values(parser)
    for word, value in pairwise(args):
        if word in words and value in config.known_args_namespace.file_or_dir:
            config.known_args_namespace.file_or_dir.remove(value)
    for option, value in _folders(args):
        folder = (config.invocation_params.dir / value).resolve()
        for path in _obeyed(config, folder):
            msg = (
                f"--{option} {value} holds {path}, which pytest would run or obey; expected evidence and nothing else\n"
                f"  next: do not trust this folder; ask for an untouched copy of it"
            )
            raise pytest.UsageError(msg)


def refuse_processes_that_nobody_starts(config: pytest.Config, args: list[str]) -> None:
    """Refuse `-n` where pytest-xdist is not installed, which pytest itself calls an unknown argument.

    Raises:
        pytest.UsageError: nobody here starts other processes.
    """
    asked = next((word for word in args if PROCESSES.fullmatch(word)), "")
    if asked and not config.pluginmanager.hasplugin("xdist"):
        msg = f"{asked} needs pytest-xdist, which is not here\n  next: pip install 'drproof[xdist]'"
        raise pytest.UsageError(msg)


def _folders(args: list[str]) -> Iterator[tuple[str, str]]:
    """Return the folders of evidence that the command line names, in either spelling."""
    for option in FOLDERS:
        for word in (f"--{option}", f"--dr-{option}"):
            yield from ((option, value) for name, value in pairwise(args) if name == word)
            yield from ((option, arg.partition("=")[2]) for arg in args if arg.startswith(f"{word}="))


def _obeyed(config: pytest.Config, folder: Path) -> Iterator[str]:
    """Return what pytest would run or obey of a folder."""
    if config.inipath is not None and config.inipath.resolve().is_relative_to(folder):
        yield config.inipath.name
    if folder.is_dir():
        yield from (path.relative_to(folder).as_posix() for path in sorted(folder.rglob("conftest.py")))
