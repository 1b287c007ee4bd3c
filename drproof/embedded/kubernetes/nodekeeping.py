"""Nodes as the cluster keeps them: registered, renewed, tainted when they are cordoned, mourned when they are gone."""

import contextlib

from drproof.embedded.kubernetes.controlling import Controller
from drproof.embedded.kubernetes.deletion import delete
from drproof.embedded.kubernetes.errors import NotFound
from drproof.embedded.kubernetes.nodes import (
    UNSCHEDULABLE,
    Node,
    register,
    renew,
    set_ready,
    set_taint,
)
from drproof.embedded.kubernetes.objects import holds, key_of
from drproof.embedded.kubernetes.pace import Pace
from drproof.embedded.kubernetes.resources import NODES, PODS, Object, Resource
from drproof.embedded.kubernetes.store import Event, Store


class NodeKeeping(Controller):
    """Keeps the Node objects of a cluster, and deletes the pods of nodes that are no more."""

    watches: tuple[Resource, ...] = (NODES,)

    def __init__(self, store: Store, nodes: tuple[Node, ...], pace: Pace) -> None:
        self._store = store
        self._pace = pace
        self._initial = nodes
        self._count = 0
        self._renew_at = 0.0

    def concerns(self, event: Event) -> bool:
        """Whether a node changed; pods on nodes that never were are found by time."""
        return event.resource.key == NODES.key

    def begin(self) -> None:
        """Register the nodes that the cluster begins with."""
        for node in self._initial:
            self.add(node)

    def add(self, node: Node) -> None:
        """Register a node."""
        with self._store.lock:
            register(self._store, node, self._count)
            self._count += 1

    def set_ready(self, name: str, *, ready: bool) -> None:
        """Say whether a node's kubelet answers; NotFound."""
        self._store.update(NODES, "", name, lambda node: set_ready(node, ready=ready))

    def reconcile(self, now: float) -> float | None:
        """Renew Leases, taint cordoned nodes, delete the pods of nodes that are gone."""
        nodes = self._store.list(NODES)[0]
        for node in nodes:
            self._taint(node)
        names = {node["metadata"]["name"] for node in nodes}
        if now >= self._renew_at:
            self._renew_at = now + self._pace.heartbeat
            for node in nodes:
                if holds(node, "Ready"):
                    renew(self._store, node["metadata"]["name"])
        for pod in self._store.list(PODS)[0]:
            if pod["spec"].get("nodeName", "") not in names | {""}:
                with contextlib.suppress(NotFound):
                    delete(self._store, PODS, *key_of(pod), grace=0, uid=pod["metadata"]["uid"])
        return self._renew_at

    def _taint(self, node: Object) -> None:
        cordoned = bool(node["spec"].get("unschedulable"))
        name = node["metadata"]["name"]
        with contextlib.suppress(NotFound):
            self._store.update(
                NODES, "", name, lambda each: set_taint(each, UNSCHEDULABLE, "NoSchedule", present=cordoned)
            )
