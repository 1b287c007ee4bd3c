"""StatefulSets: pods with names that stay, one after the other, each with its own claims."""

import contextlib

from drproof.embedded.kubernetes.controlling import (
    RETRY_SECONDS,
    Controller,
    create,
    create_pod,
    delete_pod,
    is_ready,
    phase,
)
from drproof.embedded.kubernetes.deployments import template_hash
from drproof.embedded.kubernetes.errors import NotFound
from drproof.embedded.kubernetes.events import Recorder
from drproof.embedded.kubernetes.objects import being_deleted, key_of
from drproof.embedded.kubernetes.podstatus import TERMINAL
from drproof.embedded.kubernetes.replicasets import claimed, write_counts
from drproof.embedded.kubernetes.resources import PERSISTENTVOLUMECLAIMS, PODS, STATEFULSETS, Object, Resource
from drproof.embedded.kubernetes.store import Store, copied

_HASH = "controller-revision-hash"


class StatefulSets(Controller):
    """Makes and replaces the pods of StatefulSets in the order of their numbers."""

    watches: tuple[Resource, ...] = (STATEFULSETS, PODS)

    def __init__(self, store: Store) -> None:
        self._store = store
        self._recorder = Recorder(store, "statefulset-controller")

    def reconcile(self, now: float) -> float | None:
        """Take the next step of each StatefulSet."""
        due = None
        for found in self._store.list(STATEFULSETS)[0]:
            with contextlib.suppress(NotFound):
                if not self._sync(found):
                    due = now + RETRY_SECONDS
        return due

    def _sync(self, owner: Object) -> bool:
        """Return whether all went as it should."""
        name = owner["metadata"]["name"]
        revision = f"{name}-{template_hash(owner['spec']['template'])}"
        pods = {pod["metadata"]["name"]: pod for pod in claimed(self._store, STATEFULSETS, owner)}
        well = being_deleted(owner) or self._step(owner, pods, revision)
        mine = [pod for pod in claimed(self._store, STATEFULSETS, owner) if not being_deleted(pod)]
        updated = sum(pod["metadata"]["labels"].get(_HASH) == revision for pod in mine)
        ready, wanted = sum(is_ready(pod) for pod in mine), int(owner["spec"].get("replicas", 1))
        before = (owner.get("status") or {}).get("currentRevision", revision)
        current = revision if updated == wanted and len(mine) == wanted else before
        always: Object = {
            "replicas": len(mine),
            "availableReplicas": ready,
            "collisionCount": 0,
            "currentRevision": current,
            "updateRevision": revision,
        }
        of_current = sum(pod["metadata"]["labels"].get(_HASH) == current for pod in mine)
        counts = {"readyReplicas": ready, "currentReplicas": of_current, "updatedReplicas": updated}
        write_counts(self._store, STATEFULSETS, owner, always, counts)
        return well

    def _step(self, owner: Object, pods: dict[str, Object], revision: str) -> bool:
        spec, name = owner["spec"], owner["metadata"]["name"]
        ordered = spec.get("podManagementPolicy", "OrderedReady") == "OrderedReady"
        first = int((spec.get("ordinals") or {}).get("start", 0))
        numbers = range(first, first + int(spec.get("replicas", 1)))
        for number in numbers:
            pod = pods.get(f"{name}-{number}")
            if pod is None:
                if not self._create(owner, number, revision):
                    return False
            elif phase(pod) in TERMINAL and not being_deleted(pod):
                # Its name is taken until it is gone: only then comes its successor.
                delete_pod(self._store, self._recorder, STATEFULSETS, owner, pod)
            if ordered and (pod is None or not is_ready(pod) or being_deleted(pod)):
                return True
        surplus = sorted((pod for each, pod in pods.items() if _number(each) not in numbers), key=_ordinal)
        for pod in reversed(surplus):
            if not being_deleted(pod):
                delete_pod(self._store, self._recorder, STATEFULSETS, owner, pod)
            if ordered:
                return True
        self._replace(owner, pods, numbers, revision)
        return True

    def _replace(self, owner: Object, pods: dict[str, Object], numbers: range, revision: str) -> None:
        """Delete the last pod of an old template, if all after it serve."""
        strategy = owner["spec"].get("updateStrategy") or {}
        if strategy.get("type") == "OnDelete":
            return
        least = int((strategy.get("rollingUpdate") or {}).get("partition", 0))
        for number in reversed(numbers):
            pod = pods.get(f"{owner['metadata']['name']}-{number}")
            if pod is None or number < least:
                return
            if pod["metadata"]["labels"].get(_HASH) != revision:
                if not being_deleted(pod):
                    delete_pod(self._store, self._recorder, STATEFULSETS, owner, pod)
                return
            if not is_ready(pod):
                return

    def _create(self, owner: Object, number: int, revision: str) -> bool:
        meta, name = owner["metadata"], f"{owner['metadata']['name']}-{number}"
        template = copied(owner["spec"]["template"])
        volumes = template["spec"].setdefault("volumes", [])
        for each in owner["spec"].get("volumeClaimTemplates") or []:
            claim = f"{each['metadata']['name']}-{name}"
            if self._store.get(PERSISTENTVOLUMECLAIMS, meta["namespace"], claim) is None:
                labels = (owner["spec"]["selector"].get("matchLabels") or {}) | (each["metadata"].get("labels") or {})
                made = {"name": claim, "namespace": meta["namespace"], "labels": labels}
                create(self._store, PERSISTENTVOLUMECLAIMS, {"metadata": made, "spec": copied(each["spec"])})
            volumes[:] = [known for known in volumes if known["name"] != each["metadata"]["name"]]
            volumes.append({"name": each["metadata"]["name"], "persistentVolumeClaim": {"claimName": claim}})
        template["spec"].setdefault("hostname", name)
        if owner["spec"].get("serviceName"):
            template["spec"].setdefault("subdomain", owner["spec"]["serviceName"])
        labels = {
            "apps.kubernetes.io/pod-index": str(number),
            _HASH: revision,
            "statefulset.kubernetes.io/pod-name": name,
        }
        made_pod = create_pod(
            self._store, self._recorder, STATEFULSETS, owner, template, name=name, metadata={"labels": labels}
        )
        return made_pod is not None


def _number(name: str) -> int:
    return int(name.rpartition("-")[2]) if name.rpartition("-")[2].isdecimal() else -1


def _ordinal(pod: Object) -> int:
    return _number(key_of(pod)[1])
