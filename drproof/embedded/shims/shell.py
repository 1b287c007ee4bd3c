"""Commands of machines as processes of their own session, with a bound on time and output."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO

OUTPUT_CHARACTERS = 24_000
ERROR_CHARACTERS = 8_000
CUT = "--output truncated--"
"""What stands at the end of an output of which the rest is gone."""
LOOK_SECONDS = 0.05
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
Finish = Callable[[str, int, str, str], None]


class Shell:
    """Runs scripts with `/bin/sh` and says how they ended."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._ended = False

    def run(self, script: str, root: Path, seconds: float, finish: Finish) -> Callable[[], None]:
        """Start a script in a machine's root folder, and return what cancels it.

        `finish` is told status, exit status, output and errors.
        """
        cancelled = threading.Event()
        threading.Thread(target=self._run, args=(script, root, seconds, finish, cancelled), daemon=True).start()
        return cancelled.set

    def end(self) -> None:
        """Kill what still runs."""
        with self._lock:
            self._ended = True
            for process in self._running:
                _kill(process)

    def _run(self, script: str, root: Path, seconds: float, finish: Finish, cancelled: threading.Event) -> None:
        try:
            process = self._begin(script, root)
        except OSError as exc:
            finish("Failed", 127, "", f"{exc}\n")
            return
        readers = [_Reader(stream) for stream in (process.stdout, process.stderr) if stream]
        try:
            status = _awaited(process, seconds, cancelled)
            if status:
                _kill(process)
            code = process.wait()
            status = status or ("Success" if code == 0 else "Failed")
        finally:
            # What the script left in the background holds its pipes open and would outlive the machine's command.
            _kill(process)
            with self._lock:
                self._running.discard(process)
        output, errors = (
            reader.text(most) for reader, most in zip(readers, (OUTPUT_CHARACTERS, ERROR_CHARACTERS), strict=True)
        )
        finish(status, code, output, errors)

    def _begin(self, script: str, root: Path) -> subprocess.Popen[bytes]:
        """Return the script's process; under the lock, so that the end of the world misses none."""
        with self._lock:
            if self._ended:
                msg = "the embedded world is ending"
                raise OSError(msg)
            process = subprocess.Popen(
                ["/bin/sh", "-c", script],
                cwd=root,
                env=ENVIRONMENT | {"HOME": str(root)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
            self._running.add(process)
            return process


class _Reader:
    """Keeps the beginning of a stream and drains the rest."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._kept = bytearray()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def text(self, most: int) -> str:
        """Return what was kept, once the stream has ended, and say so where that is not all."""
        self._thread.join(timeout=5)
        whole = self._kept.decode("utf-8", "replace")
        return whole if len(whole) <= most else whole[: most - len(CUT)] + CUT

    def _read(self) -> None:
        with self._stream:
            while piece := self._stream.read1(65536):  # type: ignore[attr-defined]
                room = OUTPUT_CHARACTERS * 4 - len(self._kept)
                self._kept += piece[: max(0, room)]


def _awaited(process: subprocess.Popen[bytes], seconds: float, cancelled: threading.Event) -> str:
    """Wait for a script; return why it must be ended, or nothing when it ended by itself."""
    deadline = time.monotonic() + seconds
    while True:
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=min(LOOK_SECONDS, max(0.0, deadline - time.monotonic())))
            return ""
        if cancelled.is_set():
            return "Cancelled"
        if time.monotonic() >= deadline:
            return "TimedOut"


def _kill(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
