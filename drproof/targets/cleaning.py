"""Cleaning up after an error that goes on: where that fails too, the error says what may be left, and stays itself."""

from collections.abc import Iterator
from contextlib import contextmanager

from drproof.model.errors import DrproofError


@contextmanager
def after(first: BaseException, *, left: str, next_step: str) -> Iterator[None]:
    """Clean up in the block; a failure of that is added to `first`, with what may be left and the command for it."""
    try:
        yield
    except DrproofError as exc:
        first.add_note(f"{left}: {str(exc).partition(chr(10))[0]}\n  next: {next_step}")
