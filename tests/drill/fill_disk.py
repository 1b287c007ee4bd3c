"""A pytest plugin after whose phase FULL_AFTER its process can write no byte more: `-p tests.drill.fill_disk`.

The bound is the kernel's, and of this process alone: its guardian and the embedded world have room, as they have where
they write to another disk.
"""

# A file that replaces methods of the program under test is nothing for a type checker.
# mypy: ignore-errors

import os
import resource

from drproof.engine import record

_write = record.Record.write


def write(self, phase, *given, **more):
    receipt = _write(self, phase, *given, **more)
    if phase == os.environ["FULL_AFTER"]:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    return receipt


record.Record.write = write
