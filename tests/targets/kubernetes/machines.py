"""A machine on which the embedded world's own shell runs commands, beside an embedded cluster; no service in between."""

import itertools
import shutil
import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from drproof.embedded import machines
from drproof.embedded.kubernetes.cluster import Cluster
from drproof.embedded.shims.shell import Shell
from drproof.model.capabilities import CommandResult, Intent
from drproof.targets.aws import ssm
from drproof.targets.kubernetes.cluster import KubernetesCluster
from drproof.targets.kubernetes.over_ssm.access import SsmAccess
from tests.patience import PATIENCE
from tests.shares import FEW

INSTANCE = "i-0123456789abcdef0"
KUBECTL = ("usr/local/bin/kubectl",)
REAL, OURS = "real", "embedded"
HERE, OTHER = (REAL, OURS) if shutil.which("kubectl") else (OURS, REAL)
KINDS = (
    pytest.param(HERE, marks=pytest.mark.costly(days=FEW)),
    pytest.param(OTHER, marks=pytest.mark.exhaustive),
)
"""The kubectl that a machine of the embedded world has here, some on each day, and with the sweeps the other as well."""

_numbers = itertools.count(1)


@dataclass
class Machine:
    """Runs commands at once, bounded as Systems Manager bounds them, and remembers what it was told and said."""

    root: Path
    shell: Shell = field(default_factory=Shell)
    sent: list[tuple[Intent | None, str, CommandResult]] = field(default_factory=list)
    """Each command with its intent and what it came to."""

    def look(self, instance_id: str, command: str, *, timeout_ms: int, delivery_ms: int) -> CommandResult:
        """Run a command that only looks."""
        return self._run(None, instance_id, command, timeout_ms + delivery_ms)

    def run(
        self, intent: Intent, instance_id: str, command: str, *, timeout_ms: int, delivery_ms: int
    ) -> CommandResult:
        """Run a command that changes something."""
        return self._run(intent, instance_id, command, timeout_ms + delivery_ms)

    def _run(self, intent: Intent | None, instance_id: str, command: str, timeout_ms: int) -> CommandResult:
        assert instance_id == INSTANCE
        ended = threading.Event()
        found: dict[str, object] = {}

        def finish(status: str, code: int, output: str, errors: str) -> None:
            found.update(Status=status, ResponseCode=code, StandardOutputContent=output, StandardErrorContent=errors)
            ended.set()

        self.shell.run(command, self.root, timeout_ms / 1000, finish)
        assert ended.wait(PATIENCE + timeout_ms / 1000)
        result = ssm._result(f"command-{next(_numbers)}", found)
        self.sent.append((intent, command, result))
        return result

    @property
    def told(self) -> str:
        """Everything that a history of commands would show."""
        return "\n".join(f"{command}\n{result.stdout}\n{result.stderr}" for _, command, result in self.sent)


def beside(cluster: Cluster, root: Path, kind: str = "") -> Machine:
    """Return the machine that a cluster runs on, with the kubectl of this kind."""
    if kind == REAL and shutil.which("kubectl") is None:
        pytest.skip("NOT SHOWN: kubectl is not on this machine; what it does over SSM is NOT tested here")
    root.mkdir(parents=True, exist_ok=True)
    address, _, port = cluster.address.rpartition(":")
    kubeconfig = cluster.kubeconfig(server=f"https://127.0.0.1:{port}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(machines.CHOICE, kind)
        machines.install_cluster(root, uid=cluster.uid, kubeconfig=kubeconfig, address=address)
    return Machine(root)


def access(machine: Machine) -> SsmAccess:
    """Return the way to the cluster of a machine."""
    found = SsmAccess(lambda: machine, words=KUBECTL, kubeconfig=machines.KUBECONFIG)
    found.at(INSTANCE)
    return found


def opened(machine: Machine, uid: str = "") -> KubernetesCluster:
    """Open the cluster of a machine."""
    return access(machine).open(uid=uid)
