"""A plugin: the world of a run outlives it, as AWS does, so that an auditor can ask afterwards; KEPT_WORLD says where."""

import os
from pathlib import Path

from drproof.targets import embedded

KEPT = Path(os.environ["KEPT_WORLD"])


def stop(self):
    self.keep(3600)
    KEPT.write_text(self.endpoint)


embedded.World.stop = stop  # type: ignore[method-assign] # that is what this plugin is for
