"""Patience: a question that is not answered is asked again, where no phase with attempts of its own asks it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from drproof.model.context import Clock
from drproof.model.errors import TargetError, ThrottledError, UnansweredError
from drproof.model.settings import Limits

T = TypeVar("T")
PASSING: tuple[type[TargetError], ...] = (ThrottledError, UnansweredError)
"""What may be over in a moment; a refusal is not."""


def no_end() -> int | None:
    """Return that there is no end."""
    return None


@dataclass(frozen=True, slots=True)
class Patience:
    """As many questions, and as long between them, as a phase would have."""

    limits: Limits
    clock: Clock
    left_ms: Callable[[], int | None] = no_end
    """How much time there is; None where it has no end."""

    def ask(self, question: Callable[[], T], *, passing: tuple[type[TargetError], ...] = PASSING) -> T:
        """Return the answer; the last failure is raised, and so is one where no time is left to wait."""
        for number in range(1, self.limits.max_attempts):
            try:
                return question()
            except passing:
                left = self.left_ms()
                if left is not None and left <= self.limits.backoff_ms * number:
                    raise
                self.clock.sleep_ms(self.limits.backoff_ms * number)
        return question()
