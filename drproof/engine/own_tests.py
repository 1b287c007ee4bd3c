"""The log of the operator's own tests: a line for each thing said, in the private folder until the run is concluded.

A line is written with one call and no sync: a test may say ten thousand things. A run that dies loses no test by it:
which ones were to run is on disk before the first.
"""

import hashlib
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from drproof.evidence.bundle import write_atomic
from drproof.evidence.canonical import canonical
from drproof.evidence.files import LARGEST_DOCUMENT
from drproof.evidence.own_tests import OWN_TESTS, OwnCheck, OwnTest, OwnTests, TestOutcome
from drproof.evidence.redaction import Redactor
from drproof.evidence.withheld import keep
from drproof.model.codec import encode

LOG = "own-tests.log"
LARGEST_INTEGER = 2**53 - 1
DEEPEST = 16
LARGEST_VALUE = 16 << 10
"""Bytes of JSON that are kept of a value."""
LEFT_OUT = "left out: the document would have been too large"
WORSE: tuple[TestOutcome, ...] = ("passed", "expected_failure", "skipped", "lost", "failed")
"""From the best that a test can come to, to the worst."""
_ENCODE = msgspec.json.Encoder().encode


class OwnTestLog:
    """What own tests say, appended to a file that only this run's processes read."""

    def __init__(self, private: Path, tests: Iterable[str]) -> None:
        """Write down which tests are to run; nothing else may be said before."""
        self._file = os.open(private / LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._write({"expected": list(tests)})
        os.fsync(self._file)

    def check(self, test: str, claim: str, *, held: bool, observed: object, expected: object) -> None:
        """Write down one thing that a test said."""
        self._write(
            {
                "test": test,
                "claim": _bounded(text(claim)),
                "held": held,
                "observed": _bounded(plain(observed)),
                "expected": _bounded(plain(expected)),
            }
        )

    def ended(self, test: str, outcome: TestOutcome, *, duration_ms: int, reason: str) -> None:
        """Write down how a test ended."""
        self._write({"test": test, "outcome": outcome, "duration_ms": duration_ms, "reason": reason})

    def close(self) -> None:
        """Say no more."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _write(self, line: dict[str, Any]) -> None:
        os.write(self._file, _ENCODE(line) + b"\n")


def _bounded(value: Any) -> Any:  # noqa: ANN401 — plain JSON
    """Return a value, or only its size and digest where it is large: half of a secret would not be masked any more."""
    data = _ENCODE(value)
    if len(data) <= LARGEST_VALUE:
        return value
    return f"left out: {len(data)} bytes with SHA-256 {hashlib.sha256(data).hexdigest()}"


def plain(value: object, depth: int = 0) -> Any:  # noqa: ANN401 — plain JSON
    """Return a value as JSON without fractions can hold it; what it cannot hold is kept as text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return text(value)
    if type(value) is int and -LARGEST_INTEGER <= value <= LARGEST_INTEGER:
        return value
    if depth < DEEPEST:
        if isinstance(value, list | tuple):
            return [plain(one, depth + 1) for one in value]
        if isinstance(value, dict) and all(isinstance(name, str) for name in value):
            return {text(name): plain(one, depth + 1) for name, one in value.items()}
    return text(repr(value))


def text(words: str) -> str:
    """Return words as UTF-8 can hold them."""
    return words if words.isascii() else words.encode("utf-8", "backslashreplace").decode()


def gather(private: Path, directory: Path, masker: Redactor, *, largest: int = LARGEST_DOCUMENT) -> OwnTests | None:
    """Write `own-tests.json` from the log and return it; None when no test of the operator's own was to run."""
    try:
        lines = (private / LOG).read_bytes().split(b"\n")
    except FileNotFoundError:
        return None
    said = _read(lines)
    data = canonical(encode(said))
    for shortened in (_shorter, _without_values):
        if len(data) > largest:
            said = shortened(said)
            data = canonical(encode(said))
    # Masking looks at each word alone, which costs more than the tests: only where the whole shows something.
    if masker.scan(data):
        keep(directory, OWN_TESTS, canonical(masker.masked(encode(said))), masker)
    else:
        write_atomic(directory / OWN_TESTS, data)
    return said


def _read(lines: Iterable[bytes]) -> OwnTests:
    """Return what a log says; its last line may be torn, and a test without an end is lost.

    Of tests that share a name, and of the attempts of one test, the worst counts.
    """
    expected: Counter[str] = Counter()
    ends: dict[str, list[OwnTest]] = {}
    checks: dict[str, list[OwnCheck]] = {}
    for line in lines:
        try:
            row = msgspec.json.decode(line)
        except msgspec.DecodeError:
            continue
        if "expected" in row and "test" not in row:
            expected.update(row["expected"])
        elif "claim" in row:
            checks.setdefault(row.pop("test"), []).append(OwnCheck(**row))
        else:
            ends.setdefault(row["test"], []).append(OwnTest(**row, checks=()))
    told = []
    for name in dict.fromkeys((*expected, *ends)):
        test = _worst(name, ends.get(name, []), expected[name])
        told.append(replace(test, checks=tuple(checks[name])) if name in checks else test)
    return OwnTests(tests=tuple(told), checks_left_out=0)


def _worst(test: str, ends: list[OwnTest], expected: int) -> OwnTest:
    if len(ends) == 1 >= expected:
        return ends[0]
    lost = [_lost(test)] if len(ends) < expected else []
    return max((*ends, *lost), key=lambda end: WORSE.index(end.outcome))


def _lost(test: str) -> OwnTest:
    return OwnTest(test=test, outcome="lost", duration_ms=0, reason="nobody knows how it ended", checks=())


def _shorter(said: OwnTests) -> OwnTests:
    """Leave out the checks that held: what did not hold must be read."""
    tests = tuple(replace(test, checks=tuple(one for one in test.checks if not one.held)) for test in said.tests)
    left_out = sum(len(test.checks) for test in said.tests) - sum(len(test.checks) for test in tests)
    return replace(said, tests=tests, checks_left_out=left_out)


def _without_values(said: OwnTests) -> OwnTests:
    """Leave the claims alone: a document that nobody can read refutes nothing."""
    return replace(
        said,
        tests=tuple(
            replace(test, checks=tuple(replace(one, observed=LEFT_OUT, expected=LEFT_OUT) for one in test.checks))
            for test in said.tests
        ),
    )
