"""Signals: they end the phase that runs, never the teardown."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from drproof.model.errors import Interruption

HANDLED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Signals:
    """What becomes of a signal, depending on what runs.

    In a phase it is raised as an `Interruption`; while a run is ending it is only noted, because ending is what it
    asks for; between phases it is handed to the driver.
    """

    def __init__(self, idle: Callable[[Interruption], None]) -> None:
        """Call `idle` for a signal that comes while no phase runs."""
        self.received: Interruption | None = None
        self._idle = idle
        self._in_phase = False
        self.deferred = False
        self._previous: dict[signal.Signals, object] = {}

    def install(self) -> None:
        """Handle signals from now on; only the main thread of a process can."""
        for number in HANDLED:
            self._previous[number] = signal.signal(number, self._handle)

    def restore(self) -> None:
        """Handle signals as before."""
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type] # what `signal` returned before
        self._previous.clear()

    @contextmanager
    def phase(self) -> Iterator[None]:
        """Raise signals here; one that came before is raised at once."""
        if self.received is not None and not self.deferred:
            raise self.received
        self._in_phase = True
        try:
            yield
        finally:
            self._in_phase = False

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Only note signals here; one that came is handed to the driver afterwards."""
        deferred, before = self.deferred, self.received
        self.deferred = True
        try:
            yield
        finally:
            self.deferred = deferred
        if self.received is not None and before is None and not deferred:
            self._idle(self.received)

    def defer(self) -> None:
        """Only note signals from now on: the run is ending."""
        self.deferred = True

    def _handle(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 — the shape of a handler
        name = signal.Signals(number).name
        interruption = Interruption(f"{name} received", exit_status=128 + number)
        first = self.received is None
        self.received = self.received or interruption
        if self.deferred:
            return
        if not first:
            # The first one is ending the run already; a second must not cut that short.
            return
        if self._in_phase:
            raise interruption
        self._idle(interruption)
