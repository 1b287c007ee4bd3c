"""Which of the costly tests a run of all tests takes: a share by the day, so that each is run on one of so many days.

A costly test starts a drill, an execution, Terraform or another pytest of its own, or asks a world some hundred calls. Two
processors need more than an hour for all of them, which is no answer to a change;
docs/adr/0026-costly-tests-by-the-day.md says why a day decides, and not a commit.
"""

import datetime as dt
import os
import zlib
from collections.abc import Iterator, Sequence

import pytest

SHARES = 12
"""Not seven or fourteen: a share that falls on the same day of each week would be run by nobody who rests on it."""
FEW = 4
"""Days in which each test is run that costs a second or some, where a drill costs twenty; it divides `SHARES`, so that a
share names the tests of both."""
WHOLE = "whole"
VARIABLE = "TESTS_SHARE"
"""The share to run: its number, or `whole`. Workers of xdist are told by it as well."""

DAY = "TESTS_DAY"
"""The day that decides, as an ordinal: workers of xdist must have that of their controller, whatever the clock says then."""

MARK = "costly"
ITS_OWN = frozenset({"operator", "given", "injected", "desk", "live", "watched", "planter"})
"""Fixtures that start a drill or another pytest for the test that asks for them."""

DEFAULT = "not exhaustive"


def share_of_a_run(config: pytest.Config, day: dt.date) -> str:
    """Return the share of this run: one of a run of all tests as `pyproject.toml` has it, and all of any other."""
    asked = os.environ.get(VARIABLE, "")
    if asked:
        if asked != WHOLE and asked not in map(str, range(SHARES)):
            msg = f"{VARIABLE} is {asked!r}, expected {WHOLE} or a number below {SHARES}"
            raise pytest.UsageError(msg)
        return asked
    everything = config.args_source is pytest.Config.ArgsSource.TESTPATHS and config.option.markexpr == DEFAULT
    return str(day.toordinal() % SHARES) if everything else WHOLE


def today() -> int:
    """Return the day of this run."""
    return int(os.environ.get(DAY) or dt.datetime.now(dt.UTC).date().toordinal())


def mark(items: Sequence[pytest.Item]) -> None:
    """Mark the tests that start a drill or another pytest of their own."""
    for item in items:
        if ITS_OWN.intersection(getattr(item, "fixturenames", ())) and item.get_closest_marker(MARK) is None:
            item.add_marker(MARK)


def left_out(items: Sequence[pytest.Item], share: str) -> Iterator[pytest.Item]:
    """Yield the costly tests that another day runs; what shares something costly has one day."""
    for item in items:
        costly = item.get_closest_marker(MARK)
        if share != WHOLE and costly is not None:
            together = costly.args[0] if costly.args else item.nodeid
            days = costly.kwargs.get("days", SHARES)
            if zlib.crc32(together.encode()) % days != int(share) % days:
                yield item
