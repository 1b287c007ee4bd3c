"""The way into the recovery cluster: its kubeconfig in the private folder or its machine, and the UID that pins it."""

import re
from dataclasses import dataclass
from shlex import quote
from typing import Any

from drproof.model.cluster import NODE, Cluster, ClusterAccess
from drproof.model.context import Context
from drproof.model.errors import PhaseError, TargetError
from drproof.model.phase import phase
from drproof.model.settings import Command
from drproof.phases.recovery.commands import run_on
from drproof.phases.recovery.marks import GIVEN
from drproof.phases.recovery.resolve_runner import RunnerObserved, resolve_runner

GENERATED = "bringup_generated"
UID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
REFUSED = frozenset({"Unauthorized", "Forbidden"})
"""What a cluster says of a caller that it knows and does not let in: it will say so again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSeen:
    """One node of the cluster."""

    name: str
    ready: bool
    architecture: str
    memory: str
    """Allocatable memory, as the cluster writes quantities."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterObserved:
    """Which cluster answers, and where the way to it came from."""

    uid: str
    machine_uid: str
    """The UID of the cluster on the recovery machine, as it says itself; empty for a kubeconfig that was given."""
    source: str
    context: str
    server: str
    version: str
    nodes: tuple[NodeSeen, ...]


@phase(
    plans={"recovery"},
    after=["resolve_runner"],
    window="bringup",
    renewed=True,
    uses={"host.run", "cluster.read"},
    objective_ms=120_000,
    command_hint="pytest -m drill --stop-after bringup --teardown false",
    input=lambda ctx: {"context": ctx.settings.cluster.context, "uid": ctx.settings.cluster.uid},
)
def reach_cluster(ctx: Context) -> ClusterObserved:
    """The recovery cluster answers, and it is the one that runs on the recovery machine, or the one that was named."""
    runner = ctx.observed(resolve_runner)
    access = ctx.target.recovery.clusters
    deadline = ctx.clock.monotonic_ms() + ctx.settings.cluster.ready_timeout_ms
    if not access.known:
        _fetch(ctx, runner, access)
    ctx.hide(*access.secrets())
    machine_uid = "" if access.source == GIVEN else _uid_of_the_machine(ctx, runner)
    cluster = _opened(ctx, access, machine_uid or ctx.settings.cluster.uid, deadline)
    # A command that gives credentials has given them by now.
    ctx.hide(*access.secrets())
    identity = cluster.identity
    ctx.say(f"cluster {identity.uid} at {identity.server}, version {identity.version}")
    return ClusterObserved(
        uid=identity.uid,
        machine_uid=machine_uid,
        source=access.source,
        context=identity.context,
        server=identity.server,
        version=identity.version,
        nodes=nodes_of(cluster),
    )


@reach_cluster.repair
def fetch_the_kubeconfig_again(ctx: Context, error: Exception) -> str:
    """Fetch the machine's kubeconfig anew: the kept one may be of an address that the machine no longer has."""
    del error
    access = ctx.target.recovery.clusters
    if access.source == GIVEN:
        return ""
    _fetch(ctx, ctx.observed(resolve_runner), access)
    ctx.hide(*access.secrets())
    return "fetched the kubeconfig of the recovery machine again"


def pinned(ctx: Context) -> Cluster:
    """Return the cluster that was reached; `GuardError` when another one answers by now."""
    reached, access = ctx.observed(reach_cluster), ctx.target.recovery.clusters
    if not access.known and reached.source != GIVEN:
        # The drill goes on from a machine that never had it: a kubeconfig is a secret, and is stored nowhere.
        _fetch(ctx, ctx.observed(resolve_runner), access)
        ctx.hide(*access.secrets())
    return access.open(uid=reached.uid)


def nodes_of(cluster: Cluster) -> tuple[NodeSeen, ...]:
    """Return the nodes of a cluster, by name."""
    return tuple(
        NodeSeen(
            name=str(node["metadata"]["name"]),
            ready=any(row.get("type") == "Ready" and row.get("status") == "True" for row in _conditions(node)),
            architecture=str(node.get("status", {}).get("nodeInfo", {}).get("architecture", "")),
            memory=str(node.get("status", {}).get("allocatable", {}).get("memory", "")),
        )
        for node in sorted(cluster.list(NODE), key=lambda node: str(node["metadata"]["name"]))
    )


def _conditions(node: Any) -> list[dict[str, Any]]:  # noqa: ANN401 — plain JSON
    found: list[dict[str, Any]] = node.get("status", {}).get("conditions") or []
    return found


def _fetch(ctx: Context, runner: RunnerObserved, access: ClusterAccess) -> None:
    """Read the kubeconfig on the machine, once it is there, and keep it for the machine's public address.

    Where the cluster is asked on its machine, the kubeconfig is waited for there and is not read.
    """
    place = ctx.settings.cluster.kubeconfig_on_runner
    seconds = max(1, ctx.settings.cluster.ready_timeout_ms // 1000)
    looks = seconds * 10
    script = f"i=0; until [ -s {quote(place)} ]; do i=$((i+1)); [ $i -ge {looks} ] && exit 9; sleep 0.1; done\n"
    if access.by_kubeconfig:
        script += f"cat {quote(place)}"
    result = run_on(
        ctx,
        runner.instance_id,
        Command(name="kubeconfig", run=script),
        apart="#",
        timeout_ms=ctx.settings.cluster.ready_timeout_ms + 10_000,
    )
    if result.status != "Success" or (access.by_kubeconfig and not result.stdout.strip()):
        msg = (
            f"the recovery machine has no kubeconfig at {place} after {seconds} s: "
            f"{result.status}, exit status {result.exit_status}"
        )
        raise PhaseError(msg)
    if not access.by_kubeconfig:
        access.at(runner.instance_id)
        return
    if result.truncated:
        msg = (
            f"the kubeconfig at {place} was not read whole: the output of the command was cut; expected a smaller file"
        )
        raise PhaseError(msg)
    host = runner.public_ip or runner.private_ip
    access.keep(result.stdout, source=GENERATED, host=host)


def _uid_of_the_machine(ctx: Context, runner: RunnerObserved) -> str:
    """Ask the machine itself which cluster runs on it, so that an address cannot pass for a machine."""
    command = Command(name="cluster_uid", run=ctx.settings.cluster.uid_command)
    result = run_on(ctx, runner.instance_id, command, apart="#")
    uid = result.stdout.strip()
    if result.status != "Success" or UID.fullmatch(uid) is None:
        msg = (
            f"the recovery machine does not say which cluster runs on it: expected a UID from "
            f"{command.run!r}, got {result.status} {uid[:80]!r} {result.stderr[-200:]}"
        )
        raise TargetError(msg, code="NoClusterUid", call="host.run")
    return uid


def _opened(ctx: Context, access: ClusterAccess, uid: str, deadline: int) -> Cluster:
    """Open the cluster once it answers; a fresh one takes its time."""
    while True:
        try:
            return access.open(uid=uid)
        except TargetError as exc:
            if exc.code in REFUSED or ctx.clock.monotonic_ms() >= deadline:
                raise
        ctx.clock.sleep_ms(ctx.settings.limits.poll_ms)
