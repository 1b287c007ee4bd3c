"""`drproof verify`: decides about a bundle from its folder and the reader's own trust file, and nothing else."""

from pathlib import Path
from typing import Annotated, Any

import typer

from drproof.cli.buckets import World


def verify(  # noqa: PLR0913 — what a reader can demand
    bundle: Annotated[Path, typer.Argument(help="The folder of a bundle.")],
    trust: Annotated[Path | None, typer.Option(help="Your own trust file: whose signatures count.")] = None,
    expect_drill: Annotated[str | None, typer.Option(help="The drill that it has to be of.")] = None,
    expect_nonce: Annotated[str | None, typer.Option(help="The nonce of its opening.")] = None,
    expect_account: Annotated[str | None, typer.Option(help="The account of its recovery site.")] = None,
    expect_region: Annotated[str | None, typer.Option(help="The region of its recovery site.")] = None,
    prev: Annotated[str | None, typer.Option(help="The digest of the bundle before it.")] = None,
    max_age: Annotated[str | None, typer.Option(help="How old it may be, such as 30d.")] = None,
    require_level: Annotated[str, typer.Option(help="The least level of assurance, L0 to L4.")] = "L0",
    require_full: Annotated[bool, typer.Option("--require-full", help="Refuse a part of a plan.")] = False,
    accept_rehearsal: Annotated[bool, typer.Option("--accept-rehearsal", help="Take a rehearsal for one.")] = False,
    corroborate: Annotated[
        bool, typer.Option("--corroborate", help="Ask the platform again, by your own identity; level L4.")
    ] = False,
    execution_arn: Annotated[str, typer.Option(help="The execution that the bundle tells of, to corroborate it.")] = "",
    profile: Annotated[str, typer.Option(help="The AWS profile to corroborate with.")] = "",
    world: World = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print what was found as JSON.")] = False,
) -> None:
    """Decide about a bundle, offline unless --corroborate: nothing is extracted, executed or rendered.

    Exit status: 0 authentic and proven, 1 invalid, 2 unreadable or misused, 3 refuted, 4 incomplete, 5 freshness,
    level, rehearsal or trust not met. What the platform contradicts is invalid; what it did not answer is not met.
    """
    # All that decides costs a quarter of a second to import, which every other command would wait for.
    from drproof.cli.verifying import Asking, decided

    options: dict[str, Any] = {
        "expect_drill": expect_drill,
        "expect_nonce": expect_nonce,
        "expect_account": expect_account,
        "expect_region": expect_region,
        "prev": prev,
        "max_age": max_age,
        "require_level": require_level,
        "require_full": require_full,
        "accept_rehearsal": accept_rehearsal,
    }
    asking = Asking(execution_arn=execution_arn, profile=profile, world=world) if corroborate else None
    told, status = decided(bundle, trust, options, asking=asking, as_json=as_json)
    typer.echo(told)
    raise typer.Exit(status)
