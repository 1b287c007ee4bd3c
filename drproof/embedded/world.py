"""One running world: its names, accounts, scenario, folders, log and lifetime, as every part of it shares them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from drproof.embedded.accounts import Accounts, Credentials
from drproof.embedded.calls import CallLog
from drproof.embedded.faults.rules import Faults
from drproof.embedded.kubernetes.cluster import Cluster
from drproof.embedded.lifetime import Lifetime
from drproof.embedded.logins import Logins
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
    endpoint: str
    """Where the world answers for AWS, as the programs on its machines reach it."""
    log: CallLog
    lifetime: Lifetime
    run: int = 0
    """The process of the run for which the world was started; 0 where nobody said."""
    on_object_read: list[Callable[[str, str], None]] = field(default_factory=list)
    """Called with bucket and key after an object was read through the API."""
    on_end: list[Callable[[], None]] = field(default_factory=list)
    """Called once when the world ends."""
    faults: Faults = field(default_factory=Faults)
    """What happens to calls instead of their answers."""
    logins: Logins = field(default_factory=Logins)
    """Who may pull from the registry of the original site."""
    clusters: dict[str, Cluster] = field(default_factory=dict)
    """The clusters that live, by the machine they run on."""

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
