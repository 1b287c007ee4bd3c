"""The cases of `data/`: folders named by what becomes of them, each a whole hand-in or a change of another one.

`expected.json` names the case that a folder changes (`base`), which of its files are gone (`without`), both scores,
whether the reference's collector would take it, and what is not proven: all of it, or what it `includes`.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drproof.engine.handed import Handed

DATA = Path(__file__).parent / "data"
CASES = sorted(path.name for path in DATA.iterdir())


@dataclass(frozen=True)
class Case:
    """A case laid out in a folder."""

    folder: Path
    expected: dict[str, Any]

    @property
    def handed(self) -> Handed:
        return Handed(
            folder=self.folder / "receipts",
            alarms=self._files("alarms"),
            histories=self._files("history"),
            listing=tuple(self.folder.glob("listing.json")),
        )

    def words(self, output: Path) -> list[str]:
        """Return the command's words."""
        words = ["collect", "--source-dir", str(self.folder / "receipts"), "--output-dir", str(output)]
        for option, paths in (
            ("--alarm-history-json", self._files("alarms")),
            ("--execution-history", self._files("history")),
            ("--s3-listing", tuple(self.folder.glob("listing.json"))),
        ):
            words += [word for path in paths for word in (option, str(path))]
        return words

    def _files(self, name: str) -> tuple[Path, ...]:
        return tuple(sorted((self.folder / name).glob("*.json")))


def lay_out(name: str, folder: Path) -> Case:
    """Copy a case into a folder of its own."""
    expected = json.loads((DATA / name / "expected.json").read_text())
    target = folder / name
    if "base" in expected:
        lay_out(expected["base"], folder / "base")
        shutil.copytree(folder / "base" / expected["base"], target)
    shutil.copytree(DATA / name, target, dirs_exist_ok=True)
    for path in expected.get("without", ()):
        (target / path).unlink()
    (target / "expected.json").unlink()
    return Case(target, expected)
