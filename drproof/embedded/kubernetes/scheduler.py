"""The scheduler: pods go to the first node that has room for them and that they accept."""

from collections import Counter
from fractions import Fraction

from drproof.embedded.kubernetes.controlling import Controller
from drproof.embedded.kubernetes.errors import ApiError
from drproof.embedded.kubernetes.events import Recorder
from drproof.embedded.kubernetes.nodes import PODS_PER_NODE, UNSCHEDULABLE
from drproof.embedded.kubernetes.objects import being_deleted, key_of, requirement_holds, set_condition
from drproof.embedded.kubernetes.podstatus import TERMINAL
from drproof.embedded.kubernetes.quantities import quantity
from drproof.embedded.kubernetes.resources import NODES, PERSISTENTVOLUMECLAIMS, PODS, Object, Resource
from drproof.embedded.kubernetes.store import Store

_RESOURCES = ("cpu", "memory", "ephemeral-storage")
_NAME = "default-scheduler"


def requested(spec: Object) -> dict[str, Fraction]:
    """Return what a pod asks for: the sum of its containers, or its largest init container if that is more."""
    total = dict.fromkeys(_RESOURCES, Fraction())
    for container in spec.get("containers", []):
        for name in _RESOURCES:
            total[name] += _request(container, name)
    for container in spec.get("initContainers") or []:
        for name in _RESOURCES:
            total[name] = max(total[name], _request(container, name))
    for name, value in (spec.get("overhead") or {}).items():
        total[name] = total.get(name, Fraction()) + quantity(value)
    return total


class Scheduler(Controller):
    """Gives each pending pod a node, or says in its conditions why none will do."""

    watches: tuple[Resource, ...] = (PODS, NODES, PERSISTENTVOLUMECLAIMS)

    def __init__(self, store: Store) -> None:
        self._store = store
        self._recorder = Recorder(store, _NAME)

    def reconcile(self, now: float) -> float | None:  # noqa: ARG002 — it acts on changes, not on time
        """Place what can be placed."""
        pods, _ = self._store.list(PODS)
        pending = [pod for pod in pods if not pod["spec"].get("nodeName") and not being_deleted(pod)]
        pending = [pod for pod in pending if pod["spec"].get("schedulerName", _NAME) == _NAME and not _ended(pod)]
        if not pending:
            return None
        nodes, _ = self._store.list(NODES)
        load = {node["metadata"]["name"]: Counter[str]() for node in nodes}
        used: dict[str, dict[str, Fraction]] = {name: dict.fromkeys(_RESOURCES, Fraction()) for name in load}
        for pod in pods:
            name = pod["spec"].get("nodeName", "")
            if name in used and not _ended(pod):
                _occupy(used[name], load[name], pod)
        # Priority first, then who waits longest.
        for pod in sorted(pending, key=lambda each: (-int(each["spec"].get("priority") or 0), _age(each))):
            try:
                self._place(pod, nodes, used, load)
            except ApiError:
                continue
        return None

    def _place(
        self,
        pod: Object,
        nodes: list[Object],
        used: dict[str, dict[str, Fraction]],
        load: dict[str, Counter[str]],
    ) -> None:
        if pod["spec"].get("schedulingGates"):
            self._refuse(pod, "Scheduling is blocked due to non-empty scheduling gates", reason="SchedulingGated")
            return
        if text := self._missing_claim(pod):
            self._refuse(pod, f"0/{len(nodes)} nodes are available: {text}. preemption: {_preemption(len(nodes))}")
            return
        reasons: Counter[str] = Counter()
        fitting: list[Object] = []
        for node in nodes:
            name = node["metadata"]["name"]
            if why := obstacles(pod, node, used[name], load[name]["pods"]):
                reasons.update(why)
            else:
                fitting.append(node)
        if not fitting:
            self._refuse(pod, _no_node(len(nodes), reasons))
            return
        chosen = min(fitting, key=lambda node: (load[node["metadata"]["name"]]["pods"], node["metadata"]["name"]))
        self._bind(pod, chosen["metadata"]["name"])
        _occupy(used[chosen["metadata"]["name"]], load[chosen["metadata"]["name"]], pod)

    def _bind(self, pod: Object, node: str) -> None:
        namespace, name = key_of(pod)
        said: Object = {"type": "PodScheduled", "status": "True", "lastProbeTime": None}

        def bind(obj: Object) -> None:
            obj["spec"]["nodeName"] = node
            set_condition(obj.setdefault("status", {}), said)

        self._store.update(PODS, namespace, name, bind)
        self._recorder.normal(PODS, pod, "Scheduled", f"Successfully assigned {namespace}/{name} to {node}")

    def _refuse(self, pod: Object, message: str, reason: str = "Unschedulable") -> None:
        namespace, name = key_of(pod)
        said: Object = {"type": "PodScheduled", "status": "False", "lastProbeTime": None}
        said |= {"reason": reason, "message": message}
        before = pod["metadata"]["resourceVersion"]

        def refuse(obj: Object) -> None:
            set_condition(obj.setdefault("status", {"phase": "Pending"}), said)

        after = self._store.update(PODS, namespace, name, refuse)
        if after["metadata"]["resourceVersion"] != before and reason == "Unschedulable":
            self._recorder.warning(PODS, pod, "FailedScheduling", message)

    def _missing_claim(self, pod: Object) -> str:
        namespace, _ = key_of(pod)
        for volume in pod["spec"].get("volumes") or []:
            claim = (volume.get("persistentVolumeClaim") or {}).get("claimName")
            if claim and self._store.get(PERSISTENTVOLUMECLAIMS, namespace, claim) is None:
                return f'persistentvolumeclaim "{claim}" not found'
        return ""


def obstacles(pod: Object, node: Object, used: dict[str, Fraction], pods: int) -> list[str]:
    """Return why a pod cannot run on a node, in the scheduler's words; nothing if it can."""
    spec = pod["spec"]
    taint = _untolerated(spec, node)
    if taint is not None:
        if taint["key"] == UNSCHEDULABLE:
            return ["node(s) were unschedulable"]
        return [f"node(s) had untolerated taint {{{taint['key']}: {taint.get('value') or ''}}}"]
    if not accepts(spec, node):
        return ["node(s) didn't match Pod's node affinity/selector"]
    # A node that was made through the API, and never registered itself, offers nothing.
    offered, reasons = (node.get("status") or {}).get("allocatable") or {}, []
    if pods >= int(offered.get("pods", PODS_PER_NODE)):
        reasons.append("Too many pods")
    for name, amount in requested(spec).items():
        if amount and amount + used.get(name, Fraction()) > quantity(offered.get(name, "0")):
            reasons.append(f"Insufficient {name}")
    return reasons


def tolerates_and_accepts(pod: Object, node: Object) -> bool:
    """Whether a pod may run on a node, whatever room there is."""
    return _untolerated(pod["spec"], node) is None and accepts(pod["spec"], node)


def accepts(spec: Object, node: Object) -> bool:
    """Whether a pod's nodeSelector and required node affinity hold of a node."""
    labels = node["metadata"].get("labels") or {}
    if any(labels.get(key) != value for key, value in (spec.get("nodeSelector") or {}).items()):
        return False
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    if not required:
        return True
    fields = {"metadata.name": node["metadata"]["name"]}
    return any(
        (term.get("matchExpressions") or term.get("matchFields"))
        and all(requirement_holds(each, labels) for each in term.get("matchExpressions") or [])
        and all(requirement_holds(each, fields) for each in term.get("matchFields") or [])
        for term in required["nodeSelectorTerms"]
    )


def _untolerated(spec: Object, node: Object) -> Object | None:
    """Return the first taint of a node that a pod does not tolerate."""
    tolerations = spec.get("tolerations") or []
    return next(
        (taint for taint in _taints(node) if not any(_tolerates(each, taint) for each in tolerations)),
        None,
    )


def _taints(node: Object) -> list[Object]:
    found = [each for each in node["spec"].get("taints") or [] if each["effect"] in {"NoSchedule", "NoExecute"}]
    if node["spec"].get("unschedulable") and all(each["key"] != UNSCHEDULABLE for each in found):
        found.insert(0, {"key": UNSCHEDULABLE, "effect": "NoSchedule"})
    return found


def _tolerates(toleration: Object, taint: Object) -> bool:
    if toleration.get("effect") and toleration["effect"] != taint["effect"]:
        return False
    if toleration.get("operator", "Equal") == "Exists":
        return not toleration.get("key") or bool(toleration["key"] == taint["key"])
    same = (toleration.get("key"), toleration.get("value") or "")
    return same == (taint["key"], taint.get("value") or "")


def _request(container: Object, name: str) -> Fraction:
    resources = container.get("resources") or {}
    value = (resources.get("requests") or {}).get(name, (resources.get("limits") or {}).get(name))
    return quantity(value) if value is not None else Fraction()


def _occupy(used: dict[str, Fraction], load: Counter[str], pod: Object) -> None:
    load["pods"] += 1
    for name, amount in requested(pod["spec"]).items():
        used[name] = used.get(name, Fraction()) + amount


def _ended(pod: Object) -> bool:
    return (pod.get("status") or {}).get("phase") in TERMINAL


def _age(pod: Object) -> int:
    return int(pod["metadata"]["resourceVersion"])


def _no_node(nodes: int, reasons: Counter[str]) -> str:
    """Return the scheduler's sentence; reasons in its order, which is that of the text."""
    if not nodes:
        return "no nodes available to schedule pods"
    listed = ", ".join(sorted(f"{count} {reason}" for reason, count in reasons.items()))
    room = all(reason.startswith(("Insufficient", "Too many")) for reason in reasons)
    return f"0/{nodes} nodes are available: {listed}. preemption: {_preemption(nodes, helpful=room)}"


def _preemption(nodes: int, *, helpful: bool = False) -> str:
    why = "No preemption victims found for incoming pod" if helpful else "Preemption is not helpful for scheduling"
    return f"0/{nodes} nodes are available: {nodes} {why}."
