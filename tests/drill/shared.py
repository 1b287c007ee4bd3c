"""Drills that tests only look at: each is run once, by whichever process of the tests needs it first."""

import fcntl
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.drill.conftest import Drill

DONE = "done.json"


class Shelf:
    """Finished drills by name, in a folder that all processes of one run of the tests have."""

    def __init__(self, place: Path) -> None:
        self.place = place

    @classmethod
    def of(cls, factory: pytest.TempPathFactory, worker: str) -> "Shelf":
        """Return the shelf of this run; xdist gives each of its workers a folder below the run's own."""
        base = factory.getbasetemp()
        place = (base.parent if worker else base) / "shelf"
        place.mkdir(exist_ok=True)
        return cls(place)

    def drill(self, name: str, run: Callable[[Path], Drill]) -> Drill:
        """Return the drill of this name; `run` makes it in the folder that it is given where nobody has yet."""
        folder = self.place / name
        with (self.place / f"{name}.lock").open("w") as lock:
            # Whoever dies lets go of it: what it left unfinished is made anew.
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (folder / DONE).exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                made = run(folder)
                kept = {**vars(made), "directory": made.directory and str(made.directory)}
                (folder / f"{DONE}.new").write_text(json.dumps(kept))
                (folder / f"{DONE}.new").replace(folder / DONE)
        found = json.loads((folder / DONE).read_bytes())
        return Drill(found["status"], found["output"], Path(found["directory"]) if found["directory"] else None)
