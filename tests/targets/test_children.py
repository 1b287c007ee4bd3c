"""Terraform, and whatever it starts, ends in time: what ignores signals, floods, forks or holds the pipe as well."""

import fcntl
import os
import signal
import subprocess
import threading
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from drproof.model.errors import TargetError
from drproof.targets.provisioners import command
from drproof.targets.provisioners.command import LONGEST_LINE, SHOWN_LINE, TAIL_LINES, Said
from drproof.targets.provisioners.workshop import Workshop
from tests.patience import PATIENCE, until
from tests.processes import lives

LONG = "300"
Ran = tuple[int, Said]
Run = Callable[..., Ran]


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop.next_in(tmp_path / "terraform")


@pytest.fixture
def run(tmp_path: Path, workshop: Workshop) -> Run:
    def ran(script: str, timeout: float = PATIENCE) -> Ran:
        binary = tmp_path / "terraform.sh"
        binary.write_text(f"#!/bin/sh\n{script}\n")
        binary.chmod(0o755)
        environment = {"PATH": os.environ["PATH"], "PIDS": str(tmp_path)}
        with workshop.in_use() as alive:
            return command.run(workshop, alive, str(binary), ["apply"], environment=environment, timeout=timeout)

    return ran


def grandchild(tmp_path: Path) -> int:
    return int(until(lambda: (tmp_path / "grandchild").exists() and (tmp_path / "grandchild").read_text().strip()))


FORKS = f'sleep {LONG} & echo $! >"$PIDS/grandchild.new"; mv "$PIDS/grandchild.new" "$PIDS/grandchild"'


def test_what_a_command_leaves_behind_does_not_go_on_and_nobody_waits_for_its_pipe(run, workshop, tmp_path):
    began = time.monotonic()

    status, said = run(f"{FORKS}; echo done")

    assert (status, list(said.tail)) == (0, ["done"])
    assert time.monotonic() - began < int(LONG) / 2
    until(lambda: not lives(grandchild(tmp_path)))
    until(workshop.is_idle)


def test_a_command_that_ignores_its_interrupt_is_killed_with_all_that_it_started(run, workshop, tmp_path, monkeypatch):
    monkeypatch.setattr(command, "GRACE_SECONDS", 0.2)

    with pytest.raises(TargetError, match="expected an end within") as caught:
        run(f"trap '' INT TERM HUP; {FORKS}; while :; do sleep 0.05; done", timeout=1)

    assert caught.value.code == "Timeout"
    until(lambda: not lives(grandchild(tmp_path)))
    until(workshop.is_idle)


COUNTS = """
interrupted() { echo INT >>"$PIDS/signals"; }
trap interrupted INT
trap 'echo other >>"$PIDS/signals"' TERM HUP
: >"$PIDS/ready"
while [ ! -s "$PIDS/signals" ]; do sleep 0.05; done
for _ in 1 2 3 4 5 6 7 8; do sleep 0.1; done
echo ended >>"$PIDS/signals"
"""


@pytest.mark.parametrize("way", ["the time limit", "an exception"])
def test_a_command_gets_one_interrupt_and_then_the_time_to_end_by_itself(run, workshop, tmp_path, monkeypatch, way):
    """Counted by the child: to Terraform a second interrupt means to drop everything, state and lock included."""
    monkeypatch.setattr(command, "GRACE_SECONDS", PATIENCE)

    def interrupt(*_):
        raise KeyboardInterrupt

    if way == "the time limit":
        with pytest.raises(TargetError, match="it was interrupted"):
            run(COUNTS, timeout=3)
    else:
        previous = signal.signal(signal.SIGUSR1, interrupt)

        def strike():
            until((tmp_path / "ready").exists)
            os.kill(os.getpid(), signal.SIGUSR1)

        watcher = threading.Thread(target=strike)
        watcher.start()
        try:
            with pytest.raises(KeyboardInterrupt):
                run(COUNTS)
        finally:
            watcher.join()
            signal.signal(signal.SIGUSR1, previous)

    assert (tmp_path / "signals").read_text().split() == ["INT", "ended"]
    assert workshop.is_idle()


def test_what_outlived_its_run_gets_one_interrupt_and_then_the_time_to_end_by_itself(workshop, tmp_path):
    script = tmp_path / "terraform.sh"
    script.write_text(f"#!/bin/sh\n{COUNTS}\n")
    script.chmod(0o755)
    alive = os.open(workshop.folder / "alive", os.O_RDWR | os.O_CREAT)
    fcntl.flock(alive, fcntl.LOCK_EX)
    left = subprocess.Popen([str(script)], env={"PATH": os.environ["PATH"], "PIDS": str(tmp_path)}, pass_fds=(alive,))
    os.close(alive)
    workshop.pid_file.write_text(str(left.pid))
    until((tmp_path / "ready").exists)

    workshop.end_orphans()

    assert (tmp_path / "signals").read_text().split() == ["INT", "ended"]
    left.wait(timeout=PATIENCE)


def test_a_command_that_is_killed_is_told_by_its_status(run):
    status, _ = run("kill -9 $$")

    assert status == -signal.SIGKILL


def test_a_flood_is_read_to_its_end_and_not_kept(run):
    tracemalloc.start()
    try:
        status, said = run("yes 'a line of a flood' | head -c 2000000; head -c 1000000 /dev/zero | tr '\\0' x")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert status == 0
    assert len(said.tail) == TAIL_LINES
    assert max(map(len, said.tail)) <= SHOWN_LINE
    assert peak < 64 * LONGEST_LINE


@pytest.mark.parametrize(
    "line",
    [
        '{"type": "change_summary"}',
        '{"type": "change_summary", "changes": {"add": "many"}}',
        '{"type": "planned_change", "change": 5}',
        '{"type": "diagnostic", "diagnostic": null}',
        '{"type": "provision_progress", "hook": "x"}',
    ],
)
def test_a_line_of_another_form_is_text_and_what_comes_after_it_is_heard(run: Run, line: str) -> None:
    """Who listens no more lets the pipe fill, and the child waits for ever to say the next line."""
    code, said = run(f"printf '%s\\n' '{line}'; head -c 300000 /dev/zero | tr '\\0' 'x'; echo; echo the end", 20)

    assert code == 0
    assert said.tail[-1] == "the end"
