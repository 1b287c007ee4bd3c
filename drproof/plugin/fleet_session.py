"""A pytest session that checks a fleet: found once here, read by items in any number of processes, judged here.

Order of a run: the plan is opened and the restore points are found before anything is collected; items read; what
they return is brought together when the session ends, whatever became of them. Who returned nothing is named.
"""

import contextlib

import pytest

from drproof.catalog import FLEET
from drproof.engine.fleet import Ticket
from drproof.engine.private import Private
from drproof.model.collection import Collection, HandedFile
from drproof.model.errors import Interruption
from drproof.phases.fleet.find_restore_points import find_restore_points
from drproof.phases.fleet.read_restore_points import read_restore_points
from drproof.plugin.fleet_items import HANDED, OURS, FleetItems, parametrize, uri_of
from drproof.plugin.fleet_worker import INPUT, input_of
from drproof.plugin.guards import refuse_a_part, refuse_conflicts_of_readers
from drproof.plugin.own_tests import OwnTestsOfRun
from drproof.plugin.session import DrillSession, checks_of_item, dry
from drproof.report.visible import inert

UNKNOWN = "found when it runs"


class FleetSession(DrillSession):
    """One plan `fleet`, run once; its restore points are read here or by workers."""

    def __init__(self, config: pytest.Config, mark: str) -> None:
        """Prepare the run.

        Raises:
            pytest.UsageError: the request is wrong; nothing was changed.
        """
        refuse_conflicts_of_readers(config, mark)
        super().__init__(config, mark, plan=FLEET)
        self._items: FleetItems | None = None
        self._handed: list[HandedFile] = []
        self._own_of_workers: OwnTestsOfRun | None = None
        config.pluginmanager.register(self, "drproof-fleet-run")

    @property
    def uris(self) -> tuple[str, ...]:
        """The restore points that were found; of a session that only shows what it would do, those that are named."""
        if self._items is not None:
            return self._items.uris
        return self.prepared.criteria.fleet.uris or (UNKNOWN,)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Open the run and find the restore points, before workers are started and items are collected.

        Raises:
            pytest.UsageError: the target is not what the settings say; nothing was changed.
        """
        if dry(self.config):
            return
        self.open()
        if self.run is None:
            return
        found = self.advance(find_restore_points.name)
        ticket = Ticket.of(self.run.record.plan, self.prepared.settings, self.run.opened.world)
        self._items = FleetItems(ticket, found.facts.found if found.passed else ())
        self.config.pluginmanager.register(self._items, "drproof-fleet")

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: object) -> None:
        """Give a worker what it reads with."""
        if self._items is not None:
            node.workerinput[INPUT] = input_of(self._items)  # type: ignore[attr-defined] # xdist ships no types

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the reading out of a report, before anybody else looks at it."""
        if not report.__dict__.pop(OURS, False) and self._own is None and self.run is not None:
            # Collected by workers: which ones were to run, nobody says here, and a lost one is reported as failed.
            self._own_of_workers = self._own_of_workers or OwnTestsOfRun(
                Private.of(self.prepared.directory).path, None, self.uncollected, self.clean
            )
            self._own_of_workers.pytest_runtest_logreport(report)
        data = report.__dict__.pop(HANDED, None)
        if data is not None:
            self._handed.append(HandedFile(name=report.nodeid, data=data.encode(), handed_as="reading"))

    def parametrize(self, metafunc: pytest.Metafunc) -> None:
        """Make an item of each restore point."""
        parametrize(metafunc, self.uris)

    def arrange(self, items: list[pytest.Item]) -> None:
        """Refuse a selection of some; leave out the checks of other plans."""
        strangers = [item for item in items if checks_of_item(item) not in {"", FLEET}]
        selected = {uri for item in items if (uri := uri_of(item))}
        refuse_a_part(self.mark, set(self.uris), selected)
        items[:] = [item for item in items if item not in strangers]
        if strangers:
            self.config.hook.pytest_deselected(items=strangers)

    def start(self, session: pytest.Session) -> None:
        """Write down which tests of the operator's own are to run here: the run is open since before the collection."""
        if self.run is not None:
            self.expect([item for item in session.items if not checks_of_item(item)])

    def finish(self, session: pytest.Session) -> None:
        """Bring together what was read, and close the run whatever happened."""
        if self._own_of_workers is not None:
            self._own_of_workers.log.close()
        if self.run is not None and not self.run.interrupted and self._signals.received is None:
            self.run.collection = Collection(files=tuple(self._handed))
            # The run knows by then that it was interrupted, and closes as such.
            with contextlib.suppress(Interruption):
                self.run.advance(read_restore_points.name)
        super().finish(session)

    def clean(self, text: str) -> str:
        """Return text as it may be shown: without the secrets of the run and of what reads here."""
        return inert(self._items.redactor.mask(super().clean(text)) if self._items else super().clean(text))
