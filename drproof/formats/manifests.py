"""Kubernetes manifests as a backup holds them, and what of them another cluster takes: `portable`."""

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from copy import deepcopy
from typing import Any, Final, NamedTuple

from drproof.formats import strict_json, strict_yaml
from drproof.model.cluster import Manifest, named
from drproof.model.errors import FormatError

LABEL: Final = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
DNS_LABEL = re.compile(LABEL)
DNS_SUBDOMAIN = re.compile(rf"(?=.{{1,253}}\Z){LABEL}(\.{LABEL})*")
PATH_SEGMENT = re.compile(r"(?!\.{1,2}\Z)[^/%\x00-\x20\x7f]{1,253}")
API_VERSION = re.compile(rf"({LABEL}(\.{LABEL})*/)?{LABEL}")
KIND = re.compile(r"[A-Za-z][A-Za-z0-9]{0,62}")

SUFFIXES: Final = (".yaml", ".yml", ".json")
RBAC: Final = "rbac.authorization.k8s.io"
KINDS: Final = (
    ("", "ServiceAccount"),
    ("", "ConfigMap"),
    ("", "Secret"),
    ("", "PersistentVolumeClaim"),
    (RBAC, "Role"),
    (RBAC, "RoleBinding"),
    ("", "LimitRange"),
    ("", "ResourceQuota"),
    ("networking.k8s.io", "NetworkPolicy"),
    ("policy", "PodDisruptionBudget"),
    ("", "Service"),
    ("apps", "Deployment"),
    ("apps", "StatefulSet"),
    ("apps", "DaemonSet"),
    ("batch", "CronJob"),
    ("batch", "Job"),
    ("autoscaling", "HorizontalPodAutoscaler"),
    ("networking.k8s.io", "Ingress"),
)
"""Kubernetes' own kinds with their API group, what others depend on first."""
RANK: Final = {kind: rank for rank, kind in enumerate(KINDS)}
GROUPS: Final = {kind: group for group, kind in KINDS}

CLUSTER_SCOPED: Final = frozenset(
    {
        *("Namespace", "Node", "PersistentVolume", "ClusterRole", "ClusterRoleBinding", "StorageClass"),
        *("PriorityClass", "IngressClass", "RuntimeClass", "CustomResourceDefinition", "APIService"),
        *("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration", "ValidatingAdmissionPolicy"),
        *("ValidatingAdmissionPolicyBinding", "CSIDriver", "CSINode", "VolumeAttachment", "FlowSchema"),
        *("PriorityLevelConfiguration", "CertificateSigningRequest"),
    }
)

OF_THE_SERVER: Final = frozenset(
    {
        *("uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp", "selfLink"),
        *("deletionGracePeriodSeconds", "managedFields", "ownerReferences"),
    }
)
FINALIZERS_OF_THE_SERVER: Final = frozenset({"kubernetes.io/pvc-protection", "foregroundDeletion", "orphan"})
ANNOTATIONS_OF_THE_SERVER: Final = frozenset(
    {
        "kubectl.kubernetes.io/last-applied-configuration",
        "objectset.rio.cattle.io/applied",
        "deployment.kubernetes.io/revision",
        "deprecated.daemonset.template.generation",
        "batch.kubernetes.io/job-tracking",
        "pv.kubernetes.io/bind-completed",
        "pv.kubernetes.io/bound-by-controller",
        "volume.kubernetes.io/selected-node",
        "volume.kubernetes.io/storage-provisioner",
        "volume.beta.kubernetes.io/storage-provisioner",
    }
)
OF_ACCOUNTS = re.compile(r"(?P<before>system:serviceaccounts?:)(?P<namespace>[^:]+)(?P<after>(:[^:]+)?)")
"""`system:serviceaccounts:NAMESPACE`, `system:serviceaccount:NAMESPACE:NAME`."""
LABELS_OF_A_JOB: Final = frozenset(
    {"controller-uid", "job-name", "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name"}
)


class SortedOut(NamedTuple):
    """Manifests by what becomes of them, each in the order that they came."""

    restorable: tuple[Manifest, ...]
    left_out: tuple[Manifest, ...]
    """Of a kind that is left out, or made by the cluster itself."""
    refused: tuple[Manifest, ...]
    """Of a kind that nobody spoke of."""


def read(path: str, data: bytes) -> tuple[dict[str, Any], ...]:
    """Return the manifests that one file holds, lists flattened; `path` says whether it is YAML or JSON.

    Raises:
        FormatError: `manifest-path`, `manifest-empty`, `manifest-shape`, `manifest-name`, and what YAML or JSON refuse.
    """
    if not path.endswith(SUFFIXES):
        raise FormatError("manifest-path", f"{path} is neither YAML nor JSON by its name")
    documents = _documents(data, json_only=path.endswith(".json"))
    if not documents:
        raise FormatError("manifest-empty", f"{path} holds nothing")
    return tuple(manifest for document in documents for manifest in _flattened(path, document, {}))


def portable(manifest: Manifest, *, namespace: str) -> dict[str, Any]:
    """Return an object as another cluster takes it into `namespace`, without what the old cluster had added.

    Raises:
        FormatError: `manifest-namespace`: it lies elsewhere; `manifest-scope`: it lies in no namespace;
            `manifest-shape`: a part that is taken out or changed is not as its kind has it.
    """
    result = deepcopy(dict(manifest))
    kind, metadata = result["kind"], result["metadata"]
    if kind in CLUSTER_SCOPED:
        raise FormatError("manifest-scope", f"{named(manifest)} belongs to the whole cluster, expected {namespace}")
    if (metadata.get("namespace") or namespace) != namespace:
        raise FormatError(
            "manifest-namespace", f"{named(manifest)} lies in {metadata['namespace']}, expected {namespace}"
        )
    result.pop("status", None)
    _drop(metadata, OF_THE_SERVER)
    _drop_within(metadata, "annotations", ANNOTATIONS_OF_THE_SERVER)
    if kept := [one for one in metadata.pop("finalizers", None) or () if one not in FINALIZERS_OF_THE_SERVER]:
        metadata["finalizers"] = kept
    metadata["namespace"] = namespace
    clean = CLEANING.get((_group(manifest), kind))
    if clean is not None:
        clean(result)
    return result


def moved(manifest: Manifest, *, source: str, target: str) -> dict[str, Any]:
    """Return an object as it is in another namespace; accounts of its old one that a RoleBinding names move along.

    Nothing else is changed: a text that names the old namespace, in a variable or a selector, still does.

    Raises:
        FormatError: `manifest-namespace`: it does not lie in `source`; `manifest-shape`.
    """
    result = deepcopy(dict(manifest))
    if (lies_in := result["metadata"].get("namespace") or source) != source:
        raise FormatError("manifest-namespace", f"{named(manifest)} lies in {lies_in}, expected {source}")
    result["metadata"]["namespace"] = target
    if (_group(manifest), manifest["kind"]) == (RBAC, "RoleBinding"):
        for subject in _objects(result, result, "subjects"):
            if subject.get("namespace") == source:
                subject["namespace"] = target
            # Accounts have a user and groups as well, which have the namespace in their names.
            match = OF_ACCOUNTS.fullmatch(str(subject.get("name")))
            if match is not None and match["namespace"] == source and subject.get("kind") in ("User", "Group"):
                subject["name"] = f"{match['before']}{target}{match['after']}"
    return result


def namespaces(manifests: Iterable[Manifest]) -> tuple[str, ...]:
    """Return the namespaces that manifests say they lie in, sorted; one that says none can go into any."""
    return tuple(sorted({one["metadata"].get("namespace") or "" for one in manifests} - {""}))


def unique(manifests: Iterable[Manifest]) -> tuple[Manifest, ...]:
    """Return manifests with identical copies of an object as one, where the first of them was.

    What tells objects apart is group, kind, namespace and name: copies that only one cluster's bookkeeping tells apart
    are identical once both are `portable`.

    Raises:
        FormatError: `manifest-duplicate`: two of one object differ.
    """
    found: dict[tuple[str, str, str, str], tuple[str, Manifest]] = {}
    for one in manifests:
        # As text, because to Python True is 1.
        content = json.dumps(one, sort_keys=True)
        if found.setdefault(_identity(one), (content, one))[0] != content:
            raise FormatError("manifest-duplicate", f"{named(one)} comes twice, with different contents")
    return tuple(one for _, one in found.values())


def _identity(manifest: Manifest) -> tuple[str, str, str, str]:
    metadata = manifest["metadata"]
    return _group(manifest), manifest["kind"], metadata.get("namespace") or "", metadata["name"]


def _clean_service(service: dict[str, Any]) -> None:
    spec = _member(service, "spec")
    # `None` is no address that the cluster gave: it makes a service headless.
    if spec.get("clusterIP") != "None":
        _drop(spec, ("clusterIP", "clusterIPs"))
    spec.pop("healthCheckNodePort", None)
    for port in _objects(service, spec, "ports"):
        port.pop("nodePort", None)


def _clean_job(job: dict[str, Any]) -> None:
    spec = _member(job, "spec")
    if not spec.get("manualSelector"):
        spec.pop("selector", None)
    for metadata in (job["metadata"], _member(job, "spec", "template", "metadata")):
        metadata.pop("creationTimestamp", None)
        _drop_within(metadata, "labels", LABELS_OF_A_JOB)


def _clean_claim(claim: dict[str, Any]) -> None:
    _member(claim, "spec").pop("volumeName", None)


def _clean_account(account: dict[str, Any]) -> None:
    tokens = re.compile(rf"{re.escape(account['metadata']['name'])}-(token|dockercfg)-[a-z0-9]{{5}}")
    secrets = _objects(account, account, "secrets")
    if kept := [secret for secret in secrets if not tokens.fullmatch(str(secret.get("name")))]:
        account["secrets"] = kept
    else:
        account.pop("secrets", None)


CLEANING: Final[dict[tuple[str, str], Callable[[dict[str, Any]], None]]] = {
    ("", "Service"): _clean_service,
    ("batch", "Job"): _clean_job,
    ("", "PersistentVolumeClaim"): _clean_claim,
    ("", "ServiceAccount"): _clean_account,
}


def _drop(members: dict[str, Any], names: Iterable[str]) -> None:
    for name in names:
        members.pop(name, None)


def _drop_within(parent: dict[str, Any], field: str, names: Iterable[str]) -> None:
    """Take names out of a map, and the map when nothing is left of it."""
    _drop(parent.get(field) or {}, names)
    if not parent.get(field):
        parent.pop(field, None)


def _member(manifest: dict[str, Any], *path: str) -> dict[str, Any]:
    """Return the map at a path; one that is not there is as good as an empty one."""
    found: Any = manifest
    for name in path:
        found = found.get(name)
        if found is None:
            return {}
        if not isinstance(found, dict):
            raise FormatError("manifest-shape", f"{named(manifest)}: {'.'.join(path)} is no object")
    return found  # type: ignore[no-any-return]  # only maps get here


def _objects(manifest: dict[str, Any], parent: dict[str, Any], field: str) -> list[dict[str, Any]]:
    found = parent.get(field) or []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise FormatError("manifest-shape", f"{named(manifest)}: {field} is no list of objects")
    return found


def order(manifests: Iterable[Manifest]) -> tuple[Manifest, ...]:
    """Return manifests with what others depend on first; equals keep their order, unknown kinds come last.

    Raises:
        FormatError: `manifest-duplicate`: an object that comes twice has no one content.
    """
    ordered = sorted(manifests, key=lambda one: RANK.get((_group(one), one["kind"]), len(RANK)))
    seen = set()
    for one in ordered:
        identity = _identity(one)
        if identity in seen:
            raise FormatError("manifest-duplicate", f"{named(one)} comes twice")
        seen.add(identity)
    return tuple(ordered)


def sorted_out(manifests: Iterable[Manifest], *, kinds: Collection[str], left_out: Collection[str]) -> SortedOut:
    """Sort manifests by kind: those of `kinds` can be restored, those of `left_out` are not, any other is refused.

    What the cluster makes by itself is left out whatever its kind: ask before `portable`, which forgets owners. A kind
    of another API group that only has the name of one of Kubernetes' own is another kind.
    """
    if both := sorted(set(kinds) & set(left_out)):
        raise ValueError(f"kinds that are restored and left out: {', '.join(both)}")
    restorable, omitted, refused = [], [], []
    for one in manifests:
        kind = one["kind"] if GROUPS.get(one["kind"], _group(one)) == _group(one) else ""
        if kind in left_out or made_by_the_cluster(one):
            omitted.append(one)
        elif kind in kinds:
            restorable.append(one)
        else:
            refused.append(one)
    return SortedOut(tuple(restorable), tuple(omitted), tuple(refused))


def made_by_the_cluster(manifest: Manifest) -> bool:
    """Whether each cluster makes this object anew: an owner in it does, or it is one of its own credentials."""
    metadata = manifest["metadata"]
    if any(owner.get("controller") for owner in metadata.get("ownerReferences") or ()):
        return True
    return (manifest["kind"], metadata["name"]) == ("ConfigMap", "kube-root-ca.crt") or (
        manifest["kind"] == "Secret" and manifest.get("type") == "kubernetes.io/service-account-token"
    )


def suspended(manifest: Manifest) -> dict[str, Any]:
    """Return a CronJob that starts nothing, and any other object as it is."""
    result = deepcopy(dict(manifest))
    if (_group(manifest), manifest["kind"]) == ("batch", "CronJob"):
        result["spec"] = {**(result.get("spec") or {}), "suspend": True}
    return result


def _documents(data: bytes, *, json_only: bool) -> list[object]:
    """Return the documents of a file; kubectl, too, reads as JSON what begins like it, with escapes that YAML lacks."""
    if json_only or data.lstrip().startswith(b"{"):
        try:
            return [strict_json.parse(data, fractions=True)]
        except FormatError as exc:
            if json_only or exc.code != "json-syntax":
                raise
    return strict_yaml.parse_all(data)


def _group(manifest: Manifest) -> str:
    group, slash, _ = str(manifest["apiVersion"]).rpartition("/")
    return group if slash else ""


def _flattened(path: str, document: object, defaults: dict[str, str]) -> Iterator[dict[str, Any]]:
    if not isinstance(document, dict):
        raise FormatError("manifest-shape", f"{path} holds {type(document).__name__}, expected an object")
    manifest = {**defaults, **document}
    api_version, kind = manifest.get("apiVersion"), manifest.get("kind")
    if not isinstance(api_version, str) or not API_VERSION.fullmatch(api_version):
        raise FormatError("manifest-shape", f"{path}: apiVersion is {_shown(api_version)}")
    if not isinstance(kind, str) or not KIND.fullmatch(kind):
        raise FormatError("manifest-shape", f"{path}: kind is {_shown(kind)}")
    if kind.endswith("List") and "items" in manifest:
        items = manifest["items"]
        if not isinstance(items, list):
            raise FormatError("manifest-shape", f"{path}: the items of {kind} are no list")
        # The items of a typed list, as the API answers it, do not say again what they are.
        inherited = {} if kind == "List" else {"apiVersion": api_version, "kind": kind.removesuffix("List")}
        for item in items:
            yield from _flattened(path, item, inherited)
        return
    _check_metadata(f"{path}: {kind}", kind, manifest.get("metadata"))
    yield manifest


def _check_metadata(where: str, kind: str, metadata: object) -> None:
    if not isinstance(metadata, dict):
        raise FormatError("manifest-shape", f"{where} has no metadata")
    name, namespace = metadata.get("name"), metadata.get("namespace")
    # The names of roles are no names of hosts: `system:discovery`.
    allowed = PATH_SEGMENT if GROUPS.get(kind) == RBAC or kind.startswith("ClusterRole") else DNS_SUBDOMAIN
    if not isinstance(name, str) or not allowed.fullmatch(name):
        raise FormatError("manifest-name", f"{where} is called {_shown(name)}")
    if namespace is not None and not (isinstance(namespace, str) and DNS_LABEL.fullmatch(namespace)):
        raise FormatError("manifest-name", f"{where} {name} lies in namespace {_shown(namespace)}")
    for field in ("labels", "annotations"):
        texts = metadata.get(field)
        if texts is not None and not (
            isinstance(texts, dict) and all(isinstance(text, str) for text in texts.values())
        ):
            raise FormatError("manifest-shape", f"{where} {name}: metadata.{field} holds what is no text")
    for field, item in (("ownerReferences", dict), ("finalizers", str)):
        items = metadata.get(field)
        if items is not None and not (isinstance(items, list) and all(isinstance(one, item) for one in items)):
            raise FormatError("manifest-shape", f"{where} {name}: metadata.{field} is no list of {item.__name__}")


def _shown(value: object) -> str:
    """Return a name as a message repeats it: no more of it than a name has, and nothing of what is no text."""
    return repr(value[:63]) if isinstance(value, str) else "nothing" if value is None else "no text"
