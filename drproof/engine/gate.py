"""The gate before a promotion: where a run waits for a decision of people, and takes it in.

A decision for a drill that pytest runs is a file beside the bundle, made once and never written over. One that does
not count is put aside, and the wait goes on.
"""

import contextlib
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

from drproof.engine.clock import instant
from drproof.engine.opening import Opened
from drproof.evidence.bundle import write_atomic
from drproof.evidence.canonical import canonical
from drproof.formats import durations, strict_json, timestamps
from drproof.model.codec import decode, encode
from drproof.model.context import Answered, Clock, Doubt
from drproof.model.errors import EvidenceError, PhaseError
from drproof.model.receipt import Instant

POLL_MS = 100
MOST_BYTES = 1 << 16
"""Of a decision; a signed one is a few kilobytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What lies beside a bundle while its run waits (`<drill-id>.waiting.json`)."""

    drill_id: str
    since: Instant
    until: Instant


def waiting_path(directory: Path) -> Path:
    """Return where a run says that it waits for a decision."""
    return directory.with_name(f"{directory.name}.waiting.json")


def decision_path(directory: Path) -> Path:
    """Return where the decision about a drill is laid."""
    return directory.with_name(f"{directory.name}.decision.json")


def waiting_in(directory: Path) -> Waiting | None:
    """Return for what the run in a folder waits; None when it waits for nothing.

    Raises:
        EvidenceError: what it says cannot be read.
    """
    try:
        data = waiting_path(directory).read_bytes()
    except FileNotFoundError:
        return None
    return decode(Waiting, strict_json.parse(data))


class Gate(Protocol):
    """Where a decision comes from."""

    @property
    def listeners(self) -> list[Callable[[str], None]]:
        """Told what is waited for, and what did not count."""

    def answer(self, doubt: Doubt) -> Answered:
        """Return the decision that counts, or none."""


def gate_of(opened: Opened, clock: Clock) -> Gate:
    """Return the gate of a run of this process; whoever waits elsewhere puts another in its place."""
    return FileGate(opened.directory, opened.record.plan.criteria.approval.within_ms, clock)


class FileGate:
    """Waits for a file beside the bundle."""

    def __init__(self, directory: Path, within_ms: int, clock: Clock) -> None:
        """Wait so long for a decision about the drill in `directory`."""
        self.listeners: list[Callable[[str], None]] = []
        """Told what is waited for, and what did not count."""
        self._directory = directory
        self._within_ms = within_ms
        self._clock = clock

    def answer(self, doubt: Doubt) -> Answered:
        """Return the first decision that counts, or none once the time is up; a signal ends the wait."""
        began, refused = self._clock.monotonic_ms(), list[str]()
        self._announce()
        try:
            while (left := self._within_ms - (self._clock.monotonic_ms() - began)) > 0:
                if (found := self._look(doubt, refused)) is not None:
                    return Answered(value=found, refused=tuple(refused))
                self._clock.sleep_ms(min(POLL_MS, left))
        finally:
            # From here on nobody lays a decision; one that was laid while time ran out still counts.
            waiting_path(self._directory).unlink(missing_ok=True)
        return Answered(value=self._look(doubt, refused), refused=tuple(refused))

    def _tell(self, line: str) -> None:
        for listener in self.listeners:
            listener(line)

    def _announce(self) -> None:
        since = self._clock.now()
        until = instant(timestamps.parse(since) + timedelta(milliseconds=self._within_ms))
        said = Waiting(drill_id=self._directory.name, since=since, until=until)
        write_atomic(waiting_path(self._directory), canonical(encode(said)))
        self._tell(
            f"waits for a decision until {until} (at most {durations.show(self._within_ms)}): "
            f"drproof approve --drill {self._directory}, or drproof reject"
        )

    def _look(self, doubt: Doubt, refused: list[str]) -> Any:  # noqa: ANN401 — plain JSON
        path = decision_path(self._directory)
        try:
            value = _read(path)
            reason = doubt(value)
        except FileNotFoundError:
            return None
        except (EvidenceError, OSError) as exc:
            value, reason = None, f"it cannot be read: {exc}"
        if not reason:
            return value
        refused.append(reason)
        self._tell(f"a decision does not count: {reason}")
        with contextlib.suppress(FileNotFoundError):
            path.replace(path.with_name(f"{self._directory.name}.decision.refused-{len(refused)}.json"))
        return None


class GivenGate:
    """Takes the decision that whoever calls this process has waited for."""

    def __init__(self, value: Any) -> None:  # noqa: ANN401 — plain JSON
        """Take in a signed decision."""
        self.listeners: list[Callable[[str], None]] = []
        self._value = value

    def answer(self, doubt: Doubt) -> Answered:
        """Return the decision.

        Raises:
            PhaseError: it does not count; nobody waits for another one.
        """
        if reason := doubt(self._value):
            msg = f"the decision does not count: {reason}"
            raise PhaseError(msg)
        return Answered(value=self._value)


class SilentGate:
    """Stands where the wait of whoever calls this process ended without a decision."""

    def __init__(self, *instead: str) -> None:
        """Know what came back instead of one, if anything did."""
        self.listeners: list[Callable[[str], None]] = []
        self._instead = instead

    def answer(self, doubt: Doubt) -> Answered:
        """Return that there is none."""
        del doubt
        return Answered(value=None, refused=self._instead)


def _read(path: Path) -> Any:  # noqa: ANN401 — plain JSON
    # Who lays it may be anybody who can write there: no link is followed, and no pipe waited for.
    with open(path, "rb", opener=_without_following) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise EvidenceError("decision", "it is no file")
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise EvidenceError("decision", f"it has more than {MOST_BYTES} bytes")
    return strict_json.parse(data)


def _without_following(name: str, flags: int) -> int:
    return os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK)
