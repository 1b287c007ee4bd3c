"""HTTP/1.1 over TLS: connections, keep-alive, bounded bodies, chunked streams. What is answered is not decided here."""

import contextlib
import select
import socket
import ssl
import struct
import sys
import threading
import traceback
import uuid
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import cast
from urllib.parse import parse_qs, urlsplit

from drproof.embedded.kubernetes.errors import ApiError, BadRequest, InternalError, MethodNotAllowed, TooLarge
from drproof.embedded.kubernetes.http import Answer, Request, Reset, Stream, refusal

BODY_MAX = 3 * 1024 * 1024
"""Bytes of a request's body (the API server's own limit)."""
HANDSHAKE_SECONDS = 30.0
IDLE_SECONDS = 300.0
_JOIN_SECONDS = 30.0
_LINE_MAX = 65_536
_DRAIN_MAX = 32 * 1024 * 1024
_DRAIN_SECONDS = 2.0
_UNKNOWN_METHOD = 501
_REASONS = {400: "BadRequest", 414: "RequestURITooLong", 431: "RequestHeaderFieldsTooLarge"}

Handle = Callable[[Request], Answer]


class Server:
    """One listening address and its connections."""

    def __init__(self, address: str, port: int, context: ssl.SSLContext, handle: Handle) -> None:
        self.address = address
        self.port = port
        self.handle = handle
        self._context = context
        self._guard = threading.Lock()
        self._connections: dict[_Connection, threading.Thread] = {}
        self._listener: socket.socket | None = None
        self._acceptor: threading.Thread | None = None

    def start(self) -> None:
        """Listen, on the same port as before when it was started before; OSError where that is taken."""
        family = socket.AF_INET6 if ":" in self.address else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((self.address, self.port))
            listener.listen(128)
        except OSError:
            listener.close()
            raise
        self.port = listener.getsockname()[1]
        self._listener = listener
        self._acceptor = threading.Thread(target=self._accept, args=(listener,), name="kubernetes-api", daemon=True)
        self._acceptor.start()

    def stop(self, *, wait: bool = True) -> None:
        """Close everything: new connections are refused, open ones cut off; `wait` for those who serve them."""
        listener, self._listener = self._listener, None
        if listener is None:
            return
        # Closing alone does not wake a thread that waits in accept.
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        if self._acceptor is not None:
            self._acceptor.join(_JOIN_SECONDS)
        with self._guard:
            held = dict(self._connections)
        for connection in held:
            connection.end()
        for thread in held.values() if wait else ():
            if thread is not threading.current_thread():
                thread.join(_JOIN_SECONDS)

    @property
    def listening(self) -> bool:
        """Whether it takes connections."""
        return self._listener is not None

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                accepted, _ = listener.accept()
            except OSError:
                return
            connection = _Connection(accepted)
            # Handshakes are the connection's own: one that stalls holds up nobody else.
            thread = threading.Thread(target=self._serve, args=(connection,), name="kubernetes-call", daemon=True)
            thread.start()
            with self._guard:
                # Who is done is forgotten by the next one, so that a stop can wait for everyone.
                self._connections = {each: held for each, held in self._connections.items() if held.is_alive()}
                self._connections[connection] = thread

    def _serve(self, connection: "_Connection") -> None:
        try:
            connection.secure(self._context)
            _Exchange(connection, self.handle)
        except (OSError, ValueError, ssl.SSLError):
            # The client went away, or speaks no TLS that is understood here.
            pass
        finally:
            connection.close()


class _Connection:
    """One connection, whose end can come from another thread."""

    def __init__(self, accepted: socket.socket) -> None:
        self.socket: socket.socket = accepted
        self.stream: Stream | None = None
        self.ended = False

    def secure(self, context: ssl.SSLContext) -> None:
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(HANDSHAKE_SECONDS)
        secured = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.socket = secured
        secured.do_handshake()
        secured.settimeout(IDLE_SECONDS)

    def certificate(self) -> dict[str, list[str]]:
        """Return the subject of the client's certificate, {} where it showed none."""
        shown = self.socket.getpeercert() if isinstance(self.socket, ssl.SSLSocket) else None
        found: dict[str, list[str]] = {}
        for part in cast("tuple[tuple[tuple[str, str], ...], ...]", (shown or {}).get("subject", ())):
            for name, value in part:
                found.setdefault(name, []).append(value)
        return found

    def gone(self) -> bool:
        """Whether the client hung up during a stream: a client that only reads sends nothing."""
        if isinstance(self.socket, ssl.SSLSocket) and self.socket.pending():
            return True
        line = select.poll()
        line.register(self.socket, select.POLLIN)
        return bool(line.poll(0))

    def reset(self) -> None:
        """Make the close a reset (RST)."""
        with contextlib.suppress(OSError):
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def end(self) -> None:
        """Wake the thread that serves it."""
        self.ended = True
        if (stream := self.stream) is not None:
            stream.close()
        with contextlib.suppress(OSError):
            # The plain shutdown: the TLS one belongs to the serving thread.
            socket.socket.shutdown(self.socket, socket.SHUT_RDWR)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.socket.close()


class _Exchange(BaseHTTPRequestHandler):
    """The requests of one connection, one after another."""

    protocol_version = "HTTP/1.1"
    wbufsize = 65_536

    def __init__(self, connection: _Connection, handle: Handle) -> None:
        self._line = connection
        self._handle = handle
        subject = connection.certificate()
        self._user = next(iter(subject.get("commonName", [])), "")
        self._groups = tuple(subject.get("organizationName", []))
        super().__init__(connection.socket, ("", 0), None)  # type: ignore[arg-type] # the base uses no server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 — the base's own name
        """Say nothing: the call log is the record."""

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer what is no HTTP request with a Status."""
        del explain
        self.close_connection = True
        error = ApiError(code, _REASONS.get(code, ""), message or "malformed request")
        self._send(refusal(MethodNotAllowed() if code == _UNKNOWN_METHOD else error))

    def _answer(self) -> None:
        try:
            request = self._request()
        except ApiError as error:
            self.close_connection = True
            self._send(refusal(error))
            return
        try:
            answer = self._handle(request)
        except ApiError as error:
            answer = refusal(error)
        except Reset:
            self._line.reset()
            self.close_connection = True
            return
        except Exception as defect:  # noqa: BLE001 — a defect of ours is an answer too, never a silent connection
            traceback.print_exc(file=sys.stderr)
            answer = refusal(InternalError(f"{type(defect).__name__}: {defect}"))
        self._send(answer)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = _answer  # noqa: N815 — the base's names

    def _request(self) -> Request:
        try:
            parts = urlsplit(self.path)
            query = parse_qs(parts.query, keep_blank_values=True, max_num_fields=200)
        except ValueError as defect:
            raise BadRequest(str(defect)) from None
        headers = {name.lower(): value for name, value in self.headers.items()}
        return Request(self.command, parts.path, query, headers, self._body(headers), self._user, self._groups)

    def _body(self, headers: dict[str, str]) -> bytes:
        if "chunked" in headers.get("transfer-encoding", "").lower():
            return self._chunked_body()
        length = headers.get("content-length", "0")
        if not length.isascii() or not length.isdigit():
            raise BadRequest("malformed Content-Length")
        if int(length[:20]) > BODY_MAX:
            self._drain(min(int(length[:20]), _DRAIN_MAX))
            raise TooLarge(BODY_MAX)
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise BadRequest("unexpected EOF")
        return body

    def _drain(self, length: int) -> None:
        """Read on for a while: a client that still sends would not read the refusal."""
        self._line.socket.settimeout(_DRAIN_SECONDS)
        with contextlib.suppress(OSError):
            while length > 0 and (part := self.rfile.read(min(length, 65_536))):
                length -= len(part)

    def _chunked_body(self) -> bytes:
        parts: list[bytes] = []
        size = 0
        while True:
            try:
                length = int(self.rfile.readline(_LINE_MAX).partition(b";")[0].strip(), 16)
            except ValueError:
                raise BadRequest("malformed chunked encoding") from None
            if length == 0:
                break
            size += length
            if length < 0 or size > BODY_MAX:
                raise TooLarge(BODY_MAX)
            parts.append(self.rfile.read(length))
            self.rfile.readline(_LINE_MAX)
        while self.rfile.readline(_LINE_MAX).strip():
            pass
        return b"".join(parts)

    def _send(self, answer: Answer) -> None:
        if not hasattr(self, "_headers_buffer"):
            self._headers_buffer: list[bytes] = []
        # What was no request has no version: it is answered in ours.
        self.request_version = self.protocol_version
        self.send_response(answer.status)
        self.send_header("Audit-Id", str(uuid.uuid4()))
        self.send_header("Cache-Control", "no-cache, private")
        self.send_header("Content-Type", answer.content_type)
        for warning in answer.warnings:
            printable = "".join(each if " " <= each <= "~" else "?" for each in warning)
            said = printable.replace("\\", "\\\\").replace('"', '\\"')
            self.send_header("Warning", f'299 - "{said}"')
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        if answer.stream is not None:
            self._send_stream(answer.stream)
            return
        body = answer.body()
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if getattr(self, "command", "") != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    def _send_stream(self, stream: Stream) -> None:
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.flush()
        self._line.stream = stream
        try:
            if self._line.ended:
                stream.close()
            for part in stream:
                if self._line.gone() or self._line.ended:
                    self.close_connection = True
                    return
                if part:
                    self.wfile.write(b"%x\r\n%b\r\n" % (len(part), part))
                    self.wfile.flush()
            if self._line.ended:
                # An ended server cuts its streams off: only a stream that ended itself has a last chunk.
                self.close_connection = True
                return
            self.wfile.write(b"0\r\n\r\n")
            self.wfile.flush()
        finally:
            self._line.stream = None
            stream.close()
