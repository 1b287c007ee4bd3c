"""Servers that drip: they say something again and again, and never all of it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from tests.targets.kubernetes.conftest import Answering

ALL = "/api/v1/namespaces/dr/configmaps"
ONE = f"{ALL}/state"
LOG = "/api/v1/namespaces/dr/pods/p/log"
PIN = "/api/v1/namespaces/kube-system"
SECONDS = 0.4
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def manifest(**data: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "state", "namespace": "dr", "resourceVersion": "1"},
        "data": data,
    }


def dripping(head: bytes, drop: bytes) -> Callable[[Answering], None]:
    """Say `head` at once, then `drop` again and again, for longer than anybody waits."""

    def say(answering: Answering) -> None:
        answering.close_connection = True
        with suppress(OSError):
            answering.wfile.write(head)
            for _ in range(300):
                answering.wfile.write(drop)
                time.sleep(0.02)

    return say


DRIPS = {
    "nothing": dripping(b"", b""),
    "its status": dripping(b"HTTP/1.1 200 ", b"O"),
    "a header": dripping(HEAD + b"X-Long: ", b"a"),
    "headers": dripping(HEAD, b"X: y\r\n"),
    "leave to go on": dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "a body": dripping(HEAD + b"Content-Length: 5000\r\n\r\n", b" "),
    "a body without a length": dripping(HEAD + b"\r\n", b" "),
    "chunks": dripping(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n\n\r\n"),
    "the length of a chunk": dripping(HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;", b"x"),
    "trailers": dripping(HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n", b"x: y\r\n"),
    "a refusal": dripping(b"HTTP/1.1 503 Busy\r\nContent-Length: 5000\r\n\r\n", b" "),
}


@contextmanager
def in_time(seconds: float = SECONDS, *, grace: float = 3.0) -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds + grace
