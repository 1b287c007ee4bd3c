"""A worker of `-n` in the check of a fleet: it reads and returns; it sequences, signs and seals nothing."""

import json

import pytest

from drproof.catalog import FLEET
from drproof.engine.fleet import Ticket
from drproof.model.codec import decode, encode
from drproof.plugin import KEY
from drproof.plugin.fleet_items import FleetItems, parametrize
from drproof.plugin.places import checks_of, point_at
from drproof.plugin.session import checks_of_item
from drproof.report.visible import inert

INPUT = "drproof_fleet"
"""What the worker is given, as JSON: the ticket, and the restore points that were found."""


def input_of(items: FleetItems) -> str:
    """Return what a worker is given."""
    return json.dumps({"ticket": encode(items.ticket), "uris": list(items.uris)})


def begin_reading(config: pytest.Config) -> None:
    """Prepare the items of a worker, where the run is the check of a fleet."""
    given = getattr(config, "workerinput", {}).get(INPUT)
    if given is None:
        return
    point_at(config, checks_of(FLEET))
    content = json.loads(given)
    items = FleetItems(decode(Ticket, content["ticket"]), tuple(content["uris"]))
    config.stash[KEY] = FleetWorker(config, items)
    config.pluginmanager.register(items, "drproof-fleet")


class FleetWorker:
    """The items of a fleet in a process that holds no run."""

    def __init__(self, config: pytest.Config, items: FleetItems) -> None:
        """Take over what the run gave."""
        self._config = config
        self._items = items

    def parametrize(self, metafunc: pytest.Metafunc) -> None:
        """Make an item of each restore point."""
        parametrize(metafunc, self._items.uris)

    def arrange(self, items: list[pytest.Item]) -> None:
        """Leave out the checks of other plans."""
        strangers = [item for item in items if checks_of_item(item) not in {"", self._items.ticket.plan.plan}]
        items[:] = [item for item in items if item not in strangers]
        if strangers:
            self._config.hook.pytest_deselected(items=strangers)

    def header(self) -> list[str]:
        """Say nothing: the run has said it."""
        return []

    def start(self, session: pytest.Session) -> None:
        """Open nothing: the run is open."""

    def before_call(self, item: pytest.Item) -> None:
        """Let every item run."""

    def finish(self, session: pytest.Session) -> None:
        """Close nothing."""

    def settle(self, session: pytest.Session) -> None:
        """Decide nothing: the run has the last word."""

    def summarize(self, reporter: pytest.TerminalReporter) -> None:
        """Say nothing."""

    def end(self) -> None:
        """Give nothing back."""

    def clean(self, text: str) -> str:
        """Return text as it may be shown."""
        return inert(self._items.redactor.mask(text))
