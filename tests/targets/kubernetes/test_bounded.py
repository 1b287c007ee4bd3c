"""Every call ends in time, whatever its server drips."""

import itertools
import select
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
from tests.patience import PATIENCE
from tests.shares import FEW
from tests.targets.conftest import make_intent
from tests.targets.kubernetes.conftest import Answering, Authority, Scripted, config_of
from tests.targets.kubernetes.drips import ALL, DRIPS, LOG, ONE, PIN, SECONDS, ends, hanging, in_time, manifest

pytestmark = pytest.mark.costly(days=FEW)

Act = Callable[[KubernetesCluster], object]
Hasty = Callable[[Act], Callable[[float], None]]


@pytest.fixture
def hasty(scripted: Scripted) -> Hasty:
    """An act on the cluster of the scripted server, whose requests have no more than so many seconds."""

    def of(act: Act) -> Callable[[float], None]:
        def run(seconds: float) -> None:
            opened = KubernetesCluster.opened(Wire(config_of(scripted.url), seconds=seconds), context="test")
            try:
                act(opened)
            finally:
                opened.close()

        return run

    return of


# One request


@pytest.mark.parametrize("drip", DRIPS.values(), ids=DRIPS)
def test_a_question_ends_in_time_whatever_drips(scripted, hasty, drip):
    scripted.answers["GET", ONE] = drip

    said = ends(scripted, ("GET", ONE), hasty(lambda cluster: cluster.get(CONFIG_MAP, "state", namespace="dr")))

    assert str(said).startswith("kubernetes:get ConfigMap/dr/state: Unreachable: ")
    assert (said.code, type(said)) == ("Unreachable", TargetError)


@pytest.mark.parametrize("drip", DRIPS.values(), ids=DRIPS)
def test_a_change_ends_in_time_whatever_drips_and_may_have_happened(scripted, hasty, drip):
    scripted.answers["PATCH", ONE] = drip

    said = ends(scripted, ("PATCH", ONE), hasty(lambda cluster: cluster.apply(make_intent(), manifest())))

    assert str(said).startswith("kubernetes:apply ConfigMap/dr/state: Unanswered: ")
    assert isinstance(said, UnansweredError)


def change(cluster: KubernetesCluster, verb: str) -> None:
    if verb == "delete":
        cluster.delete(make_intent(), CONFIG_MAP, "state", namespace="dr", uid="u", timeout_ms=200)
    else:
        getattr(cluster, verb)(make_intent(), manifest())


CHANGES = {"create": ("POST", ALL), "replace": ("PUT", ONE), "delete": ("DELETE", ONE)}


@pytest.mark.parametrize("verb", CHANGES)
def test_every_change_ends_in_time(scripted, hasty, verb):
    scripted.answers[CHANGES[verb]] = DRIPS["a body"]

    said = ends(scripted, CHANGES[verb], hasty(lambda cluster: change(cluster, verb)))

    assert str(said).startswith(f"kubernetes:{verb} ")
    assert isinstance(said, UnansweredError)


def test_every_other_question_ends_in_time(scripted, hasty):
    for path in (ALL, LOG, "/apis"):
        scripted.answers["GET", path] = DRIPS["a body"]
    scripted.answers["POST", ALL] = DRIPS["a header"]
    asks: list[tuple[tuple[str, str], Act]] = [
        (("GET", ALL), lambda cluster: cluster.list(CONFIG_MAP, namespace="dr")),
        (("GET", "/apis"), KubernetesCluster.everything),
        (("POST", ALL), lambda cluster: cluster.try_out(manifest())),
        (("GET", LOG), lambda cluster: cluster.logs("p", namespace="dr", container="main", limit_bytes=10_000)),
    ]

    for place, ask in asks:
        said = ends(scripted, place, hasty(ask))
        assert (said.code, type(said)) == ("Unreachable", TargetError)


def test_an_open_ends_in_time(scripted):
    scripted.answers["GET", PIN] = DRIPS["headers"]

    with in_time(), pytest.raises(TargetError, match="kubernetes:pin .*Unreachable"):
        KubernetesCluster.opened(Wire(config_of(scripted.url), seconds=SECONDS), context="x")


@pytest.mark.parametrize("act", [KubernetesCluster.assert_pinned, lambda each: each.apply(make_intent(), manifest())])
def test_a_change_before_which_the_pin_drips_is_not_sent(scripted, cluster, act):
    scripted.answers["GET", PIN] = DRIPS["a body"]

    with bounded.within(SECONDS):
        said = ends(scripted, ("GET", PIN), lambda _: act(cluster))

    assert str(said).startswith("kubernetes:pin ")
    assert (said.code, type(said)) == ("Unreachable", TargetError)
    assert "PATCH" not in {method for method, _, _ in scripted.asked}


def test_a_server_that_does_not_take_what_it_is_sent_is_not_waited_for(scripted, hasty):
    scripted.deaf.add(("PATCH", ONE))
    scripted.answers["PATCH", ONE] = hanging
    large = manifest(a="x" * (32 << 20))

    said = ends(scripted, ("PATCH", ONE), hasty(lambda cluster: cluster.apply(make_intent(), large)))

    assert (said.code, type(said)) == ("Unanswered", UnansweredError)


def test_after_a_call_that_ran_out_of_time_the_next_is_answered(scripted, cluster):
    scripted.answers["GET", ONE] = DRIPS["a body"]
    with bounded.within(SECONDS), pytest.raises(TargetError):
        cluster.get(CONFIG_MAP, "state", namespace="dr")

    scripted.answers["GET", ONE] = (200, manifest(a="1"))
    found = cluster.get(CONFIG_MAP, "state", namespace="dr")

    assert found == manifest(a="1")


# Before anything is asked


@contextmanager
def peer(answer: Callable[[socket.socket, threading.Event], None]) -> Iterator[int]:
    """A server of which only the connection is answered, until it is over; its port."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection, suppress(OSError):
                        answer(connection, over)

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        over.set()


@pytest.mark.parametrize("record", [b"", b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc"], ids=["silent", "dripping"])
def test_a_handshake_that_never_ends_is_ended(record):
    def shake(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(record)
        while not over.wait(0.02):
            if record:
                connection.sendall(b"\x03")

    with peer(shake) as port:
        wire = Wire(config_of(f"https://127.0.0.1:{port}"), trust=ssl.create_default_context(), seconds=SECONDS)
        with in_time(), pytest.raises(TargetError, match="Unreachable") as caught:
            KubernetesCluster.opened(wire, context="x")
    assert caught.value.code == "Unreachable"


@pytest.mark.parametrize("drip", ["a header", "a body", "chunks"])
def test_under_tls_too_a_call_ends_in_time(secured, authority: Authority, drip):
    trust = ssl.create_default_context(cadata=authority.pem.decode())
    config = config_of(f"https://127.0.0.5:{secured.server_port}", tls_server_name="127.0.0.1")
    secured.answers["GET", ONE] = DRIPS[drip]
    secured.answers["PATCH", ONE] = DRIPS[drip]

    def opened(seconds: float) -> KubernetesCluster:
        return KubernetesCluster.opened(Wire(config, trust=trust, seconds=seconds), context="x")

    read = ends(secured, ("GET", ONE), lambda seconds: opened(seconds).get(CONFIG_MAP, "state", namespace="dr"))
    changed = ends(secured, ("PATCH", ONE), lambda seconds: opened(seconds).apply(make_intent(), manifest()))
    assert (read.code, type(changed)) == ("Unreachable", UnansweredError)


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
        # The one place in the queue is taken.
        assert select.select([], [first], [], PATIENCE)[1]
        wire = Wire(config_of(f"http://127.0.0.1:{server.getsockname()[1]}"), seconds=SECONDS)
        with in_time(), pytest.raises(TargetError, match="Unreachable: ConnectTimeoutError") as caught:
            wire.ask(Asked(call="kubernetes:apply", changes=True), "PATCH", ONE)
    assert not isinstance(caught.value, UnansweredError), "nothing was sent"


def test_a_resolver_that_hangs_is_not_waited_for(monkeypatch):
    hang = threading.Event()

    def hanging(*_: Any, **__: Any) -> list[Any]:
        hang.wait()
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hanging)

    wire = Wire(config_of("http://api.example.test:6443"), seconds=SECONDS)
    try:
        with in_time(), pytest.raises(TargetError, match="Unreachable: .*no resolver gave the address") as caught:
            wire.ask(Asked(call="kubernetes:apply", changes=True), "PATCH", ONE)
    finally:
        hang.set()
    assert not isinstance(caught.value, UnansweredError), "nothing was sent"


@pytest.mark.parametrize("failure", [socket.gaierror(-2, "Name or service not known"), UnicodeError("label too long")])
def test_a_name_that_nobody_knows_is_unreachable(monkeypatch, failure):
    def unknown(*_: Any, **__: Any) -> None:
        raise failure

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    wire = Wire(config_of("http://api.example.test:6443"))

    with in_time(), pytest.raises(TargetError, match="Unreachable: NameResolutionError.*api.example.test"):
        wire.ask(Asked(call="kubernetes:get"), "GET", ONE)


def test_a_command_for_credentials_has_no_more_time_than_the_call(scripted):
    told: list[float] = []

    def bearer(seconds: float) -> str:
        told.append(seconds)
        return "token"

    wire = Wire(config_of(scripted.url, token=""), bearer=bearer, seconds=9000)
    with bounded.within(3000.0):
        wire.ask(Asked(call="test"), "GET", PIN)
    wire.ask(Asked(call="test"), "GET", PIN)

    assert 0.0 < told[0] <= 3000.0
    assert 3000.0 < told[1] <= 9000.0
    assert scripted.headers[-1]["authorization"] == "Bearer token"


# A call of many requests


SLOW_SECONDS = 0.1


def slowly(answer: tuple[int, object]) -> Callable[[Answering], None]:
    def say(answering: Answering) -> None:
        time.sleep(SLOW_SECONDS)
        answering.say(*answer)

    return say


def test_a_call_of_many_requests_has_one_time_for_all(scripted, monkeypatch):
    told: list[float] = []

    def bearer(seconds: float) -> str:
        told.append(seconds)
        return "token"

    cluster = KubernetesCluster.opened(
        Wire(config_of(scripted.url, token=""), bearer=bearer, seconds=9000), context="x"
    )
    places = [("GET", PIN), ("GET", "/api/v1"), ("POST", ALL)]
    scripted.answers["POST", ALL] = (200, manifest())
    for place in places:
        scripted.answers[place] = slowly(scripted.answers[place])
    monkeypatch.setattr(adapter, "CALL_SECONDS", 3000.0)
    told.clear()
    scripted.asked.clear()

    cluster.create(make_intent(), manifest())

    assert sorted(ask[:2] for ask in scripted.asked) == sorted(places)
    # What a request took is missing to those after it.
    assert told[0] <= 3000.0
    assert told[1] <= told[0] - SLOW_SECONDS
    assert told[2] <= told[1] - SLOW_SECONDS


def test_a_call_ends_when_its_time_is_over_whatever_its_requests_may_take(scripted, cluster, monkeypatch):
    scripted.answers["POST", ALL] = hanging

    def create(seconds: float) -> None:
        monkeypatch.setattr(adapter, "CALL_SECONDS", seconds)
        cluster.create(make_intent(), manifest())

    said = ends(scripted, ("POST", ALL), create)

    assert str(said).startswith("kubernetes:create ")
    assert isinstance(said, UnansweredError)


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
