"""`drproof timestamp`: has a closed bundle dated by an authority that gains nothing from it."""

from pathlib import Path
from typing import Annotated

import typer


def timestamp(
    bundle: Annotated[Path, typer.Argument(help="The folder of a closed bundle.")],
    tsa: Annotated[str, typer.Option(help="The address of an RFC 3161 authority, http(s)://…", envvar="DRPROOF_TSA")],
    trust: Annotated[
        Path | None, typer.Option(help="Your trust file, with the authority's root.", envvar="DRPROOF_TRUST")
    ] = None,
) -> None:
    """Show the digest of a bundle's closing to a time-stamping authority, and keep its answer in after/.

    Only a digest is sent. The answer is checked before it is written: under a root of the trust file where one is
    named, and by its form where none is.
    """
    from drproof.cli.errors import clear
    from drproof.engine.dating import stamp
    from drproof.engine.keys import read_trust
    from drproof.evidence.integrity import TRUSTED_TIME
    from drproof.report.visible import visible

    with clear():
        found = stamp(bundle, tsa, read_trust(trust) if trust is not None else None)
    typer.echo(visible(f"written: {bundle / TRUSTED_TIME}"))
    if found.at_latest:
        typer.echo(visible(f"the closing existed at {found.at_latest} at the latest, says {found.authority}"))
    else:
        typer.echo(f"{found.reason}; a verifier counts it once the authority's root is in their trust file")
