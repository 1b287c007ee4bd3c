"""How long tests wait for what a machine does by itself: a bound for what hangs, never a claim about speed."""

import time
from collections.abc import Callable
from typing import Any

PATIENCE = 120.0
"""Seconds; what has not happened after them never will."""

OFTEN = 0.02
"""Seconds between two looks that cost nothing."""


def until(condition: Callable[[], Any], seconds: float = PATIENCE, *, every: float = OFTEN) -> Any:
    """Return the first true value of `condition`, which is looked at `every` so many seconds."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"the condition did not become true in {seconds} s"
        time.sleep(every)
    return found
