"""PersistentVolumeClaims as k3s' local-path provisioner serves them: a folder of the node of their first pod."""

import shutil
from collections.abc import Callable
from pathlib import Path

from drproof.embedded.kubernetes.controlling import Controller
from drproof.embedded.kubernetes.errors import AlreadyExists, NotFound
from drproof.embedded.kubernetes.events import Recorder
from drproof.embedded.kubernetes.objects import key_of
from drproof.embedded.kubernetes.resources import (
    PERSISTENTVOLUMECLAIMS,
    PERSISTENTVOLUMES,
    PODS,
    Object,
    Resource,
)
from drproof.embedded.kubernetes.store import Event, Store
from drproof.embedded.kubernetes.volumes import below, claim_path

_STORAGE_CLASS = "local-path"
_PROVISIONER = "rancher.io/local-path"
_HOST = "kubernetes.io/hostname"


class Claims(Controller):
    """Binds a claim to a volume when a pod that uses it has a node, and deletes the volume with the claim."""

    watches: tuple[Resource, ...] = (PERSISTENTVOLUMECLAIMS, PODS)

    def __init__(self, store: Store, disk: Callable[[str], Path]) -> None:
        self._store = store
        self._disk = disk
        self._recorder = Recorder(store, "persistentvolume-controller")
        self._waiting: set[str] = set()

    def concerns(self, event: Event) -> bool:
        """Whether a claim changed, or a pod that may use one came to its node."""
        if event.resource.key == PODS.key:
            return any("persistentVolumeClaim" in each for each in event.object["spec"].get("volumes") or [])
        return event.resource.key == PERSISTENTVOLUMECLAIMS.key

    def reconcile(self, now: float) -> float | None:  # noqa: ARG002 — it acts on changes, not on time
        """Bind what is used, and clear away what nobody claims."""
        claims = self._store.list(PERSISTENTVOLUMECLAIMS)[0]
        users = self._users()
        for claim in claims:
            if claim["spec"].get("volumeName"):
                continue
            node = users.get(key_of(claim))
            if node:
                self._bind(claim, node)
            elif claim["metadata"]["uid"] not in self._waiting:
                self._say_pending(claim)
        alive = {claim["metadata"]["uid"] for claim in claims}
        self._waiting &= alive
        for volume in self._store.list(PERSISTENTVOLUMES)[0]:
            self._clear(volume, alive)
        return None

    def _users(self) -> dict[tuple[str, str], str]:
        """Return the node of the first pod of each claim."""
        found: dict[tuple[str, str], str] = {}
        for pod in self._store.list(PODS)[0]:
            for volume in pod["spec"].get("volumes") or []:
                name, node = (volume.get("persistentVolumeClaim") or {}).get("claimName"), pod["spec"].get("nodeName")
                if name and node:
                    found.setdefault((pod["metadata"]["namespace"], name), node)
        return found

    def _bind(self, claim: Object, node: str) -> None:
        meta, spec = claim["metadata"], claim["spec"]
        name = f"pvc-{meta['uid']}"
        capacity = dict((spec.get("resources") or {}).get("requests") or {"storage": "1Gi"})
        host = {"key": _HOST, "operator": "In", "values": [node]}
        volume: Object = {
            "metadata": {"name": name, "annotations": {"pv.kubernetes.io/provisioned-by": _PROVISIONER}},
            "spec": {
                "accessModes": spec.get("accessModes", ["ReadWriteOnce"]),
                "capacity": capacity,
                "claimRef": {
                    "apiVersion": "v1",
                    "kind": "PersistentVolumeClaim",
                    "name": meta["name"],
                    "namespace": meta["namespace"],
                    "uid": meta["uid"],
                },
                "hostPath": {"path": f"/{claim_path(claim)}", "type": "DirectoryOrCreate"},
                "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [host]}]}},
                "persistentVolumeReclaimPolicy": "Delete",
                "storageClassName": spec.get("storageClassName", _STORAGE_CLASS),
                "volumeMode": "Filesystem",
            },
            "status": {"phase": "Bound"},
        }

        def bind(found: Object) -> None:
            found["spec"]["volumeName"] = name
            found["spec"].setdefault("storageClassName", _STORAGE_CLASS)
            accepted = {"phase": "Bound", "accessModes": volume["spec"]["accessModes"], "capacity": capacity}
            found["status"] = accepted

        try:
            self._store.create(PERSISTENTVOLUMES, volume)
            self._store.update(PERSISTENTVOLUMECLAIMS, *key_of(claim), bind)
        except (AlreadyExists, NotFound):
            return
        self._recorder.normal(
            PERSISTENTVOLUMECLAIMS, claim, "ProvisioningSucceeded", f"Successfully provisioned volume {name}"
        )

    def _say_pending(self, claim: Object) -> None:
        def pend(found: Object) -> None:
            found.setdefault("status", {})["phase"] = "Pending"

        self._store.update(PERSISTENTVOLUMECLAIMS, *key_of(claim), pend)
        self._waiting.add(claim["metadata"]["uid"])
        text = "waiting for first consumer to be created before binding"
        self._recorder.normal(PERSISTENTVOLUMECLAIMS, claim, "WaitForFirstConsumer", text)

    def _clear(self, volume: Object, alive: set[str]) -> None:
        """Delete a volume whose claim is gone, with what it holds."""
        spec = volume["spec"]
        provisioned = (volume["metadata"].get("annotations") or {}).get("pv.kubernetes.io/provisioned-by")
        claimed_by = (spec.get("claimRef") or {}).get("uid")
        if provisioned != _PROVISIONER or claimed_by in alive or spec.get("persistentVolumeReclaimPolicy") != "Delete":
            return
        try:
            self._store.remove(PERSISTENTVOLUMES, "", volume["metadata"]["name"])
        except NotFound:
            return
        for term in spec["nodeAffinity"]["required"]["nodeSelectorTerms"]:
            for each in term["matchExpressions"]:
                for node in each["values"]:
                    shutil.rmtree(below(self._disk(node), spec["hostPath"]["path"]), ignore_errors=True)
