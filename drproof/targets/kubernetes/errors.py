"""What a cluster says when it refuses or fails, in the model's words."""

import json
import re
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from kubernetes.client.exceptions import ApiException
from urllib3 import exceptions as wire

from drproof.model.errors import (
    AlreadyExistsError,
    NotFoundError,
    TargetError,
    ThrottledError,
    UnansweredError,
)
from drproof.targets.kubernetes import bounded

LONGEST_MESSAGE = 400
HIDDEN: Final = "«hidden»"
SHORTEST_HIDDEN = 4
"""A shorter value occurs by chance."""

MISSING = 404
SERVER_FAILED = 500
"""From this status on an answer of HTTP says that the server failed, wherever it was by then."""

REASONS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    409: "Conflict",
    410: "Expired",
    413: "RequestEntityTooLarge",
    415: "UnsupportedMediaType",
    422: "Invalid",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "ServerTimeout",
}
"""What an answer without a reason of its own means."""

NEXT = {
    "Unauthorized": "the kubeconfig's credentials are not taken (any more): give a fresh kubeconfig",
    "Forbidden": "allow the call to the kubeconfig's user: kubectl auth can-i VERB KIND",
    "Unreachable": "check that the API server answers this machine: kubectl --kubeconfig FILE version",
    "UntrustedCertificate": "the kubeconfig's certificate authority and server name must be the API server's own",
    "Expired": "run the same command again: it begins with what is there now",
}

UNDECLARED = "field not declared in schema"
"""How a server-side apply refuses a field that the server does not know: as a failure of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One call: what is done, to what, and whether it changes anything."""

    call: str
    subject: str = ""
    changes: bool = False
    hidden: tuple[str, ...] = field(default=(), repr=False)
    """Values of the call that no message may repeat."""


def failure(asked: Asked, code: str, message: str, *, status: int = 0) -> TargetError:
    """Return the error of a call: what was asked, of what, and what the cluster said.

    `status` is that of the answer, 0 when none came.
    """
    return _family(asked, code, status)(described(asked, code, message), code=code, call=asked.call)


def described(asked: Asked, code: str, message: str) -> str:
    """Return the message of an error: one short line, and the next command where one helps."""
    said = _short(message, asked.hidden)
    line = f"{f'{asked.call} {asked.subject}'.strip()}: {code}{f': {said}' if said else ''}"
    return f"{line}\n  next: {NEXT[code]}" if code in NEXT else line


def of_status(asked: Asked, status: Mapping[str, Any], *, http: int = 0) -> TargetError:
    """Return the error that a `Status` object of the API stands for."""
    http = http or _number(status.get("code"))
    reason, message = str(status.get("reason") or ""), str(status.get("message") or "")
    if http == SERVER_FAILED and UNDECLARED in message:
        # Nothing failed: the apply was understood and refused.
        return failure(asked, "Invalid", message, status=422)
    if reason in {"Gone", "ResourceExpired"}:
        reason = "Expired"
    if reason == "Unknown":
        reason = ""
    return failure(asked, reason or REASONS.get(http, f"Status{http}"), message, status=http)


@contextmanager
def translated(asked: Asked) -> Iterator[None]:
    """Turn what the client raises inside into the model's errors."""
    try:
        yield
    except ApiException as exc:
        # Its own text carries headers and the whole body: it must be no part of a trace.
        raise _of_answer(asked, exc) from None
    except (bounded.TooLargeError, MemoryError, OverflowError) as exc:
        # The last two are of an answer that says how large it will be, and is believed.
        raise failure(asked, "Unreadable", f"{type(exc).__name__}: {exc}") from exc
    except wire.HTTPError as exc:
        raise _of_wire(asked, exc) from exc
    except (ssl.SSLError, OSError) as exc:
        raise failure(asked, *_transport(asked, exc)) from exc
    except ValueError as exc:
        # The client refuses an object by its own models, before anything is sent.
        raise failure(asked, "Invalid", f"{type(exc).__name__}: {exc}", status=422) from None


def speaks_of(exc: ApiException, name: str) -> bool:
    """Return whether a 404 speaks of the object itself, and not of a path that the server does not serve."""
    document = _body(exc)
    details = document.get("details") if isinstance(document, dict) else None
    return exc.status == MISSING and isinstance(details, dict) and details.get("name") == name


def _family(asked: Asked, code: str, status: int) -> type[TargetError]:
    if code == "AlreadyExists":
        return AlreadyExistsError
    if code == "TooManyRequests":
        return ThrottledError
    if code == "NotFound":
        return NotFoundError
    lost = status >= SERVER_FAILED or code in {"Unanswered", "Unreadable"}
    return UnansweredError if lost and asked.changes else TargetError


def _of_answer(asked: Asked, exc: ApiException) -> TargetError:
    status = int(exc.status or 0)
    if status == 0:
        # The client hides a failed handshake in an answer that nobody gave.
        kind, _, text = str(exc.reason or "").partition("\n")
        code = "UntrustedCertificate" if "SSL" in kind or "certificate" in text.lower() else "Unreadable"
        return failure(asked, code, _plain(text or kind))
    document = _body(exc)
    if isinstance(document, dict) and document.get("kind") == "Status":
        return of_status(asked, document, http=status)
    return failure(asked, REASONS.get(status, f"Status{status}"), str(exc.reason or ""), status=status)


def _body(exc: ApiException) -> object:
    try:
        return json.loads(exc.body or "")
    except ValueError:
        return None


def _of_wire(asked: Asked, exc: wire.HTTPError) -> TargetError:
    return failure(asked, *_transport(asked, exc))


def _transport(asked: Asked, exc: Exception) -> tuple[str, str]:
    """Return the code and the text of a failure on the way to the server or back."""
    reason = exc.reason if isinstance(exc, wire.MaxRetryError) and exc.reason is not None else exc
    said = f"{type(reason).__name__}: {_plain(str(reason))}"
    if isinstance(reason, (wire.SSLError, ssl.SSLError)):
        return "UntrustedCertificate", said
    if isinstance(reason, (wire.NewConnectionError, wire.ConnectTimeoutError, ConnectionRefusedError)):
        # Nothing was sent: it certainly did not happen.
        return "Unreachable", said
    return ("Unanswered" if asked.changes else "Unreachable"), said


_OBJECT = re.compile(r"<[\w.]+ object at 0x[0-9a-f]+>(?:: )?|\w+\(host=[^)]*\): ")


def _plain(text: str) -> str:
    """Return a transport's words without the names of our own objects."""
    return _OBJECT.sub("", text).strip()


def _short(message: str, hidden: tuple[str, ...]) -> str:
    for value in sorted(hidden, key=len, reverse=True):
        if len(value) >= SHORTEST_HIDDEN:
            message = message.replace(value, HIDDEN)
    line = " ".join(message.split())
    if len(line) <= LONGEST_MESSAGE:
        return line
    # What is wrong stands at the end, after the whole of what was sent.
    return f"{line[: LONGEST_MESSAGE // 2]} … {line[-LONGEST_MESSAGE // 2 :]}"


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
