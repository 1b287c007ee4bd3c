"""What git knows of files: which commit last changed them, and which commit came after which."""

import os
import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from drproof.engine.releases import STEERED

SECONDS = 60
MISSING = 127
SHA = re.compile(r"[0-9a-f]{40,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """The commit that last changed some files; without one, `reason` says why."""

    sha: str = ""
    seconds: int = 0
    """When it was committed, since the epoch."""
    reason: str = ""


def last_commit(root: Path, paths: Iterable[Path]) -> Commit:
    """Return the last commit that changed any of these files, when all of them are as it left them."""
    names = [str(path) for path in paths]
    shallow = _git(root, "rev-parse", "--is-shallow-repository")
    if shallow.returncode != 0:
        return Commit(reason=f"{root} is in no git repository")
    if shallow.stdout.strip() != "false":
        return Commit(reason=f"{root} is in a shallow clone, which does not know when a file was last changed")
    status = _git(root, "status", "--porcelain", "-z", "--untracked-files=all", "--ignored=matching", "--", *names)
    if status.returncode != 0 or status.stdout:
        first = status.stdout.split("\0")[0][3:] or status.stderr.strip()
        return Commit(reason=f"no commit has the files as they are: {first}")
    log = _git(root, "log", "-1", "--format=%H %ct", "--", *names)
    sha, _, seconds = log.stdout.strip().partition(" ")
    if log.returncode != 0 or not seconds.isdigit():
        return Commit(reason=f"no commit of {root} has these files")
    return Commit(sha=sha, seconds=int(seconds))


def descends(root: Path, later: str, earlier: str) -> bool:
    """Return whether one commit is known to come after another; False where git cannot tell."""
    if later == earlier or not SHA.fullmatch(later) or not SHA.fullmatch(earlier):
        return False
    return _git(root, "merge-base", "--is-ancestor", earlier, later).returncode == 0


def _git(root: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    environment = {name: value for name, value in os.environ.items() if name not in STEERED}
    command = [
        "git",
        "-C",
        str(root),
        "--no-optional-locks",
        "--literal-pathspecs",
        "-c",
        "core.fsmonitor=false",
        *words,
    ]
    try:
        return subprocess.run(  # noqa: S603 — our words, and paths after `--`
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SECONDS,
            check=False,
            start_new_session=True,
            env={**environment, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        return subprocess.CompletedProcess(command, MISSING, "", str(exc))
