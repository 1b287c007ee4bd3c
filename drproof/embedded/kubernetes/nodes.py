"""Nodes: what they offer, whether they are ready, what they hold."""

from dataclasses import dataclass

from drproof.embedded.kubernetes.errors import AlreadyExists
from drproof.embedded.kubernetes.objects import set_condition
from drproof.embedded.kubernetes.registry import Image
from drproof.embedded.kubernetes.resources import LEASES, NODES, Object
from drproof.embedded.kubernetes.store import Store, timestamp

PODS_PER_NODE = 110
NOT_READY = "node.kubernetes.io/not-ready"
UNSCHEDULABLE = "node.kubernetes.io/unschedulable"
LEASE_NAMESPACE = "kube-node-lease"
_IMAGE_BYTES = 64 * 2**20
_HEALTHY = (
    ("MemoryPressure", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
)


@dataclass(frozen=True, slots=True)
class Node:
    """One machine of a cluster, as it registers itself."""

    name: str
    cpu: str = "2"
    memory: str = "4Gi"
    architecture: str = "arm64"
    ready: bool = True

    def document(self, number: int) -> Object:
        """Return its Node object; `number` is its place in the cluster's networks."""
        capacity = {"cpu": self.cpu, "ephemeral-storage": "20Gi", "memory": self.memory, "pods": str(PODS_PER_NODE)}
        document: Object = {
            "metadata": {
                "name": self.name,
                "labels": {
                    "beta.kubernetes.io/arch": self.architecture,
                    "beta.kubernetes.io/os": "linux",
                    "kubernetes.io/arch": self.architecture,
                    "kubernetes.io/hostname": self.name,
                    "kubernetes.io/os": "linux",
                    "node.kubernetes.io/instance-type": "k3s",
                },
            },
            "spec": {"podCIDR": f"10.42.{number}.0/24", "podCIDRs": [f"10.42.{number}.0/24"]},
            "status": {
                "addresses": [
                    {"type": "InternalIP", "address": address(number)},
                    {"type": "Hostname", "address": self.name},
                ],
                "allocatable": capacity,
                "capacity": dict(capacity),
                "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
                "images": [],
                "nodeInfo": {
                    "architecture": self.architecture,
                    "bootID": "00000000-0000-4000-8000-000000000000",
                    "containerRuntimeVersion": "containerd://1.7.23-k3s2",
                    "kernelVersion": "6.1.0",
                    "kubeProxyVersion": "v1.31.5+k3s1",
                    "kubeletVersion": "v1.31.5+k3s1",
                    "machineID": "0" * 32,
                    "operatingSystem": "linux",
                    "osImage": "Embedded",
                    "systemUUID": "00000000-0000-4000-8000-000000000000",
                },
            },
        }
        for kind, reason, message in _HEALTHY:
            _set(document["status"], kind, "False", reason, message)
        set_ready(document, ready=self.ready)
        return document


def address(number: int) -> str:
    """Return a node's own address."""
    return f"10.0.0.{10 + number}"


def register(store: Store, node: Node, number: int) -> None:
    """Put a node and its Lease into the cluster; one of that name stays as it is."""
    try:
        made = store.create(NODES, node.document(number))
    except AlreadyExists:
        return
    lease: Object = {
        "metadata": {
            "name": node.name,
            "namespace": LEASE_NAMESPACE,
            "ownerReferences": [
                {"apiVersion": "v1", "kind": "Node", "name": node.name, "uid": made["metadata"]["uid"]},
            ],
        },
        "spec": {"holderIdentity": node.name, "leaseDurationSeconds": 40, "renewTime": _micro()},
    }
    try:
        store.create(LEASES, lease)
    except AlreadyExists:
        renew(store, node.name)


def renew(store: Store, name: str) -> None:
    """Renew a node's Lease, if it is there."""
    if store.get(LEASES, LEASE_NAMESPACE, name):
        store.update(LEASES, LEASE_NAMESPACE, name, lambda lease: lease["spec"].update(renewTime=_micro()))


def set_ready(node: Object, *, ready: bool) -> None:
    """Say in a Node object that its kubelet answers or does not, with the taints that follow."""
    if ready:
        _set(node["status"], "Ready", "True", "KubeletReady", "kubelet is posting ready status")
    else:
        _set(node["status"], "Ready", "Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.")
    set_taint(node, NOT_READY, "NoSchedule", present=not ready)


def set_taint(node: Object, key: str, effect: str, *, present: bool) -> None:
    """Put a taint on a Node object or take it away."""
    spec = node.setdefault("spec", {})
    taints = [each for each in spec.get("taints", []) if (each["key"], each["effect"]) != (key, effect)]
    if present:
        taints.append({"key": key, "effect": effect})
    if taints:
        spec["taints"] = taints
    else:
        spec.pop("taints", None)


def set_images(node: Object, images: dict[str, Image]) -> None:
    """List what a node's disk holds, by digest and by the names under which it was pulled."""
    names: dict[str, list[str]] = {}
    for reference, image in images.items():
        listed = names.setdefault(image.identity, [image.identity])
        if reference not in listed and "@" not in reference:
            listed.append(reference)
    node["status"]["images"] = [{"names": each, "sizeBytes": _IMAGE_BYTES} for each in names.values()]


def _set(status: Object, kind: str, value: str, reason: str, message: str) -> None:
    beat = timestamp()
    set_condition(
        status, {"type": kind, "status": value, "reason": reason, "message": message, "lastHeartbeatTime": beat}
    )


def _micro() -> str:
    return timestamp().replace("Z", ".000000Z")
