"""Containers as processes: their own session, a bounded log, killed as a group; or a pretence without a process."""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

LOG_BYTES = 10 * 2**20
"""What is kept of a container's output, from its beginning (a kubelet rotates at the same size)."""
MARK = "CONTAINER_ID"
"""The variable by which the processes of a container are found, wherever they fled to."""
_DRAIN_SECONDS = 30.0
_DYING_SECONDS = 0.005
_PROCESSES = Path("/proc")


@dataclass(frozen=True, slots=True)
class Exit:
    """How a container ended: status (128 + signal when it was killed), and when in seconds since the epoch."""

    code: int
    at: float
    reason: str = ""

    @property
    def said(self) -> str:
        """The reason as containerd gives it."""
        return self.reason or ("Error" if self.code else "Completed")


class Container(Protocol):
    """One run of a container."""

    identity: str
    started_at: float

    @property
    def exit(self) -> Exit | None:
        """How it ended, None while it runs."""
        ...

    def terminate(self) -> None:
        """Ask it to end."""
        ...

    def kill(self) -> None:
        """End it now."""
        ...

    def join(self, seconds: float) -> None:
        """Wait until nothing of it is left."""
        ...

    def due(self) -> float | None:
        """Return the monotonic time at which it ends by itself without telling, if it does."""
        ...


class Process:
    """A container that really runs.

    Raises:
        OSError: its first word cannot be run.
    """

    def __init__(  # noqa: PLR0913 — a process has this many properties
        self,
        argv: Sequence[str],
        *,
        identity: str,
        folder: Path,
        environment: Mapping[str, str],
        log: Path,
        ended: Callable[[], None],
        log_bytes: int = LOG_BYTES,
    ) -> None:
        self.identity = identity
        self._exit: Exit | None = None
        self._ended = ended
        log.parent.mkdir(parents=True, exist_ok=True)
        output = log.open("wb", buffering=0)
        try:
            self._process = subprocess.Popen(
                argv,
                cwd=folder,
                env=dict(environment) | {MARK: identity},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except BaseException:
            output.close()
            raise
        self.started_at = time.time()
        assert self._process.stdout  # noqa: S101 — it was asked for
        self._pump = threading.Thread(
            target=_copy, args=(self._process.stdout, output, log_bytes), name=f"log-{identity[:12]}", daemon=True
        )
        self._reaper = threading.Thread(target=self._reap, name=f"reap-{identity[:12]}", daemon=True)
        self._pump.start()
        self._reaper.start()

    @property
    def exit(self) -> Exit | None:
        """How it ended, None while it runs."""
        return self._exit

    def terminate(self) -> None:
        """Send SIGTERM to its first process, as container runtimes do."""
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()

    def kill(self) -> None:
        """Send SIGKILL to all of its processes."""
        # Once its end is noted its number may be another's; whatever is left then is the reaper's.
        if self._process.returncode is None:
            _kill_group(self._process.pid)

    def join(self, seconds: float) -> None:
        """Wait until its processes and threads are gone."""
        self._reaper.join(seconds)

    def due(self) -> float | None:
        """Return None: its end is reported."""
        return None

    def _reap(self) -> None:
        code = self._process.wait()
        at = time.time()
        # A container ends with its first process: the others die with it, also those that left the session.
        _kill_group(self._process.pid)
        # A kill is only asked for: the container has ended when none of them is left.
        until = time.monotonic() + _DRAIN_SECONDS
        while _kill_marked(self.identity) and time.monotonic() < until:
            time.sleep(_DYING_SECONDS)
        self._pump.join(_DRAIN_SECONDS)
        self._exit = Exit(128 - code if code < 0 else code, at)
        self._ended()


class Pretence:
    """A container that only a script tells of: what it wrote, how long it ran, how it ended."""

    def __init__(self, *, identity: str, log: Path, text: str, seconds: float | None, outcome: tuple[int, str]) -> None:
        self.identity = identity
        self.started_at = time.time()
        self._outcome = outcome
        self._until = None if seconds is None else time.monotonic() + seconds
        self._exit: Exit | None = None
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(text, encoding="utf-8")

    @property
    def exit(self) -> Exit | None:
        """How it ended, None while it is said to run."""
        if self._exit is None and self._until is not None and time.monotonic() >= self._until:
            self._exit = Exit(self._outcome[0], time.time(), self._outcome[1])
        return self._exit

    def terminate(self) -> None:
        """End it as SIGTERM would."""
        if self.exit is None:
            self._exit = Exit(128 + signal.SIGTERM, time.time())

    def kill(self) -> None:
        """End it as SIGKILL would."""
        if self.exit is None:
            self._exit = Exit(128 + signal.SIGKILL, time.time())

    def join(self, seconds: float) -> None:
        """Return: nothing of it runs."""

    def due(self) -> float | None:
        """Return when it ends by itself."""
        return None if self._exit else self._until


def _copy(stream: IO[bytes], output: IO[bytes], limit: int) -> None:
    """Keep the beginning of a stream and drain the rest."""
    with stream, output:
        while piece := stream.read1(65536):  # type: ignore[attr-defined] # a pipe is buffered
            if limit > 0:
                output.write(piece[:limit])
                limit -= len(piece)


def _kill_group(number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(number, signal.SIGKILL)


def _kill_marked(identity: str) -> bool:
    """Kill what carries a container's mark in its environment, where the system shows it; say whether any did."""
    mark, found = f"{MARK}={identity}".encode(), False
    for entry in _PROCESSES.glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (entry / "environ").read_bytes().split(b"\0"):
                found = True
                os.kill(int(entry.name), signal.SIGKILL)
    return found
