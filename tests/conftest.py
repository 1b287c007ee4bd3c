"""What all tests have in common: which of them a run takes, and the drills that they share."""

import datetime as dt
import os
import signal

import pytest

from drproof.embedded import fork_server as worlds
from tests import interpreter, shares
from tests.fork_server import ForkServer

SHARE = pytest.StashKey[str]()
FORKED = pytest.StashKey[list[ForkServer]]()


def pytest_configure(config):
    # Whoever starts the tests in the background has them ignore an interrupt, and so each process that they start.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    day = os.environ[shares.DAY] = str(shares.today())
    config.stash[SHARE] = shares.share_of_a_run(config, dt.date.fromordinal(int(day)))
    if hasattr(config, "workerinput"):
        return
    # A worker is given the paths that its controller found, and could not tell them from paths that were typed.
    os.environ[shares.VARIABLE] = config.stash[SHARE]
    config.stash[FORKED] = [
        ForkServer(worlds.__name__, worlds.VARIABLE),
        ForkServer(interpreter.__name__, interpreter.VARIABLE),
    ]


def pytest_unconfigure(config):
    for server in config.stash.get(FORKED, []):
        server.close()


def pytest_report_header(config):
    share = config.stash[SHARE]
    if share == shares.WHOLE:
        return None
    return f"costly tests: share {share} of {shares.SHARES}, by the day; all of them: {shares.VARIABLE}={shares.WHOLE}"


# Before marks are chosen by.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    shares.mark(items)
    gone = {item.nodeid for item in shares.left_out(items, config.stash[SHARE])}
    if gone:
        config.hook.pytest_deselected(items=[item for item in items if item.nodeid in gone])
        items[:] = [item for item in items if item.nodeid not in gone]


@pytest.fixture(scope="session")
def shelf(tmp_path_factory):
    """Drills that tests only look at, shared by all processes of the tests."""
    from tests.drill.shared import Shelf

    return Shelf.of(tmp_path_factory, os.environ.get("PYTEST_XDIST_WORKER", ""))
