"""The disks of the machines: one folder each, in which their commands really run."""

from pathlib import Path

KUBECONFIG = """\
apiVersion: v1
kind: Config
clusters:
  - name: default
    cluster:
      server: https://127.0.0.1:6443
contexts:
  - name: default
    context:
      cluster: default
      user: default
current-context: default
users:
  - name: default
    user: {}
"""


def furnish(instances: Path, instance_id: str) -> Path:
    """Create the root folder of a machine, with what a fresh runner holds, and return it."""
    root = root_of(instances, instance_id)
    contents = {
        "etc/hostname": f"{instance_id}\n",
        "etc/rancher/k3s/k3s.yaml": KUBECONFIG,
        "srv/README": "State of the recovered system belongs here.\n",
    }
    for name, text in contents.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    (root / "var/log").mkdir(parents=True, exist_ok=True)
    return root


def root_of(instances: Path, instance_id: str) -> Path:
    """Return where a machine's root folder lies."""
    return instances / instance_id / "root"
