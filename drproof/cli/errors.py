"""How commands say what is wrong: the message and the next command, never a trace."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from drproof.model.errors import DrproofError
from drproof.report.visible import visible

MISUSED = 2


@contextmanager
def clear() -> Iterator[None]:
    """Print what is wrong and the next command, and end with 2."""
    try:
        yield
    except (ValueError, DrproofError, OSError) as exc:
        typer.echo(visible(f"drproof: {exc}", lines=True), err=True)
        raise typer.Exit(MISUSED) from exc
