"""The folder of an export: new or empty, and of all its files or of none."""

import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from drproof.engine.refusal import refuse
from drproof.model.collection import HandedFile

UNFINISHED = ".unfinished"


def refuse_taken(directory: Path) -> None:
    """Refuse a place that holds something.

    Raises:
        Refusal: it is a file, or a folder that is not empty.
    """
    if directory.is_dir():
        taken = "is not empty" if any(directory.iterdir()) else ""
    else:
        taken = "is no folder" if directory.exists() else ""
    if taken:
        raise refuse(
            f"{directory} {taken}",
            expected="a folder of its own: what lies there already would seem to belong to the execution",
            next_step="name another --out",
        )


def write(files: Iterable[HandedFile], directory: Path) -> None:
    """Write the files into a folder that is new or empty: all of them, or none.

    Raises:
        Refusal: the place holds something.
    """
    refuse_taken(directory)
    was_there = directory.exists()
    # A part of an export would be judged as the whole of one: no file gets its name before all are written.
    unfinished = directory / UNFINISHED
    unfinished.mkdir(parents=True)
    named: list[Path] = []
    try:
        for file in files:
            (unfinished / file.name).write_bytes(file.data)
        for path in sorted(unfinished.iterdir()):
            named.append(directory / path.name)
            path.replace(named[-1])
        unfinished.rmdir()
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        for path in named:
            path.unlink(missing_ok=True)
        if not was_there:
            # What somebody else has put there meanwhile is theirs.
            with suppress(OSError):
                directory.rmdir()
        raise
