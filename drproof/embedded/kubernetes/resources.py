"""The kinds of objects that the cluster knows."""

from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]
"""One Kubernetes object as JSON."""

_NONE: frozenset[str] = frozenset()
_STATUS = frozenset({"status"})
_SCALED = frozenset({"status", "scale"})


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind of object: where it lives in the API, and what is particular to it."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool
    short_names: tuple[str, ...] = ()
    subresources: frozenset[str] = _NONE
    categories: tuple[str, ...] = ()
    counts_generations: bool = False
    """Whether `metadata.generation` counts changes of its spec."""

    @property
    def api_version(self) -> str:
        """What objects of it say in `apiVersion`: `v1`, `batch/v1`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def key(self) -> tuple[str, str]:
        """What names it whatever the version: group and plural."""
        return self.group, self.plural

    @property
    def singular(self) -> str:
        """Its name in lower case, for one object."""
        return self.kind.lower()


_EVERYTHING = ("all",)


def _core(  # noqa: PLR0913 — one argument a property of the kind
    plural: str,
    kind: str,
    *short: str,
    namespaced: bool = True,
    subresources: frozenset[str] = _NONE,
    categories: tuple[str, ...] = (),
    counts_generations: bool = False,
) -> Resource:
    return Resource("", "v1", plural, kind, namespaced, short, subresources, categories, counts_generations)


PODS = _core("pods", "Pod", "po", subresources=frozenset({"status", "log"}), categories=_EVERYTHING)
NAMESPACES = _core("namespaces", "Namespace", "ns", namespaced=False, subresources=frozenset({"status", "finalize"}))
NODES = _core("nodes", "Node", "no", namespaced=False, subresources=_STATUS)
SECRETS = _core("secrets", "Secret")
CONFIGMAPS = _core("configmaps", "ConfigMap", "cm")
SERVICES = _core("services", "Service", "svc", subresources=_STATUS, categories=_EVERYTHING)
SERVICEACCOUNTS = _core("serviceaccounts", "ServiceAccount", "sa")
EVENTS = _core("events", "Event", "ev")
ENDPOINTS = _core("endpoints", "Endpoints", "ep")
LIMITRANGES = _core("limitranges", "LimitRange", "limits")
RESOURCEQUOTAS = _core("resourcequotas", "ResourceQuota", "quota", subresources=_STATUS)
PERSISTENTVOLUMECLAIMS = _core("persistentvolumeclaims", "PersistentVolumeClaim", "pvc", subresources=_STATUS)
PERSISTENTVOLUMES = _core("persistentvolumes", "PersistentVolume", "pv", namespaced=False, subresources=_STATUS)

JOBS = Resource("batch", "v1", "jobs", "Job", True, (), _STATUS, _EVERYTHING, counts_generations=True)  # noqa: FBT003 — namespaced
CRONJOBS = Resource("batch", "v1", "cronjobs", "CronJob", True, ("cj",), _STATUS, _EVERYTHING, counts_generations=True)  # noqa: FBT003 — namespaced


def _apps(plural: str, kind: str, short: str, subresources: frozenset[str]) -> Resource:
    return Resource("apps", "v1", plural, kind, True, (short,), subresources, _EVERYTHING, counts_generations=True)  # noqa: FBT003 — namespaced


DEPLOYMENTS = _apps("deployments", "Deployment", "deploy", _SCALED)
REPLICASETS = _apps("replicasets", "ReplicaSet", "rs", _SCALED)
STATEFULSETS = _apps("statefulsets", "StatefulSet", "sts", _SCALED)
DAEMONSETS = _apps("daemonsets", "DaemonSet", "ds", _STATUS)

_RBAC = "rbac.authorization.k8s.io"
ROLES = Resource(_RBAC, "v1", "roles", "Role", namespaced=True)
ROLEBINDINGS = Resource(_RBAC, "v1", "rolebindings", "RoleBinding", namespaced=True)
CLUSTERROLES = Resource(_RBAC, "v1", "clusterroles", "ClusterRole", namespaced=False)
CLUSTERROLEBINDINGS = Resource(_RBAC, "v1", "clusterrolebindings", "ClusterRoleBinding", namespaced=False)

_NET = "networking.k8s.io"
NETWORKPOLICIES = Resource(
    _NET, "v1", "networkpolicies", "NetworkPolicy", namespaced=True, short_names=("netpol",), counts_generations=True
)
INGRESSES = Resource(
    _NET,
    "v1",
    "ingresses",
    "Ingress",
    namespaced=True,
    short_names=("ing",),
    subresources=_STATUS,
    counts_generations=True,
)
PODDISRUPTIONBUDGETS = Resource(
    "policy",
    "v1",
    "poddisruptionbudgets",
    "PodDisruptionBudget",
    namespaced=True,
    short_names=("pdb",),
    subresources=_STATUS,
    counts_generations=True,
)
LEASES = Resource("coordination.k8s.io", "v1", "leases", "Lease", namespaced=True)
PRIORITYCLASSES = Resource(
    "scheduling.k8s.io",
    "v1",
    "priorityclasses",
    "PriorityClass",
    namespaced=False,
    short_names=("pc",),
    counts_generations=True,
)
STORAGECLASSES = Resource(
    "storage.k8s.io", "v1", "storageclasses", "StorageClass", namespaced=False, short_names=("sc",)
)
HORIZONTALPODAUTOSCALERS = Resource(
    "autoscaling",
    "v2",
    "horizontalpodautoscalers",
    "HorizontalPodAutoscaler",
    namespaced=True,
    short_names=("hpa",),
    subresources=_STATUS,
    categories=_EVERYTHING,
)

ALL: tuple[Resource, ...] = (
    PODS,
    NAMESPACES,
    NODES,
    SECRETS,
    CONFIGMAPS,
    SERVICES,
    SERVICEACCOUNTS,
    EVENTS,
    ENDPOINTS,
    LIMITRANGES,
    RESOURCEQUOTAS,
    PERSISTENTVOLUMECLAIMS,
    PERSISTENTVOLUMES,
    JOBS,
    CRONJOBS,
    DEPLOYMENTS,
    REPLICASETS,
    STATEFULSETS,
    DAEMONSETS,
    ROLES,
    ROLEBINDINGS,
    CLUSTERROLES,
    CLUSTERROLEBINDINGS,
    NETWORKPOLICIES,
    INGRESSES,
    PODDISRUPTIONBUDGETS,
    LEASES,
    PRIORITYCLASSES,
    STORAGECLASSES,
    HORIZONTALPODAUTOSCALERS,
)
BY_KIND: dict[tuple[str, str], Resource] = {(each.api_version, each.kind): each for each in ALL}
"""Kinds by (`apiVersion`, `kind`)."""


def of(obj: Object) -> Resource | None:
    """Return the kind of an object, None for one that the cluster does not know."""
    return BY_KIND.get((str(obj.get("apiVersion")), str(obj.get("kind"))))
