"""Adapters to the world behind the model's protocols; importing this room loads no SDK."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drproof.model.settings import Settings
    from drproof.model.signing import Signer
    from drproof.targets.operators import Operator, Side
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


def open_key(uri: str, *, region: str = "", profile: str = "") -> "Signer":
    """Return the key that a person names, apart from any site: a file of this machine, or one of the key service.

    A key of the service is asked for in the region of its ARN, else in `region`.

    Raises:
        TargetError: there is no such key, or it cannot be used.
    """
    from drproof.targets.signers import open_signer

    def kept(named: str) -> "Signer":
        from drproof.targets.aws import kms
        from drproof.targets.aws.sessions import Session

        if not named.startswith(kms.SCHEME):
            return open_signer(named)
        return kms.open_key(named, lambda of: Session(of or region, profile=profile).client("kms", region=of or region))

    return open_signer(uri, kept)


def open_operator(
    *, region: str, profile: str = "", owner: str = "", endpoint: str = "", side: "Side" = "recovery"
) -> "Operator":
    """Return what a person reaches by their own AWS configuration, or at the embedded world.

    Raises:
        TargetError: the named profile does not exist, or the embedded world does not answer.
    """
    from drproof.targets.operators import Operator

    return Operator(region=region, profile=profile, owner=owner, endpoint=endpoint, side=side)


def take_over(directory: Path, earlier: Path) -> None:
    """Have what the run of the private folder `earlier` could not end be ended by the run of `directory`."""
    from drproof.targets.provisioners.workshop import BENCHES, Workshop

    Workshop.take_over(directory / BENCHES, earlier / BENCHES)
