"""The cases of `data/`: folders of Terraform's sources, named by what is wrong with them.

`case.json` names what is `not_proven`, reasons that must be told, the settings that it is judged by, and the folders that
are handed in (`modules`; `module` where none is named).
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"
CASES = sorted(path.name for path in DATA.iterdir())


@dataclass(frozen=True)
class Case:
    """A case laid out in a folder."""

    modules: tuple[Path, ...]
    expected: dict[str, Any]


def lay_out(name: str, folder: Path) -> Case:
    """Copy a case into a folder of its own, with its settings beside it."""
    expected = json.loads((DATA / name / "case.json").read_bytes())
    shutil.copytree(DATA / name, folder / "sources")
    (folder / "drproof.toml").write_text(expected.get("settings", ""))
    return Case(tuple(folder / "sources" / module for module in expected.get("modules", ["module"])), expected)
