"""A run waits at its gate for a decision that counts: until there is one, until the time is up, or until a signal."""

import json
import os
import signal
import threading
import time

import pytest

from drproof.engine.clock import SystemClock
from drproof.engine.gate import FileGate, GivenGate, Waiting, decision_path, waiting_in, waiting_path
from drproof.engine.signals import Signals
from drproof.model.errors import EvidenceError, Interruption, PhaseError
from tests.patience import until

YES = {"approved": True}


@pytest.fixture
def directory(tmp_path):
    (tmp_path / "one").mkdir()
    return tmp_path / "one"


def gate(directory, within_ms, said=None):
    made = FileGate(directory, within_ms, SystemClock())
    made.listeners.append((said if said is not None else []).append)
    return made


def lay(directory, content):
    path = decision_path(directory)
    unfinished = path.with_suffix(".new")
    unfinished.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    unfinished.replace(path)


def only_a_yes(value):
    return "" if value == YES else "it is no yes"


def test_a_decision_that_lies_there_already_is_taken_at_once(directory):
    lay(directory, YES)

    answered = gate(directory, 60_000).answer(only_a_yes)

    assert (answered.value, answered.refused) == (YES, ())
    assert decision_path(directory).exists(), "what was decided stays beside the bundle"


def test_while_it_waits_it_says_until_when_and_how_to_decide(directory):
    said: list[str] = []
    seen: list[Waiting] = []

    def decide():
        until(lambda: waiting_path(directory).exists(), 60)
        waiting = waiting_in(directory)
        assert waiting is not None
        seen.append(waiting)
        lay(directory, YES)

    other = threading.Thread(target=decide)
    other.start()
    assert gate(directory, 60_000, said).answer(only_a_yes).value == YES
    other.join()

    assert seen[0].drill_id == "one"
    (line,) = said
    assert line.startswith(f"waits for a decision until {seen[0].until} (at most 1 min): ")
    assert line.endswith(f"drproof approve --drill {directory}, or drproof reject")
    assert waiting_in(directory) is None


def test_without_a_decision_the_wait_ends_when_the_time_is_up(directory):
    began = time.monotonic()
    answered = gate(directory, 300).answer(only_a_yes)

    assert (answered.value, answered.refused) == (None, ())
    # The clock of a run counts whole milliseconds.
    assert time.monotonic() - began >= 0.299
    assert not waiting_path(directory).exists()


def test_a_decision_laid_at_the_last_moment_still_counts(directory):
    lay(directory, YES)

    assert gate(directory, 0).answer(only_a_yes).value == YES


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ({"approved": False}, "it is no yes"),
        (b"", "it cannot be read"),
        (b'{"approved": true', "it cannot be read"),
        (b'{"approved": true, "approved": false}', "it cannot be read"),
        (b" " * 70_000, "it has more than 65536 bytes"),
    ],
)
def test_what_does_not_count_is_put_aside_and_the_wait_goes_on(directory, content, why):
    said: list[str] = []
    lay(directory, content)

    answered = gate(directory, 400, said).answer(only_a_yes)

    assert answered.value is None
    (reason,) = answered.refused
    assert why in reason
    assert said[1] == f"a decision does not count: {reason}"
    assert directory.with_name("one.decision.refused-1.json").exists()
    assert not decision_path(directory).exists(), "there is room for the next one"


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("/dev/zero")])
def test_what_is_no_file_neither_stops_the_wait_nor_is_followed(directory, make):
    make(decision_path(directory))

    answered = gate(directory, 300).answer(only_a_yes)

    assert (answered.value, len(answered.refused)) == (None, 1)


def test_a_signal_ends_the_wait_and_nothing_says_any_more_that_it_waits(directory):
    signals = Signals(lambda _: None)
    signals.install()
    try:
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGTERM)).start()
        with pytest.raises(Interruption), signals.phase():
            gate(directory, 60_000).answer(only_a_yes)
    finally:
        signals.restore()
    assert not waiting_path(directory).exists()


def test_what_somebody_else_wrote_for_a_waiting_run_is_no_waiting_run(directory):
    waiting_path(directory).write_text('{"drill_id": "one"}')

    with pytest.raises(EvidenceError):
        waiting_in(directory)


def test_a_decision_that_was_handed_in_counts_or_ends_the_phase():
    assert GivenGate(YES).answer(only_a_yes).value == YES
    with pytest.raises(PhaseError, match="the decision does not count: it is no yes"):
        GivenGate({"approved": "false"}).answer(only_a_yes)
