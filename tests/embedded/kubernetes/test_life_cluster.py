"""Namespaces, owners, nodes and the scheduler: what happens in a cluster by itself."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from drproof.embedded.kubernetes.deletion import delete
from drproof.embedded.kubernetes.errors import Forbidden
from drproof.embedded.kubernetes.events import Recorder
from drproof.embedded.kubernetes.nodes import Node
from drproof.embedded.kubernetes.objects import condition, holds
from drproof.embedded.kubernetes.pace import COMPRESSED
from drproof.embedded.kubernetes.resources import (
    CONFIGMAPS,
    EVENTS,
    JOBS,
    LEASES,
    NAMESPACES,
    NODES,
    PODS,
    REPLICASETS,
    SECRETS,
    SERVICEACCOUNTS,
    Object,
)
from drproof.embedded.kubernetes.scheduler import obstacles
from tests.patience import PATIENCE

from .living import IMAGE, Living, ended, running, shell, template


@pytest.fixture
def living(tmp_path: Path) -> Iterator[Living]:
    with Living(tmp_path) as found:
        yield found


def owned(name: str, *owners: Object, blocking: bool = False) -> Object:
    references = [
        {
            "apiVersion": each["apiVersion"],
            "kind": each["kind"],
            "name": each["metadata"]["name"],
            "uid": each["metadata"]["uid"],
            "blockOwnerDeletion": blocking,
        }
        for each in owners
    ]
    return {"metadata": {"name": name, "ownerReferences": references}}


def unschedulable(pod: Object) -> str:
    found = condition(pod, "PodScheduled")
    return str(found["message"]) if found and found["reason"] == "Unschedulable" else ""


# Namespaces


def test_a_cluster_begins_with_its_namespaces_and_each_has_what_pods_need(living: Living) -> None:
    """Docs, "Namespaces: initial namespaces"; ServiceAccount `default` and kube-root-ca.crt in each."""
    names = {each["metadata"]["name"] for each in living.store.list(NAMESPACES)[0]}
    assert names == {"default", "kube-system", "kube-public", "kube-node-lease"}
    living.create(NAMESPACES, {"metadata": {"name": "atlas"}})
    living.settle()
    for name in [*names, "atlas"]:
        living.get(SERVICEACCOUNTS, "default", name)
        living.get(CONFIGMAPS, "kube-root-ca.crt", name)
    assert living.get(NAMESPACES, "default")["status"]["phase"] == "Active"


def test_a_service_account_that_is_deleted_comes_back(living: Living) -> None:
    """kube-controller-manager, serviceaccount controller."""
    before = living.get(SERVICEACCOUNTS, "default")["metadata"]["uid"]
    delete(living.store, SERVICEACCOUNTS, "default", "default")
    living.until(lambda: living.store.get(SERVICEACCOUNTS, "default", "default"))
    assert living.get(SERVICEACCOUNTS, "default")["metadata"]["uid"] != before


def test_a_namespace_takes_its_contents_and_their_processes_with_it(tmp_path: Path) -> None:
    """Docs, "Namespaces": deleting one deletes everything under it; it is Terminating until its pods are gone."""
    go = tmp_path / "go"
    # Nothing but `go` ends what has set its trap.
    with Living(tmp_path, pace=replace(COMPRESSED, grace_max=600.0)) as living:
        living.create(NAMESPACES, {"metadata": {"name": "atlas"}})
        living.until(lambda: living.store.get(SERVICEACCOUNTS, "atlas", "default"))
        living.create(SECRETS, {"metadata": {"name": "s", "namespace": "atlas"}})
        waits = f"trap 'until test -e {go}; do sleep 0.02; done; exit 0' TERM; echo set; sleep 600 & wait"
        body = template(shell(waits))
        living.create(JOBS, {"metadata": {"name": "work", "namespace": "atlas"}, "spec": {"template": body}})
        living.until(lambda: any(running(pod) and living.logs(pod) == "set\n" for pod in living.pods("atlas")))
        found, gone = delete(living.store, NAMESPACES, "", "atlas")
        assert (found["status"]["phase"], gone) == ("Terminating", False)
        with pytest.raises(Forbidden, match="is being terminated"):
            living.create(SECRETS, {"metadata": {"name": "late", "namespace": "atlas"}})
        left = living.until(lambda: condition(living.get(NAMESPACES, "atlas"), "NamespaceContentRemaining"))
        assert "pods. has 1 resource instances" in left["message"]
        go.touch()
        living.until(lambda: living.store.get(NAMESPACES, "", "atlas") is None)
        assert living.processes() == []
        for resource in (PODS, JOBS, SECRETS, CONFIGMAPS, SERVICEACCOUNTS, EVENTS):
            assert living.store.list(resource, "atlas")[0] == []


def test_a_finalizer_keeps_a_namespace_terminating(living: Living) -> None:
    """Docs, "Finalizers": what waits for somebody else keeps its namespace."""
    living.create(NAMESPACES, {"metadata": {"name": "stuck"}})
    living.until(lambda: living.store.get(CONFIGMAPS, "stuck", "kube-root-ca.crt"))
    living.create(CONFIGMAPS, {"metadata": {"name": "held", "namespace": "stuck", "finalizers": ["example.com/x"]}})
    delete(living.store, NAMESPACES, "", "stuck")
    living.until(lambda: len(living.store.list(CONFIGMAPS, "stuck")[0]) == 1)
    living.settle()
    assert living.get(NAMESPACES, "stuck")["status"]["phase"] == "Terminating"
    living.store.update(CONFIGMAPS, "stuck", "held", lambda obj: obj["metadata"].pop("finalizers"))
    living.until(lambda: living.store.get(NAMESPACES, "", "stuck") is None)


# The garbage collector


def test_background_deletion_takes_the_dependents_after_the_owner(living: Living) -> None:
    """Docs, "Garbage Collection: background cascading deletion"."""
    owner = living.create(CONFIGMAPS, {"metadata": {"name": "owner"}})
    middle = living.create(CONFIGMAPS, owned("middle", owner))
    living.create(SECRETS, owned("leaf", middle))
    _, gone = delete(living.store, CONFIGMAPS, "default", "owner", propagation="Background")
    assert gone
    living.until(lambda: living.store.get(SECRETS, "default", "leaf") is None)
    assert living.store.get(CONFIGMAPS, "default", "middle") is None


def test_foreground_deletion_takes_the_owner_after_the_dependents_that_block_it(living: Living) -> None:
    """Docs, "Garbage Collection: foreground cascading deletion": blockOwnerDeletion."""
    owner = living.create(CONFIGMAPS, {"metadata": {"name": "owner"}})
    blocking = owned("blocking", owner, blocking=True)
    blocking["metadata"]["finalizers"] = ["example.com/slow"]
    living.create(SECRETS, blocking)
    living.create(SECRETS, owned("free", owner))
    delete(living.store, CONFIGMAPS, "default", "owner", propagation="Foreground")
    living.until(lambda: living.store.get(SECRETS, "default", "free") is None)
    living.until(lambda: "deletionTimestamp" in living.get(SECRETS, "blocking")["metadata"])
    assert living.get(CONFIGMAPS, "owner")["metadata"]["finalizers"] == ["foregroundDeletion"]
    living.store.update(SECRETS, "default", "blocking", lambda obj: obj["metadata"].pop("finalizers"))
    living.until(lambda: living.store.get(CONFIGMAPS, "default", "owner") is None)


def test_orphans_live_on_without_their_owner(living: Living) -> None:
    """Docs, "Garbage Collection: orphaned dependents"; batch/v1 Jobs orphan their pods by default."""
    living.job(container=shell("sleep 600"))
    pod = living.until_pod(running)
    delete(living.store, JOBS, "default", "work")
    living.until(lambda: living.store.get(JOBS, "default", "work") is None)
    living.until(lambda: "finalizers" not in living.get(PODS, pod["metadata"]["name"])["metadata"])
    found = living.get(PODS, pod["metadata"]["name"])
    assert "ownerReferences" not in found["metadata"]
    assert running(found)


def test_a_job_that_is_deleted_in_the_background_takes_its_pod_and_process(living: Living) -> None:
    """kubectl delete job: propagationPolicy Background."""
    living.job(container=shell("sleep 600"))
    living.until_pod(running)
    delete(living.store, JOBS, "default", "work", propagation="Background")
    living.until(lambda: not living.pods())
    assert living.processes() == []


def test_what_has_one_owner_left_stays_and_forgets_the_other(living: Living) -> None:
    """garbagecollector.go, attemptToDeleteItem: dangling references are removed."""
    first = living.create(CONFIGMAPS, {"metadata": {"name": "first"}})
    second = living.create(CONFIGMAPS, {"metadata": {"name": "second"}})
    living.create(SECRETS, owned("shared", first, second))
    delete(living.store, CONFIGMAPS, "default", "first")
    living.until(lambda: len(living.get(SECRETS, "shared")["metadata"]["ownerReferences"]) == 1)
    assert living.get(SECRETS, "shared")["metadata"]["ownerReferences"][0]["name"] == "second"


def test_an_owner_that_never_was_is_gone_and_one_of_an_unknown_kind_is_not(living: Living) -> None:
    """garbagecollector.go: an owner is absent when the API says so; a kind that it does not know is no answer."""
    ghost: Object = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "ghost", "uid": "none"}}
    alien: Object = {"apiVersion": "example.com/v1", "kind": "Alien", "metadata": {"name": "alien", "uid": "other"}}
    living.create(SECRETS, owned("of-alien", alien))
    living.create(SECRETS, owned("of-ghost", ghost))
    living.until(lambda: living.store.get(SECRETS, "default", "of-ghost") is None)
    living.get(SECRETS, "of-alien")


# Nodes and the scheduler


def test_a_node_says_what_it_offers_and_that_it_is_ready(living: Living) -> None:
    """core/v1 NodeStatus; well-known labels; a Lease in kube-node-lease."""
    node = living.get(NODES, "n1")
    assert holds(node, "Ready")
    assert not holds(node, "MemoryPressure")
    assert (node["status"]["allocatable"]["memory"], node["status"]["capacity"]["cpu"]) == ("4Gi", "2")
    labels = node["metadata"]["labels"]
    assert (labels["kubernetes.io/arch"], labels["kubernetes.io/hostname"]) == ("arm64", "n1")
    assert living.get(LEASES, "n1", "kube-node-lease")["spec"]["holderIdentity"] == "n1"


@pytest.mark.parametrize(
    ("pod", "container", "expected"),
    [
        ({}, {"resources": {"requests": {"cpu": "3"}}}, "1 Insufficient cpu"),
        ({}, {"resources": {"limits": {"memory": "5Gi"}}}, "1 Insufficient memory"),
        ({"nodeSelector": {"disk": "fast"}}, {}, "1 node(s) didn't match Pod's node affinity/selector"),
        (
            {"volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "none"}}]},
            {},
            'persistentvolumeclaim "none" not found',
        ),
    ],
)
def test_a_pod_that_no_node_takes_says_why(living: Living, pod: Object, container: Object, expected: str) -> None:
    """kube-scheduler: the sentence of its FailedScheduling event."""
    living.pod(container=container, pod=pod)
    found = living.until_pod(lambda each: bool(unschedulable(each)))
    assert unschedulable(found).startswith(f"0/1 nodes are available: {expected}. preemption: ")
    living.settle()
    assert ("FailedScheduling", unschedulable(found)) in living.events("solo")


def test_a_pod_waits_until_another_leaves_room(living: Living, tmp_path: Path) -> None:
    """NodeResourcesFit: what ended asks for nothing any more."""
    half = {"resources": {"requests": {"memory": "3Gi"}}}
    go = tmp_path / "go"
    living.pod("first", shell(f"until test -e {go}; do sleep 0.02; done") | half)
    living.until(lambda: running(living.get(PODS, "first")))
    living.pod("second", shell("exit 0") | half)
    living.until(lambda: unschedulable(living.get(PODS, "second")))
    go.touch()
    living.until(lambda: ended(living.get(PODS, "second")))


def test_a_cordoned_node_takes_no_pod_until_it_is_uncordoned(living: Living) -> None:
    """kubectl cordon: spec.unschedulable, and the taint that follows."""
    living.store.update(NODES, "", "n1", lambda node: node["spec"].update(unschedulable=True))
    living.until(lambda: living.get(NODES, "n1")["spec"].get("taints"))
    living.pod()
    pod = living.until_pod(lambda each: bool(unschedulable(each)))
    assert "1 node(s) were unschedulable" in unschedulable(pod)
    living.store.update(NODES, "", "n1", lambda node: node["spec"].pop("unschedulable"))
    living.until_pod(ended)


def test_a_node_is_cordoned_before_its_taint_says_so() -> None:
    """kube-scheduler, NodeUnschedulable: spec.unschedulable decides by itself."""
    node = Node("n1").document(0)
    assert obstacles({"spec": {}}, node, {}, 0) == []
    node["spec"]["unschedulable"] = True
    assert obstacles({"spec": {}}, node, {}, 0) == ["node(s) were unschedulable"]


def test_taints_keep_away_what_does_not_tolerate_them(living: Living) -> None:
    """Docs, "Taints and Tolerations"."""
    taint = {"key": "team", "value": "ops", "effect": "NoSchedule"}
    living.store.update(NODES, "", "n1", lambda node: node["spec"].update(taints=[taint]))
    living.pod("kept-out")
    living.pod("tolerates", pod={"tolerations": [{"key": "team", "operator": "Equal", "value": "ops"}]})
    living.until(lambda: ended(living.get(PODS, "tolerates")))
    assert "1 node(s) had untolerated taint {team: ops}" in unschedulable(living.get(PODS, "kept-out"))


def test_a_node_that_is_not_ready_takes_nothing_and_its_pods_stand_still(living: Living, tmp_path: Path) -> None:
    """Docs, "Node status": Ready Unknown, taint not-ready; no kubelet reports what its pods do."""
    go = tmp_path / "go"
    living.pod("before", shell(f"until test -e {go}; do sleep 0.02; done"))
    living.until(lambda: running(living.get(PODS, "before")))
    living.life.set_node_ready("n1", ready=False)
    living.pod("after")
    living.until(lambda: unschedulable(living.get(PODS, "after")))
    assert "untolerated taint {node.kubernetes.io/not-ready: }" in unschedulable(living.get(PODS, "after"))
    go.touch()
    living.until(lambda: living.processes() == [])
    living.settle()
    assert running(living.get(PODS, "before"))
    living.life.set_node_ready("n1", ready=True)
    living.until(lambda: all(ended(pod) for pod in living.pods()))


def test_the_pods_of_a_node_that_is_gone_go_too(living: Living) -> None:
    """kube-controller-manager, pod garbage collector."""
    living.pod(container=shell("sleep 600"))
    living.until_pod(running)
    delete(living.store, NODES, "", "n1")
    living.until(lambda: not living.pods())
    living.until(lambda: not living.processes())


# The loop


def test_a_life_that_ends_leaves_no_process_and_no_thread(tmp_path: Path) -> None:
    """Everything stops promptly, whatever the containers do."""
    before = set(threading.enumerate())
    with Living(tmp_path) as living:
        for number in range(3):
            living.pod(f"deaf-{number}", shell("trap '' TERM; sleep 600 & setsid sleep 601; sleep 602"))
        living.until(lambda: all(running(pod) for pod in living.pods()) and len(living.processes()) >= 6)
        begun = time.monotonic()
        living.life.stop()
        assert time.monotonic() - begun < PATIENCE, "the containers sleep for 600 s"
    assert living.processes() == []
    assert set(threading.enumerate()) <= before


def test_a_compacted_history_does_not_stop_the_controllers(living: Living) -> None:
    """A watch that is Expired is begun anew, after a look at everything."""
    for number in range(5):
        with living.store.lock:
            living.job(f"job-{number}")
            living.store.compact()
    for number in range(5):
        living.until_job("Complete", f"job-{number}")


def test_nothing_is_said_in_a_namespace_that_is_gone_or_going(living: Living) -> None:
    """The API refuses new content there: a later namespace of that name must not inherit old events."""
    recorder = Recorder(living.store, "test")
    meta = {"namespace": "atlas", "name": "x", "uid": "u", "resourceVersion": "1"}
    recorder.normal(PODS, {"metadata": meta}, "Early", "no namespace yet")
    living.create(NAMESPACES, {"metadata": {"name": "atlas"}})
    recorder.normal(PODS, {"metadata": meta}, "There", "first")
    recorder.normal(PODS, {"metadata": meta}, "There", "first")
    with living.store.lock:
        delete(living.store, NAMESPACES, "", "atlas")
        recorder.normal(PODS, {"metadata": meta}, "Late", "on its way out")
        found = living.store.list(EVENTS, "atlas")[0]
    assert [(each["reason"], each["count"]) for each in found] == [("There", 2)]
    living.until(lambda: living.store.get(NAMESPACES, "", "atlas") is None)


def test_an_idle_cluster_writes_nothing(tmp_path: Path) -> None:
    """Controllers act on changes; a state that is reached stays as it is (but for the nodes' Leases)."""
    with Living(tmp_path, pace=replace(COMPRESSED, heartbeat=600.0)) as living:
        living.job()
        living.until_job("Complete")
        living.settle()
        before = living.store.revision
        living.life.wake()
        living.settle()
        assert living.store.revision == before


def test_many_jobs_at_once_all_complete(living: Living) -> None:
    """Controllers, scheduler and kubelet take turns in one loop."""
    names = [f"job-{number}" for number in range(30)]
    for name in names:
        living.job(name, shell("exit 0"))
    for name in names:
        living.until_job("Complete", name)
    assert {pod["status"]["phase"] for pod in living.pods()} == {"Succeeded"}
    assert {pod["spec"]["containers"][0]["image"] for pod in living.pods()} == {IMAGE}
    assert living.store.list(REPLICASETS)[0] == []
