"""The clusters of the machines: each machine that starts gets one, on a loopback address of its own, over TLS."""

import random
import socket
import threading
from pathlib import Path

from drproof.embedded import cluster_scenarios, machines
from drproof.embedded.faults.clusters import Planted
from drproof.embedded.kubernetes.cluster import Cluster
from drproof.embedded.kubernetes.nodes import Node
from drproof.embedded.kubernetes.registry import Program, Registry
from drproof.embedded.site import registry as images
from drproof.embedded.world import World

PORT = 6443
CANDIDATES = 50
LOOPBACK = "127.0.0.1"
WORKLOAD = Path(__file__).parent / "images" / "workload.py"
IN_THE_IMAGE = "/app/workload.py"


class Clusters:
    """What runs on the machines of the recovery site."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._registry = _registry(world)
        self._lock = threading.Lock()
        world.on_end.append(self.end_all)

    def begin(self, instance_id: str) -> str:
        """Start the cluster of a machine and return the address that it answers on."""
        world = self._world
        address, port = _free_address()
        planted = Planted(world.faults)
        cluster = Cluster(
            world.directory / "clusters" / instance_id,
            address=address,
            port=port,
            nodes=(Node(instance_id, memory=cluster_scenarios.memory(world.scenario)),),
            registry=self._registry,
            pace=cluster_scenarios.pace(world.scenario),
            node_environment=_credentials(world),
            on_call=lambda call: world.log.add_of_cluster(
                call, account=world.recovery.account_id, region=world.recovery.region, fault=planted.of(call)
            ),
        )
        cluster.faults.append(planted)
        cluster.start()
        with self._lock:
            world.clusters[instance_id] = cluster
        root = machines.root_of(world.instances, instance_id)
        kubeconfig = cluster_scenarios.arrange(world, cluster, self._registry, root)
        machines.install_cluster(root, uid=cluster.uid, kubeconfig=kubeconfig, address=address)
        return address

    def end(self, instance_id: str) -> None:
        """End the cluster of a machine, with every process in it."""
        with self._lock:
            cluster = self._world.clusters.pop(instance_id, None)
        if cluster is not None:
            cluster.stop()

    def end_all(self) -> None:
        """End every cluster."""
        for instance_id in list(self._world.clusters):
            self.end(instance_id)


def _registry(world: World) -> Registry:
    """Return the registry of the original site as nodes see it: the one image, for whoever has a login."""
    reference, _, digest = world.names.image_ref.partition("@")
    host, _, repository = reference.partition("/")
    registry = Registry()
    program = Program(entrypoint=("python3", IN_THE_IMAGE), files={IN_THE_IMAGE: WORKLOAD.read_text(encoding="utf-8")})
    registry.push(host, repository, digest=digest, program=program, architectures=images.ARCHITECTURES)
    registry.require_login(host, world.logins.admits)
    return registry


def _credentials(world: World) -> dict[str, str]:
    """Return what a machine's instance profile gives to the programs on it."""
    recovery = world.recovery
    return {
        "AWS_ACCESS_KEY_ID": recovery.access_key_id,
        "AWS_SECRET_ACCESS_KEY": recovery.secret_access_key,
        "AWS_DEFAULT_REGION": recovery.region,
        "AWS_ENDPOINT_URL": world.endpoint,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _free_address() -> tuple[str, int]:
    """Return an address of this machine's own network on which nobody listens.

    Linux answers on all of 127.0.0.0/8, so that every machine of the world can have the real port. Elsewhere the one
    loopback address serves, with a port of its own.
    """
    chance = random.SystemRandom()
    for _ in range(CANDIDATES):
        address = f"127.{chance.randrange(16, 250)}.{chance.randrange(256)}.{chance.randrange(1, 255)}"
        with socket.socket() as probe:
            try:
                probe.bind((address, PORT))
            except OSError:
                continue
        return address, PORT
    return LOOPBACK, 0
