"""The keys of the tests: derived from their names, so that every run makes the same bytes."""

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from rfc8785 import dumps

PAYLOAD_TYPE = "application/vnd.in-toto+json"
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@dataclass(frozen=True)
class Key:
    """A private key that is known to everybody: it signs nothing but tests."""

    name: str
    p256: bool = False
    private: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Derive the key from its name."""
        seed = hashlib.sha256(f"drproof test key {self.name}".encode()).digest()
        private: Any = (
            ec.derive_private_key(int.from_bytes(seed, "big") % P256_ORDER, ec.SECP256R1())
            if self.p256
            else ed25519.Ed25519PrivateKey.from_private_bytes(seed)
        )
        object.__setattr__(self, "private", private)

    @property
    def keyid(self) -> str:
        """The digest of the public key as DER."""
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return hashlib.sha256(self.private.public_key().public_bytes(serialization.Encoding.DER, form)).hexdigest()

    @property
    def pem(self) -> str:
        """The public key as it stands in a trust file."""
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        text: bytes = self.private.public_key().public_bytes(serialization.Encoding.PEM, form)
        return text.decode()

    def sign(self, data: bytes) -> bytes:
        """Return the one signature of these bytes."""
        if self.p256:
            signature: bytes = self.private.sign(data, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
            return signature
        plain: bytes = self.private.sign(data)
        return plain


RUNNER, SECOND, STRANGER = Key("runner"), Key("second runner"), Key("stranger")
APPROVER, ANOTHER = Key("approver"), Key("another approver")
COLLECTOR = Key("collector")
CURVE = Key("runner on P-256", p256=True)


def signed_bytes(payload: bytes, kind: str = PAYLOAD_TYPE) -> bytes:
    """Return what is signed of a payload."""
    return f"DSSEv1 {len(kind)} {kind} {len(payload)} ".encode() + payload


def signatures(payload: bytes, keys: Iterable[Key]) -> list[dict[str, str]]:
    """Return the signatures of a payload."""
    return [{"keyid": key.keyid, "sig": base64.b64encode(key.sign(signed_bytes(payload))).decode()} for key in keys]


def envelope(payload: bytes, keys: Iterable[Key]) -> bytes:
    """Return a payload in its envelope."""
    return dumps(
        {
            "payload": base64.b64encode(payload).decode(),
            "payloadType": PAYLOAD_TYPE,
            "signatures": signatures(payload, keys),
        }
    )


def trusted(key: Key, role: str = "runner", **changes: Any) -> dict[str, Any]:
    """Return a key's entry in a trust file."""
    return {
        "keyid": key.keyid,
        "role": role,
        "public_key": key.pem,
        "custody": "file",
        "not_before": None,
        "not_after": None,
        "revoked_at": None,
        "reason": "",
        **changes,
    }


def trust(*keys: dict[str, Any], **changes: Any) -> bytes:
    """Return a trust file."""
    return dumps({"schema_version": 1, "keys": list(keys), "authorities": [], **changes})
