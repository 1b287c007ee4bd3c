"""Ways to change what was observed of a failback in one fact, for sabotages, and what its receipts name."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, TypeAlias

from drproof.contracts.execution.changed import one
from drproof.model.contract import NotApplicableError
from drproof.model.receipt import Receipt
from drproof.phases.failback.observed import FailbackObserved, Named, PointerKept

Reading: TypeAlias = Receipt[FailbackObserved]
BEFORE, AFTER = "before", "after"
OTHER_RUN = "another-run"


def changed(reading: Reading, **changes: Any) -> Reading:  # noqa: ANN401 — fields of many types
    """Return the receipt with other facts."""
    return replace(reading, observed=replace(reading.facts, **changes))


def with_named(reading: Reading, member: str, value: str) -> Reading:
    """Return the receipt with another value where the first receipt names one."""
    return changed(reading, named=one(reading.facts.named, lambda row: bool(getattr(row, member)), **{member: value}))


def with_kept(reading: Reading, side: str, label: str, **changes: Any) -> Reading:  # noqa: ANN401 — fields of many types
    """Return the receipt with another pointer on one side."""
    rows = one(reading.facts.kept, lambda row: (row.side, row.pointer) == (side, label), **changes)
    return changed(reading, kept=rows)


def said(named: Iterable[Named], member: str) -> list[str]:
    """Return what receipts name, each value once; those that name nothing are silent, not of another opinion."""
    return sorted({getattr(row, member) for row in named} - {""})


def kept(facts: FailbackObserved, side: str, label: str) -> list[PointerKept]:
    """Return a pointer as it was read on one side: by one script, by both, or by none."""
    return [row for row in facts.kept if (row.side, row.pointer) == (side, label)]


def not_here(what: str) -> NotApplicableError:
    """Return why a sabotage cannot be applied."""
    return NotApplicableError(f"the evidence has no {what}")
