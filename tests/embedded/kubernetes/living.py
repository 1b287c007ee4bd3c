"""A store with a life and no API server: what the tests of controllers and kubelets look at."""

import base64
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from drproof.embedded.kubernetes.containers import MARK
from drproof.embedded.kubernetes.controlling import create
from drproof.embedded.kubernetes.life import Life
from drproof.embedded.kubernetes.nodes import Node
from drproof.embedded.kubernetes.objects import holds
from drproof.embedded.kubernetes.pace import COMPRESSED, Pace
from drproof.embedded.kubernetes.registry import Program, Registry
from drproof.embedded.kubernetes.resources import EVENTS, JOBS, PODS, SECRETS, Object, Resource
from drproof.embedded.kubernetes.scripts import Run, Script
from drproof.embedded.kubernetes.store import Store
from tests.patience import PATIENCE

HOST = "111122223333.dkr.ecr.us-east-1.amazonaws.com"
DIGEST = "sha256:" + "a1" * 32
IMAGE = f"{HOST}/atlas@{DIGEST}"
ECHO = Program(entrypoint=("/bin/sh", "-c"), arguments=("echo from the image",))

# The revision of a store that nothing was written to.
_BEGIN = 1


class Living:
    """The store, the registry and the life of one cluster, for the time of a test."""

    def __init__(
        self, directory: Path, *, nodes: tuple[Node, ...] = (Node("n1"),), pace: Pace = COMPRESSED, **environment: str
    ) -> None:
        self.directory = directory
        self.store = Store()
        self.registry = Registry()
        self.registry.push(HOST, "atlas", tags=("v1", "latest"), digest=DIGEST, program=ECHO)
        self.life = Life(self.store, nodes, self.registry, directory, environment, pace)

    def __enter__(self) -> Self:
        self.life.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.life.stop()
        assert self.life.failures == []
        left = [each.name for each in threading.enumerate() if each.name.startswith(("cluster-", "reap-", "log-"))]
        assert left == []
        assert self.processes() == []

    def create(self, resource: Resource, document: Object) -> Object:
        meta = {"namespace": "default"} if resource.namespaced else {}
        return create(self.store, resource, document | {"metadata": meta | document["metadata"]})

    def job(
        self, name: str = "work", container: Object | None = None, pod: Object | None = None, **spec: Any
    ) -> Object:
        return self.create(
            JOBS, {"metadata": {"name": name}, "spec": {"template": template(container, pod)} | camel(spec)}
        )

    def pod(self, name: str = "solo", container: Object | None = None, pod: Object | None = None) -> Object:
        return self.create(PODS, {"metadata": {"name": name}} | template(container, pod))

    def login(self, name: str, password: str, *, namespace: str = "default", replace: bool = False) -> None:
        auths = {"auths": {HOST: {"auth": base64.b64encode(f"AWS:{password}".encode()).decode()}}}
        data = {".dockerconfigjson": base64.b64encode(json.dumps(auths).encode()).decode()}
        if replace:
            self.store.update(SECRETS, namespace, name, lambda secret: secret.update(data=data))
            return
        meta = {"name": name, "namespace": namespace}
        self.create(SECRETS, {"metadata": meta, "type": "kubernetes.io/dockerconfigjson", "data": data})

    def script(self, *runs: Run, container: str = "") -> None:
        self.life.kubelet.script(Script(match=lambda _: True, runs=runs, container=container))

    def get(self, resource: Resource, name: str, namespace: str = "default") -> Object:
        found = self.store.get(resource, namespace if resource.namespaced else "", name)
        assert found is not None, f"{resource.singular} {name} is gone"
        return found

    def pods(self, namespace: str = "default") -> list[Object]:
        return self.store.list(PODS, namespace)[0]

    def events(self, name: str = "") -> list[tuple[str, str]]:
        """Reason and message of the events about an object, oldest first; counted ones once."""
        found = sorted(self.store.list(EVENTS)[0], key=lambda each: int(each["metadata"]["resourceVersion"]))
        return [(each["reason"], each["message"]) for each in found if name in {"", each["involvedObject"]["name"]}]

    def reasons(self, name: str = "") -> list[str]:
        return [reason for reason, _ in self.events(name)]

    def settle(self) -> None:
        """Wait until all that follows from what was done so far has happened, events included."""
        self.until(lambda: self.life.at_rest)

    def until(self, holds: Callable[[], Any], seconds: float = PATIENCE) -> Any:
        end = time.monotonic() + seconds
        while not (found := holds()):
            assert time.monotonic() < end, f"did not happen in {seconds} s: {self.told()}"
            time.sleep(0.005)
        return found

    def until_job(self, kind: str, name: str = "work") -> Object:
        def reached() -> Object | None:
            job = self.get(JOBS, name)
            return job if holds(job, kind) else None

        return dict(self.until(reached))

    def until_pod(self, wants: Callable[[Object], bool]) -> Object:
        return dict(self.until(lambda: next((pod for pod in self.pods() if wants(pod)), None)))

    def until_passed(self, wants: Callable[[Object], bool], resource: Resource = PODS) -> Object:
        """Return the first state of an object that is as wanted, however short it was: the history is asked."""
        end, history = time.monotonic() + PATIENCE, self.store.watch(_BEGIN, lambda each: each.key == resource.key)
        while event := history.take(max(0.0, end - time.monotonic())):
            if event.type != "DELETED" and wants(event.object):
                return event.object
        raise AssertionError(f"did not happen in {PATIENCE} s: {self.told()}")

    def logs(self, pod: Object, container: str = "main", *, previous: bool = False) -> str:
        meta = pod["metadata"]
        found = self.life.kubelet.logs(meta["namespace"], meta["uid"], container, previous=previous)
        assert found is not None, "there is no log"
        return found.decode()

    def processes(self) -> list[str]:
        """The processes of this cluster's containers: they carry its folder in their environment."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                environment, command = ((entry / name).read_bytes() for name in ("environ", "cmdline"))
            except OSError:
                # It is another's, or it has ended: maybe between the one file and the other.
                continue
            if MARK.encode() in environment and str(self.directory).encode() in environment:
                found.append(command.replace(b"\0", b" ").decode())
        return found

    def told(self) -> str:
        return json.dumps([self.events(), [pod["status"] for pod in self.pods()]], indent=1)


def template(container: Object | None = None, pod: Object | None = None) -> Object:
    main = {"name": "main", "image": IMAGE} | (container or {})
    return {"spec": {"restartPolicy": "Never", "containers": [main]} | (pod or {})}


def camel(words: dict[str, Any]) -> Object:
    return {"".join([first, *(each.title() for each in rest)]): value for (first, *rest), value in split(words)}


def split(words: dict[str, Any]) -> list[tuple[list[str], Any]]:
    return [(name.split("_"), value) for name, value in words.items()]


def waiting(pod: Object, reason: str) -> bool:
    """Whether the first container of a pod waits for that reason."""
    found = pod.get("status", {}).get("containerStatuses") or [{"state": {}}]
    return bool(found[0]["state"].get("waiting", {}).get("reason") == reason)


def running(pod: Object) -> bool:
    found = pod.get("status", {}).get("containerStatuses") or [{"state": {}}]
    return "running" in found[0]["state"]


def ended(pod: Object) -> bool:
    """Whether a pod has ended, well or not."""
    return pod.get("status", {}).get("phase") in {"Succeeded", "Failed"}


def shell(script: str) -> Object:
    return {"command": ["/bin/sh", "-c", script]}
