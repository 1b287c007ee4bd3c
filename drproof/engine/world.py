"""The embedded world of a run: started by the first window, found again by every later process."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from drproof.model.errors import TargetError
from drproof.targets import embedded

LINGER_SECONDS = 180
"""How long the world outlives its last call: long enough for a guardian or `drproof resume`, then it is gone."""

KEPT_SECONDS = 6 * 3600
"""How long it waits for the next window when `--teardown false` keeps it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call that the embedded world answered, as its own log has it."""

    n: int
    at: str
    account: str
    region: str
    service: str
    action: str
    method: str
    path: str
    bucket: str
    key: str
    status: int
    client_token: str
    expected_owner: str
    named: tuple[str, ...] = ()
    """What its body names: machines, disks, groups, interfaces, and the keys of a removal of many objects."""
    app: str = ""
    """What it was made for: a function, a project of builds, `states`; empty for whoever drills."""
    fault: str = ""
    """The kind of the fault that was injected into it."""


GIVEN = "DRPROOF_WORLD"
"""The environment variable that names the folder of a world that lives already; the run that takes it over ends it."""


ENDPOINT = "DRPROOF_ENDPOINT"
"""The variable by which a function that runs in a world is told where the world answers."""


def given(environment: Mapping[str, str]) -> str:
    """Return folder or address of the world that a rehearsal shall take over; empty where it begins its own."""
    return environment.get(GIVEN, "") or environment.get(ENDPOINT, "")


def begin(directory: Path, scenario: str) -> embedded.World:
    """Start a world with one injected failure, or none."""
    directory.mkdir(mode=0o700, parents=True)
    return embedded.start(directory, scenario=scenario or "none", linger=LINGER_SECONDS)


def again(directory: str) -> embedded.World:
    """Return the world of an earlier process, by its folder or its address.

    Raises:
        TargetError: it has ended; nothing of it is left anywhere.
    """
    if directory.startswith("http://"):
        # Whoever has no more than the address runs in that world, and did not begin it.
        return embedded.World(directory, Path())
    try:
        return embedded.attach(Path(directory))
    except TargetError as exc:
        msg = (
            f"the embedded world of this run has ended: {exc}; it held everything that the run created\n"
            f"  next: pytest -m drill"
        )
        raise TargetError(msg, code="WorldEnded") from exc
