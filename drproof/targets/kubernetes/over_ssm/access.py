"""The way into the recovery cluster over Systems Manager: the machine itself, and kubectl on it."""

from collections.abc import Callable, Sequence
from pathlib import Path

from drproof.model.cluster import KubeconfigFacts
from drproof.model.errors import GuardError
from drproof.targets.kubernetes.cluster import KubernetesCluster
from drproof.targets.kubernetes.over_ssm.kubectl import Kubectl
from drproof.targets.kubernetes.over_ssm.relay import Machines, Relay

SOURCE = "over_ssm"
UNSET = "unset"


class SsmAccess:
    """The cluster of one machine, which is known once somebody names the machine; nothing of it is kept."""

    def __init__(
        self, machines: Callable[[], Machines], *, words: Sequence[str], kubeconfig: str, context: str = ""
    ) -> None:
        """Name what takes commands; `words` are what kubectl is called on the machine, `kubeconfig` its path there."""
        self._machines = machines
        self._words = tuple(words)
        self._kubeconfig = kubeconfig
        self._context = context
        self._server: Kubectl | None = None

    @property
    def by_kubeconfig(self) -> bool:
        """Whether a kubeconfig is needed here: none is."""
        return False

    @property
    def known(self) -> bool:
        """Whether the machine is named."""
        return self._server is not None

    @property
    def source(self) -> str:
        """`over_ssm`, or `unset` while no machine is named."""
        return SOURCE if self.known else UNSET

    def at(self, instance_id: str) -> None:
        """Take this machine for the one whose cluster is meant."""
        relay = Relay(self._machines(), instance_id)
        self._server = Kubectl(relay, words=self._words, kubeconfig=self._kubeconfig, context=self._context)

    def keep(self, kubeconfig: str, *, source: str, host: str = "", base: Path | None = None) -> KubeconfigFacts:
        """Refuse a kubeconfig: that of the machine stays on it.

        Raises:
            GuardError: always.
        """
        del kubeconfig, host, base
        msg = (
            f"a kubeconfig ({source}) is not kept where recovery.cluster_access is ssm\n"
            "  next: leave it out, or set recovery.cluster_access to kubeconfig"
        )
        raise GuardError(msg)

    def secrets(self) -> tuple[str, ...]:
        """Return nothing: this process never has the credentials of the cluster."""
        return ()

    def open(self, *, uid: str = "") -> KubernetesCluster:
        """Open the cluster of the machine, pinned to `uid`, or to the one that answers when that is empty.

        Raises:
            GuardError: another cluster answers, or no machine is named.
            TargetError: none answers.
        """
        if self._server is None:
            msg = (
                "the cluster is reached on the recovery machine, and nobody named the machine\n"
                "  next: give a kubeconfig of the cluster with --kubeconfig FILE where the command takes one"
            )
            raise GuardError(msg)
        return KubernetesCluster.opened(self._server, context=self._context, uid=uid)
