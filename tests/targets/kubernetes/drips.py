"""Servers that drip: they say something again and again, and never all of it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from drproof.model.errors import TargetError
from tests.patience import PATIENCE
from tests.targets.kubernetes.conftest import Answering, Scripted

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
    """Say `head` at once, then `drop` again and again, for as long as the test lasts."""

    def say(answering: Answering) -> None:
        answering.close_connection = True
        with suppress(OSError):
            answering.wfile.write(head)
            while not answering.server.over.wait(0.02):
                answering.wfile.write(drop)

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


def hanging(answering: Answering) -> None:
    """Say nothing for as long as the test lasts."""
    answering.close_connection = True
    answering.server.over.wait()


@contextmanager
def in_time() -> Iterator[None]:
    """Whatever is in it ends by itself, although its server goes on."""
    began = time.monotonic()
    yield
    assert time.monotonic() - began < PATIENCE


def ends(server: Scripted, place: tuple[str, str], act: Callable[[float], object], *, query: str = "") -> TargetError:
    """Return the error with which an act ends at a place of the server that drips.

    It is given little time, so that it ends soon, and more where this machine took too long to get to that place.
    """
    for seconds in (SECONDS, 10 * SECONDS, 100 * SECONDS):
        server.asked.clear()
        with in_time(), pytest.raises(TargetError) as caught:
            act(seconds)
        if any((method, path) == place and query in said for method, path, said in server.asked):
            return caught.value
    pytest.fail(f"it never got to {place}; the last it said is {caught.value}")
