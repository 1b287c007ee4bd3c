"""A look at the recovery machine and its cluster, for people; it decides nothing."""

from dataclasses import dataclass
from typing import Any

from drproof.model.cluster import EVENT, POD, Cluster, Manifest
from drproof.model.context import Context
from drproof.model.phase import phase
from drproof.phases.recovery.commands import CommandSeen, run_on, seen
from drproof.phases.recovery.reach_cluster import NodeSeen, nodes_of, pinned
from drproof.phases.recovery.resolve_runner import resolve_runner

WARNINGS_SHOWN = 50
LONGEST = 500
"""Characters of a message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PodSeen:
    """One pod, in whichever namespace."""

    namespace: str
    name: str
    phase: str
    reason: str
    """Why it waits, or how it ended; empty when it says nothing of that."""
    restarts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WarningSeen:
    """One warning of the cluster."""

    namespace: str
    about: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagnosticsObserved:
    """What the diagnostic commands printed, and what the cluster says of itself."""

    instance_id: str
    commands: tuple[CommandSeen, ...]
    nodes: tuple[NodeSeen, ...]
    pods: tuple[PodSeen, ...]
    warnings: tuple[WarningSeen, ...]
    """The latest ones."""


@phase(
    plans={"recovery"},
    after=["reach_cluster"],
    window="diagnostics",
    uses={"host.run", "cluster.read"},
    objective_ms=360_000,
    command_hint="pytest -m drill --diagnostics-only",
)
def diagnose(ctx: Context) -> DiagnosticsObserved:
    """Every diagnostic command has run on the recovery machine, and its cluster was listed."""
    instance_id = ctx.observed(resolve_runner).instance_id
    cluster = pinned(ctx)
    return DiagnosticsObserved(
        instance_id=instance_id,
        commands=tuple(seen(ctx, command, run_on(ctx, instance_id, command)) for command in ctx.settings.diagnostics),
        nodes=nodes_of(cluster),
        pods=tuple(_pod(pod) for pod in cluster.list(POD)),
        warnings=_warnings(ctx, cluster),
    )


def _pod(pod: Manifest) -> PodSeen:
    status: dict[str, Any] = pod.get("status") or {}
    containers = status.get("containerStatuses") or []
    states = [state for one in containers for state in (one.get("state") or {}).values()]
    reasons = [str(state["reason"]) for state in states if state.get("reason")]
    return PodSeen(
        namespace=str(pod["metadata"].get("namespace", "")),
        name=str(pod["metadata"]["name"]),
        phase=str(status.get("phase", "")),
        reason=str(status.get("reason") or "") or ", ".join(reasons),
        restarts=sum(int(one.get("restartCount", 0)) for one in containers),
    )


def _warnings(ctx: Context, cluster: Cluster) -> tuple[WarningSeen, ...]:
    found = [event for event in cluster.list(EVENT) if event.get("type") == "Warning"]
    found.sort(key=lambda event: str(event.get("lastTimestamp") or event["metadata"].get("creationTimestamp") or ""))
    return tuple(_warning(ctx, event) for event in found[-WARNINGS_SHOWN:])


def _warning(ctx: Context, event: Manifest) -> WarningSeen:
    about: dict[str, Any] = event.get("involvedObject") or {}
    return WarningSeen(
        namespace=str(event["metadata"].get("namespace", "")),
        about=f"{about.get('kind', '')}/{about.get('name', '')}",
        reason=str(event.get("reason", "")),
        message=ctx.redact(str(event.get("message", "")))[:LONGEST],
    )
