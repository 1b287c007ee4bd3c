"""The variables of a container, from what its manifest and the ConfigMaps and Secrets of its namespace say."""

import base64
import re
from collections.abc import Mapping

from drproof.embedded.kubernetes.resources import CONFIGMAPS, SECRETS, Object, Resource
from drproof.embedded.kubernetes.store import Store

_REFERENCE = re.compile(r"\$\$|\$\(([^()\s]+)\)")


class ConfigurationError(Exception):
    """A container cannot be made: what it refers to is missing (CreateContainerConfigError)."""


def expanded(text: str, variables: Mapping[str, str]) -> str:
    """Return a text with `$(NAME)` replaced where NAME is known; `$$` is a dollar sign."""

    def value(found: re.Match[str]) -> str:
        return "$" if found[0] == "$$" else variables.get(found[1], found[0])

    return _REFERENCE.sub(value, text)


def entries(resource: Resource, obj: Object) -> dict[str, bytes]:
    """Return what a ConfigMap or Secret holds, as bytes."""
    if resource.key == SECRETS.key:
        return {key: base64.b64decode(value or "") for key, value in (obj.get("data") or {}).items()}
    held = {key: value.encode() for key, value in (obj.get("data") or {}).items()}
    return held | {key: base64.b64decode(value) for key, value in (obj.get("binaryData") or {}).items()}


def field_of(pod: Object, path: str, addresses: Mapping[str, str]) -> str:
    """Return what a fieldRef refers to.

    Raises:
        ConfigurationError: it cannot be referred to.
    """
    meta, spec = pod["metadata"], pod["spec"]
    for kind in ("labels", "annotations"):
        if path.startswith(f"metadata.{kind}['") and path.endswith("']"):
            return str((meta.get(kind) or {}).get(path[len(f"metadata.{kind}['") : -2], ""))
        if path == f"metadata.{kind}":
            return "\n".join(f'{key}="{value}"' for key, value in sorted((meta.get(kind) or {}).items()))
    fields = {
        "metadata.name": meta["name"],
        "metadata.namespace": meta["namespace"],
        "metadata.uid": meta["uid"],
        "spec.nodeName": spec.get("nodeName", ""),
        "spec.serviceAccountName": spec.get("serviceAccountName", ""),
        "status.hostIP": addresses.get("hostIP", ""),
        "status.podIP": addresses.get("podIP", ""),
        "status.hostIPs": addresses.get("hostIP", ""),
        "status.podIPs": addresses.get("podIP", ""),
    }
    if path not in fields:
        msg = f"unsupported fieldPath: {path}"
        raise ConfigurationError(msg)
    return str(fields[path])


class Environments:
    """Resolves the `env` and `envFrom` of containers."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def resolve(self, pod: Object, container: Object, addresses: Mapping[str, str]) -> dict[str, str]:
        """Return a container's variables; later ones may use earlier ones as `$(NAME)`.

        Raises:
            ConfigurationError: a ConfigMap, Secret or key that is not optional is missing.
        """
        namespace = pod["metadata"]["namespace"]
        variables: dict[str, str] = {}
        for source in container.get("envFrom") or []:
            prefix = source.get("prefix") or ""
            for resource, key in ((CONFIGMAPS, "configMapRef"), (SECRETS, "secretRef")):
                if key in source:
                    found = self._object(resource, namespace, source[key])
                    held = entries(resource, found) if found else {}
                    variables |= {prefix + name: value.decode("utf-8", "replace") for name, value in held.items()}
        for each in container.get("env") or []:
            if "valueFrom" not in each:
                variables[each["name"]] = expanded(str(each.get("value") or ""), variables)
            elif (value := self._value(pod, container, each["valueFrom"], addresses)) is not None:
                variables[each["name"]] = value
        return variables

    def _value(self, pod: Object, container: Object, source: Object, addresses: Mapping[str, str]) -> str | None:
        if "fieldRef" in source:
            return field_of(pod, source["fieldRef"]["fieldPath"], addresses)
        if "resourceFieldRef" in source:
            kind, _, name = str(source["resourceFieldRef"]["resource"]).partition(".")
            return str(((container.get("resources") or {}).get(kind) or {}).get(name, "0"))
        for resource, key in ((CONFIGMAPS, "configMapKeyRef"), (SECRETS, "secretKeyRef")):
            if key in source:
                return self._key(resource, pod["metadata"]["namespace"], source[key])
        return None

    def _key(self, resource: Resource, namespace: str, reference: Object) -> str | None:
        found = self._object(resource, namespace, reference)
        held = entries(resource, found) if found else {}
        if reference["key"] in held:
            return held[reference["key"]].decode("utf-8", "replace")
        if reference.get("optional"):
            return None
        msg = f"couldn't find key {reference['key']} in {resource.kind} {namespace}/{reference['name']}"
        raise ConfigurationError(msg)

    def _object(self, resource: Resource, namespace: str, reference: Object) -> Object | None:
        found = self._store.get(resource, namespace, reference["name"])
        if found is None and not reference.get("optional"):
            msg = f'{resource.singular} "{reference["name"]}" not found'
            raise ConfigurationError(msg)
        return found
