"""A process that holds a lease and wants to change something whenever a file says so: what a drill is, in small."""

import sys
import time
from pathlib import Path
from typing import Any

from drproof.engine.clock import SystemClock
from drproof.engine.effects import JournalledEffects
from drproof.engine.lease import Lease
from drproof.evidence.journal import Journal
from drproof.model.errors import LeaseError
from drproof.targets import open_target
from tests.targets.conftest import make_intent, settings
from tests.targets.decoys import BUCKET, STATES


def main(endpoint: str, folder: Path, key: str, length_ms: int) -> None:
    """Hold the lease beside `key`; for each file `go-<n>` answer with `done-<n>` or `refused-<n>`."""
    target: Any = open_target(settings("direct", key=key), endpoint, directory=folder, origin="holder")
    clock = SystemClock()
    lease = Lease(target.recovery.objects, STATES, key, drill_id="holder", length_ms=length_ms, clock=clock)
    lease.take(make_intent())
    journal = Journal(folder / "journal.log")
    effects = JournalledEffects(journal, drill_id="holder", phase="restore", allowed=lease.check)
    (folder / "held").touch()
    number = 1
    while True:
        if not (folder / f"go-{number}").exists():
            time.sleep(0.01)
            continue
        try:
            with effects.intend("objects.put", f"{key}-{number}", {"keys": []}) as pending:
                target.recovery.objects.put(pending.intent, BUCKET, f"{key}-{number}", b"x")
            (folder / f"done-{number}").touch()
        except LeaseError as exc:
            (folder / f"refused-{number}").write_text(str(exc))
        number += 1


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
