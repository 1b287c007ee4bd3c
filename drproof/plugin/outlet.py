"""What pytest is about to show of a run passes here: reports of items, captured output, and errors of pytest's own.

This is the last place before JUnit, Allure and the terminal; values that a traceback shows with `--showlocals` pass it
too. A run of ours may hold users' own tests: what they show is cleaned as well, and left alone where it is clean.
"""

import sys
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from drproof.plugin.session import Session

Clean = Callable[[str], str]


class Items:
    """What a session of ours has to do with each item; a run that is none of ours has no such hooks."""

    def __init__(self, session: "Session") -> None:
        """Ask this session."""
        self._clean = session.clean
        self._before_call = session.before_call

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> None:
        """Fail users' own tests on phases that did not pass."""
        self._before_call(item)

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Clean what is about to be shown of an item, before anybody else takes it up."""
        if call.excinfo is not None:
            cover_failure(item, call, self._clean)
        report = yield
        # Of ten thousand tests that pass, nearly none shows anything.
        if report.sections or report.user_properties or report.longrepr is not None:
            clean_report(report, self._clean)
        return report


def cover_failure(item: pytest.Item, call: pytest.CallInfo[None], clean: Clean) -> None:
    """Replace a failure that shows a secret, or what a terminal obeys, by its cleaned text: nobody sees the rest."""
    excinfo = call.excinfo
    if excinfo is None or isinstance(excinfo.value, pytest.exit.Exception | KeyboardInterrupt):
        return
    if isinstance(excinfo.value, pytest.skip.Exception | pytest.xfail.Exception):
        excinfo.value.msg = clean(str(excinfo.value.msg))
        excinfo.value.args = tuple(clean(arg) if isinstance(arg, str) else arg for arg in excinfo.value.args)
        return
    text, short = str(item.repr_failure(excinfo)), excinfo.exconly()
    if clean(text) == text and clean(short) == short:
        return
    try:
        pytest.fail(clean(text), pytrace=False)
    except pytest.fail.Exception as exc:
        call.excinfo = pytest.ExceptionInfo.from_exception(exc.with_traceback(exc.__traceback__))


def clean_report(report: pytest.TestReport, clean: Clean) -> None:
    """Clean what an item printed, logged and recorded."""
    report.sections = [(clean(name), clean(content)) for name, content in report.sections]
    report.user_properties = [
        (clean(name), clean(value) if isinstance(value, str) else value) for name, value in report.user_properties
    ]
    if report.longrepr is not None and not isinstance(report.longrepr, tuple):
        text = str(report.longrepr)
        if clean(text) != text:
            report.longrepr = clean(text)


def show_internal_error(text: str, clean: Clean) -> bool:
    """Print an error of pytest's own cleaned, if it has to be; return whether that was done."""
    if clean(text) == text:
        return False
    for line in clean(text).splitlines():
        sys.stderr.write(f"INTERNALERROR> {line}\n")
    return True
