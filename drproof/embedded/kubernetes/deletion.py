"""How an object is deleted: at once, after a grace period, or once its finalizers and dependents allow it."""

import time
from typing import Literal

from drproof.embedded.kubernetes.errors import Conflict, NotFound
from drproof.embedded.kubernetes.resources import JOBS, NAMESPACES, PODS, Object, Resource
from drproof.embedded.kubernetes.store import Store, timestamp

Propagation = Literal["Background", "Foreground", "Orphan", ""]
FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"
DEFAULT_GRACE = 30
"""Seconds between SIGTERM and SIGKILL where a pod says nothing else."""


def delete(  # noqa: PLR0913 — one argument a delete option
    store: Store,
    resource: Resource,
    namespace: str,
    name: str,
    *,
    propagation: Propagation = "",
    grace: int | None = None,
    uid: str = "",
    resource_version: str = "",
) -> tuple[Object, bool]:
    """Delete an object as the API does; return its last state and whether it is gone already.

    A pod on a node stays, with deletionTimestamp, until its kubelet deletes it with a grace of 0. A Job deleted
    without a propagation policy orphans its pods (the default of batch/v1 DELETE). Dependents are the garbage
    collector's. NotFound; Conflict where uid or resourceVersion are not the object's.
    """
    with store.lock:
        found = store.get(resource, namespace, name)
        if found is None:
            raise NotFound(resource.plural, resource.group, name)
        _check_preconditions(resource, found, uid, resource_version)
        seconds = _grace(resource, found, grace)

        def mark(obj: Object) -> None:
            meta = obj["metadata"]
            _wait_for_dependents(resource, obj, propagation)
            if resource.key == NAMESPACES.key:
                obj.setdefault("status", {})["phase"] = "Terminating"
                meta.setdefault("deletionTimestamp", timestamp())
                return
            before = meta.get("deletionGracePeriodSeconds") if "deletionTimestamp" in meta else None
            if before is None or seconds < before:
                meta["deletionTimestamp"] = timestamp(time.time() + seconds)
                meta["deletionGracePeriodSeconds"] = seconds

        last = store.update(resource, namespace, name, mark)
        return last, store.get(resource, namespace, name) is None


def _check_preconditions(resource: Resource, found: Object, uid: str, resource_version: str) -> None:
    meta = found["metadata"]
    for what, asked, held in (
        ("UID", uid, meta["uid"]),
        ("ResourceVersion", resource_version, meta["resourceVersion"]),
    ):
        if asked and asked != held:
            why = f"Precondition failed: {what} in precondition: {asked}, {what} in object meta: {held}"
            raise Conflict(resource.plural, resource.group, meta["name"], why)


def _grace(resource: Resource, found: Object, asked: int | None) -> int:
    if resource.key != PODS.key:
        return 0
    spec, phase = found.get("spec", {}), found.get("status", {}).get("phase")
    # No process of it runs: nothing has to be waited for.
    if not spec.get("nodeName") or phase in {"Succeeded", "Failed"}:
        return 0
    return int(spec.get("terminationGracePeriodSeconds", DEFAULT_GRACE)) if asked is None else max(0, asked)


def _wait_for_dependents(resource: Resource, obj: Object, propagation: Propagation) -> None:
    meta = obj["metadata"]
    held = [each for each in meta.get("finalizers", []) if each not in {FOREGROUND, ORPHAN} or not propagation]
    asked = propagation or ("Orphan" if resource.key == JOBS.key and not _waits(meta) else "")
    if asked == "Orphan" and ORPHAN not in held:
        held.append(ORPHAN)
    elif asked == "Foreground" and FOREGROUND not in held:
        held.append(FOREGROUND)
    if held:
        meta["finalizers"] = held
    else:
        meta.pop("finalizers", None)


def _waits(meta: Object) -> bool:
    return bool({FOREGROUND, ORPHAN} & set(meta.get("finalizers", [])))
