"""What a probe stands on: a throw-away namespace of a cluster, in which every change is journalled and labelled."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NoReturn, TypeAlias

from drproof.model.cluster import (
    DRILL_ANNOTATION,
    DRILL_LABEL,
    POD,
    SERVICE_ACCOUNT,
    Cluster,
    Kind,
    Manifest,
    kind_of,
    named,
)
from drproof.model.context import Effects
from drproof.model.errors import DrproofError, TargetError

EVERY_SECONDS = 0.1
Document: TypeAlias = dict[str, Any]

NOWHERE: Document = {"drproof.io/conformance": "no-node-has-this-label"}
"""A node selector that keeps a pod from any node: what its Job does can then be watched without an image."""

UNPULLABLE = "registry.invalid/drproof/none:none"
"""An image of a registry that cannot exist: the domain is reserved for that."""


class FailedError(DrproofError):
    """The cluster does not behave as the probe claims."""


class NotShownError(DrproofError):
    """The probe cannot show its claim here."""


def expect(holds: bool, what: str) -> None:  # noqa: FBT001 — a condition, as in an assertion
    """Return when a condition holds.

    Raises:
        FailedError: it does not; `what` says what was expected and what was got.
    """
    if not holds:
        raise FailedError(what)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a probe came to."""

    name: str
    status: Literal["ok", "failed", "not_shown"]
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """An assumption about clusters, and how it is shown."""

    name: str
    claim: str
    source: str
    """Where the assumption is taken from."""
    show: Callable[["Ground"], str]
    """Returns what was observed; raises when that is not as claimed."""


class Ground:
    """The namespace of one run of the probes."""

    def __init__(self, cluster: Cluster, effects: Effects, *, namespace: str, image: str, patience_ms: int) -> None:
        """Stand on a namespace that exists; whatever takes time is waited for `patience_ms` at most."""
        self.cluster = cluster
        self.namespace = namespace
        self.image = image
        self.patience_ms = patience_ms
        self._effects = effects

    def manifest(self, kind: Kind, name: str, **fields: Any) -> Document:  # noqa: ANN401 — plain JSON
        """Return an object of this run: in the namespace, and marked."""
        return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": self._metadata(name), **fields}

    def apply(self, manifest: Manifest) -> Manifest:
        """Apply an object server-side."""
        with self._effects.intend("cluster.apply", self._resource(manifest)) as pending:
            return self.cluster.apply(pending.intent, manifest)

    def create(self, manifest: Manifest) -> Manifest:
        """Create an object."""
        with self._effects.intend("cluster.create", self._resource(manifest)) as pending:
            return self.cluster.create(pending.intent, manifest)

    def start(self, pod: Manifest) -> Manifest:
        """Create a pod once the new namespace has got its account, before which a cluster refuses it.

        Raises:
            FailedError: the account did not come within the time.
        """
        account = {"kind": SERVICE_ACCOUNT.kind, "apiVersion": SERVICE_ACCOUNT.api_version}
        named_default = {**account, "metadata": {"name": "default", "namespace": self.namespace}}
        self.wait(named_default, lambda found: found is not None, "a new namespace to get it")
        return self.create(pod)

    def replace(self, manifest: Manifest) -> Manifest:
        """Write an object that was read before."""
        with self._effects.intend("cluster.replace", self._resource(manifest)) as pending:
            return self.cluster.replace(pending.intent, manifest)

    def delete(self, manifest: Manifest) -> None:
        """Remove an object as it was returned, and wait until it is gone."""
        uid, name = str(manifest["metadata"]["uid"]), str(manifest["metadata"]["name"])
        namespace = str(manifest["metadata"].get("namespace", ""))
        with self._effects.intend("cluster.delete", self._resource(manifest)) as pending:
            self.cluster.delete(
                pending.intent, kind_of(manifest), name, namespace=namespace, uid=uid, timeout_ms=self.patience_ms
            )

    def wait(self, manifest: Manifest, until: Callable[[Manifest | None], bool], wanted: str) -> Manifest | None:
        """Return an object once it is as wanted.

        Raises:
            FailedError: it was not within the time; `wanted` says what was expected.
        """
        try:
            return self.cluster.wait(
                kind_of(manifest),
                str(manifest["metadata"]["name"]),
                namespace=self.namespace,
                until=until,
                timeout_ms=self.patience_ms,
            )
        except TargetError as exc:
            self._too_late(exc, f"{named(manifest)}: expected {wanted}")

    def pods(self, job: Manifest) -> tuple[Manifest, ...]:
        """Return the pods of a Job."""
        labels = {"job-name": str(job["metadata"]["name"])}
        return self.cluster.list(POD, namespace=self.namespace, labels=labels)

    def until(self, holds: Callable[[], bool], wanted: str) -> None:
        """Return once something holds.

        Raises:
            FailedError: it did not within the time.
        """
        deadline = time.monotonic() + self.patience_ms / 1000
        while not holds():
            expect(time.monotonic() < deadline, f"expected {wanted} within {self.patience_ms / 1000:g} s")
            time.sleep(EVERY_SECONDS)

    def pod_of(self, job: Manifest) -> Manifest:
        """Return the first pod of a Job, once there is one."""
        self.until(lambda: bool(self.pods(job)), f"a pod of {named(job)}")
        return self.pods(job)[0]

    def _too_late(self, exc: TargetError, expected: str) -> NoReturn:
        if exc.code != "Timeout":
            raise exc
        msg = f"{expected} within {self.patience_ms / 1000:g} s"
        raise FailedError(msg) from exc

    def _metadata(self, name: str) -> Document:
        return {"name": name, "namespace": self.namespace, **marks(self.namespace)}

    def _resource(self, manifest: Manifest) -> str:
        return f"{self.namespace}/{named(manifest)}"


def marks(namespace: str) -> Document:
    """Return the metadata that says to which run an object belongs."""
    return {"labels": {DRILL_LABEL: namespace}, "annotations": {DRILL_ANNOTATION: namespace}}


def job_spec(
    *, image: str = UNPULLABLE, command: tuple[str, ...] = (), nowhere: bool = False, **fields: object
) -> Document:
    """Return the spec of a Job with one small pod that is not started twice."""
    container: Document = {
        "name": "main",
        "image": image,
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}},
    }
    if image == UNPULLABLE:
        # Whatever a node already has under that name, the registry is asked.
        container["imagePullPolicy"] = "Always"
    if command:
        container["command"] = list(command)
    pod: Document = {"restartPolicy": "Never", "terminationGracePeriodSeconds": 1, "containers": [container]}
    if nowhere:
        pod["nodeSelector"] = dict(NOWHERE)
    return {"backoffLimit": 0, "template": {"spec": pod}, **fields}


def condition(manifest: Manifest | None, kind: str) -> Mapping[str, Any]:
    """Return a condition of an object that is true, or nothing."""
    status = (manifest or {}).get("status") or {}
    return next(
        (each for each in status.get("conditions") or () if each["type"] == kind and each["status"] == "True"), {}
    )
