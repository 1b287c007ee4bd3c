"""Logs of containers: read, followed, cut, and refused while there is none."""

import contextlib
import http.client
from pathlib import Path

import pytest

from drproof.embedded.kubernetes.resources import Object
from tests.patience import until

from .conftest import IMAGE, PODS, Running, pod_template


def start(running: Running, script: str, name: str = "p", **container: object) -> None:
    running.create(PODS, {"metadata": {"name": name}, **pod_template(command=["/bin/sh", "-c", script], **container)})


def phase(running: Running, name: str = "p") -> str:
    return str(running.get(f"{PODS}/{name}")["status"]["phase"])


@pytest.fixture
def done(running: Running) -> Running:
    start(running, "for i in 1 2 3 4; do echo line $i; done")
    until(lambda: phase(running) == "Succeeded")
    return running


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ({}, b"line 1\nline 2\nline 3\nline 4\n"),
        ({"tailLines": "2"}, b"line 3\nline 4\n"),
        ({"tailLines": "0"}, b""),
        ({"limitBytes": "8"}, b"line 1\nl"),
        ({"container": "main"}, b"line 1\nline 2\nline 3\nline 4\n"),
        ({"sinceSeconds": "3600"}, b"line 1\nline 2\nline 3\nline 4\n"),
        ({"sinceTime": "2999-01-01T00:00:00Z"}, b""),
        ({"follow": "true"}, b"line 1\nline 2\nline 3\nline 4\n"),
        ({"follow": "true", "tailLines": "1"}, b"line 4\n"),
    ],
)
def test_a_log_is_read_in_the_ways_of_kubectl(done: Running, query: Object, text: bytes):
    """API docs, PodLogOptions."""
    answer = done.call("GET", f"{PODS}/p/log", **query)
    assert (answer.status, answer.text, answer.headers["Content-Type"]) == (200, text, "text/plain")


def test_a_followed_log_comes_as_it_is_written(running: Running, tmp_path: Path):
    """API docs, follow: the stream ends with its container."""
    go = tmp_path / "go"
    start(running, f"echo one; until test -e {go}; do sleep 0.02; done; echo two")
    until(lambda: phase(running) == "Running")
    connection = running.connect()
    connection.request("GET", f"{PODS}/p/log?follow=true")
    answer = connection.getresponse()
    assert answer.readline() == b"one\n"
    go.touch()
    assert answer.read() == b"two\n"
    connection.close()


def test_a_log_that_is_followed_ends_with_the_server(running: Running):
    """A stop cuts streams off."""
    start(running, "sleep 600")
    until(lambda: phase(running) == "Running")
    connection = running.connect()
    connection.request("GET", f"{PODS}/p/log?follow=true")
    answer = connection.getresponse()
    running.cluster.stop()
    with contextlib.suppress(ConnectionError, http.client.HTTPException):
        while answer.readline():
            pass
    connection.close()


def test_a_container_that_waits_has_no_log(running: Running):
    """kubelet_pods.go, validateContainerLogStatus: 400, is waiting to start."""
    start(running, "true", image="nowhere.example/none:v1")
    until(
        lambda: "waiting" in (running.get(f"{PODS}/p")["status"].get("containerStatuses") or [{}])[0].get("state", {}),
    )
    until(lambda: b"pull" in running.call("GET", f"{PODS}/p/log").text)
    answer = running.call("GET", f"{PODS}/p/log")
    assert answer.is_status(400, "BadRequest")
    assert 'container "main" in pod "p" is waiting to start: ' in answer.document["message"]


def test_a_container_has_to_be_named_where_there_are_two(running: Running):
    """registry/core/pod/strategy.go, LogLocation."""
    body = pod_template(command=["/bin/sh", "-c", "echo main"])
    body["spec"]["containers"].append({"name": "side", "image": IMAGE, "command": ["/bin/sh", "-c", "echo side"]})
    running.create(PODS, {"metadata": {"name": "p"}, **body})
    until(lambda: phase(running) == "Succeeded")
    unnamed = running.call("GET", f"{PODS}/p/log")
    assert unnamed.is_status(400, "BadRequest")
    assert "a container name must be specified for pod p, choose one of: [main side]" in unnamed.document["message"]
    assert running.call("GET", f"{PODS}/p/log", container="side").text == b"side\n"
    assert running.call("GET", f"{PODS}/p/log", container="other").is_status(400, "BadRequest")
    assert running.call("GET", f"{PODS}/p/log", container="main", previous="true").is_status(400, "BadRequest")
    assert running.call("GET", f"{PODS}/none/log").is_status(404, "NotFound")
    assert running.call("GET", f"{PODS}/p/log", container="main", tailLines="x").is_status(400, "BadRequest")


def test_the_run_before_has_its_own_log(running: Running):
    """API docs, previous: the log of the last terminated container."""
    body = pod_template(command=["/bin/sh", "-c", "echo run; test -e again || { touch again; exit 1; }; sleep 600"])
    body["spec"]["restartPolicy"] = "Always"
    running.create(PODS, {"metadata": {"name": "p"}, **body})

    def restarted() -> bool:
        (status,) = running.get(f"{PODS}/p")["status"].get("containerStatuses") or [{}]
        return bool(status.get("restartCount", 0) >= 1 and status.get("lastState"))

    until(restarted)
    assert running.call("GET", f"{PODS}/p/log", previous="true").text == b"run\n"


def test_a_pod_without_a_node_has_an_empty_log(running: Running):
    """registry/core/pod/strategy.go, LogLocation: no host, no location, nothing."""
    body = pod_template()
    body["spec"]["nodeSelector"] = {"nowhere": "yes"}
    running.create(PODS, {"metadata": {"name": "p"}, **body})
    assert running.call("GET", f"{PODS}/p/log").text == b""
