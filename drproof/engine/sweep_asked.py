"""What a sweep is asked to do, and the settings that it needs for that."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drproof.engine.criteria import settings_of
from drproof.engine.patience import no_end
from drproof.engine.places import rooted
from drproof.engine.settings import find_file, resolve
from drproof.model.settings import Settings

MOST = 1_000
NEEDED = ("target", "sites.", "recovery.bucket", "recovery.prefix", "recovery.provisioner.state_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a sweep is to do."""

    drill: str = ""
    """The only drill whose things may go; empty for all."""
    older_than_ms: int = 0
    max_deletions: int = MOST
    yes: bool = False
    """Whether anything is removed; without it, a sweep only tells."""
    left_ms: Callable[[], int | None] = no_end
    """How long it is until it is ended, which is asked as it begins; None where nobody ends it."""


def sweep_settings(options: Mapping[str, Any], environment: Mapping[str, str], directory: Path) -> Settings:
    """Return the settings of the target that is swept.

    Raises:
        Refusal: one of them is missing or wrong.
    """
    resolved = resolve(options, environment, find_file(directory), needed=NEEDED, directory=directory)
    return rooted(settings_of(resolved, no_retry=False), directory)
