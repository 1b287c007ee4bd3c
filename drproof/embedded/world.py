"""One running world: its names, accounts, scenario, folders, log and lifetime, as every part of it shares them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from drproof.embedded.accounts import Accounts, Credentials
from drproof.embedded.calls import CallLog
from drproof.embedded.lifetime import Lifetime
from drproof.embedded.names import Names


@dataclass(slots=True, kw_only=True)
class World:
    """What the parts of the world know of each other."""

    names: Names
    accounts: Accounts
    scenario: str
    seed: int
    members: int
    directory: Path
    log: CallLog
    lifetime: Lifetime
    on_object_read: list[Callable[[str, str], None]] = field(default_factory=list)
    """Called with bucket and key after an object was read through the API."""
    on_end: list[Callable[[], None]] = field(default_factory=list)
    """Called once when the world ends."""

    @property
    def instances(self) -> Path:
        """The folder that holds a folder for each machine."""
        return self.directory / "instances"

    @property
    def primary(self) -> Credentials:
        """The account of the original site."""
        return self.accounts.primary

    @property
    def recovery(self) -> Credentials:
        """The account of the site that takes over."""
        return self.accounts.recovery
