"""A pytest plugin that interrupts its own process once: `-p tests.drill.interrupt`, INTERRUPT=kind:where.

In the set-up of an item the phase that it stands for is running: it has just put objects into the bucket, and the
machine is up. In the body nothing runs, and all of that is there. In the teardown the machine is about to be removed. While a
cluster is filled five objects are in it, and while it is emptied the first of them is about to be removed.
The two timeouts are those of pytest-timeout, with its own function called early: a bound that a slow machine reaches
before it should would interrupt somewhere else.
"""

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from drproof.evidence import journal

KIND, _, WHERE = os.environ["INTERRUPT"].partition(":")
STRUCK = Path(os.environ["STRUCK"])
BODY_OF = "test_phase[restore_state]"
OBJECTS = 5
AT_MOST = 300.0
"""Seconds; a bound for what hangs."""

_append = journal.Journal.append
_verbs: dict[int, str] = {}
_filled: list[int] = []


def append(self, record):
    number = _append(self, record)
    if record["kind"] == "intent":
        _verbs[number] = record["verb"]
        if (WHERE, record["verb"]) in {("teardown", "runner.down"), ("emptying", "cluster.delete")}:
            strike()
    if record["kind"] == "outcome" and WHERE == "set-up" and _verbs.get(record["intent"]) == "objects.put":
        strike()
    if record["kind"] == "outcome" and WHERE == "filling" and _verbs.get(record["intent"]) == "cluster.create":
        _filled.append(number)
        if len(_filled) == OBJECTS:
            strike()
    return number


journal.Journal.append = append  # type: ignore[method-assign] # that is what this plugin is for


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_call(item):
    if WHERE == "body" and item.name == BODY_OF:
        strike()
    return (yield)


def strike():
    """Interrupt this process, once."""
    if STRUCK.exists():
        return
    STRUCK.touch()
    KINDS[KIND]()


def _send(name):
    return lambda: os.kill(os.getpid(), getattr(signal, name))


def _thrice():
    """Send what an operator sends who has lost patience: the second and third while the first is dealt with."""

    def send():
        for _ in range(3):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.01)

    threading.Thread(target=send).start()
    _wait()


def _by_signal():
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    _wait()


def _by_thread():
    timers = [one for one in threading.enumerate() if isinstance(one, threading.Timer) and "timeout" in one.name]
    assert len(timers) == 1, "pytest-timeout watches this item by a thread"
    threading.Timer(0.01, timers[0].function, timers[0].args, timers[0].kwargs).start()
    _wait()


def _wait():
    """Wait until the interruption comes; nothing else ends this."""
    deadline = time.monotonic() + AT_MOST
    while time.monotonic() < deadline:
        time.sleep(0.02)
        if KIND == "sigint-thrice" and WHERE != "set-up" and not _sending():
            # It was only noted: ending is what it asks for.
            return


def _sending():
    return any(one.name.endswith("(send)") for one in threading.enumerate())


KINDS = {
    "sigint": _send("SIGINT"),
    "sigint-thrice": _thrice,
    "sigterm": _send("SIGTERM"),
    "sighup": _send("SIGHUP"),
    "sigkill": _send("SIGKILL"),
    "exit": lambda: os._exit(3),
    "timeout-signal": _by_signal,
    "timeout-thread": _by_thread,
}
