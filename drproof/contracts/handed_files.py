"""The files that somebody handed in: of each it is known what it is, and it could be read."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from drproof.model.verdict import Finding, compare, undecided
from drproof.phases.execution.observed import FileSeen
from drproof.phases.failback.observed import FailbackFile

T = TypeVar("T", bound=FileSeen | FailbackFile)


def known_and_read(files: Sequence[FileSeen | FailbackFile]) -> Finding:
    """Return whether every file is known and was read; no file at all shows nothing."""
    if not files:
        return undecided("no file was handed in")
    problems = {seen.name: seen.problem for seen in files if seen.problem}
    told = "; ".join(f"{name}: {problem}" for name, problem in problems.items())
    return compare(observed=problems, expected={}, reason=f"files that are strangers or cannot be read: {told}")


def with_problem(files: tuple[T, ...], problem: str) -> tuple[T, ...]:
    """Return the files with the first one spoiled, for sabotages."""
    return (replace(files[0], problem=problem), *files[1:])


def with_stranger(files: tuple[T, ...], name: str) -> tuple[T, ...]:
    """Return the files with one more that nobody knows, for sabotages."""
    return (*files, replace(files[0], name=name, kind="unknown", problem="stranger"))
