"""What faults do to a connection: it waits, it is cut off, or less or other bytes come out of it than went in."""

import base64
import contextlib
import hashlib
import os
import select
import socket
import struct
import time
from collections.abc import Callable, Iterable, Iterator

from drproof.embedded.asked import Environ
from drproof.embedded.faults.rules import Rule

CHECKSUM = "x-amz-checksum-"
SOCKET = "werkzeug.socket"
Headers = list[tuple[str, str]]
_POLL_SECONDS = 0.05


def wait(environ: Environ, seconds: float, over: Callable[[], bool]) -> None:
    """Wait; less when the caller hangs up or the world ends."""
    deadline = time.monotonic() + seconds
    line = select.poll()
    line.register(environ[SOCKET], select.POLLRDHUP if hasattr(select, "POLLRDHUP") else select.POLLHUP)
    while (left := deadline - time.monotonic()) > 0 and not over():
        if line.poll(1000 * min(left, _POLL_SECONDS)):
            return


def reset(environ: Environ) -> ConnectionResetError:
    """Cut a connection off with a reset (RST), and return what ends its handling."""
    connection: socket.socket = environ[SOCKET]
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    # Its files hold the connection open, and a shutdown of theirs would end it politely.
    descriptor = connection.detach()
    if descriptor >= 0:
        os.close(descriptor)
    return ConnectionResetError("a fault of the world")


def spoiled(rule: Rule, environ: Environ, headers: Headers, body: Iterable[bytes]) -> tuple[Headers, Iterable[bytes]]:
    """Return an answer as the rule lets it arrive; one without a body has nothing to spoil."""
    data = _whole(body)
    if not data:
        return headers, [data]
    cut = data[: len(data) // 2]
    match rule.kind:
        case "reset-mid-body":
            return _with_length(headers, data), _broken(cut, environ, politely=False)
        case "truncated":
            return _with_length(headers, data), _broken(cut, environ, politely=True)
        case "truncated-consistent":
            return _with_length(_bare(headers), cut), [cut]
    middle = len(data) // 2
    wrong = data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]
    headers = _bare(headers)
    if rule.checked:
        right = base64.b64encode(hashlib.sha256(data).digest()).decode()
        headers = [*headers, (f"{CHECKSUM}sha256", right)]
    return _with_length(headers, wrong), [wrong]


def _broken(data: bytes, environ: Environ, *, politely: bool) -> Iterator[bytes]:
    yield data
    if politely:
        raise ConnectionAbortedError
    raise reset(environ)


def _whole(body: Iterable[bytes]) -> bytes:
    try:
        return b"".join(body)
    finally:
        closed(body)


def closed(body: Iterable[bytes]) -> None:
    """Let go of a body that nobody reads."""
    close = getattr(body, "close", None)
    if close is not None:
        close()


def _bare(headers: Headers) -> Headers:
    """Return the head without what would give other bytes away."""
    return [(name, value) for name, value in headers if not name.lower().startswith((CHECKSUM, "content-md5"))]


def _with_length(headers: Headers, data: bytes) -> Headers:
    kept = [(name, value) for name, value in headers if name.lower() not in {"content-length", "transfer-encoding"}]
    return [*kept, ("Content-Length", str(len(data)))]
