"""What signs: a key whose private half nobody else has, wherever it lies."""

from typing import Protocol


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
