"""What signs: a key whose private half nobody else has, wherever it lies; and what a key is there to sign."""

from enum import StrEnum
from typing import Protocol


class Role(StrEnum):
    """What a key signs."""

    RUNNER = "runner"
    """Openings, checkpoints and closings of drills."""
    COLLECTOR = "collector"
    """The same of collections: evidence of what somebody else did."""
    APPROVER = "approver"
    """Decisions of people about a closed bundle."""


class Signer(Protocol):
    """A key that can sign."""

    @property
    def keyid(self) -> str:
        """The SHA-256 of the public key as DER SubjectPublicKeyInfo, in lower-case hex."""
        ...

    @property
    def public_key(self) -> str:
        """The public key as PEM."""
        ...

    @property
    def exportable(self) -> bool:
        """Whether somebody could copy the private half."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Return the signature over a message.

        Raises:
            TargetError: what holds the key refused, or gave no answer.
        """
        ...
