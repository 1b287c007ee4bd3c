"""A command that a person typed: in a session of its own, bounded in time and in what is kept of its output."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import IO

GRACE_SECONDS, KILL_SECONDS = 20, 5
"""How long an interrupted command may take to end, and how long one that was killed may hold its output open."""

KEPT_BYTES = 64 << 10
"""Of a longer output its end is kept: that is where a command says why it failed."""

LONGEST_LINE = 4 << 10


class ManualCommand:
    """One command, run once; it is asked nothing, because nobody would see what was answered."""

    def __init__(self, words: Sequence[str], *, show: Callable[[str], None]) -> None:
        """Name the command; `show` is told each line as it is printed, cut where it is very long."""
        self.words = tuple(words)
        self.exit_status: int | None = None
        """None until it has ended by itself; negative for the signal that ended it."""
        self.problem = ""
        """Why there is no exit status."""
        self.duration_ms = 0
        self.printed = 0
        """How many bytes it printed on both outputs."""
        self._show = show
        self._end = b""

    @property
    def tail(self) -> str:
        """The end of what it printed, from the beginning of a line."""
        kept = self._end
        if self.printed > len(kept):
            _, _, kept = kept.partition(b"\n")
        return kept.decode("utf-8", errors="replace")

    def run(self, environment: Mapping[str, str], timeout_ms: int) -> None:
        """Run it to its end; what it left running ends with it.

        An exception in this thread, such as a signal's, interrupts the command once, gives it time, and goes on.
        """
        begun = time.monotonic()
        try:
            self._run(environment, timeout_ms)
        finally:
            self.duration_ms = int((time.monotonic() - begun) * 1000)

    def _run(self, environment: Mapping[str, str], timeout_ms: int) -> None:
        try:
            process = subprocess.Popen(  # noqa: S603 — to run what the operator typed is what was asked
                self.words,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except (OSError, ValueError) as exc:
            self.problem = f"it cannot be started: {getattr(exc, 'strerror', '') or exc}"
            return
        listener = threading.Thread(target=self._listen, args=(process.stdout,), daemon=True)
        try:
            listener.start()
            self.exit_status = process.wait(timeout=timeout_ms / 1000)
        except subprocess.TimeoutExpired:
            self.problem = f"it did not end within {timeout_ms} ms, and was ended"
            _end(process)
        except BaseException:
            self.problem = "it was interrupted, and ended before its time"
            _end(process)
            raise
        finally:
            # What it started and left behind would go on unobserved, and holds the pipe.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            listener.join(timeout=KILL_SECONDS)

    def _listen(self, stream: IO[bytes] | None) -> None:
        if stream is None:
            return
        with stream:
            while line := stream.readline(LONGEST_LINE):
                self.printed += len(line)
                self._end = (self._end + line)[-KEPT_BYTES:]
                self._show(line.decode("utf-8", errors="replace").rstrip("\n"))


def _end(process: subprocess.Popen[bytes]) -> None:
    """Interrupt once, give time, then end the whole session."""
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGINT)
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=GRACE_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=KILL_SECONDS)
