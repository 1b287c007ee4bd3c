"""`drproof policy`: the smallest policy of IAM with which a plan can run, from the table that a preflight asks by."""

import json
import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from drproof.cli.errors import clear


class Side(StrEnum):
    """Which of the two sites."""

    PRIMARY = "primary"
    RECOVERY = "recovery"


def policy(
    plan: Annotated[str, typer.Option(help="The plan that shall run.")] = "recovery",
    site: Annotated[Side, typer.Option(help="The site whose caller gets it.")] = Side.RECOVERY,
    target: Annotated[str, typer.Option(help="Where the plan runs; else what drproof.toml says.")] = "",
    provisioner: Annotated[str, typer.Option(help="What brings the machine up; else what drproof.toml says.")] = "",
) -> None:
    """Print the smallest policy with which the caller of a site can run a plan, as JSON; nobody is asked."""
    from drproof import catalog
    from drproof.engine.criteria import settings_of
    from drproof.engine.readiness import verbs_of
    from drproof.engine.settings import find_file, resolve
    from drproof.targets.aws.permissions import needed
    from drproof.targets.aws.permissions import policy as policy_of

    with clear():
        found = catalog.plan(plan)
        options = {"target": target or None, "provisioner": provisioner or None}
        resolved = resolve(options, os.environ, find_file(Path.cwd()), needed=("target", "sites.primary."))
        settings = settings_of(resolved, no_retry=False)
        kind = settings.recovery.provisioner.kind
        permissions = needed(
            verbs_of(found, settings),
            site.value,
            settings,
            # Where the machine decides, the answer must do for what needs more.
            provisioner="terraform" if kind == "auto" else kind,
        )
    typer.echo(json.dumps(policy_of(permissions), indent=2))
