"""A small run on a disk that is filled while it is up: `python -m tests.engine.on_a_small_disk FOLDER`, for a process
that may mount, in a mount namespace that ends with it."""

import json
import os
import sys
from pathlib import Path

from tests.engine import small

SIZE = "600k"


def main(place: Path) -> int:
    """Print what was up before the disk was full, and what is after the run was closed."""
    if os.system(f"mount -t tmpfs -o size={SIZE} none {place}"):
        return 77
    run = small.begin(place / "reports")
    run.run.advance("restore")
    up = sorted(run.world.things)
    full = _fill(place / "filler")
    conclusion = run.to_the_end()
    found = {
        "up": up,
        "full": full,
        "undeclared": run.world.undeclared,
        "left": sorted(run.world.things),
        "teardown": run.run.receipts["teardown"].outcome.value,
        "still_up": conclusion.still_up,
    }
    sys.stdout.write(json.dumps(found))
    return 0


def _fill(path: Path) -> str:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
    try:
        while True:
            os.write(descriptor, bytes(4096))
    except OSError as exc:
        return str(exc.strerror)
    finally:
        os.close(descriptor)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
