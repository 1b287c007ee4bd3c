"""One build: it waits for its turn, runs the commands of its buildspec in a folder of its own, and ends as they did."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from drproof.embedded.buildspecs import PHASES, Buildspec, BuildspecError, parse

MINUTE_SECONDS = float(os.environ.get("EMBEDDED_WORLD_MINUTE", "60"))
"""How long a minute of a build's bounds is; a test that waits for their end asks for a shorter one."""
POLL_SECONDS = 0.05
LONGEST_LINE = 64 << 10
KEPT = ("LANG", "TMPDIR")
ONCE = "phase.commands"
"""The folder with the commands of the phase under way, one file each."""
SCRIPT = """\
trap 'env -0 >"$EMBEDDED_BUILD/env"' EXIT
status=0
for file in "$EMBEDDED_BUILD/phase.commands/"*.sh; do
  [ -e "$file" ] || continue
  source "$file"
  status=$?
  if [ "$status" -ne 0 ]; then echo "$file $status" >"$EMBEDDED_BUILD/failed"; break; fi
done
for file in "$EMBEDDED_BUILD/phase.finally/"*.sh; do
  [ -e "$file" ] || continue
  source "$file"
  last=$?
  if [ "$last" -ne 0 ] && [ "$status" -eq 0 ]; then status=$last; echo "$file $last" >"$EMBEDDED_BUILD/failed"; fi
done
exit "$status"
"""
"""All commands of a phase share one shell, as on the real service; what it exports, the next phase has."""


@dataclass(slots=True, kw_only=True)
class Order:
    """What a build was started with."""

    project: str
    build_id: str
    number: int
    buildspec: str
    environment: Mapping[str, str]
    """What the container has: the credentials of the project's role, and the build's own variables."""
    queued_minutes: int
    minutes: int


@dataclass(slots=True)
class Build:
    """One build, under way or over."""

    order: Order
    folder: Path
    turn: threading.Semaphore
    log: Callable[[str], None]
    status: str = "IN_PROGRESS"
    current: str = "SUBMITTED"
    phases: list[dict[str, Any]] = field(default_factory=list)
    exported: list[dict[str, str]] = field(default_factory=list)
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    ended: datetime | None = None
    _stop: threading.Event = field(default_factory=threading.Event)
    _process: subprocess.Popen[bytes] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _environment: dict[str, str] = field(default_factory=dict)

    def begin(self) -> None:
        """Start working."""
        self._enter("SUBMITTED")
        self._leave("SUCCEEDED")
        self._enter("QUEUED")
        threading.Thread(target=self._run, daemon=True).start()

    def stop(self) -> None:
        """End the build, wherever it is."""
        with self._lock:
            self._stop.set()
            if self._process is not None:
                _kill(self._process)

    def _run(self) -> None:
        deadline = time.monotonic() + self.order.queued_minutes * MINUTE_SECONDS
        while not self.turn.acquire(timeout=POLL_SECONDS):
            if self._stop.is_set() or time.monotonic() >= deadline:
                self._leave("STOPPED" if self._stop.is_set() else "TIMED_OUT")
                self._end("STOPPED" if self._stop.is_set() else "TIMED_OUT")
                return
        try:
            if self._stop.is_set():
                # Its turn came between the word to stop and the next look at it.
                self._leave("STOPPED")
                self._end("STOPPED")
                return
            self._leave("SUCCEEDED")
            self._end(self._work(time.monotonic() + self.order.minutes * MINUTE_SECONDS))
        finally:
            self.turn.release()
            shutil.rmtree(self.folder, ignore_errors=True)

    def _work(self, deadline: float) -> str:
        """Go through the phases, and return what the build came to."""
        self._enter("PROVISIONING")
        source = self.folder / "src"
        source.mkdir(parents=True)
        (self.folder / "home").mkdir()
        self._leave("SUCCEEDED")
        self._enter("DOWNLOAD_SOURCE")
        try:
            spec = parse(self.order.buildspec)
        except BuildspecError as exc:
            self._leave("FAILED", str(exc), code="YAML_FILE_ERROR")
            return "FAILED"
        self._leave("SUCCEEDED")
        self._environment = {**spec.variables, **self.order.environment}
        worst = "SUCCEEDED"
        for name in PHASES:
            if worst != "SUCCEEDED" and not (name == "post_build" and self._failed_in("BUILD")):
                break
            ended = self._phase(name, spec, source, deadline)
            worst = ended if worst == "SUCCEEDED" else worst
        if worst in {"SUCCEEDED", "FAILED"}:
            self.exported = [{"name": name, "value": self._environment.get(name, "")} for name in spec.exported]
        for name in ("UPLOAD_ARTIFACTS", "FINALIZING"):
            self._enter(name)
            self._leave("SUCCEEDED")
        return worst

    def _failed_in(self, phase: str) -> bool:
        return any(one["phaseType"] == phase and one.get("phaseStatus") == "FAILED" for one in self.phases)

    def _phase(self, name: str, spec: Buildspec, source: Path, deadline: float) -> str:
        self._enter(name.upper())
        commands = spec.commands[name]
        if not commands and not spec.last[name]:
            self._leave("SUCCEEDED")
            return "SUCCEEDED"
        files = {}
        for kind, texts in (("commands", commands), ("finally", spec.last[name])):
            place = self.folder / f"phase.{kind}"
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir()
            for index, text in enumerate(texts):
                file = place / f"{index:03}.sh"
                file.write_text(text + "\n", encoding="utf-8")
                files[str(file)] = text
        (self.folder / "failed").unlink(missing_ok=True)
        status, code = self._shell(source, deadline)
        if status == "SUCCEEDED" and code != 0:
            file_name, _, number = self._said("failed").partition(" ")
            command = files.get(file_name, "the shell").strip().partition("\n")[0]
            message = f"Error while executing command: {command}. Reason: exit status {number.strip() or code}"
            self._leave("FAILED", message, code="COMMAND_EXECUTION_ERROR")
            return "FAILED"
        if status != "SUCCEEDED":
            self._leave(status, "Build has timed out. " if status == "TIMED_OUT" else "")
            return status
        self._leave("SUCCEEDED")
        return "SUCCEEDED"

    def _shell(self, source: Path, deadline: float) -> tuple[str, int]:
        """Run the phase's commands; its status is that of the build's bounds, the number that of the commands."""
        with self._lock:
            if self._stop.is_set():
                return "STOPPED", 0
            process = subprocess.Popen(
                ["/usr/bin/env", "bash", "-c", SCRIPT],
                cwd=source,
                env={**self._environment, "EMBEDDED_BUILD": str(self.folder)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            self._process = process
        listener = threading.Thread(target=self._listen, args=(process,), daemon=True)
        listener.start()
        status = "SUCCEEDED"
        try:
            process.wait(timeout=max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            status = "TIMED_OUT"
        finally:
            # A container ends with everything in it.
            _kill(process)
            code = process.wait()
            with self._lock:
                self._process = None
        listener.join(timeout=5)
        if self._stop.is_set():
            return "STOPPED", code
        pairs = (one.partition("=") for one in self._said("env").split("\0") if "=" in one)
        self._environment |= {name: value for name, _, value in pairs if name not in {"_", "SHLVL", "EMBEDDED_BUILD"}}
        return status, code

    def _said(self, name: str) -> str:
        with suppress(OSError):
            return (self.folder / name).read_text(encoding="utf-8", errors="replace")
        return ""

    def _listen(self, process: "subprocess.Popen[bytes]") -> None:
        if process.stdout is None:
            return
        with process.stdout as stream:
            while line := stream.readline(LONGEST_LINE):
                self.log(line.decode("utf-8", errors="replace"))

    def _enter(self, name: str) -> None:
        self.current = name
        self.phases.append({"phaseType": name, "startTime": datetime.now(UTC)})

    def _leave(self, status: str, message: str = "", *, code: str = "") -> None:
        now = datetime.now(UTC)
        phase = self.phases[-1]
        phase["endTime"] = now
        phase["durationInSeconds"] = int((now - phase["startTime"]).total_seconds())
        phase["contexts"] = [{"statusCode": code, "message": message}]
        phase["phaseStatus"] = status

    def _end(self, status: str) -> None:
        self._enter("COMPLETED")
        self.ended = datetime.now(UTC)
        # Last, because a reader that sees the end must see how it ended.
        self.status = status


def _kill(process: "subprocess.Popen[bytes]") -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def image(folder: Path) -> Path:
    """Put the programs of the build image into a folder, and return it: what is not there, a build does not have."""
    folder.mkdir(parents=True, exist_ok=True)
    python = f'#!/bin/sh\nexec {sys.executable} "$@"\n'
    aws = f'#!/bin/sh\nexec {sys.executable} -m drproof.embedded.images.aws "$@"\n'
    for name, text in (("python3", python), ("aws", aws)):
        (folder / name).write_text(text, encoding="utf-8")
        (folder / name).chmod(0o755)
    terraform = shutil.which("terraform")
    if terraform is not None and not (folder / "terraform").exists():
        (folder / "terraform").symlink_to(terraform)
    return folder


def kept() -> dict[str, str]:
    """Return what a build takes over from this machine."""
    return {name: os.environ[name] for name in KEPT if name in os.environ}
