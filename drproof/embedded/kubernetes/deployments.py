"""Deployments: one ReplicaSet a template, rolled out with surge and unavailability in their bounds."""

import contextlib
import hashlib
import json
import math
from fractions import Fraction

from drproof.embedded.kubernetes.controlling import Controller, create
from drproof.embedded.kubernetes.deletion import delete
from drproof.embedded.kubernetes.errors import ApiError
from drproof.embedded.kubernetes.events import Recorder
from drproof.embedded.kubernetes.objects import (
    being_deleted,
    condition,
    controlled_by,
    key_of,
    owner_reference,
    set_condition,
)
from drproof.embedded.kubernetes.replicasets import write_counts
from drproof.embedded.kubernetes.resources import DEPLOYMENTS, REPLICASETS, Object, Resource
from drproof.embedded.kubernetes.store import Store, copied, timestamp

HASH_LABEL = "pod-template-hash"
_REVISION = "deployment.kubernetes.io/revision"
_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
_HASH_LENGTH = 10


def template_hash(template: Object) -> str:
    """Return what tells pod templates apart, in letters that labels may have."""
    number = int.from_bytes(hashlib.sha256(json.dumps(template, sort_keys=True).encode()).digest()[:8], "big")
    letters = []
    for _ in range(_HASH_LENGTH):
        number, place = divmod(number, len(_LETTERS))
        letters.append(_LETTERS[place])
    return "".join(letters)


class Deployments(Controller):
    """Rolls templates out by ReplicaSets."""

    watches: tuple[Resource, ...] = (DEPLOYMENTS, REPLICASETS)

    def __init__(self, store: Store) -> None:
        self._store = store
        self._recorder = Recorder(store, "deployment-controller")
        self._progress: dict[str, tuple[Object, float]] = {}

    def reconcile(self, now: float) -> float | None:
        """Take the next step of each rollout; return when one will have taken too long."""
        dues = []
        for found in self._store.list(DEPLOYMENTS)[0]:
            with contextlib.suppress(ApiError):
                if not being_deleted(found):
                    dues.append(self._sync(found, now))
        return min((due for due in dues if due is not None), default=None)

    def _sync(self, deployment: Object, now: float) -> float | None:
        meta = deployment["metadata"]
        sets = [
            each
            for each in self._store.list(REPLICASETS, meta["namespace"])[0]
            if controlled_by(each, meta["uid"]) and not being_deleted(each)
        ]
        name = template_hash(deployment["spec"]["template"])
        new = next((each for each in sets if each["metadata"]["labels"].get(HASH_LABEL) == name), None)
        old = [each for each in sets if each is not new]
        if deployment["spec"].get("paused"):
            if new is not None and not any(_replicas(each) for each in old):
                new = self._scale(deployment, new, int(deployment["spec"].get("replicas", 1)))
        else:
            new = self._newest(deployment, new, old, name)
            self._roll(deployment, new, old)
            self._forget(deployment, old)
        return self._report(deployment, new, old, now)

    def _newest(self, deployment: Object, new: Object | None, old: list[Object], name: str) -> Object:
        """Return the ReplicaSet of the present template, with the latest revision."""
        highest = max((_revision(each) for each in old), default=0)
        meta = deployment["metadata"]
        if new is None:
            template = copied(deployment["spec"]["template"])
            labels = template.setdefault("metadata", {}).setdefault("labels", {})
            labels[HASH_LABEL] = name
            selector = copied(deployment["spec"]["selector"])
            selector.setdefault("matchLabels", {})[HASH_LABEL] = name
            document: Object = {
                "metadata": {
                    "name": f"{meta['name']}-{name}",
                    "namespace": meta["namespace"],
                    "labels": dict(labels),
                    "annotations": {_REVISION: str(highest + 1)},
                    "ownerReferences": [owner_reference(DEPLOYMENTS, deployment)],
                },
                "spec": {"replicas": 0, "selector": selector, "template": template},
            }
            new = create(self._store, REPLICASETS, document)
        elif _revision(new) <= highest:
            new = self._store.update(REPLICASETS, *key_of(new), lambda obj: _set_revision(obj, highest + 1))
        revision = _revision(new)
        self._store.update(DEPLOYMENTS, *key_of(deployment), lambda obj: _set_revision(obj, revision))
        return new

    def _roll(self, deployment: Object, new: Object, old: list[Object]) -> None:
        wanted = int(deployment["spec"].get("replicas", 1))
        strategy = deployment["spec"].get("strategy") or {}
        if strategy.get("type") == "Recreate":
            for each in old:
                self._scale(deployment, each, 0)
            if not any((each.get("status") or {}).get("replicas") for each in old):
                self._scale(deployment, new, wanted)
            return
        bounds = strategy.get("rollingUpdate") or {}
        surge = _share(bounds.get("maxSurge", "25%"), wanted, up=True)
        missing = _share(bounds.get("maxUnavailable", "25%"), wanted, up=False)
        if not surge and not missing:
            missing = 1
        total = _replicas(new) + sum(_replicas(each) for each in old)
        target = min(wanted, _replicas(new) + max(0, wanted + surge - total))
        new = self._scale(deployment, new, target if _replicas(new) <= wanted else wanted)
        # Pods that do not serve cost nothing to lose; of those that do, as many as the bound leaves.
        spare = _available(new) + sum(_available(each) for each in old) - (wanted - missing)
        for each in sorted(old, key=_revision):
            broken = max(0, _replicas(each) - _available(each))
            taken = broken + min(_available(each), max(0, spare))
            spare -= taken - broken
            self._scale(deployment, each, _replicas(each) - taken)

    def _scale(self, deployment: Object, found: Object, replicas: int) -> Object:
        before = _replicas(found)
        if before == replicas:
            return found
        verb = "up" if replicas > before else "down"
        text = f"Scaled {verb} replica set {found['metadata']['name']} to {replicas}" + (
            f" from {before}" if before else ""
        )
        scaled = self._store.update(REPLICASETS, *key_of(found), lambda obj: obj["spec"].update(replicas=replicas))
        self._recorder.normal(DEPLOYMENTS, deployment, "ScalingReplicaSet", text)
        return scaled

    def _forget(self, deployment: Object, old: list[Object]) -> None:
        """Delete the oldest ReplicaSets without pods beyond the history's length."""
        idle = [each for each in old if not _replicas(each) and not (each.get("status") or {}).get("replicas")]
        keep = int(deployment["spec"].get("revisionHistoryLimit", 10))
        for each in sorted(idle, key=_revision)[: max(0, len(idle) - keep)]:
            delete(self._store, REPLICASETS, *key_of(each), propagation="Background", uid=each["metadata"]["uid"])

    def _report(self, deployment: Object, new: Object | None, old: list[Object], now: float) -> float | None:
        sets = [each for each in (new, *old) if each is not None]
        sets = [self._store.get(REPLICASETS, *key_of(each)) or each for each in sets]
        wanted = int(deployment["spec"].get("replicas", 1))
        total = sum(int((each.get("status") or {}).get("replicas", 0)) for each in sets)
        available = sum(_available(each) for each in sets)
        updated = int((sets[0].get("status") or {}).get("replicas", 0)) if new is not None and sets else 0
        counts: Object = {
            "replicas": total,
            "updatedReplicas": updated,
            "readyReplicas": sum(int((each.get("status") or {}).get("readyReplicas", 0)) for each in sets),
            "availableReplicas": available,
            "unavailableReplicas": max(0, wanted - available),
        }
        write_counts(self._store, DEPLOYMENTS, deployment, {}, counts)
        complete = updated == wanted and total == wanted and available >= wanted
        name = new["metadata"]["name"] if new else ""
        limit = deployment["spec"].get("progressDeadlineSeconds", 600)
        uid = deployment["metadata"]["uid"]
        seen = {**counts, "generation": deployment["metadata"].get("generation"), "name": name}
        if uid not in self._progress or self._progress[uid][0] != seen:
            self._progress[uid] = (seen, now)
        late_at = self._progress[uid][1] + limit
        late = not complete and now >= late_at
        bounds = (deployment["spec"].get("strategy") or {}).get("rollingUpdate") or {}
        enough = wanted - _share(bounds.get("maxUnavailable", 0), wanted, up=False)

        def report(obj: Object) -> None:
            status = obj.setdefault("status", {})
            _say_available(status, holds=available >= enough)
            _say_progress(status, name, complete=complete, late=late)

        self._store.update(DEPLOYMENTS, *key_of(deployment), report)
        return None if complete or late else late_at


def _say_available(status: Object, *, holds: bool) -> None:
    if holds:
        reason, message = "MinimumReplicasAvailable", "Deployment has minimum availability."
    else:
        reason, message = "MinimumReplicasUnavailable", "Deployment does not have minimum availability."
    _say(status, "Available", "True" if holds else "False", reason, message)


def _say_progress(status: Object, name: str, *, complete: bool, late: bool) -> None:
    if complete:
        text = f'ReplicaSet "{name}" has successfully progressed.'
        _say(status, "Progressing", "True", "NewReplicaSetAvailable", text)
    elif late:
        text = f'ReplicaSet "{name}" has timed out progressing.'
        _say(status, "Progressing", "False", "ProgressDeadlineExceeded", text)
    else:
        _say(status, "Progressing", "True", "ReplicaSetUpdated", f'ReplicaSet "{name}" is progressing.')


def _say(status: Object, kind: str, value: str, reason: str, message: str) -> None:
    old = condition({"status": status}, kind) or {}
    same = all(old.get(key) == new for key, new in (("status", value), ("reason", reason), ("message", message)))
    updated = old["lastUpdateTime"] if same else timestamp()
    said = {"type": kind, "status": value, "reason": reason, "message": message, "lastUpdateTime": updated}
    set_condition(status, said)


def _set_revision(obj: Object, revision: int) -> None:
    obj["metadata"].setdefault("annotations", {})[_REVISION] = str(revision)


def _revision(obj: Object) -> int:
    return int((obj["metadata"].get("annotations") or {}).get(_REVISION, 0))


def _replicas(replicaset: Object) -> int:
    return int(replicaset["spec"].get("replicas", 1))


def _available(replicaset: Object) -> int:
    return int((replicaset.get("status") or {}).get("availableReplicas", 0))


def _share(value: str | int, whole: int, *, up: bool) -> int:
    """Return a number that is given as such or as a percentage."""
    if not isinstance(value, str):
        return int(value)
    if not value.endswith("%"):
        return int(value)
    exact = Fraction(int(value[:-1]), 100) * whole
    return math.ceil(exact) if up else math.floor(exact)
