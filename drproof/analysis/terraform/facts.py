"""What is read of a Terraform module: as much as its guardrails are judged by, and how much that was."""

from dataclasses import dataclass
from typing import Literal

from drproof.model.receipt import Count, Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """One file of a module, and how much of it was read."""

    name: str
    sha256: Digest
    bytes: Count
    blocks: Count
    """Those inside others included; 0 where nothing could be read."""
    problem: str = ""
    """Why it could not be read; empty where it could."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """Where a module's state lies."""

    kind: str = ""
    """As the block says, such as `s3`; empty where none is written."""
    lock: Literal["held", "none", "unknown"] = "none"
    why: str = ""
    """Why it is not known whether the state is locked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a source says in one place, and what it comes to by the sources alone."""

    at: str
    """The place: `aws_instance.runner.instance_type`, `variable.instance_type`."""
    value: str = ""
    """Empty where it is known only when it is planned."""
    why: str = ""
    """Why it is not known; empty where it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A provider that a module uses, and by what its version is fixed."""

    name: str
    constraint: str = ""
    locked: str = ""
    """The version in the lock file, where that has digests for it."""


Guard = Literal["import", "condition", "off", "none", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LockTable:
    """A table that locks a state, or may, as a module would make it."""

    at: str
    name: str = ""
    """Empty where it is known only when it is planned."""
    guard: Guard = "none"
    """What keeps it from colliding with one that is there: it is taken over, made where that is said, or not at all."""
    why: str = ""
    """Why the guard is not known; empty where it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleRead:
    """One folder of sources, as Terraform would take it for a module."""

    name: str
    files: tuple[SourceFile, ...] = ()
    called_by: tuple[str, ...] = ()
    """The modules among those handed in that call this one: the state is theirs."""
    unread: tuple[str, ...] = ()
    """The modules that it calls and nobody handed in, by the names of the calls and their sources."""
    backend: Backend = Backend()
    switches: tuple[Written, ...] = ()
    """What starts or acts by itself: rules, schedules, actions of alarms. `on` or `off` by the sources alone."""
    machines: tuple[Written, ...] = ()
    """Types of machines."""
    machine_images: tuple[Written, ...] = ()
    """Ids of machine images that are written down."""
    images: tuple[Written, ...] = ()
    """Images of containers."""
    providers: tuple[Provider, ...] = ()
    function_variables: tuple[Written, ...] = ()
    """The names of the variables in the environments of Lambda functions; what they hold is not kept."""
    lock_tables: tuple[LockTable, ...] = ()
