"""A person who changes their mind at a terminal, or loses it, has decided, started and ended nothing."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from drproof.targets import embedded
from tests.drill.conftest import Operator
from tests.drill.test_decided import Terminal
from tests.evidence.keys import APPROVER
from tests.orchestrator.test_operators import PYTHON, run
from tests.orchestrator.waiting_machine import Waiting, key_file

pytestmark = pytest.mark.costly("an execution that waits for people")

ASKS = {
    "approve": r"approve this recovery\? \[y/N\]: ",
    "reject": r"reject this recovery\? \[y/N\]: ",
    "teardown": r"take it away\? \[y/N\]: ",
    "trigger": r"start it\? \[y/N\]: ",
}
CHANGING = ("SendTask", "StartExecution", "StopExecution", "StartBuild", "Put", "Create", "Delete", "Terminate")


@pytest.fixture(scope="module")
def waiting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Waiting]:
    world = embedded.start(tmp_path_factory.mktemp("world"), scenario="none", linger=3600)
    yield Waiting.at(world)
    world.stop()


@pytest.fixture(scope="module")
def asking(waiting: Waiting) -> str:
    """An execution that waits for a person."""
    arn = waiting.begin("interrupted")
    waiting.token(arn)
    return arn


@pytest.fixture(scope="module")
def idle(waiting: Waiting) -> str:
    """A machine of which no execution runs."""
    waiting.ended(waiting.begin("idle", fail="request_manual_approval"))
    return waiting.machines["idle"]


@pytest.fixture
def person(tmp_path: Path) -> Operator:
    return Operator(tmp_path)


def _words(word: str, person: Operator, asking: str, idle: str) -> list[str]:
    if word == "trigger":
        return [word, "--state-machine-arn", idle]
    if word == "teardown":
        return [word, "--execution-arn", asking, "--stop"]
    signer = key_file(person.folder / "keys", APPROVER)
    return [word, "--execution-arn", asking, "--signer", signer, "--ticket", "CHG-7", "--reason", "seen"]


def _changes(waiting: Waiting, before: int) -> list[str]:
    return [call["action"] for call in waiting.world.calls()[before:] if call["action"].startswith(CHANGING)]


@pytest.mark.parametrize("word", ASKS)
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGHUP, "no"])
def test_whoever_stops_a_command_that_asks_has_changed_nothing(waiting, asking, idle, person, word, how):
    before = len(waiting.world.calls())
    endpoint = ["--embedded", waiting.world.endpoint]
    terminal = Terminal(person, [*PYTHON, *_words(word, person, asking, idle), *endpoint])
    terminal.shows(ASKS[word])
    if isinstance(how, str):
        terminal.types("n")
    else:
        terminal.sends(how)
    status = terminal.ends()

    assert status == {signal.SIGINT: 130, signal.SIGHUP: -signal.SIGHUP, "no": 2}[how], terminal.text
    assert "Traceback" not in terminal.text
    if how == signal.SIGINT:
        assert f"drproof: {word} was stopped before it came to its end" in terminal.text
    assert _changes(waiting, before) == []


@pytest.mark.parametrize("word", ASKS)
def test_a_dry_run_changes_nothing(waiting, asking, idle, person, word):
    before = len(waiting.world.calls())

    done = run(person, waiting, *_words(word, person, asking, idle), "--dry-run")

    assert done.returncode == 0, done.stderr
    assert "dry run: " in done.stdout
    assert _changes(waiting, before) == []
    assert "status: RUNNING" in run(person, waiting, "status", "--execution-arn", asking).stdout
