"""The time that a sweep has: who ends a function when its time is over lets it say nothing more."""

from datetime import timedelta

from drproof.engine.clock import instant
from drproof.formats import timestamps
from drproof.model.context import Clock
from drproof.model.errors import DrproofError

FIRST_LOOK, SECOND_LOOK, ENDING, REMOVAL, LAST_LOOK, GIVING_BACK = 25, 50, 65, 80, 90, 95
"""Of a hundred parts of the time, how many are over at the latest when each part of a sweep ends.

What is left is for the record, and for one question that nobody answers.
"""


class TimeOverError(DrproofError):
    """The time that a sweep has is over."""


class SweepTime:
    """How long a sweep may go on: each part of it ends by its share, and what an earlier one left is for the later."""

    def __init__(self, clock: Clock, whole_ms: int | None) -> None:
        """Begin now; None has no end."""
        self._clock = clock
        self._whole_ms = whole_ms
        self._began_ms = clock.monotonic_ms()
        self._share = FIRST_LOOK

    def enter(self, share: int) -> None:
        """Begin the part that is to be over by so many hundredths of the whole."""
        self._share = share

    def left_ms(self) -> int | None:
        """Return what is left of this part; None where there is no end."""
        if self._whole_ms is None:
            return None
        until_ms = self._began_ms + self._whole_ms * self._share // 100
        return max(0, until_ms - self._clock.monotonic_ms())

    @property
    def is_over(self) -> bool:
        """Whether nothing more of this part may begin."""
        return self.left_ms() == 0

    @property
    def over(self) -> str:
        """What is told of whatever the time did not suffice for."""
        return f"the time was over: the sweep had {(self._whole_ms or 0) // 1000} s for all"

    def check(self) -> None:
        """Return while there is time.

        Raises:
            TimeOverError: there is none any more.
        """
        if self.is_over:
            raise TimeOverError(self.over)


class PlatformTime:
    """What time it is for the platform: its own word once, and the steady clock of this machine from there."""

    def __init__(self, clock: Clock, said: str) -> None:
        """Go on from what the platform has just said."""
        self._clock = clock
        self._said = timestamps.parse(said)
        self._asked_ms = clock.monotonic_ms()

    def now(self) -> str:
        """Return the instant in UTC, whatever the wall's clock of this machine says."""
        return instant(self._said + timedelta(milliseconds=self._clock.monotonic_ms() - self._asked_ms))
