"""A time-stamping authority on loopback: real tokens over HTTP, and every false one that a test asks for."""

import hashlib
import http.server
import ipaddress
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from asn1crypto import algos, cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID as Usage
from cryptography.x509.oid import NameOID

POLICY = "1.2.3.4.1"
REPLY = "application/timestamp-reply"
DAY = timedelta(days=1)


def now() -> datetime:
    """Return this second."""
    return datetime.now(UTC).replace(microsecond=0)


class Root:
    """A certificate authority, and the certificates of time-stampers under it."""

    def __init__(self, name: str = "Time of the tests") -> None:
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.key = ec.generate_private_key(ec.SECP256R1())
        started = now() - 3650 * DAY
        self.certificate = (
            self._builder(self.name, self.key, started, started + 7300 * DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self.key, SHA256())
        )

    def _builder(self, name: x509.Name, key: Any, since: datetime, until: datetime) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(since)
            .not_valid_after(until)
        )

    @property
    def pem(self) -> str:
        """The certificate as a trust file has it."""
        return self.certificate.public_bytes(Encoding.PEM).decode()

    def server(self, folder: Path) -> ssl.SSLContext:
        """Return what a server on loopback speaks TLS with."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        builder = self._builder(x509.Name([]), key, now() - DAY, now() + DAY).add_extension(names, critical=True)
        certificate = builder.sign(self.key, SHA256()).public_bytes(Encoding.PEM)
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (folder / "server.pem").write_bytes(certificate + private)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "server.pem")
        return context

    def stamper(
        self,
        usages: tuple[x509.ObjectIdentifier, ...] = (Usage.TIME_STAMPING,),
        *,
        critical: bool = True,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> "Stamper":
        """Return somebody who signs tokens, with a certificate for `usages`; valid from yesterday to tomorrow."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Stamper of the tests")])
        builder = self._builder(subject, key, since or now() - DAY, until or now() + DAY)
        if usages:
            builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=critical)
        return Stamper(self, key, builder.sign(self.key, SHA256()))


@dataclass
class Stamper:
    """Signs tokens; what it states can be false, its signature is always its own."""

    root: Root
    key: Any
    certificate: x509.Certificate

    def answer(
        self,
        request: bytes,
        *,
        status: str = "granted",
        imprint: bytes | None = None,
        algorithm: str = "sha256",
        nonce: int | None = -1,
        gen_time: datetime | None = None,
        accuracy: dict[str, int] | None = None,
        with_root: bool = False,
        unordered: bool = False,
        content_type: str = "tst_info",
        signed_digest: bytes | None = None,
        signers: int = 1,
    ) -> bytes:
        """Return the answer to a request, as DER."""
        asked = tsp.TimeStampReq.load(request)
        info = tsp.PKIStatusInfo({"status": status})
        if status not in {"granted", "granted_with_mods"}:
            info["status_string"] = ["the authority does not want to"]
            return core.SequenceOf([info], spec=tsp.PKIStatusInfo).dump()
        wanted = asked["message_imprint"]["hashed_message"].native
        fields = {
            "version": "v1",
            "policy": POLICY,
            "message_imprint": {
                "hash_algorithm": algos.DigestAlgorithm({"algorithm": algorithm}),
                "hashed_message": wanted if imprint is None else imprint,
            },
            "serial_number": 7,
            "gen_time": core.GeneralizedTime(gen_time or now()),
        }
        if accuracy is not None:
            fields["accuracy"] = accuracy
        if nonce == -1:
            nonce = asked["nonce"].native
        if nonce is not None:
            fields["nonce"] = nonce
        token = self._token(
            tsp.TSTInfo(fields).dump(), content_type, signed_digest, signers, with_root=with_root, unordered=unordered
        )
        return tsp.TimeStampResp({"status": info, "time_stamp_token": token}).dump()

    def _token(
        self, content: bytes, kind: str, digest: bytes | None, signers: int, *, with_root: bool, unordered: bool
    ) -> cms.ContentInfo:
        der = self.certificate.public_bytes(Encoding.DER)
        mine = asn1_x509.Certificate.load(der)
        essential = tsp.ESSCertIDv2({"cert_hash": hashlib.sha256(der).digest()})
        attributes = cms.CMSAttributes(
            [
                {"type": "content_type", "values": [kind]},
                {"type": "message_digest", "values": [digest or hashlib.sha256(content).digest()]},
                {"type": "signing_certificate_v2", "values": [tsp.SigningCertificateV2({"certs": [essential]})]},
            ]
        )
        attributes = cms.CMSAttributes.load(attributes.dump(force=True))
        signer = cms.SignerInfo(
            {
                "version": "v1",
                "sid": cms.SignerIdentifier(
                    "issuer_and_serial_number", {"issuer": mine.issuer, "serial_number": mine.serial_number}
                ),
                "digest_algorithm": {"algorithm": "sha256"},
                "signed_attrs": attributes,
                "signature_algorithm": {"algorithm": "sha256_ecdsa"},
                "signature": self.key.sign(attributes.untag().dump(), ec.ECDSA(SHA256())),
            }
        )
        certificates = [der, *([self.root.certificate.public_bytes(Encoding.DER)] if with_root else [])]
        certificates.sort(reverse=unordered)
        signed = cms.SignedData(
            {
                "version": "v3",
                "digest_algorithms": [{"algorithm": "sha256"}],
                "encap_content_info": {"content_type": kind, "content": core.ParsableOctetString(content)},
                "certificates": [asn1_x509.Certificate.load(one) for one in certificates],
                "signer_infos": [signer] * signers,
            }
        )
        whole = cms.ContentInfo({"content_type": "signed_data", "content": signed})
        return _with_certificates(whole, certificates)


def _with_certificates(token: cms.ContentInfo, certificates: list[bytes]) -> cms.ContentInfo:
    """Put the certificates in this order, where the library sorts them."""
    data, right = token.dump(), b"".join(sorted(certificates))
    assert data.count(right) == 1
    return cms.ContentInfo.load(data.replace(right, b"".join(certificates)))


@dataclass
class Authority:
    """A running authority."""

    url: str = ""
    stamper: Stamper = field(default_factory=lambda: Root().stamper())
    answer: Callable[[bytes], bytes | tuple[int, dict[str, str], bytes]] | None = None
    """What it answers to a request; by default a token."""
    hangs: float = 0.0
    """How long it waits in the middle of each answer."""
    asked: list[tuple[str, bytes]] = field(default_factory=list)
    """The content type and body of each request."""
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def pem(self) -> str:
        """The root that a reader has to trust."""
        return self.stamper.root.pem


@contextmanager
def serving(*, tls: ssl.SSLContext | None = None, **given: Any) -> Iterator[Authority]:
    """Run an authority on a free port of the loopback interface."""
    authority = Authority(**given)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(authority)) as server:
        server.daemon_threads = True
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        authority.url = f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}/tsr"
        try:
            yield authority
        finally:
            authority.over.set()
            server.shutdown()
            thread.join()


def _handler(authority: Authority) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            authority.asked.append((self.headers["Content-Type"], body))
            answer = authority.answer(body) if authority.answer else authority.stamper.answer(body)
            status, headers, data = answer if isinstance(answer, tuple) else (200, {"Content-Type": REPLY}, answer)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if authority.hangs:
                self._drip(data)
            else:
                try:
                    self.wfile.write(data)
                except OSError:
                    # A caller may have had enough.
                    self.close_connection = True

        def _drip(self, data: bytes) -> None:
            """Send a byte now and then: each alone arrives in time, the whole never does."""
            ends = time.monotonic() + authority.hangs
            for byte in data:
                if authority.over.wait(0.02) or time.monotonic() > ends:
                    break
                try:
                    self.wfile.write(bytes([byte]))
                except OSError:
                    break
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
