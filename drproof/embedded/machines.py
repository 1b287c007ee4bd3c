"""The disks of the machines: one folder each, in which their commands really run."""

import os
import shutil
import sys
from pathlib import Path
from shlex import quote

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

KUBECTL = """\
#!/bin/sh
# A machine's loopback is its own: what its kubeconfig says of it is at this address of the world.
for word; do case $word in --kubeconfig=*) file=${word#*=} ;; esac; done
port=$(sed -n 's|.*https://127\\.0\\.0\\.1:\\([0-9]*\\).*|\\1|p' "$file" 2>/dev/null | head -n 1)
exec %s ${port:+--server=https://%s:$port --tls-server-name=127.0.0.1} "$@"
"""
CHOICE = "EMBEDDED_WORLD_KUBECTL"
"""Which kubectl the machines have: `real`, `embedded`, or without it the real one where this machine has it."""


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


def install_cluster(root: Path, *, uid: str, kubeconfig: str, address: str) -> None:
    """Put on a machine what k3s leaves there, and kubectl, which finds the API of the machine at `address`.

    The kubeconfig comes last, because it says that all is up.
    """
    (root / "var/lib/rancher/k3s").mkdir(parents=True, exist_ok=True)
    (root / "var/lib/rancher/k3s/uid").write_text(uid, encoding="utf-8")
    programs = {"k3s": K3S, "kubectl": KUBECTL % (_kubectl(), address)}
    for name, text in programs.items():
        program = root / "usr/local/bin" / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(text, encoding="utf-8")
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


def _kubectl() -> str:
    """Return how kubectl is started on a machine: one that is demanded and not there does not start."""
    asked, real = os.environ.get(CHOICE, ""), shutil.which("kubectl")
    if asked == "real" or (real and not asked):
        return quote(real or "kubectl")
    return f"{quote(sys.executable)} -I -m drproof.embedded.kubectl"
