"""Connections on which nothing lasts longer than its call may, and no answer is larger than one may be.

The client's own timeout is of one wait for bytes: a server that drips them would be listened to for ever.
"""

import io
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from http.client import HTTPResponse
from typing import TYPE_CHECKING, Any, Final, Literal

import urllib3
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util.connection import create_connection

CONNECT_SECONDS = 5.0
LARGEST: Final = 64 << 20
"""How many bytes an answer may have, with all that belongs to it."""

PIECE: Final = 1 << 16
LEAST_SECONDS: Final = 0.001
"""What a socket is given at least: to wait for nothing at all means something else to it."""

_ends: ContextVar[float] = ContextVar("drproof_call_ends", default=float("inf"))


class TooLargeError(Exception):
    """An answer is larger than one may be."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Let everything inside end `seconds` from now, or when what is around it must, whichever comes first."""
    before = _ends.set(min(_ends.get(), time.monotonic() + seconds))
    try:
        yield
    finally:
        _ends.reset(before)


def left() -> float:
    """Return the seconds that are left to the call; not more than zero when its time is over."""
    return _ends.get() - time.monotonic()


def _patience(ends: float) -> float:
    """Return how long a socket may wait.

    Raises:
        TimeoutError: no longer.
    """
    seconds = ends - time.monotonic()
    if seconds <= 0:
        msg = "the time of the call is over"
        raise TimeoutError(msg)
    return seconds


class _Arriving(io.RawIOBase):
    """The bytes of one answer, until its call's time is over."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._bytes = sock.makefile("rb", buffering=0)
        self._ends = _ends.get()
        self._count = 0

    def makefile(self, mode: Literal["rb"]) -> io.BufferedReader:  # noqa: ARG002 — as a socket has it
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:  # noqa: ANN401 — any buffer that can be written
        self._sock.settimeout(_patience(self._ends))
        count = self._bytes.readinto(buffer)
        self._count += count or 0
        if self._count > LARGEST:
            msg = f"an answer has at most {LARGEST >> 20} MiB, and this one does not end there"
            raise TooLargeError(msg)
        return count

    def close(self) -> None:
        self._bytes.close()
        super().close()


class _Answer(HTTPResponse):
    """An answer whose head and body arrive in time or not at all."""

    def __init__(self, sock: socket.socket, *arguments: Any, **named: Any) -> None:  # noqa: ANN401 — as it is called
        arriving: Any = _Arriving(sock)
        super().__init__(arriving, *arguments, **named)


if TYPE_CHECKING:
    _Connection = HTTPConnection
else:
    _Connection = object


class _Bounded(_Connection):
    """What both kinds of connection do in time: find the server, reach it, tell it, hear it."""

    response_class = _Answer

    def _new_conn(self) -> socket.socket:
        """Return a socket on which the handshake too has no more time than the call."""
        ends = time.monotonic() + min(left(), CONNECT_SECONDS)
        failed: Exception | None = None
        for address in self._addresses(ends):
            try:
                seconds = _patience(ends)
                connected = create_connection((address, self.port), seconds, socket_options=self.socket_options)
                # The handshake that may follow is one wait.
                connected.settimeout(max(min(CONNECT_SECONDS, left()), LEAST_SECONDS))
            except TimeoutError:
                msg = f"{self.host}:{self.port} took no connection within {CONNECT_SECONDS:g} s"
                raise ConnectTimeoutError(self, msg) from failed
            except OSError as exc:
                failed = exc
            else:
                return connected
        raise NewConnectionError(self, f"Failed to establish a new connection: {failed}") from failed

    def _addresses(self, ends: float) -> tuple[str, ...]:
        """Return the addresses of the server; a resolver that hangs is left behind."""
        heard: list[tuple[str, ...] | OSError | UnicodeError] = []

        def ask() -> None:
            try:
                found = socket.getaddrinfo(self._dns_host, self.port, type=socket.SOCK_STREAM)
                heard.append(tuple(dict.fromkeys(str(each[4][0]) for each in found)))
            except (OSError, UnicodeError) as exc:
                heard.append(exc)

        asking = threading.Thread(target=ask, daemon=True)
        asking.start()
        asking.join(max(0.0, ends - time.monotonic()))
        if not heard:
            raise ConnectTimeoutError(self, f"no resolver gave the address of {self.host} in time")
        if isinstance(answer := heard[0], (OSError, UnicodeError)):
            unknown = answer if isinstance(answer, socket.gaierror) else socket.gaierror(str(answer))
            raise NameResolutionError(self.host, self, unknown) from answer
        return answer

    def send(self, data: Any) -> None:  # noqa: ANN401 — whatever the client sends
        """Send bytes; a server that takes them slowly has no more time either."""
        if self.sock is None:
            self.connect()
        ends, rest = _ends.get(), memoryview(data)
        while rest:
            self.sock.settimeout(_patience(ends))
            rest = rest[self.sock.send(rest[:PIECE]) :]

    def getresponse(self) -> urllib3.HTTPResponse:  # type: ignore[override]  # the client's own, as there
        """Return the answer as it was sent: nobody asked for a compressed one, which has no size before it is read."""
        answer = super().getresponse()
        answer.decode_content = False
        return answer


class _Plain(_Bounded, HTTPConnection):
    """A bounded connection without TLS."""


class _Secured(_Bounded, HTTPSConnection):
    """A bounded connection with TLS."""


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecuredPool(HTTPSConnectionPool):
    ConnectionCls = _Secured


POOLS: Final = {"http": _PlainPool, "https": _SecuredPool}
"""The kinds of pool, as a pool manager keeps them by scheme."""
