"""KMS: a digest is not hashed again, and a key that may not be used refuses instead of signing."""

import base64
import binascii
import json
import re
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from moto.core.exceptions import JsonRESTError
from moto.kms.models import KmsBackend
from moto.kms.responses import KmsResponse
from moto.kms.utils import KeySpec, SigningAlgorithm

from drproof.embedded.shims import seams
from drproof.embedded.world import World

SEAMS = (
    "moto.kms.models:KmsBackend.describe_key",
    "moto.kms.models:Key.signing_algorithms",
    "moto.kms.responses:KmsResponse.kms_backend",
    "moto.kms.responses:KmsResponse.sign",
    "moto.kms.responses:KmsResponse.verify",
    "moto.kms.responses:KmsResponse.get_public_key",
    "moto.kms.responses:KmsResponse._validate_key_id",
    "moto.kms.utils:ECDSAPrivateKey",
    "moto.kms.utils:RSAPrivateKey",
)
LONGEST_MESSAGE = 4096
MESSAGE_TYPES = ("RAW", "DIGEST")
HASHES: dict[str, hashes.HashAlgorithm] = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
ARN = re.compile(r"arn:aws[a-z-]*:kms:(?P<region>[^:]+):(?P<account>[0-9]{12}):(key|alias)/.+")


class _Operation(NamedTuple):
    """A call that uses a private or a public key, read and found permissible."""

    key: Any
    digest: bytes
    algorithm: str


def install(_world: World) -> None:
    """Let `Sign`, `Verify` and `GetPublicKey` refuse what the platform refuses, and take a digest for a digest."""

    def sign(self: KmsResponse) -> str:
        asked = _asked(self)
        signature = _signature(asked)
        return json.dumps(_answer(asked) | {"Signature": base64.b64encode(signature).decode()})

    def verify(self: KmsResponse) -> str:
        asked = _asked(self)
        try:
            signature = base64.b64decode(self._get_param("Signature") or "", validate=True)
            _verify(asked, signature)
        except (binascii.Error, InvalidSignature) as exc:
            # The platform answers a bad signature with an error, never with a false.
            raise JsonRESTError("KMSInvalidSignatureException", "") from exc
        return json.dumps(_answer(asked) | {"SignatureValid": True})

    def get_public(self: KmsResponse) -> str:
        key = _usable(self)
        if key.key_spec == KeySpec.SYMMETRIC_DEFAULT or key.key_spec in KeySpec.hmac_key_specs():
            raise JsonRESTError("UnsupportedOperationException", "")
        public = base64.b64encode(key.private_key.public_key()).decode()
        found = {"KeyId": key.arn, "PublicKey": public, "KeySpec": key.key_spec, "CustomerMasterKeySpec": key.key_spec}
        algorithms = "SigningAlgorithms" if key.key_usage == "SIGN_VERIFY" else "EncryptionAlgorithms"
        values = key.signing_algorithms if key.key_usage == "SIGN_VERIFY" else key.encryption_algorithms
        return json.dumps(found | {"KeyUsage": key.key_usage, algorithms: values})

    seams.put(KmsResponse, "sign", sign)
    seams.put(KmsResponse, "verify", verify)
    seams.put(KmsResponse, "get_public_key", get_public)


def _asked(response: KmsResponse) -> _Operation:
    key = _usable(response)
    algorithm = str(response._get_param("SigningAlgorithm"))  # noqa: SLF001 — the emulator's reader of a body
    kind = response._get_param("MessageType") or "RAW"  # noqa: SLF001 — as above
    message = response._get_param("Message") or b""  # noqa: SLF001 — as above
    if algorithm not in SigningAlgorithm.signing_algorithms():
        raise _invalid("signingAlgorithm", algorithm, f"enum value set: {SigningAlgorithm.signing_algorithms()}")
    if kind not in MESSAGE_TYPES:
        raise _invalid("messageType", str(kind), f"enum value set: {list(MESSAGE_TYPES)}")
    if not 1 <= len(message) <= LONGEST_MESSAGE:
        raise _invalid("message", f"{len(message)} bytes", f"length between 1 and {LONGEST_MESSAGE}")
    if key.key_usage != "SIGN_VERIFY":
        raise JsonRESTError("InvalidKeyUsageException", f"{key.arn} key usage is {key.key_usage}")
    if algorithm not in key.signing_algorithms:
        raise JsonRESTError("InvalidKeyUsageException", f"Algorithm {algorithm} is incompatible with {key.key_spec}")
    hashing = hash_of(algorithm)
    if kind == "DIGEST":
        if len(message) != hashing.digest_size:
            raise JsonRESTError("ValidationException", f"Digest is invalid length for algorithm {algorithm}.")
        return _Operation(key, message, algorithm)
    hasher = hashes.Hash(hashing)
    hasher.update(message)
    return _Operation(key, hasher.finalize(), algorithm)


def _usable(response: KmsResponse) -> Any:  # noqa: ANN401 — a key of the emulator
    """Return the key that a call names, if its state lets it be used."""
    named = str(response._get_param("KeyId"))  # noqa: SLF001 — the emulator's reader of a body
    backend: KmsBackend = response.kms_backend
    # The emulator looks at the end of an ARN alone: a key of elsewhere would be taken for one of here.
    if (arn := ARN.fullmatch(named)) and arn.group("account", "region") != (backend.account_id, backend.region_name):
        raise JsonRESTError("NotFoundException", f"Invalid arn {arn['region']}")
    response._validate_key_id(named)  # noqa: SLF001 — the emulator's own refusal of names that do not exist
    key = backend.describe_key(named)
    if key.key_state == "Disabled":
        raise JsonRESTError("DisabledException", f"{key.arn} is disabled.")
    if key.key_state != "Enabled":
        raise JsonRESTError("KMSInvalidStateException", f"{key.arn} is {_words(key.key_state)}.")
    return key


def hash_of(algorithm: str) -> hashes.HashAlgorithm:
    """Return the hash that a signing algorithm names at its end."""
    return HASHES[algorithm[-3:]]


def _signature(asked: _Operation) -> bytes:
    private: Any = asked.key.private_key.private_key
    prehashed = Prehashed(hash_of(asked.algorithm))
    if isinstance(private, ec.EllipticCurvePrivateKey):
        return private.sign(asked.digest, ec.ECDSA(prehashed))
    signed: bytes = private.sign(asked.digest, _padding(asked.algorithm), prehashed)
    return signed


def _verify(asked: _Operation, signature: bytes) -> None:
    public: Any = asked.key.private_key.private_key.public_key()
    prehashed = Prehashed(hash_of(asked.algorithm))
    if isinstance(public, rsa.RSAPublicKey):
        public.verify(signature, asked.digest, _padding(asked.algorithm), prehashed)
    else:
        public.verify(signature, asked.digest, ec.ECDSA(prehashed))


def _padding(algorithm: str) -> padding.AsymmetricPadding:
    if not algorithm.startswith("RSASSA_PSS"):
        return padding.PKCS1v15()
    # The platform's salt is as long as the digest; the emulator's own is as long as it can be.
    return padding.PSS(padding.MGF1(hash_of(algorithm)), padding.PSS.DIGEST_LENGTH)


def _answer(asked: _Operation) -> dict[str, Any]:
    return {"KeyId": asked.key.arn, "SigningAlgorithm": asked.algorithm}


def _invalid(name: str, value: str, must: str) -> JsonRESTError:
    message = (
        f"1 validation error detected: Value '{value}' at '{name}' failed to satisfy constraint: "
        f"Member must satisfy {must}"
    )
    return JsonRESTError("ValidationException", message)


def _words(state: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", state).lower()
