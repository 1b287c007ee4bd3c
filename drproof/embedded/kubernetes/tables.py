"""Objects as kubectl prints them: rows and columns decided by the server (meta.k8s.io/v1 Table)."""

import datetime as dt
from collections.abc import Callable
from typing import Any

from drproof.embedded.kubernetes.resources import Object, Resource

Cells = Callable[[Object], list[Any]]
Columns = tuple[str, ...]
"""Headers; one with `*` in front is only shown with `-o wide`."""

_SECOND, _MINUTE, _HOUR, _DAY, _YEAR = 1, 60, 3600, 86_400, 365 * 86_400


def table(resource: Resource, objects: list[Object], *, include: str, headed: bool = True) -> Object:
    """Return a Table of objects; `include` is Metadata, Object or None."""
    columns, cells = _BY_KIND.get(resource.kind, (("Name", "Age"), _plain))
    rows = []
    for obj in objects:
        row: Object = {"cells": cells(obj)}
        if include == "Object":
            row["object"] = obj
        elif include != "None":
            row["object"] = partial(obj)
        rows.append(row)
    answer: Object = {"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": {}, "rows": rows}
    answer["columnDefinitions"] = [_column(each) for each in columns] if headed else None
    return answer


def partial(obj: Object) -> Object:
    """Return an object's metadata alone."""
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}


def _column(name: str) -> Object:
    shown = name.removeprefix("*")
    return {
        "name": shown,
        "type": "integer" if shown in {"Desired", "Current", "Up-to-date", "Available"} else "string",
        "format": "name" if shown == "Name" else "",
        "description": "",
        "priority": int(name.startswith("*")),
    }


def age(moment: object) -> str:
    """Return how long ago a timestamp is, as kubectl writes it (apimachinery, duration.HumanDuration)."""
    if not isinstance(moment, str):
        return "<unknown>"
    return _lasting((dt.datetime.now(dt.UTC) - _moment(moment)).total_seconds())


def _moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def _lasting(seconds: float) -> str:
    whole = max(0, int(seconds))
    if whole < 2 * _MINUTE:
        return f"{whole}s"
    if whole < 3 * _HOUR:
        minutes, rest = divmod(whole, _MINUTE)
        return f"{minutes}m{rest}s" if minutes < 10 and rest else f"{minutes}m"  # noqa: PLR2004 — seconds matter below
    if whole < 2 * _DAY:
        hours, rest = divmod(whole // _MINUTE, 60)
        return f"{hours}h{rest}m" if hours < 8 and rest else f"{hours}h"  # noqa: PLR2004 — minutes matter below
    if whole < 2 * _YEAR:
        days, rest = divmod(whole // _HOUR, 24)
        return f"{days}d{rest}h" if days < 8 and rest else f"{days}d"  # noqa: PLR2004 — hours matter below
    return f"{whole // _YEAR}y{whole % _YEAR // _DAY}d"


def _name(obj: Object) -> str:
    return str(obj["metadata"]["name"])


def _age(obj: Object) -> str:
    return age(obj["metadata"].get("creationTimestamp"))


def _plain(obj: Object) -> list[Any]:
    return [_name(obj), _age(obj)]


def _part(obj: Object, name: str) -> Object:
    found = obj.get(name)
    return found if isinstance(found, dict) else {}


def _labels(selector: Object | None) -> str:
    pairs = ((selector or {}).get("matchLabels") or {}).items()
    return ",".join(f"{key}={value}" for key, value in pairs) or "<none>"


def _containers(spec: Object) -> list[str]:
    held = spec.get("containers") or []
    return [",".join(str(each.get(key, "")) for each in held) for key in ("name", "image")]


def _pod_reason(obj: Object) -> str:
    """Return what the column STATUS says of a pod (printers/internalversion, printPod)."""
    status, meta = _part(obj, "status"), obj["metadata"]
    reason = str(status.get("reason") or status.get("phase", "Unknown"))
    first = status.get("initContainerStatuses") or []
    for place, each in enumerate(first):
        state = each.get("state") or {}
        ended, waits = state.get("terminated"), state.get("waiting")
        if ended and ended.get("exitCode") == 0:
            continue
        if ended:
            reason = f"Init:{ended.get('reason') or 'ExitCode:' + str(ended.get('exitCode'))}"
        elif waits and waits.get("reason") not in {None, "", "PodInitializing"}:
            reason = f"Init:{waits['reason']}"
        else:
            reason = f"Init:{place}/{len(first)}"
        break
    else:
        running = False
        for each in reversed(status.get("containerStatuses") or []):
            state = each.get("state") or {}
            if reason_of := (state.get("waiting") or {}).get("reason"):
                reason = reason_of
            elif ended := state.get("terminated"):
                reason = ended.get("reason") or f"ExitCode:{ended.get('exitCode')}"
            running = running or bool(each.get("ready") and state.get("running"))
        if reason == "Completed" and running:
            reason = "Running"
    return "Terminating" if meta.get("deletionTimestamp") else reason


def _pod(obj: Object) -> list[Any]:
    status, spec = _part(obj, "status"), _part(obj, "spec")
    held = status.get("containerStatuses") or []
    ready = sum(bool(each.get("ready")) for each in held)
    restarts = sum(int(each.get("restartCount", 0)) for each in held)
    return [
        _name(obj),
        f"{ready}/{len(spec.get('containers') or [])}",
        _pod_reason(obj),
        str(restarts),
        _age(obj),
        status.get("podIP", "<none>"),
        spec.get("nodeName", "<none>"),
        status.get("nominatedNodeName", "<none>"),
        "<none>",
    ]


def _job(obj: Object) -> list[Any]:
    status, spec = _part(obj, "status"), _part(obj, "spec")
    happened = {each.get("type") for each in status.get("conditions") or [] if each.get("status") == "True"}
    known = ("Complete", "Failed", "Suspended", "FailureTarget", "SuccessCriteriaMet")
    state = next((each for each in known if each in happened), "Running")
    if obj["metadata"].get("deletionTimestamp"):
        state = "Terminating"
    completions = spec.get("completions")
    wanted = str(completions) if completions is not None else f"1 of {spec.get('parallelism', 1)}"
    lasted = "<none>"
    if start := status.get("startTime"):
        end = status.get("completionTime")
        until = _moment(end) if end else dt.datetime.now(dt.UTC)
        lasted = _lasting((until - _moment(start)).total_seconds())
    containers = _containers(_part(_part(spec, "template"), "spec"))
    done = f"{status.get('succeeded', 0)}/{wanted}"
    return [_name(obj), state, done, lasted, _age(obj), *containers, _labels(spec.get("selector"))]


def _cron_job(obj: Object) -> list[Any]:
    status, spec = _part(obj, "status"), _part(obj, "spec")
    template = _part(_part(_part(_part(spec, "jobTemplate"), "spec"), "template"), "spec")
    last = status.get("lastScheduleTime")
    return [
        _name(obj),
        spec.get("schedule", ""),
        spec.get("timeZone", "<none>"),
        str(bool(spec.get("suspend"))),
        len(status.get("active") or []),
        age(last) if last else "<none>",
        _age(obj),
        *_containers(template),
        "<none>",
    ]


def _deployment(obj: Object) -> list[Any]:
    status, spec = _part(obj, "status"), _part(obj, "spec")
    ready = f"{status.get('readyReplicas', 0)}/{spec.get('replicas', 1)}"
    counts = [status.get("updatedReplicas", 0), status.get("availableReplicas", 0)]
    containers = _containers(_part(_part(spec, "template"), "spec"))
    return [_name(obj), ready, *counts, _age(obj), *containers, _labels(spec.get("selector"))]


def _replica_set(obj: Object) -> list[Any]:
    status, spec = _part(obj, "status"), _part(obj, "spec")
    counts = [spec.get("replicas", 0), status.get("replicas", 0), status.get("readyReplicas", 0)]
    containers = _containers(_part(_part(spec, "template"), "spec"))
    return [_name(obj), *counts, _age(obj), *containers, _labels(spec.get("selector"))]


def _stateful_set(obj: Object) -> list[Any]:
    status, spec = _part(obj, "status"), _part(obj, "spec")
    ready = f"{status.get('readyReplicas', 0)}/{spec.get('replicas', 1)}"
    return [_name(obj), ready, _age(obj), *_containers(_part(_part(spec, "template"), "spec"))]


def _daemon_set(obj: Object) -> list[Any]:
    status, spec = _part(obj, "status"), _part(obj, "spec")
    fields = (
        "desiredNumberScheduled",
        "currentNumberScheduled",
        "numberReady",
        "updatedNumberScheduled",
        "numberAvailable",
    )
    template = _part(_part(spec, "template"), "spec")
    chosen = ",".join(f"{key}={value}" for key, value in (template.get("nodeSelector") or {}).items()) or "<none>"
    counts = [status.get(each, 0) for each in fields]
    return [_name(obj), *counts, chosen, _age(obj), *_containers(template), _labels(spec.get("selector"))]


def _service(obj: Object) -> list[Any]:
    spec = _part(obj, "spec")
    ports = ",".join(
        f"{each.get('port')}{':' + str(each['nodePort']) if each.get('nodePort') else ''}/{each.get('protocol', 'TCP')}"
        for each in spec.get("ports") or []
    )
    address = spec.get("clusterIP") or "<none>"
    chosen = ",".join(f"{key}={value}" for key, value in (spec.get("selector") or {}).items()) or "<none>"
    return [_name(obj), spec.get("type", ""), address, "<none>", ports or "<none>", _age(obj), chosen]


def _node(obj: Object) -> list[Any]:
    status, spec = _part(obj, "status"), _part(obj, "spec")
    none: Object = {}
    ready = next((each for each in status.get("conditions") or [] if each.get("type") == "Ready"), none)
    state = {"True": "Ready", "False": "NotReady"}.get(str(ready.get("status")), "NotReady" if ready else "Unknown")
    if spec.get("unschedulable"):
        state += ",SchedulingDisabled"
    prefix = "node-role.kubernetes.io/"
    labels = obj["metadata"].get("labels") or {}
    roles = ",".join(sorted(key.removeprefix(prefix) for key in labels if key.startswith(prefix))) or "<none>"
    about = _part(status, "nodeInfo")
    internal = next((a["address"] for a in status.get("addresses") or [] if a.get("type") == "InternalIP"), "<none>")
    more = [about.get(key, "<unknown>") for key in ("osImage", "kernelVersion", "containerRuntimeVersion")]
    return [_name(obj), state, roles, _age(obj), about.get("kubeletVersion", ""), internal, "<none>", *more]


def _namespace(obj: Object) -> list[Any]:
    return [_name(obj), _part(obj, "status").get("phase", "Active"), _age(obj)]


def _secret(obj: Object) -> list[Any]:
    return [_name(obj), obj.get("type", ""), len(obj.get("data") or {}), _age(obj)]


def _config_map(obj: Object) -> list[Any]:
    return [_name(obj), len(obj.get("data") or {}) + len(obj.get("binaryData") or {}), _age(obj)]


def _account(obj: Object) -> list[Any]:
    return [_name(obj), len(obj.get("secrets") or []), _age(obj)]


def _event(obj: Object) -> list[Any]:
    about, source = _part(obj, "involvedObject"), _part(obj, "source")
    seen = obj.get("lastTimestamp") or obj.get("eventTime") or obj["metadata"].get("creationTimestamp")
    first = obj.get("firstTimestamp") or seen
    where = f"{str(about.get('kind', '')).lower()}/{about.get('name', '')}"
    origin = source.get("component") or obj.get("reportingComponent", "")
    return [
        age(seen),
        obj.get("type", ""),
        obj.get("reason", ""),
        where,
        about.get("fieldPath", ""),
        origin,
        str(obj.get("message", "")).strip(),
        age(first),
        obj.get("count", 1),
        _name(obj),
    ]


def _claim(obj: Object) -> list[Any]:
    status, spec = _part(obj, "status"), _part(obj, "spec")
    capacity = _part(status, "capacity").get("storage", "")
    modes = ",".join(_MODES.get(each, each) for each in spec.get("accessModes") or [])
    storage = spec.get("storageClassName", "")
    volume = spec.get("volumeName", "")
    return [_name(obj), status.get("phase", ""), volume, capacity, modes, storage, "<unset>", _age(obj), "Filesystem"]


_MODES = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}
_IMAGES: Columns = ("*Containers", "*Images", "*Selector")
_BY_KIND: dict[str, tuple[Columns, Cells]] = {
    "Pod": (
        ("Name", "Ready", "Status", "Restarts", "Age", "*IP", "*Node", "*Nominated Node", "*Readiness Gates"),
        _pod,
    ),
    "Job": (("Name", "Status", "Completions", "Duration", "Age", *_IMAGES), _job),
    "CronJob": (
        ("Name", "Schedule", "Timezone", "Suspend", "Active", "Last Schedule", "Age", *_IMAGES),
        _cron_job,
    ),
    "Deployment": (("Name", "Ready", "Up-to-date", "Available", "Age", *_IMAGES), _deployment),
    "ReplicaSet": (("Name", "Desired", "Current", "Ready", "Age", *_IMAGES), _replica_set),
    "StatefulSet": (("Name", "Ready", "Age", "*Containers", "*Images"), _stateful_set),
    "DaemonSet": (
        ("Name", "Desired", "Current", "Ready", "Up-to-date", "Available", "Node Selector", "Age", *_IMAGES),
        _daemon_set,
    ),
    "Service": (("Name", "Type", "Cluster-IP", "External-IP", "Port(s)", "Age", "*Selector"), _service),
    "Node": (
        (
            "Name",
            "Status",
            "Roles",
            "Age",
            "Version",
            "*Internal-IP",
            "*External-IP",
            "*OS-Image",
            "*Kernel-Version",
            "*Container-Runtime",
        ),
        _node,
    ),
    "Namespace": (("Name", "Status", "Age"), _namespace),
    "Secret": (("Name", "Type", "Data", "Age"), _secret),
    "ConfigMap": (("Name", "Data", "Age"), _config_map),
    "ServiceAccount": (("Name", "Secrets", "Age"), _account),
    "Event": (
        ("Last Seen", "Type", "Reason", "Object", "*Subobject", "*Source", "Message", "*First Seen", "*Count", "*Name"),
        _event,
    ),
    "PersistentVolumeClaim": (
        (
            "Name",
            "Status",
            "Volume",
            "Capacity",
            "Access Modes",
            "StorageClass",
            "VolumeAttributesClass",
            "Age",
            "*VolumeMode",
        ),
        _claim,
    ),
}
