"""ReplicaSets: as many pods of one template as they ask for."""

import contextlib

from drproof.embedded.kubernetes.controlling import (
    RETRY_SECONDS,
    Controller,
    create_pod,
    delete_pod,
    is_active,
    is_ready,
)
from drproof.embedded.kubernetes.errors import NotFound
from drproof.embedded.kubernetes.events import Recorder
from drproof.embedded.kubernetes.objects import (
    being_deleted,
    controlled_by,
    controller_of,
    key_of,
    owner_reference,
)
from drproof.embedded.kubernetes.resources import PODS, REPLICASETS, Object, Resource
from drproof.embedded.kubernetes.selectors import of_selector
from drproof.embedded.kubernetes.store import Store


class ReplicaSets(Controller):
    """Makes, adopts and deletes pods."""

    watches: tuple[Resource, ...] = (REPLICASETS, PODS)

    def __init__(self, store: Store) -> None:
        self._store = store
        self._recorder = Recorder(store, "replicaset-controller")

    def reconcile(self, now: float) -> float | None:
        """Bring each ReplicaSet to its number of pods."""
        due = None
        for found in self._store.list(REPLICASETS)[0]:
            with contextlib.suppress(NotFound):
                if not self._sync(found):
                    due = now + RETRY_SECONDS
        return due

    def _sync(self, replicaset: Object) -> bool:
        """Return whether all went as it should."""
        pods = claimed(self._store, REPLICASETS, replicaset)
        active = [pod for pod in pods if is_active(pod)]
        wanted = int(replicaset["spec"].get("replicas", 1))
        well = True
        if not being_deleted(replicaset):
            for _ in range(wanted - len(active)):
                prefix = f"{replicaset['metadata']['name']}-"
                template = replicaset["spec"]["template"]
                made = create_pod(self._store, self._recorder, REPLICASETS, replicaset, template, prefix=prefix)
                if made is None:
                    well = False
                    break
                active.append(made)
            # Those that do not serve yet are missed least.
            for pod in sorted(active, key=is_ready)[: max(0, len(active) - wanted)]:
                delete_pod(self._store, self._recorder, REPLICASETS, replicaset, pod)
                active.remove(pod)
        ready = sum(is_ready(pod) for pod in active)
        counts = {"fullyLabeledReplicas": len(active), "readyReplicas": ready, "availableReplicas": ready}
        write_counts(self._store, REPLICASETS, replicaset, {"replicas": len(active)}, counts)
        return well


def claimed(store: Store, resource: Resource, owner: Object) -> list[Object]:
    """Return the pods of a controller, after adopting those that match its selector and belong to nobody."""
    meta, matches = owner["metadata"], of_selector(owner["spec"]["selector"])
    reference = owner_reference(resource, owner)
    found = []
    for pod in store.list(PODS, meta["namespace"])[0]:
        if controlled_by(pod, meta["uid"]):
            found.append(pod)
        elif controller_of(pod) is None and matches(pod) and not being_deleted(owner) and is_active(pod):

            def adopt(obj: Object) -> None:
                obj["metadata"].setdefault("ownerReferences", []).append(reference)

            found.append(store.update(PODS, *key_of(pod), adopt))
    return found


def write_counts(store: Store, resource: Resource, obj: Object, always: Object, counts: Object) -> None:
    """Write a controller's status: what is counted (zeros left out, except those in `always`) and seen last."""

    def write(found: Object) -> None:
        status = found.setdefault("status", {})
        for name, number in counts.items():
            if number:
                status[name] = number
            else:
                status.pop(name, None)
        status.update(always)
        status["observedGeneration"] = obj["metadata"].get("generation", 1)

    store.update(resource, *key_of(obj), write)
