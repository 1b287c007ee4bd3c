"""One command of the Terraform binary: its own session, bounded output, one interrupt and time."""

import os
import re
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, Any

from drproof.formats.strict_json import parse
from drproof.model.errors import FormatError, QuotaError, TargetError
from drproof.targets.aws import errors
from drproof.targets.provisioners.diagnostics import answer_in
from drproof.targets.provisioners.words import CODE, CREATED, ERROR
from drproof.targets.provisioners.workshop import GRACE_SECONDS, KILL_SECONDS, Workshop

TAIL_LINES = 20
LONGEST_LINE = 64 << 10
SHOWN_LINE = 2_000
DOCUMENT_LINES = 2_000
"""How many lines of a document are kept: outputs and versions are small, and what is longer is none of ours."""
MET = re.compile(
    r"Lock Info:|StatusCode:\W+(?:409|412)\b|PreconditionFailed|ConditionalCheckFailed|ConditionalRequestConflict"
)
"""What Terraform says besides when a lock was there; it calls each failure to ask for one by the same name."""
TAKING_AWAY = frozenset({"delete", "replace", "forget"})


@dataclass(slots=True)
class Said:
    """What a command said, as far as anybody needs it; the rest is not kept."""

    tail: deque[str] = field(default_factory=lambda: deque(maxlen=TAIL_LINES))
    summary: Mapping[str, int] = field(default_factory=dict)
    """What was applied: how many were added, changed, removed."""
    planned: Mapping[str, int] = field(default_factory=dict)
    """What would be applied, in the same words."""
    taken_away: list[str] = field(default_factory=list)
    """The addresses that a plan would destroy, also to make them anew."""
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=DOCUMENT_LINES))
    """What was said outside of messages, for commands that answer with one document."""
    problem: str = ""
    error: str = ""
    code: str = ""
    answers: list[str] = field(default_factory=list)
    """The platform's own code of each error; empty for one that tells of no answer."""
    created: list[str] = field(default_factory=list)

    def hear(self, line: str) -> None:
        """Take in one line of output."""
        try:
            document = parse(line, fractions=True) if line.startswith("{") else None
        except FormatError:
            document = None
        if not isinstance(document, dict) or "type" not in document:
            self.lines.append(line)
            self._hear_text(line)
            return
        try:
            self._hear_message(document)
        except (AttributeError, KeyError, TypeError, ValueError):
            # Who listens no more lets the pipe fill, and Terraform waits for ever to say the next line.
            self._hear_text(line)

    def _hear_message(self, document: Mapping[str, Any]) -> None:
        kind = document.get("type")
        if kind == "change_summary":
            counted = {name: int(document["changes"].get(name, 0)) for name in ("add", "change", "remove")}
            if document["changes"].get("operation") == "plan":
                self.planned = counted
            else:
                self.summary = counted
        elif kind == "planned_change":
            # What an apply left half made is taken away to be made whole: it never carried anything.
            change = document["change"]
            if change.get("action") in TAKING_AWAY and change.get("reason") != "tainted":
                self.taken_away.append(str(change.get("resource", {}).get("addr", "")))
        elif kind == "diagnostic":
            self._hear_problem(document["diagnostic"])
        elif kind == "provision_progress":
            self._hear_text(str(document.get("hook", {}).get("output", "")))

    def _hear_problem(self, diagnostic: Mapping[str, Any]) -> None:
        if diagnostic.get("severity") == "error":
            summary, detail = str(diagnostic.get("summary", "")), str(diagnostic.get("detail", ""))
            self.problem = self.problem or summary
            self.answers.append(answer_in(summary, detail, str(diagnostic.get("address") or "")))
            for line in (summary, *detail.splitlines()):
                self._hear_text(line)

    def _hear_text(self, text: str) -> None:
        for line in text.splitlines():
            found = line.strip()
            if not found:
                continue
            if found.startswith(CREATED):
                self.created.append(found.removeprefix(CREATED))
            elif CODE in found:
                self.code = found.partition(CODE)[2].split()[0]
            elif ERROR in found:
                self.error = found.partition(ERROR)[2]
            self.tail.append(found[:SHOWN_LINE])


def met_a_lock(tail: Iterable[str]) -> bool:
    """Whether a lock was there, of a Terraform that could not take it: the call may have failed as any other does."""
    return any(MET.search(line) for line in tail)


def refusal(answers: Sequence[str]) -> str:
    """Return the code by which the platform refused for good; empty when any of the errors is another one.

    What is throttled or gets no answer Terraform has tried again itself, and what it did not find it knows better. Its
    credentials are those of the moment at which it was started, and a build has its own: the next attempt has others.
    """
    if not errors.RENEWED.isdisjoint(answers):
        return ""
    families = {errors.family(code) if code else None for code in answers}
    if not families or not families <= {TargetError, QuotaError}:
        return ""
    # A quota that leaves no room explains nothing of an error beside it.
    return next((code for code in answers if errors.family(code) is TargetError), answers[0])


def run(  # noqa: PLR0913 — a process has that many sides
    workshop: Workshop,
    alive: int,
    binary: str,
    arguments: Sequence[str],
    *,
    environment: Mapping[str, str],
    timeout: float,
) -> tuple[int, Said]:
    """Run Terraform in a workshop and return its status and what it said.

    An exception in this thread, such as a signal's, interrupts Terraform once, waits, and goes on.

    Raises:
        TargetError: `Timeout`; Terraform was interrupted.
    """
    # The process group is on disk before Terraform is: a kill at any instant leaves it findable.
    command = ["/bin/sh", "-c", 'echo $$ >"$0" && exec "$@"', str(workshop.pid_file), binary, *arguments]
    process = subprocess.Popen(  # noqa: S603 — the binary that the caller found
        command,
        cwd=workshop.folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=(alive,),
        start_new_session=True,
    )
    said = Said()
    listener = threading.Thread(target=_listen, args=(process.stdout, said), daemon=True)
    try:
        listener.start()
        status = process.wait(timeout=timeout)
    except subprocess.TimeoutExpired as exc:
        _end(process)
        msg = f"terraform {arguments[0]}: Timeout: expected an end within {timeout:.0f} s; it was interrupted"
        raise TargetError(msg, code="Timeout", call=f"terraform:{arguments[0]}") from exc
    except BaseException:
        _end(process)
        raise
    # What it started and left behind would go on unobserved, and holds the pipe.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    listener.join(timeout=KILL_SECONDS)
    return status, said


def _listen(stream: IO[bytes] | None, said: Said) -> None:
    if stream is None:
        return
    with stream:
        while line := stream.readline(LONGEST_LINE):
            said.hear(line.decode("utf-8", errors="replace").rstrip("\n"))


def _end(process: subprocess.Popen[bytes]) -> None:
    """Interrupt once, give time, then end the whole group."""
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGINT)
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=GRACE_SECONDS)
    # Terraform ends its provisioner's shell; what that shell started must not go on alone.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=KILL_SECONDS)
