"""What a build is started with by somebody else, and what was there before it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from drproof.formats import timestamps
from drproof.model.errors import FormatError, NotFoundError
from drproof.targets.aws.codebuild import BuildSeen
from drproof.targets.provisioners.place import Lock

HOLDER = "drproof-lock-holder: "
"""How a build begins the line that says whose the lock would be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOrder:
    """What a build is started with, in the words of Step Functions."""

    project: str
    environment: tuple[Mapping[str, str], ...]
    idempotency_token: str
    version: str
    """Of the module's zip; empty where the build needs none."""


def is_before(launched_at: str, build: BuildSeen | None) -> bool:
    """Return whether a machine was there before a build began; machines are dated by whole seconds."""
    if build is None or not build.started_at or not launched_at:
        return True
    return timestamps.milliseconds(launched_at) // 1000 < timestamps.milliseconds(build.started_at) // 1000


def took(build: BuildSeen, lock: Lock, head: Callable[[BuildSeen], tuple[str, ...]]) -> bool:
    """Return whether a build that is over took a lock: in its time, by the name that its own log says first."""
    if not is_within(lock.created, build):
        return False
    try:
        said = head(build)
    except NotFoundError:
        # Nobody kept what it printed: nothing says that the lock was its own.
        return False
    return lock.who in {line.removeprefix(HOLDER).strip() for line in said if line.startswith(HOLDER)}


def is_within(created: str, build: BuildSeen) -> bool:
    """Return whether an instant lies within the time of a build that is over."""
    try:
        at = timestamps.parse(created)
        return timestamps.parse(build.started_at) <= at <= timestamps.parse(build.ended_at)
    except FormatError:
        return False
