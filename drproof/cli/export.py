"""`drproof export`: an execution of a state machine, from the platform to a folder that can be judged offline."""

import os
from pathlib import Path
from typing import Annotated

import typer

from drproof.cli.buckets import World


def export(  # noqa: PLR0913 — where the execution is, and where it goes
    execution_arn: Annotated[str, typer.Option("--execution-arn", metavar="ARN", help="The execution.")],
    out: Annotated[Path, typer.Option("--out", help="The folder for its files; it must be new or empty.")],
    target: Annotated[
        str, typer.Option("--target", help="aws, or embedded with --embedded; where nobody says it, as --embedded is.")
    ] = "",
    expected_account_id: Annotated[
        str, typer.Option("--expected-account-id", help="The account it ran in; where nobody says it, that of the ARN.")
    ] = "",
    region: Annotated[
        str, typer.Option("--region", help="The region it ran in; where nobody says it, that of the ARN.")
    ] = "",
    profile: Annotated[str, typer.Option("--profile", help="A profile of the AWS configuration.")] = "",
    world: World = "",
) -> None:
    """Write the history, definition, receipts, alarms, builds and redacted logs of an execution; only reading calls.

    Exit status: 0 written, 2 misused, refused, or the platform did not answer.
    """
    from drproof.cli.errors import clear, echo_line
    from drproof.engine.export import export as ask
    from drproof.engine.export import export_settings
    from drproof.engine.export_folder import refuse_taken, write
    from drproof.engine.refusal import refuse

    given = {"target": target, "expected_account_id": expected_account_id, "region": region, "profile": profile}
    with clear():
        refuse_taken(out)
        options = {name: value for name, value in given.items() if value}
        settings = export_settings(options, os.environ, Path.cwd(), arn=execution_arn, embedded=bool(world))
        if (settings.target == "embedded") is not bool(world):
            raise refuse(
                "an execution of a rehearsal is in its embedded world, and any other in AWS",
                expected="--embedded URL and target embedded, or neither",
                got=f"target {settings.target}, --embedded {world or 'not said'}",
                next_step="the same command with --embedded URL of a world that still runs, or with --target aws",
            )
        exported = ask(execution_arn, settings, world)
        write(exported.collection.files, out)
    for file in exported.collection.files:
        echo_line(f"exported: {file.name}, {len(file.data)} bytes")
    for one in exported.masked:
        echo_line(f"MASKED: {one['kind']} in {one['file']}{one['where']}: a receipt held it in the open")
    echo_line(f"next: pytest -m orchestrator-check --execution-dir {out}")
    echo_line(f"or:   drproof collect --source-dir {out} --output-dir <new folder>")
