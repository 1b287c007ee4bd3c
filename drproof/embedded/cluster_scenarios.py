"""The failures of a recovery cluster: what the scenario of a world changes in the cluster of its machine."""

import math
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from drproof.embedded.kubernetes.calls import Call
from drproof.embedded.kubernetes.cluster import Cluster
from drproof.embedded.kubernetes.faults import Fault
from drproof.embedded.kubernetes.nodes import Node
from drproof.embedded.kubernetes.pace import COMPRESSED, Pace
from drproof.embedded.kubernetes.registry import Registry
from drproof.embedded.kubernetes.resources import ALL, NAMESPACES, Resource
from drproof.embedded.kubernetes.scripts import Run, Script
from drproof.embedded.site.workloads import CONFIG, NAMESPACE
from drproof.embedded.world import World

ROOMY, TIGHT = "4Gi", "256Mi"
"""Memory of a node: enough for the workload, and less than it asks for."""

JOB_LABEL = "job-name"
WORKLOAD, REPORT = "workload", "report-state"
SECTION = "scoring"
OTHER_DIGEST = "sha256:" + "5ca1ab1e" * 8
RESTARTED_SECONDS = 0.05
ACCOUNT_SECONDS = 1.0


def memory(scenario: str) -> str:
    """Return the memory of the node that a machine's cluster begins with."""
    return TIGHT if scenario.startswith("insufficient-memory") else ROOMY


def arrange(world: World, cluster: Cluster, registry: Registry, root: Path) -> str:
    """Prepare the failure of the world's scenario, and return the kubeconfig that lies on the machine."""
    arrangement = _ARRANGEMENTS.get(world.scenario)
    if arrangement is not None:
        arrangement(cluster, registry)
    if world.scenario == "wrong-cluster":
        cluster = _other_cluster(world, cluster, registry)
    # As k3s writes it: for the machine itself, so that whoever reads it elsewhere must know the machine's address.
    kubeconfig = cluster.kubeconfig(server=f"https://127.0.0.1:{cluster.address.rpartition(':')[2]}")
    return _with_exec(kubeconfig, root) if world.scenario == "kubeconfig-with-exec" else kubeconfig


def _is_validation(pod: Mapping[str, Any]) -> bool:
    return JOB_LABEL in (pod["metadata"].get("labels") or {})


def _containers(job: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    pod = job["spec"]["template"]["spec"]
    return (*pod.get("initContainers", ()), *pod["containers"])


def _ends(run: Run, container: str = WORKLOAD) -> Callable[[Cluster, Registry], None]:
    def arrangement(cluster: Cluster, _: Registry) -> None:
        cluster.kubelet.script(Script(match=_is_validation, runs=[run], container=container))

    return arrangement


def _other_image_runs(cluster: Cluster, _: Registry) -> None:
    for container in (WORKLOAD, REPORT):
        run = Run(image_digest=OTHER_DIGEST)
        cluster.kubelet.script(Script(match=_is_validation, runs=[run], container=container))


def _denied(logins: float) -> Callable[[Cluster, Registry], None]:
    """Let the registry turn away whoever comes with one of the first logins, however often."""

    def arrangement(cluster: Cluster, registry: Registry) -> None:
        seen = [0]

        def watch(call: Call) -> Fault | None:
            # The backup's own Secrets are created; a login is applied, and applied again when it is renewed.
            seen[0] += (call.verb, call.resource, call.dry_run) == ("patch", "secrets", False)
            return None

        cluster.faults.append(watch)
        registry.faults.append(lambda *_: "401 Unauthorized" if seen[0] <= logins else None)

    return arrangement


def _grows_when_the_job_is_removed(cluster: Cluster, _: Registry) -> None:
    def watch(call: Call) -> Fault | None:
        if (call.verb, call.resource) == ("delete", "jobs"):
            cluster.life.add_node(Node("node-that-was-added", memory=ROOMY))
        return None

    cluster.faults.append(watch)


def _caches_the_image(cluster: Cluster, _: Registry) -> None:
    """Let a policy of the cluster turn `Always` into what a node is content with when it has an image already."""

    def mutate(resource: Resource, _: str, manifest: dict[str, Any]) -> None:
        if resource.kind == "Job":
            for container in _containers(manifest):
                container["imagePullPolicy"] = "IfNotPresent"

    cluster.mutators.append(mutate)


def _edits(kind: str, name: str, change: Callable[[dict[str, Any]], None]) -> Callable[[Cluster, Registry], None]:
    """Change an object whenever it is written, as an admission webhook that nobody remembers would."""

    def arrangement(cluster: Cluster, _: Registry) -> None:
        def mutate(resource: Resource, _: str, manifest: dict[str, Any]) -> None:
            if resource.kind == kind and manifest["metadata"].get("name", "").endswith(name):
                change(manifest)

        cluster.mutators.append(mutate)

    return arrangement


def _edit_a_key(manifest: dict[str, Any]) -> None:
    key = min(manifest["data"])
    manifest["data"][key] = manifest["data"][key].replace("7", "8")


def _publish(manifest: dict[str, Any]) -> None:
    manifest["data"]["PUBLISH_S3"] = "1"


def _reads_nothing(cluster: Cluster, _: Registry) -> None:
    """Point the Job at an empty place: it ends well, as a workload on empty data does."""

    def mutate(resource: Resource, _: str, manifest: dict[str, Any]) -> None:
        if resource.kind != "Job":
            return
        for container in _containers(manifest):
            for variable in container.get("env") or ():
                if variable["name"].endswith("STATE_PREFIX"):
                    variable["value"] = "drills/empty"

    cluster.mutators.append(mutate)


def _loses_its_namespace(cluster: Cluster, _: Registry) -> None:
    """Lose the namespace once the restore has ended: its last write is the pull secret."""
    restored = threading.Event()

    def watch(call: Call) -> Fault | None:
        if (call.verb, call.resource, call.dry_run) == ("patch", "secrets", False) and call.name == "ecr-pull":
            restored.set()
        looked = (call.verb, call.resource, call.name) == ("get", "namespaces", NAMESPACE)
        if looked and restored.is_set() and cluster.store.get(NAMESPACES, "", NAMESPACE) is not None:
            for resource in ALL:
                if resource.namespaced:
                    for one in cluster.store.list(resource, NAMESPACE)[0]:
                        cluster.store.remove(resource, NAMESPACE, one["metadata"]["name"])
            cluster.store.remove(NAMESPACES, "", NAMESPACE)
        return None

    cluster.faults.append(watch)


def pace(scenario: str) -> Pace:
    """Return how fast a machine's cluster lives: where a watch is to lose its place, something must be waited for."""
    return replace(COMPRESSED, account=ACCOUNT_SECONDS) if scenario == "watch-410" else COMPRESSED


def _restarts(cluster: Cluster, _: Registry) -> None:
    """Restart the API server while a restore writes."""
    still = [True]

    def watch(call: Call) -> Fault | None:
        if still[0] and (call.verb, call.resource, call.dry_run) == ("create", "services", False):
            still[0] = False
            threading.Thread(target=cluster.restart, args=(RESTARTED_SECONDS,), daemon=True).start()
            return Fault(hang_seconds=0.2, reset=True)
        return None

    cluster.faults.append(watch)


def _other_cluster(world: World, cluster: Cluster, registry: Registry) -> Cluster:
    """Return another cluster at the machine's address, whose context has the same name, and whose UID has not."""
    place = world.directory / "clusters" / "another"
    address = cluster.address.rpartition(":")[0]
    another = Cluster(place, address=address, port=0, nodes=(Node("another"),), registry=registry)
    another.start()
    world.on_end.append(another.stop)
    return another


def _with_exec(kubeconfig: str, root: Path) -> str:
    """Return a kubeconfig that would start a process on the machine of whoever uses it."""
    head, _, _ = kubeconfig.partition("users:")
    return (
        f"{head}users:\n- name: default\n  user:\n    exec:\n      apiVersion: client.authentication.k8s.io/v1\n"
        f"      command: touch\n      args: ['{root / 'a-process-was-started'}']\n      interactiveMode: Never\n"
    )


_ARRANGEMENTS: Mapping[str, Callable[[Cluster, Registry], None]] = {
    "image-pull-denied": _denied(math.inf),
    "image-pull-denied-then-allowed": _denied(1),
    "insufficient-memory-then-node-added": _grows_when_the_job_is_removed,
    "validation-job-fails": _ends(Run(exit_code=3, logs="the recovered workload cannot read its settings\n")),
    "validation-job-hangs": _ends(Run(hang=True)),
    "validation-job-oom": _ends(Run(oom=True)),
    "wrong-image-digest": _other_image_runs,
    "stale-cached-image": _caches_the_image,
    "namespace-missing-after-restore": _loses_its_namespace,
    "configmap-edited": _edits("ConfigMap", SECTION, _edit_a_key),
    "publishing-left-on": _edits("ConfigMap", CONFIG, _publish),
    "state-not-restored": _reads_nothing,
    "api-restart": _restarts,
}
