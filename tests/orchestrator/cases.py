"""The cases of `data/`: executions named by what is wrong with them, each a whole export or a change of another one.

`case.json` says in one line for people what is wrong (`says`), names the case that a folder changes (`base`), which of its files are gone (`without`), the edits of its
documents, the settings that it is judged by, and what is not proven: all of it, or what it `includes`. Files of
`execution/` replace those of the base. An edit says `file`, the place as a JSON pointer (`at`), and what stands there
(`set`), that nothing does (`remove`), or how many of a list are left (`first`); a place inside JSON that is itself a text goes on behind `|`.
"""

import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"
CASES = sorted(path.name for path in DATA.iterdir())


@dataclass(frozen=True)
class Case:
    """A case laid out in a folder."""

    execution: Path
    expected: dict[str, Any]

    @property
    def settings(self) -> str:
        """What `drproof.toml` says, if anything."""
        return str(self.expected.get("settings", ""))


def table() -> str:
    """Return the cases as the page of the docs has them."""
    return "| what is wrong | not proven |\n|---|---|\n" + "".join(map(_line, CASES))


def _line(name: str) -> str:
    expected = json.loads((DATA / name / "case.json").read_bytes())
    by_status: dict[str, dict[str, None]] = {"refuted": {}, "unproven": {}}
    for verdict, status in expected["not_proven"].items():
        by_status[status].setdefault(f"`{verdict.partition('[')[0]}`")
    refuted, unproven = (list(found) for found in by_status.values())
    told = [f"refuted: {', '.join(refuted)}"] if refuted else []
    told += [f"unproven: {', '.join(unproven)}"] if unproven else []
    return f"| {expected['says']} | {'; '.join(told) or 'nothing'} |\n"


def lay_out(name: str, folder: Path) -> Case:
    """Copy a case into a folder of its own, and edit it."""
    expected = json.loads((DATA / name / "case.json").read_bytes())
    execution = folder / "execution"
    _fill(name, expected, execution)
    return Case(execution, expected)


def _fill(name: str, expected: dict[str, Any], execution: Path) -> None:
    if "base" in expected:
        base = expected["base"]
        _fill(base, json.loads((DATA / base / "case.json").read_bytes()), execution)
    if (DATA / name / "execution").is_dir():
        shutil.copytree(DATA / name / "execution", execution, dirs_exist_ok=True)
    for gone in expected.get("without", ()):
        (execution / gone).unlink()
    for edit in expected.get("edits", ()):
        path = execution / edit["file"]
        document = json.loads(path.read_bytes())
        path.write_text(json.dumps(_edited(document, edit["at"].split("|"), edit), indent=1))


def _edited(document: Any, places: list[str], edit: dict[str, Any]) -> Any:
    place, *inside = places
    holder, (*way, last) = document, place.strip("/").split("/")
    for name in way:
        holder = holder[int(name) if isinstance(holder, list) else name]
    key: Any = int(last) if isinstance(holder, list) else last
    if inside:
        holder[key] = json.dumps(_edited(json.loads(holder[key]), inside, edit))
    elif edit.get("remove"):
        del holder[key]
    elif "first" in edit:
        holder[key] = holder[key][: edit["first"]]
    else:
        holder[key] = edit["set"]
    return document


if __name__ == "__main__":
    sys.stdout.write(table())
