"""What was handed in to be judged: files as they were read, once, before anything is made of them."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from drproof.model.receipt import Count

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
class ModuleHanded:
    """A folder of Terraform's sources; folders inside it are modules of their own."""

    name: str
    place: str
    """Where it lies on this machine, so that calls from one to another can be followed; it is kept nowhere."""
    files: tuple[HandedFile, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillSeen:
    """A sealed drill that somebody names as the one that a trigger follows, and what came of verifying it."""

    name: str
    status: Count
    """The exit status of its verification, with whole plans alone and rehearsals let through."""
    codes: tuple[str, ...] = ()
    """The findings that it comes from."""
    trusted: bool = True
    """Whether a trust file was named: without one nobody's signature counts."""
    drill_id: str = ""
    mode: str = ""
    plan: str = ""
    outcome: str = ""
    level: Count = 0
    closed_at: str = ""
    account_id: str = ""
    region: str = ""
    """Of its recovery site."""
    machine: str = ""
    """The ARN of the state machine that it was an execution of; empty where pytest ran it."""
    closing: str = ""
    """The digest of its closing."""
    signers: tuple[str, ...] = ()
    """The keys whose signatures counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """Every file that was handed in, by name."""

    files: tuple[HandedFile, ...] = ()
    source: str = ""
    """Where they were taken from; empty when the run's own processes handed them in."""
    modules: tuple[ModuleHanded, ...] = ()
    drills: tuple[DrillSeen, ...] = ()
