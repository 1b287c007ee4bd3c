"""What runs now, for how long, how long it may take, and what comes next."""

import contextlib
import os
import threading
import time
from collections.abc import Sequence
from typing import Any

import pytest

from drproof.formats.durations import show
from drproof.formats.sizes import show as sized
from drproof.model.phase import Phase
from drproof.model.receipt import Receipt
from drproof.plugin import TERMINAL
from drproof.report.visible import printable

TICK_SECONDS = 0.5
QUIET_SECONDS = 30
"""How often a log that is no terminal hears that a phase still runs."""


class Bytes:
    """How many bytes a phase has moved."""

    def __init__(self) -> None:
        """Begin with none."""
        self._done = self._all = 0

    def add(self, size: int, of: int) -> None:
        """Count `size` more, of so many in all where that is known."""
        self._done += size
        self._all = max(self._all, of)

    def __str__(self) -> str:
        """Return what follows the time in a line of progress; nothing where nothing was moved."""
        if not self._done:
            return ""
        # What nobody promised is read as well: the whole is never less than what was done.
        return f", {sized(self._done)}" + (f" of {sized(max(self._all, self._done))}" if self._all else "")


class Progress:
    """One line a phase; on a terminal, a line that lives."""

    def __init__(self, config: pytest.Config, phases: Sequence[Phase[Any]]) -> None:
        """Write to the terminal itself, whatever is captured."""
        self._terminal = config.stash.get(TERMINAL, -1)
        self._reporter: pytest.TerminalReporter | None = config.pluginmanager.getplugin("terminalreporter")
        self._live = self._terminal >= 0 and os.isatty(self._terminal) and os.environ.get("TERM", "") != "dumb"
        self._phases = {phase.name: phase for phase in phases}
        names = [phase.name for phase in phases]
        self._next = dict(zip(names, [*names[1:], ""], strict=True))
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._phase = ""
        self._began = 0.0
        self._attempt = 1
        self._bytes = Bytes()
        self._awaited = ""
        """What a phase waits for people to do; empty when it does the work itself."""

    def tell(self, event: str, phase: str, receipt: Receipt[Any] | None) -> None:
        """Hear from the run: `begin`, `attempt` or `end` of a phase."""
        if self._reporter is not None:
            # What pytest has said so far stands before what happened after it; a reader that went away ends no drill.
            with contextlib.suppress(OSError, ValueError):
                self._reporter.flush()
        if event == "begin":
            self._begin(phase)
        elif event == "attempt":
            self._attempt += 1
            self._bytes = Bytes()
            self._write(f"drproof: {phase}: attempt {self._attempt}")
        elif receipt is not None:
            self._end(receipt)

    def moved(self, size: int, of: int) -> None:
        """Hear that a phase moved `size` more bytes, of so many in all where that is known."""
        self._bytes.add(size, of)

    def waits(self, line: str) -> None:
        """Hear what the phase that runs waits for; until it ends, that is what comes next."""
        self._awaited = printable(line)
        self._write(f"drproof: {self._phase} {self._awaited}")

    def note(self, line: str) -> None:
        """Print a line of its own."""
        self._write(f"drproof: {printable(line)}")

    def close(self) -> None:
        """Stop the living line."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=2)
        self._thread = None

    def _begin(self, phase: str) -> None:
        self._phase, self._began, self._attempt = phase, time.monotonic(), 1
        self._bytes, self._awaited = Bytes(), ""
        if not self._live:
            # pytest may have left the cursor behind the name of an item.
            self._raw(f"\ndrproof: {phase} begins; {self._outlook(phase)}\n")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._tick, args=(self._stop,), name="drproof-progress", daemon=True)
        self._thread.start()

    def _end(self, receipt: Receipt[Any]) -> None:
        self.close()
        reason = f": {printable(receipt.reason)}" if receipt.reason else ""
        took = show(receipt.duration_ms)
        self._write(f"drproof: {receipt.phase} {receipt.outcome} after {took}{self._bytes}{reason}")

    def _tick(self, stop: threading.Event) -> None:
        while not stop.wait(TICK_SECONDS if self._live else QUIET_SECONDS):
            elapsed = show(int((time.monotonic() - self._began) * 1000))
            attempt = f", attempt {self._attempt}" if self._attempt > 1 else ""
            line = f"drproof: {self._phase} runs for {elapsed}{attempt}{self._bytes}; {self._outlook(self._phase)}"
            if self._live:
                self._raw(f"\r\x1b[2K{line}")
            else:
                self._write(line)

    def _outlook(self, phase: str) -> str:
        if self._awaited:
            return self._awaited
        objective = self._phases[phase].objective_ms if phase in self._phases else None
        within = f"objective {show(objective)}" if objective else "no objective"
        following = self._next.get(phase, "")
        return f"{within}, next {following}" if following else f"{within}, the last phase"

    def _write(self, line: str) -> None:
        self._raw(f"\r\x1b[2K{line}\n" if self._live else f"{line}\n")

    def _raw(self, text: str) -> None:
        if self._terminal < 0:
            return
        # A reader that went away must not end a drill.
        with self._lock, contextlib.suppress(OSError):
            os.write(self._terminal, text.encode())
