"""Reading what is handed in: the files of a folder and those that options name; links are never followed."""

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from drproof.engine.refusal import refuse
from drproof.model.collection import Collection, HandedAs, HandedFile

LARGEST = 64 << 20
"""Bytes of one file: the history of an execution has at most 25,000 events."""

MOST = 2_000
"""Files of one folder; what holds more is no folder of receipts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """What the caller names."""

    folder: Path
    alarms: tuple[Path, ...] = ()
    histories: tuple[Path, ...] = ()
    listing: tuple[Path, ...] = ()
    execution_id: str = ""
    account_id: str = ""
    region: str = ""
    decision: bool = False
    alarm_lead_ms: int = 3_600_000


def gather(handed: Handed) -> Collection:
    """Return every file, read once.

    Raises:
        Refusal: the folder is none, is empty, or a named file is not there.
    """
    if not handed.folder.is_dir():
        raise refuse(
            f"source_dir_not_found:{handed.folder}",
            expected="the folder of an execution's receipts",
            next_step="drproof collect --source-dir <folder> --output-dir <new folder> --alarm-history-json <file>",
        )
    root = handed.folder.resolve()
    inside = sorted(path for path in root.rglob("*") if path.is_symlink() or not path.is_dir())
    if not inside:
        raise refuse(f"{handed.folder} is empty", expected="the receipts of an execution", got="no file")
    if len(inside) > MOST:
        raise refuse(
            f"{handed.folder} is no folder of receipts", expected=f"at most {MOST} files", got=str(len(inside))
        )
    named: list[tuple[Path, HandedAs]] = [
        *((path, "alarms") for path in handed.alarms),
        *((path, "history") for path in handed.histories),
        *((path, "listing") for path in handed.listing),
    ]
    for path, kind in named:
        if not path.is_file():
            raise refuse(f"{path} is not there", expected=f"the file of the {kind}", next_step="mend the option")
    elsewhere = {path.resolve() for path, _ in named}
    files = [read_file(path, path.relative_to(root).as_posix(), "folder") for path in inside if path not in elsewhere]
    return Collection(files=(*files, *_named(named)))


def _named(named: Iterable[tuple[Path, HandedAs]]) -> Iterable[HandedFile]:
    """Yield the files that options name, numbered: two may have one name in two folders."""
    seen: set[Path] = set()
    for number, (path, kind) in enumerate(named, start=1):
        if path.resolve() not in seen:
            seen.add(path.resolve())
            yield read_file(path.resolve(), f"{kind}/{number}-{path.name}", kind)


def read_file(path: Path, name: str, handed_as: HandedAs) -> HandedFile:
    """Return one file as it was handed in; a link, or what is longer than any file of its kind, is said to be so."""

    def broken(problem: str) -> HandedFile:
        return HandedFile(name=name, handed_as=handed_as, problem=problem)

    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as exc:
        return broken("a link, not a file" if path.is_symlink() else f"cannot be read: {exc.strerror}")
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            return broken("no regular file")
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        return broken(f"longer than {LARGEST} bytes")
    return HandedFile(name=name, data=data, handed_as=handed_as)
