"""How commands say what is wrong: the message and the next command, never a trace."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from drproof.model.errors import DrproofError
from drproof.report.visible import printable

MISUSED = 2


@contextmanager
def clear() -> Iterator[None]:
    """Print what is wrong and the next command, and end with 2."""
    try:
        yield
    except (ValueError, DrproofError, OSError) as exc:
        # Notes say what besides went wrong, such as what a failed upload left behind.
        said = "\n".join((f"drproof: {exc}", *getattr(exc, "__notes__", ())))
        typer.echo(printable(said, lines=True), err=True)
        raise typer.Exit(MISUSED) from exc


def echo(text: str) -> None:
    """Print text as any terminal and any CI log may have it."""
    typer.echo(printable(text, lines=True))


def echo_line(text: str) -> None:
    """Print text that may hold what others wrote as one line: theirs begins no other."""
    typer.echo(printable(text))
