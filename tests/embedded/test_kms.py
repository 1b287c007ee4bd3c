"""The key service behaves as the real one does where the emulator does not."""

import hashlib
from typing import Any

import pytest
from botocore.exceptions import ClientError
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from .conftest import RunningWorld

MESSAGE = b"DSSEv1 28 application/vnd.in-toto+json 2 {}"
DIGEST = hashlib.sha256(MESSAGE).digest()
ECDSA = "ECDSA_SHA_256"


@pytest.fixture
def kms(world: RunningWorld) -> Any:
    """The key service of the recovery account."""
    return world.client("kms")


def _key(kms: Any, spec: str = "ECC_NIST_P256", usage: str = "SIGN_VERIFY") -> str:
    return kms.create_key(KeySpec=spec, KeyUsage=usage)["KeyMetadata"]["Arn"]


def _refused(call: Any, **asked: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**asked)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    return refused.value.response["Error"]["Code"]


def test_the_recovery_account_has_a_key_for_drills_under_an_alias(world: RunningWorld, kms: Any) -> None:
    site = world.document["site"]
    assert site["signing_alias"] == "alias/drproof-drills"
    answer = kms.get_public_key(KeyId=site["signing_alias"])
    assert answer["KeyId"] == site["signing_key"]
    assert (answer["KeySpec"], answer["KeyUsage"]) == ("ECC_NIST_P256", "SIGN_VERIFY")
    assert answer["SigningAlgorithms"] == [ECDSA]
    last = world.control("GET", "calls")[1][-1]
    assert (last["service"], last["action"], last["account"], last["status"]) == (
        "kms",
        "GetPublicKey",
        "444455556666",
        200,
    )


def test_a_digest_is_signed_as_it_is_and_a_message_is_hashed_once(kms: Any) -> None:
    key = _key(kms)
    public: Any = serialization.load_der_public_key(kms.get_public_key(KeyId=key)["PublicKey"])
    for kind, message in (("DIGEST", DIGEST), ("RAW", MESSAGE)):
        signed = kms.sign(KeyId=key, Message=message, MessageType=kind, SigningAlgorithm=ECDSA)
        public.verify(signed["Signature"], MESSAGE, ec.ECDSA(hashes.SHA256()))
        for as_kind, as_message in (("DIGEST", DIGEST), ("RAW", MESSAGE)):
            asked = {"Message": as_message, "MessageType": as_kind, "Signature": signed["Signature"]}
            assert kms.verify(KeyId=key, SigningAlgorithm=ECDSA, **asked)["SignatureValid"] is True
    raw = kms.sign(KeyId=key, Message=DIGEST, MessageType="RAW", SigningAlgorithm=ECDSA)["Signature"]
    with pytest.raises(InvalidSignature):
        public.verify(raw, MESSAGE, ec.ECDSA(hashes.SHA256()))


def test_the_salt_of_rsa_is_as_long_as_the_digest(kms: Any) -> None:
    key = _key(kms, "RSA_2048")
    asked = {"KeyId": key, "Message": DIGEST, "MessageType": "DIGEST"}
    public: Any = serialization.load_der_public_key(kms.get_public_key(KeyId=key)["PublicKey"])
    pss = kms.sign(SigningAlgorithm="RSASSA_PSS_SHA_256", **asked)["Signature"]
    salted = padding.PSS(padding.MGF1(hashes.SHA256()), hashes.SHA256.digest_size)
    public.verify(pss, DIGEST, salted, Prehashed(hashes.SHA256()))
    assert kms.verify(SigningAlgorithm="RSASSA_PSS_SHA_256", Signature=pss, **asked)["SignatureValid"] is True
    old = kms.sign(SigningAlgorithm="RSASSA_PKCS1_V1_5_SHA_256", **asked)["Signature"]
    public.verify(old, MESSAGE, padding.PKCS1v15(), hashes.SHA256())


@pytest.mark.parametrize(
    "asked",
    [
        {"Message": DIGEST[:-1], "MessageType": "DIGEST"},
        {"Message": DIGEST + b"x", "MessageType": "DIGEST"},
        {"Message": b"x" * 4097, "MessageType": "RAW"},
        {"Message": b"x" * 4097},
        {"Message": DIGEST, "MessageType": "EXTERNAL_MU"},
        {"Message": DIGEST, "SigningAlgorithm": "ECDSA_SHA_1"},
    ],
    ids=["short digest", "long digest", "long message", "long message by default", "other type", "no algorithm"],
)
def test_what_cannot_be_signed_is_a_validation_error(kms: Any, asked: dict[str, Any]) -> None:
    key = _key(kms)
    whole = {"KeyId": key, "SigningAlgorithm": ECDSA} | asked
    assert _refused(kms.sign, **whole) == "ValidationException"
    assert _refused(kms.verify, Signature=b"x", **whole) == "ValidationException"


def test_the_longest_message_is_signed(kms: Any) -> None:
    assert kms.sign(KeyId=_key(kms), Message=b"x" * 4096, SigningAlgorithm=ECDSA)["Signature"]


def test_a_disabled_key_and_one_that_is_being_deleted_refuse_each_use(kms: Any) -> None:
    # The emulator knows a key by its id alone where the key is changed.
    key = _key(kms).rpartition("/")[2]
    signature = kms.sign(KeyId=key, Message=DIGEST, MessageType="DIGEST", SigningAlgorithm=ECDSA)["Signature"]
    uses: tuple[tuple[Any, dict[str, Any]], ...] = (
        (kms.sign, {"Message": DIGEST, "MessageType": "DIGEST", "SigningAlgorithm": ECDSA}),
        (kms.verify, {"Message": MESSAGE, "Signature": signature, "SigningAlgorithm": ECDSA}),
        (kms.get_public_key, {}),
    )
    kms.disable_key(KeyId=key)
    assert [_refused(use, KeyId=key, **asked) for use, asked in uses] == ["DisabledException"] * 3
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert [_refused(use, KeyId=key, **asked) for use, asked in uses] == ["KMSInvalidStateException"] * 3
    kms.cancel_key_deletion(KeyId=key)
    kms.enable_key(KeyId=key)
    assert kms.verify(KeyId=key, **uses[1][1])["SignatureValid"] is True


@pytest.mark.parametrize("spoil", [lambda s: s[:-1] + bytes([s[-1] ^ 1]), lambda _: b"not a signature"])
def test_a_bad_signature_is_an_error_and_never_a_false(kms: Any, spoil: Any) -> None:
    key = _key(kms)
    signature = kms.sign(KeyId=key, Message=MESSAGE, SigningAlgorithm=ECDSA)["Signature"]
    asked = {"KeyId": key, "Message": MESSAGE, "SigningAlgorithm": ECDSA, "Signature": spoil(signature)}
    assert _refused(kms.verify, **asked) == "KMSInvalidSignatureException"


def test_a_key_is_used_for_what_it_is_for(kms: Any) -> None:
    secret, wider = _key(kms, "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"), _key(kms, "ECC_NIST_P384")
    encrypts = _key(kms, "RSA_2048", "ENCRYPT_DECRYPT")
    asked = {"Message": DIGEST, "MessageType": "DIGEST", "SigningAlgorithm": ECDSA}
    for key in (secret, wider, encrypts):
        assert _refused(kms.sign, KeyId=key, **asked) == "InvalidKeyUsageException"
    assert _refused(kms.get_public_key, KeyId=secret) == "UnsupportedOperationException"
    assert kms.get_public_key(KeyId=encrypts)["KeyUsage"] == "ENCRYPT_DECRYPT"


def test_a_key_of_elsewhere_is_not_taken_for_one_of_here(world: RunningWorld, kms: Any) -> None:
    arn = world.document["site"]["signing_key"]
    for elsewhere in (arn.replace("us-west-2", "eu-west-1"), arn.replace("444455556666", "111122223333")):
        assert _refused(kms.get_public_key, KeyId=elsewhere) == "NotFoundException"
    assert _refused(kms.get_public_key, KeyId="alias/nothing") == "NotFoundException"
    assert _refused(world.client("kms", "primary").get_public_key, KeyId="alias/drproof-drills") == "NotFoundException"
