"""The operator's own tests in a run of ours: each is written down, and what it says while it runs as well."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from drproof.engine.own_tests import OwnTestLog, text
from drproof.evidence.own_tests import TestOutcome

UNSAID: Any = object()
LONGEST_REASON = 2_000
"""Characters of a failure that are kept; the whole of it is what pytest prints."""

NEVER_CALLED: tuple[TestOutcome, str, float] = ("lost", "it was never called", 0.0)
"""What is known of a test before its first report; with `--setup-only` it stays so."""


class Proof:
    """The fixture `proof` of the operator's own tests."""

    def __init__(self, log: OwnTestLog, test: str) -> None:
        """Speak for one test."""
        self._log = log
        self._test = test
        self.broken = ""
        """The first claim that did not hold."""

    def check(self, claim: str, *, observed: object, expected: object = UNSAID, held: bool | None = None) -> None:
        """Write down a claim with what was observed, and fail the test when it does not hold.

        It holds when `observed` equals `expected`, or as `held` says. Values are kept as JSON without fractions;
        others as text.

        Raises:
            ValueError: neither `expected` nor `held` is given: such a claim could not fail.
        """
        if held is None:
            if expected is UNSAID:
                msg = f"proof.check({claim!r}): expected `expected` or `held`, got neither: the claim could not fail"
                raise ValueError(msg)
            held = bool(observed == expected)
        kept = None if expected is UNSAID else expected
        self._log.check(self._test, claim, held=bool(held), observed=observed, expected=kept)
        if not held:
            self.broken = self.broken or claim
            wanted = "" if expected is UNSAID else f"\nexpected: {expected!r}"
            pytest.fail(f"{claim}\nobserved: {observed!r}{wanted}", pytrace=False)


class Uncollected:
    """What could not be collected, or left itself out: nobody knows which tests it holds."""

    def __init__(self) -> None:
        """Begin before anything is collected."""
        self.found: list[tuple[str, TestOutcome, str]] = []

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Take down a module, folder or class that is not there."""
        if not report.passed:
            told = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
            self.found.append((text(report.nodeid), "lost" if report.failed else "skipped", told))


class OwnTestsOfRun:
    """Every test of the operator's own in one run."""

    def __init__(
        self, private: Path, items: list[pytest.Item] | None, uncollected: Uncollected, clean: Callable[[str], str]
    ) -> None:
        """Write down which are to run, and what is not there to be run, why in words that `clean` has seen.

        Of None, every test that is reported here is one of them.
        """
        self.log = OwnTestLog(private, (text(item.nodeid) for item in items or ()))
        for name, outcome, reason in uncollected.found:
            self.log.ended(name, outcome, duration_ms=0, reason=text(clean(reason))[:LONGEST_REASON])
        self._tests = None if items is None else frozenset(item.nodeid for item in items)
        self._outcomes: dict[str, tuple[TestOutcome, str, float]] = {}

    def proof(self, item: pytest.Item) -> Iterator[Proof]:
        """Yield what a test speaks through, and fail a test that went on after a false claim."""
        speaking = Proof(self.log, text(item.nodeid))
        yield speaking
        if speaking.broken and self._outcomes.get(item.nodeid, ("",))[0] == "passed":
            pytest.fail(f"the test went on although a claim did not hold: {speaking.broken}", pytrace=False)

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take one of the three reports of a test, as pytest means it at last; the third one ends it."""
        # Asked once: each of them is a call, three times a test.
        name, when, said = report.nodeid, report.when, report.outcome
        if self._tests is not None and name not in self._tests:
            if said == "failed" and when == "teardown":
                # Items of ours take nothing down: it is the end of a fixture that own tests share.
                self.log.ended(f"{text(name)} (teardown)", "failed", duration_ms=0, reason=_reason(report))
            return
        before, reason, seconds = self._outcomes.pop(name, NEVER_CALLED)
        seconds += report.duration
        outcome = before
        if said != "passed":
            if said == "failed" or before in {"lost", "passed"}:
                outcome, reason = _outcome(report), _reason(report)
        elif before == "lost" and when == "call":
            outcome, reason = "passed", ""
        # A test whose worker died is reported once, of no part of it.
        if when in {"setup", "call"}:
            self._outcomes[name] = (outcome, reason, seconds)
            return
        self.log.ended(text(name), outcome, duration_ms=round(seconds * 1_000), reason=reason)


def _outcome(report: pytest.TestReport) -> TestOutcome:
    # An attempt that is followed by another one did fail.
    if report.failed or str(report.outcome) == "rerun":
        return "failed"
    return "expected_failure" if hasattr(report, "wasxfail") else "skipped"


def _reason(report: pytest.TestReport) -> str:
    if hasattr(report, "wasxfail"):
        return text(str(report.wasxfail))[:LONGEST_REASON]
    if isinstance(report.longrepr, tuple):
        return text(report.longrepr[2])[:LONGEST_REASON]
    crash = getattr(report.longrepr, "reprcrash", None)
    return text(crash.message if crash is not None else report.longreprtext)[:LONGEST_REASON]
