"""No secret of 40 kinds passes in any disguise; honest facts are no secrets; a hit says where and never what."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from drproof.evidence.redaction import MASK, Redactor
from drproof.evidence.tripwire import scan, scan_json, spans
from tests.drill.plants import Plant, forms, grow

SEEDS = (1, 2, 3)
SAMPLE = Path(__file__).parents[2] / "reports/sample"


def _split(text: str) -> str:
    """Cut a text in two inside its secret, as a terminal of 80 columns does."""
    middle = len(text) - len(text) // 3
    return f"{text[:middle]}\n{text[middle:]}"


DISGUISES: dict[str, Callable[[str], str]] = {
    "as it is": lambda text: text,
    "behind another name": lambda text: f"token      = '{text}'",
    "in a sentence": lambda text: f"the tool said: {text} and went on",
    "json in json": lambda text: json.dumps({"output": json.dumps({"line": text})}),
    "percent": lambda text: f"https://h.example/?q={quote(text, safe='')}",
    "base64": lambda text: f"payload {base64.b64encode(text.encode()).decode()}",
    "base64 of json": lambda text: base64.b64encode(json.dumps({"data": text}).encode()).decode(),
    "hex": lambda text: text.encode().hex(),
    "html": lambda text: text.replace("&", "&amp;").replace('"', "&#34;").replace("=", "&#61;"),
}
ALL = [(plant, disguise) for seed in SEEDS for plant in grow(seed) for disguise in DISGUISES]
IDS = [f"{plant.kind}, {disguise}" for seed in SEEDS for plant in grow(seed) for disguise in DISGUISES]


def test_there_are_enough_kinds_and_places():
    assert len({plant.kind for plant in grow(1)}) >= 40
    assert len(DISGUISES) >= 8


@pytest.mark.parametrize(("plant", "disguise"), ALL, ids=IDS)
def test_a_secret_trips_in_every_disguise(plant: Plant, disguise: str):
    text = DISGUISES[disguise](plant.shown)

    assert spans(text), text
    assert scan(json.dumps({"log": ["begins", text]}).encode())


@pytest.mark.parametrize(("plant", "disguise"), ALL, ids=IDS)
def test_nothing_of_a_secret_is_left_in_the_words_of_others(plant: Plant, disguise: str):
    text = DISGUISES[disguise](plant.shown)

    redacted = Redactor(salt=b"salt").redact(text)

    assert MASK in redacted
    assert [form for form in forms(plant) if form in redacted] == []


@pytest.mark.parametrize("plant", grow(4), ids=lambda plant: plant.kind)
def test_a_secret_that_a_line_break_cuts_is_masked_on_both_sides(plant: Plant):
    redacted = Redactor(salt=b"salt").redact(_split(plant.shown))

    assert [form for form in forms(plant) if form in redacted] == []


@pytest.mark.parametrize("plant", grow(5), ids=lambda plant: plant.kind)
def test_our_own_text_and_json_lose_a_secret_and_keep_the_rest(plant: Plant):
    redactor = Redactor()
    document: Any = {"status": "ok", "rows": [{"said": f"it began; {plant.shown}"}], plant.shown: 1}

    masked = json.dumps(redactor.masked(document))

    assert '"status": "ok"' in masked
    assert [form for form in forms(plant) if form in masked or form in redactor.mask(f"a {plant.shown}")] == []
    assert scan(masked.encode()) == ()


@pytest.mark.parametrize("path", sorted(path for path in SAMPLE.rglob("*") if path.is_file()), ids=str)
def test_nothing_in_an_honest_bundle_trips(path: Path):
    assert scan(path.read_bytes(), journal=path.name == "journal.log") == ()


HONEST = {
    "digest": f"sha256:{'0f' * 32}",
    "image": f"111122223333.dkr.ecr.us-east-1.amazonaws.com/atlas@sha256:{'ab' * 32}",
    "arn": "arn:aws:sts::111122223333:assumed-role/drill-runner/i-0123456789abcdef0",
    "public key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGtJZ3VhcmFudGVlZG5vdGFzZWNyZXRrZXkxMjM0NTY3ODk drill",
    "rsa public key": f"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQ{'Ck3x9' * 40}",
    "version id": "3sL4kqtJlcpXroDTDmJrmSpXd3dIbrHYMTRCxf3vjVBH40Nr8X8gdRQBpUMLUo",
    "etag": '"d41d8cd98f00b204e9800998ecf8427e-38"',
    "uid": "8dd44f03-4f32-4afc-9750-034d79288052",
    "manifest": '{"spec":{"imagePullSecrets":[{"name":"ecr-pull"}],"automountServiceAccountToken":false}}',
    "reference": '{"valueFrom":{"secretKeyRef":{"name":"atlas-secrets","key":"password"}}}',
    "tagged": '{"kind":"Secret","data":{"password":"hmac-sha256:' + "ab" * 32 + '"}}',
    "prose": "The password is required; no token was given, and the secret: not found.",
    "registry": "https://registry.example:5000/atlas@sha256:" + "cd" * 32,
    "refusal": "pull access denied, repository does not exist or may require authorization: server message",
}


@pytest.mark.parametrize("text", HONEST.values(), ids=HONEST)
def test_honest_facts_are_no_secrets(text: str):
    assert spans(text) == []
    assert scan(json.dumps({"fact": text}).encode()) == ()


def test_a_certificate_and_a_public_key_are_no_secrets():
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

    for key in (ed25519.Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP256R1())):
        public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        private = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        document = {"certificate-authority-data": base64.b64encode(public).decode()}
        assert scan_json(document) == ()
        assert [hit.rule for hit in scan_json({"body": base64.b64encode(private).decode()})] == ["private-key"]


def test_a_hit_says_where_and_which_rule_and_never_what():
    secret = f"ghp_{'aB3dE6gH9' * 4}"

    (hit,) = scan_json({"a": [{"b/c": f"x {secret}"}]})
    (line,) = scan(f"first\nthe key {secret}\n".encode())

    assert (hit.where, hit.rule) == ("/a/0/b~1c", "github-token")
    assert (line.where, line.rule) == ("line 2, column 9", "github-token")
    assert secret not in f"{hit}{line}"


def test_a_name_that_is_a_secret_itself_is_not_said():
    secret = f"ghp_{'aB3dE6gH9' * 4}"

    assert [hit.where for hit in scan_json({secret: {"inner": 1}})] == ["/<name>"]


def test_a_secret_spread_over_a_list_trips():
    secret = f"ghp_{'aB3dE6gH9' * 4}"

    assert [hit.where for hit in scan_json({"tail": [secret[:9], secret[9:]]})] == ["/tail"]
    assert Redactor().masked({"tail": ["ok", secret[:9], secret[9:]]}) == {"tail": ["ok", MASK, MASK]}


def test_a_bundle_is_scanned_in_about_a_second():
    import time

    began = time.process_time()
    for path in SAMPLE.rglob("*"):
        if path.is_file():
            scan(path.read_bytes(), journal=path.name == "journal.log")
    assert time.process_time() - began < 3, "of the processor's time, on a slow machine"
