"""Time as the engine sees it: the wall's for labels, one that counts suspend for durations."""

import time
from datetime import UTC, datetime, timedelta

from drproof.formats import timestamps


class SystemClock:
    """The machine's clocks: the wall is looked at once, and time goes on from there evenly.

    A wall clock that is set while a drill runs would make its recovery shorter or longer than it was.
    """

    def __init__(self, not_before: str = "") -> None:
        """Look at the wall; where that is behind an instant that is on record already, time goes on from there."""
        self._wall = max(self.wall(), timestamps.parse(not_before)) if not_before else self.wall()
        self._began_ms = self.monotonic_ms()

    def now(self) -> str:
        """Return the instant in UTC, to the millisecond."""
        return instant(self._moment())

    def wall(self) -> datetime:
        """Return what the wall's clock shows now."""
        return datetime.now(UTC)

    def skew_ms(self) -> int:
        """Return by how much the wall's clock was set forward since it was looked at; negative: it was set back."""
        return round((self.wall() - self._moment()) / timedelta(milliseconds=1))

    def _moment(self) -> datetime:
        return self._wall + timedelta(milliseconds=self.monotonic_ms() - self._began_ms)

    def monotonic_ms(self) -> int:
        """Return milliseconds that never go back; suspend counts where the system can tell."""
        clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
        return time.clock_gettime_ns(clock) // 1_000_000

    def sleep_ms(self, milliseconds: int) -> None:
        """Wait; an exception from a signal handler ends the wait."""
        time.sleep(milliseconds / 1000)


def instant(moment: datetime) -> str:
    """Return a moment in the one form that evidence uses."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


TOLERATED_MS = 2_000
"""What the wall's clock may be off before a receipt says so: time services correct less without being asked."""


def told(skew_ms: int) -> str:
    """Return what a receipt says of a wall's clock that was set while its run went on; "" where none was."""
    if abs(skew_ms) < TOLERATED_MS:
        return ""
    way = "forward" if skew_ms > 0 else "back"
    said = f"the clock of this machine was set {way} by {abs(skew_ms)} ms since the run began"
    return f"{said}; instants are unmoved"
