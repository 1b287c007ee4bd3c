"""Events: what controllers and kubelets say about objects, counted instead of repeated."""

import hashlib
from typing import Literal

from drproof.embedded.kubernetes.errors import ApiError
from drproof.embedded.kubernetes.objects import being_deleted
from drproof.embedded.kubernetes.resources import EVENTS, NAMESPACES, Object, Resource
from drproof.embedded.kubernetes.store import Store, timestamp


class Recorder:
    """Writes the events of one component."""

    def __init__(self, store: Store, component: str) -> None:
        self._store = store
        self._component = component

    def normal(self, resource: Resource, obj: Object, reason: str, message: str, **where: str) -> None:
        """Say that something went as it should; `host` and `field` (spec.containers{name}) say where."""
        self._record("Normal", resource, obj, reason, message, where)

    def warning(self, resource: Resource, obj: Object, reason: str, message: str, **where: str) -> None:
        """Say that something did not go as it should."""
        self._record("Warning", resource, obj, reason, message, where)

    def _record(  # noqa: PLR0913 — an event has this many properties
        self,
        kind: Literal["Normal", "Warning"],
        resource: Resource,
        obj: Object,
        reason: str,
        message: str,
        where: dict[str, str],
    ) -> None:
        meta = obj["metadata"]
        namespace = meta.get("namespace") or "default"
        # The same thing said again is the same event: its name follows from what is said.
        said = "\0".join((self._component, meta["uid"], reason, message, where.get("field", "")))
        name = f"{meta['name']}.{hashlib.sha256(said.encode()).hexdigest()[:16]}"
        involved = {
            "apiVersion": resource.api_version,
            "kind": resource.kind,
            "name": meta["name"],
            "uid": meta["uid"],
            "resourceVersion": meta["resourceVersion"],
        }
        if meta.get("namespace"):
            involved["namespace"] = namespace
        if where.get("field"):
            involved["fieldPath"] = where["field"]
        source = {"component": self._component} | ({"host": where["host"]} if where.get("host") else {})
        now = timestamp()

        def again(event: Object) -> None:
            event["count"] = int(event.get("count", 1)) + 1
            event["lastTimestamp"] = now

        home = self._store.get(NAMESPACES, "", namespace)
        if home is None or being_deleted(home):
            return
        # An event tells; it never keeps the cluster from working.
        try:
            if self._store.get(EVENTS, namespace, name):
                self._store.update(EVENTS, namespace, name, again)
                return
            self._store.create(
                EVENTS,
                {
                    "metadata": {"name": name, "namespace": namespace},
                    "involvedObject": involved,
                    "reason": reason,
                    "message": message,
                    "source": source,
                    "firstTimestamp": now,
                    "lastTimestamp": now,
                    "count": 1,
                    "type": kind,
                    "eventTime": None,
                    "reportingComponent": self._component,
                    "reportingInstance": where.get("host", ""),
                },
            )
        except ApiError:
            return
