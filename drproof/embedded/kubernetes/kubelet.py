"""The kubelets of all nodes: pods that are scheduled really run, end, and leave logs behind."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from drproof.embedded.kubernetes.attempts import Place
from drproof.embedded.kubernetes.controlling import Controller
from drproof.embedded.kubernetes.deletion import delete
from drproof.embedded.kubernetes.environments import Environments
from drproof.embedded.kubernetes.errors import ApiError
from drproof.embedded.kubernetes.events import Recorder
from drproof.embedded.kubernetes.images import Images
from drproof.embedded.kubernetes.objects import being_deleted, holds, key_of
from drproof.embedded.kubernetes.pace import Pace
from drproof.embedded.kubernetes.podlife import PodLife, final_verdict
from drproof.embedded.kubernetes.podstatus import TERMINAL, Verdict, fill
from drproof.embedded.kubernetes.registry import Registry
from drproof.embedded.kubernetes.resources import NODES, PODS, Object, Resource
from drproof.embedded.kubernetes.scripts import Script, Scripts
from drproof.embedded.kubernetes.store import Store, copied
from drproof.embedded.kubernetes.volumes import Volumes

_STOP_SECONDS = 30.0


class Kubelet(Controller):
    """Runs the pods of the nodes that are ready; a node that is not stands still, and so do its pods' statuses."""

    # Secrets are looked at again by time, as a kubelet does; a change of one does not hurry it.
    watches: tuple[Resource, ...] = (PODS, NODES)

    def __init__(  # noqa: PLR0913 — what a kubelet needs to run pods
        self,
        store: Store,
        registry: Registry,
        directory: Path,
        node_environment: Mapping[str, str],
        pace: Pace,
        wake: Callable[[], None],
    ) -> None:
        self.scripts = Scripts()
        self.images = Images(store, registry)
        self._store = store
        self._directory = directory
        self._environment = dict(node_environment)
        self._pace = pace
        self._wake = wake
        self._lives: dict[str, PodLife] = {}
        self._numbers: dict[str, int] = {}

    def script(self, script: Script) -> None:
        """Let a scenario say how containers end; the script given last speaks first."""
        self.scripts.add(script)

    def host_folder(self, node: str) -> Path:
        """Return the folder that is a node's disk: hostPath volumes lie below it."""
        return self._directory / "nodes" / node / "host"

    def log_path(self, namespace: str, pod_uid: str, container: str, *, previous: bool = False) -> Path | None:
        """Return the log of a container's present (or previous) run, None if it has not run."""
        folder = self._logs(namespace, pod_uid) / container
        # By number: the tenth run comes after the ninth.
        found = sorted(folder.glob("*.log"), key=lambda path: int(path.stem)) if folder.is_dir() else []
        wanted = 2 if previous else 1
        return found[-wanted] if len(found) >= wanted else None

    def logs(self, namespace: str, pod_uid: str, container: str, *, previous: bool = False) -> bytes | None:
        """Return what a container's present (or previous) run wrote, None if it has not run."""
        path = self.log_path(namespace, pod_uid, container, previous=previous)
        return path.read_bytes() if path else None

    def reconcile(self, now: float) -> float | None:
        """Take the next step of each pod; return when the next one is due."""
        nodes = {node["metadata"]["name"]: node for node in self._store.list(NODES)[0]}
        dues: list[float] = []
        seen = set()
        for pod in self._store.list(PODS)[0]:
            uid, node = pod["metadata"]["uid"], nodes.get(pod["spec"].get("nodeName", ""))
            seen.add(uid)
            if node is None or not holds(node, "Ready"):
                continue
            try:
                due = self._step(pod, node, now)
            except ApiError:
                # It changed or went away meanwhile: the change itself brings the next turn.
                continue
            if due is not None:
                dues.append(due)
        for uid in [uid for uid in self._lives if uid not in seen]:
            if self._lives[uid].abandon(now):
                self._lives.pop(uid).clear()
        return min(dues, default=None)

    def stop(self) -> None:
        """Kill every process and wait for its end."""
        for life in self._lives.values():
            life.kill()
        for life in self._lives.values():
            life.join(_STOP_SECONDS)

    def _step(self, pod: Object, node: Object, now: float) -> float | None:
        uid = pod["metadata"]["uid"]
        life = self._lives.get(uid)
        if life is None:
            if (pod.get("status") or {}).get("phase") in TERMINAL:
                return None
            life = self._lives[uid] = self._begin(pod, node, now)
            if not being_deleted(pod):
                self._write(life)
        if life.over and (pod.get("status") or {}).get("phase") in TERMINAL and not being_deleted(pod):
            return None
        due = life.step(pod, now)
        if being_deleted(pod):
            if not life.running:
                self._finish(life)
            return due
        # A pod that ran out of time has failed once its processes have ended, not before.
        if life.verdict is None or life.over:
            self._write(life, life.verdict)
        else:
            self._write(life, Verdict("Running"))
        return due

    def _begin(self, pod: Object, node: Object, now: float) -> PodLife:
        namespace, _ = key_of(pod)
        name, uid = node["metadata"]["name"], pod["metadata"]["uid"]
        place = Place(
            node=name,
            architecture=node["status"]["nodeInfo"]["architecture"],
            folder=self._directory / "nodes" / name / "pods" / uid,
            logs=self._logs(namespace, uid),
            addresses=self._addresses(node),
            images=self.images,
            environments=Environments(self._store),
            scripts=self.scripts,
            recorder=Recorder(self._store, "kubelet"),
            node_environment=self._environment,
            pace=self._pace,
            ended=self._wake,
        )
        return PodLife(pod, place, Volumes(self._store, self.host_folder(name)), now)

    def _addresses(self, node: Object) -> dict[str, str]:
        name = node["metadata"]["name"]
        number = self._numbers[name] = self._numbers.get(name, 1) + 1
        network = node["spec"].get("podCIDR", "10.42.0.0/24").rsplit(".", 1)[0]
        host = next(each["address"] for each in node["status"]["addresses"] if each["type"] == "InternalIP")
        return {"hostIP": host, "podIP": f"{network}.{(number - 2) % 252 + 2}"}

    def _write(self, life: PodLife, verdict: Verdict | None = None) -> None:
        namespace, name = key_of(life.pod)
        self._store.update(PODS, namespace, name, partial(self._fill, life, verdict))

    @staticmethod
    def _fill(life: PodLife, verdict: Verdict | None, pod: Object) -> None:
        if pod["metadata"]["uid"] == life.pod["metadata"]["uid"]:
            initial, main = copied(life.statuses(life.initial)), copied(life.statuses(life.main))
            status = pod.setdefault("status", {})
            addresses = dict(life.place.addresses)
            fill(status, pod["spec"], initial, main, addresses, life.started_at, verdict, life.sandbox)

    def _finish(self, life: PodLife) -> None:
        """Say how a pod that is being deleted ended, and let it go."""
        namespace, name = key_of(life.pod)
        meta = life.pod["metadata"]
        if (life.pod.get("status") or {}).get("phase") not in TERMINAL:
            self._write(life, final_verdict(life))
        if meta.get("deletionGracePeriodSeconds"):
            delete(self._store, PODS, namespace, name, grace=0, uid=meta["uid"])

    def _logs(self, namespace: str, pod_uid: str) -> Path:
        return self._directory / "logs" / namespace / pod_uid
