"""The images on the disks of nodes, and how a node logs in to a registry to get more."""

import base64
import binascii
import json
from collections.abc import Iterator
from fnmatch import fnmatchcase

from drproof.embedded.kubernetes.errors import NotFound
from drproof.embedded.kubernetes.nodes import set_images
from drproof.embedded.kubernetes.registry import Image, Login, Reference, Registry
from drproof.embedded.kubernetes.resources import NODES, SECRETS, Object
from drproof.embedded.kubernetes.store import Store

_FORMS = ((".dockerconfigjson", True), (".dockercfg", False))
_HUB = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io"})


class Images:
    """What each node holds; an image that is there once is there for every pod of the node."""

    def __init__(self, store: Store, registry: Registry) -> None:
        self._store = store
        self._registry = registry
        self._held: dict[str, dict[str, Image]] = {}

    def held(self, node: str, reference: Reference) -> Image | None:
        """Return an image of a node's disk, None if it has to be pulled."""
        held = self._held.get(node, {})
        if reference.digest:
            identity = f"{reference.name}@{reference.digest}"
            return next((each for each in held.values() if each.identity == identity), None)
        return held.get(str(reference))

    def pull(self, pod: Object, node: str, architecture: str, reference: Reference) -> Image:
        """Ask the registry for an image with the pod's logins and keep it on the node.

        Raises:
            PullRefusedError: the registry does not serve it.
        """
        logins = tuple(self.logins(pod, reference))
        image = self._registry.pull(reference, logins, node, architecture)
        self._held.setdefault(node, {})[str(reference)] = image
        try:
            self._store.update(NODES, "", node, lambda each: set_images(each, self._held[node]))
        except NotFound:
            return image
        return image

    def missing_secrets(self, pod: Object) -> list[str]:
        """Return the names of the pod's pull secrets that are not there."""
        namespace = pod["metadata"]["namespace"]
        names = [str(each.get("name", "")) for each in pod["spec"].get("imagePullSecrets") or []]
        return [name for name in names if self._store.get(SECRETS, namespace, name) is None]

    def logins(self, pod: Object, reference: Reference) -> Iterator[Login]:
        """Yield the credentials of the pod's pull secrets that are for the image's registry."""
        for each in pod["spec"].get("imagePullSecrets") or []:
            secret = self._store.get(SECRETS, pod["metadata"]["namespace"], str(each.get("name", "")))
            for address, entry in _entries(secret or {}):
                if _is_for(address, reference) and (login := _login(entry)):
                    yield login


def _entries(secret: Object) -> Iterator[tuple[str, Object]]:
    """Yield address and credentials of what docker would keep in its configuration; nothing of what is malformed."""
    for key, nested in _FORMS:
        try:
            document = json.loads(base64.b64decode((secret.get("data") or {}).get(key, "")))
        except (ValueError, binascii.Error):
            continue
        auths = document.get("auths") if nested and isinstance(document, dict) else document
        if isinstance(auths, dict):
            yield from ((str(address), entry) for address, entry in auths.items() if isinstance(entry, dict))


def _login(entry: Object) -> Login | None:
    if entry.get("username") or entry.get("password"):
        return Login(str(entry.get("username", "")), str(entry.get("password", "")))
    try:
        user, colon, password = base64.b64decode(str(entry.get("auth", ""))).decode().partition(":")
    except ValueError:
        return None
    return Login(user, password) if colon else None


def _is_for(address: str, reference: Reference) -> bool:
    """Whether credentials for an address (a host, perhaps with scheme, wildcard and path) are for an image."""
    host, _, path = address.partition("://")[2].partition("/") if "://" in address else address.partition("/")
    path = path.strip("/")
    if path in {"v1", "v2"}:
        path = ""
    if path and reference.repository != path and not reference.repository.startswith(f"{path}/"):
        return False
    return fnmatchcase(reference.host, host) or (reference.host in _HUB and host in _HUB)
