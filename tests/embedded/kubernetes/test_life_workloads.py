"""Deployments, ReplicaSets, StatefulSets and DaemonSets: simple, but with the statuses that tools wait for."""

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from drproof.embedded.kubernetes.deletion import delete
from drproof.embedded.kubernetes.nodes import Node
from drproof.embedded.kubernetes.objects import condition, holds, key_of
from drproof.embedded.kubernetes.resources import (
    DAEMONSETS,
    DEPLOYMENTS,
    NODES,
    PERSISTENTVOLUMECLAIMS,
    PERSISTENTVOLUMES,
    PODS,
    REPLICASETS,
    STATEFULSETS,
    Object,
    Resource,
)

from .living import IMAGE, Living, running, shell

FOREVER = shell("sleep 600")


@pytest.fixture
def living(tmp_path: Path) -> Iterator[Living]:
    with Living(tmp_path) as found:
        yield found


def workload(living: Living, resource: Resource, container: Object | None = None, **spec: Any) -> Object:
    body = {
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "main", "image": IMAGE} | (container or FOREVER)]},
        },
    }
    return living.create(resource, {"metadata": {"name": "web"}, "spec": body | spec})


def status_is(living: Living, resource: Resource, **expected: int) -> Object:
    def reached() -> Object | None:
        found = living.get(resource, "web")
        status = found.get("status", {})
        seen = status.get("observedGeneration") == found["metadata"]["generation"]
        return found if seen and {name: status.get(name, 0) for name in expected} == expected else None

    return dict(living.until(reached))


def change_template(living: Living, resource: Resource, value: str) -> None:
    def change(found: Object) -> None:
        found["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "VERSION", "value": value}]

    living.store.update(resource, "default", "web", change)


def scale(count: int, found: Object) -> None:
    found["spec"]["replicas"] = count


def versions(living: Living) -> list[str]:
    return versions_of(living.pods())


def versions_of(pods: Iterable[Object]) -> list[str]:
    return [
        pod["spec"]["containers"][0].get("env", [{"value": ""}])[0]["value"]
        for pod in pods
        if "deletionTimestamp" not in pod["metadata"]
    ]


def test_a_deployment_is_available_when_its_pods_are_ready(living: Living) -> None:
    """Docs, "Deployments: complete Deployment": what `kubectl rollout status` waits for."""
    workload(living, DEPLOYMENTS, replicas=3)
    found = status_is(living, DEPLOYMENTS, replicas=3, updatedReplicas=3, readyReplicas=3, availableReplicas=3)
    living.settle()
    assert holds(living.get(DEPLOYMENTS, "web"), "Available")
    progress = condition(living.get(DEPLOYMENTS, "web"), "Progressing")
    assert progress
    assert (progress["status"], progress["reason"]) == ("True", "NewReplicaSetAvailable")
    assert "unavailableReplicas" not in found["status"]
    (replicaset,) = living.store.list(REPLICASETS)[0]
    name = replicaset["metadata"]["labels"]["pod-template-hash"]
    assert replicaset["metadata"]["name"] == f"web-{name}"
    assert {pod["metadata"]["labels"]["pod-template-hash"] for pod in living.pods()} == {name}
    assert ("ScalingReplicaSet", f"Scaled up replica set web-{name} to 3") in living.events("web")


def test_a_deployment_scales_up_and_down_to_nothing(living: Living) -> None:
    """Docs, "Deployments: scaling"; no new ReplicaSet, no process left at zero."""
    workload(living, DEPLOYMENTS, replicas=1)
    status_is(living, DEPLOYMENTS, availableReplicas=1)
    for count in (3, 0):
        living.store.update(DEPLOYMENTS, "default", "web", partial(scale, count))
        status_is(living, DEPLOYMENTS, replicas=count, availableReplicas=count)
    living.until(lambda: not living.pods())
    assert len(living.store.list(REPLICASETS)[0]) == 1
    assert living.processes() == []


def test_a_rollout_keeps_to_its_bounds_and_ends_with_the_new_template_only(living: Living) -> None:
    """Docs, "Deployments: rolling update": maxUnavailable and maxSurge."""
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    workload(living, DEPLOYMENTS, replicas=3, strategy=strategy)
    status_is(living, DEPLOYMENTS, availableReplicas=3)
    pods = {key_of(pod): pod for pod in living.pods()}
    watch = living.store.watch(None, lambda resource: resource.key == PODS.key)
    change_template(living, DEPLOYMENTS, "2")
    status_is(living, DEPLOYMENTS, replicas=3, updatedReplicas=3, availableReplicas=3)
    living.until(lambda: versions(living) == ["2", "2", "2"])
    living.settle()
    alive, ready = [], []
    while event := watch.take(0):
        pods[key_of(event.object)] = event.object
        kept = [pod for pod in pods.values() if "deletionTimestamp" not in pod["metadata"]]
        alive.append(len(kept))
        ready.append(sum(holds(pod, "Ready") for pod in kept))
        if event.type == "DELETED":
            del pods[key_of(event.object)]
    assert (min(ready), max(alive)) == (3, 4)
    revisions = {
        each["metadata"]["annotations"]["deployment.kubernetes.io/revision"]: each["spec"]["replicas"]
        for each in living.store.list(REPLICASETS)[0]
    }
    assert revisions == {"1": 0, "2": 3}


def test_a_template_that_cannot_start_leaves_the_old_pods_and_is_late(living: Living) -> None:
    """Docs, "Deployments: failed Deployment": ProgressDeadlineExceeded; the old ReplicaSet goes on."""
    workload(living, DEPLOYMENTS, replicas=2, progressDeadlineSeconds=1)
    status_is(living, DEPLOYMENTS, availableReplicas=2)

    def spoil(found: Object) -> None:
        found["spec"]["template"]["spec"]["containers"][0]["image"] = "nowhere.example/none:1"

    living.store.update(DEPLOYMENTS, "default", "web", spoil)

    def late() -> bool:
        found = condition(living.get(DEPLOYMENTS, "web"), "Progressing")
        return found is not None and found["reason"] == "ProgressDeadlineExceeded"

    living.until(late)
    assert living.get(DEPLOYMENTS, "web")["status"]["availableReplicas"] == 2
    assert sum(running(pod) for pod in living.pods()) == 2


def test_going_back_to_an_old_template_uses_its_replicaset_again(living: Living) -> None:
    """kubectl rollout undo: the revision is the latest again."""
    workload(living, DEPLOYMENTS, replicas=1)
    status_is(living, DEPLOYMENTS, availableReplicas=1)
    change_template(living, DEPLOYMENTS, "2")
    living.until(lambda: versions(living) == ["2"])
    living.store.update(
        DEPLOYMENTS, "default", "web", lambda obj: obj["spec"]["template"]["spec"]["containers"][0].pop("env")
    )
    living.until(lambda: versions(living) == [""])
    living.settle()
    sets = living.store.list(REPLICASETS)[0]
    assert sorted(each["metadata"]["annotations"]["deployment.kubernetes.io/revision"] for each in sets) == ["2", "3"]


def test_recreate_ends_the_old_pods_before_the_new_begin(living: Living) -> None:
    """Docs, "Deployments: Recreate Deployment"."""
    workload(living, DEPLOYMENTS, replicas=2, strategy={"type": "Recreate"})
    status_is(living, DEPLOYMENTS, availableReplicas=2)
    pods = {key_of(pod): pod for pod in living.pods()}
    watch = living.store.watch(None, lambda resource: resource.key == PODS.key)
    change_template(living, DEPLOYMENTS, "2")
    living.until(lambda: versions(living) == ["2", "2"])
    seen = set()
    while event := watch.take(0):
        pods[key_of(event.object)] = event.object
        if event.type == "DELETED":
            del pods[key_of(event.object)]
        seen.add(frozenset(versions_of(pods.values())))
    assert seen == {frozenset({""}), frozenset(), frozenset({"2"})}


def test_a_deployment_takes_its_replicasets_and_pods_with_it(living: Living) -> None:
    """kubectl delete deployment: background cascade through the owners."""
    workload(living, DEPLOYMENTS, replicas=2)
    status_is(living, DEPLOYMENTS, availableReplicas=2)
    delete(living.store, DEPLOYMENTS, "default", "web", propagation="Background")
    living.until(lambda: not living.pods() and not living.store.list(REPLICASETS)[0])
    assert living.processes() == []


def test_a_pod_of_a_replicaset_that_goes_is_replaced_and_an_orphan_is_adopted(living: Living) -> None:
    """Docs, "ReplicaSet": it acquires pods that match its selector and have no controller."""
    workload(living, REPLICASETS, replicas=1)
    status_is(living, REPLICASETS, readyReplicas=1)
    (first,) = living.pods()
    delete(living.store, PODS, "default", first["metadata"]["name"], grace=0)
    living.until(lambda: [pod for pod in living.pods() if pod["metadata"]["uid"] != first["metadata"]["uid"]])
    status_is(living, REPLICASETS, readyReplicas=1)
    (second,) = living.pods()
    delete(living.store, REPLICASETS, "default", "web", propagation="Orphan")
    living.until(lambda: living.store.get(REPLICASETS, "default", "web") is None)
    living.until(lambda: "ownerReferences" not in living.pods()[0]["metadata"])
    workload(living, REPLICASETS, replicas=1)
    status_is(living, REPLICASETS, readyReplicas=1)
    assert [pod["metadata"]["uid"] for pod in living.pods()] == [second["metadata"]["uid"]]


def test_a_statefulset_makes_its_pods_in_order_each_with_its_claim(living: Living) -> None:
    """Docs, "StatefulSets: deployment and scaling guarantees", "stable storage"."""
    claims = [
        {
            "metadata": {"name": "data"},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
        }
    ]
    watch = living.store.watch(None, lambda resource: resource.key == PODS.key)
    mounts = {"volumeMounts": [{"name": "data", "mountPath": "/data"}]}
    workload(living, STATEFULSETS, FOREVER | mounts, replicas=2, serviceName="web", volumeClaimTemplates=claims)
    found = status_is(living, STATEFULSETS, replicas=2, readyReplicas=2, availableReplicas=2, updatedReplicas=2)
    assert found["status"]["currentRevision"] == found["status"]["updateRevision"]
    order = []
    while event := watch.take(0):
        if event.type == "ADDED" or (
            holds(event.object, "Ready") and event.previous and not holds(event.previous, "Ready")
        ):
            order.append((event.object["metadata"]["name"], event.type))
    assert order == [("web-0", "ADDED"), ("web-0", "MODIFIED"), ("web-1", "ADDED"), ("web-1", "MODIFIED")]
    assert [key_of(each)[1] for each in living.store.list(PERSISTENTVOLUMECLAIMS)[0]] == ["data-web-0", "data-web-1"]
    living.store.update(STATEFULSETS, "default", "web", lambda obj: obj["spec"].update(replicas=1))
    status_is(living, STATEFULSETS, replicas=1, readyReplicas=1)
    living.until(lambda: [pod["metadata"]["name"] for pod in living.pods()] == ["web-0"])
    living.get(PERSISTENTVOLUMECLAIMS, "data-web-1")


def test_a_statefulset_replaces_its_pods_from_the_last_to_the_first(living: Living) -> None:
    """Docs, "StatefulSets: rolling updates"."""
    workload(living, STATEFULSETS, replicas=2, serviceName="web")
    status_is(living, STATEFULSETS, readyReplicas=2)
    watch = living.store.watch(None, lambda resource: resource.key == PODS.key)
    change_template(living, STATEFULSETS, "2")
    living.until(lambda: versions(living) == ["2", "2"])
    status_is(living, STATEFULSETS, readyReplicas=2, updatedReplicas=2)
    living.settle()
    found = living.get(STATEFULSETS, "web")
    assert found["status"]["currentRevision"] == found["status"]["updateRevision"]
    gone = []
    while event := watch.take(0):
        gone += [event.object["metadata"]["name"]] if event.type == "DELETED" else []
    assert gone == ["web-1", "web-0"]


def test_a_daemonset_has_a_pod_on_each_node_that_takes_it(living: Living) -> None:
    """Docs, "DaemonSet": nodes that join get a pod, cordoned ones keep theirs."""
    living.life.add_node(Node("n2"))
    workload(living, DAEMONSETS)
    status_is(living, DAEMONSETS, desiredNumberScheduled=2, numberReady=2, numberAvailable=2, updatedNumberScheduled=2)
    living.store.update(NODES, "", "n1", lambda node: node["spec"].update(unschedulable=True))
    living.life.add_node(Node("n3"))
    status_is(living, DAEMONSETS, desiredNumberScheduled=3, numberReady=3)
    assert sorted(pod["spec"]["nodeName"] for pod in living.pods()) == ["n1", "n2", "n3"]
    delete(living.store, DAEMONSETS, "default", "web", propagation="Background")
    living.until(lambda: not living.pods())


def test_a_claim_that_goes_takes_its_volume_with_it(living: Living) -> None:
    """persistentVolumeReclaimPolicy Delete."""
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    living.create(PERSISTENTVOLUMECLAIMS, {"metadata": {"name": "data"}, "spec": spec})
    mount = {"volumeMounts": [{"name": "data", "mountPath": "/data"}]}
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
    living.pod(container=shell("echo x > data/file") | mount, pod={"volumes": volumes})
    living.until_pod(lambda pod: pod.get("status", {}).get("phase") == "Succeeded")
    (volume,) = living.store.list(PERSISTENTVOLUMES)[0]
    folder = living.life.kubelet.host_folder("n1") / volume["spec"]["hostPath"]["path"].lstrip("/")
    assert (folder / "file").read_text() == "x\n"
    delete(living.store, PODS, "default", "solo", grace=0)
    delete(living.store, PERSISTENTVOLUMECLAIMS, "default", "data")
    living.until(lambda: not living.store.list(PERSISTENTVOLUMES)[0])
    living.until(lambda: not folder.exists())
