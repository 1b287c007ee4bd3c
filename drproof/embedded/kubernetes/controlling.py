"""What controllers share: their shape, and pods that are made from a template."""

import contextlib
from abc import ABC, abstractmethod

from drproof.embedded.kubernetes.admission import admit
from drproof.embedded.kubernetes.deletion import delete
from drproof.embedded.kubernetes.errors import ApiError, NotFound
from drproof.embedded.kubernetes.events import Recorder
from drproof.embedded.kubernetes.objects import being_deleted, condition, key_of, owner_reference
from drproof.embedded.kubernetes.podstatus import TERMINAL
from drproof.embedded.kubernetes.resources import PODS, Object, Resource
from drproof.embedded.kubernetes.store import Event, Store, copied

RETRY_SECONDS = 0.5
"""After which a controller tries again what the API refused (a ServiceAccount that is not there yet)."""


class Controller(ABC):
    """Brings the cluster nearer to what objects of some kinds ask for."""

    watches: tuple[Resource, ...] = ()
    """The kinds whose changes concern it."""

    def concerns(self, event: Event) -> bool:
        """Whether it has to look again after a change."""
        return any(event.resource.key == each.key for each in self.watches)

    @abstractmethod
    def reconcile(self, now: float) -> float | None:
        """Do what can be done now; return the monotonic time at which more will be, if time alone brings it."""


def create(store: Store, resource: Resource, obj: Object) -> Object:
    """Create an object as the API would; raises what the API answers."""
    with store.lock:
        return store.create(resource, admit(store, resource, obj))


def create_pod(  # noqa: PLR0913 — what a pod is made of
    store: Store,
    recorder: Recorder,
    resource: Resource,
    owner: Object,
    template: Object,
    *,
    name: str = "",
    prefix: str = "",
    metadata: Object | None = None,
) -> Object | None:
    """Create a pod for its controller and say so; None (and an event) where the API refuses it."""
    meta = copied(template.get("metadata") or {})
    made: Object = {
        "namespace": owner["metadata"]["namespace"],
        "labels": {**(meta.get("labels") or {}), **((metadata or {}).get("labels") or {})},
        "annotations": {**(meta.get("annotations") or {}), **((metadata or {}).get("annotations") or {})},
        "finalizers": list((metadata or {}).get("finalizers") or meta.get("finalizers") or []),
        "ownerReferences": [owner_reference(resource, owner)],
    }
    made = {key: value for key, value in made.items() if value} | ({"name": name} if name else {"generateName": prefix})
    pod: Object = {"apiVersion": "v1", "kind": "Pod", "metadata": made, "spec": copied(template["spec"])}
    pod["status"] = {"phase": "Pending"}
    try:
        created = create(store, PODS, pod)
    except ApiError as exc:
        recorder.warning(resource, owner, "FailedCreate", f"Error creating: {exc}")
        return None
    recorder.normal(resource, owner, "SuccessfulCreate", f"Created pod: {created['metadata']['name']}")
    return created


def delete_pod(store: Store, recorder: Recorder, resource: Resource, owner: Object, pod: Object) -> None:
    """Delete a pod gracefully and say so; one that is gone already is no error."""
    namespace, name = key_of(pod)
    with contextlib.suppress(NotFound):
        delete(store, PODS, namespace, name, uid=pod["metadata"]["uid"])
        recorder.normal(resource, owner, "SuccessfulDelete", f"Deleted pod: {name}")


def drop_finalizer(store: Store, resource: Resource, obj: Object, finalizer: str) -> None:
    """Take a finalizer off an object, which is removed when it waited for nothing else."""

    def drop(found: Object) -> None:
        meta = found["metadata"]
        meta["finalizers"] = [each for each in meta.get("finalizers") or [] if each != finalizer]
        if not meta["finalizers"]:
            del meta["finalizers"]

    namespace, name = key_of(obj)
    with contextlib.suppress(NotFound):
        store.update(resource, namespace, name, drop)


def is_active(pod: Object) -> bool:
    """Whether a pod runs or will run: neither ended nor on its way out."""
    return phase(pod) not in TERMINAL and not being_deleted(pod)


def is_ready(pod: Object) -> bool:
    """Whether a pod serves."""
    found = condition(pod, "Ready")
    return found is not None and found["status"] == "True"


def phase(pod: Object) -> str:
    """Return a pod's phase."""
    return str((pod.get("status") or {}).get("phase", "Pending"))
