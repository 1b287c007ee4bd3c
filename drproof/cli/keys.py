"""Keys of people and runners: made, believed, and used to sign off a closed bundle."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from drproof.model.signing import Role

app = typer.Typer(help="Keys that sign, and trust files.", no_args_is_help=True)
Folder = Annotated[Path, typer.Argument(help="A folder that only you can read; it is made.")]


@app.command()
def init(
    folder: Folder = Path(".drproof"),
    role: Annotated[Role, typer.Option(help="What the key is to sign.")] = Role.RUNNER,
) -> None:
    """Make a key (0600 in a folder of 0700), and a trust file that believes it."""
    from drproof.cli.errors import clear
    from drproof.engine import keys

    with clear():
        signer = keys.init(folder, role)
    path = keys.key_path(folder, role)
    typer.echo(f"key id: {signer.keyid}")
    typer.echo(f"private key: {path}; it signs with --signer file2:{path}")
    typer.echo(f"public key: {path.with_suffix('.pub')}; give it to whoever verifies, and compare the key id by voice")
    typer.echo(f"trust file: {folder / keys.TRUST}; drproof verify BUNDLE --trust {folder / keys.TRUST}")


def sign_off(  # noqa: PLR0913 — what a decision says
    bundle: Annotated[Path, typer.Argument(help="The folder of a closed bundle.")],
    signer: Annotated[str, typer.Option(help="The approver's own key, file2:<path> or awskms:<key>.")],
    person: Annotated[str, typer.Option(help="Who decides.")],
    reason: Annotated[str, typer.Option(help="Why.")],
    ticket: Annotated[str, typer.Option(help="Where it is recorded elsewhere.")] = "",
    region: Annotated[str, typer.Option(envvar="AWS_REGION", help="The region of a key of AWS KMS.")] = "",
    profile: Annotated[str, typer.Option(envvar="AWS_PROFILE", help="The AWS profile that may use it.")] = "",
    reject: Annotated[bool, typer.Option("--reject", help="Reject instead of approve.")] = False,
) -> None:
    """Sign a decision about a closed bundle, beside it in after/, with another key than the drill's."""
    from drproof.cli.errors import clear
    from drproof.engine.signing_off import sign_off as write

    now = datetime.now(UTC)
    with clear():
        path = write(
            bundle,
            signer,
            decision="rejected" if reject else "approved",
            person=person,
            ticket=ticket,
            reason=reason,
            at=now,
            region=region,
            profile=profile,
        )
    typer.echo(f"written: {path}")
