"""Keys that sign: a file of this machine, or what a platform keeps for us, named by a securesystemslib URI."""

import hmac
import os
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from drproof.evidence.trust import keyid_of
from drproof.evidence.trust import public_key as load_public_key
from drproof.model.errors import TargetError
from drproof.model.signing import Signer

if TYPE_CHECKING:
    from securesystemslib.signer._signer import Signer as LibrarySigner

FILE = "file2:"
EXPORTABLE = frozenset({"file2"})
"""The schemes whose private half could be copied."""


class UriSigner:
    """A signer of securesystemslib, opened by its URI."""

    def __init__(self, library: "LibrarySigner", public_key: str, *, exportable: bool) -> None:
        """Sign by `library`, whose public key is `public_key` in PEM."""
        self._library = library
        self.public_key = public_key
        self.keyid = keyid_of(load_public_key(public_key))
        self.exportable = exportable

    def sign(self, message: bytes) -> bytes:
        """Return the signature over a message."""
        return bytes.fromhex(self._library.sign(message).signature)


def open_signer(uri: str, elsewhere: Callable[[str], Signer] | None = None) -> Signer:
    """Return the signer that a URI names; `elsewhere` opens those that a platform keeps.

    Raises:
        TargetError: there is no such key, others can read it, or it is of a kind that bundles do not know.
    """
    scheme = uri.partition(":")[0]
    if scheme == "file2":
        return _of_file(uri)
    if elsewhere is None or not re.fullmatch("[a-z0-9]+", scheme):
        msg = f"no signer {uri!r}; expected file2:<path of a private key>\n  next: drproof keys init"
        raise TargetError(msg)
    return elsewhere(uri)


def keyed_digest(uri: str, message: bytes) -> bytes:
    """Return the HMAC-SHA256 of a message under the private half of a key that is a file: always the same 32 bytes.

    Raises:
        TargetError: there is no such key, or others can read it.
    """
    path = Path(uri.removeprefix(FILE))
    try:
        private = _private_key(path).private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    except OSError as exc:
        msg = f"the key {path} cannot be read: {exc.strerror}\n  next: drproof keys init {path.parent}"
        raise TargetError(msg) from exc
    return hmac.digest(private, message, "sha256")


def make_key(path: Path) -> Signer:
    """Make an Ed25519 key that only its owner can read, and return it as a signer.

    Raises:
        FileExistsError: there is a key already.
    """
    private = Ed25519PrivateKey.generate()
    data = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        # A link never replaces: of two who make the project's key at once, one does.
        os.link(unfinished, path)
    finally:
        unfinished.unlink()
    return _of_file(f"{FILE}{path}")


def _of_file(uri: str) -> Signer:
    from securesystemslib.signer._crypto_signer import CryptoSigner
    from securesystemslib.signer._key import SSlibKey

    path = Path(uri.removeprefix(FILE))
    try:
        private = _private_key(path)
        key = private.public_key()
        pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")
        library = CryptoSigner.from_priv_key_uri(f"{FILE}{path}", SSlibKey.from_crypto(key))
    except OSError as exc:
        msg = f"the key {path} cannot be read: {exc.strerror}\n  next: drproof keys init {path.parent}"
        raise TargetError(msg) from exc
    return UriSigner(library, pem, exportable=True)


def _private_key(path: Path) -> Any:  # noqa: ANN401 — one of two kinds of the library
    """Return a private key that nobody but its owner can read."""
    for place in (path, path.parent):
        mode = stat.S_IMODE(place.stat().st_mode)
        if mode & 0o077:
            msg = (
                f"{place} can be read by others: its mode is {mode:04o}, expected "
                f"{'0700' if place.is_dir() else '0600'}\n  next: chmod go= {place}"
            )
            raise TargetError(msg)
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if isinstance(key, Ed25519PrivateKey) or (
        isinstance(key, EllipticCurvePrivateKey) and isinstance(key.curve, SECP256R1)
    ):
        return key
    msg = (
        f"{path} is no private key that drproof signs with; expected PKCS8 in PEM without a passphrase, "
        "of Ed25519 or ECDSA on P-256\n  next: drproof keys init"
    )
    raise TargetError(msg)
