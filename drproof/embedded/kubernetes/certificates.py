"""The certificates of one cluster: an authority of its own, the server's, and an administrator's."""

import datetime as dt
import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_YEAR = dt.timedelta(days=365)
_EARLY = dt.timedelta(hours=1)
_NAMES = ("localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc")


@dataclass(frozen=True, slots=True)
class Certificates:
    """PEM texts; the administrator is CN=system:admin, O=system:masters, as in k3s."""

    authority: bytes
    server: bytes
    server_key: bytes
    client: bytes
    client_key: bytes


def make(address: str) -> Certificates:
    """Return new certificates for a server at one address."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "k3s-server-ca")])
    authority = (
        _builder(subject, subject, key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    addresses = dict.fromkeys(("127.0.0.1", "::1", "10.43.0.1", address))
    names: list[x509.GeneralName] = [x509.DNSName(each) for each in _NAMES]
    names += [x509.IPAddress(ipaddress.ip_address(each)) for each in addresses]
    server = [x509.NameAttribute(NameOID.COMMON_NAME, "k3s")]
    admin = [
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "system:masters"),
        x509.NameAttribute(NameOID.COMMON_NAME, "system:admin"),
    ]
    issued = _issue(authority, key, server, ExtendedKeyUsageOID.SERVER_AUTH, names)
    client = _issue(authority, key, admin, ExtendedKeyUsageOID.CLIENT_AUTH, [])
    return Certificates(authority.public_bytes(serialization.Encoding.PEM), *issued, *client)


def server_context(certificates: Certificates, directory: Path) -> ssl.SSLContext:
    """Return the TLS side of the server: TLS 1.2 or newer, HTTP/1.1, client certificates of its own authority."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    chain = directory / "server.pem"
    chain.touch(mode=0o600)
    chain.write_bytes(certificates.server_key + certificates.server)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(chain)
    context.load_verify_locations(cadata=certificates.authority.decode())
    context.verify_mode = ssl.CERT_OPTIONAL
    context.set_alpn_protocols(["http/1.1"])
    return context


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLY)
        .not_valid_after(now + _YEAR)
    )


def _issue(
    authority: x509.Certificate,
    signer: ec.EllipticCurvePrivateKey,
    subject: list[x509.NameAttribute[str]],
    usage: x509.ObjectIdentifier,
    names: list[x509.GeneralName],
) -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        _builder(x509.Name(subject), authority.subject, key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    pem = builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return pem, private


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
