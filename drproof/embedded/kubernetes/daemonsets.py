"""DaemonSets: one pod on each node that takes it."""

import contextlib

from drproof.embedded.kubernetes.controlling import (
    RETRY_SECONDS,
    Controller,
    create_pod,
    delete_pod,
    is_ready,
    phase,
)
from drproof.embedded.kubernetes.deployments import template_hash
from drproof.embedded.kubernetes.errors import NotFound
from drproof.embedded.kubernetes.events import Recorder
from drproof.embedded.kubernetes.nodes import NOT_READY, UNSCHEDULABLE
from drproof.embedded.kubernetes.objects import being_deleted
from drproof.embedded.kubernetes.podstatus import TERMINAL
from drproof.embedded.kubernetes.replicasets import claimed, write_counts
from drproof.embedded.kubernetes.resources import DAEMONSETS, NODES, PODS, Object, Resource
from drproof.embedded.kubernetes.scheduler import tolerates_and_accepts
from drproof.embedded.kubernetes.store import Store, copied

_HASH = "controller-revision-hash"
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


class DaemonSets(Controller):
    """Makes and deletes the pods of DaemonSets."""

    watches: tuple[Resource, ...] = (DAEMONSETS, PODS, NODES)

    def __init__(self, store: Store) -> None:
        self._store = store
        self._recorder = Recorder(store, "daemonset-controller")

    def reconcile(self, now: float) -> float | None:
        """Bring each DaemonSet to its nodes."""
        due = None
        for found in self._store.list(DAEMONSETS)[0]:
            with contextlib.suppress(NotFound):
                if not self._sync(found):
                    due = now + RETRY_SECONDS
        return due

    def _sync(self, owner: Object) -> bool:
        """Return whether all went as it should."""
        if being_deleted(owner):
            return True
        revision = template_hash(owner["spec"]["template"])
        nodes = {node["metadata"]["name"]: node for node in self._store.list(NODES)[0]}
        probe = {"spec": _tolerant(owner["spec"]["template"]["spec"])}
        wanted = {name for name, node in nodes.items() if tolerates_and_accepts(probe, node)}
        by_node: dict[str, Object] = {}
        well = True
        for pod in claimed(self._store, DAEMONSETS, owner):
            node = _bound_for(pod)
            if node not in wanted or phase(pod) in TERMINAL or node in by_node or self._is_old(owner, pod, revision):
                if not being_deleted(pod):
                    delete_pod(self._store, self._recorder, DAEMONSETS, owner, pod)
                if node in wanted:
                    by_node.setdefault(node, pod)
            else:
                by_node[node] = pod
        for name in sorted(wanted - set(by_node)):
            made = self._create(owner, name, revision)
            if made is None:
                well = False
                break
            by_node[name] = made
        running = [pod for pod in by_node.values() if not being_deleted(pod)]
        ready = sum(is_ready(pod) for pod in running)
        updated = sum(pod["metadata"]["labels"].get(_HASH) == revision for pod in running)
        always = {
            "currentNumberScheduled": len(running),
            "desiredNumberScheduled": len(wanted),
            "numberMisscheduled": 0,
            "numberReady": ready,
        }
        unavailable = len(wanted) - ready
        counts = {"numberAvailable": ready, "numberUnavailable": unavailable, "updatedNumberScheduled": updated}
        write_counts(self._store, DAEMONSETS, owner, always, counts)
        return well

    @staticmethod
    def _is_old(owner: Object, pod: Object, revision: str) -> bool:
        kind = (owner["spec"].get("updateStrategy") or {}).get("type", "RollingUpdate")
        return bool(kind == "RollingUpdate" and pod["metadata"]["labels"].get(_HASH) != revision)

    def _create(self, owner: Object, node: str, revision: str) -> Object | None:
        template = copied(owner["spec"]["template"])
        template["spec"] = _tolerant(template["spec"])
        affinity = template["spec"].setdefault("affinity", {}).setdefault("nodeAffinity", {})
        fields = [{"key": "metadata.name", "operator": "In", "values": [node]}]
        terms = (affinity.get(_REQUIRED) or {}).get("nodeSelectorTerms") or [{}]
        affinity[_REQUIRED] = {"nodeSelectorTerms": [{**term, "matchFields": fields} for term in terms]}
        prefix, labels = f"{owner['metadata']['name']}-", {_HASH: revision}
        return create_pod(
            self._store,
            self._recorder,
            DAEMONSETS,
            owner,
            template,
            prefix=prefix,
            metadata={"labels": labels},
        )


def _tolerant(spec: Object) -> Object:
    """Return a pod's spec with the tolerations that every pod of a DaemonSet has."""
    made = copied(spec)
    own = [
        {"effect": "NoExecute", "key": NOT_READY, "operator": "Exists"},
        {"effect": "NoExecute", "key": "node.kubernetes.io/unreachable", "operator": "Exists"},
        {"effect": "NoSchedule", "key": "node.kubernetes.io/disk-pressure", "operator": "Exists"},
        {"effect": "NoSchedule", "key": "node.kubernetes.io/memory-pressure", "operator": "Exists"},
        {"effect": "NoSchedule", "key": UNSCHEDULABLE, "operator": "Exists"},
    ]
    tolerations = made.setdefault("tolerations", [])
    tolerations += [each for each in own if each not in tolerations]
    return made


def _bound_for(pod: Object) -> str:
    """Return the node that a pod of a DaemonSet runs on, or is made for."""
    if pod["spec"].get("nodeName"):
        return str(pod["spec"]["nodeName"])
    required = ((pod["spec"].get("affinity") or {}).get("nodeAffinity") or {}).get(_REQUIRED) or {}
    for term in required.get("nodeSelectorTerms") or []:
        for field in term.get("matchFields") or []:
            return str(field["values"][0])
    return ""
