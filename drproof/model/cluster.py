"""What a recovery cluster can do, as one small protocol; objects are plain JSON, as the cluster's API has them.

Methods that change the cluster take an `Intent` and assert the pinned cluster first. Errors are `TargetError` and its
children; the client's own never pass.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from drproof.model.capabilities import Intent

Manifest: TypeAlias = Mapping[str, Any]
"""One object of the cluster: `apiVersion`, `kind`, `metadata` and what the kind has."""

DRILL_LABEL = "drproof.io/drill"
"""The label that marks everything a drill creates in a cluster: a digest of the origin, because a label is short."""

DRILL_ANNOTATION = "drproof.io/drill-id"
"""The origin itself."""

EXPIRES_ANNOTATION = "drproof.io/expires-at"
"""When the object may be removed by anyone; an annotation, because a label holds no colons."""

FIELD_MANAGER = "drproof"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of object, by the names that its manifests carry."""

    api_version: str
    kind: str


NAMESPACE = Kind(api_version="v1", kind="Namespace")
NODE = Kind(api_version="v1", kind="Node")
POD = Kind(api_version="v1", kind="Pod")
EVENT = Kind(api_version="v1", kind="Event")
SECRET = Kind(api_version="v1", kind="Secret")
CONFIG_MAP = Kind(api_version="v1", kind="ConfigMap")
SERVICE_ACCOUNT = Kind(api_version="v1", kind="ServiceAccount")
JOB = Kind(api_version="batch/v1", kind="Job")
CRON_JOB = Kind(api_version="batch/v1", kind="CronJob")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterIdentity:
    """Which cluster answers: the UID of its namespace `kube-system` is born with it and dies with it."""

    uid: str
    server: str
    context: str
    version: str


class Cluster(Protocol):
    """One cluster, pinned by its UID; every call has a timeout."""

    @property
    def identity(self) -> ClusterIdentity:
        """Which cluster this was when it was opened."""

    def close(self) -> None:
        """Let go of its connections."""

    def assert_pinned(self) -> None:
        """Ask the cluster again which it is; `GuardError` when another one answers."""

    def get(self, kind: Kind, name: str, *, namespace: str = "") -> Manifest | None:
        """Return an object, or None when it is not there; an unknown kind is a `NotFoundError`."""

    def list(self, kind: Kind, *, namespace: str = "", labels: Mapping[str, str] | None = None) -> tuple[Manifest, ...]:
        """Return the objects of a kind, in one namespace or in all."""

    def everything(self, *, namespace: str = "", labels: Mapping[str, str] | None = None) -> tuple[Manifest, ...]:
        """Return every object of every kind that the cluster serves and lets us list, with all these labels.

        In one namespace, or in all of them and outside of any. Events, leases and what nobody can remove are left out.
        A kind that may not be listed is a `TargetError` that names it.
        """

    def try_out(self, manifest: Manifest) -> None:
        """Let the cluster say whether it would take an object; nothing is written, unknown fields are refused."""

    def apply(self, intent: Intent, manifest: Manifest) -> Manifest:
        """Apply an object server-side as `drproof`, and return it as it is stored; the same again changes nothing."""

    def create(self, intent: Intent, manifest: Manifest) -> Manifest:
        """Create an object; `AlreadyExistsError` when its name is taken."""

    def replace(self, intent: Intent, manifest: Manifest) -> Manifest:
        """Write an object that was read before; `TargetError` (`Conflict`) when it has changed since."""

    def delete(  # noqa: PLR0913 — what is removed, and for how long that is waited for
        self, intent: Intent, kind: Kind, name: str, *, namespace: str = "", uid: str, timeout_ms: int
    ) -> None:
        """Remove an object and what it owns, and return once it is gone; an object that is gone already is as wanted.

        `uid` is of the object that is meant: one of the same name that came after it is left.
        """

    def wait(
        self, kind: Kind, name: str, *, namespace: str = "", until: Callable[[Manifest | None], bool], timeout_ms: int
    ) -> Manifest | None:
        """Watch an object until it is as wanted; `Timeout` when that is too late, `Expired` when the watch is lost."""

    def logs(self, pod: str, *, namespace: str, container: str, limit_bytes: int, tail_lines: int = 0) -> str:
        """Return the log of a container, or its last `tail_lines`; at most the first `limit_bytes` of that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KubeconfigFacts:
    """What of a kubeconfig may be shown."""

    context: str
    server: str
    users_with_exec: tuple[str, ...]


class ClusterAccess(Protocol):
    """The way into the recovery cluster: a kubeconfig in a private place, or the machine that the cluster runs on."""

    @property
    def by_kubeconfig(self) -> bool:
        """Whether a kubeconfig is the way; else `at` names the machine."""

    @property
    def known(self) -> bool:
        """Whether a kubeconfig is kept, or the machine named."""

    @property
    def source(self) -> str:
        """Where the way came from: `unset` where there is none yet.

        Of a kubeconfig: `arg_kubeconfig`, `bringup_generated`, `receipt_dir_autoload`. Of the machine: `over_ssm`.
        """

    def at(self, instance_id: str) -> None:
        """Take this machine for the one whose cluster is meant; `ValueError` where a kubeconfig is the way."""

    def keep(self, kubeconfig: str, *, source: str, host: str = "", base: Path | None = None) -> KubeconfigFacts:
        """Check a kubeconfig and keep it, readable to this user alone; nothing is started and nothing is asked.

        `base` is the folder of one that is a file of this machine, and may refer to others beside it.

        With `host`, a server on a loopback or private address is rewritten to it, port kept, and the name that the
        certificate speaks for is kept as `tls-server-name`.

        Raises:
            GuardError: it would start a process that the settings do not allow.
            FormatError: it is none, or lacks the context.
        """

    def secrets(self) -> tuple[str, ...]:
        """Return the values of the kept kubeconfig that nobody may see."""

    def open(self, *, uid: str = "") -> Cluster:
        """Open the cluster that this leads to, pinned to `uid`, or to the one that answers when that is empty.

        Raises:
            GuardError: another cluster answers.
            TargetError: none answers.
        """


def named(manifest: Manifest) -> str:
    """Return how an object is spoken of: `Kind/name`."""
    return f"{manifest['kind']}/{manifest['metadata']['name']}"


def kind_of(manifest: Manifest) -> Kind:
    """Return an object's kind."""
    return Kind(api_version=str(manifest["apiVersion"]), kind=str(manifest["kind"]))


def by_name(manifests: Iterable[Manifest]) -> dict[str, Manifest]:
    """Return objects by the name that they are spoken of."""
    return {named(manifest): manifest for manifest in manifests}
