"""A trust file: whose signatures its owner believes, in which role, from when to when.

It is always the verifier's own; no key inside a bundle is trusted. Source: `docs/bundle-format.md`, section 5.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal, TypeAlias

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from cryptography.x509 import load_pem_x509_certificate

from drproof.evidence.exact import exactly
from drproof.formats import timestamps
from drproof.formats.strict_json import parse
from drproof.model.codec import encode
from drproof.model.errors import EvidenceError
from drproof.model.receipt import Digest, Instant
from drproof.model.signing import Role, Signer

PublicKey: TypeAlias = Ed25519PublicKey | EllipticCurvePublicKey


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedKey:
    """A public key in one role."""

    keyid: Digest
    role: Role
    public_key: str
    custody: Literal["file", "non_exportable"]
    not_before: Instant | None
    not_after: Instant | None
    revoked_at: Instant | None
    reason: str

    def counts_at(self, instant: str) -> str:
        """Return "" when the key is valid at an instant, else `key-not-yet` or `key-expired`."""
        at = timestamps.milliseconds(instant)
        if self.not_before is not None and at < timestamps.milliseconds(self.not_before):
            return "key-not-yet"
        if self.not_after is not None and at > timestamps.milliseconds(self.not_after):
            return "key-expired"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """A root under which trusted time is accepted."""

    name: str
    certificate: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """The content of a trust file."""

    schema_version: Literal[1] = 1
    keys: tuple[TrustedKey, ...] = ()
    authorities: tuple[Authority, ...] = ()

    def named(self, keyid: str) -> Mapping[Role, TrustedKey]:
        """Return the roles in which a key is trusted."""
        return {key.role: key for key in self.keys if key.keyid == keyid}


def read(data: bytes) -> Trust:
    """Return the trust file in these bytes; people write it, so its form is free.

    Raises:
        EvidenceError: `trust-file`.
    """
    try:
        trust = exactly(Trust, parse(data))
        _check(trust)
    except EvidenceError as exc:
        raise EvidenceError("trust-file", f"no trust file: {exc}") from exc
    return trust


def _check(trust: Trust) -> None:
    for key in trust.keys:
        if keyid_of(public_key(key.public_key)) != key.keyid:
            raise EvidenceError("shape", f"the keyid {key.keyid} is not that of its public key")
        for instant in (key.not_before, key.not_after, key.revoked_at):
            if instant is not None:
                timestamps.parse(instant)
    for authority in trust.authorities:
        try:
            load_pem_x509_certificate(authority.certificate.encode())
        except ValueError as exc:
            raise EvidenceError("shape", f"the authority {authority.name} has no certificate in PEM") from exc
    if len({(key.keyid, key.role) for key in trust.keys}) != len(trust.keys):
        raise EvidenceError("shape", "a key stands twice in the same role")


def of_signer(signer: Signer, role: Role = Role.RUNNER) -> TrustedKey:
    """Return the entry that makes a signer's own key trusted, without end."""
    return TrustedKey(
        keyid=signer.keyid,
        role=role,
        public_key=signer.public_key,
        custody="file" if signer.exportable else "non_exportable",
        not_before=None,
        not_after=None,
        revoked_at=None,
        reason="",
    )


def entry(key: TrustedKey) -> object:
    """Return a key as it stands in a trust file."""
    return encode(key)


@cache
def public_key(pem: str) -> PublicKey:
    """Return a public key from PEM.

    Raises:
        EvidenceError: `shape`, for anything but Ed25519 and ECDSA on P-256.
    """
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if isinstance(key, Ed25519PublicKey):
        return key
    if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
        return key
    raise EvidenceError("shape", "expected a public key in PEM, of Ed25519 or ECDSA on P-256")


def keyid_of(key: PublicKey) -> str:
    """Return the SHA-256 of a public key as DER SubjectPublicKeyInfo."""
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def verifies(key: PublicKey, signature: bytes, message: bytes) -> bool:
    """Return whether a signature over a message is this key's."""
    try:
        if isinstance(key, Ed25519PublicKey):
            key.verify(signature, message)
        else:
            key.verify(signature, message, ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True
