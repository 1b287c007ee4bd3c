"""How commands say what is wrong: the message and the next command, never a trace."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import typer
from typer.core import TyperGroup

from drproof.cli.next_steps import BY_CODE
from drproof.model.errors import DrproofError
from drproof.report.visible import printable

MISUSED = 2
STOPPED = 130
"""As a shell tells of a program that was ended by Ctrl-C; 1 would be an answer of the command."""
NEXT = "\n  next: "
ASKED: ContextVar[str] = ContextVar("asked", default="")
"""The command that runs, or the group that it is of."""


@contextmanager
def clear() -> Iterator[None]:
    """Print what is wrong and the next command, and end with 2."""
    try:
        yield
    except (ValueError, DrproofError, OSError) as exc:
        complain(exc)
        raise typer.Exit(MISUSED) from exc


class Stoppable(TyperGroup):
    """The commands, which a person may stop: what was stopped has answered nothing."""

    def invoke(self, ctx: typer.Context) -> object:  # type: ignore[override]  # typer's own kind of context
        """Run the command that was asked for; one that is stopped says so."""
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, typer.Abort) as exc:
            notes = getattr(exc, "__notes__", ())
            said = "\n".join((f"\ndrproof: {ASKED.get() or 'it'} was stopped before it came to its end", *notes))
            typer.echo(printable(said, lines=True), err=True)
            raise typer.Exit(STOPPED) from exc


def complain(exc: Exception) -> None:
    """Print what is wrong and what to do next: the error's own word, that of its code, else where help is."""
    text = str(exc)
    if isinstance(exc, OSError) and exc.filename is not None and exc.strerror:
        text = f"{exc.filename}: {exc.strerror}"
    # Notes say what besides went wrong, such as what a failed upload left behind.
    said = "\n".join((f"drproof: {text}", *getattr(exc, "__notes__", ())))
    step = BY_CODE.get(getattr(exc, "code", ""), f"drproof {ASKED.get()} --help" if ASKED.get() else "")
    if step and NEXT not in said:
        said += NEXT + step
    typer.echo(printable(said, lines=True), err=True)


def echo(text: str) -> None:
    """Print text as any terminal and any CI log may have it."""
    typer.echo(printable(text, lines=True))


def echo_line(text: str) -> None:
    """Print text that may hold what others wrote as one line: theirs begins no other."""
    typer.echo(printable(text))
