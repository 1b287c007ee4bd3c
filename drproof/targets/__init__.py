"""Adapters to the world behind the model's protocols; importing this room loads no SDK."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drproof.model.settings import Settings
    from drproof.targets.sites import AwsTarget


def open_target(settings: "Settings", endpoint: str | None, *, directory: Path, origin: str) -> "AwsTarget":
    """Return both sites: those of AWS, or those of the embedded world at `endpoint`.

    `directory` is the private folder of the run; `origin` is the drill whose tag marks what is created.

    Raises:
        TargetError: the embedded world does not answer, or the named profile does not exist.
    """
    # The SDK costs a third of a second, which only a run that opens a target shall pay.
    from drproof.targets import sites

    return sites.open_sites(settings, endpoint, directory=directory, origin=origin)
