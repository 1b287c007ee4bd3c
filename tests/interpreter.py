"""Interpreters that have imported what a drill imports: each drill of the tests is a fork of one, and imports nothing.

A fork is told what `python` would be told: its words, environment, folder and streams. It is its own process in its own
session, ends as an interpreter ends, and how it ended is told to whoever asked for it. `python -m tests.interpreter FD`
listens on the Unix socket that it inherits, and ends with its standard input.
"""

import contextlib
import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
import types
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

VARIABLE = "TESTS_INTERPRETER"
_PID = 4
_ROOMS = (
    "analysis", "catalog", "contracts", "engine", "evidence", "formats", "model", "phases", "plugin", "report", "targets",
)  # fmt: skip
"""What a drill may import of drproof."""

_OTHERS = ("boto3", "jinja2", "jsonschema", "kubernetes.dynamic", "pytest", "securesystemslib.signer", "zstandard")
_OWN_START = ("LD_", "PYTHON")
_HARMLESS = {"PYTHONPATH", "PYTHONUNBUFFERED"}


def may_be_forked(environment: Mapping[str, str]) -> bool:
    """Whether a process of this environment starts as any other: the loader and the interpreter read some of it."""
    read_at_start = {name for name in environment if name.startswith(_OWN_START)} - _HARMLESS
    return VARIABLE in os.environ and not read_at_start


class Forked:
    """A process like that of `subprocess.Popen([python, *words])`; `words` begin with `-m` or `-c`."""

    def __init__(self, words: Sequence[str], folder: Path, environment: Mapping[str, str], *, apart: bool) -> None:
        self._out = _scratch()
        self._err = _scratch() if apart else self._out
        self._connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._connection.connect(os.environ[VARIABLE])
        with Path(os.devnull).open() as nothing:
            streams = [nothing.fileno(), self._out.fileno(), self._err.fileno()]
            socket.send_fds(self._connection, [b"\0"], streams)
        said = {"words": list(words), "environment": dict(environment), "folder": str(folder)}
        self._connection.sendall(json.dumps(said).encode())
        self._connection.shutdown(socket.SHUT_WR)
        self.returncode: int | None = None
        self.pid = int.from_bytes(self._connection.recv(_PID, socket.MSG_WAITALL), "big")
        assert self.pid, "the interpreter that forks is gone"

    def poll(self) -> int | None:
        """Return the exit status, negative for a signal; None while the process lives."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit status as soon as there is one."""
        if self.returncode is None:
            if not select.select([self._connection], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("a forked interpreter", timeout or 0)
            said = self._connection.recv(_PID, socket.MSG_WAITALL)
            assert said, "the interpreter that forks is gone"
            self.returncode = int.from_bytes(said, "big", signed=True)
            self._connection.close()
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Wait for the end, and return what was printed: on standard output, and on the other stream if it is apart."""
        self.wait(timeout)
        return _text(self._out), "" if self._err is self._out else _text(self._err)

    def send_signal(self, number: int) -> None:
        """Send a signal to the process, if it lives."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End the process at once."""
        self.send_signal(signal.SIGKILL)


def _scratch() -> Any:
    return tempfile.TemporaryFile()


def _told(connection: socket.socket) -> Any:
    return json.loads(b"".join(iter(lambda: connection.recv(1 << 16), b"")))


def _text(file: Any) -> str:
    file.seek(0)
    return file.read().decode().replace("\r\n", "\n")


def serve(listener: socket.socket, until: int) -> dict[str, Any] | None:
    """Fork for each connection; return in each fork what it is to do, and None once `until` is closed at its other end."""
    woken, waker = os.pipe()
    os.set_blocking(woken, False)
    os.set_blocking(waker, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    asked: dict[int, socket.socket] = {}
    while True:
        ready, _, _ = select.select([listener.fileno(), until, woken], [], [])
        if until in ready:
            return None
        if woken in ready:
            os.read(woken, 1 << 12)
            _tell_the_ends(asked)
        if listener.fileno() in ready:
            connection, _ = listener.accept()
            _, streams, _, _ = socket.recv_fds(connection, 1, 3)
            said = _told(connection)
            pid = os.fork()
            if pid == 0:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                for number, stream in enumerate(streams):
                    os.dup2(stream, number)
                for number in (*streams, woken, waker):
                    os.close(number)
                for one in (listener, connection, *asked.values()):
                    one.close()
                return said
            for stream in streams:
                os.close(stream)
            asked[pid] = connection
            with contextlib.suppress(OSError):
                connection.sendall(pid.to_bytes(_PID, "big"))


def _tell_the_ends(asked: dict[int, socket.socket]) -> None:
    while asked:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        with asked.pop(pid) as connection, contextlib.suppress(OSError):
            connection.sendall(os.waitstatus_to_exitcode(status).to_bytes(_PID, "big", signed=True))


def be(said: dict[str, Any]) -> None:
    """Be the interpreter that was asked for."""
    os.setsid()
    os.chdir(said["folder"])
    os.environ.clear()
    os.environ.update(said["environment"])
    time.tzset()
    option, what, *words = said["words"]
    first = said["folder"] if option == "-m" else ""
    sys.path[:] = [first, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep)), *sys.path[1:]]
    importlib.invalidate_caches()
    for name in [name for name in sys.modules if name.partition(".")[0] == "tests"]:
        del sys.modules[name]
    sys.argv = [what if option == "-m" else "-c", *words]
    if option == "-m":
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        main = sys.modules["__main__"] = types.ModuleType("__main__")
        exec(compile(what, "<string>", "exec"), main.__dict__)


def _import_everything() -> None:
    for name in _OTHERS:
        importlib.import_module(name)
    from _pytest import unraisableexception
    from botocore.loaders import Loader

    import drproof
    from drproof.embedded import models
    from drproof.report import html

    models.share()
    models.read_ahead(Loader())
    for template in sorted(resources.files("drproof.report").joinpath("templates").iterdir(), key=str):
        if template.name.endswith(".j2"):
            html._environment().get_template(template.name)
    # Pytest collects five times at its end, and in a drill the first finds what there is.
    harder = unraisableexception.gc_collect_harder
    unraisableexception.gc_collect_harder = lambda iterations: harder(min(iterations, 1))
    for _, name, _ in pkgutil.walk_packages(drproof.__path__, "drproof."):
        if name.split(".")[1] in _ROOMS:
            importlib.import_module(name)
    # Pytest warns of a plugin that it can no longer rewrite; ours asks for no rewriting.
    drproof.__doc__ = f"{drproof.__doc__} PYTEST_DONT_REWRITE"
    # What is shared with the forks stays shared: a collection would touch, and so copy, each page.
    gc.collect()
    gc.freeze()


def main() -> None:
    """Serve until standard input ends."""
    os.environ.pop("PYTHONPATH", None)
    with socket.socket(fileno=int(sys.argv[1])) as listener:
        _import_everything()
        said = serve(listener, sys.stdin.fileno())
    if said is not None:
        be(said)


if __name__ == "__main__":
    main()
