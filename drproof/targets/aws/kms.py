"""A signing key that the platform keeps: only digests go there, and no answer is believed before it is verified.

The caller needs `kms:GetPublicKey` and `kms:Sign` on the key.
"""

import hashlib
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from drproof.model.errors import TargetError
from drproof.targets.aws.errors import failure, translated

if TYPE_CHECKING:
    from mypy_boto3_kms.client import KMSClient

SCHEME = "awskms:"
NAME = re.compile(r"[A-Za-z0-9-]{1,256}|alias/[A-Za-z0-9/_-]{1,250}")
ARN = re.compile(r"arn:aws[a-z-]*:kms:(?P<region>[a-z0-9-]+):[0-9]{12}:(key/[A-Za-z0-9-]+|alias/[A-Za-z0-9/_-]{1,250})")
SPEC, USAGE, ALGORITHM = "ECC_NIST_P256", "SIGN_VERIFY", "ECDSA_SHA_256"
MAKE_MAC = "aws kms create-key --region <region> --key-spec HMAC_256 --key-usage GENERATE_VERIFY_MAC"
MAKE = f"aws kms create-key --region <region> --key-spec {SPEC} --key-usage {USAGE}"


class KmsKey:
    """An ECDSA key on P-256 in the key service; its private half cannot be had."""

    exportable = False

    def __init__(self, client: "KMSClient", name: str) -> None:
        """Ask through `client` which key `name` is: a key's id or ARN, or an alias.

        Raises:
            TargetError: there is no such key, it is of another kind, or the platform does not show it.
        """
        self._client: Any = client
        with translated("kms:GetPublicKey", name):
            answer = self._client.get_public_key(KeyId=name)
        self._public = _public_key(name, answer)
        # An alias may point elsewhere tomorrow: a run signs with one key.
        self._arn = str(answer["KeyId"])
        der = self._public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.keyid = hashlib.sha256(der).hexdigest()
        self.public_key = self._public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")

    def sign(self, message: bytes) -> bytes:
        """Return the signature over a message, in DER; only its SHA-256 leaves this machine.

        Raises:
            TargetError: the key refused, nobody answered, or the answer is no signature of this key.
        """
        digest = hashlib.sha256(message).digest()
        with translated("kms:Sign", self._arn):
            answer = self._client.sign(
                KeyId=self._arn, Message=digest, MessageType="DIGEST", SigningAlgorithm=ALGORITHM
            )
        signature = answer.get("Signature")
        try:
            self._public.verify(signature, message, ECDSA(SHA256()))
        except (InvalidSignature, TypeError) as exc:
            said = f"the answer is no signature of {self.keyid} over what was asked; it was not used"
            raise failure("kms:Sign", self._arn, "WrongSignature", said) from exc
        return bytes(signature)


def open_key(uri: str, clients: Callable[[str], "KMSClient"]) -> KmsKey:
    """Return the key that `awskms:<id, ARN or alias>` names, asked for in the region of its ARN or else of the site.

    `clients` makes the client of a region; "" is the region of the site.

    Raises:
        TargetError: it is no such URI, or as of `KmsKey`.
    """
    name = uri.removeprefix(SCHEME)
    arn = ARN.fullmatch(name)
    if not uri.startswith(SCHEME) or not (arn or NAME.fullmatch(name)):
        msg = f"the signer {uri!r}: expected {SCHEME}<key id>, {SCHEME}alias/<name> or {SCHEME}<ARN of a key or alias>"
        raise TargetError(msg, code="NoSuchSigner", call="kms:GetPublicKey")
    return KmsKey(clients(arn["region"] if arn else ""), name)


def keyed_digest(uri: str, message: bytes, clients: Callable[[str], "KMSClient"]) -> bytes:
    """Return the HMAC-SHA256 of a message under the key that `awskms:…` names: always the same 32 bytes.

    The caller needs `kms:GenerateMac` on the key, which is one for `GENERATE_VERIFY_MAC` of `HMAC_256`.

    Raises:
        TargetError: it is no such URI or no such key, or the platform does not use it for us.
    """
    name = uri.removeprefix(SCHEME)
    arn = ARN.fullmatch(name)
    if not uri.startswith(SCHEME) or not (arn or NAME.fullmatch(name)):
        forms = f"{SCHEME}<key id>, {SCHEME}alias/<name> or {SCHEME}<ARN>"
        msg = f"the digest key {uri!r}: expected {forms}\n  next: {MAKE_MAC}"
        raise TargetError(msg, code="NoSuchKey", call="kms:GenerateMac")
    with translated("kms:GenerateMac", name):
        client: Any = clients(arn["region"] if arn else "")
        answer = client.generate_mac(KeyId=name, Message=message, MacAlgorithm="HMAC_SHA_256")
    return bytes(answer["Mac"])


def _public_key(name: str, answer: Any) -> EllipticCurvePublicKey:  # noqa: ANN401 — the SDK's answer
    """Return the public half of a key that drproof can sign with."""
    spec, usage = answer.get("KeySpec"), answer.get("KeyUsage")
    if (spec, usage) != (SPEC, USAGE):
        said = f"expected a key for {USAGE} of {SPEC}, got one for {usage} of {spec}\n  next: {MAKE}"
        raise failure("kms:GetPublicKey", name, "WrongKey", said)
    try:
        key = load_der_public_key(answer.get("PublicKey", b""))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1) and answer.get("KeyId"):
        return key
    raise failure("kms:GetPublicKey", name, "WrongKey", f"the answer holds no public key of {SPEC}")
