"""A comparison in several processes is the same comparison, and what ends one of them ends it loudly."""

import json
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from drproof.engine import key_ranges_apart
from drproof.engine.key_ranges_apart import MOST_PROCESSES, processes_here
from drproof.model import errors
from drproof.model.errors import DrproofError, EvidenceError, TargetError
from tests.prefixes.bucket_server import Asked, Stored
from tests.prefixes.conftest import KEYS, OWNER, Pair, Served
from tests.prefixes.test_comparing import many

PATIENCE = 60
Command = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Command]:
    """Start the comparison as an operator does: in a process that has no other thread."""
    started: list[subprocess.Popen[str]] = []

    def start(pair: Pair, *more: str, left: str = OWNER, before: str = "") -> subprocess.Popen[str]:
        owners = ["--bucket-owner-left", left, "--bucket-owner-right", OWNER]
        where = ["--endpoint", pair.server.address, "--region", "eu-central-1"]
        line = ["drproof", "compare-prefixes", "s3://left/l/", "s3://right/r/", *owners, *where, *more]
        keys = {"AWS_ACCESS_KEY_ID": KEYS["access_key_id"], "AWS_SECRET_ACCESS_KEY": KEYS["secret_access_key"]}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        process = subprocess.Popen(
            [sys.executable, "-c", f"{before}\nfrom drproof.cli import main; main()", *line[1:]],
            cwd=tmp_path,
            env={**kept, **keys, "AWS_CONFIG_FILE": "/dev/null"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for one in started:
        one.kill()
        one.communicate(timeout=PATIENCE)


def children(process: "subprocess.Popen[str]") -> list[int]:
    """Return the processes that a comparison has forked."""
    found = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return [int(one) for one in found.read_text().split()]


def waited(what: Callable[[], object]) -> None:
    """Wait until something holds."""
    for _ in range(PATIENCE * 20):
        if what():
            return
        time.sleep(0.05)
    pytest.fail("it does not come about")


def planted(same: Mapping[bytes, Stored]) -> dict[bytes, Stored]:
    """Return the right side of a pair with a difference in every fourteenth key, and a few odd keys."""
    kept = [pair for number, pair in enumerate(same.items()) if number % 14]
    return {**dict(kept), b"x//y": Stored(b"1"), b"./c": Stored(b"2")}


needs_fork = pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux alone")


@needs_fork
@pytest.mark.parametrize(("read", "count"), [("auto", 4_200), ("always", 140)])
def test_two_processes_find_what_one_finds_in_the_same_order(
    served: Served, command: Command, tmp_path: Path, read: str, count: int
) -> None:
    same = many(count)
    pair = served(same, planted(same))
    found, asked = [], []
    for processes in ("1", "3"):
        before = pair.server.count("LIST")
        done = command(pair, "--processes", processes, "--json", f"{processes}.jsonl", "--read", read)
        assert done.wait(PATIENCE) == 1, done.stdout
        found.append([json.loads(line) for line in (tmp_path / f"{processes}.jsonl").read_text().splitlines()])
        asked.append(pair.server.count("LIST") - before)

    assert found[0] == found[1]
    assert len(found[0]) == count // 14 + 2 + 1
    # What is asked elsewhere is counted too.
    assert [sum(side["listings"] for side in one[-1]["summary"]["asked"]) for one in found] == asked


@needs_fork
def test_a_listing_that_fails_in_another_process_fails_as_it_does_in_this_one(served: Served, command: Command) -> None:
    same = many(20_000)

    def spoilt(asked: Asked) -> str:
        return "404" if asked.query.get("start-after", b"").startswith(b"l/1") else ""

    done = command(served(same, same, unkind=spoilt), "--processes", "2", "--shards", "6")

    said, _ = done.communicate(timeout=PATIENCE)
    assert done.returncode == 3
    assert "s3:ListObjectsV2 s3://left/l/: 404" in said or "NoSuchKey" in said
    assert said.splitlines()[-1] == "not compared: s3://left/l/ and s3://right/r/"


@needs_fork
@pytest.mark.parametrize("whom", ["one of them", "the one that was started"])
def test_a_killed_process_ends_the_comparison_without_an_answer_and_leaves_none(
    served: Served, command: Command, whom: str
) -> None:
    same = many(20_000)
    pair = served(same, same, unkind=lambda asked: "503" if "continuation-token" in asked.query else "")
    process = command(pair, "--processes", "2", "--shards", "6")
    waited(lambda: len(children(process)) == 2)
    forked = children(process)

    os.kill(forked[0] if whom == "one of them" else process.pid, signal.SIGKILL)

    said, _ = process.communicate(timeout=PATIENCE)
    if whom == "one of them":
        assert process.returncode == 3, said
        assert "ended before it was through" in said
        assert "--processes 1" in said
    waited(lambda: not any(Path(f"/proc/{one}").exists() for one in forked))


@needs_fork
def test_an_interrupted_comparison_leaves_no_process(served: Served, command: Command) -> None:
    same = many(20_000)
    pair = served(same, same, unkind=lambda asked: "503" if "continuation-token" in asked.query else "")
    process = command(pair, "--processes", "2", "--shards", "6")
    waited(lambda: len(children(process)) == 2)
    forked = children(process)

    process.send_signal(signal.SIGINT)

    said, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode not in {0, 1}, said
    assert "Traceback" not in said
    waited(lambda: not any(Path(f"/proc/{one}").exists() for one in forked))


INTERRUPTED_WHILE_IT_FORKS = """
import os, signal
os.register_at_fork(after_in_parent=lambda: os.kill(os.getpid(), signal.SIGINT))
"""


@needs_fork
def test_an_interruption_while_processes_are_started_is_not_lost(served: Served, command: Command) -> None:
    pair = served(many(5_000), many(5_000))

    process = command(pair, "--processes", "2", "--shards", "6", before=INTERRUPTED_WHILE_IT_FORKS)

    said, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode not in {0, 1}, said
    assert "Traceback" not in said
    assert "equal," not in said


@pytest.mark.parametrize("written", [b"", b"\x00\x00\x00\x40half of a message"], ids=["nothing", "half of a message"])
def test_what_a_process_did_not_say_to_its_end_is_no_answer(written: bytes) -> None:
    inlet, outlet = multiprocessing.Pipe(duplex=False)
    os.write(outlet.fileno(), written)
    outlet.close()

    with pytest.raises(DrproofError, match="ended before it was through"):
        key_ranges_apart._received(inlet, "the keys above b''")


def test_every_error_is_told_from_process_to_process_as_it_is() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, DrproofError)]
    for kind in kinds:
        if issubclass(kind, EvidenceError):
            error: DrproofError = kind("page-order", "the keys do not ascend")
        elif issubclass(kind, TargetError):
            error = kind("s3:ListObjectsV2: no", code="AccessDenied", call="s3:ListObjectsV2")
        else:
            error = kind("no")
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), str(again), vars(again)) == (kind, str(error), vars(error))


@pytest.mark.parametrize(("platform", "many"), [("linux", True), ("darwin", False)])
def test_processes_are_forked_unasked_on_linux_alone(
    monkeypatch: pytest.MonkeyPatch, platform: str, *, many: bool
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)), raising=False)
    monkeypatch.setattr(sys, "platform", platform)

    assert processes_here() == (MOST_PROCESSES if many else 1)
