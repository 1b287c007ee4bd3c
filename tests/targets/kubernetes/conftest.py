"""An API server that says whatever a test tells it to, and a cluster opened on it."""

import http.server
import ipaddress
import json
import secrets
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from drproof.embedded.kubernetes.calls import Call
from drproof.embedded.kubernetes.cluster import Cluster
from drproof.embedded.kubernetes.nodes import Node
from drproof.embedded.kubernetes.registry import Program, Registry
from drproof.formats.kubeconfig import Kubeconfig
from drproof.targets.kubernetes.client import Wire
from drproof.targets.kubernetes.cluster import KubernetesCluster

UID = "11111111-2222-3333-4444-555555555555"
CORE = [("pods", "Pod"), ("secrets", "Secret"), ("configmaps", "ConfigMap")]


def status_document(code: int, reason: str, message: str, **details: Any) -> dict[str, Any]:
    """What the API answers when it refuses."""
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        "details": details,
        "code": code,
    }


class Answering(http.server.BaseHTTPRequestHandler):
    """Answers what the server was told: a status with JSON, or whatever a callable does with the connection."""

    protocol_version = "HTTP/1.1"
    server: "Scripted"

    def do(self) -> None:
        """Answer one request."""
        length = int(self.headers.get("Content-Length") or 0)
        path, _, query = self.path.partition("?")
        body = b"" if (self.command, path) in self.server.deaf else self.rfile.read(length)
        self.server.asked.append((self.command, path, query))
        self.server.bodies.append(json.loads(body) if body else None)
        self.server.headers.append({name.lower(): value for name, value in self.headers.items()})
        if isinstance(self.connection, ssl.SSLSocket):
            shown = self.connection.getpeercert() or {}
            self.server.callers.append(str(shown.get("subject", "")))
        answer = self.server.answers.get((self.command, path))
        if callable(answer):
            answer(self)
        elif answer is not None:
            self.say(*answer)
        else:
            self.say(404, status_document(404, "NotFound", "the server could not find the requested resource"))

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do

    def say(self, code: int, document: object, **headers: str) -> None:
        """Send a whole answer."""
        data = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def stream(self, *lines: object) -> None:
        """Send lines in chunks and end the stream."""
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for line in lines:
            data = json.dumps(line).encode() + b"\n"
            self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.write(b"0\r\n\r\n")

    def reset(self) -> None:
        """Break the connection without an answer."""
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


Answer = tuple[int, object] | Callable[[Answering], None]


class Scripted(http.server.ThreadingHTTPServer):
    """A server on loopback with its answers by method and path; `asked` has every request.

    The bodies of requests that are `deaf` it never takes.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, address: str = "127.0.0.1") -> None:
        super().__init__((address, 0), Answering)
        self.asked: list[tuple[str, str, str]] = []
        self.bodies: list[Any] = []
        self.headers: list[dict[str, str]] = []
        self.callers: list[str] = []
        self.deaf: set[tuple[str, str]] = set()
        self.connections = 0
        self.over = threading.Event()
        """Set when nobody is waited for any more: what hangs or drips goes on until then."""
        self.answers: dict[tuple[str, str], Answer] = {
            ("GET", "/api/v1/namespaces/kube-system"): (200, {"metadata": {"uid": UID}}),
            ("GET", "/version"): (200, {"gitVersion": "v1.31.5+k3s1"}),
            ("GET", "/api/v1"): (
                200,
                {"resources": [{"name": name, "kind": kind, "namespaced": True} for name, kind in CORE]},
            ),
        }

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.server_port}"

    def process_request(self, request: Any, client_address: Any) -> None:
        """Count a connection, and answer it."""
        self.connections += 1
        super().process_request(request, client_address)

    def handle_error(self, *_: Any) -> None:
        """Say nothing of connections that tests break."""


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    """A server that answers as a healthy cluster until it is told otherwise."""
    with Scripted() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield server
        server.over.set()
        server.shutdown()
        thread.join()


def config_of(server: str, **changes: Any) -> Kubeconfig:
    """A kubeconfig that is not read from a file."""
    return Kubeconfig(context="test", server=server, user="me", **{"token": secrets.token_hex(16), **changes})


@pytest.fixture
def cluster(scripted: Scripted) -> Iterator[KubernetesCluster]:
    """The cluster of the scripted server, opened; what was asked for that is forgotten."""
    opened = KubernetesCluster.opened(Wire(config_of(scripted.url)), context="test")
    scripted.asked.clear()
    yield opened
    opened.close()


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate and its key, both in PEM."""

    certificate: bytes
    key: bytes


class Authority:
    """A certificate authority of one test run."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test-ca")])
        self._certificate = self._signed(self._name, self._key.public_key(), ca=True)
        self.pem = self._certificate.public_bytes(Encoding.PEM)

    def issue(self, name: str, *addresses: str) -> Issued:
        """Return a certificate that speaks for addresses, or for a user called `name`."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        names = [x509.IPAddress(ipaddress.ip_address(address)) for address in addresses]
        certificate = self._signed(subject, key.public_key(), names=names)
        private = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        return Issued(certificate.public_bytes(Encoding.PEM), private)

    def _signed(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePublicKey,
        *,
        names: Sequence[x509.GeneralName] = (),
        ca: bool = False,
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=5))
            .not_valid_after(now + timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(self._key, hashes.SHA256())


@pytest.fixture(scope="session")
def authority() -> Authority:
    """The authority that both sides trust."""
    return Authority()


@pytest.fixture
def secured(authority: Authority, tmp_path: Path) -> Iterator[Scripted]:
    """A server with TLS on 127.0.0.5, whose certificate speaks for 127.0.0.1, and which knows clients by theirs."""
    issued = authority.issue("api", "127.0.0.1")
    pair = tmp_path / "server.pem"
    pair.write_bytes(issued.certificate + issued.key)
    trust = tmp_path / "ca.pem"
    trust.write_bytes(authority.pem)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(trust))
    context.load_cert_chain(pair)
    context.verify_mode = ssl.CERT_OPTIONAL
    with Scripted("127.0.0.5") as server:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield server
        server.over.set()
        server.shutdown()
        thread.join()


IMAGE = "registry.test/tools/sh:1"
"""An image whose containers run what they are told on this machine."""


class Calls:
    """What was asked of the embedded cluster by us."""

    def __init__(self) -> None:
        self._calls: list[Call] = []

    def note(self, call: Call) -> None:
        """Take in one call."""
        self._calls.append(call)

    def clear(self) -> None:
        """Forget them."""
        self._calls.clear()

    def all(self) -> list[Call]:
        """Every call, oldest first."""
        return list(self._calls)

    def of(self, verb: str) -> list[Call]:
        """The calls of a verb."""
        return [call for call in self._calls if call.verb == verb]

    def changes(self) -> list[Call]:
        """The calls that are no questions."""
        return [call for call in self._calls if call.verb not in {"", "get", "list", "watch"}]


@pytest.fixture(scope="package")
def noted() -> Calls:
    """Every call of the embedded cluster."""
    return Calls()


@pytest.fixture
def calls(noted: Calls) -> Calls:
    """The calls of the embedded cluster from now on."""
    noted.clear()
    return noted


@pytest.fixture(scope="package")
def registry() -> Registry:
    """What the nodes of the embedded cluster can pull."""
    registry = Registry()
    registry.push("registry.test", "tools/sh", digest=f"sha256:{'ab' * 32}", tags=("1",), program=Program())
    return registry


@pytest.fixture(scope="package")
def embedded(tmp_path_factory: pytest.TempPathFactory, registry: Registry, noted: Calls) -> Iterator[Cluster]:
    """An embedded cluster with one node, which can pull IMAGE."""
    folder = tmp_path_factory.mktemp("cluster")
    cluster = Cluster(folder, nodes=(Node("n1"),), registry=registry, on_call=noted.note)
    cluster.start()
    yield cluster
    cluster.stop()
