"""An object that is watched: streams end, break and lose their place, and the time is bounded."""

import itertools
import json
import time
from typing import Any

import pytest

from drproof.model.cluster import CONFIG_MAP
from drproof.model.errors import GuardError, TargetError
from tests.patience import PATIENCE
from tests.targets.kubernetes.conftest import Answering, Scripted, status_document
from tests.targets.kubernetes.drips import SECONDS, ends, hanging

ALL = "/api/v1/namespaces/dr/configmaps"


def state(version: int, value: str = "") -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "state", "namespace": "dr", "resourceVersion": str(version)},
        "data": {"value": value},
    }


def event(kind: str, thing: dict[str, Any]) -> dict[str, Any]:
    return {"type": kind, "object": thing}


def bookmark(version: int) -> dict[str, Any]:
    return event("BOOKMARK", {"kind": "ConfigMap", "metadata": {"resourceVersion": str(version)}})


class Streams:
    """What a list of the objects shows, and the streams that follow it, one a request."""

    def __init__(self, server: Scripted, now: list[dict[str, Any]], version: int, *streams: Any) -> None:
        self.streams = list(streams)
        self.now = now
        self.version = version
        self.since: list[str] = []
        server.answers["GET", ALL] = self

    def __call__(self, answering: Answering) -> None:
        query = dict(part.split("=") for part in answering.path.partition("?")[2].split("&"))
        assert query["fieldSelector"] == "metadata.name%3Dstate"
        if "watch" not in query:
            items = [{k: v for k, v in each.items() if k not in {"apiVersion", "kind"}} for each in self.now]
            answering.say(200, {"metadata": {"resourceVersion": str(self.version)}, "items": items})
            return
        self.since.append(query["resourceVersion"])
        stream = self.streams.pop(0) if self.streams else []
        if callable(stream):
            stream(answering)
        else:
            if not stream:
                time.sleep(0.05)
            answering.stream(*stream)


def wait(cluster, until, seconds: float = 10 * PATIENCE):
    return cluster.wait(CONFIG_MAP, "state", namespace="dr", until=until, timeout_ms=int(seconds * 1000))


def has(value: str):
    return lambda found: found is not None and found["data"]["value"] == value


def test_what_is_already_as_wanted_is_returned_without_a_watch(scripted, cluster):
    streams = Streams(scripted, [state(7, "ready")], 9)

    assert wait(cluster, has("ready")) == state(7, "ready"), "it says what it is, as if it had been got"
    assert streams.since == []


def test_an_object_that_is_not_there_is_none_and_may_be_what_is_wanted(scripted, cluster):
    Streams(scripted, [], 9)

    assert wait(cluster, lambda found: found is None) is None


def test_the_watch_begins_where_the_list_ended_and_goes_on_where_it_was(scripted, cluster):
    streams = Streams(
        scripted,
        [state(3)],
        9,
        [event("MODIFIED", state(10, "a")), event("MODIFIED", state(11, "b"))],
        [bookmark(20)],
        [],
        [event("MODIFIED", state(25, "ready"))],
    )
    seen: list[Any] = []

    def ready(thing: Any) -> bool:
        seen.append(thing["data"]["value"])
        return seen[-1] == "ready"

    found = wait(cluster, ready)

    assert found == state(25, "ready")
    assert seen == ["", "a", "b", "ready"], "a bookmark is no change"
    assert streams.since == ["9", "11", "20", "20"]


def test_an_object_that_goes_is_none_from_then_on(scripted, cluster):
    Streams(scripted, [state(3)], 9, [event("DELETED", state(10))])

    assert wait(cluster, lambda found: found is None) is None


def test_a_broken_stream_is_resumed_where_it_was(scripted, cluster):
    def broken(answering: Answering) -> None:
        answering.send_response(200)
        answering.send_header("Transfer-Encoding", "chunked")
        answering.end_headers()
        line = json.dumps(event("MODIFIED", state(10, "a"))).encode() + b"\n"
        half = json.dumps(event("MODIFIED", state(11, "ready"))).encode()[:40]
        answering.wfile.write(f"{len(line + half):x}\r\n".encode() + line + half + b"\r\n")
        answering.reset()

    streams = Streams(scripted, [state(3)], 9, broken, Answering.reset, [event("MODIFIED", state(12, "ready"))])

    assert wait(cluster, has("ready")) == state(12, "ready")
    assert streams.since == ["9", "10", "10"]


def test_after_an_interruption_another_cluster_is_not_watched(scripted, cluster):
    def gone(answering: Answering) -> None:
        scripted.answers["GET", "/api/v1/namespaces/kube-system"] = (200, {"metadata": {"uid": "another"}})
        answering.reset()

    Streams(scripted, [state(3)], 9, gone)

    with pytest.raises(GuardError, match="another cluster answers"):
        wait(cluster, has("ready"))


def test_a_place_that_is_forgotten_is_expired_whether_the_answer_or_the_stream_says_so(scripted, cluster):
    said = status_document(410, "Expired", "too old resource version: 9 (12)")
    for stream in ([event("ERROR", said)], lambda answering: answering.say(410, said)):
        Streams(scripted, [state(3)], 9, stream)
        with pytest.raises(TargetError, match="kubernetes:wait ConfigMap/dr/state: Expired: too old") as caught:
            wait(cluster, has("ready"))
        assert caught.value.code == "Expired"


def test_a_refusal_ends_the_wait_at_once(scripted, cluster):
    said = status_document(403, "Forbidden", "cannot watch")
    Streams(scripted, [state(3)], 9, lambda answering: answering.say(403, said))

    began = time.monotonic()
    with pytest.raises(TargetError, match="Forbidden: cannot watch"):
        wait(cluster, has("ready"))
    assert time.monotonic() - began < PATIENCE


def test_a_server_that_is_busy_for_a_moment_is_asked_again(scripted, cluster):
    said = status_document(503, "ServiceUnavailable", "a moment")
    late = status_document(429, "TooManyRequests", "slower")
    Streams(
        scripted,
        [state(3)],
        9,
        lambda answering: answering.say(503, said),
        lambda answering: answering.say(429, late),
        [event("MODIFIED", state(12, "ready"))],
    )

    assert wait(cluster, has("ready")) == state(12, "ready")


def chatting(answering: Answering) -> None:
    """Send a change that is not wanted every 50 ms, for as long as the test lasts."""
    answering.close_connection = True
    answering.send_response(200)
    answering.send_header("Transfer-Encoding", "chunked")
    answering.end_headers()
    for number in itertools.count():
        data = json.dumps(event("MODIFIED", state(number + 10))).encode() + b"\n"
        answering.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        if answering.server.over.wait(0.05):
            return


@pytest.mark.parametrize(
    "stream",
    [
        pytest.param(chatting, id="a stream that never ends"),
        pytest.param([], id="streams that end at once"),
        pytest.param(hanging, id="a server that is silent"),
        pytest.param([event("MODIFIED", state(n + 10)) for n in range(50)], id="changes that are not wanted"),
    ],
)
def test_the_time_is_bounded_whatever_the_server_does(scripted, cluster, stream):
    Streams(scripted, [state(3)], 9, *[stream] * 1000)

    began = time.monotonic()
    said = ends(scripted, ("GET", ALL), lambda seconds: wait(cluster, has("ready"), seconds), query="watch=true")

    assert "Timeout: expected it to be as wanted within " in str(said)
    assert said.code == "Timeout"
    assert time.monotonic() - began >= SECONDS


def test_a_silent_stream_that_is_broken_is_noticed_when_the_time_is_over(scripted, cluster):
    def silent(answering: Answering) -> None:
        answering.send_response(200)
        answering.send_header("Transfer-Encoding", "chunked")
        answering.end_headers()
        hanging(answering)

    Streams(scripted, [state(3)], 9, *[silent] * 3)

    said = ends(scripted, ("GET", ALL), lambda seconds: wait(cluster, has("ready"), seconds), query="watch=true")
    assert said.code == "Timeout"


def test_what_is_wanted_may_fail_and_is_not_taken_for_the_clusters_failure(scripted, cluster):
    Streams(scripted, [state(3)], 9)

    with pytest.raises(KeyError):
        wait(cluster, lambda found: found["status"]["ready"])


@pytest.mark.parametrize("answer", [{}, {"items": [], "metadata": {}}, {"items": 1, "metadata": {}}, {"items": []}])
def test_an_answer_that_is_no_list_says_nothing_of_the_object(scripted, cluster, answer):
    scripted.answers["GET", ALL] = (200, answer)

    with pytest.raises(TargetError, match="kubernetes:wait ConfigMap/dr/state: Unreadable: the answer is no list"):
        wait(cluster, lambda found: found is None)
