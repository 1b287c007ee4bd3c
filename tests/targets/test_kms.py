"""A key that the platform keeps: digests go there, and only signatures that verify come back."""

import hashlib
import http.server
import json
import subprocess
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from drproof.model.errors import NotFoundError, TargetError, ThrottledError, UnansweredError
from drproof.targets import embedded
from drproof.targets.aws.kms import KmsKey, keyed_digest, open_key
from drproof.targets.aws.sessions import Session
from tests.roles.asked import note

ALIAS = "alias/drproof-drills"
MESSAGE = b"DSSEv1 28 application/vnd.in-toto+json 9000 " + b"x" * 9000
"""Longer than the key service would take by itself."""

Clients = Callable[[str], Any]


@pytest.fixture
def clients(world: embedded.World) -> Clients:
    """The recovery site's clients of the key service, by region."""
    issued = embedded.credentials(world.endpoint)["recovery"]
    session = Session(issued["region"], endpoint=world.endpoint, credentials=issued)
    return lambda region: session.client("kms", region=region)


@pytest.fixture
def made(stranger: Callable[[str], Any]) -> Callable[..., str]:
    """Make keys of one's own in the recovery account; the id is returned."""

    def make(spec: str = "ECC_NIST_P256", usage: str = "SIGN_VERIFY") -> str:
        return stranger("kms").create_key(KeySpec=spec, KeyUsage=usage)["KeyMetadata"]["KeyId"]

    return make


def test_a_signature_verifies_offline_under_the_public_key_alone(clients: Clients, tmp_path: Path) -> None:
    key = open_key(f"awskms:{ALIAS}", clients)
    signature = key.sign(MESSAGE)
    public: Any = load_pem_public_key(key.public_key.encode())
    public.verify(signature, MESSAGE, ec.ECDSA(SHA256()))
    with pytest.raises(InvalidSignature):
        public.verify(signature, MESSAGE + b"x", ec.ECDSA(SHA256()))
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert key.keyid == hashlib.sha256(der).hexdigest()
    assert key.exportable is False
    (tmp_path / "key.pem").write_text(key.public_key)
    (tmp_path / "sig").write_bytes(signature)
    (tmp_path / "signed").write_bytes(MESSAGE)
    for command in (
        "pkeyutl -verify -pubin -inkey key.pem -rawin -digest sha256 -in signed -sigfile sig",
        "dgst -sha256 -verify key.pem -signature sig signed",
    ):
        assert subprocess.run(["openssl", *command.split()], cwd=tmp_path, check=False).returncode == 0, command
    (tmp_path / "signed").write_bytes(MESSAGE[:-1])
    assert subprocess.run(["openssl", *command.split()], cwd=tmp_path, check=False).returncode != 0


def test_only_a_digest_of_the_message_leaves_this_machine(clients: Clients, world: embedded.World) -> None:
    sent: list[dict[str, Any]] = []

    def watched(region: str) -> Any:
        client = clients(region)
        client.meta.events.register("before-parameter-build.kms.Sign", lambda params, **_: sent.append(dict(params)))
        return client

    before = len(world.calls())
    open_key(f"awskms:{ALIAS}", watched).sign(MESSAGE)
    assert [one["Message"] for one in sent] == [hashlib.sha256(MESSAGE).digest()]
    assert [(call["service"], call["action"], call["status"]) for call in world.calls()[before:]] == [
        ("kms", "GetPublicKey", 200),
        ("kms", "Sign", 200),
    ]


def test_a_key_is_named_by_id_arn_or_alias(clients: Clients, stranger: Callable[[str], Any]) -> None:
    arn = stranger("kms").get_public_key(KeyId=ALIAS)["KeyId"]
    root = arn.partition(":key/")[0]
    names = (ALIAS, arn, arn.rpartition("/")[2], f"{root}:{ALIAS}")
    assert len({open_key(f"awskms:{name}", clients).keyid for name in names}) == 1


def test_the_region_of_an_arn_is_where_the_key_is_asked_for(clients: Clients) -> None:
    asked: list[str] = []

    def noting(region: str) -> Any:
        asked.append(region)
        return clients(region)

    arn = "arn:aws:kms:eu-central-1:444455556666:key/0f0f0f0f-0000-4000-8000-000000000000"
    with pytest.raises(NotFoundError):
        open_key(f"awskms:{arn}", noting)
    open_key(f"awskms:{ALIAS}", noting)
    assert asked == ["eu-central-1", ""]


def test_a_run_signs_with_the_key_that_it_opened_wherever_the_alias_points_later(
    clients: Clients, stranger: Callable[[str], Any], made: Callable[..., str]
) -> None:
    service = stranger("kms")
    first, second = made(), made()
    service.create_alias(AliasName="alias/moves", TargetKeyId=first)
    key = open_key("awskms:alias/moves", clients)
    service.update_alias(AliasName="alias/moves", TargetKeyId=second)
    assert key.sign(MESSAGE)
    assert open_key("awskms:alias/moves", clients).keyid != key.keyid


@pytest.mark.parametrize(
    "uri", ["", "awskms:", "awskms:alias/a b", "file2:alias/x", "awskms:arn:aws:s3:::bucket", "awskms://host/key"]
)
def test_what_names_no_key_is_said_before_anything_is_asked(uri: str) -> None:
    with pytest.raises(TargetError, match="expected awskms:<key id>"):
        open_key(uri, lambda _: pytest.fail("nothing is asked"))


def test_an_alias_that_is_not_there_is_named(clients: Clients) -> None:
    with pytest.raises(NotFoundError, match=r"kms:GetPublicKey alias/missing: NotFoundException: .*alias/missing"):
        open_key("awskms:alias/missing", clients)


@pytest.mark.parametrize(
    ("spec", "usage"),
    [("ECC_NIST_P384", "SIGN_VERIFY"), ("RSA_2048", "SIGN_VERIFY"), ("RSA_2048", "ENCRYPT_DECRYPT")],
)
def test_a_key_of_another_kind_is_refused_with_what_to_make(
    clients: Clients, made: Callable[..., str], spec: str, usage: str
) -> None:
    said = f"expected a key for SIGN_VERIFY of ECC_NIST_P256, got one for {usage} of {spec}\n  next: aws kms create-key"
    with pytest.raises(TargetError, match=said) as refused:
        open_key(f"awskms:{made(spec, usage)}", clients)
    assert refused.value.code == "WrongKey"


def test_a_key_that_was_disabled_or_is_being_deleted_signs_no_more(
    clients: Clients, stranger: Callable[[str], Any], made: Callable[..., str]
) -> None:
    name = made()
    key = open_key(f"awskms:{name}", clients)
    stranger("kms").disable_key(KeyId=name)
    with pytest.raises(TargetError, match="kms:Sign .*DisabledException: .* is disabled") as refused:
        key.sign(MESSAGE)
    assert "next: aws kms enable-key" in str(refused.value)
    with pytest.raises(TargetError, match="kms:GetPublicKey .*DisabledException"):
        open_key(f"awskms:{name}", clients)
    stranger("kms").schedule_key_deletion(KeyId=name, PendingWindowInDays=7)
    with pytest.raises(TargetError, match="KMSInvalidStateException: .* is pending deletion"):
        key.sign(MESSAGE)


class _Service(http.server.BaseHTTPRequestHandler):
    """A key service that answers as the test says: status and document, or a broken connection."""

    answers: ClassVar[dict[str, tuple[int, Any]]] = {}
    asked: ClassVar[list[str]] = []
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        action = self.headers["X-Amz-Target"].rpartition(".")[2]
        self.asked.append(action)
        status, document = self.answers[action]
        self.close_connection = True
        if not status:
            return
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


PRIVATE = ec.generate_private_key(ec.SECP256R1())
OTHER = ec.generate_private_key(ec.SECP256R1())


def _shown(public: Any, **more: Any) -> tuple[int, dict[str, Any]]:
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    told = {"KeyId": "arn:aws:kms:us-west-2:444455556666:key/x", "KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"}
    return 200, {**told, "PublicKey": b64encode(der).decode(), **more}


def _signed(signature: bytes) -> tuple[int, dict[str, Any]]:
    return 200, {"KeyId": "x", "Signature": b64encode(signature).decode(), "SigningAlgorithm": "ECDSA_SHA_256"}


@pytest.fixture
def liar() -> Iterator[type[_Service]]:
    """A key service that shows a real key; what it answers to `Sign` is the test's."""
    _Service.asked.clear()
    _Service.answers.clear()
    _Service.answers["GetPublicKey"] = _shown(PRIVATE.public_key())
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Service) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        _Service.endpoint = f"http://127.0.0.1:{server.server_port}"  # type: ignore[attr-defined]
        yield _Service
        server.shutdown()
        thread.join()


def _open(service: Any) -> KmsKey:
    keys = {"access_key_id": "AKIAAAAAAAAAAAAAAAAA", "secret_access_key": "secret"}
    session = Session("us-west-2", endpoint=service.endpoint, credentials=keys)
    return open_key(f"awskms:{ALIAS}", lambda region: session.client("kms", region=region))


def test_a_signature_of_the_shown_key_is_taken(liar: Any) -> None:
    liar.answers["Sign"] = _signed(PRIVATE.sign(MESSAGE, ec.ECDSA(SHA256())))
    assert _open(liar).sign(MESSAGE)


@pytest.mark.parametrize(
    "answer",
    [
        _signed(OTHER.sign(MESSAGE, ec.ECDSA(SHA256()))),
        _signed(PRIVATE.sign(MESSAGE + b" ", ec.ECDSA(SHA256()))),
        _signed(PRIVATE.sign(hashlib.sha256(MESSAGE).digest(), ec.ECDSA(SHA256()))),
        _signed(b""),
        _signed(b"\x30\x06\x02\x01\x01\x02\x01\x01"),
        (200, {}),
        (200, {"KeyId": "x"}),
    ],
    ids=[
        "another key",
        "another message",
        "hashed twice",
        "empty",
        "tiny numbers",
        "no fields",
        "no signature",
    ],
)
def test_an_answer_that_is_no_signature_of_the_key_is_never_used(liar: Any, answer: tuple[int, Any]) -> None:
    liar.answers["Sign"] = answer
    key = _open(liar)
    with pytest.raises(TargetError, match=f"the answer is no signature of {key.keyid}") as refused:
        key.sign(MESSAGE)
    assert refused.value.code == "WrongSignature"


def test_an_answer_that_is_no_document_is_none(liar: Any) -> None:
    liar.answers["Sign"] = (200, b"<html>")
    with pytest.raises(UnansweredError, match="the answer of Sign is not JSON"):
        _open(liar).sign(MESSAGE)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ((400, {"__type": "ThrottlingException", "message": "slower"}), ThrottledError),
        ((500, {"__type": "KMSInternalException", "message": "no"}), UnansweredError),
        ((503, {"__type": "DependencyTimeoutException", "message": "no"}), UnansweredError),
        ((0, None), UnansweredError),
    ],
    ids=["throttled", "internal error", "timeout behind it", "reset"],
)
def test_each_request_is_sent_once_and_its_failure_has_a_name(liar: Any, answer: Any, kind: type[TargetError]) -> None:
    liar.answers["Sign"] = answer
    key = _open(liar)
    with pytest.raises(kind, match="kms:Sign arn:aws:kms:"):
        key.sign(MESSAGE)
    assert liar.asked == ["GetPublicKey", "Sign"]


@pytest.mark.parametrize(
    "answer",
    [
        _shown(ec.generate_private_key(ec.SECP384R1()).public_key()),
        _shown(rsa.generate_private_key(65537, 2048).public_key()),
        _shown(PRIVATE.public_key(), PublicKey=b64encode(b"no key").decode()),
        _shown(PRIVATE.public_key(), KeyId=""),
        _shown(PRIVATE.public_key(), KeySpec="RSA_2048"),
        (200, {}),
    ],
    ids=["another curve", "another kind", "no key", "no name", "another spec", "no fields"],
)
def test_a_public_key_that_is_not_what_was_said_is_not_signed_with(liar: Any, answer: tuple[int, Any]) -> None:
    liar.answers["GetPublicKey"] = answer
    with pytest.raises(TargetError, match="kms:GetPublicKey alias/drproof-drills: WrongKey: "):
        _open(liar)


def test_a_digest_key_gives_the_same_digest_to_whoever_may_use_it_and_another_to_another_drill(
    world: embedded.World, clients: Clients, made: Callable[..., str]
) -> None:
    key = made("HMAC_256", "GENERATE_VERIFY_MAC")

    began = len(world.calls())
    first, again = (keyed_digest(f"awskms:{key}", b"drill-1", clients) for _ in range(2))

    note("function", "a digest key that is made by a key of the platform", world.calls()[began:])
    assert first == again
    assert len(first) == hashlib.sha256().digest_size
    assert keyed_digest(f"awskms:{key}", b"drill-2", clients) != first


def test_a_digest_key_that_is_none_is_refused(clients: Clients, made: Callable[..., str]) -> None:
    with pytest.raises(TargetError, match="expected awskms:<key id>"):
        keyed_digest("awskms:not a key", b"x", clients)
    with pytest.raises(TargetError):
        keyed_digest("awskms:00000000-0000-4000-8000-000000000000", b"x", clients)
