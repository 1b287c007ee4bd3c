"""Faults, restarts and the call log: what scenarios plant in front of the API server, and what they see."""

import http.client
import ssl
import threading
import time
from pathlib import Path

import pytest

from drproof.embedded.kubernetes.calls import Call
from drproof.embedded.kubernetes.cluster import Cluster
from drproof.embedded.kubernetes.faults import Fault
from drproof.embedded.kubernetes.nodes import Node
from drproof.embedded.kubernetes.registry import Registry
from tests.patience import PATIENCE, until

from .conftest import CONFIGMAPS, JOBS, Running, Watching, config_map

BROKEN = (ConnectionError, http.client.HTTPException, OSError)


def test_a_planted_fault_is_the_answer_and_nothing_happens(running: Running):
    """API conventions, "HTTP Status codes": 503 with Retry-After."""
    fault = Fault(503, "ServiceUnavailable", "etcd is away", retry_after=2)
    running.cluster.faults.append(lambda call: fault if call.verb == "create" else None)
    answer = running.call("POST", CONFIGMAPS, config_map())
    assert answer.is_status(503, "ServiceUnavailable")
    assert answer.headers["Retry-After"] == "2"
    assert answer.document["details"] == {"retryAfterSeconds": 2}
    running.cluster.faults.clear()
    assert running.call("GET", f"{CONFIGMAPS}/settings").status == 404


@pytest.mark.parametrize("fault", [Fault(504, "Timeout", "lost", after=True), Fault(reset=True, after=True)])
def test_the_answer_is_lost_after_the_effect(running: Running, fault: Fault):
    """API conventions: a write whose answer never came may have happened."""
    running.cluster.faults.append(lambda call: fault if call.verb == "create" else None)
    if fault.reset:
        with pytest.raises(BROKEN):
            running.call("POST", CONFIGMAPS, config_map(a="1"))
    else:
        assert running.call("POST", CONFIGMAPS, config_map(a="1")).is_status(504, "Timeout")
    assert running.get(f"{CONFIGMAPS}/settings")["data"] == {"a": "1"}


def test_a_connection_is_reset_before_anything_happens(running: Running):
    """A reset without `after` is a request that never arrived."""
    running.cluster.faults.append(lambda call: Fault(reset=True) if call.verb == "create" else None)
    with pytest.raises(BROKEN):
        running.call("POST", CONFIGMAPS, config_map())
    assert running.call("GET", f"{CONFIGMAPS}/settings").status == 404


def test_a_call_hangs_and_goes_on(running: Running):
    """A delay without a status is a slow server, not a failing one."""
    running.cluster.faults.append(lambda call: Fault(hang_seconds=0.4) if call.verb == "list" else None)
    started = time.monotonic()
    assert running.call("GET", CONFIGMAPS).status == 200
    assert time.monotonic() - started >= 0.4


def test_a_stop_does_not_wait_for_a_hanging_call(running: Running):
    """The end of a cluster is prompt, whatever hangs in it."""
    arrived = threading.Event()

    def hang(_: Call) -> Fault:
        arrived.set()
        return Fault(hang_seconds=10 * PATIENCE)

    running.cluster.faults.append(hang)
    connection = running.connect()
    connection.request("GET", CONFIGMAPS)
    assert arrived.wait(PATIENCE)
    started = time.monotonic()
    running.cluster.stop()
    assert time.monotonic() - started < PATIENCE, "a part of what hangs"
    connection.close()


def answers(running: Running) -> bool:
    try:
        return running.call("GET", "/version").status == 200
    except BROKEN:
        return False


def drain(watch: Watching) -> None:
    while True:
        watch.next()


def test_a_restart_refuses_and_comes_back_with_everything(running: Running):
    """The API server goes away and back on the same address; etcd, its objects and their versions stay."""
    made = running.create(CONFIGMAPS, config_map(a="1"))
    watch = running.watch(CONFIGMAPS)
    assert watch.next()[0] == "ADDED"
    running.cluster.restart(3600)
    with pytest.raises(BROKEN):
        running.call("GET", "/version")
    with pytest.raises((AssertionError, *BROKEN)):
        drain(watch)
    watch.close()
    running.cluster.restart(0.1)
    until(lambda: answers(running))
    assert running.get(f"{CONFIGMAPS}/settings") == made


def test_a_restart_may_come_in_the_middle_of_a_write(running: Running):
    """A server that dies while it answers: the client cannot know what happened, and the cluster goes on."""
    running.create(CONFIGMAPS, config_map(a="1"))
    running.cluster.mutators.append(lambda resource, operation, obj: running.cluster.restart(0.1))
    with pytest.raises(BROKEN) as broken:
        running.patch(f"{CONFIGMAPS}/settings", {"data": {"a": "2"}})
    assert not isinstance(broken.value, TimeoutError), "sooner than the client gives up"
    running.cluster.mutators.clear()
    until(lambda: answers(running))
    assert running.get(f"{CONFIGMAPS}/settings")["data"]["a"] in {"1", "2"}


def test_calls_are_noted_without_bodies(running: Running):
    """Who asked for what, in order, with the outcome."""
    running.calls.clear()
    agent = {"User-Agent": "drproof/1"}
    running.call("POST", CONFIGMAPS, config_map(secret="hunter2"), headers=agent, dryRun="All", fieldManager="drill")
    running.call("GET", f"{JOBS}/none", headers=agent)
    running.call("DELETE", CONFIGMAPS, labelSelector="a=b")
    running.call("PATCH", f"{CONFIGMAPS}/none", {}, kind="application/merge-patch+json")
    running.call("GET", "/version")
    running.call("GET", "/nowhere")
    first = running.calls[0]
    assert (first.verb, first.group, first.resource, first.namespace, first.name) == (
        "create",
        "",
        "configmaps",
        "default",
        "",
    )
    assert (first.dry_run, first.field_manager, first.user_agent, first.user) == (
        True,
        "drill",
        "drproof/1",
        "system:admin",
    )
    assert [(each.verb, each.status) for each in running.calls] == [
        ("create", 201),
        ("get", 404),
        ("deletecollection", 200),
        ("patch", 404),
        ("", 200),
        ("", 404),
    ]
    assert [each.number for each in running.calls] == sorted({each.number for each in running.calls})
    assert "hunter2" not in repr(running.calls)


def test_a_watch_is_noted_when_it_begins(running: Running):
    """A stream has no end to wait for."""
    running.calls.clear()
    watch = running.watch(JOBS)
    until(lambda: running.calls)
    watch.close()
    assert (running.calls[0].verb, running.calls[0].status) == ("watch", 200)


def test_a_taken_port_starts_nothing(running: Running, tmp_path: Path, registry: Registry):
    """A cluster that cannot listen leaves no thread behind."""
    port = int(running.cluster.address.rpartition(":")[2])
    before = set(threading.enumerate())
    with pytest.raises(OSError, match="in use"):
        Cluster(tmp_path / "second", port=port, nodes=(Node("n1"),), registry=registry).start()
    assert set(threading.enumerate()) <= before


def test_two_clusters_stand_on_addresses_of_their_own(running: Running, tmp_path: Path, registry: Registry):
    """Loopback has many addresses: each cluster has its own, its own authority and its own identity."""
    port = int(running.cluster.address.rpartition(":")[2])
    second = Cluster(tmp_path / "second", address="127.0.0.2", port=port, nodes=(), registry=registry)
    second.start()
    try:
        (tmp_path / "other").mkdir()
        other = Running(second, tmp_path / "other", [])
        assert second.address == f"127.0.0.2:{port}"
        assert second.uid not in {"", running.cluster.uid}
        assert other.get("/api/v1/namespaces/kube-system")["metadata"]["uid"] == second.uid
        other.tls = running.tls
        with pytest.raises(ssl.SSLError):
            other.call("GET", "/version")
    finally:
        second.stop()


def test_a_cluster_starts_in_no_time(tmp_path: Path, registry: Registry):
    """Once everything is imported, a cluster costs a test next to nothing."""
    took = []
    for number in range(3):
        cluster = Cluster(tmp_path / str(number), nodes=(Node("n1"),), registry=registry)
        started = time.process_time()
        cluster.start()
        took.append(time.process_time() - started)
        cluster.stop()
    assert min(took) < 1


def test_the_uid_of_kube_system_names_the_cluster(running: Running):
    """The uid of namespace kube-system is the identity of a cluster (OpenTelemetry, k8s.cluster.uid)."""
    found = running.get("/api/v1/namespaces/kube-system")
    assert running.cluster.uid == found["metadata"]["uid"]
