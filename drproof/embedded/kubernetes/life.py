"""The life of a cluster: one loop in which its controllers, its scheduler and its kubelets take turns.

What a real cluster has and this one has not: a network between pods, probes and lifecycle hooks (a container that
runs is ready), users, limits and security contexts of processes, sidecar containers, pod failure and success policies
of Jobs, eviction from nodes that fall silent, autoscaling, and volumes that follow a changed ConfigMap or Secret.
"""

import sys
import threading
import time
import traceback
from collections.abc import Iterable, Mapping
from pathlib import Path

from drproof.embedded.kubernetes.claims import Claims
from drproof.embedded.kubernetes.controlling import Controller
from drproof.embedded.kubernetes.cronjobs import CronJobs
from drproof.embedded.kubernetes.daemonsets import DaemonSets
from drproof.embedded.kubernetes.deployments import Deployments
from drproof.embedded.kubernetes.errors import Expired
from drproof.embedded.kubernetes.garbage import FinishedJobs, GarbageCollector
from drproof.embedded.kubernetes.jobs import Jobs
from drproof.embedded.kubernetes.kubelet import Kubelet
from drproof.embedded.kubernetes.namespaces import Namespaces
from drproof.embedded.kubernetes.nodekeeping import NodeKeeping
from drproof.embedded.kubernetes.nodes import Node
from drproof.embedded.kubernetes.pace import COMPRESSED, Pace
from drproof.embedded.kubernetes.registry import Registry
from drproof.embedded.kubernetes.replicasets import ReplicaSets
from drproof.embedded.kubernetes.resources import EVENTS, LEASES, Object
from drproof.embedded.kubernetes.scheduler import Scheduler
from drproof.embedded.kubernetes.statefulsets import StatefulSets
from drproof.embedded.kubernetes.store import Store, Subscription

_STOP_SECONDS = 30.0
_RETRY_SECONDS = 1.0


class Life:
    """What happens in a cluster by itself; `start` begins it, `stop` ends it with every process of its containers."""

    def __init__(  # noqa: PLR0913 — what a cluster's life depends on
        self,
        store: Store,
        nodes: tuple[Node, ...],
        registry: Registry,
        directory: Path,
        node_environment: Mapping[str, str] | None = None,
        pace: Pace = COMPRESSED,
        *,
        certificate_authority: str = "",
    ) -> None:
        self.failures: list[Exception] = []
        """What went wrong in a controller: empty in a sound cluster."""
        self._store = store
        self._pace = pace
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._subscription: Subscription | None = None
        self._waits = False
        self._namespaces = Namespaces(store)
        self._namespaces.certificate_authority = certificate_authority
        self._namespaces.account_seconds = pace.account
        self._nodes = NodeKeeping(store, nodes, pace)
        self._cronjobs = CronJobs(store)
        self.kubelet = Kubelet(store, registry, directory, node_environment or {}, pace, self._wake_kubelet)
        # In the order in which one's work is the next one's: a turn brings a Job to a running process.
        self._controllers: tuple[Controller, ...] = (
            self._namespaces,
            self._nodes,
            GarbageCollector(store),
            FinishedJobs(store),
            self._cronjobs,
            Jobs(store, pace),
            Deployments(store),
            ReplicaSets(store),
            StatefulSets(store),
            DaemonSets(store),
            Scheduler(store),
            Claims(store, self.kubelet.host_folder),
            self.kubelet,
        )
        self._due = [0.0] * len(self._controllers)
        self._asked = [True] * len(self._controllers)

    def start(self) -> None:
        """Begin: the namespaces and nodes are there when it returns."""
        self._subscription = self._follow()
        self._namespaces.begin()
        self._namespaces.reconcile(time.monotonic())
        self._nodes.begin()
        self._thread = threading.Thread(target=self._run, name="cluster-life", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End: no process of a container and no thread is left."""
        self._stopped.set()
        self.wake()
        if self._thread is not None:
            self._thread.join(_STOP_SECONDS)
        if self._subscription is not None:
            self._subscription.close()
        self.kubelet.stop()

    def add_node(self, node: Node) -> None:
        """Let a node join the cluster."""
        self._nodes.add(node)

    def set_node_ready(self, name: str, *, ready: bool) -> None:
        """Let a node's kubelet fall silent, or answer again; NotFound."""
        self._nodes.set_ready(name, ready=ready)

    def fire(self, namespace: str, name: str) -> Object | None:
        """Make the Job of a CronJob as its schedule would; None if it is suspended or may not; NotFound."""
        return self._cronjobs.fire(namespace, name)

    @property
    def at_rest(self) -> bool:
        """Whether every controller has seen every change: only time, a process or a caller brings more."""
        with self._store.lock:
            return self._waits and not any(self._asked) and self._seen == self._store.revision

    def wake(self) -> None:
        """Let every controller look again now."""
        self._ask(range(len(self._controllers)))

    def _wake_kubelet(self) -> None:
        self._ask([self._controllers.index(self.kubelet)])

    def _ask(self, places: Iterable[int]) -> None:
        with self._store.lock:
            for place in places:
                self._asked[place] = True
            self._store.lock.notify_all()

    def _run(self) -> None:
        while not self._stopped.is_set():
            for place, controller in enumerate(self._controllers):
                # What a controller before this one did concerns it in this very turn.
                self._look()
                if self._stopped.is_set():
                    return
                if self._asked[place] or self._due[place] <= time.monotonic():
                    self._asked[place] = False
                    self._due[place] = self._turn(controller)
            self._look()
            self._wait()

    def _look(self) -> None:
        """Note for each controller whether the changes since the last look concern it."""
        try:
            while self._subscription and (event := self._subscription.take(0)):
                for place, controller in enumerate(self._controllers):
                    self._asked[place] = self._asked[place] or controller.concerns(event)
        except Expired:
            self._subscription = self._follow()
            self._asked = [True] * len(self._controllers)

    def _turn(self, controller: Controller) -> float:
        now = time.monotonic()
        try:
            due = controller.reconcile(now)
        except Exception as exc:  # noqa: BLE001 — the others have to live on
            self.failures.append(exc)
            traceback.print_exc(file=sys.stderr)
            due = now + _RETRY_SECONDS
        return min(now + self._pace.resync, due if due is not None else float("inf"))

    def _wait(self) -> None:
        """Sleep until something changes, is asked for, or is due."""
        with self._store.lock:
            # A revision that was not looked at yet is a change.
            while not self._stopped.is_set() and not any(self._asked) and self._seen == self._store.revision:
                left = min(self._due) - time.monotonic()
                if left <= 0:
                    return
                self._waits = True
                self._store.lock.wait(left)
                self._waits = False

    @property
    def _seen(self) -> int:
        return self._subscription.revision if self._subscription else 0

    def _follow(self) -> Subscription:
        # What only tells concerns no controller.
        return self._store.watch(None, lambda resource: resource.key not in {EVENTS.key, LEASES.key})
