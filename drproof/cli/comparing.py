"""What a comparison prints and writes: every difference as a line of JSON, some of them for people, and the counts."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import typer

from drproof.model.comparison import Difference, Kind, Tally
from drproof.model.listing import Row
from drproof.report.visible import printable

EQUAL, DIFFERENT, UNDECIDED = 0, 1, 3


class Report:
    """One comparison as it is told: differences as they are found, then what they come to."""

    def __init__(self, file: IO[str] | None, *, most: int) -> None:
        """Print at most `most` differences; write all of them to `file`, where there is one."""
        self._file = file
        self._most = most
        self._printed = 0

    @classmethod
    def to(cls, path: Path | None, *, most: int) -> "Report":
        """Return a report that also writes to a path, `-` for standard output, where then nothing else goes.

        Raises:
            OSError: the file cannot be written.
        """
        if path is None:
            return cls(None, most=most)
        if str(path) == "-":
            return cls(sys.stdout, most=0)
        return cls(path.open("w", encoding="ascii"), most=most)

    def __enter__(self) -> Self:
        """Return the report."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close what was opened; a file without its last line is of a comparison that did not end."""
        if self._file is not None and self._file is not sys.stdout:
            self._file.close()

    def add(self, found: Difference) -> None:
        """Take in one difference."""
        if self._file is not None:
            self._write(
                {
                    "key": _text(found.key),
                    "kind": found.kind.value,
                    "left": _row(found.left),
                    "right": _row(found.right),
                    "reason": found.reason,
                }
            )
        if self._printed < self._most:
            self._printed += 1
            self._echo(f"{found.kind}: {_text(found.key)}{f' ({found.reason})' if found.reason else ''}")

    def end(self, tally: Tally, left: str, right: str, *, sent: Sequence[object] = ()) -> int:
        """Say what it came to, and return the exit status."""
        found = tally.differing + tally.doubtful
        if found > self._printed and self._file is not sys.stdout:
            self._echo(f"and {found - self._printed} more{'' if self._file else '; --json FILE has all of them'}")
        self._echo(f"{left}: {tally.left} objects; {right}: {tally.right} objects")
        counts = ", ".join(f"{getattr(tally, kind.name.lower())} {kind.value}" for kind in Kind)
        self._echo(f"{tally.equal} equal, {counts}")
        asked = [asdict(one) for one in sent]  # type: ignore[call-overload] # counts are dataclasses
        for name, counted in zip((left, right), asked, strict=False):
            self._echo(
                f"asked of {name}: {', '.join(f'{value} {key}'.replace('_', ' ') for key, value in counted.items())}"
            )
        status, outcome = _outcome(tally)
        if self._file is not None:
            summary = {"left": left, "right": right, **asdict(tally), "outcome": outcome, "asked": asked}
            self._write({"summary": summary})
            # A disk that is full says so before the outcome is said.
            self._file.flush()
        self._echo(outcome)
        return status

    def _write(self, line: dict[str, Any]) -> None:
        if self._file is not None:
            self._file.write(json.dumps(line, separators=(",", ":")) + "\n")

    def _echo(self, text: str) -> None:
        typer.echo(printable(text), err=self._file is sys.stdout)


def _outcome(tally: Tally) -> tuple[int, str]:
    if tally.differing:
        return DIFFERENT, "different"
    if tally.doubtful:
        return UNDECIDED, f"undecided: nothing shows whether {tally.doubtful} objects are the same"
    if not tally.equal:
        return UNDECIDED, "nothing was compared: both sides are empty"
    return EQUAL, "equal"


def _row(row: Row | None) -> dict[str, Any] | None:
    return None if row is None else {"size": row[1], "etag": row[2].decode(errors="replace")}


def _text(key: bytes) -> str:
    return key.decode(errors="surrogateescape")
