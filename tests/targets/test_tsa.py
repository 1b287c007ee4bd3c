"""An authority is asked once, in bounded time, and believed only when its answer is right."""

import hashlib
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rfc3161_client import decode_timestamp_response

from drproof.evidence.trust import Authority as Trusted
from drproof.evidence.trusted_time import LARGEST, Dating
from drproof.model.errors import TargetError, UnansweredError
from drproof.targets import tsa
from tests.authority import DAY, REPLY, Authority, Root, now, serving
from tests.patience import PATIENCE

CLOSING = b'{"payload":"closing"}'


@pytest.fixture
def authority() -> Iterator[Authority]:
    """A running authority that is honest until a test says otherwise."""
    with serving() as running:
        yield running


def _ask(authority: Authority, **more: Any) -> Any:
    return tsa.ask(authority.url, CLOSING, (Trusted(name="tests", certificate=authority.pem),), **more)


def _http(status: int = 200, kind: str = REPLY, body: bytes = b"", **headers: str) -> Any:
    return lambda _: (status, {"Content-Type": kind, **headers}, body)


def test_an_honest_authority_dates_the_closing(authority: Authority) -> None:
    before = now()
    answer, found = _ask(authority)
    assert (found.dating, found.authority) == (Dating.DATED, "tests")
    response = decode_timestamp_response(answer)
    assert response.tst_info.message_imprint.message == hashlib.sha256(CLOSING).digest()
    assert before <= response.tst_info.gen_time <= now()


def test_only_a_digest_a_nonce_and_the_wish_for_a_certificate_are_sent(authority: Authority) -> None:
    first, second = _ask(authority), _ask(authority)
    assert [kind for kind, _ in authority.asked] == ["application/timestamp-query"] * 2
    assert all(CLOSING not in body and hashlib.sha256(CLOSING).digest() in body for _, body in authority.asked)
    assert authority.asked[0][1] != authority.asked[1][1]
    assert all(body.endswith(b"\x01\x01\xff") for _, body in authority.asked)
    assert first[0] != second[0]


def test_without_a_trusted_root_the_answer_is_kept_and_dates_nothing(authority: Authority) -> None:
    answer, found = tsa.ask(authority.url, CLOSING)
    assert answer
    assert found.dating is Dating.UNCHECKED


FALSE: dict[str, tuple[str, dict[str, Any]]] = {
    "another file": ("it dates 7878", {"imprint": b"x" * 32}),
    "another request": ("it answers another request: its nonce is 5", {"nonce": 5}),
    "no nonce": ("it answers another request: its nonce is None", {"nonce": None}),
    "refused": ("did not grant it: status 2", {"status": "rejection"}),
    "waiting": ("did not grant it: status 3", {"status": "waiting"}),
}


@pytest.mark.parametrize(("said", "spoiled"), FALSE.values(), ids=FALSE)
def test_a_false_answer_is_not_kept(authority: Authority, said: str, spoiled: dict[str, Any]) -> None:
    authority.answer = lambda request: authority.stamper.answer(request, **spoiled)
    with pytest.raises(TargetError, match=f"WrongToken: .*{said}") as wrong:
        _ask(authority)
    assert wrong.value.code == "WrongToken"
    assert len(authority.asked) == 1


@pytest.mark.parametrize(
    ("said", "stamper"),
    [
        ("certificate has expired", lambda root: root.stamper(until=now() - DAY / 2)),
        ("not for time-stamping", lambda root: root.stamper(())),
        ("no authority of the trust file signed it", lambda _: Root("Another").stamper()),
    ],
    ids=["expired", "no time-stamper", "another root"],
)
def test_an_answer_of_somebody_else_is_not_kept(said: str, stamper: Any) -> None:
    root = Root()
    with serving(stamper=stamper(root)) as other, pytest.raises(TargetError, match=f"WrongToken: .*{said}"):
        tsa.ask(other.url, CLOSING, (Trusted(name="tests", certificate=root.pem),))


HTTP: dict[str, tuple[str, str, Any]] = {
    "a page": ("NoToken", "expected application/timestamp-reply, got text/html", _http(200, "text/html", b"<html>")),
    "a page that says it is none": ("WrongToken", "no answer with a token", _http(200, REPLY, b"<html>")),
    "moved": ("302", "which sends elsewhere: 'http://elsewhere/'", _http(302, Location="http://elsewhere/")),
    "moved as it is": ("307", "expected status 200, got 307", _http(307, Location="/other")),
    "unknown": ("404", "expected status 200, got 404", _http(404)),
    "broken": ("500", "expected status 200, got 500", _http(500)),
    "empty": ("WrongToken", "no answer with a token", _http()),
    "huge": ("TooLarge", f"more than {LARGEST} bytes", _http(200, REPLY, b"\x30" * (10 << 20))),
}


@pytest.mark.parametrize(("code", "said", "answer"), HTTP.values(), ids=HTTP)
def test_what_is_no_token_is_said_and_nobody_is_asked_again(
    authority: Authority, code: str, said: str, answer: Any
) -> None:
    authority.answer = answer
    with pytest.raises(TargetError, match=said) as wrong:
        _ask(authority)
    assert (wrong.value.code, wrong.value.call, len(authority.asked)) == (code, "tsa:timestamp", 1)


def test_a_token_that_is_cut_short_is_not_kept(authority: Authority) -> None:
    authority.answer = lambda request: authority.stamper.answer(request)[:-20]
    with pytest.raises(TargetError, match="WrongToken"):
        _ask(authority)


def test_an_authority_that_drips_is_left(authority: Authority) -> None:
    authority.hangs = 10 * PATIENCE
    started = time.monotonic()
    with pytest.raises(UnansweredError, match=r"Timeout: no answer within 0\.4 s"):
        _ask(authority, seconds=0.4)
    assert time.monotonic() - started < PATIENCE


def test_an_authority_that_says_nothing_is_left() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/tsr"
        with pytest.raises(UnansweredError, match=r"Timeout: no answer within 0\.3 s"):
            tsa.ask(url, CLOSING, seconds=0.3)


def test_an_authority_behind_tls_has_to_be_who_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    web = Root("Web")
    with serving(tls=web.server(tmp_path)) as secured:
        assert secured.url.startswith("https://")
        with pytest.raises(UnansweredError, match="SSLError: .*certificate verify failed"):
            _ask(secured)
        assert secured.asked == []
        (tmp_path / "web.pem").write_text(web.pem)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "web.pem"))
        assert _ask(secured)[1].dating is Dating.DATED


def test_a_port_where_nobody_listens_is_no_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(UnansweredError, match=f"tsa:timestamp http://127.0.0.1:{port}/tsr: "):
        tsa.ask(f"http://127.0.0.1:{port}/tsr?key=hidden", CLOSING)


def test_what_may_be_a_key_in_an_address_is_not_shown(authority: Authority) -> None:
    authority.answer = _http(403)
    with pytest.raises(TargetError) as wrong:
        tsa.ask(f"{authority.url}?key=hidden", CLOSING)
    assert "hidden" not in str(wrong.value)


@pytest.mark.parametrize(
    "url",
    ["", "tsa", "ftp://host/x", "http://", "http://a b/", "http://host:x/", "http://me:secret@host/", "http://h/#x"],
)
def test_what_is_no_address_is_refused_before_anything_is_asked(url: str) -> None:
    with pytest.raises(ValueError, match="expected an address") as wrong:
        tsa.ask(url, CLOSING)
    assert "secret" not in str(wrong.value)


def test_without_the_library_the_next_command_is_said(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rfc3161_client", None)
    with pytest.raises(TargetError, match=r"LibraryMissing: .*\n  next: pip install 'drproof\[tsa\]'"):
        _ask(authority)
    assert authority.asked == []
