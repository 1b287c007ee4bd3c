"""CronJobs: they never fire by themselves; who rehearses says when their time has come."""

import time
from calendar import timegm

from drproof.embedded.kubernetes.controlling import Controller, create
from drproof.embedded.kubernetes.deletion import delete
from drproof.embedded.kubernetes.errors import ApiError, NotFound
from drproof.embedded.kubernetes.events import Recorder
from drproof.embedded.kubernetes.objects import being_deleted, controlled_by, holds, key_of, owner_reference
from drproof.embedded.kubernetes.resources import CRONJOBS, JOBS, Object, Resource
from drproof.embedded.kubernetes.store import Store, copied, timestamp

_SCHEDULED = "batch.kubernetes.io/cronjob-scheduled-timestamp"
_LIMITS = (("Complete", "successfulJobsHistoryLimit", 3), ("Failed", "failedJobsHistoryLimit", 1))


class CronJobs(Controller):
    """Makes Jobs when it is told to, and keeps each CronJob's status and history."""

    watches: tuple[Resource, ...] = (CRONJOBS, JOBS)

    def __init__(self, store: Store) -> None:
        self._store = store
        self._recorder = Recorder(store, "cronjob-controller")
        self._numbers: dict[str, int] = {}

    def fire(self, namespace: str, name: str) -> Object | None:
        """Make the Job of a CronJob as its schedule would; None if it is suspended or may not; NotFound."""
        with self._store.lock:
            found = self._store.get(CRONJOBS, namespace, name)
            if found is None:
                raise NotFound(CRONJOBS.plural, CRONJOBS.group, name)
            if found["spec"].get("suspend") or being_deleted(found):
                return None
            active = [job for job in self._jobs(found) if not _ended(job)]
            policy = found["spec"].get("concurrencyPolicy", "Allow")
            if active and policy == "Forbid":
                self._recorder.normal(
                    CRONJOBS, found, "JobAlreadyActive", "Not starting job because prior execution is running"
                )
                return None
            for job in active if policy == "Replace" else []:
                delete(self._store, JOBS, *key_of(job), propagation="Background", uid=job["metadata"]["uid"])
                self._recorder.normal(CRONJOBS, found, "SuccessfulDelete", f"Deleted job {job['metadata']['name']}")
            return self._make(found)

    def reconcile(self, now: float) -> float | None:  # noqa: ARG002 — it acts on changes, not on time
        """Note which Jobs run, and delete the oldest of those that ended."""
        for cronjob in self._store.list(CRONJOBS)[0]:
            try:
                self._keep(cronjob)
            except NotFound:
                continue
        return None

    def _make(self, cronjob: Object) -> Object:
        template, meta = cronjob["spec"]["jobTemplate"], cronjob["metadata"]
        made = copied(template.get("metadata") or {})
        minute = int(time.time() // 60)
        scheduled = timestamp(minute * 60)
        # Told twice within a minute, which no schedule does: the second Job has a name of its own all the same.
        number = self._numbers[meta["uid"]] = max(minute, self._numbers.get(meta["uid"], 0) + 1)
        document: Object = {
            "metadata": {
                "name": f"{meta['name']}-{number}",
                "namespace": meta["namespace"],
                "annotations": {**(made.get("annotations") or {}), _SCHEDULED: scheduled},
                "labels": made.get("labels") or {},
                "ownerReferences": [owner_reference(CRONJOBS, cronjob)],
            },
            "spec": copied(template["spec"]),
        }
        try:
            job = create(self._store, JOBS, document)
        except ApiError as exc:
            self._recorder.warning(CRONJOBS, cronjob, "FailedCreate", f"Error creating job: {exc}")
            raise
        self._recorder.normal(CRONJOBS, cronjob, "SuccessfulCreate", f"Created job {job['metadata']['name']}")

        def note(found: Object) -> None:
            found.setdefault("status", {})["lastScheduleTime"] = scheduled

        self._store.update(CRONJOBS, *key_of(cronjob), note)
        return job

    def _keep(self, cronjob: Object) -> None:
        jobs = self._jobs(cronjob)
        active = [
            {
                "apiVersion": JOBS.api_version,
                "kind": JOBS.kind,
                "name": job["metadata"]["name"],
                "namespace": job["metadata"]["namespace"],
                "resourceVersion": job["metadata"]["resourceVersion"],
                "uid": job["metadata"]["uid"],
            }
            for job in jobs
            if not _ended(job)
        ]
        done = [job["status"]["completionTime"] for job in jobs if holds(job, "Complete")]
        known = {each["uid"]: each for each in (cronjob.get("status") or {}).get("active") or []}
        for job in jobs:
            if _ended(job) and job["metadata"]["uid"] in known:
                name = job["metadata"]["name"]
                state = "Complete" if holds(job, "Complete") else "Failed"
                self._recorder.normal(
                    CRONJOBS, cronjob, "SawCompletedJob", f"Saw completed job: {name}, condition: {state}"
                )

        def keep(found: Object) -> None:
            status = found.setdefault("status", {})
            # A reference stays as it was made: a Job's every change is no news of its CronJob.
            status["active"] = [known.get(str(each["uid"]), each) for each in active]
            if not active:
                del status["active"]
            if done:
                status["lastSuccessfulTime"] = max([*done, status.get("lastSuccessfulTime", "")])

        self._store.update(CRONJOBS, *key_of(cronjob), keep)
        for kind, limit, default in _LIMITS:
            ended = [job for job in jobs if holds(job, kind) and not being_deleted(job)]
            keeps = int(cronjob["spec"].get(limit, default))
            for job in sorted(ended, key=_created)[: max(0, len(ended) - keeps)]:
                delete(self._store, JOBS, *key_of(job), propagation="Background", uid=job["metadata"]["uid"])

    def _jobs(self, cronjob: Object) -> list[Object]:
        jobs, _ = self._store.list(JOBS, cronjob["metadata"]["namespace"])
        return [job for job in jobs if controlled_by(job, cronjob["metadata"]["uid"])]


def _ended(job: Object) -> bool:
    return holds(job, "Complete") or holds(job, "Failed")


def _created(job: Object) -> tuple[int, str]:
    made = timegm(time.strptime(job["metadata"]["creationTimestamp"], "%Y-%m-%dT%H:%M:%SZ"))
    return made, str(job["metadata"]["name"])
