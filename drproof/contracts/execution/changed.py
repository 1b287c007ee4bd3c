"""Ways to change what was observed of an execution in one fact, for sabotages."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, TypeAlias, TypeVar

from drproof.model.contract import NotApplicableError
from drproof.model.receipt import Receipt
from drproof.phases.execution.observed import ExecutionObserved, RunSeen

T = TypeVar("T")
Reading: TypeAlias = Receipt[ExecutionObserved]


def changed(reading: Reading, **changes: Any) -> Reading:  # noqa: ANN401 — fields of many types
    """Return the receipt with other facts."""
    return replace(reading, observed=replace(reading.facts, **changes))


def with_run(reading: Reading, **changes: Any) -> Reading:  # noqa: ANN401 — fields of many types
    """Return the receipt with another history."""
    return changed(reading, run=replace(run_of(reading), **changes))


def run_of(reading: Reading) -> RunSeen:
    """Return the history; a sabotage of it applies only where there is one."""
    if reading.facts.run is None:
        msg = "no history was handed in"
        raise NotApplicableError(msg)
    return reading.facts.run


def one(rows: Iterable[T], wanted: Callable[[T], bool], **changes: Any) -> tuple[T, ...]:  # noqa: ANN401
    """Return the rows with the first wanted one changed."""
    listed = list(rows)
    for number, row in enumerate(listed):
        if wanted(row):
            listed[number] = replace(row, **changes)  # type: ignore[type-var] # rows of facts are dataclasses
            return tuple(listed)
    msg = "the evidence has no such row"
    raise NotApplicableError(msg)
