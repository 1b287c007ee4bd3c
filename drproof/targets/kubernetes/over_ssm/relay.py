"""Scripts on a machine, over Systems Manager, with what goes in and out whole: sealed, in pieces, and checked.

Systems Manager tells 24,000 characters of an output, and takes commands of a limited size. What is larger goes in
pieces, and what comes back names its size and its SHA-256 first: a cut answer is never taken for a whole one.
"""

import base64
import re
import secrets
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from shlex import quote
from typing import Final, Protocol

from drproof.model.capabilities import CommandResult, Intent
from drproof.model.errors import TargetError
from drproof.targets.kubernetes.over_ssm.sealing import OpenedWrongError, Ours, Theirs

PAGE: Final = 20_000
"""Characters of an answer that one command prints; the service tells 24,000."""

PIECE: Final = 30_000
"""Characters of an input that one command carries; the kernel takes 128 KiB in one argument, the service 64 KiB."""

AT_ONCE: Final = 8
"""How many pieces or pages are on their way together."""

DELIVERY_MS: Final = 5_000
SUCCESS: Final = "Success"
NO_FOLDER, NO_INPUT, NO_TOOL, NO_KEY = 93, 94, 95, 96
WHY: Final = {
    NO_FOLDER: "its private folder for this process is gone",
    NO_INPUT: "what was sent could not be read on the machine",
    NO_TOOL: "the machine lacks a tool: openssl, gzip, base64 and sha256sum are needed on it",
    NO_KEY: "openssl on the machine made no key",
}
OLD_MINUTES: Final = 1440
"""After how long a private folder is nobody's any more."""

HEAD: Final = re.compile(r"drproof +(?P<size>\d{1,9}) +(?P<sha256>[0-9a-f]{64})")
"""How an answer begins: with how long it is."""

FOLDER: Final = "${HOME:-/root}/.drproof-ssm-"
OPENING: Final = """\
umask 077
for each in openssl gzip base64 sha256sum; do command -v $each >/dev/null || { echo "$each" >&2; exit 95; }; done
find "${HOME:-/root}" -maxdepth 1 -type d -name '.drproof-ssm-*' -mmin +%d -exec rm -rf {} + 2>/dev/null
k="%s"
mkdir "$k" || exit 93
printf %%s %s > "$k/theirs.pem"
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$k/key.pem" -out "$k/cert.pem" -days 7 -subj /CN=drproof \
 >/dev/null 2>"$k/err" || { cat "$k/err" >&2; exit 96; }
rm "$k/err"
cat "$k/cert.pem"
"""
PRELUDE: Final = 'umask 077\nk="%s"\nd="$k/%s"\n[ -s "$k/cert.pem" ] && mkdir -p "$d" || exit 93\n'
UNSEALING: Final = """\
printf %%s %s > "$d/z.last"
cat "$d"/z.* | base64 -d | openssl cms -decrypt -binary -inform DER -inkey "$k/key.pem" -recip "$k/cert.pem" \
 | gzip -dc > "$d/in" || exit 94
rm -f "$d"/z.*
"""
SEALING: Final = """
{ printf '%%s %%s %%s %%s\\n' "$a" "$s" "$(wc -c < "$d/out")" "$(wc -c < "$d/err")"; cat "$d/out" "$d/err"; } \
 | gzip -c > "$d/plain"
openssl cms -encrypt -binary -aes128 -outform DER -in "$d/plain" "$k/theirs.pem" | base64 | tr -d '\\n' > "$d/answer"
rm -f "$d/in" "$d/out" "$d/err" "$d/plain"
size=$(wc -c < "$d/answer")
printf 'drproof %%s %%s\\n' $size "$(sha256sum < "$d/answer" | cut -c1-64)"
head -c %d "$d/answer"
[ $size -gt %d ] || rm -rf "$d"
"""


class NotAskedError(Exception):
    """The machine did not come to run the script: certainly nothing happened."""


class LostError(Exception):
    """The script may have run, and what it came to is not known."""


class CutError(Exception):
    """The script has run, and its answer did not come back whole."""


class Machines(Protocol):
    """What the relay needs of Systems Manager."""

    def look(self, instance_id: str, command: str, *, timeout_ms: int, delivery_ms: int) -> CommandResult:
        """Run a command that only looks."""

    def run(
        self, intent: Intent, instance_id: str, command: str, *, timeout_ms: int, delivery_ms: int
    ) -> CommandResult:
        """Run a command that changes something."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a script came to: how far it was, the status that it ended with, and both outputs whole."""

    stage: str
    status: int
    out: bytes
    err: bytes


class Relay:
    """One machine, and a private folder on it for as long as this process talks to it."""

    def __init__(self, machines: Machines, instance_id: str) -> None:
        """Name the machine; nothing is asked yet."""
        self.instance_id = instance_id
        self._machines = machines
        self._folder = ""
        self._ours = Ours()
        self._theirs: Theirs | None = None
        self._turn = threading.Lock()
        self._read: list[str] = []
        """Answers on the machine that were read, and that nobody needs any more."""

    def call(self, script: str, given: bytes | None, *, seconds: float, intent: Intent | None = None) -> Said:
        """Run a script and return what it came to.

        It finds a folder of its own as `$d`, one of this process as `$k`, and `given` as `$d/in`. It leaves `$d/out`,
        `$d/err`, a status in `$s`, and in `$a` a word for how far it came. Without an intent it only looks.

        Raises:
            NotAskedError: it did not run.
            LostError: nobody knows whether it did.
            CutError: it did, and its answer is not whole.
            TargetError: what Systems Manager says.
        """
        with self._turn:
            theirs = self._theirs or self._opened(seconds)
        sealed = base64.b64encode(theirs.sealed(given)).decode("ascii") if given is not None else ""
        name = secrets.token_hex(6)
        pieces = [sealed[at : at + PIECE] for at in range(0, len(sealed), PIECE)]
        self._send(pieces[:-1], name, seconds, intent)
        unsealing = UNSEALING % quote(pieces[-1]) if pieces else ""
        text = f"{self._prelude(name)}{self._tidied()}{unsealing}{script}{SEALING % (PAGE, PAGE)}"
        result = self._run(text, seconds, intent)
        if result.status != SUCCESS:
            raise self._failed(result)
        return self._whole(result, name, seconds)

    def close(self) -> None:
        """Remove the private folder; where that fails it is nobody's after a day, and goes with the machine."""
        if self._folder:
            folder, self._folder, self._theirs = self._folder, "", None
            self._machines.look(self.instance_id, f'rm -rf "{folder}"', timeout_ms=DELIVERY_MS, delivery_ms=DELIVERY_MS)

    def _prelude(self, name: str) -> str:
        return PRELUDE % (self._folder, name)

    def _tidied(self) -> str:
        """Return what removes answers that were read."""
        read, self._read = self._read, []
        return "".join(f'rm -rf "$k/{name}"\n' for name in read)

    def _opened(self, seconds: float) -> Theirs:
        """Make the folder on the machine, and exchange keys."""
        folder = f"{FOLDER}{secrets.token_hex(8)}"
        result = self._run(OPENING % (OLD_MINUTES, folder, quote(self._ours.pem)), seconds, None)
        if result.status != SUCCESS:
            why = WHY.get(result.exit_status, f"{result.status}, exit status {result.exit_status}")
            said = " ".join(result.stderr.split())[-200:]
            msg = f"the machine {self.instance_id} cannot be talked to: {why}{f': {said}' if said else ''}"
            raise NotAskedError(msg)
        try:
            self._theirs = Theirs(result.stdout)
        except OpenedWrongError as exc:
            msg = f"the machine {self.instance_id} cannot be talked to: {exc}"
            raise NotAskedError(msg) from exc
        self._folder = folder
        return self._theirs

    def _run(self, text: str, seconds: float, intent: Intent | None) -> CommandResult:
        timeout_ms = max(1, int(1000 * seconds))
        if intent is None:
            return self._machines.look(self.instance_id, text, timeout_ms=timeout_ms, delivery_ms=DELIVERY_MS)
        return self._machines.run(intent, self.instance_id, text, timeout_ms=timeout_ms, delivery_ms=DELIVERY_MS)

    def _send(self, pieces: Sequence[str], name: str, seconds: float, intent: Intent | None) -> None:
        """Lay pieces of an input into the folder: the script reads them in the order of their names."""
        texts = [
            f'{self._prelude(name)}printf %s {quote(piece)} > "$d/z.{number:04d}"\n'
            for number, piece in enumerate(pieces)
        ]
        try:
            results = _together(texts, lambda text: self._run(text, seconds, intent))
        except TargetError as exc:
            msg = f"a piece of what was to be sent did not arrive: {exc}"
            raise NotAskedError(msg) from exc
        for result in results:
            if result.status != SUCCESS:
                why = self._why(result)
                raise NotAskedError(why)

    def _failed(self, result: CommandResult) -> Exception:
        why = self._why(result)
        if result.exit_status in WHY:
            return NotAskedError(why)
        return LostError(why)

    def _why(self, result: CommandResult) -> str:
        if result.exit_status == NO_FOLDER:
            # A machine that was made anew: the next call begins with it.
            self._folder, self._theirs = "", None
        what = WHY.get(result.exit_status, f"{result.status}, exit status {result.exit_status}")
        return f"the command {result.command_id} on {self.instance_id}: {what}"

    def _whole(self, result: CommandResult, name: str, seconds: float) -> Said:
        head, _, first = result.stdout.partition("\n")
        told = HEAD.fullmatch(head)
        if told is None:
            msg = f"the command {result.command_id} on {self.instance_id} did not say how long its answer is"
            raise CutError(msg)
        size, digest = int(told["size"]), told["sha256"]
        texts = [
            f'{self._prelude(name)}tail -c +{at + 1} "$d/answer" | head -c {PAGE}\n' for at in range(PAGE, size, PAGE)
        ]
        try:
            rest = _together(texts, lambda text: self._run(text, seconds, None))
        except TargetError as exc:
            msg = f"the answer of the command {result.command_id} on {self.instance_id} did not come whole: {exc}"
            raise CutError(msg) from exc
        if texts:
            self._read.append(name)
        answer = (first + "".join(page.stdout for page in rest)).strip()
        if result.truncated or len(answer) != size or sha256(answer.encode()).hexdigest() != digest:
            msg = (
                f"the answer of the command {result.command_id} on {self.instance_id} was cut or changed: expected "
                f"{size} characters with SHA-256 {digest}, got {len(answer)}"
            )
            raise CutError(msg)
        try:
            return _said(self._ours.opened(base64.b64decode(answer)))
        except (OpenedWrongError, ValueError) as exc:
            msg = f"the answer of the command {result.command_id} on {self.instance_id} cannot be read: {exc}"
            raise CutError(msg) from exc


def _said(plain: bytes) -> Said:
    head, _, rest = plain.partition(b"\n")
    stage, status, out, err = head.decode("ascii").split()
    if len(rest) != int(out) + int(err):
        msg = f"expected {out} and {err} bytes of output, got {len(rest)} in all"
        raise ValueError(msg)
    return Said(stage, int(status), rest[: int(out)], rest[int(out) :])


def _together(texts: Sequence[str], act: Callable[[str], CommandResult]) -> list[CommandResult]:
    if not texts:
        return []
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        return list(pool.map(act, texts))
