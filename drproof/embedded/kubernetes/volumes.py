"""The volumes of a pod as folders of the node: what is mounted is really there."""

import posixpath
import shutil
from collections.abc import Mapping
from pathlib import Path

from drproof.embedded.kubernetes.environments import ConfigurationError, entries, field_of
from drproof.embedded.kubernetes.resources import CONFIGMAPS, PERSISTENTVOLUMECLAIMS, SECRETS, Object, Resource
from drproof.embedded.kubernetes.store import Store

_DEFAULT_MODE = 0o644


class MountError(Exception):
    """A volume cannot be set up: the pod waits (FailedMount)."""


def below(root: Path, path: str) -> Path:
    """Return where an absolute path of a container or node lies under a folder; `..` leads to no place outside."""
    return root / posixpath.normpath("/" + path).lstrip("/")


def claim_path(claim: Object) -> str:
    """Return where on its node what is claimed lies, as k3s lays it out."""
    meta = claim["metadata"]
    return f"var/lib/rancher/k3s/storage/pvc-{meta['uid']}_{meta['namespace']}_{meta['name']}"


class Volumes:
    """Sets up the volumes of pods on one node's disk."""

    def __init__(self, store: Store, node: Path) -> None:
        self._store = store
        self._node = node

    def set_up(self, pod: Object, folder: Path, addresses: Mapping[str, str]) -> dict[str, Path]:
        """Return the folder (or file) of each of a pod's volumes.

        Raises:
            MountError: a ConfigMap, Secret, key or folder is missing.
        """
        found = {}
        for volume in pod["spec"].get("volumes") or []:
            try:
                found[volume["name"]] = self._set_up(pod, volume, folder / volume["name"], addresses)
            except (ConfigurationError, OSError) as exc:
                msg = f'MountVolume.SetUp failed for volume "{volume["name"]}" : {exc}'
                raise MountError(msg) from exc
        return found

    def _set_up(self, pod: Object, volume: Object, place: Path, addresses: Mapping[str, str]) -> Path:
        namespace = pod["metadata"]["namespace"]
        if "hostPath" in volume:
            return self._host_path(volume["hostPath"])
        if "persistentVolumeClaim" in volume:
            return self._claim(namespace, volume["persistentVolumeClaim"]["claimName"])
        # Set up anew: what an earlier, failed attempt left is not what the manifest says now.
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        if "configMap" in volume:
            self._keys(CONFIGMAPS, namespace, volume["configMap"], volume["configMap"]["name"], place)
        elif "secret" in volume:
            self._keys(SECRETS, namespace, volume["secret"], volume["secret"]["secretName"], place)
        elif "downwardAPI" in volume:
            _downward(pod, volume["downwardAPI"], place, addresses)
        elif "projected" in volume:
            self._projected(pod, volume["projected"], place, addresses)
        return place

    def _projected(self, pod: Object, projected: Object, place: Path, addresses: Mapping[str, str]) -> None:
        namespace, mode = pod["metadata"]["namespace"], projected.get("defaultMode", _DEFAULT_MODE)
        for source in projected.get("sources") or []:
            for resource, kind in ((CONFIGMAPS, "configMap"), (SECRETS, "secret")):
                if kind in source:
                    wanted = {"defaultMode": mode} | source[kind]
                    self._keys(resource, namespace, wanted, source[kind]["name"], place)
            if "downwardAPI" in source:
                _downward(pod, {"defaultMode": mode} | source["downwardAPI"], place, addresses)
            if "serviceAccountToken" in source:
                # Clients of the cluster have certificates; the file is there, and opens nothing.
                _write(place, source["serviceAccountToken"]["path"], b"embedded", mode)

    def _keys(self, resource: Resource, namespace: str, wanted: Object, name: str, place: Path) -> None:
        optional = bool(wanted.get("optional"))
        found = self._store.get(resource, namespace, name)
        if found is None:
            if optional:
                return
            msg = f'{resource.singular} "{name}" not found'
            raise ConfigurationError(msg)
        held = entries(resource, found)
        mode = wanted.get("defaultMode", _DEFAULT_MODE)
        if not wanted.get("items"):
            for key, value in held.items():
                _write(place, key, value, mode)
        for item in wanted.get("items") or []:
            if item["key"] in held:
                _write(place, item["path"], held[item["key"]], item.get("mode", mode))
            elif not optional:
                msg = f"references non-existent {resource.singular} key: {item['key']}"
                raise ConfigurationError(msg)

    def _host_path(self, wanted: Object) -> Path:
        place, kind = below(self._node, wanted["path"]), wanted.get("type") or ""
        if kind in {"", "DirectoryOrCreate"} and not place.exists():
            place.mkdir(parents=True)
        elif kind == "FileOrCreate" and not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            place.touch()
        kinds = {"Directory": ("a directory", place.is_dir), "DirectoryOrCreate": ("a directory", place.is_dir)}
        kinds |= {"File": ("a file", place.is_file), "FileOrCreate": ("a file", place.is_file)}
        name, holds = kinds.get(kind, ("", place.exists))
        if not holds():
            msg = f"hostPath type check failed: {wanted['path']} is not {name}"
            raise ConfigurationError(msg)
        return place

    def _claim(self, namespace: str, name: str) -> Path:
        claim = self._store.get(PERSISTENTVOLUMECLAIMS, namespace, name)
        if claim is None:
            msg = f'persistentvolumeclaim "{name}" not found'
            raise ConfigurationError(msg)
        place = self._node / claim_path(claim)
        place.mkdir(parents=True, exist_ok=True)
        return place


def _downward(pod: Object, wanted: Object, place: Path, addresses: Mapping[str, str]) -> None:
    mode = wanted.get("defaultMode", _DEFAULT_MODE)
    for item in wanted.get("items") or []:
        if "fieldRef" in item:
            text = field_of(pod, item["fieldRef"]["fieldPath"], addresses)
            _write(place, item["path"], text.encode(), item.get("mode", mode))


def _write(place: Path, path: str, content: bytes, mode: int) -> None:
    target = below(place, path)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    target.chmod(mode)
