"""What a pod's status says, from the states of its containers."""

from dataclasses import dataclass
from typing import Any

from drproof.embedded.kubernetes.objects import set_condition
from drproof.embedded.kubernetes.quantities import quantity
from drproof.embedded.kubernetes.resources import Object

TERMINAL = frozenset({"Succeeded", "Failed"})
_RESOURCES = ("cpu", "memory")


@dataclass(frozen=True, slots=True)
class Verdict:
    """A phase that does not follow from the containers alone, with its reason."""

    phase: str
    reason: str = ""
    message: str = ""


def quality_of_service(spec: Object) -> str:
    """Return the QoS class of a pod."""
    requests: list[dict[str, Any]] = []
    limits: list[dict[str, Any]] = []
    for container in [*spec.get("containers", []), *(spec.get("initContainers") or [])]:
        resources = container.get("resources") or {}
        limits.append({name: value for name, value in (resources.get("limits") or {}).items() if name in _RESOURCES})
        asked = {name: value for name, value in (resources.get("requests") or {}).items() if name in _RESOURCES}
        # What is limited and not asked for is asked for at the limit.
        requests.append({**limits[-1], **asked})
    if not any(requests) and not any(limits):
        return "BestEffort"
    guaranteed = all(
        len(limit) == len(_RESOURCES) and all(quantity(limit[name]) == quantity(ask[name]) for name in _RESOURCES)
        for limit, ask in zip(limits, requests, strict=True)
    )
    return "Guaranteed" if guaranteed else "Burstable"


def phase_of(policy: str, initial: list[Object], main: list[Object]) -> str:
    """Return the phase that container statuses make, as a kubelet computes it."""
    for status in initial:
        ended = status["state"].get("terminated")
        if ended and ended["exitCode"] and policy == "Never":
            return "Failed"
        if not status["ready"]:
            return "Pending"
    states = [status["state"] for status in main]
    ended = [status["state"].get("terminated") for status in main]
    if all(ended):
        if policy == "Always":
            return "Running"
        if all(each["exitCode"] == 0 for each in ended):
            return "Succeeded"
        return "Failed" if policy == "Never" else "Running"
    # A container that waits to be started again has run; one that waits for the first time keeps the pod pending.
    fresh = any("waiting" in state and not each["lastState"] for state, each in zip(states, main, strict=True))
    return "Pending" if fresh else "Running"


def fill(  # noqa: PLR0913 — what a status is made of
    status: Object,
    spec: Object,
    initial: list[Object],
    main: list[Object],
    addresses: dict[str, str],
    started_at: str,
    verdict: Verdict | None,
    sandbox: bool,  # noqa: FBT001 — a fact, not a mode
) -> None:
    """Write a pod's status in place: phase, conditions, containers; what others wrote stays."""
    policy = spec.get("restartPolicy", "Always")
    phase = verdict.phase if verdict else phase_of(policy, initial, main)
    status["phase"] = phase
    for name in ("reason", "message"):
        if value := (getattr(verdict, name) if verdict else ""):
            status[name] = value
    status["startTime"] = started_at
    status["qosClass"] = quality_of_service(spec)
    status["hostIP"], status["hostIPs"] = addresses["hostIP"], [{"ip": addresses["hostIP"]}]
    if sandbox:
        status["podIP"], status["podIPs"] = addresses["podIP"], [{"ip": addresses["podIP"]}]
    status["containerStatuses"] = main
    if initial:
        status["initContainerStatuses"] = initial
    _conditions(status, phase, initial, main, sandbox=sandbox)


def _conditions(status: Object, phase: str, initial: list[Object], main: list[Object], *, sandbox: bool) -> None:
    undone = [each["name"] for each in initial if not each["ready"]]
    unready = [each["name"] for each in main if not each["ready"]]
    over = {"Succeeded": "PodCompleted", "Failed": "PodFailed"}.get(phase, "")
    running = sandbox and phase not in TERMINAL
    _put(status, "PodReadyToStartContainers", holds=running)
    if undone and phase != "Succeeded":
        text = f"containers with incomplete status: [{' '.join(undone)}]"
        _put(status, "Initialized", holds=False, reason="ContainersNotInitialized", message=text)
    else:
        _put(status, "Initialized", holds=True, reason="PodCompleted" if phase == "Succeeded" else "")
    for kind in ("Ready", "ContainersReady"):
        if over:
            _put(status, kind, holds=False, reason=over)
        elif unready or undone:
            text = f"containers with unready status: [{' '.join(unready)}]"
            _put(status, kind, holds=False, reason="ContainersNotReady", message=text)
        else:
            _put(status, kind, holds=True)


def _put(status: Object, kind: str, *, holds: bool, reason: str = "", message: str = "") -> None:
    new: Object = {"type": kind, "status": "True" if holds else "False", "lastProbeTime": None}
    set_condition(status, new | ({"reason": reason} if reason else {}) | ({"message": message} if message else {}))
