"""What a cluster says when it refuses or fails, in the model's words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from drproof.model.errors import (
    AlreadyExistsError,
    NotFoundError,
    TargetError,
    ThrottledError,
    UnansweredError,
)

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


def _family(asked: Asked, code: str, status: int) -> type[TargetError]:
    if code == "AlreadyExists":
        return AlreadyExistsError
    if code == "TooManyRequests":
        return ThrottledError
    if code == "NotFound":
        return NotFoundError
    lost = status >= SERVER_FAILED or code in {"Unanswered", "Unreadable"}
    return UnansweredError if lost and asked.changes else TargetError


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
