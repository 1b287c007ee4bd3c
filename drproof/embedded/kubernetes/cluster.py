"""One cluster: an API server over TLS on one loopback address, and its life."""

import base64
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import yaml

from drproof.embedded.kubernetes import certificates
from drproof.embedded.kubernetes import resources as kinds
from drproof.embedded.kubernetes.admission import admit
from drproof.embedded.kubernetes.api import Api, Plant
from drproof.embedded.kubernetes.calls import Call
from drproof.embedded.kubernetes.life import Life
from drproof.embedded.kubernetes.nodes import Node
from drproof.embedded.kubernetes.pace import COMPRESSED, Pace
from drproof.embedded.kubernetes.registry import Registry
from drproof.embedded.kubernetes.server import Server
from drproof.embedded.kubernetes.store import Store
from drproof.embedded.kubernetes.writing import Mutator

_RETRY_SECONDS = 0.2
_NOTHING: Mapping[str, str] = MappingProxyType({})


class Cluster:
    """An API server and the controllers, scheduler and kubelets behind it; `start` begins it, `stop` ends all of it."""

    def __init__(  # noqa: PLR0913 — one argument a property of a cluster
        self,
        directory: Path,
        *,
        address: str = "127.0.0.1",
        port: int = 0,
        nodes: tuple[Node, ...],
        registry: Registry,
        node_environment: Mapping[str, str] = _NOTHING,
        on_call: Callable[[Call], None] | None = None,
        pace: Pace = COMPRESSED,
    ) -> None:
        self.store = Store()
        self._api = Api(self.store, on_call)
        self._certificates = certificates.make(address)
        authority = self._certificates.authority.decode()
        self.life = Life(
            self.store, nodes, registry, directory, node_environment, pace, certificate_authority=authority
        )
        self.kubelet = self.life.kubelet
        self._api.log_files = self.kubelet
        context = certificates.server_context(self._certificates, directory / "tls")
        self._server = Server(address, port, context, self._api.answer)
        self._guard = threading.Lock()
        self._returning: threading.Timer | None = None
        self._stopped = False

    @property
    def faults(self) -> list[Plant]:
        """What makes calls fail: asked in order for each call, the first Fault happens."""
        return self._api.faults

    @property
    def mutators(self) -> list[Mutator]:
        """What changes objects (resource, `CREATE` or `UPDATE`, object) before validation, as a webhook would."""
        return self._api.mutators

    @property
    def address(self) -> str:
        """Where the API listens, as `host:port`; the port is known once it is started."""
        host = f"[{self._server.address}]" if ":" in self._server.address else self._server.address
        return f"{host}:{self._server.port}"

    @property
    def uid(self) -> str:
        """The uid of namespace kube-system: what tells one cluster from another."""
        found = self.store.get(kinds.NAMESPACES, "", "kube-system")
        return str(found["metadata"]["uid"]) if found is not None else ""

    def start(self) -> None:
        """Begin: namespaces and nodes are there, and the API answers, when it returns; OSError for a taken port."""
        self.life.start()
        try:
            self._publish_itself()
            self._server.start()
        except BaseException:
            self.life.stop()
            raise

    def stop(self) -> None:
        """End: no socket, no thread and no process of a container is left."""
        with self._guard:
            self._stopped = True
            if self._returning is not None:
                self._returning.cancel()
        self._api.stopping.set()
        self._server.stop()
        self.life.stop()

    def restart(self, seconds: float) -> None:
        """Take the API server away at once (connections are cut off, new ones refused), and back after `seconds`.

        Returns at once; the store stays, and so do the containers. A fault or mutator may ask for it.
        """
        with self._guard:
            if self._stopped:
                return
            if self._returning is not None:
                self._returning.cancel()
            self._return_after(seconds)
        # Nobody is waited for: who asks may hold what those who serve wait for.
        self._server.stop(wait=False)

    def kubeconfig(self, *, server: str = "") -> str:
        """Return the administrator's kubeconfig (YAML) as k3s writes it; `server` for another way to the same API."""
        made = self._certificates
        authority = {
            "certificate-authority-data": _encoded(made.authority),
            "server": server or f"https://{self.address}",
        }
        user = {"client-certificate-data": _encoded(made.client), "client-key-data": _encoded(made.client_key)}
        document = {
            "apiVersion": "v1",
            "clusters": [{"cluster": authority, "name": "default"}],
            "contexts": [{"context": {"cluster": "default", "user": "default"}, "name": "default"}],
            "current-context": "default",
            "kind": "Config",
            "preferences": {},
            "users": [{"name": "default", "user": user}],
        }
        return str(yaml.safe_dump(document, sort_keys=False))

    def _return_after(self, seconds: float) -> None:
        self._returning = threading.Timer(seconds, self._return)
        self._returning.daemon = True
        self._returning.start()

    def _return(self) -> None:
        with self._guard:
            if self._stopped or self._server.listening:
                return
            try:
                self._server.start()
            except OSError:
                # Someone holds the port for a moment.
                self._return_after(_RETRY_SECONDS)

    def _publish_itself(self) -> None:
        """Make the Service of the API itself, as every cluster has it."""
        port = {"name": "https", "port": 443, "protocol": "TCP", "targetPort": 6443}
        labels = {"component": "apiserver", "provider": "kubernetes"}
        service = {
            "metadata": {"name": "kubernetes", "namespace": "default", "labels": labels},
            "spec": {"clusterIP": "10.43.0.1", "ports": [port]},
        }
        self.store.create(kinds.SERVICES, admit(self.store, kinds.SERVICES, service))


def _encoded(pem: bytes) -> str:
    return base64.b64encode(pem).decode()
