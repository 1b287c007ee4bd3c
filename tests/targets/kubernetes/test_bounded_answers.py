"""Waits end in their time, answers have a size, and what is good is heard as before."""

import gzip
import json
from contextlib import suppress

import pytest

from drproof.model.cluster import CONFIG_MAP, Manifest
from drproof.model.errors import TargetError, UnansweredError
from drproof.targets.kubernetes import bounded
from drproof.targets.kubernetes.cluster import KubernetesCluster
from tests.patience import PATIENCE
from tests.shares import FEW
from tests.targets.conftest import make_intent
from tests.targets.kubernetes.conftest import Answering
from tests.targets.kubernetes.drips import ALL, DRIPS, HEAD, LOG, ONE, PIN, dripping, ends, hanging, in_time, manifest

pytestmark = pytest.mark.costly(days=FEW)

# A wait


def wait(cluster: KubernetesCluster, seconds: float) -> Manifest | None:
    def is_there(found: Manifest | None) -> bool:
        return found is not None

    return cluster.wait(CONFIG_MAP, "state", namespace="dr", until=is_there, timeout_ms=int(seconds * 1000))


@pytest.mark.parametrize(
    ("where", "drip"),
    [
        *(("watch", drip) for drip in [*DRIPS, "blank lines", "spaces", "half a line"]),
        *(("list", drip) for drip in ["nothing", "a header", "a body"]),
        *(("pin", drip) for drip in ["nothing", "a header", "a body"]),
    ],
)
def test_a_wait_ends_in_its_time_whatever_drips(scripted, cluster, where, drip):
    chunked = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    more = {
        "blank lines": dripping(chunked, b"1\r\n\n\r\n"),
        "spaces": dripping(chunked, b"1\r\n \r\n"),
        "half a line": dripping(chunked + b'8\r\n{"type":\r\n', b"1\r\n \r\n"),
    }
    drips = {**DRIPS, **more}[drip]

    def answer(answering: Answering) -> None:
        if "watch=true" not in answering.path and where != "list":
            answering.say(200, {"items": [], "metadata": {"resourceVersion": "1"}})
        elif where == "pin":
            answering.reset()
        else:
            drips(answering)

    scripted.answers["GET", ALL] = answer
    if where == "pin":
        scripted.answers["GET", PIN] = drips

    place, query = (PIN, "") if where == "pin" else (ALL, "watch=true" if where == "watch" else "")
    said = ends(scripted, ("GET", place), lambda seconds: wait(cluster, seconds), query=query)
    assert said.code == ("Unreachable" if where == "list" else "Timeout")


def test_a_wait_in_which_nothing_is_discovered_ends_in_its_time(scripted, cluster):
    scripted.answers["GET", "/api/v1"] = DRIPS["a body"]

    with in_time(), pytest.raises(TargetError, match="kubernetes:discover"):
        wait(cluster, 0.4)


def test_a_wait_for_a_removal_ends_in_its_time(scripted, cluster):
    scripted.answers["DELETE", ONE] = (200, {})
    scripted.answers["GET", ONE] = DRIPS["a body"]

    def delete(seconds: float) -> None:
        milliseconds = int(seconds * 1000)
        cluster.delete(make_intent(), CONFIG_MAP, "state", namespace="dr", uid="u", timeout_ms=milliseconds)

    said = ends(scripted, ("GET", ONE), delete)
    assert "Timeout: expected it to be gone within" in str(said)
    assert (said.code, type(said)) == ("Timeout", TargetError)


# Sizes


def endless(answering: Answering) -> None:
    """Send a body that goes on for as long as anybody listens."""
    answering.close_connection = True
    with suppress(OSError):
        answering.wfile.write(HEAD + b"\r\n{")
        while True:
            answering.wfile.write(b" " * 65536)


def long_trailers(answering: Answering) -> None:
    """Send a trailer that goes on for as long as anybody listens."""
    answering.close_connection = True
    with suppress(OSError):
        answering.wfile.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n")
        while True:
            answering.wfile.write(b"x: y\r\n" * 10_000)


def untrue(answering: Answering) -> None:
    """Refuse with a body that is larger than any memory."""
    answering.close_connection = True
    answering.wfile.write(b"HTTP/1.1 503 Busy\r\nContent-Length: 999999999999999999\r\n\r\n{")


COMPRESSED = gzip.compress(b'{"a": "' + b" " * (32 << 20) + b'"}', compresslevel=1)


def compressed(answering: Answering) -> None:
    """Send a small body that becomes a large one."""
    answering.say(200, COMPRESSED, **{"Content-Encoding": "gzip"})


@pytest.mark.parametrize("answer", [endless, long_trailers, untrue, compressed])
def test_an_answer_that_is_too_large_is_unreadable_and_a_change_unanswered(scripted, cluster, monkeypatch, answer):
    monkeypatch.setattr(bounded, "LARGEST", 8 << 20)
    scripted.answers["GET", ONE] = scripted.answers["PATCH", ONE] = answer

    with pytest.raises(TargetError, match="Unreadable: ") as read:
        cluster.get(CONFIG_MAP, "state", namespace="dr")
    with pytest.raises(UnansweredError, match="Unreadable: "):
        cluster.apply(make_intent(), manifest())
    assert (read.value.code, type(read.value)) == ("Unreadable", TargetError)


def test_an_answer_may_be_large(scripted, cluster):
    large = manifest(a="x" * (20 << 20))
    scripted.answers["GET", ONE] = (200, large)

    assert cluster.get(CONFIG_MAP, "state", namespace="dr") == large


def test_a_watch_of_which_no_line_ends_is_given_up(scripted, cluster, monkeypatch):
    monkeypatch.setattr(bounded, "LARGEST", 1 << 20)

    def answer(answering: Answering) -> None:
        if "watch=true" in answering.path:
            endless(answering)
        else:
            answering.say(200, {"items": [], "metadata": {"resourceVersion": "1"}})

    scripted.answers["GET", ALL] = answer
    assert ends(scripted, ("GET", ALL), lambda seconds: wait(cluster, seconds), query="watch=true").code == "Timeout"


def test_a_log_that_never_ends_is_cut(scripted, cluster):
    scripted.answers["GET", LOG] = endless

    with in_time():
        log = cluster.logs("p", namespace="dr", container="main", limit_bytes=200_000)
    assert len(log) == 200_000


# What was good stays so


def test_a_connection_is_used_again(scripted, cluster):
    scripted.answers["GET", ONE] = (200, manifest())
    scripted.answers["GET", ALL] = lambda answering: answering.stream({"items": []})
    before = scripted.connections

    for _ in range(5):
        cluster.get(CONFIG_MAP, "state", namespace="dr")
        cluster.list(CONFIG_MAP, namespace="dr")
        cluster.assert_pinned()

    assert scripted.connections == before


def test_an_event_is_heard_when_it_is_said_and_not_when_the_stream_ends(scripted, cluster):
    def answer(answering: Answering) -> None:
        if "watch=true" not in answering.path:
            answering.say(200, {"items": [], "metadata": {"resourceVersion": "1"}})
            return
        answering.wfile.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        line = json.dumps({"type": "ADDED", "object": manifest(a="y" * 200_000)}).encode() + b"\n"
        # A line is in several chunks, and a chunk larger than what is read at once.
        for part in (line[:10], line[10:-5], line[-5:]):
            answering.wfile.write(b"%x\r\n" % len(part) + part + b"\r\n")
        hanging(answering)

    scripted.answers["GET", ALL] = answer
    assert wait(cluster, PATIENCE) == manifest(a="y" * 200_000)
