"""Every call ends in time, whatever its server drips."""

import itertools
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from drproof.model.cluster import CONFIG_MAP
from drproof.model.errors import TargetError, UnansweredError
from drproof.targets.kubernetes import bounded
from drproof.targets.kubernetes import cluster as adapter
from drproof.targets.kubernetes.client import Wire
from drproof.targets.kubernetes.cluster import KubernetesCluster
from drproof.targets.kubernetes.errors import Asked
from tests.targets.conftest import make_intent
from tests.targets.kubernetes.conftest import Answering, Authority, Scripted, config_of
from tests.targets.kubernetes.drips import ALL, DRIPS, LOG, ONE, PIN, SECONDS, in_time, manifest


@pytest.fixture
def hasty(scripted: Scripted) -> Iterator[KubernetesCluster]:
    """The cluster of the scripted server, whose requests have no more than SECONDS."""
    opened = KubernetesCluster.opened(Wire(config_of(scripted.url), seconds=SECONDS), context="test")
    yield opened
    opened.close()


# One request


@pytest.mark.parametrize("drip", DRIPS.values(), ids=DRIPS)
def test_a_question_ends_in_time_whatever_drips(scripted, hasty, drip):
    scripted.answers["GET", ONE] = drip

    with in_time(), pytest.raises(TargetError, match="kubernetes:get ConfigMap/dr/state: Unreachable: ") as caught:
        hasty.get(CONFIG_MAP, "state", namespace="dr")
    assert (caught.value.code, type(caught.value)) == ("Unreachable", TargetError)


@pytest.mark.parametrize("drip", DRIPS.values(), ids=DRIPS)
def test_a_change_ends_in_time_whatever_drips_and_may_have_happened(scripted, hasty, drip):
    scripted.answers["PATCH", ONE] = drip

    with in_time(), pytest.raises(UnansweredError, match="kubernetes:apply ConfigMap/dr/state: Unanswered: "):
        hasty.apply(make_intent(), manifest())


def change(cluster: KubernetesCluster, verb: str) -> None:
    if verb == "delete":
        cluster.delete(make_intent(), CONFIG_MAP, "state", namespace="dr", uid="u", timeout_ms=200)
    else:
        getattr(cluster, verb)(make_intent(), manifest())


CHANGES = {"create": ("POST", ALL), "replace": ("PUT", ONE), "delete": ("DELETE", ONE)}


@pytest.mark.parametrize("verb", CHANGES)
def test_every_change_ends_in_time(scripted, hasty, verb):
    scripted.answers[CHANGES[verb]] = DRIPS["a body"]

    with in_time(), pytest.raises(UnansweredError, match=f"kubernetes:{verb} "):
        change(hasty, verb)


def test_every_other_question_ends_in_time(scripted, hasty):
    for path in (ALL, LOG, PIN, "/apis"):
        scripted.answers["GET", path] = DRIPS["a body"]
    scripted.answers["POST", ALL] = DRIPS["a header"]

    for ask in (
        lambda: hasty.list(CONFIG_MAP, namespace="dr"),
        hasty.everything,
        lambda: hasty.try_out(manifest()),
        lambda: hasty.logs("p", namespace="dr", container="main", limit_bytes=10_000),
        hasty.assert_pinned,
    ):
        with in_time(), pytest.raises(TargetError) as caught:
            ask()
        assert (caught.value.code, type(caught.value)) == ("Unreachable", TargetError)


def test_an_open_ends_in_time(scripted):
    scripted.answers["GET", PIN] = DRIPS["headers"]

    with in_time(), pytest.raises(TargetError, match="kubernetes:pin .*Unreachable"):
        KubernetesCluster.opened(Wire(config_of(scripted.url), seconds=SECONDS), context="x")


def test_a_change_before_which_the_pin_drips_is_not_sent(scripted, hasty):
    scripted.answers["GET", PIN] = DRIPS["a body"]

    with in_time(), pytest.raises(TargetError, match="kubernetes:pin ") as caught:
        hasty.apply(make_intent(), manifest())
    assert not isinstance(caught.value, UnansweredError)
    assert "PATCH" not in {method for method, _, _ in scripted.asked}


def test_a_server_that_does_not_take_what_it_is_sent_is_not_waited_for(scripted, hasty):
    scripted.deaf.add(("PATCH", ONE))
    scripted.answers["PATCH", ONE] = lambda _: time.sleep(3)

    with in_time(), pytest.raises(UnansweredError, match="Unanswered"):
        hasty.apply(make_intent(), manifest(a="x" * (32 << 20)))


def test_after_a_call_that_ran_out_of_time_the_next_is_answered(scripted, hasty):
    scripted.answers["GET", ONE] = DRIPS["a body"]
    with pytest.raises(TargetError):
        hasty.get(CONFIG_MAP, "state", namespace="dr")

    scripted.answers["GET", ONE] = (200, manifest(a="1"))
    found = hasty.get(CONFIG_MAP, "state", namespace="dr")

    assert found == manifest(a="1")


# Before anything is asked


@contextmanager
def peer(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server of which only the connection is answered; its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection, suppress(OSError):
                        answer(connection)

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]


@pytest.mark.parametrize("record", [b"", b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc"], ids=["silent", "dripping"])
def test_a_handshake_that_never_ends_is_ended(record):
    def shake(connection: socket.socket) -> None:
        connection.sendall(record)
        for _ in range(300):
            if record:
                connection.sendall(b"\x03")
            time.sleep(0.02)

    with peer(shake) as port:
        wire = Wire(config_of(f"https://127.0.0.1:{port}"), trust=ssl.create_default_context(), seconds=SECONDS)
        with in_time(), pytest.raises(TargetError, match="Unreachable") as caught:
            KubernetesCluster.opened(wire, context="x")
    assert caught.value.code == "Unreachable"


@pytest.mark.parametrize("drip", ["a header", "a body", "chunks"])
def test_under_tls_too_a_call_ends_in_time(secured, authority: Authority, drip):
    trust = ssl.create_default_context(cadata=authority.pem.decode())
    config = config_of(f"https://127.0.0.5:{secured.server_port}", tls_server_name="127.0.0.1")
    cluster = KubernetesCluster.opened(Wire(config, trust=trust, seconds=SECONDS), context="x")
    secured.answers["GET", ONE] = DRIPS[drip]
    secured.answers["PATCH", ONE] = DRIPS[drip]

    with in_time(), pytest.raises(TargetError) as read:
        cluster.get(CONFIG_MAP, "state", namespace="dr")
    with in_time(), pytest.raises(UnansweredError):
        cluster.apply(make_intent(), manifest())
    assert read.value.code == "Unreachable"


def test_under_tls_too_what_is_sent_is_whole(secured, authority: Authority):
    trust = ssl.create_default_context(cadata=authority.pem.decode())
    config = config_of(f"https://127.0.0.5:{secured.server_port}", tls_server_name="127.0.0.1")
    cluster = KubernetesCluster.opened(Wire(config, trust=trust), context="x")
    secured.answers["PATCH", ONE] = (200, manifest())
    large = manifest(a="zürich" * 100_000)

    cluster.apply(make_intent(), large)

    assert secured.bodies[-1] == large


def test_a_server_that_takes_no_connection_is_not_waited_for():
    with socket.socket() as server, socket.socket() as first, socket.socket() as second:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for each in (first, second):
            each.setblocking(False)
            with suppress(BlockingIOError):
                each.connect(server.getsockname())
        time.sleep(0.1)
        wire = Wire(config_of(f"http://127.0.0.1:{server.getsockname()[1]}"), seconds=SECONDS)
        with in_time(), pytest.raises(TargetError, match="Unreachable: ConnectTimeoutError") as caught:
            wire.ask(Asked(call="kubernetes:apply", changes=True), "PATCH", ONE)
    assert not isinstance(caught.value, UnansweredError), "nothing was sent"


def test_a_resolver_that_hangs_is_not_waited_for(monkeypatch):
    hang = threading.Event()

    def hanging(*_: Any, **__: Any) -> list[Any]:
        hang.wait(5)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hanging)

    wire = Wire(config_of("http://api.example.test:6443"), seconds=SECONDS)
    with in_time(), pytest.raises(TargetError, match="Unreachable: .*no resolver gave the address") as caught:
        wire.ask(Asked(call="kubernetes:apply", changes=True), "PATCH", ONE)
    hang.set()
    assert not isinstance(caught.value, UnansweredError), "nothing was sent"


@pytest.mark.parametrize("failure", [socket.gaierror(-2, "Name or service not known"), UnicodeError("label too long")])
def test_a_name_that_nobody_knows_is_unreachable(monkeypatch, failure):
    def unknown(*_: Any, **__: Any) -> None:
        raise failure

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    wire = Wire(config_of("http://api.example.test:6443"), seconds=5)

    with in_time(), pytest.raises(TargetError, match="Unreachable: NameResolutionError.*api.example.test"):
        wire.ask(Asked(call="kubernetes:get"), "GET", ONE)


def test_a_command_for_credentials_has_no_more_time_than_the_call(scripted):
    told: list[float] = []

    def bearer(seconds: float) -> str:
        told.append(seconds)
        return "token"

    wire = Wire(config_of(scripted.url, token=""), bearer=bearer, seconds=30)
    with bounded.within(2.0):
        wire.ask(Asked(call="test"), "GET", PIN)
    wire.ask(Asked(call="test"), "GET", PIN)

    assert 1.0 < told[0] <= 2.0
    assert 2.0 < told[1] <= 30.0
    assert scripted.headers[-1]["authorization"] == "Bearer token"


# A call of many requests


def slowly(answer: tuple[int, object], seconds: float = 0.25) -> Callable[[Answering], None]:
    def say(answering: Answering) -> None:
        time.sleep(seconds)
        answering.say(*answer)

    return say


def test_a_call_of_many_requests_has_one_time_for_all(scripted, cluster, monkeypatch):
    for place in (("GET", PIN), ("GET", "/api/v1")):
        scripted.answers[place] = slowly(scripted.answers[place], 0.9)
    scripted.answers["POST", ALL] = slowly((200, manifest()), 4.5)
    monkeypatch.setattr(adapter, "CALL_SECONDS", 3.0)

    with in_time(3.0, grace=1.5), pytest.raises(UnansweredError, match="kubernetes:create"):
        cluster.create(make_intent(), manifest())


def test_a_request_for_which_no_time_is_left_is_not_sent(scripted, cluster):
    with bounded.within(0.0), pytest.raises(TargetError, match="over before this was sent") as caught:
        cluster.apply(make_intent(), manifest())
    assert (caught.value.code, type(caught.value), scripted.asked) == ("Unreachable", TargetError, [])


def pages(tokens: Iterator[str], seconds: float = 0.0) -> Callable[[Answering], None]:
    def say(answering: Answering) -> None:
        time.sleep(seconds)
        answering.say(200, {"items": [{}], "metadata": {"continue": next(tokens)}})

    return say


def test_a_list_that_goes_on_where_it_was_before_is_ended(scripted, cluster):
    scripted.answers["GET", ALL] = pages(itertools.cycle(["a", "b", "c"]))

    with pytest.raises(TargetError, match="kubernetes:list ConfigMap/dr: Unreadable: .*at an earlier one") as caught:
        cluster.list(CONFIG_MAP, namespace="dr")
    assert caught.value.code == "Unreadable"
    assert len([1 for _, path, _ in scripted.asked if path == ALL]) == 4


def test_a_list_has_an_end_of_pages_and_of_time(scripted, cluster, monkeypatch):
    monkeypatch.setattr(adapter, "MOST_PAGES", 5)
    scripted.answers["GET", ALL] = pages(map(str, itertools.count()))
    with pytest.raises(TargetError, match="Unreadable: expected at most 5 pages"):
        cluster.list(CONFIG_MAP, namespace="dr")

    monkeypatch.setattr(adapter, "MOST_PAGES", 1000)
    monkeypatch.setattr(adapter, "LIST_SECONDS", SECONDS)
    scripted.answers["GET", ALL] = pages(map(str, itertools.count()), 0.05)
    with in_time(), pytest.raises(TargetError, match="Unreachable"):
        cluster.list(CONFIG_MAP, namespace="dr")
