"""`own-tests.json`: what the operator's own tests found while a plan ran, beside the contracts."""

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from drproof.model.receipt import Count, Milliseconds

OWN_TESTS = "own-tests.json"

TestOutcome: TypeAlias = Literal["passed", "failed", "skipped", "expected_failure", "lost"]
"""`lost`: it was collected, and nobody knows how it ended; or it could not be collected."""

STAND_AGAINST = frozenset({"failed", "lost"})
"""Outcomes beside which nothing is proven."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnCheck:
    """One thing that a test said while it ran."""

    claim: str
    held: bool
    observed: Any
    expected: Any
    """Plain JSON without fractions; anything else is kept as text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnTest:
    """One test of the operator's own, by its name in pytest."""

    test: str
    outcome: TestOutcome
    duration_ms: Milliseconds
    reason: str
    checks: tuple[OwnCheck, ...]

    @property
    def is_doubtful(self) -> bool:
        """Whether nothing is proven beside it: it failed, was lost, or holds a false claim."""
        return self.outcome in STAND_AGAINST or not all(one.held for one in self.checks)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnTests:
    """Every test of the operator's own that was collected, in the order in which they were to run."""

    schema_version: Literal[1] = 1
    tests: tuple[OwnTest, ...]
    checks_left_out: Count
    """How many checks that held were not kept, because the document would have been too large."""

    @property
    def doubtful(self) -> tuple[OwnTest, ...]:
        """The tests beside which nothing is proven."""
        return tuple(test for test in self.tests if test.is_doubtful)
