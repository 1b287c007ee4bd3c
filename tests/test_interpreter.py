"""A forked interpreter is what one is that starts anew: to itself, and to whoever started it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.interpreter import VARIABLE, Forked, may_be_forked
from tests.patience import PATIENCE

TELL = """
import json, os, sys
print(json.dumps({
    "name": __name__, "main": sys.modules["__main__"].__dict__ is globals(), "argv": sys.argv, "folder": os.getcwd(),
    "environment": dict(os.environ), "path": sys.path, "tests": [name for name in sys.modules if name.startswith("tests")],
    "interrupt": signal_of(), "input": sys.stdin.read(),
}))
"""
IS = "import signal\ndef signal_of(): return [str(signal.getsignal(n)) for n in (2, 13, 15, 17)]\n"


def forked(folder: Path, *words: str, apart: bool = True, **environment: str) -> Forked:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return Forked(words, folder, {**kept, **environment}, apart=apart)


def anew(folder: Path, *words: str, **environment: str) -> "subprocess.Popen[str]":
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.Popen(
        [sys.executable, *words], cwd=folder, env={**kept, **environment}, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip


@pytest.fixture(params=[forked, anew], ids=["forked", "anew"])
def begin(request, tmp_path) -> Any:
    return lambda *words, **environment: request.param(tmp_path, *words, **environment)


def said_by(folder: Path, start: Any, *words: str, **environment: str) -> Any:
    process = start(folder, *words, **environment)
    output, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors
    return json.loads(output)


@pytest.mark.parametrize("how", ["-c", "-m"])
def test_it_sees_what_one_sees_that_starts_anew(tmp_path, how):
    (tmp_path / "told_here.py").write_text(IS + TELL)
    words = ("-c", IS + TELL, "one", "two") if how == "-c" else ("-m", "told_here", "one", "two")
    environment = {"PYTHONPATH": str(tmp_path / "more"), "SAID": "so", "TZ": "Asia/Tokyo"}

    assert said_by(tmp_path, forked, *words, **environment) == said_by(tmp_path, anew, *words, **environment)


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("pass", 0),
        ("raise SystemExit(3)", 3),
        ("raise SystemExit('spoken')", 1),
        ("1/0", 1),
        ("import os; os._exit(7)", 7),
        ("import os; os.kill(os.getpid(), 9)", -signal.SIGKILL),
        ("import os, signal; os.kill(os.getpid(), 2)", -signal.SIGINT),
    ],
)
def test_it_ends_as_one_ends_that_started_anew(begin, code, status):
    process = begin("-c", code)

    _, errors = process.communicate(timeout=PATIENCE)

    assert process.returncode == process.poll() == status
    assert ("ZeroDivisionError" in errors) is (code == "1/0")
    assert ("spoken" in errors) is ("spoken" in code)


def test_what_is_to_be_done_at_its_end_is_done(begin):
    code = "import atexit, threading, time; atexit.register(print, 'at the end')"
    process = begin("-c", f"{code}; threading.Thread(target=lambda: (time.sleep(0.1), print('a thread'))).start()")

    assert process.communicate(timeout=PATIENCE)[0].split("\n") == ["a thread", "at the end", ""]


def test_it_leads_a_session_and_gets_the_signals_that_are_sent_to_it(begin):
    process = begin("-c", "import os, time; print(os.getsid(0), os.getpid(), flush=True); time.sleep(60)")
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=0.2)
    assert process.poll() is None

    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=PATIENCE)

    assert process.returncode == -signal.SIGTERM
    assert output.split() in ([], [str(process.pid)] * 2)


def test_it_has_no_descriptor_of_the_one_that_forks_or_of_another(tmp_path):
    other = forked(tmp_path, "-c", "import time; time.sleep(60)")
    count = "import os; print(sorted(os.listdir('/proc/self/fd'), key=int)[:-1])"
    process = forked(tmp_path, "-c", count)
    output, _ = process.communicate(timeout=PATIENCE)
    other.kill()

    assert output == "['0', '1', '2']\n"
    assert other.wait(PATIENCE) == -signal.SIGKILL


def test_two_forks_draw_different_chances(tmp_path):
    draw = "import random, uuid, tempfile; print(random.random(), uuid.uuid4(), tempfile.mktemp())"
    drawn = [forked(tmp_path, "-c", draw).communicate(PATIENCE)[0].split() for _ in range(2)]

    assert all(one != other for one, other in zip(*drawn, strict=True))


def test_two_streams_are_one_where_they_are_not_asked_apart(tmp_path):
    code = "import sys; print('out', flush=True); print('err', file=sys.stderr, flush=True); print('out again')"

    assert forked(tmp_path, "-c", code, apart=False).communicate(PATIENCE) == ("out\nerr\nout again\n", "")


@pytest.mark.parametrize("name", ["PYTHONHASHSEED", "PYTHONOPTIMIZE", "PYTHONWARNINGS", "LD_PRELOAD"])
def test_what_only_a_start_reads_is_started(name):
    assert may_be_forked({"PYTHONPATH": "x", "HOME": "y"})
    assert not may_be_forked({name: "x"})
    assert VARIABLE in os.environ


def test_a_fork_has_what_a_drill_imports_and_pytest_does_not_complain_of_it(tmp_path):
    (tmp_path / "test_it.py").write_text(
        "def test_it():\n    import sys\n    assert 'drproof.engine.run' in sys.modules\n"
    )

    process = forked(tmp_path, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider")
    output, errors = process.communicate(timeout=PATIENCE)

    assert process.returncode == 0, output + errors
    assert "warning" not in output
