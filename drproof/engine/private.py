"""The private folder of a run: what another process needs to go on with it, and nobody needs to read.

It lies beside the bundle (`<drill-id>.private`, mode 0700), never in it, and is gone once nothing is left to do.
"""

import contextlib
import fcntl
import os
import secrets
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drproof.engine.refusal import Refusal, refuse
from drproof.evidence.bundle import write_atomic
from drproof.evidence.canonical import canonical
from drproof.evidence.redaction import REDACTIONS
from drproof.formats.strict_json import parse
from drproof.model.codec import decode, encode
from drproof.model.context import DRILL_TAG
from drproof.model.errors import EvidenceError
from drproof.model.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """What the next process must know."""

    settings: Settings
    values: Mapping[str, Any]
    """Every setting by its path, so that a later window need not be told again."""
    reports: str
    origin: str
    """The drill whose tag marks everything that this chain of windows created."""
    journals: tuple[str, ...]
    """The journals of earlier windows, oldest first."""
    world: str
    """The folder of the embedded world; empty for a live target."""
    expires_at: str
    key: str
    """What the values of secrets are digested with; the same in all windows of a drill, and gone with the last one."""


SALT = "redaction.salt"
HANDOVER = "handover.json"
REMOVALS = 20
"""How often the folder is removed while others still remove theirs from it."""


class Private:
    """The private folder, locked for one process at a time."""

    def __init__(self, path: Path) -> None:
        """Name the folder; nothing is created yet."""
        self.path = path
        self._lock = -1

    @classmethod
    def of(cls, directory: Path) -> "Private":
        """Return the private folder of the run in `directory`."""
        return cls(directory.with_name(directory.name + ".private"))

    def create(self) -> None:
        """Make the folder and lock it."""
        self.path.mkdir(mode=0o700)
        self.lock()

    def lock(self, *, wait: bool = False) -> None:
        """Take the folder for this process.

        Raises:
            Refusal: another process works on this run.
        """
        self._lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError as exc:
            os.close(self._lock)
            raise refuse(
                f"another process works on the run beside {self.path}",
                next_step="wait for it to end, then run the same command",
            ) from exc

    def hand_over(self, handover: Handover) -> None:
        """Write down what the next process must know."""
        write_atomic(self.path / HANDOVER, canonical(encode(handover)))

    def handover(self) -> Handover:
        """Return what was written down.

        Raises:
            Refusal: the folder is gone or unreadable.
        """
        try:
            return decode(Handover, parse((self.path / HANDOVER).read_bytes()))
        except (OSError, EvidenceError) as exc:
            raise refuse(
                f"{self.path} does not say how to go on: {exc}",
                expected="the private folder of the run, beside its bundle",
                next_step=f"look for what carries the tag {DRILL_TAG}={self.path.stem}, and remove it",
            ) from exc

    def salt(self) -> bytes:
        """Return what originals of redacted texts are digested with: new for each drill, made on first use."""
        path = self.path / SALT
        if not path.exists():
            self._write_salt(secrets.token_bytes(32))
        return bytes.fromhex(path.read_text(encoding="ascii"))

    def set_salt(self, salt: bytes) -> None:
        """Keep a salt that another machine can make anew, where none is kept yet."""
        if not (self.path / SALT).exists():
            self._write_salt(salt)

    def remove(self) -> None:
        """Remove the folder: nothing is left to do. Of a run that redacted texts the salt stays, and nothing else."""
        salt = self.salt() if self.path.is_dir() and self._redacted() else b""
        for _ in range(REMOVALS):
            try:
                shutil.rmtree(self.path)
            except FileNotFoundError:
                # Another process is putting its own files away below it.
                time.sleep(0.05)
            if not self.path.exists():
                break
        if salt:
            self.path.mkdir(mode=0o700)
            self._write_salt(salt)
        self.release()

    @property
    def has_ended(self) -> bool:
        """Whether nobody will go on with the run: the folder is gone, or only its salt is left."""
        return not self.path.exists() or [path.name for path in self.path.iterdir()] == [SALT]

    @property
    def is_half_removed(self) -> bool:
        """Whether the folder no longer says how to go on, as while it is being removed."""
        return self.path.is_dir() and not (self.path / HANDOVER).exists()

    def _redacted(self) -> bool:
        evidence = self.path.with_name(self.path.name.removesuffix(".private")) / "evidence"
        return any(evidence.glob(f"*.{REDACTIONS}.json"))

    def _write_salt(self, salt: bytes) -> None:
        path = self.path / SALT
        path.touch(mode=0o600)
        path.write_text(salt.hex(), encoding="ascii")

    def discard(self) -> None:
        """Remove the folder of a run that ended, if it is still there and nobody works on it."""
        if not self.path.is_dir():
            return
        with contextlib.suppress(Refusal):
            self.lock()
            self.remove()

    def release(self) -> None:
        """Let other processes take the folder."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1
