"""A pytest plugin that kills its own process at one point of the journal: `-p tests.drill.kill_at`."""

import os
import signal

from drproof.evidence import journal

POINT = int(os.environ["KILL_AT"])
SIGNAL = getattr(signal, os.environ.get("KILL_WITH", "SIGKILL"))
_append = journal.Journal.append


def append(self, record):
    number = _append(self, record)
    if number == POINT:
        os.kill(os.getpid(), SIGNAL)
    return number


journal.Journal.append = append  # type: ignore[method-assign] # that is what this plugin is for
