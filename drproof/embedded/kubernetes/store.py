"""What etcd is to a cluster: its objects, one counter of revisions, and a bounded history to watch."""

import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Literal, TypeVar

from drproof.embedded.kubernetes.errors import AlreadyExists, Conflict, Expired, NotFound
from drproof.embedded.kubernetes.resources import NAMESPACES, Object, Resource

HISTORY = 5_000
"""How many changes can be watched again; older ones are compacted."""

Value = TypeVar("Value")
EventType = Literal["ADDED", "MODIFIED", "DELETED"]
_Name = tuple[str, str]


def copied(value: Value) -> Value:
    """Return a deep copy of a JSON value."""
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}  # type: ignore[return-value] # the same type
    if isinstance(value, list):
        return [copied(item) for item in value]  # type: ignore[return-value] # the same type
    return value


def timestamp(at: float | None = None) -> str:
    """Return a moment (seconds since the epoch, now by default) as Kubernetes writes it: whole seconds, UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


@dataclass(frozen=True, slots=True)
class Event:
    """One change; `object` and `previous` are the taker's own copies."""

    type: EventType
    resource: Resource
    object: Object
    revision: int
    previous: Object | None = None


class Store:
    """Objects by resource, namespace and name. Values in and out are copies; every write is atomic."""

    def __init__(self) -> None:
        self._changed = threading.Condition(threading.RLock())
        self._objects: dict[_Name, dict[_Name, Object]] = {}
        self._revision = 1
        self._history: deque[Event] = deque()

    @property
    def lock(self) -> threading.Condition:
        """The one lock; held, several reads and writes are one."""
        return self._changed

    @property
    def revision(self) -> int:
        """The revision of the last write."""
        with self._changed:
            return self._revision

    def get(self, resource: Resource, namespace: str, name: str) -> Object | None:
        """Return an object, None where there is none."""
        with self._changed:
            return copied(self._objects.get(resource.key, {}).get((namespace, name)))

    def list(self, resource: Resource, namespace: str = "") -> tuple[list[Object], int]:
        """Return the objects of a namespace (all by default) in order of namespace and name, and their revision."""
        with self._changed:
            held = self._objects.get(resource.key, {})
            # Stored objects are replaced, never changed: they can be copied outside the lock.
            found = [held[name] for name in sorted(held) if not namespace or name[0] == namespace]
            revision = self._revision
        return [copied(each) for each in found], revision

    def create(self, resource: Resource, obj: Object, *, dry_run: bool = False) -> Object:
        """Add an object with its uid (admission gives it), creationTimestamp and resourceVersion; AlreadyExists.

        A dry run writes nothing, and its answer has no resourceVersion.
        """
        made = copied(obj)
        made["apiVersion"], made["kind"] = resource.api_version, resource.kind
        meta = made.setdefault("metadata", {})
        namespace = str(meta.get("namespace", "")) if resource.namespaced else ""
        name = str(meta["name"])
        meta.setdefault("uid", str(uuid.uuid4()))
        meta["creationTimestamp"] = timestamp()
        for given in ("deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "generation"):
            meta.pop(given, None)
        if resource.counts_generations:
            meta["generation"] = 1
        with self._changed:
            held = self._objects.setdefault(resource.key, {})
            if (namespace, name) in held:
                raise AlreadyExists(resource.plural, resource.group, name)
            if not dry_run:
                self._write("ADDED", resource, (namespace, name), made, None)
        return copied(made)

    def update(  # noqa: PLR0913 — what is changed, and under which conditions
        self,
        resource: Resource,
        namespace: str,
        name: str,
        change: Callable[[Object], None],
        *,
        resource_version: str = "",
        dry_run: bool = False,
    ) -> Object:
        """Change an object in place, under the lock; an equal result is no write and keeps resourceVersion.

        A changed spec, or the begin of a deletion, counts a generation. An object that is being deleted and waits
        for nothing any more (no finalizers, no grace) is removed by the update that frees it. NotFound, and Conflict
        where `resource_version` is not the object's. A dry run writes nothing.
        """
        with self._changed:
            old = self._objects.get(resource.key, {}).get((namespace, name))
            if old is None:
                raise NotFound(resource.plural, resource.group, name)
            if resource_version and resource_version != old["metadata"]["resourceVersion"]:
                raise Conflict(resource.plural, resource.group, name)
            new = copied(old)
            change(new)
            _keep_identity(old, new)
            if new == old:
                return new
            if resource.counts_generations and (old.get("spec") != new.get("spec") or _begins_deletion(old, new)):
                new["metadata"]["generation"] = int(old["metadata"].get("generation", 0)) + 1
            if dry_run:
                return new
            if awaits_nothing(resource, new):
                return self._remove(resource, (namespace, name), new, old)
            self._write("MODIFIED", resource, (namespace, name), new, old)
        return copied(new)

    def remove(self, resource: Resource, namespace: str, name: str) -> Object:
        """Take an object away for good and return its last state; NotFound."""
        with self._changed:
            old = self._objects.get(resource.key, {}).get((namespace, name))
            if old is None:
                raise NotFound(resource.plural, resource.group, name)
            return self._remove(resource, (namespace, name), copied(old), old)

    def watch(self, since: int | None, wants: Callable[[Resource], bool]) -> "Subscription":
        """Follow changes after the revision `since`, from now on when it is None; Expired where it is compacted."""
        with self._changed:
            start = self._revision if since is None else since
            if start < self._compacted:
                raise Expired(f"too old resource version: {start} ({self._compacted})")
            return Subscription(self, start, wants)

    def compact(self) -> None:
        """Forget the history: a watch from an older revision is Expired."""
        with self._changed:
            self._history.clear()

    def remembers(self, revision: int) -> bool:
        """Whether what happened since a revision can still be watched."""
        with self._changed:
            return revision >= self._compacted

    @property
    def _compacted(self) -> int:
        """The oldest revision that can be watched from."""
        return self._history[0].revision - 1 if self._history else self._revision

    def _remove(self, resource: Resource, name: _Name, last: Object, old: Object) -> Object:
        del self._objects[resource.key][name]
        self._record("DELETED", resource, last, old)
        return copied(last)

    def _write(self, kind: EventType, resource: Resource, name: _Name, new: Object, old: Object | None) -> None:
        self._record(kind, resource, new, old)
        self._objects[resource.key][name] = new

    def _record(self, kind: EventType, resource: Resource, new: Object, old: Object | None) -> None:
        self._revision += 1
        new["metadata"]["resourceVersion"] = str(self._revision)
        self._history.append(Event(kind, resource, new, self._revision, old))
        if len(self._history) > HISTORY:
            self._history.popleft()
        self._changed.notify_all()

    def _after(self, revision: int, wants: Callable[[Resource], bool]) -> tuple[Event | None, int]:
        """Return the first wanted change after a revision, and the revision that was looked at last."""
        if revision < self._compacted:
            raise Expired(f"too old resource version: {revision} ({self._compacted})")
        # Each write has one revision, so that a place in the history is a difference.
        for event in islice(self._history, revision - self._compacted, None):
            if wants(event.resource):
                return event, event.revision
        return None, self._revision


class Subscription:
    """Changes in order, without a gap; iterating waits for the next one and ends when it is closed."""

    def __init__(self, store: Store, since: int, wants: Callable[[Resource], bool]) -> None:
        self.revision = since
        self._store = store
        self._wants = wants
        self._closed = False

    def take(self, seconds: float | None = None) -> Event | None:
        """Return the next change, None when there is none within `seconds` (for ever by default) or after close.

        Raises Expired where changes that were not taken yet are compacted.
        """
        deadline = None if seconds is None else time.monotonic() + seconds
        with self._store.lock:
            while not self._closed:
                event, self.revision = self._store._after(self.revision, self._wants)  # noqa: SLF001 — its own half
                if event is not None:
                    break
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    return None
                self._store.lock.wait(left)
            else:
                return None
        return Event(event.type, event.resource, copied(event.object), event.revision, copied(event.previous))

    def close(self) -> None:
        """End it: whoever waits gets None."""
        with self._store.lock:
            self._closed = True
            self._store.lock.notify_all()

    @property
    def closed(self) -> bool:
        """Whether it has ended."""
        return self._closed

    def __iter__(self) -> Iterator[Event]:
        """Yield changes until it is closed."""
        while (event := self.take()) is not None:
            yield event


def awaits_nothing(resource: Resource, obj: Object) -> bool:
    """Whether an object that is being deleted can go: no finalizers, no grace period, no namespace to empty."""
    meta = obj["metadata"]
    if not meta.get("deletionTimestamp") or meta.get("finalizers") or meta.get("deletionGracePeriodSeconds"):
        return False
    return resource.key != NAMESPACES.key or not obj.get("spec", {}).get("finalizers")


def _begins_deletion(old: Object, new: Object) -> bool:
    return "deletionTimestamp" in new["metadata"] and "deletionTimestamp" not in old["metadata"]


def _keep_identity(old: Object, new: Object) -> None:
    new["apiVersion"], new["kind"] = old["apiVersion"], old["kind"]
    meta, before = new.setdefault("metadata", {}), old["metadata"]
    for fixed in ("name", "namespace", "uid", "creationTimestamp", "resourceVersion", "generation"):
        if fixed in before:
            meta[fixed] = before[fixed]
        else:
            meta.pop(fixed, None)
