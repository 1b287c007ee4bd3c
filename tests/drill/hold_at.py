"""A pytest plugin that holds its own process at one point of the journal: `-p tests.drill.hold_at`.

At the record HOLD_AT it makes the file HELD, and goes on once that is removed.
"""

import os
import time
from pathlib import Path

from drproof.evidence import journal

POINT = int(os.environ["HOLD_AT"])
HELD = Path(os.environ["HELD"])
_append = journal.Journal.append


def append(self, record):
    number = _append(self, record)
    if number == POINT:
        HELD.touch()
        while HELD.exists():
            time.sleep(0.02)
    return number


journal.Journal.append = append  # type: ignore[method-assign] # that is what this plugin is for
