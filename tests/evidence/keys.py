"""Keys for tests: made from a seed, so that every run signs alike."""

import hashlib
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from drproof.evidence.trust import Trust, TrustedKey, keyid_of
from drproof.model.signing import Role


@dataclass(frozen=True)
class Key:
    """A signer that lies in memory."""

    private: Any
    exportable: bool = True

    @property
    def public_key(self) -> str:
        return self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    @property
    def keyid(self) -> str:
        return keyid_of(self.private.public_key())

    def sign(self, message: bytes) -> bytes:
        if isinstance(self.private, Ed25519PrivateKey):
            return self.private.sign(message)
        return self.private.sign(message, ec.ECDSA(SHA256()))


def ed25519(seed: str, *, exportable: bool = True) -> Key:
    return Key(Ed25519PrivateKey.from_private_bytes(hashlib.sha256(seed.encode()).digest()), exportable)


def p256(seed: str, *, exportable: bool = True) -> Key:
    number = int.from_bytes(hashlib.sha256(seed.encode()).digest(), "big") % 2**255 + 1
    return Key(ec.derive_private_key(number, ec.SECP256R1()), exportable)


RUNNER, APPROVER, STRANGER = ed25519("runner"), ed25519("approver"), ed25519("stranger")


def trusted(key: Key, role: Role = Role.RUNNER, **changes: Any) -> TrustedKey:
    content: dict[str, Any] = {
        "keyid": key.keyid,
        "role": role,
        "public_key": key.public_key,
        "custody": "file" if key.exportable else "non_exportable",
        "not_before": None,
        "not_after": None,
        "revoked_at": None,
        "reason": "",
    }
    return TrustedKey(**{**content, **changes})


def trust(*keys: TrustedKey) -> Trust:
    return Trust(keys=keys or (trusted(RUNNER), trusted(APPROVER, Role.APPROVER)))
