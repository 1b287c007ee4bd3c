"""An API server that is asked by kubectl on its own machine, with the machine's own kubeconfig.

Reads are `kubectl get --raw`; changes are `create`, `replace` and `delete` of a raw path, and `apply --server-side`,
because kubectl sends no raw patch. What it prints on its error output is what the server said, in its own words.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from shlex import quote
from typing import Any, Final
from urllib.parse import urlencode

from drproof.model.cluster import FIELD_MANAGER
from drproof.model.errors import TargetError, ThrottledError, UnansweredError
from drproof.targets.aws.ssm import NEVER_RAN
from drproof.targets.kubernetes import bounded
from drproof.targets.kubernetes.api_server import (
    APPLY,
    JSON,
    SYSTEM,
    ApiServer,
    Effect,
    Query,
    as_object,
    assert_same,
    uid_in,
)
from drproof.targets.kubernetes.errors import MISSING, REASONS, SERVER_FAILED, Asked, failure, of_status
from drproof.targets.kubernetes.over_ssm.relay import CutError, LostError, NotAskedError, Relay, Said

SECONDS = 60.0
"""How long one command may take on the machine."""

ASKED, PINNING = "asked", "pinning"
VERBS: Final = {"POST": "create", "PUT": "replace", "DELETE": "delete"}
"""How kubectl calls what it sends to a raw path."""

STATUS_OF: Final = {
    **{reason: status for status, reason in REASONS.items()},
    "AlreadyExists": 409,
    "Timeout": 504,
    "Gone": 410,
}
GONE_BEFORE: Final = frozenset({*NEVER_RAN, "InvalidInstanceId", "InvalidInstanceIdException"})
"""What Systems Manager says of a machine that never had the command."""

SERVER: Final = re.compile(r"^Error from server(?: \((?P<reason>\w+)\))?: (?P<message>.*)", re.DOTALL | re.MULTILINE)
INVALID: Final = re.compile(r"^(?P<message>The .*\bis invalid\b.*)", re.DOTALL | re.MULTILINE)
STRANGER: Final = re.compile(r"^error: You must be logged in to the server(?: \((?P<message>.*)\))?", re.MULTILINE)
SOURCE: Final = re.compile(r'error when \w+ "[^"]*": ')
"""Where kubectl had an object from: a path of the machine, which says nothing."""

NOT_SENT: Final = re.compile(r"was refused|dial tcp|no such host|connect: |TLS handshake|no such file|\bstat ")
NEVER_BEGAN: Final = frozenset({126, 127})
"""How a shell says that it has no such program, or none that runs."""

UNTRUSTED: Final = "x509:"
NO_KIND: Final = re.compile(r"no matches for kind|doesn't have a resource type")


class Kubectl(ApiServer):
    """The API server of one machine."""

    slowness = 4.0
    late = 5.0

    def __init__(self, relay: Relay, *, words: Sequence[str], kubeconfig: str, context: str = "") -> None:
        """Name the machine by its relay; `words` are what kubectl is called there, `kubeconfig` its path there."""
        super().__init__()
        self.server = f"kubectl on {relay.instance_id}"
        self._relay = relay
        flags = [f"--kubeconfig={kubeconfig}", *([f"--context={context}"] if context else [])]
        self._words = " ".join([*map(quote, (*words, *flags)), '--cache-dir="$k/cache"'])

    def ask(  # noqa: PLR0913 — what a request of HTTP can say
        self,
        asked: Asked,
        method: str,
        path: str,
        *,
        query: Query = (),
        body: object = None,
        content_type: str = JSON,
        effect: Effect | None = None,
    ) -> dict[str, Any]:
        """Send a request and return the object that answers it; one with an effect only to the cluster of its UID.

        Which cluster it is, is asked in the same command, right before.
        """
        seconds = _seconds(asked)
        words = self._kubectl(_words(method, path, query, content_type), seconds)
        given = json.dumps(body).encode() if body is not None else None
        if effect is None:
            return as_object(asked, self._done(asked, words, given, seconds).out, 200)
        place = quote(effect.uid)
        script = (
            f"{self._kubectl(_words('GET', f'/api/v1/namespaces/{SYSTEM}', (), JSON), seconds)}\na={PINNING}\n"
            f'if [ $s -eq 0 ] && grep -qF -e {place} "$d/out"; then\n{words}\na={ASKED}\nfi\n'
        )
        with _relayed(asked):
            said = self._relay.call(script, given, seconds=seconds, intent=effect.intent)
        if said.stage == PINNING:
            pin = Asked(call="kubernetes:pin", subject=f"Namespace/{SYSTEM}")
            found = as_object(pin, _good(pin, said).out, 200)
            assert_same(effect.uid, uid_in(pin, found, self.server), self.server)
            raise failure(pin, "Unreadable", f"{self.server} did not show its UID as it is written")
        return as_object(asked, _good(asked, said).out, 200)

    def look(self, asked: Asked, path: str, name: str) -> dict[str, Any] | None:
        """Return the object at a path, None when the cluster says that there is none of that name."""
        seconds = _seconds(asked)
        words = self._kubectl(_words("GET", path, (), JSON), seconds)
        with _relayed(asked):
            said = self._relay.call(f"{words}\na={ASKED}\n", None, seconds=seconds)
        reason, message, _ = _refusal(said.err)
        if said.status and reason == REASONS[MISSING] and message.endswith(f'"{name}" not found'):
            return None
        return as_object(asked, _good(asked, said).out, 200)

    def text(self, asked: Asked, path: str, *, query: Query, limit: int) -> str:
        """Return the text at a path, at most `limit` bytes of it."""
        seconds = _seconds(asked)
        words = self._kubectl(_words("GET", path, query, JSON), seconds)
        return self._done(asked, words, None, seconds).out[:limit].decode("utf-8", errors="replace")

    def lines(self, asked: Asked, path: str, *, query: Query, seconds: float) -> Iterator[dict[str, Any]]:
        """Yield what a stream says up to its first line, and whatever came with it; none when it said nothing.

        A stream cannot be heard while a command runs: it ends as soon as it has said something.
        """
        listening = max(1, math.ceil(float(dict(query).get("timeoutSeconds", "1"))))
        words = self._kubectl(_words("GET", path, query, JSON), listening + bounded.CONNECT_SECONDS, end=" & p=$!")
        said_something = '[ "$(wc -l < "$d/out")" -gt 0 ]'
        script = (
            f': > "$d/out"\n{words}\nwhile kill -0 $p 2>/dev/null && ! {said_something}; do sleep 0.1; done\n'
            f"kill $p 2>/dev/null\nwait $p; s=$?\n{said_something} && s=0\na={ASKED}\n"
        )
        with _relayed(asked):
            said = self._relay.call(script, None, seconds=min(seconds, listening + self.late))
        for line in _good(asked, said).out.split(b"\n")[:-1]:
            if line.strip():
                yield as_object(asked, line, 200)

    def close(self) -> None:
        """Remove what this process keeps on the machine; what is asked afterwards begins with it anew."""
        with suppress(TargetError):
            self._relay.close()

    def _done(self, asked: Asked, words: str, given: bytes | None, seconds: float) -> Said:
        with _relayed(asked):
            return _good(asked, self._relay.call(f"{words}\na={ASKED}\n", given, seconds=seconds))

    def _kubectl(self, rest: str, seconds: float, end: str = "; s=$?") -> str:
        limit = f"--request-timeout={max(1, math.floor(seconds))}s"
        return f'{self._words} {limit} {rest} > "$d/out" 2> "$d/err"{end}'


def _words(method: str, path: str, query: Query, content_type: str) -> str:
    """Return what kubectl is told of a request: every value of it quoted."""
    if content_type == APPLY:
        said = dict(query)
        flags = ["apply", "--server-side", f"--field-manager={said.get('fieldManager', FIELD_MANAGER)}"]
        flags += ["--force-conflicts"] if said.get("force") == "true" else []
        flags += ["--dry-run=server"] if "dryRun" in said else []
        # The server refuses what it does not know of what is applied; kubectl's own check reads its whole schema.
        flags += ["--validate=ignore", "--show-managed-fields", "-o", "json"]
        return f'{" ".join(map(quote, flags))} -f "$d/in"'
    uri = f"{path}?{urlencode(list(query))}" if query else path
    if method == "GET":
        return f"get --raw {quote(uri)}"
    return f'{VERBS[method]} --raw {quote(uri)} -f "$d/in"'


def _seconds(asked: Asked) -> float:
    """Return how long a command may take.

    Raises:
        TargetError: no longer; nothing was sent.
    """
    seconds = min(SECONDS, bounded.left())
    if seconds <= 0:
        raise failure(asked, "Unreachable", "the time of the call was over before this was sent")
    return seconds


@contextmanager
def _relayed(asked: Asked) -> Iterator[None]:
    """Turn what the way to the machine says into what is said of the cluster."""
    try:
        yield
    except NotAskedError as exc:
        raise failure(asked, "Unreachable", str(exc)) from exc
    except LostError as exc:
        raise failure(asked, "Unanswered" if asked.changes else "Unreachable", str(exc)) from exc
    except CutError as exc:
        raise failure(asked, "Unreadable", str(exc)) from exc
    except ThrottledError as exc:
        raise failure(asked, "TooManyRequests", str(exc)) from exc
    except UnansweredError as exc:
        raise failure(asked, "Unanswered" if asked.changes else "Unreachable", str(exc)) from exc
    except TargetError as exc:
        if exc.code in GONE_BEFORE:
            raise failure(asked, "Unreachable", str(exc)) from exc
        if exc.code == "Timeout":
            raise failure(asked, "Unanswered" if asked.changes else "Unreachable", str(exc)) from exc
        raise


def _good(asked: Asked, said: Said) -> Said:
    """Return what was said when kubectl did what it was asked.

    Raises:
        TargetError: the server refused, or nobody answered.
    """
    if said.status == 0:
        return said
    reason, message, told = _refusal(said.err)
    if told:
        status: Mapping[str, Any] = {"reason": reason, "message": message}
        raise of_status(asked, status, http=STATUS_OF.get(reason, SERVER_FAILED))
    if UNTRUSTED in message:
        raise failure(asked, "UntrustedCertificate", message)
    if NO_KIND.search(message):
        raise failure(asked, "NotFound", message)
    # Only a connection that was never made, and a kubectl that never ran, show that nothing was sent.
    never = said.status in NEVER_BEGAN or NOT_SENT.search(message) is not None
    code = "Unanswered" if asked.changes and not never else "Unreachable"
    raise failure(asked, code, f"kubectl ended with {said.status}: {message}")


def _refusal(err: bytes) -> tuple[str, str, bool]:
    """Return the reason and the message of an error output, and whether it is the server's own word."""
    text = err.decode("utf-8", errors="replace").strip()
    if found := SERVER.search(text):
        return found["reason"] or "", SOURCE.sub("", found["message"]).strip(), True
    if found := INVALID.search(text):
        return "Invalid", found["message"].strip(), True
    if found := STRANGER.search(text):
        return "Unauthorized", (found["message"] or "").strip(), True
    return "", text, False
