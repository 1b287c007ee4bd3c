"""EC2: one client token starts one machine, states take their time, and a machine has a disk and a cluster."""

import functools
import json
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlencode

from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import EC2Backend, ec2_backends
from moto.ec2.models.instances import Instance, InstanceBackend, InstanceState, Reservation
from moto.ec2.responses.instances import InstanceResponse

from drproof.embedded import machines
from drproof.embedded.accounts import Credentials
from drproof.embedded.asked import Asked
from drproof.embedded.clusters import Clusters
from drproof.embedded.refusals import Refusal
from drproof.embedded.shims import seams
from drproof.embedded.world import World

SEAMS = (
    "moto.ec2.responses.instances:InstanceResponse.run_instances",
    "moto.ec2.models.instances:InstanceBackend.run_instances",
    "moto.ec2.models.instances:Instance.terminate",
    "moto.ec2.models.instances:Instance.start",
    "moto.ec2.models.security_groups:SecurityGroupBackend.get_security_group_from_name",
    "moto.ec2.models.instances:InstanceState",
)
TRANSITION_SECONDS = 0.1
DEFAULT_NETWORK = "embedded"
MISMATCH = (
    "IdempotentParameterMismatch",
    "Arguments on this idempotent request are inconsistent with arguments used in previous request(s).",
)
_PENDING, _RUNNING, _SHUTTING_DOWN = ("pending", 0), ("running", 16), ("shutting-down", 32)


def gate(_world: World, asked: Asked, credentials: Credentials) -> Refusal | None:
    """Put the default network where the settings say `embedded`."""
    pairs = parse_qsl(asked.body.decode("utf-8", "replace"), keep_blank_values=True)
    if any(value == DEFAULT_NETWORK for _, value in pairs):
        asked.replace_body(urlencode([(key, _network(key, value, credentials)) for key, value in pairs]).encode())
    return None


def _network(key: str, value: str, credentials: Credentials) -> str:
    if value != DEFAULT_NETWORK:
        return value
    backend = ec2_backends[credentials.account_id][credentials.region]
    if "SubnetId" in key:
        return str(next(iter(backend.get_default_subnets().values())).id)
    network = backend.get_default_vpc()
    return str(network.id) if network and "VpcId" in key else value


def install(world: World) -> None:
    """Put tokens, states and disks in place."""
    started: dict[tuple[str, str, str], tuple[str, Reservation]] = {}
    turn = threading.RLock()
    clusters = Clusters(world)
    run, terminate = InstanceResponse.run_instances, Instance.terminate
    start = InstanceBackend.run_instances

    @functools.wraps(start)
    def start_instances(self: EC2Backend, *asked: Any, **more: Any) -> Reservation:  # noqa: ANN401 — moto's signature
        if not more.get("security_group_ids") and not more.get("nics") and more.get("subnet_id"):
            # A machine for which nobody names a group is in the default group of its network.
            network = self.get_subnet(more["subnet_id"]).vpc_id
            group = self.get_security_group_from_name("default", network)
            more["security_group_ids"] = [group.id] if group else []
        reservation: Reservation = start(self, *asked, **more)
        for instance in reservation.instances:
            _begin(world, clusters, instance)
            _mark_cards(instance, (more.get("tags") or {}).get("network-interface", {}))
            _group(instance)
        return reservation

    @functools.wraps(run)
    def run_instances(self: InstanceResponse) -> ActionResult:
        asked = self._get_params()
        token = str(asked.get("ClientToken") or "")
        rest = json.dumps({key: asked[key] for key in asked if key != "ClientToken"}, sort_keys=True, default=str)
        place = (self.current_account, self.region, token)
        with turn:
            if token and place in started:
                before, reservation = started[place]
                if before != rest:
                    raise EC2ClientError(*MISMATCH)
                return ActionResult(reservation)
            result = run(self)
            reservation = _reservation(result)
            if token:
                started[place] = (rest, reservation)
            return result

    @functools.wraps(terminate)
    def terminate_later(self: Instance) -> InstanceState:
        with turn:
            previous = InstanceState(self._state.name, self._state.code)
            if self.state in {"shutting-down", "terminated"}:
                return previous
            self._state = InstanceState(*_SHUTTING_DOWN)
        _later(functools.partial(_end, clusters, self, terminate))
        return previous

    seams.put(InstanceBackend, "run_instances", start_instances)
    seams.put(InstanceResponse, "run_instances", run_instances)
    seams.put(Instance, "terminate", terminate_later)
    _start_anew(Instance.start)


def _start_anew(start: Callable[[Instance], InstanceState]) -> None:
    """Tell the launch anew at each start, as the platform does; the emulator tells the first for ever."""

    @functools.wraps(start)
    def start_again(self: Instance) -> InstanceState:
        self.launch_time = utcnow()
        return start(self)

    seams.put(Instance, "start", start_again)


def _begin(world: World, clusters: Clusters, instance: Instance) -> None:
    """Give a new machine its disk, its address and its cluster, and let it become running."""
    machines.furnish(world.instances, instance.id)
    address = clusters.begin(instance.id)
    for card in instance.nics.values():
        card.public_ip = address
    if world.scenario == "teardown-leaves-residue":
        for _, device in instance.get_block_device_mapping:
            device.delete_on_termination = False
    instance._state = InstanceState(*_PENDING)  # noqa: SLF001 — the emulator has no other way to set a state

    def run() -> None:
        if instance.state == "pending":
            instance._state = InstanceState(*_RUNNING)  # noqa: SLF001

    _later(run)


def _mark_cards(instance: Instance, tags: dict[str, str]) -> None:
    """Mark a machine's interfaces: the emulator marks machines and disks alone, and lets interfaces outlive both."""
    for card in instance.nics.values():
        card.delete_on_termination = True
        card.add_tags(tags)


def _group(instance: Instance) -> None:
    """Put a machine into the groups of its first interface: the emulator leaves it out of those named there alone."""
    if not instance.security_groups and 0 in instance.nics:
        instance.security_groups = list(instance.nics[0].group_set)


def _end(clusters: Clusters, instance: Instance, terminate: Callable[[Instance], Any]) -> None:
    """End a machine, and first the cluster on it."""
    clusters.end(instance.id)
    terminate(instance)


def _reservation(result: ActionResult) -> Reservation:
    reservation: Any = result.result
    return reservation  # type: ignore[no-any-return]


def _later(act: Any) -> None:  # noqa: ANN401 — whatever it returns is not used
    timer = threading.Timer(TRANSITION_SECONDS, act)
    timer.daemon = True
    timer.start()
