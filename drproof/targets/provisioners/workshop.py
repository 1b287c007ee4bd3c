"""A folder in which Terraform runs, and how a later process finds and ends one that outlived its own.

Each use has a folder of its own: `alive` is locked (flock) for as long as any process of that use lives, `pid` is the
process group of the command under way, `started` the instant before which no lock of that use can be, and `ended`
appears once every command ended by itself, which is when Terraform gives its own lock back.
"""

import fcntl
import os
import pwd
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from drproof.formats import timestamps
from drproof.model.errors import FormatError, TargetError
from drproof.targets.provisioners.place import Lock

BENCHES = "terraform"
"""Where the folders of a run lie in its private one."""

GRACE_SECONDS = 20
"""How long Terraform may take to end after its one interrupt: it ends its provisioner and writes the state."""

KILL_SECONDS = 10
LONGEST_SECONDS = 900
"""How long a command may take."""

POLL_SECONDS = 0.05


class Workshop:
    """One folder for one use of Terraform."""

    def __init__(self, folder: Path) -> None:
        """Name a folder that exists."""
        self.folder = folder

    @classmethod
    def next_in(cls, directory: Path) -> "Workshop":
        """Make the next folder below `directory`."""
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        number = max((int(found.name) for found in directory.iterdir() if found.name.isdigit()), default=0) + 1
        folder = directory / str(number)
        folder.mkdir(mode=0o700)
        (folder / "started").write_text(datetime.now(UTC).isoformat(), encoding="ascii")
        return cls(folder)

    @classmethod
    def left_in(cls, directory: Path) -> tuple["Workshop", ...]:
        """Return those whose commands did not all end by themselves, oldest first."""
        if not directory.is_dir():
            return ()
        numbered = sorted(
            (found for found in directory.iterdir() if found.name.isdigit() and found.is_dir()),
            key=lambda found: int(found.name),
        )
        return tuple(cls(folder) for folder in numbered if not (folder / "ended").exists())

    @classmethod
    def take_over(cls, directory: Path, earlier: Path) -> None:
        """Have those that an earlier window left below `earlier` be settled with those below `directory`.

        A window that tears down finds the lock that the one before it could not give back, and knows whose it is.
        """
        for left in cls.left_in(earlier):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            (directory / left.folder.name).symlink_to(left.folder.resolve(), target_is_directory=True)

    @property
    def pid_file(self) -> Path:
        """Where a command writes its process group before it starts."""
        return self.folder / "pid"

    def started(self) -> datetime:
        """Return the instant before which no lock of this use can be; the present when nobody wrote it down."""
        try:
            return timestamps.parse((self.folder / "started").read_text(encoding="ascii"))
        except (OSError, FormatError):
            return datetime.now(UTC)

    def over(self) -> datetime:
        """Return the instant after which no lock of this use can be; the present when no command began."""
        try:
            begun = datetime.fromtimestamp(self.pid_file.stat().st_mtime, UTC)
        except OSError:
            return datetime.now(UTC)
        return min(begun + timedelta(seconds=LONGEST_SECONDS), datetime.now(UTC))

    def took(self, lock: Lock) -> bool:
        """Return whether a process of this use took a lock, by this user on this machine while it could."""
        try:
            return lock.who == _who() and self.started() <= timestamps.parse(lock.created) <= self.over()
        except FormatError:
            return False  # Terraform writes an instant; what has none was written by somebody else.

    @contextmanager
    def in_use(self) -> Iterator[int]:
        """Hold `alive`; the number is the descriptor that every command must inherit."""
        alive = os.open(self.folder / "alive", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(alive, fcntl.LOCK_EX)
            yield alive
        except BaseException:
            os.close(alive)
            # What was killed lets go of the lock a moment later than its leader is reaped.
            self._wait_until_idle(KILL_SECONDS)
            raise
        os.close(alive)

    def close(self) -> None:
        """Write down that nothing of this use is left."""
        (self.folder / "ended").touch()

    def end_orphans(self) -> None:
        """End what a killed process left running here: one interrupt, then time, then the end.

        Raises:
            TargetError: something still runs; nothing may be done beside it.
        """
        for number, seconds in ((signal.SIGINT, GRACE_SECONDS), (signal.SIGKILL, KILL_SECONDS)):
            if self.is_idle():
                return
            deadline = time.monotonic() + seconds
            told = False
            while time.monotonic() < deadline and not self.is_idle():
                told = told or self._signal(number)
                time.sleep(POLL_SECONDS)
        if not self.is_idle():
            msg = (
                f"{self.folder}: a process of an earlier run still works here and cannot be ended\n"
                f"  next: kill it, then drproof resume <the folder of the drill>"
            )
            raise TargetError(msg, code="StillRunning", call="terraform:end")

    def is_idle(self) -> bool:
        """Return whether no process of this use lives any more."""
        alive = os.open(self.folder / "alive", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        finally:
            os.close(alive)
        return True

    def _wait_until_idle(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not self.is_idle() and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)

    def _signal(self, number: signal.Signals) -> bool:
        """Return whether the process group was told; its number may not be written yet."""
        try:
            pid = int(self.pid_file.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return False
        with suppress(ProcessLookupError):
            if number is signal.SIGKILL:
                os.killpg(pid, number)
            else:
                os.kill(pid, number)
        return True


def _who() -> str:
    """Return how Terraform names the holder of a lock that this user takes on this machine."""
    name = os.environ.get("USER", "")
    with suppress(KeyError):
        name = pwd.getpwuid(os.getuid()).pw_name
    return f"{name}@{socket.gethostname()}"
