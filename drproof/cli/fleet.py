"""`drproof fleet`: restore points that AWS Step Functions reads: the definition, the manifest, the bundle."""

from pathlib import Path
from typing import Annotated, Any

import typer

from drproof.cli.errors import clear, echo

app = typer.Typer(help="A fleet of restore points, read by AWS Step Functions.", no_args_is_help=True)

Under = Annotated[str, typer.Option(help="The prefix whose folders are the restore points, s3://….")]
Target = Annotated[str | None, typer.Option(help="aws or embedded; else as drproof.toml says.")]


@app.command()
def definition() -> None:
    """Print the state machine; nothing of one team is in it."""
    from drproof.orchestrator.fleet_definition import text

    typer.echo(text(), nl=False)


@app.command()
def manifest(backups_under: Under, target: Target = None) -> None:
    """List the restore points once and print them as the input of an execution; strays are named on stderr.

    Exit status: 0 listed, 1 there is none, or two listings differ, 2 misused or refused.
    """
    from drproof.engine.fleet_collect import found_below
    from drproof.orchestrator.fleet_definition import manifest as items
    from drproof.report.visible import printable

    with clear():
        found = found_below({"backups_under": backups_under, "target": target}, Path.cwd())
    for stray in found.strays:
        typer.echo(printable(f"drproof: {stray} belongs to no restore point"), err=True)
    typer.echo(items(found.found), nl=False)
    if not found.found:
        problem = f"no restore point lies under {backups_under}\n  next: name the prefix whose folders they are"
    elif found.found != found.recounted:
        counts = f"{len(found.found)} folders, and {len(found.recounted)} by their keys"
        problem = f"two listings of {backups_under} differ: {counts}\n  next: run the same command again"
    else:
        return
    typer.echo(printable(f"drproof: {problem}", lines=True), err=True)
    raise typer.Exit(1)


@app.command()
def collect(  # noqa: PLR0913 — what a collection is made of
    results: Annotated[str, typer.Option(help="Where the readings of executions are, s3://bucket/prefix.")],
    execution: Annotated[str, typer.Option(help="The name of the execution.")],
    backups_under: Annotated[str, typer.Option(help="The prefix that was listed.")] = "",
    manifest_json: Annotated[Path | None, typer.Option(help="Or the manifest that the execution was given.")] = None,
    target: Target = None,
    run_id: Annotated[str | None, typer.Option(help="Name of the bundle and of its folder.")] = None,
    reports_dir: Annotated[str | None, typer.Option(help="Where bundles are.")] = None,
    signer: Annotated[str | None, typer.Option(help="The key that signs, file2:<path> or awskms:<key>.")] = None,
) -> None:
    """Take in what an execution read, judge every restore point, and seal a bundle of plan fleet.

    Exit status: 0 every restore point is proven, 1 not, 2 misused or refused.
    """
    from drproof.cli.looking import opened
    from drproof.engine.fleet_collect import collect as gather
    from drproof.engine.fleet_collect import uris_of
    from drproof.orchestrator.fleet_handler import place_of
    from drproof.report import summary

    with clear():
        options: dict[str, Any] = {
            "backup_uri": uris_of(manifest_json) if manifest_json else None,
            "backups_under": backups_under or None,
            "target": target,
            "run_id": run_id,
            "reports_dir": reports_dir,
            "signer": signer,
        }
        collected = gather(options, Path.cwd(), place_of(results, execution))
        conclusion = collected.conclusion
        lines = summary.lines(
            opened(collected.directory),
            outcome=conclusion.outcome,
            exit_status=conclusion.exit_status,
            still_up=False,
            directory=collected.directory,
            unstored=conclusion.unstored,
        )
    for line in lines:
        echo(line)
    raise typer.Exit(conclusion.exit_status)
