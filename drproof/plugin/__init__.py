"""pytest's face of drproof: options, marks, items, fixtures, progress and summary.

This module is imported in every pytest run on a machine that has drproof, so it imports nothing but pytest; the
rest is imported once a run names one of our marks.
"""

from __future__ import annotations

import os
import re
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

    from drproof.plugin.session import Session  # noqa: F401 — the type of a key, named in a text

PLANS = {
    "drill": "recovery",
    "health-check": "health",
    "backup-check": "backup",
    "preflight": "preflight",
    "bundle-check": "bundle",
    "orchestrator-check": "orchestrator",
}
"""Each mark of ours, and the plan that it names."""

ENDS_IN_M = re.compile(r"-[qvxsl]*m")
JOINED = re.compile(r"-[qvxsl]*m(.+)", re.DOTALL)
"""`-m` with its value as the next word or joined to it, alone or behind short switches, as in `-qm drill`."""

KEY = pytest.StashKey["Session"]()

ENDED = pytest.StashKey[pytest.Session]()
"""pytest's own session, once it has ended."""

TERMINAL = pytest.StashKey[int]()
"""The descriptor of the terminal itself, taken before pytest captures what tests print."""


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: list[str]
) -> Generator[None, None, None]:
    """Add our options after everybody else's, and only to a run that names one of our marks or our checks."""
    ours = any("drproof.checks" in arg for arg in args) or any(
        mark in arg for arg in _mark_arguments(args) for mark in PLANS
    )
    if ours:
        from drproof.plugin.paths import refuse_processes_that_nobody_starts, shield

        refuse_processes_that_nobody_starts(early_config, args)
        shield(early_config, parser, args)
        early_config.stash[TERMINAL] = os.dup(1)
    yield
    if ours:
        from drproof.plugin.options import add_options

        add_options(parser)


def _mark_arguments(args: list[str]) -> list[str]:
    """Return the words after `-m`, however it is spelt."""
    following = [after for word, after in pairwise(args) if ENDS_IN_M.fullmatch(word)]
    joined = [match[1] for word in args if (match := JOINED.fullmatch(word))]
    return [*following, *joined]


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Register the marks; prepare the one plan that `-m` positively names."""
    for mark, plan in PLANS.items():
        config.addinivalue_line("markers", f"{mark}: drproof's plan {plan}; pytest -m {mark} runs it")
    # `-m "not drill"` names a mark of ours and still is somebody else's run.
    if any(mark in (config.option.markexpr or "") for mark in PLANS):
        from drproof.plugin.session import begin

        begin(config)


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Keep read-only plans in one process: only one may sequence the receipts."""
    if any(mark in (config.option.markexpr or "") for mark in PLANS):
        from drproof.plugin.guards import serialize

        serialize(config)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrize our checks over what the plan expects."""
    session = metafunc.config.stash.get(KEY, None)
    if session is not None:
        session.parametrize(metafunc)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Order our items by the plan, and refuse a selection that would cut it."""
    session = config.stash.get(KEY, None)
    if session is not None:
        session.arrange(items)
        return
    ours = [item for item in items if _is_ours(item)]
    if ours:
        items[:] = [item for item in items if item not in ours]
        config.hook.pytest_deselected(items=ours)


def _is_ours(item: pytest.Item) -> bool:
    return hasattr(getattr(item, "module", None), "DRPROOF_CHECKS")


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say at the top what is about to run, and in which mode."""
    session = config.stash.get(KEY, None)
    return session.header() if session is not None else []


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """Open the run, once every item that was expected is there."""
    ours = session.config.stash.get(KEY, None)
    if ours is not None:
        ours.start(session)


@pytest.hookimpl(tryfirst=True)
def pytest_internalerror(excrepr: object, excinfo: pytest.ExceptionInfo[BaseException]) -> bool | None:
    """Let no error of pytest's own show what must not be shown."""
    config = next((frame.frame.f_locals.get("config") for frame in excinfo.traceback), None)
    session = config.stash.get(KEY, None) if isinstance(config, pytest.Config) else None
    if session is None:
        return None
    from drproof.plugin.outlet import show_internal_error

    return show_internal_error(str(excrepr), session.clean) or None


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, None, None]:
    """Close the run whatever happened; its verdict on the whole plan is the exit status."""
    ours = session.config.stash.get(KEY, None)
    if ours is not None:
        ours.finish(session)
    yield
    if ours is not None:
        ours.settle(session)
        session.config.stash[ENDED] = session


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print verdicts, measured objectives, where the proof lies, and what is still up."""
    session = config.stash.get(KEY, None)
    if session is not None:
        session.summarize(terminalreporter)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Give the signals back; whoever changed the exit status since cannot make it better."""
    session = config.stash.get(KEY, None)
    if session is not None:
        if (ended := config.stash.get(ENDED, None)) is not None:
            session.settle(ended)
        session.end()
    terminal = config.stash.get(TERMINAL, -1)
    if terminal >= 0:
        os.close(terminal)
        config.stash[TERMINAL] = -1
