"""The disks of the machines: one folder each, in which their commands really run."""

from pathlib import Path

KUBECONFIG = "etc/rancher/k3s/k3s.yaml"
K3S = """\
#!/bin/sh
# What of k3s a look at the machine needs: which cluster runs here.
if [ "$*" = "kubectl get namespace kube-system -o jsonpath={.metadata.uid}" ]; then
  exec cat var/lib/rancher/k3s/uid
fi
echo "k3s of the embedded world: unknown command: $*" >&2
exit 1
"""


def furnish(instances: Path, instance_id: str) -> Path:
    """Create the root folder of a machine, with what a fresh runner holds, and return it."""
    root = root_of(instances, instance_id)
    contents = {
        "etc/hostname": f"{instance_id}\n",
        "srv/README": "State of the recovered system belongs here.\n",
    }
    for name, text in contents.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    (root / "var/log").mkdir(parents=True, exist_ok=True)
    return root


def install_cluster(root: Path, *, uid: str, kubeconfig: str) -> None:
    """Put on a machine what k3s leaves there; the kubeconfig comes last, because it says that all is up."""
    (root / "var/lib/rancher/k3s").mkdir(parents=True, exist_ok=True)
    (root / "var/lib/rancher/k3s/uid").write_text(uid, encoding="utf-8")
    program = root / "usr/local/bin/k3s"
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(K3S, encoding="utf-8")
    program.chmod(0o755)
    place = root / KUBECONFIG
    place.parent.mkdir(parents=True, exist_ok=True)
    unfinished = place.with_suffix(".new")
    unfinished.touch(mode=0o600)
    unfinished.write_text(kubeconfig, encoding="utf-8")
    unfinished.replace(place)


def root_of(instances: Path, instance_id: str) -> Path:
    """Return where a machine's root folder lies."""
    return instances / instance_id / "root"
