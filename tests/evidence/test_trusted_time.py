"""A token dates a file only when everything about it is right; nothing is asked, and nothing passes by default."""

import hashlib
import re
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID as Usage
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

from drproof.evidence.trust import Authority
from drproof.evidence.trusted_time import LARGEST, Dating, TrustedTime, check
from drproof.formats import timestamps
from drproof.model.errors import EvidenceError
from tests.authority import DAY, Root, Stamper, now

CLOSING = b'{"payload":"closing"}'
IMPRINT = hashlib.sha256(CLOSING).digest()
QUERY = TimestampRequestBuilder().data(CLOSING).hash_algorithm(HashAlgorithm.SHA256).build()
ROOT = Root()
STAMPER = ROOT.stamper()
TRUSTED = (Authority(name="tests", certificate=ROOT.pem),)


def _answer(stamper: Stamper = STAMPER, **spoiled: Any) -> bytes:
    return stamper.answer(QUERY.as_bytes(), **spoiled)


def _check(answer: bytes, authorities: Any = TRUSTED, **asked: Any) -> TrustedTime:
    return check(answer, IMPRINT, authorities, **asked)


def test_a_token_under_a_trusted_root_dates_the_closing_to_the_second() -> None:
    stated = now()
    found = _check(_answer(gen_time=stated), nonce=QUERY.nonce)
    assert (found.dating, found.authority, found.reason) == (Dating.DATED, "tests", "")
    assert timestamps.parse(found.at_latest) == stated + timedelta(milliseconds=999)


def test_the_instant_is_the_latest_that_the_authority_allows_for() -> None:
    stated = now()
    found = _check(_answer(gen_time=stated, accuracy={"seconds": 2, "millis": 500, "micros": 1}))
    assert timestamps.parse(found.at_latest) == stated + timedelta(seconds=3, milliseconds=500)


@pytest.mark.parametrize("spoiled", [{"with_root": True}, {"with_root": True, "unordered": True}, {"nonce": None}])
def test_what_authorities_leave_open_is_accepted(spoiled: dict[str, Any]) -> None:
    assert _check(_answer(**spoiled)).dating is Dating.DATED


def test_any_root_of_the_trust_file_will_do() -> None:
    other = Authority(name="other", certificate=Root("Another").pem)
    assert _check(_answer(), (other, *TRUSTED)).authority == "tests"


def test_a_certificate_has_to_be_valid_when_the_token_was_made_and_not_today() -> None:
    past = ROOT.stamper(since=now() - 30 * DAY, until=now() - 10 * DAY)
    assert _check(_answer(past, gen_time=now() - 20 * DAY)).dating is Dating.DATED


FALSE: dict[str, tuple[str, Any]] = {
    "refused": ("did not grant it: status 2 'the authority does not want to'", {"status": "rejection"}),
    "granted with changes": ("did not grant it: status 1", {"status": "granted_with_mods"}),
    "another file": (f"it dates {'78' * 32}, expected {IMPRINT.hex()}", {"imprint": b"x" * 32}),
    "another hash": ("expected SHA-256", {"imprint": b"x" * 48, "algorithm": "sha384"}),
    "hash of another name": ("expected SHA-256", {"algorithm": "sha3_256"}),
    "no token of time": ("no answer with a token", {"content_type": "data"}),
    "signed for another token": ("no authority of the trust file signed it: .*digest failure", {"signed_digest": b"x" * 32}),
    "two signers": ("it has 2 signers, expected one", {"signers": 2}),
    "before the certificate": ("not yet valid", {"gen_time": now() - 2 * DAY}),
    "after the certificate": ("certificate has expired", {"gen_time": now() + 2 * DAY}),
    "boundless accuracy": ("no answer with a token", {"accuracy": {"seconds": 10**12}}),
}  # fmt: skip


@pytest.mark.parametrize(("reason", "spoiled"), FALSE.values(), ids=FALSE)
def test_a_false_token_dates_nothing_and_says_why(reason: str, spoiled: dict[str, Any]) -> None:
    found = _check(_answer(**spoiled))
    assert (found.dating, found.at_latest, found.authority) == (Dating.INVALID, "", "")
    assert re.search(reason, found.reason), found.reason


SIGNERS: dict[str, tuple[str, Stamper]] = {
    "no purpose": ("not for time-stamping", ROOT.stamper(())),
    "another purpose": ("not for time-stamping alone", ROOT.stamper((Usage.CODE_SIGNING,))),
    "purposes beside it": (
        "not for time-stamping alone",
        ROOT.stamper((Usage.TIME_STAMPING, Usage.CODE_SIGNING)),
    ),
    "not critical": ("not for time-stamping alone", ROOT.stamper(critical=False)),
    "expired": ("certificate has expired", ROOT.stamper(until=now() - DAY / 2)),
    "another root": ("no authority of the trust file signed it", Root("Another").stamper()),
    "another root of the same name": ("no authority of the trust file signed it", Root().stamper()),
}


@pytest.mark.parametrize(("reason", "stamper"), SIGNERS.values(), ids=SIGNERS)
def test_a_signer_who_is_no_time_stamper_dates_nothing(reason: str, stamper: Stamper) -> None:
    found = _check(_answer(stamper))
    assert found.dating is Dating.INVALID
    assert reason in found.reason


def test_an_answer_to_another_request_is_told_by_its_nonce() -> None:
    assert "its nonce is 5, expected 6" in _check(_answer(nonce=5), nonce=6).reason
    assert "its nonce is None, expected 6" in _check(_answer(nonce=None), nonce=6).reason
    assert _check(_answer(nonce=5)).dating is Dating.DATED


@pytest.mark.parametrize("data", [b"", b"<html>", b"\x30", b"\x30\x80", _answer() + b"\0", b"\x30\x03\x02\x01\x00"])
def test_bytes_that_are_no_answer_are_invalid(data: bytes) -> None:
    assert _check(data).dating is Dating.INVALID


def test_an_answer_cut_anywhere_is_invalid() -> None:
    whole = _answer(with_root=True)
    assert {_check(whole[:length]).dating for length in range(len(whole))} == {Dating.INVALID}


def test_whatever_byte_is_changed_the_instant_is_the_signed_one_or_none() -> None:
    whole = _answer(with_root=True)
    stated = _check(whole).at_latest
    found = set()
    for at in range(len(whole)):
        changed = bytearray(whole)
        changed[at] ^= 0x04
        found.add(_check(bytes(changed)).at_latest)
    assert len(whole) > 800
    assert found <= {"", stated}
    assert "" in found


def test_a_huge_answer_is_not_read() -> None:
    assert f"more than {LARGEST}" in _check(b"\x30" * (LARGEST + 1)).reason


def test_without_a_trusted_authority_nothing_is_dated() -> None:
    found = _check(_answer(), ())
    assert (found.dating, found.reason) == (Dating.UNCHECKED, "not checked: no authority is trusted")


def test_what_is_wrong_without_any_authority_is_still_said() -> None:
    assert _check(_answer(imprint=b"x" * 32), ()).dating is Dating.INVALID


def test_without_the_library_nothing_is_dated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rfc3161_client", None)
    found = _check(_answer())
    assert found.dating is Dating.UNCHECKED
    assert _check(_answer(imprint=b"x" * 32)).dating is Dating.INVALID
    assert found.reason == "not checked: that takes rfc3161-client, pip install 'drproof[tsa]'"


def test_an_authority_without_a_certificate_is_an_error_of_the_trust_file() -> None:
    with pytest.raises(EvidenceError, match="the authority 'paper' has no certificate in PEM") as wrong:
        _check(_answer(), (Authority(name="paper", certificate="on paper"),))
    assert wrong.value.code == "trust-file"


def test_checking_a_token_reaches_no_network(tmp_path: Path) -> None:
    (tmp_path / "token").write_bytes(_answer())
    (tmp_path / "root.pem").write_text(ROOT.pem)
    program = f"""
import sys
from pathlib import Path
from drproof.evidence.trust import Authority
from drproof.evidence.trusted_time import check
trusted = (Authority(name="tests", certificate=Path("root.pem").read_text()),)
found = check(Path("token").read_bytes(), {IMPRINT!r}, trusted)
loaded = {{"http.client", "urllib.request", "requests", "ssl", "boto3", "kubernetes", "asyncio"}} & set(sys.modules)
print(found.dating, sorted(loaded))
"""
    ended = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert ended.stdout == "dated []\n"


CONFIGURATION = """
[tsa]
default_tsa = t
[t]
serial = serial
crypto_device = builtin
signer_cert = tsa.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
certs = chain.pem
"""


def test_openssl_and_we_agree_about_each_others_tokens(tmp_path: Path) -> None:
    def openssl(command: str) -> int:
        return subprocess.run(["openssl", "ts", *command.split()], cwd=tmp_path, check=False).returncode

    (tmp_path / "root.pem").write_text(ROOT.pem)
    (tmp_path / "query.tsq").write_bytes(QUERY.as_bytes())
    (tmp_path / "closing").write_bytes(CLOSING)
    (tmp_path / "ours.tsr").write_bytes(_answer())
    assert openssl("-verify -data closing -in ours.tsr -CAfile root.pem") == 0
    assert openssl("-verify -queryfile query.tsq -in ours.tsr -CAfile root.pem") == 0
    (tmp_path / "ours.tsr").write_bytes(_answer(imprint=b"x" * 32))
    assert openssl("-verify -data closing -in ours.tsr -CAfile root.pem") != 0

    key = STAMPER.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "tsa.key").write_bytes(key)
    pem = STAMPER.certificate.public_bytes(Encoding.PEM)
    (tmp_path / "tsa.pem").write_bytes(pem)
    (tmp_path / "chain.pem").write_text(ROOT.pem)
    (tmp_path / "serial").write_text("01\n")
    (tmp_path / "configuration").write_text(CONFIGURATION)
    before = now()
    assert openssl("-reply -queryfile query.tsq -config configuration -out theirs.tsr") == 0
    found = _check((tmp_path / "theirs.tsr").read_bytes(), nonce=QUERY.nonce)
    assert found.dating is Dating.DATED, found.reason
    assert before <= timestamps.parse(found.at_latest) <= now() + timedelta(seconds=1)
    assert isinstance(timestamps.parse(found.at_latest), datetime)
