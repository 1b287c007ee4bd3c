"""One item a restore point: it reads, hands the reading on beside its report, and fails when it is not proven.

The same items run in the process that holds the run and in the workers of `-n`: what they return goes the same way.
"""

from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pytest

from drproof.catalog import FLEET
from drproof.engine.fleet import PointReader, Ticket, judged
from drproof.evidence.canonical import canonical
from drproof.evidence.redaction import Redactor
from drproof.model.codec import encode
from drproof.model.verdict import Status, Verdict
from drproof.phases.fleet.observed import PointReading

READING = pytest.StashKey[str]()
OURS = "drproof_check"
"""The attribute of a report that says that it is of an item of ours, and of no test of the operator's own."""
HANDED = "drproof_reading"
"""The attribute of a report that carries a reading, as the JSON that it will be kept as."""


@dataclass(frozen=True, slots=True)
class PointCheck:
    """An item about one restore point."""

    reading: PointReading
    verdicts: tuple[Verdict, ...]

    def demand(self) -> None:
        """Pass when every contract of the fleet is proven for this restore point."""
        doubts = [verdict for verdict in self.verdicts if not verdict.proven]
        if not doubts:
            return
        lines = [f"{self.reading.subject} is not proven"]
        for verdict in doubts:
            lines.append(f"{verdict.contract} is {verdict.status}: {verdict.reason}")
            if verdict.status is Status.REFUTED:
                lines.append(f"  claim:    {verdict.claim}")
                lines.append(f"  observed: {verdict.observed}")
                lines.append(f"  expected: {verdict.expected}")
        pytest.fail("\n".join(lines), pytrace=False)


class FleetItems:
    """The items of one fleet, and what they read with."""

    def __init__(self, ticket: Ticket, uris: tuple[str, ...]) -> None:
        """Make items of these restore points; nothing is read yet."""
        self.ticket = ticket
        self.uris = uris

    @cached_property
    def reader(self) -> PointReader:
        """What reads, opened by the first item that needs it."""
        return PointReader(self.ticket)

    @property
    def redactor(self) -> Redactor:
        """What knows the secrets of the reader; of nobody before anything was read."""
        return self.reader.redactor if "reader" in self.__dict__ else Redactor()

    @pytest.fixture
    def restore_point(self, request: pytest.FixtureRequest) -> PointCheck:
        """Read one restore point."""
        reading = self.reader.read(request.param)
        request.node.stash[READING] = canonical(encode(reading)).decode()
        return PointCheck(reading, judged(self.ticket.plan, reading))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Send a reading on as soon as there is one: what happens to its item afterwards does not lose it."""
        report = yield
        if uri_of(item):
            setattr(report, OURS, True)
        if call.when == "setup" and READING in item.stash:
            setattr(report, HANDED, item.stash[READING])
            del item.stash[READING]
        return report


def parametrize(metafunc: pytest.Metafunc, uris: tuple[str, ...]) -> None:
    """Make an item of each restore point."""
    if getattr(metafunc.module, "DRPROOF_CHECKS", "") == FLEET and "restore_point" in metafunc.fixturenames:
        metafunc.parametrize("restore_point", uris, ids=ids_of(uris), indirect=True)


def ids_of(uris: tuple[str, ...]) -> list[str]:
    """Return how each restore point is called on the command line: by its id, or by its URI where two have one id."""
    names = Counter(_last(uri) for uri in uris)
    return [_last(uri) if names[_last(uri)] == 1 else uri for uri in uris]


def uri_of(item: pytest.Item) -> str:
    """Return the restore point that an item of ours is about; empty for every other item."""
    params: dict[str, Any] = getattr(getattr(item, "callspec", None), "params", {})
    ours = getattr(getattr(item, "module", None), "DRPROOF_CHECKS", "") == FLEET
    return str(params.get("restore_point", "")) if ours else ""


def _last(uri: str) -> str:
    return uri.rpartition("/")[2]
