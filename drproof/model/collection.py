"""What was handed in to be judged: files as they were read, once, before anything is made of them."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

HandedAs: TypeAlias = Literal["folder", "alarms", "history", "listing", "reading"]
"""Whether a file lay in the folder, or was named by an option that says what it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedFile:
    """One file; `problem` says why it could not be read, and is empty when it could."""

    name: str
    data: bytes = b""
    handed_as: HandedAs = "folder"
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """Every file that was handed in, by name."""

    files: tuple[HandedFile, ...] = ()
    source: str = ""
    """Where they were taken from; empty when the run's own processes handed them in."""
