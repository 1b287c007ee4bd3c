"""The Job controller: pods until enough of them succeeded, too many failed, or time is up."""

from dataclasses import dataclass

from drproof.embedded.kubernetes.completions import add_index, free_indexes, template_with_index
from drproof.embedded.kubernetes.controlling import (
    RETRY_SECONDS,
    Controller,
    create_pod,
    delete_pod,
    drop_finalizer,
    is_active,
    is_ready,
    phase,
)
from drproof.embedded.kubernetes.errors import NotFound
from drproof.embedded.kubernetes.events import Recorder
from drproof.embedded.kubernetes.objects import (
    being_deleted,
    condition,
    controlled_by,
    controller_of,
    holds,
    key_of,
    set_condition,
)
from drproof.embedded.kubernetes.pace import Pace
from drproof.embedded.kubernetes.podstatus import TERMINAL
from drproof.embedded.kubernetes.resources import JOBS, PODS, Object, Resource
from drproof.embedded.kubernetes.store import Store, copied, timestamp

TRACKING = "batch.kubernetes.io/job-tracking"
"""The finalizer that keeps a Job's pod until its end is counted."""
_INDEX = "batch.kubernetes.io/job-completion-index"
_BACKOFF_EXCEEDED = ("BackoffLimitExceeded", "Job has reached the specified backoff limit")
_DEADLINE_EXCEEDED = ("DeadlineExceeded", "Job was active longer than specified deadline")
_COMPLETED = ("CompletionsReached", "Reached expected number of succeeded pods")
_DEFAULT_BACKOFF_LIMIT = 6
_NAME = "kubernetes.io/job-controller"


@dataclass
class _Memory:
    """What is known of a Job beside its status, to fractions of a second."""

    began: float | None = None
    failures: int = 0
    """Since the last success."""
    failed_at: float = 0.0


class Jobs(Controller):
    """Makes, counts and ends the pods of Jobs."""

    watches: tuple[Resource, ...] = (JOBS, PODS)

    def __init__(self, store: Store, pace: Pace) -> None:
        self._store = store
        self._pace = pace
        self._recorder = Recorder(store, "job-controller")
        self._memories: dict[str, _Memory] = {}

    def reconcile(self, now: float) -> float | None:
        """Bring each Job further; return when the next one has to be looked at."""
        dues = []
        jobs, pods = self._store.list(JOBS)[0], self._store.list(PODS)[0]
        of_job: dict[str, list[tuple[str, str]]] = {}
        for pod in pods:
            if owner := controller_of(pod):
                of_job.setdefault(owner["uid"], []).append(key_of(pod))
        for job in jobs:
            uid = job["metadata"]["uid"]
            if job["spec"].get("managedBy", _NAME) != _NAME:
                continue
            # A Job and its pods are read and written as one: a pod that ends meanwhile is counted the next time.
            with self._store.lock:
                found = self._store.get(JOBS, *key_of(job))
                mine = [each for key in of_job.get(uid, ()) if (each := self._store.get(PODS, *key))]
                if found is not None and found["metadata"]["uid"] == uid:
                    due = self._sync(found, [each for each in mine if controlled_by(each, uid)], now)
                    dues += [due] if due is not None else []
        self._release(jobs, pods)
        return min(dues, default=None)

    def _release(self, jobs: list[Object], pods: list[Object]) -> None:
        """Let go of pods whose Job is gone."""
        alive = {job["metadata"]["uid"] for job in jobs}
        for uid in [uid for uid in self._memories if uid not in alive]:
            del self._memories[uid]
        for pod in pods:
            owner = controller_of(pod)
            if TRACKING in (pod["metadata"].get("finalizers") or []) and (
                owner is None or (owner["kind"] == JOBS.kind and owner["uid"] not in alive)
            ):
                drop_finalizer(self._store, PODS, pod, TRACKING)

    def _sync(self, job: Object, pods: list[Object], now: float) -> float | None:
        memory = self._memories.setdefault(job["metadata"]["uid"], _Memory())
        if holds(job, "Complete") or holds(job, "Failed"):
            self._drop_trackers(pods)
            return None
        status = copied(job.get("status") or {})
        self._count(job, status, pods, memory, now)
        suspended = bool(job["spec"].get("suspend"))
        if not suspended and "startTime" not in status:
            status["startTime"] = timestamp()
        if not suspended and memory.began is None:
            memory.began = now
        due = self._decide(job, status, pods, memory, now)
        self._write(job, status)
        return due

    def _decide(self, job: Object, status: Object, pods: list[Object], memory: _Memory, now: float) -> float | None:
        """Judge the Job as it stands: failing, complete, or in need of pods."""
        deadline = job["spec"].get("activeDeadlineSeconds")
        suspended, until = bool(job["spec"].get("suspend")), None
        if deadline is not None and memory.began is not None and not suspended:
            until = memory.began + deadline
        failing = condition({"status": status}, "FailureTarget")
        if failing is None and not holds({"status": status}, "SuccessCriteriaMet"):
            if self._past_backoff_limit(job, status, pods):
                failing = self._finish_with(status, "FailureTarget", _BACKOFF_EXCEEDED)
            elif until is not None and now >= until:
                failing = self._finish_with(status, "FailureTarget", _DEADLINE_EXCEEDED)
        if failing is not None:
            self._fail(job, status, pods, failing)
            return None
        due = None
        if not holds({"status": status}, "SuccessCriteriaMet") and not being_deleted(job):
            due = self._manage(job, status, pods, memory, now)
        self._tally(status, pods)
        self._complete(job, status)
        return min((each for each in (due, until) if each is not None), default=None)

    def _count(self, job: Object, status: Object, pods: list[Object], memory: _Memory, now: float) -> None:
        """Count the pods that ended since the last time, and let go of them."""
        only_failed = job["spec"].get("podReplacementPolicy") == "Failed"
        status.setdefault("uncountedTerminatedPods", {})
        for pod in pods:
            if TRACKING not in (pod["metadata"].get("finalizers") or []):
                continue
            if phase(pod) == "Succeeded":
                status["succeeded"] = int(status.get("succeeded", 0)) + 1
                add_index(job, status, pod)
                memory.failures = 0
            elif phase(pod) == "Failed" or (being_deleted(pod) and not only_failed):
                status["failed"] = int(status.get("failed", 0)) + 1
                memory.failures, memory.failed_at = memory.failures + 1, now
            else:
                continue
            self._write(job, status)
            drop_finalizer(self._store, PODS, pod, TRACKING)
            pod["metadata"]["finalizers"] = [each for each in pod["metadata"]["finalizers"] if each != TRACKING]

    def _past_backoff_limit(self, job: Object, status: Object, pods: list[Object]) -> bool:
        limit = int(job["spec"].get("backoffLimit", _DEFAULT_BACKOFF_LIMIT))
        if int(status.get("failed", 0)) > limit:
            return True
        if job["spec"]["template"]["spec"].get("restartPolicy") != "OnFailure":
            return False
        # Containers that restart in place count as well.
        restarts = sum(
            int(each.get("restartCount", 0))
            for pod in pods
            if is_active(pod)
            for kind in ("initContainerStatuses", "containerStatuses")
            for each in (pod.get("status") or {}).get(kind) or []
        )
        return restarts > 0 if limit == 0 else restarts >= limit

    def _fail(self, job: Object, status: Object, pods: list[Object], failing: Object) -> None:
        """End what still runs; the Job has failed when nothing of it is left."""
        for pod in pods:
            if is_active(pod):
                delete_pod(self._store, self._recorder, JOBS, job, pod)
                pod["metadata"]["deletionTimestamp"] = timestamp()
        self._tally(status, pods)
        known = condition(job, "FailureTarget")
        if known is None:
            return
        if not any(phase(pod) not in TERMINAL for pod in pods):
            self._finish_with(status, "Failed", (failing["reason"], failing["message"]))
            self._recorder.warning(JOBS, job, failing["reason"], failing["message"])

    def _complete(self, job: Object, status: Object) -> None:
        """Note that enough pods succeeded, first as the criterion, then, with nothing left running, as the end."""
        wanted, succeeded = job["spec"].get("completions"), int(status.get("succeeded", 0))
        enough = succeeded >= wanted if wanted is not None else succeeded > 0 and not status.get("active")
        if not enough:
            return
        if not holds(job, "SuccessCriteriaMet"):
            self._finish_with(status, "SuccessCriteriaMet", _COMPLETED)
        elif not status.get("active") and not status.get("terminating"):
            self._finish_with(status, "Complete", _COMPLETED)
            status["completionTime"] = timestamp()
            self._recorder.normal(JOBS, job, "Completed", "Job completed")

    def _manage(self, job: Object, status: Object, pods: list[Object], memory: _Memory, now: float) -> float | None:
        """Make or delete pods until as many are active as the Job wants now."""
        spec = job["spec"]
        active = [pod for pod in pods if is_active(pod)]
        if spec.get("suspend"):
            self._shed(job, active)
            self._suspend(job, status, memory)
            return None
        self._resume(job, status)
        parallelism, completions = int(spec.get("parallelism", 1)), spec.get("completions")
        succeeded = int(status.get("succeeded", 0))
        if completions is None:
            # A work queue: once one pod succeeded, no new one begins.
            wanted = len(active) if succeeded else parallelism
        else:
            wanted = min(parallelism, max(0, completions - succeeded))
        if spec.get("podReplacementPolicy") == "Failed":
            wanted -= sum(being_deleted(pod) and phase(pod) not in TERMINAL for pod in pods)
        if len(active) > wanted:
            self._shed(job, sorted(active, key=is_ready)[: len(active) - max(0, wanted)])
            return None
        ready_at = self._may_create_at(memory)
        if len(active) < wanted and now < ready_at:
            return ready_at
        for index in free_indexes(job, status, pods, wanted - len(active)):
            made = self._create(job, index)
            if made is None:
                return now + RETRY_SECONDS
            pods.append(made)
        return None

    def _may_create_at(self, memory: _Memory) -> float:
        if not memory.failures:
            return 0.0
        # The doubling is bounded before it is computed: a Job may have failed a thousand times.
        delay = self._pace.backoff_first * float(2 ** min(memory.failures - 1, 16))
        return memory.failed_at + min(delay, self._pace.job_backoff_max)

    def _create(self, job: Object, index: int | None) -> Object | None:
        name, template = job["metadata"]["name"], job["spec"]["template"]
        metadata: Object = {"finalizers": [TRACKING]}
        prefix = f"{name}-"
        if index is not None:
            prefix = f"{name}-{index}-"
            metadata |= {"annotations": {_INDEX: str(index)}, "labels": {_INDEX: str(index)}}
            template = template_with_index(template, name, index)
        return create_pod(self._store, self._recorder, JOBS, job, template, prefix=prefix, metadata=metadata)

    def _shed(self, job: Object, pods: list[Object]) -> None:
        """Delete pods that are not wanted any more; they do not count as failed."""
        for pod in pods:
            drop_finalizer(self._store, PODS, pod, TRACKING)
            delete_pod(self._store, self._recorder, JOBS, job, pod)
            pod["metadata"]["deletionTimestamp"] = timestamp()

    def _suspend(self, job: Object, status: Object, memory: _Memory) -> None:
        memory.began = None
        if not holds({"status": status}, "Suspended"):
            said = {"type": "Suspended", "status": "True", "reason": "JobSuspended", "message": "Job suspended"}
            set_condition(status, said | {"lastProbeTime": timestamp()})
            self._recorder.normal(JOBS, job, "Suspended", "Job suspended")

    def _resume(self, job: Object, status: Object) -> None:
        if holds({"status": status}, "Suspended"):
            said = {"type": "Suspended", "status": "False", "reason": "JobResumed", "message": "Job resumed"}
            set_condition(status, said | {"lastProbeTime": timestamp()})
            status["startTime"] = timestamp()
            self._recorder.normal(JOBS, job, "Resumed", "Job resumed")

    def _tally(self, status: Object, pods: list[Object]) -> None:
        active = [pod for pod in pods if is_active(pod)]
        status["active"] = len(active)
        status["ready"] = sum(is_ready(pod) for pod in active)
        status["terminating"] = sum(being_deleted(pod) and phase(pod) not in TERMINAL for pod in pods)
        if not active:
            del status["active"]

    def _finish_with(self, status: Object, kind: str, why: tuple[str, str]) -> Object:
        said = {"type": kind, "status": "True", "reason": why[0], "message": why[1], "lastProbeTime": timestamp()}
        set_condition(status, said)
        return said

    def _drop_trackers(self, pods: list[Object]) -> None:
        for pod in pods:
            if TRACKING in (pod["metadata"].get("finalizers") or []):
                drop_finalizer(self._store, PODS, pod, TRACKING)

    def _write(self, job: Object, status: Object) -> None:
        def write(found: Object) -> None:
            found["status"] = copied(status)

        try:
            self._store.update(JOBS, *key_of(job), write)
        except NotFound:
            return
