"""An execution that nobody sealed, gone on with by `drproof resume` out of its store, as its operator elsewhere."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drproof.engine.undoing import SUFFIX
from tests.drill.conftest import Drill, Operator
from tests.orchestrator.acting import STORE, Machine

ELSEWHERE = "elsewhere"
RECOVERED, STATES = "atlas-recovery", "atlas-dr-tfstate"
TEMPORARY = (".tflock", ".drproof-lease", ".tfstate")
"""What a drill keeps beside the state of its machine for as long as it works."""


def resume(place: Path, played: Machine, name: str, settings: str) -> dict[str, Any]:
    """Resume an execution as an operator whose machine has nothing of it but the key that counts."""
    folder = place / ELSEWHERE
    if not folder.exists():
        folder.mkdir()
        (folder / "drproof.toml").write_text(settings)
        shutil.copytree(played.package / ".drproof", folder / ".drproof")
    done = Operator(folder).cli("resume", f"{STORE}/{name}", DRPROOF_WORLD=played.world.endpoint, COLUMNS="300")
    there = [path.name for path in folder.glob("reports/*")]
    return {"status": done.returncode, "said": done.stdout + done.stderr, "folders": there}


@dataclass(frozen=True)
class Resumed:
    """What an operator has on disk after the resume of an execution."""

    folder: Path
    name: str

    @property
    def sealed(self) -> Drill:
        """The bundle of the execution."""
        return Drill(0, "", self.folder / ELSEWHERE / "reports" / self.name)

    @property
    def undone(self) -> Drill:
        """The bundle of the window that took away what it had made."""
        return Drill(0, "", self.folder / ELSEWHERE / "reports" / f"{self.name}{SUFFIX}")


def leaks(drill: Drill) -> list[str]:
    """Return what the world's own log saw made and not taken away, and what its own memory still has."""
    calls = [call for call in drill.calls if call["status"] < 300]
    put = {(call["bucket"], call["key"]) for call in calls if call["action"] == "PutObject" and _is_taken_away(call)}
    removals = [call for call in calls if call["action"].startswith("DeleteObject")]
    gone = {(call["bucket"], key) for call in removals for key in (call["named"] or [call["key"]])}
    started = [call for call in calls if call["action"] == "RunInstances"]
    ended = {one for call in calls if call["action"] == "TerminateInstances" for one in call["named"]}
    there = drill.inventory
    kinds = ("instances", "volumes", "interfaces", "clusters", "lock_items", "others")
    return [
        *(f"{bucket}/{key} was put" for bucket, key in sorted(put - gone)),
        *(f"{len(started)} machines started, {len(ended)} ended" for _ in [0] if len(started) > len(ended)),
        *(f"{kind}: {one}" for kind in kinds for one in there[kind]),
        *(f"object {one['bucket']}/{one['key']}" for one in _newest(there["objects"]) if _is_taken_away(one)),
    ]


def _newest(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what is there of each key: every version of what was recovered, of the rest the newest, listed last."""
    rest = {(one["bucket"], one["key"]): one for one in objects if one["bucket"] != RECOVERED}
    return [*(one for one in objects if one["bucket"] == RECOVERED), *filter(_is_there, rest.values())]


def _is_there(version: dict[str, Any]) -> bool:
    return not version["delete_marker"]


def _is_taken_away(thing: dict[str, Any]) -> bool:
    """Return whether something is an object that no drill may leave."""
    return thing["bucket"] == RECOVERED or (thing["bucket"] == STATES and thing["key"].endswith(TEMPORARY))
