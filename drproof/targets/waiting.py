"""Waiting with a deadline: nothing here waits for ever."""

import time
from collections.abc import Iterator


def until(timeout_ms: int, *, every: float) -> Iterator[None]:
    """Yield at once, then after every pause of `every` seconds, and a last time when the time is over."""
    deadline = time.monotonic() + timeout_ms / 1000
    while True:
        yield
        left = deadline - time.monotonic()
        if left <= 0:
            return
        time.sleep(min(every, left))
