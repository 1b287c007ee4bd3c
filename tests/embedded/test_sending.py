"""How the world sends an answer: whole, and what a caller waits for before its body is there."""

import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from drproof.embedded.server import Application, bind

REQUEST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n"


@pytest.fixture
def line() -> Iterator[socket.socket]:
    """A connection on which what is sent at once arrives as one message, to a server that says back what it was sent."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.settimeout(30)
    server = bind(Application())

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        body = environ["wsgi.input"].read(4)
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]

    server.app = app
    serving = threading.Thread(target=server.finish_request, args=(theirs, ("127.0.0.1", 1)))
    serving.start()
    yield ours
    ours.close()
    serving.join()
    theirs.close()
    server.server_close()


def test_the_head_and_the_body_of_an_answer_leave_at_once(line: socket.socket) -> None:
    line.sendall(REQUEST + b"\r\nbody")

    answer = line.recv(1 << 16)

    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"\r\n\r\nbody")


def test_who_waits_to_be_told_to_go_on_is_told_before_it_sends_its_body(line: socket.socket) -> None:
    line.sendall(REQUEST + b"Expect: 100-continue\r\n\r\n")

    assert line.recv(1 << 16).startswith(b"HTTP/1.1 100 Continue\r\n\r\n")

    line.sendall(b"body")
    assert line.recv(1 << 16).endswith(b"\r\n\r\nbody")
