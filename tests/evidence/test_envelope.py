"""An envelope has one form only, and the standard's own bytes are what is signed."""

import base64
import json

import pytest

from drproof.evidence import envelope
from drproof.evidence.canonical import canonical
from drproof.model.errors import EvidenceError
from tests.evidence.keys import RUNNER, p256

PAYLOAD = b'{"_type":"x"}'


def test_what_is_signed_is_the_encoding_of_the_standard():
    assert envelope.authenticated(b"hello") == b"DSSEv1 28 application/vnd.in-toto+json 5 hello"
    assert envelope.authenticated(b"") == b"DSSEv1 28 application/vnd.in-toto+json 0 "


@pytest.mark.parametrize("signers", [(), (RUNNER,), (RUNNER, p256("second"))], ids=["nobody", "one", "two"])
def test_an_envelope_is_read_as_it_was_written(signers):
    read = envelope.read(envelope.sealed(PAYLOAD, signers))

    assert read.payload == PAYLOAD
    assert [signature.keyid for signature in read.signatures] == [signer.keyid for signer in signers]
    assert read.message == envelope.authenticated(PAYLOAD)


def broken() -> dict[str, bytes]:
    good = json.loads(envelope.sealed(PAYLOAD, [RUNNER]))
    signature = good["signatures"][0]
    sig = signature["sig"]
    raw = base64.b64decode(sig)

    def with_(**changes: object) -> bytes:
        return canonical({**good, **changes})

    def signed(**changes: object) -> bytes:
        return with_(signatures=[{**signature, **changes}])

    # The last character of one of 64 bytes carries four bits that decoders throw away.
    spare = sig[:-3] + chr(ord(sig[-3]) + 1) + "=="
    assert base64.b64decode(spare) == raw
    return {
        "an extra member": with_(extra=1),
        "a missing member": canonical({"payload": good["payload"], "payloadType": good["payloadType"]}),
        "another type": with_(payloadType="application/json"),
        "whitespace": envelope.sealed(PAYLOAD, [RUNNER]).replace(b",", b", ", 1),
        "a newline at the end": envelope.sealed(PAYLOAD, [RUNNER]) + b"\n",
        "a duplicate member": b'{"payload":"",' + envelope.sealed(PAYLOAD, [RUNNER])[1:],
        "a list": b"[]",
        "nothing": b"",
        "no JSON": b"\xff",
        "a payload without padding": with_(payload=good["payload"].rstrip("=")),
        "a payload with a newline": with_(payload=good["payload"] + "\n"),
        "a payload of the URL alphabet": with_(payload="-_8="),
        "a payload that is null": with_(payload=None),
        "signatures that are null": with_(signatures=None),
        "five signatures": with_(signatures=[{**signature, "keyid": f"{number:064x}"} for number in range(5)]),
        "a key that signed twice": with_(signatures=[signature, signature]),
        "an extra member of a signature": signed(extra=1),
        "a keyid in capitals": signed(keyid=signature["keyid"].upper()),
        "a short keyid": signed(keyid="abc"),
        "a signature with spare bits": signed(sig=spare),
        "a signature with a blank": signed(sig=" " + sig),
        "a signature outside ASCII": signed(sig="é"),
    }


@pytest.mark.parametrize("kind", broken())
def test_anything_else_is_no_envelope(kind):
    with pytest.raises(EvidenceError) as refused:
        envelope.read(broken()[kind])
    assert refused.value.code == "envelope"
