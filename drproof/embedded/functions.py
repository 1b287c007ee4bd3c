"""Functions of the world: processes that stay warm between calls, as the platform's do, each in its package.

What a handler leaves in memory after one call is there in the next one; a process that hangs or dies is not used again.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

CHUNK = 65_536
WHOLE = "drproof-package.json"
"""Says of a package that it brings everything it needs: such a function sees nothing that is installed here."""
RUNNER = """
import importlib, json, os, socket, sys, time, traceback

line = socket.socket(fileno=int(sys.argv[2]))


class Context:
    def __init__(self, seconds):
        self.deadline = time.monotonic() + seconds

    def get_remaining_time_in_millis(self):
        return max(0, int((self.deadline - time.monotonic()) * 1000))


module, _, name = sys.argv[1].rpartition(".")
for asked in line.makefile("rb"):
    asked = json.loads(asked)
    try:
        act = getattr(importlib.import_module(module), name)
        said = {"failed": False, "answer": json.dumps(act(asked["event"], Context(asked["seconds"])))}
    except Exception as error:
        traceback.print_exc(file=sys.stderr)
        told = {"errorType": type(error).__name__, "errorMessage": str(error)}
        said = {"failed": True, "answer": json.dumps(told)}
    sys.stdout.flush()
    sys.stderr.flush()
    line.sendall(json.dumps(said).encode() + b"\\n")
"""
"""Calls a handler as Lambda does, again and again: what it raises goes back by its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """What came of one call."""

    answer: str
    failed: bool
    printed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """One function in one configuration; another configuration is another function."""

    handler: str
    folder: Path
    environment: tuple[tuple[str, str], ...]


class Functions:
    """The warm processes of a world, by function."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: dict[Deployed, list[_Process]] = {}
        self._all: set[_Process] = set()

    def call(self, deployed: Deployed, event: object, seconds: int) -> Called:
        """Call a function in a process that is idle, or in a new one, and return what came of it."""
        process = self._taken(deployed)
        called = process.call(event, seconds)
        with self._lock:
            if process.lives:
                self._idle.setdefault(deployed, []).append(process)
            else:
                self._all.discard(process)
        return called

    def end(self) -> None:
        """End every process, whatever it does."""
        with self._lock:
            for process in self._all:
                process.end()

    def _taken(self, deployed: Deployed) -> "_Process":
        with self._lock:
            while idle := self._idle.get(deployed):
                if (process := idle.pop()).lives:
                    return process
                self._all.discard(process)
            process = _Process(deployed)
            self._all.add(process)
            return process


def environment_of(own: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Return the environment of a function: a package that is not whole finds here what this interpreter has."""
    found = [] if (folder / WHOLE).is_file() else filter(None, sys.path)
    return {"PYTHONPATH": os.pathsep.join([str(folder), *found]), **own}


@dataclass(eq=False, slots=True)
class _Process:
    """One process; it ends with the world, whose end of the line is closed then."""

    deployed: Deployed
    _process: "subprocess.Popen[bytes]" = field(init=False)
    _line: socket.socket = field(init=False)
    _log: IO[bytes] = field(init=False)
    _broken: bool = False

    def __post_init__(self) -> None:
        self._line, theirs = socket.socketpair()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 — it lives as long as the process
        # Without `site` nothing that is installed here can stand in for what a whole package lacks.
        alone = ["-S"] if (self.deployed.folder / WHOLE).is_file() else []
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, *alone, "-c", RUNNER, self.deployed.handler, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                cwd=self.deployed.folder,
                env=dict(self.deployed.environment),
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )

    @property
    def lives(self) -> bool:
        """Whether it can be called again."""
        return not self._broken and self._process.poll() is None

    def call(self, event: object, seconds: int) -> Called:
        """Hand an event over, and wait for the answer."""
        printed = os.fstat(self._log.fileno()).st_size
        try:
            self._line.sendall(json.dumps({"event": event, "seconds": seconds}).encode() + b"\n")
            said = self._heard(time.monotonic() + seconds)
        except TimeoutError:
            said = _error("Sandbox.Timedout", f"Task timed out after {seconds} seconds")
        except (ConnectionError, ValueError):
            status = self._process.wait()
            said = _error("Runtime.ExitError", f"Runtime exited with error: exit status {status}")
        if said.pop("broken", False):
            self.end()
        text = os.pread(self._log.fileno(), os.fstat(self._log.fileno()).st_size - printed, printed)
        return Called(**said, printed=text.decode(errors="replace"))

    def end(self) -> None:
        """End it, and let go of it."""
        self._broken = True
        self._process.kill()
        self._process.wait()
        self._line.close()

    def _heard(self, deadline: float) -> dict[str, Any]:
        data = b""
        while not data.endswith(b"\n"):
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._line.settimeout(left)
            chunk = self._line.recv(CHUNK)
            if not chunk:
                raise ConnectionResetError
            data += chunk
        found: dict[str, Any] = json.loads(data)
        return found


def _error(kind: str, message: str) -> dict[str, Any]:
    return {"failed": True, "answer": json.dumps({"errorType": kind, "errorMessage": message}), "broken": True}
