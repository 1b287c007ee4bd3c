"""What is said between this process and a machine, readable to these two alone.

Systems Manager keeps commands and their outputs for weeks, for everybody who may list them. So both sides make a key
that nobody keeps, and each encrypts for the other (CMS, RFC 5652), with `openssl` on the machine.
"""

import zlib
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization.pkcs7 import (
    PKCS7EnvelopeBuilder,
    PKCS7Options,
    pkcs7_decrypt_der,
)
from cryptography.x509.oid import NameOID

from drproof.targets.kubernetes.bounded import LARGEST

BITS = 2048
GZIP = 31
"""What zlib is told to read the format of gzip."""
SLACK = timedelta(days=1)
"""The clocks of two machines need not agree."""


class OpenedWrongError(Exception):
    """What came back was not sealed for this process, is not whole, or is too large."""


class Ours:
    """The key of this process, in its memory alone."""

    def __init__(self) -> None:
        """Make a key."""
        self._key = rsa.generate_private_key(65537, BITS)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "drproof")])
        now = datetime.now(UTC)
        self._certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - SLACK)
            .not_valid_after(now + 7 * SLACK)
            .sign(self._key, hashes.SHA256())
        )

    @property
    def pem(self) -> str:
        """What others seal for us with."""
        return self._certificate.public_bytes(Encoding.PEM).decode("ascii")

    def opened(self, data: bytes) -> bytes:
        """Return what was compressed and sealed for us.

        Raises:
            OpenedWrongError: it was not, or is not whole, or larger than an answer may be.
        """
        try:
            packed = pkcs7_decrypt_der(data, self._certificate, self._key, [])
        except ValueError as exc:
            msg = f"it is not sealed for this process: {exc}"
            raise OpenedWrongError(msg) from exc
        unpacking = zlib.decompressobj(GZIP)
        try:
            found = unpacking.decompress(packed, LARGEST)
        except zlib.error as exc:
            msg = f"it is not compressed as it should be: {exc}"
            raise OpenedWrongError(msg) from exc
        if not unpacking.eof:
            msg = f"it does not end within {LARGEST >> 20} MiB"
            raise OpenedWrongError(msg)
        return found


class Theirs:
    """The certificate of a machine."""

    def __init__(self, pem: str) -> None:
        """Take a certificate.

        Raises:
            OpenedWrongError: it is none.
        """
        try:
            self._certificate = x509.load_pem_x509_certificate(pem.encode("ascii", "replace"))
        except ValueError as exc:
            msg = f"the machine gave no certificate: {exc}"
            raise OpenedWrongError(msg) from exc

    def sealed(self, data: bytes) -> bytes:
        """Return what only the machine can read, compressed."""
        packing = zlib.compressobj(wbits=GZIP)
        packed = packing.compress(data) + packing.flush()
        return (
            PKCS7EnvelopeBuilder()
            .set_data(packed)
            .add_recipient(self._certificate)
            .encrypt(Encoding.DER, [PKCS7Options.Binary])
        )
