"""The operators' commands of the control plane: publish its bundle, fetch it, render it, apply it."""

import typer

from drproof.cli.control_plane.apply import apply
from drproof.cli.control_plane.fetch import fetch
from drproof.cli.control_plane.publish import publish
from drproof.cli.control_plane.render import render

app = typer.Typer(help="The settings of the workload as one bundle: published, fetched, applied.", no_args_is_help=True)
app.command()(publish)
app.command()(fetch)
app.command()(render)
app.command()(apply)
