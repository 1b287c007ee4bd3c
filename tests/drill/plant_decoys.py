"""A pytest plugin that plants every decoy once a drill has made all that it makes: `-p tests.drill.plant_decoys`.

DECOYS_NOTED is the file that is told what was planted; with DECOYS_KILL the process dies right afterwards.
"""

# A file that replaces methods of the program under test is nothing for a type checker.
# mypy: ignore-errors

import json
import os
import signal
from pathlib import Path

from drproof.engine import record
from drproof.engine import world as worlds
from tests.targets.decoys import Yard, plant

NOTED = Path(os.environ["DECOYS_NOTED"])
WORLDS = []
_begin, _write = worlds.begin, record.Record.write


def begin(*given):
    WORLDS.append(_begin(*given))
    return WORLDS[-1]


def write(self, phase, *given, **more):
    receipt = _write(self, phase, *given, **more)
    if phase == "inspect_runner":
        yard = Yard(WORLDS[-1])
        plant(yard, self.plan.drill_id)
        NOTED.write_text(json.dumps({"named": yard.named, "planted": yard.planted}))
        if "DECOYS_KILL" in os.environ:
            os.kill(os.getpid(), signal.SIGKILL)
    return receipt


worlds.begin, record.Record.write = begin, write
