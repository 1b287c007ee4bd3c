"""The garbage collector: what has no owner left goes, in the order that the owner's deletion asked for."""

import contextlib
import time
from calendar import timegm
from collections.abc import Iterator

from drproof.embedded.kubernetes.controlling import Controller, drop_finalizer
from drproof.embedded.kubernetes.deletion import FOREGROUND, ORPHAN, Propagation, delete
from drproof.embedded.kubernetes.errors import ApiError, NotFound
from drproof.embedded.kubernetes.objects import being_deleted, condition, holds, key_of
from drproof.embedded.kubernetes.resources import ALL, BY_KIND, EVENTS, JOBS, LEASES, Object, Resource
from drproof.embedded.kubernetes.store import Event, Store

_Held = tuple[Resource, Object]


class GarbageCollector(Controller):
    """Follows ownerReferences: deletes dependents (background, foreground) or sets them free (orphan)."""

    watches: tuple[Resource, ...] = tuple(each for each in ALL if each is not EVENTS)

    def __init__(self, store: Store) -> None:
        self._store = store

    def concerns(self, event: Event) -> bool:
        """Whether a change can make an object an orphan, or let an owner go."""
        if event.resource.key in {EVENTS.key, LEASES.key}:
            return False
        meta, before = event.object["metadata"], (event.previous or {"metadata": {}})["metadata"]
        return (
            event.type == "DELETED"
            or being_deleted(event.object)
            or meta.get("ownerReferences") != before.get("ownerReferences")
        )

    def reconcile(self, now: float) -> float | None:  # noqa: ARG002 — it acts on changes, not on time
        """Do for each object what its owners, or its own deletion, ask for."""
        held = list(self._everything())
        alive = {obj["metadata"]["uid"] for _, obj in held}
        dependents: dict[str, list[_Held]] = {}
        for resource, obj in held:
            for owner in obj["metadata"].get("ownerReferences") or []:
                dependents.setdefault(owner["uid"], []).append((resource, obj))
        for resource, obj in held:
            # An object that changed or went away meanwhile is looked at again: the change brings the next turn.
            with contextlib.suppress(ApiError):
                self._finish(resource, obj, dependents.get(obj["metadata"]["uid"], []))
                self._collect(resource, obj, alive)
        return None

    def _everything(self) -> Iterator[_Held]:
        # Under one lock: an owner that appears between two lists would be missed and its dependents deleted.
        with self._store.lock:
            lists = [(resource, self._store.list(resource)[0]) for resource in self.watches]
        yield from ((resource, obj) for resource, objects in lists for obj in objects)

    def _finish(self, resource: Resource, obj: Object, dependents: list[_Held]) -> None:
        """Let an owner go that waits for its dependents."""
        finalizers = obj["metadata"].get("finalizers") or []
        if not being_deleted(obj):
            return
        if ORPHAN in finalizers:
            for kind, dependent in dependents:
                self._drop_owners(kind, dependent, {obj["metadata"]["uid"]})
            drop_finalizer(self._store, resource, obj, ORPHAN)
        elif FOREGROUND in finalizers:
            blocking = False
            for kind, dependent in dependents:
                if not being_deleted(dependent):
                    self._delete(kind, dependent, foreground=True)
                blocking |= _blocks(dependent, obj) and self._store.get(kind, *key_of(dependent)) is not None
            if not blocking:
                drop_finalizer(self._store, resource, obj, FOREGROUND)

    def _collect(self, resource: Resource, obj: Object, alive: set[str]) -> None:
        """Delete an object that lost all of its owners; forget the owners that are gone if others are left."""
        owners = obj["metadata"].get("ownerReferences") or []
        # What the cluster does not know may be there all the same.
        gone = {each["uid"] for each in owners if each["uid"] not in alive and _known(each)}
        if not gone or being_deleted(obj):
            return
        if len(gone) == len({each["uid"] for each in owners}):
            self._delete(resource, obj, foreground=False)
        else:
            self._drop_owners(resource, obj, gone)

    def _delete(self, resource: Resource, obj: Object, *, foreground: bool) -> None:
        namespace, name = key_of(obj)
        propagation: Propagation = "Foreground" if foreground else "Background"
        with contextlib.suppress(NotFound):
            delete(self._store, resource, namespace, name, propagation=propagation, uid=obj["metadata"]["uid"])

    def _drop_owners(self, resource: Resource, obj: Object, uids: set[str]) -> None:
        def drop(found: Object) -> None:
            kept = [each for each in found["metadata"].get("ownerReferences") or [] if each["uid"] not in uids]
            if kept:
                found["metadata"]["ownerReferences"] = kept
            else:
                found["metadata"].pop("ownerReferences", None)

        with contextlib.suppress(NotFound):
            self._store.update(resource, *key_of(obj), drop)


class FinishedJobs(Controller):
    """Deletes Jobs some time after they ended, where they say so (ttlSecondsAfterFinished)."""

    watches: tuple[Resource, ...] = (JOBS,)

    def __init__(self, store: Store) -> None:
        self._store = store

    def reconcile(self, now: float) -> float | None:
        """Delete what has been finished for long enough; return when the next one will have been."""
        dues = []
        for job in self._store.list(JOBS)[0]:
            seconds = job["spec"].get("ttlSecondsAfterFinished")
            ended = _ended_at(job)
            if seconds is None or ended is None or being_deleted(job):
                continue
            left = ended + seconds - time.time()
            if left > 0:
                dues.append(now + left)
                continue
            with contextlib.suppress(ApiError):
                delete(self._store, JOBS, *key_of(job), propagation="Foreground", uid=job["metadata"]["uid"])
        return min(dues, default=None)


def _ended_at(job: Object) -> float | None:
    """Return when a Job ended, in seconds since the epoch."""
    kind = "Complete" if holds(job, "Complete") else "Failed"
    found = condition(job, kind)
    if found is None or found["status"] != "True":
        return None
    return float(timegm(time.strptime(found["lastTransitionTime"], "%Y-%m-%dT%H:%M:%SZ")))


def _blocks(dependent: Object, owner: Object) -> bool:
    references = dependent["metadata"].get("ownerReferences") or []
    return any(each["uid"] == owner["metadata"]["uid"] and each.get("blockOwnerDeletion") for each in references)


def _known(owner: Object) -> bool:
    return (owner.get("apiVersion"), owner.get("kind")) in BY_KIND
