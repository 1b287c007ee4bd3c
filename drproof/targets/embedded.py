"""The embedded world as a process: started, found again, asked, kept and stopped; loopback only."""

import contextlib
import http.client
import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from drproof.formats.strict_json import parse
from drproof.model.errors import FormatError, TargetError
from drproof.targets import environment

LOOPBACK = "127.0.0.1"
READY_SECONDS = 180
ANSWER_SECONDS = 60
STOP_SECONDS = 15
ENDING_SECONDS = 3
INSTALL = "pip install 'drproof[embedded]'"
"""How a world ends that lacks the emulator."""
TAIL_LINES = 12
SIDES = ("primary", "recovery", "approver")
LONGEST_LINE = 1 << 20


class World:
    """A running embedded world."""

    def __init__(
        self, endpoint: str, directory: Path, *, pid: int = 0, process: subprocess.Popen[bytes] | None = None
    ) -> None:
        """Name a world that answers at `endpoint` and keeps its files in `directory`."""
        self.endpoint = loopback(endpoint)
        self.directory = directory
        self.pid = pid
        self._process = process

    def keep(self, seconds: int) -> None:
        """Let the world outlive its last call by `seconds`."""
        ask(self.endpoint, "POST", "keep", {"seconds": seconds})

    def stop(self) -> None:
        """End the world and return when it is gone; a world that has ended already is as wanted."""
        try:
            ask(self.endpoint, "POST", "stop")
        except TargetError as exc:
            if exc.code != "Unreachable":
                raise
        deadline = time.monotonic() + STOP_SECONDS
        while time.monotonic() < deadline:
            if self._is_gone():
                return
            time.sleep(0.02)
        msg = (
            f"the embedded world {self.endpoint} (pid {self.pid}) did not end within {STOP_SECONDS} s\n"
            f"  next: kill {self.pid}"
        )
        raise TargetError(msg, code="WorldLingers", call="world:stop")

    def calls(self) -> list[dict[str, Any]]:
        """Return the world's log of API calls, oldest first."""
        found: list[dict[str, Any]] = ask(self.endpoint, "GET", "calls")
        return found

    def inventory(self) -> dict[str, Any]:
        """Return everything that exists in the world."""
        found: dict[str, Any] = ask(self.endpoint, "GET", "inventory")
        return found

    def _is_gone(self) -> bool:
        if self._process is not None:
            return self._process.poll() is not None
        try:
            ask(self.endpoint, "GET", "health")
        except TargetError:
            # It answers no more, and may still be putting its own files away.
            return not _lives(self.pid)
        return False


def start(directory: Path, *, scenario: str, linger: int) -> World:
    """Start a world that keeps its files in `directory` and outlives its last call by `linger` seconds.

    Raises:
        TargetError: it did not come up; the message has the tail of its log.
    """
    log = directory / "world.log"
    command = [sys.executable, "-m", "drproof.embedded", "--directory", str(directory)]
    command += ["--scenario", scenario, "--linger", str(linger), "--run", str(os.getpid())]
    with log.open("ab") as errors:
        process = subprocess.Popen(  # noqa: S603 — our own interpreter and module
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
            env=environment.child(),
        )
    try:
        document = _ready_line(process)
        if document is None:
            raise _not_ready(log, process)  # noqa: TRY301 — the process is ended in one place
        # The process that was started may have handed the world over to another.
        return World(_text(document, "endpoint"), directory, pid=document.get("pid", 0), process=process)
    except BaseException:
        process.kill()
        process.wait()
        raise
    finally:
        if process.stdout is not None:
            process.stdout.close()


def attach(directory: Path) -> World:
    """Return the world that keeps its files in `directory`.

    Raises:
        TargetError: it has ended.
    """
    file = directory / "world.json"
    try:
        document = parse(file.read_bytes(), fractions=True)
    except (OSError, FormatError) as exc:
        msg = f"{file} does not say where the embedded world is: {exc}"
        raise TargetError(msg, code="WorldEnded", call="world:attach") from exc
    world = World(_text(document, "endpoint"), directory, pid=document.get("pid", 0))
    # Another process may have taken the port since.
    pid = ask(world.endpoint, "GET", "health").get("pid")
    if pid != world.pid:
        msg = f"the embedded world {world.endpoint} is process {pid}, expected {world.pid} of {file}"
        raise TargetError(msg, code="WorldEnded", call="world:attach")
    return world


def credentials(endpoint: str) -> Mapping[str, Mapping[str, str]]:
    """Return the credentials that a world issued, by site, and those of somebody who may decide."""
    found = ask(endpoint, "GET", "credentials")
    try:
        return {side: {key: str(value) for key, value in found[side].items()} for side in SIDES}
    except (KeyError, AttributeError, TypeError) as exc:
        msg = f"the embedded world {endpoint} issued no credentials for both sites and an approver: {exc!r}"
        raise TargetError(msg, code="WorldAnswer", call="world:credentials") from exc


def loopback(endpoint: str) -> str:
    """Return `endpoint` if it is on this machine.

    Raises:
        ValueError: it is not; the embedded world never answers for anything else.
    """
    parts = urlsplit(endpoint)
    if parts.scheme != "http" or parts.hostname != LOOPBACK or parts.port is None:
        msg = f"the endpoint of the embedded world: expected http://{LOOPBACK}:<port>, got {endpoint!r}"
        raise ValueError(msg)
    return f"http://{LOOPBACK}:{parts.port}"


def ask(endpoint: str, method: str, route: str, content: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401 — JSON
    """Return what the world answers on one of its control routes.

    Raises:
        TargetError: `Unreachable` when nobody answers, `WorldAnswer` when the answer is no success.
    """
    call = f"world:{route}"
    port = urlsplit(loopback(endpoint)).port
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=ANSWER_SECONDS)
    body = json.dumps(content).encode() if content is not None else None
    try:
        connection.request(method, f"/_world/{route}", body=body)
        answer = connection.getresponse()
        data = answer.read()
    except (OSError, http.client.HTTPException) as exc:
        msg = (
            f"{call} {endpoint}: nobody answers: {exc}\n"
            "  next: python -m drproof.embedded --directory <new folder> starts a world, and says where it answers"
        )
        raise TargetError(msg, code="Unreachable", call=call) from exc
    finally:
        connection.close()
    if answer.status != http.client.OK:
        msg = f"{call} {endpoint}: expected 200, got {answer.status}: {data[:200].decode(errors='replace')}"
        raise TargetError(msg, code="WorldAnswer", call=call)
    try:
        return parse(data, fractions=True)
    except FormatError as exc:
        msg = f"{call} {endpoint}: {exc}"
        raise TargetError(msg, code="WorldAnswer", call=call) from exc


def _ready_line(process: subprocess.Popen[bytes]) -> dict[str, Any] | None:
    """Return the document that a world prints once it is ready; None when it ended or took too long."""
    if process.stdout is None:
        return None
    deadline = time.monotonic() + READY_SECONDS
    line = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while not line.endswith(b"\n") and len(line) < LONGEST_LINE:
            if not selector.select(max(0.0, deadline - time.monotonic())):
                return None
            chunk = os.read(process.stdout.fileno(), 65536)
            if not chunk:
                return None
            line += chunk
    try:
        document = parse(line, fractions=True)
    except FormatError:
        return None
    return document if isinstance(document, dict) else None


def _not_ready(log: Path, process: subprocess.Popen[bytes]) -> TargetError:
    with contextlib.suppress(subprocess.TimeoutExpired):
        # A process that ends closes its output a moment before its status can be asked for.
        process.wait(timeout=ENDING_SECONDS)
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    tail = lines[-TAIL_LINES:]
    if tail and tail[-1].endswith(INSTALL):
        return TargetError("\n".join(tail[-2:]), code="EmbeddedMissing", call="world:start")
    status = process.poll()
    state = f"ended with status {status}" if status is not None else f"printed no address within {READY_SECONDS} s"
    said = "\n".join(f"    {line}" for line in tail)
    msg = f"the embedded world did not start: it {state}\n{said}\n  next: read {log}"
    return TargetError(msg, code="WorldNotReady", call="world:start")


def _text(document: Any, key: str) -> str:  # noqa: ANN401 — JSON
    value = document.get(key) if isinstance(document, dict) else None
    if not isinstance(value, str):
        msg = f"the embedded world's {key}: expected a text, got {value!r}"
        raise TargetError(msg, code="WorldAnswer", call="world:start")
    return value


def _lives(pid: int) -> bool:
    """Return whether a process of this machine still runs; one that only waits to be reaped does not."""
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[0]
    except ProcessLookupError:
        return False
    except OSError:
        # No /proc here: a signal could be sent, so it runs.
        return Path("/proc").exists() is False
    return state != "Z"
