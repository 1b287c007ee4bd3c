"""Envelopes: bytes with signatures over them (DSSE v1), read so strictly that they have one form only.

Source: `docs/bundle-format.md`, section 3.
"""

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

from drproof.evidence.canonical import canonical
from drproof.evidence.exact import read_exactly
from drproof.model.errors import EvidenceError
from drproof.model.receipt import Digest
from drproof.model.signing import Signer

PAYLOAD_TYPE = "application/vnd.in-toto+json"
MOST_SIGNATURES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenSignature:
    """A signature as it stands in a file."""

    keyid: Digest
    sig: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """An envelope as it stands in a file."""

    payload: str
    payloadType: Literal["application/vnd.in-toto+json"]  # noqa: N815 — the standard's name
    signatures: Annotated[tuple[WrittenSignature, ...], Meta(max_length=MOST_SIGNATURES)]


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature, and which key it says to try."""

    keyid: str
    sig: bytes


@dataclass(frozen=True, slots=True)
class Envelope:
    """A payload with its signatures; an empty tuple means that nobody signed."""

    payload: bytes
    signatures: tuple[Signature, ...]

    @property
    def message(self) -> bytes:
        """The bytes that are signed."""
        return authenticated(self.payload)


def authenticated(payload: bytes) -> bytes:
    """Return the pre-authentication encoding: type and payload, each with its length."""
    kind = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def sealed(payload: bytes, signers: Iterable[Signer]) -> bytes:
    """Return an envelope around a payload, signed by each of the signers."""
    message = authenticated(payload)
    signatures = [{"keyid": signer.keyid, "sig": _text(signer.sign(message))} for signer in signers]
    return canonical({"payload": _text(payload), "payloadType": PAYLOAD_TYPE, "signatures": signatures})


def read(data: bytes) -> Envelope:
    """Return the envelope in these bytes.

    Raises:
        EvidenceError: `envelope`, when it is not the one form that an envelope with this content has.
    """
    try:
        written = read_exactly(Written, data)
    except EvidenceError as exc:
        raise _refused(str(exc)) from exc
    signatures = tuple(Signature(row.keyid, _bytes(row.sig, "sig")) for row in written.signatures)
    if len({signature.keyid for signature in signatures}) != len(signatures):
        raise _refused("a key signed twice")
    return Envelope(_bytes(written.payload, "payload"), signatures)


def _bytes(text: str, name: str) -> bytes:
    try:
        data: bytes | None = binascii.a2b_base64(text, strict_mode=True)
    except (binascii.Error, ValueError):
        data = None
    if data is None or _text(data) != text:
        raise _refused(f"expected {name} in base64 with the standard alphabet and padding")
    return data


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _refused(message: str) -> EvidenceError:
    return EvidenceError("envelope", f"no envelope: {message}")
