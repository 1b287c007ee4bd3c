"""A pytest plugin that ends its process and its guardian as a phase begins, as a machine that is lost does."""

import os
import signal

from drproof.engine.guardian import Guardian
from drproof.evidence import journal

PHASE = os.environ["LOSE_IN"]
_append, _start, _guardians = journal.Journal.append, Guardian.start, list[int]()


def append(self, record):
    number = _append(self, record)
    if (record.get("kind"), record.get("phase")) == ("phase", PHASE):
        for pid in (*_guardians, os.getpid()):
            os.kill(pid, signal.SIGKILL)
    return number


def start(directory, private):
    guardian = _start(directory, private)
    _guardians.append(guardian.pid)
    return guardian


journal.Journal.append = append  # type: ignore[method-assign] # that is what this plugin is for
Guardian.start = start  # type: ignore[method-assign] # as above
