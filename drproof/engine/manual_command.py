"""A command that a person typed: in a session of its own, bounded in time and in what is kept of its output."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from drproof.targets.provisioners.workshop import GRACE_SECONDS, KILL_SECONDS, Workshop

KEPT_BYTES = 64 << 10
"""Of a longer output its end is kept: that is where a command says why it failed."""

LONGEST_LINE = 4 << 10
FOLDER = "manual"
"""Where in the private folder a command leaves what another process needs to end it."""


class ManualCommand:
    """One command, run once; it is asked nothing, because nobody would see what was answered."""

    def __init__(self, words: Sequence[str], private: Path, *, show: Callable[[str], None]) -> None:
        """Name the command; `show` is told each line as it is printed, cut where it is very long."""
        self.words = tuple(words)
        self._private = private
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
        workshop = Workshop.next_in(self._private / FOLDER)
        try:
            with workshop.in_use() as alive:
                self._run(workshop, alive, environment, timeout_ms)
            workshop.close()
        finally:
            self.duration_ms = int((time.monotonic() - begun) * 1000)

    def _run(self, workshop: Workshop, alive: int, environment: Mapping[str, str], timeout_ms: int) -> None:
        # Its session is on disk before the command is: a kill at any instant leaves it findable.
        start = ("/bin/sh", "-c", 'echo $$ >"$0" && exec "$@"', str(workshop.pid_file))
        try:
            process = subprocess.Popen(  # noqa: S603 — to run what the operator typed is what was asked
                (*start, *self.words),
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=(alive,),
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


def end_what_was_left(private: Path) -> None:
    """End a command that outlived the process that ran it.

    Raises:
        TargetError: it cannot be ended.
    """
    for left in Workshop.left_in(private / FOLDER):
        left.end_orphans()
        left.close()


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
