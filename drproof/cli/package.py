"""`drproof package`: what is deployed as Lambda functions."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from drproof.cli.errors import clear, echo


class Architecture(StrEnum):
    """What the functions run on."""

    ARM64 = "arm64"
    X86_64 = "x86_64"


def package(
    out: Annotated[Path, typer.Option(help="The zip to write.")] = Path("drproof-functions.zip"),
    settings: Annotated[Path, typer.Option(help="The drproof.toml that the functions run by.")] = Path("drproof.toml"),
    architecture: Annotated[Architecture, typer.Option(help="What the functions run on.")] = Architecture.ARM64,
    installed: Annotated[
        bool, typer.Option("--installed", help="Take this environment's own files: for a machine of the same kind.")
    ] = False,
    variables: Annotated[
        Path | None, typer.Option(help="Write what the Terraform modules must know of it, such as x.auto.tfvars.json.")
    ] = None,
) -> None:
    """Build the package of the Lambda functions: drproof and what it needs there, pinned, with its settings."""
    from drproof.engine.refusal import refuse
    from drproof.orchestrator.demands import refuse_what_no_function_runs_by
    from drproof.orchestrator.deployment import module_variables, settings_in, watched_in
    from drproof.orchestrator.package import LARGEST, build, told

    with clear():
        if not settings.is_file():
            raise refuse(
                f"{settings} is not there",
                expected="the settings that the functions run by",
                next_step="drproof package --settings FILE",
            )
        if variables is not None:
            # What the settings leave out is said before anything is built; what this shell says, no function hears.
            found, watched = settings_in(settings, {}), watched_in(settings, {})
            refuse_what_no_function_runs_by(settings, told(settings))
        made = build(out, settings, architecture=architecture.value, installed=installed)
        if variables is not None:
            text = json.dumps(module_variables(found, watched, made), indent=2) + "\n"
            variables.write_text(text, encoding="utf-8")
    for name, version in made.pins.items():
        echo(f"  {name} {version}")
    echo(f"{made.path}: {made.size:,} bytes, sha256 {made.sha256}")
    echo(f"unzipped {made.unzipped:,} of {LARGEST:,} bytes; {made.runtime} on {made.architecture}")
