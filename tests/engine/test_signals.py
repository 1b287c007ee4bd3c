"""Signals: a phase hears them, what takes away does not, and none is lost."""

import os
import signal

import pytest

from drproof.engine.signals import Signals
from drproof.model.errors import Interruption


@pytest.fixture
def heard():
    return []


@pytest.fixture
def signals(heard):
    made = Signals(heard.append)
    made.install()
    yield made
    made.restore()


def strike(number=signal.SIGTERM):
    os.kill(os.getpid(), number)


def test_a_phase_is_ended_by_a_signal(signals, heard):
    with pytest.raises(Interruption, match="SIGTERM"), signals.phase():
        strike()

    assert heard == []


def test_while_it_is_held_a_signal_is_only_noted_and_handed_on_afterwards(signals, heard):
    with signals.hold():
        strike()
        strike(signal.SIGINT)
        assert heard == []

    assert [one.exit_status for one in heard] == [143]


def test_a_signal_that_the_driver_has_heard_is_not_handed_on_again(signals, heard):
    strike()
    with signals.hold():
        strike()

    assert len(heard) == 1


def test_a_run_that_is_ending_hands_nothing_on(signals, heard):
    signals.defer()
    with signals.hold():
        strike()

    assert heard == []
    assert signals.deferred
    assert signals.received is not None
