"""The recovery cluster of the world in memory: one that was given, in which others have what is theirs.

It answers as an API server does as far as a drill asks it: a name that is taken is refused, an object that changed since
it was read is not replaced, one of another UID is not removed, and a namespace takes all that is in it away. Nothing in
it has a token: what is created twice is there twice, or was refused. A Job is complete as soon as it is made.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from drproof.model.capabilities import Intent, RegistryLogin
from drproof.model.cluster import DRILL_LABEL, NAMESPACE, ClusterIdentity, Kind, Manifest, named
from drproof.model.errors import AlreadyExistsError, NotFoundError, TargetError
from drproof.phases.recovery.marks import GIVEN
from drproof.phases.recovery.sources import Sources, Wanted

if TYPE_CHECKING:
    from tests.engine.fake_world import FakeWorld

UID = "0b5c1d6e-1111-4222-8333-944445555666"
SPACE = "atlas"
THEIRS = (
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "theirs"}},
    {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "precious", "namespace": "theirs"}},
)
BY_ITSELF = (("ServiceAccount", "default"), ("ConfigMap", "kube-root-ca.crt"))
"""What every namespace has."""

GUEST = "guest"
SHARED = "SHARED_NAMESPACE"
"""The variable of the environment with which the namespace is somebody else's, and so is the account that pulls."""

IN_A_SHARED_ONE = (
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SPACE}},
    *({"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": SPACE}} for kind, name in BY_ITSELF),
    {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": GUEST, "namespace": SPACE}},
)

Name = tuple[str, str, str]
Objects = dict[Name, dict[str, Any]]


def theirs() -> Objects:
    """Return what is in the cluster before any drill."""
    there = (*THEIRS, *(IN_A_SHARED_ONE if os.environ.get(SHARED) else ()))
    return {_name(one): _stored(one, number) for number, one in enumerate(there)}


def left(objects: Objects) -> list[str]:
    """Return what a drill has left in the cluster, and what of others is there no more, or otherwise than it was."""
    found = [f"object {name}" for name, one in objects.items() if _carries(one, {DRILL_LABEL: ""})]
    found += [
        f"{name} may still use {one['imagePullSecrets']}"
        for name, one in objects.items()
        if one.get("imagePullSecrets")
    ]
    return [*dict.fromkeys(found), *(f"{name} of others is gone" for name in theirs() if name not in objects)]


def doubles(calls: Iterable[tuple[str, str]]) -> list[str]:
    """Return what was made twice, and Jobs that ran beside each other, from the actions of the world's log."""
    made: dict[str, int] = {}
    running: set[str] = set()
    found = []
    for action, what in calls:
        if action == "cluster.create":
            made[what] = made.get(what, 0) + 1
            if what.startswith("Job/"):
                found += [f"{what} was run beside {one}" for one in running]
                running.add(what)
        elif action == "cluster.delete":
            running = set() if what.startswith("Namespace/") else running - {what}
    return [*found, *(f"{what} was made {times} times" for what, times in made.items() if times > 1)]


class FakeAccess:
    """The way into the cluster that was given."""

    by_kubeconfig, known, source = True, True, GIVEN

    def __init__(self, world: "FakeWorld") -> None:
        self._world = world

    def secrets(self) -> tuple[str, ...]:
        return ()

    def open(self, *, uid: str = "") -> "FakeCluster":
        assert uid in {"", UID}
        return FakeCluster(self._world)


class FakeImages:
    """A registry that gives a login to whoever asks."""

    def login(self, registry: str) -> RegistryLogin:
        return RegistryLogin(
            server=registry, username="AWS", password="only-in-memory-0451", expires_at="2999-01-01T00:00:00.000Z"
        )


class FakeCluster:
    """The cluster, as the model asks for it."""

    def __init__(self, world: "FakeWorld") -> None:
        self._world = world
        self.identity = ClusterIdentity(uid=UID, server="https://given", context="given", version="v1.33.1")

    def close(self) -> None:
        return

    def get(self, kind: Kind, name: str, *, namespace: str = "") -> Manifest | None:
        return self._asked("get", lambda: deepcopy(self._objects.get((kind.kind, namespace, name))))

    def list(self, kind: Kind, *, namespace: str = "", labels: Mapping[str, str] | None = None) -> tuple[Manifest, ...]:
        found = self._asked("list", lambda: self._found(namespace, labels))
        return tuple(one for one in found if one["kind"] == kind.kind)

    def everything(self, *, namespace: str = "", labels: Mapping[str, str] | None = None) -> tuple[Manifest, ...]:
        return self._asked("everything", lambda: self._found(namespace, labels))

    def try_out(self, manifest: Manifest) -> None:
        self._asked("try out", lambda: None)

    def create(self, intent: Intent, manifest: Manifest) -> Manifest:
        return self._change("create", intent, manifest, lambda: self._made(manifest))

    def apply(self, intent: Intent, manifest: Manifest) -> Manifest:
        def write() -> dict[str, Any]:
            there = self._objects.get(_name(manifest))
            return self._made(manifest) if there is None else self._put(manifest, there["metadata"]["uid"])

        return self._change("apply", intent, manifest, write)

    def replace(self, intent: Intent, manifest: Manifest) -> Manifest:
        def write() -> dict[str, Any]:
            there = self._objects.get(_name(manifest))
            if there is None or there["metadata"]["resourceVersion"] != manifest["metadata"]["resourceVersion"]:
                raise TargetError(f"{named(manifest)}: Conflict", code="Conflict", call="kubernetes:replace")
            return self._put(manifest, there["metadata"]["uid"])

        return self._change("replace", intent, manifest, write)

    def delete(self, intent: Intent, kind: Kind, name: str, *, namespace: str = "", uid: str, timeout_ms: int) -> None:
        there = self._objects.get((kind.kind, namespace, name))
        if there is None or there["metadata"]["uid"] != uid:
            self._asked("delete", lambda: None)
            return

        def remove() -> None:
            del self._objects[kind.kind, namespace, name]
            if kind == NAMESPACE:
                for one in [one for one in self._objects if one[1] == name]:
                    del self._objects[one]

        self._change("delete", intent, there, remove)

    def wait(
        self, kind: Kind, name: str, *, namespace: str = "", until: Callable[[Manifest | None], bool], timeout_ms: int
    ) -> Manifest | None:
        found = self.get(kind, name, namespace=namespace)
        if not until(found):
            raise TargetError(f"{kind.kind}/{name}: Timeout", code="Timeout", call="kubernetes:wait")
        return found

    @property
    def _objects(self) -> Objects:
        return self._world.memory.cluster

    def _asked(self, verb: str, answer: Callable[[], Any]) -> Any:
        with self._world.asked(f"cluster.{verb}"):
            return answer()

    def _change(self, verb: str, intent: Intent, manifest: Manifest, do: Callable[[], Any]) -> Any:
        with self._world.asked(f"cluster.{verb}"):
            what = "/".join((named(manifest), str(manifest["metadata"].get("namespace", ""))))
            return deepcopy(self._world.change(f"cluster.{verb}", what, intent.token, do))

    def _found(self, namespace: str, labels: Mapping[str, str] | None) -> tuple[Manifest, ...]:
        return tuple(
            deepcopy(one)
            for (_, where, _), one in sorted(self._objects.items())
            if (not namespace or where == namespace) and _carries(one, labels or {})
        )

    def _made(self, manifest: Manifest) -> dict[str, Any]:
        name = _name(manifest)
        if name in self._objects:
            raise AlreadyExistsError(f"{named(manifest)}: 409", code="AlreadyExists", call="kubernetes:create")
        if name[1] and ("Namespace", "", name[1]) not in self._objects:
            raise NotFoundError(f"namespace {name[1]}: 404", code="NotFound", call="kubernetes:create")
        if name[0] == NAMESPACE.kind:
            for kind, of_it in BY_ITSELF:
                own = {"apiVersion": "v1", "kind": kind, "metadata": {"name": of_it, "namespace": name[2]}}
                self._put(own, self._new_uid())
        return self._put(manifest, self._new_uid())

    def _put(self, manifest: Manifest, uid: str) -> dict[str, Any]:
        memory = self._world.memory
        memory.writes += 1
        stored = _stored(manifest, memory.writes, uid)
        self._objects[_name(manifest)] = stored
        return stored

    def _new_uid(self) -> str:
        return f"00000000-0000-4000-8000-{self._world.memory.writes + 1:012}"


def wanted() -> Sources:
    """Return what is restored: one object of each kind that a restore or a teardown treats in its own way."""
    made = [
        _wanted("v1", "ServiceAccount", "atlas"),
        _wanted("v1", "ConfigMap", "atlas-config", data={"PUBLISH_S3": "0"}),
        _wanted("v1", "Secret", "atlas-secrets", data={"TOKEN": "b25seS1pbi1tZW1vcnktMDQ1Mg=="}),
        _wanted("batch/v1", "CronJob", "atlas-daily", spec=_CRON),
    ]
    return Sources(
        objects=tuple(made),
        documents=(),
        left_out=(),
        overrides=(),
        manifests_sha256="0" * 64,
        bundle_sha256="0" * 64,
    )


_CONTAINER = {"name": "daily", "image": "any", "args": ["run"]}
_CRON = {"suspend": True, "jobTemplate": {"spec": {"template": {"spec": {"containers": [_CONTAINER]}}}}}


def _wanted(api_version: str, kind: str, name: str, **more: Any) -> Wanted:
    manifest = {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": SPACE}, **more}
    return Wanted(manifest=manifest, origin="backup")


def _name(manifest: Manifest) -> Name:
    metadata = manifest["metadata"]
    return str(manifest["kind"]), str(metadata.get("namespace", "")), str(metadata["name"])


def _stored(manifest: Manifest, revision: int, uid: str = "") -> dict[str, Any]:
    stored = deepcopy(dict(manifest))
    of_it = {"uid": uid or f"00000000-0000-4000-9000-{revision:012}", "resourceVersion": str(revision)}
    stored["metadata"] = {**stored["metadata"], **of_it}
    if stored["kind"] == "Job":
        stored["status"] = {"conditions": [{"type": "Complete", "status": "True"}]}
    return stored


def _carries(one: Manifest, labels: Mapping[str, str]) -> bool:
    """Return whether an object has these labels; one without a value may have any."""
    carried = one["metadata"].get("labels") or {}
    return all(name in carried and value in {"", carried[name]} for name, value in labels.items())
