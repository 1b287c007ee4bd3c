"""What every write passes before it is stored: defaults, admission, validation, immutability."""

import base64
import ipaddress
import secrets
import uuid

from drproof.embedded.kubernetes import resources as kinds
from drproof.embedded.kubernetes.defaults import set_defaults
from drproof.embedded.kubernetes.errors import Cause, Forbidden, NotFound
from drproof.embedded.kubernetes.immutability import check_change
from drproof.embedded.kubernetes.resources import Object, Resource
from drproof.embedded.kubernetes.store import Store, copied
from drproof.embedded.kubernetes.validation import validate

SERVICE_NETWORK = ipaddress.IPv4Network("10.43.0.0/16")
"""Where Services get their addresses, as in k3s."""
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_GENERATED = 5
_GENERATED_BASE_MAX = 63 - _GENERATED
_FIRST_NODE_PORT, _NODE_PORTS = 30_000, 2_768


def generated_name(base: str) -> str:
    """Return a name made of a prefix and five random characters (apiserver, names.SimpleNameGenerator)."""
    return base[:_GENERATED_BASE_MAX] + "".join(secrets.choice(_ALPHABET) for _ in range(_GENERATED))


def admit(store: Store, resource: Resource, obj: Object, *, old: Object | None = None) -> Object:
    """Return an object as it will be stored: a new one, or the next state of `old`.

    A new object gets its name and uid. Raises what the API answers: Invalid, Forbidden, NotFound (its namespace).
    """
    new = copied(obj)
    meta = new.setdefault("metadata", {})
    if old is None:
        _check_namespace(store, resource, meta)
        if not meta.get("name") and meta.get("generateName"):
            meta["name"] = generated_name(str(meta["generateName"]))
        meta["uid"] = str(uuid.uuid4())
    else:
        for fixed in ("uid", "name", "creationTimestamp"):
            meta[fixed] = old["metadata"][fixed]
    if resource is kinds.SECRETS:
        encode_strings(new)
    if old is not None and resource is kinds.SERVICES:
        _keep_addresses(old, new)
    set_defaults(resource, new)
    if old is None and resource is kinds.JOBS:
        _generate_selector(new)
    if old is None and resource is kinds.PODS:
        _give_account(store, new)
        _give_priority_and_tolerations(new["spec"])
    validate(resource, new)
    if old is not None:
        check_change(resource, old, new)
    if resource is kinds.SERVICES:
        _give_addresses(store, new)
    return new


def _check_namespace(store: Store, resource: Resource, meta: Object) -> None:
    if not resource.namespaced:
        meta.pop("namespace", None)
        return
    name = str(meta.get("namespace", ""))
    found = store.get(kinds.NAMESPACES, "", name)
    if found is None:
        raise NotFound(kinds.NAMESPACES.plural, "", name)
    if "deletionTimestamp" in found["metadata"]:
        why = f"unable to create new content in namespace {name} because it is being terminated"
        cause = Cause("NamespaceTerminating", "metadata.namespace", f"namespace {name} is being terminated")
        raise Forbidden(resource.plural, resource.group, str(meta.get("name", "")), why, [cause])


def encode_strings(secret: Object) -> None:
    """Move what a Secret says in `stringData` to its data (registry/core/secret: it is never stored)."""
    strings = secret.pop("stringData", None)
    if strings:
        encoded = {key: base64.b64encode(str(value).encode()).decode() for key, value in strings.items()}
        secret["data"] = {**(secret.get("data") or {}), **encoded}


def _generate_selector(job: Object) -> None:
    """Give a Job the selector of its pods (registry/batch/job/strategy.go, generateSelector)."""
    spec, meta = job["spec"], job["metadata"]
    if spec.get("manualSelector"):
        return
    labels = spec["template"].setdefault("metadata", {}).setdefault("labels", {})
    for key, value in (
        ("controller-uid", meta["uid"]),
        ("batch.kubernetes.io/controller-uid", meta["uid"]),
        ("job-name", meta.get("name", "")),
        ("batch.kubernetes.io/job-name", meta.get("name", "")),
    ):
        labels.setdefault(key, value)
    matched = spec.setdefault("selector", {}).setdefault("matchLabels", {})
    matched.setdefault("batch.kubernetes.io/controller-uid", meta["uid"])


def _give_account(store: Store, pod: Object) -> None:
    """Give a pod its ServiceAccount, and that account's imagePullSecrets where it has none (its own admission)."""
    spec, meta = pod["spec"], pod["metadata"]
    if "kubernetes.io/config.mirror" in (meta.get("annotations") or {}):
        return
    name = spec.get("serviceAccountName") or "default"
    spec["serviceAccountName"] = spec["serviceAccount"] = name
    account = store.get(kinds.SERVICEACCOUNTS, str(meta.get("namespace", "")), name)
    if account is None:
        why = f'error looking up service account {meta.get("namespace")}/{name}: serviceaccount "{name}" not found'
        raise Forbidden(kinds.PODS.plural, "", str(meta.get("name", "")), why)
    if not spec.get("imagePullSecrets") and account.get("imagePullSecrets"):
        spec["imagePullSecrets"] = copied(account["imagePullSecrets"])


def _give_priority_and_tolerations(spec: Object) -> None:
    """Do what the admission plugins Priority and DefaultTolerationSeconds do to every pod."""
    spec.setdefault("priority", 0)
    spec.setdefault("preemptionPolicy", "PreemptLowerPriority")
    held = spec.setdefault("tolerations", [])
    for key in ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"):
        if not any(each.get("key") in {key, None} and each.get("effect") in {"NoExecute", None} for each in held):
            held.append({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300})


def _keep_addresses(old: Object, new: Object) -> None:
    """Keep what was allocated where an update leaves it out (registry/core/service, patchAllocatedValues)."""
    before, after = old.get("spec") or {}, new.setdefault("spec", {})
    if "ExternalName" in {before.get("type"), after.get("type")}:
        return
    for field in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"):
        if field in before and not after.get(field):
            after[field] = copied(before[field])
    held = {(port.get("protocol", "TCP"), port.get("port")): port.get("nodePort") for port in before.get("ports") or []}
    for port in after.get("ports") or []:
        kept = held.get((port.get("protocol", "TCP"), port.get("port")))
        if kept and after.get("type") in {"NodePort", "LoadBalancer"}:
            port.setdefault("nodePort", kept)


def _give_addresses(store: Store, service: Object) -> None:
    spec = service["spec"]
    if spec["type"] == "ExternalName":
        return
    others = [
        each["spec"] for each in store.list(kinds.SERVICES)[0] if each["metadata"]["uid"] != service["metadata"]["uid"]
    ]
    if not spec.get("clusterIP"):
        taken = {each.get("clusterIP") for each in others}
        # The first ten are kept for services that ask for theirs by name (DNS, the API itself).
        spec["clusterIP"] = next(
            text
            for number in range(10, SERVICE_NETWORK.num_addresses - 1)
            if (text := str(SERVICE_NETWORK[number])) not in taken
        )
    spec.setdefault("clusterIPs", [spec["clusterIP"]])
    spec.setdefault("ipFamilies", ["IPv4"])
    spec.setdefault("ipFamilyPolicy", "SingleStack")
    if spec["type"] in {"NodePort", "LoadBalancer"}:
        used = {port.get("nodePort") for each in others for port in each.get("ports") or []}
        free = (number for number in range(_FIRST_NODE_PORT, _FIRST_NODE_PORT + _NODE_PORTS) if number not in used)
        for port in spec.get("ports") or []:
            if not port.get("nodePort"):
                port["nodePort"] = next(free)
