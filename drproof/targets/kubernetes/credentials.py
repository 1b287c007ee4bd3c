"""Credentials that a command gives: run in a session of its own, for a bounded time, never to ask a person."""

import json
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

from drproof.formats import strict_json
from drproof.formats.kubeconfig import Exec, Kubeconfig
from drproof.model.errors import FormatError, TargetError

CALL: Final = "kubernetes:exec"
SECONDS = 60.0
MOST_BYTES = 1 << 20
EARLY_SECONDS = 60
"""How long before its end a credential is no longer used."""

ENDING_SECONDS = 2.0
"""How long after its end a command's output is still listened for."""


class CommandToken:
    """The token that a kubeconfig's command gives, asked again before it ends."""

    def __init__(
        self,
        config: Kubeconfig,
        environment: Mapping[str, str],
        *,
        learned: Callable[[str], None] = lambda _: None,
        seconds: float = SECONDS,
    ) -> None:
        """Name the command of `config`, which has one; `learned` is told each token before it is used."""
        if config.exec is None:
            msg = f"the user {config.user!r} has no command"
            raise ValueError(msg)
        self._config = config
        self._command = config.exec
        self._environment = environment
        self._learned = learned
        self._seconds = seconds
        self._lock = threading.Lock()
        self._token = ""
        self._ends_at = 0.0

    def __call__(self, seconds: float = SECONDS) -> str:
        """Return a token that is good for now; a command that must be asked has `seconds` for it.

        Raises:
            TargetError: the command is not there, failed, took too long, or gave something else.
        """
        with self._lock:
            if not self._token or time.time() > self._ends_at - EARLY_SECONDS:
                self._token, self._ends_at = self._ask(min(seconds, self._seconds))
                self._learned(self._token)
            return self._token

    def _ask(self, seconds: float) -> tuple[str, float]:
        given = {**self._environment, **self._command.environment, "KUBERNETES_EXEC_INFO": _info(self._config)}
        binary = shutil.which(self._command.command, path=given.get("PATH"))
        if binary is None:
            raise _failed(self._command, "NotInstalled", f"it is not on this machine's PATH {given.get('PATH', '')}")
        status, out = _run([binary, *self._command.arguments], given, self._command, seconds)
        if status != 0:
            # What it printed may be a credential or not: it is not repeated.
            raise _failed(self._command, "Failed", f"it ended with status {status}, expected 0")
        return _read(self._command, out)


def _run(arguments: list[str], environment: Mapping[str, str], command: Exec, seconds: float) -> tuple[int, bytes]:
    process = subprocess.Popen(  # noqa: S603 — the settings allow the command by name
        arguments,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    heard: list[bytes] = []
    listener = threading.Thread(target=_listen, args=(process, heard), daemon=True)
    try:
        listener.start()
        status = process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        raise _failed(command, "Timeout", f"expected an end within {seconds:.3g} s; it was ended") from None
    finally:
        # Whatever it started goes with it, and lets go of the pipe; what is in a session of its own is not waited for.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        listener.join(timeout=ENDING_SECONDS)
    return status, b"".join(heard)


def _listen(process: subprocess.Popen[bytes], heard: list[bytes]) -> None:
    if process.stdout is not None:
        with process.stdout as stream:
            left = MOST_BYTES
            while left and (piece := os.read(stream.fileno(), left)):
                heard.append(piece)
                left -= len(piece)


def _read(command: Exec, out: bytes) -> tuple[str, float]:
    try:
        document = strict_json.parse(out, fractions=True)
    except FormatError:
        document = None
    status = document.get("status") if isinstance(document, dict) and document.get("kind") == "ExecCredential" else None
    if not isinstance(status, dict):
        raise _failed(command, "Unreadable", "expected an ExecCredential, got something else")
    token = status.get("token")
    if not isinstance(token, str) or not token or not token.isascii() or not token.isprintable() or " " in token:
        found = ", ".join(sorted(status)) or "nothing"
        raise _failed(command, "Unreadable", f"expected a token in its status, got {found}")
    return token, _end(command, status)


def _end(command: Exec, status: Mapping[str, Any]) -> float:
    expires = status.get("expirationTimestamp")
    if expires is None:
        return float("inf")
    try:
        return datetime.fromisoformat(str(expires)).timestamp()
    except ValueError:
        raise _failed(command, "Unreadable", f"its expirationTimestamp {str(expires)[:40]!r} is no instant") from None


def _info(config: Kubeconfig) -> str:
    """Return what the command is told of the cluster."""
    command = config.exec
    spec: dict[str, Any] = {"interactive": False}
    if command is not None and command.provide_cluster_info:
        from drproof.formats.kubeconfig_kept import cluster_document

        spec["cluster"] = cluster_document(config)
    version = command.api_version if command is not None else ""
    return json.dumps({"apiVersion": version, "kind": "ExecCredential", "spec": spec})


def _failed(command: Exec, code: str, what: str) -> TargetError:
    message = f"{CALL} {command.command}: {code}: {what}\n  next: run the command of the kubeconfig's user by hand"
    return TargetError(message, code=code, call=CALL)
