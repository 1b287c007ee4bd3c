"""How long the world lives: it outlives a killed run, and ends by itself when nobody calls any more."""

import threading
import time
from pathlib import Path

LOST_SECONDS = 2.0
"""How long after the last call a world without an address ends: a caller that holds it may still be at work."""
POLL_SECONDS = 0.1
"""A signal may reach another thread than the waiting one, which then has to look for itself."""


class Lifetime:
    """Ends the world when no call came for some time, or when it is told to stop."""

    def __init__(self, seconds: float) -> None:
        self._linger = seconds
        self._lock = threading.Lock()
        self._last = time.monotonic()
        self._busy = 0
        self._over = False

    def __enter__(self) -> None:
        """Begin a call: the world does not end under it."""
        with self._lock:
            self._busy += 1
            self._last = time.monotonic()

    def __exit__(self, *_: object) -> None:
        """End a call; the wait starts anew."""
        with self._lock:
            self._busy -= 1
            self._last = time.monotonic()

    def keep(self, seconds: float) -> None:
        """Wait `seconds` after the last call from now on."""
        with self._lock:
            self._linger = seconds
            self._last = time.monotonic()

    def stop(self) -> None:
        """End now."""
        # A plain flag: a signal handler that took a lock could wait for the very thread that it interrupted.
        self._over = True

    @property
    def over(self) -> bool:
        """Whether the world is ending."""
        return self._over

    def wait(self, address: Path) -> None:
        """Return when the world has to end: it is told to, nobody calls, or its address is gone so that nobody can."""
        while not self._over and self._idle() < self._linger:
            if self._idle() > LOST_SECONDS and not address.exists():
                return
            time.sleep(POLL_SECONDS)

    def _idle(self) -> float:
        """Return the seconds since the last call."""
        with self._lock:
            if self._busy:
                self._last = time.monotonic()
            return time.monotonic() - self._last
