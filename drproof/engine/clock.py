"""Time as the engine sees it: the wall's for labels, one that counts suspend for durations."""

import time
from datetime import UTC, datetime


class SystemClock:
    """The machine's clocks."""

    def now(self) -> str:
        """Return the instant in UTC, to the millisecond."""
        return instant(datetime.now(UTC))

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
