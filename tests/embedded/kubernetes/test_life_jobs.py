"""Jobs as the Job controller leads them: from a pod to Complete or Failed, in the order of Kubernetes."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from drproof.embedded.kubernetes.deletion import delete
from drproof.embedded.kubernetes.jobs import TRACKING, Jobs
from drproof.embedded.kubernetes.nodes import Node
from drproof.embedded.kubernetes.objects import condition, holds
from drproof.embedded.kubernetes.pace import COMPRESSED
from drproof.embedded.kubernetes.resources import JOBS, NAMESPACES, PODS, SERVICEACCOUNTS, Object
from drproof.embedded.kubernetes.scripts import Run

from .living import IMAGE, Living, running, shell, waiting


@pytest.fixture
def living(tmp_path: Path) -> Iterator[Living]:
    with Living(tmp_path) as found:
        yield found


def kinds(job: Object) -> list[str]:
    return [each["type"] for each in job["status"]["conditions"]]


def test_a_job_pulls_with_its_secret_runs_a_process_completes_and_leaves_its_log(living: Living) -> None:
    """Kubernetes docs, "Jobs": a Job is complete when the specified number of pods succeeded."""
    living.registry.require_login(IMAGE.partition("/")[0], lambda user, password: (user, password) == ("AWS", "fresh"))
    living.login("pull", "fresh")
    living.job(container=shell("echo report; exit 0"), pod={"imagePullSecrets": [{"name": "pull"}]})
    job = living.until_job("Complete")
    assert job["status"]["succeeded"] == 1
    assert {"active", "failed"}.isdisjoint(job["status"])
    assert (job["status"]["ready"], job["status"]["uncountedTerminatedPods"]) == (0, {})
    assert job["status"]["completionTime"] >= job["status"]["startTime"]
    (pod,) = living.pods()
    assert living.logs(pod) == "report\n"
    assert [(pull.user, pull.result) for pull in living.registry.pulls] == [("AWS", "pulled")]


def test_success_criteria_are_met_before_a_job_is_complete(living: Living) -> None:
    """KEP-3998 and batch/v1 since 1.31: SuccessCriteriaMet comes first, Complete when no pod is left running."""
    watch = living.store.watch(None, lambda resource: resource.key == JOBS.key)
    living.job()
    living.until_job("Complete")
    seen: list[tuple[bool, bool]] = []
    while event := watch.take(0):
        seen.append((holds(event.object, "SuccessCriteriaMet"), holds(event.object, "Complete")))
    assert (True, False) in seen
    assert (False, True) not in seen
    assert seen[-1] == (True, True)


def test_the_pods_of_a_job_carry_its_labels_owner_and_generated_name(living: Living) -> None:
    """registry/batch/job/strategy.go, generateSelector; pod names are `<job>-` and five letters."""
    job = living.job()
    living.until_job("Complete")
    meta = living.pods()[0]["metadata"]
    uid = job["metadata"]["uid"]
    assert meta["labels"] == {
        "batch.kubernetes.io/controller-uid": uid,
        "batch.kubernetes.io/job-name": "work",
        "controller-uid": uid,
        "job-name": "work",
    }
    assert meta["name"].startswith("work-")
    assert len(meta["name"]) == len("work-") + 5
    assert (meta["ownerReferences"][0]["uid"], meta["ownerReferences"][0]["controller"]) == (uid, True)


def test_a_job_that_fails_more_often_than_its_backoff_limit_has_failed(living: Living) -> None:
    """Docs, "Pod backoff failure policy": pods are made again, later each time, until backoffLimit is passed."""
    begun = time.monotonic()
    living.job(container=shell("echo boom; exit 3"), backoff_limit=1)
    job = living.until_job("Failed")
    assert time.monotonic() - begun >= COMPRESSED.backoff_first
    assert job["status"]["failed"] == 2
    assert [pod["status"]["phase"] for pod in living.pods()] == ["Failed", "Failed"]
    assert kinds(job) == ["FailureTarget", "Failed"]
    found = condition(job, "Failed")
    assert found
    assert (found["reason"], found["message"]) == (
        "BackoffLimitExceeded",
        "Job has reached the specified backoff limit",
    )
    assert living.reasons("work") == ["SuccessfulCreate", "SuccessfulCreate", "BackoffLimitExceeded"]
    assert "completionTime" not in job["status"]


def test_attempts_of_a_script_are_counted_across_the_pods_of_a_job(living: Living) -> None:
    """A retry of a Job with restartPolicy Never is another pod: the script goes on where it was."""
    living.script(Run(exit_code=3, logs="boom\n"), Run(really=True))
    living.job(container=shell("echo well"), backoff_limit=2)
    job = living.until_job("Complete")
    assert (job["status"]["failed"], job["status"]["succeeded"]) == (1, 1)
    assert sorted(living.logs(pod) for pod in living.pods()) == ["boom\n", "well\n"]


def test_a_hanging_job_ends_at_its_deadline_and_its_process_with_it(living: Living) -> None:
    """Docs, "Job termination and cleanup": all running pods are terminated, reason DeadlineExceeded."""
    living.job(container=shell("sleep 600 & sleep 600"))
    living.until_pod(running)
    living.store.update(JOBS, "default", "work", lambda job: job["spec"].update(activeDeadlineSeconds=1))
    job = living.until_job("Failed")
    found = condition(job, "Failed")
    assert found
    assert (found["reason"], found["message"]) == ("DeadlineExceeded", "Job was active longer than specified deadline")
    assert kinds(job) == ["FailureTarget", "Failed"]
    assert job["status"]["failed"] == 1
    assert living.pods() == []
    assert living.processes() == []


def test_a_job_has_failed_only_when_its_pods_are_gone(living: Living) -> None:
    """batch/v1 since 1.31: FailureTarget first; Failed is delayed until no pod is terminating."""
    watch = living.store.watch(None, lambda resource: resource.key in {JOBS.key, PODS.key})
    living.job(container=shell("trap 'sleep 0.3; exit 0' TERM; sleep 60 & wait"), active_deadline_seconds=1)
    living.until_job("Failed")
    order: list[str] = []
    while event := watch.take(0):
        if event.resource.key == PODS.key and event.type == "DELETED":
            order.append("pod gone")
        for kind in ("FailureTarget", "Failed"):
            if event.resource.key == JOBS.key and holds(event.object, kind) and kind not in order:
                order.append(kind)
    assert order == ["FailureTarget", "pod gone", "Failed"]


def test_a_bad_image_never_fails_a_job_without_a_deadline(living: Living) -> None:
    """Measured on kube-apiserver 1.36: ErrImagePull leaves a Job active, without conditions."""
    living.job(container={"image": f"{IMAGE.partition('/')[0]}/atlas:none"}, backoff_limit=0)
    living.until_pod(lambda pod: waiting(pod, "ImagePullBackOff"))
    living.until(lambda: len(living.registry.pulls) >= 3)
    job = living.get(JOBS, "work")
    assert job["status"]["active"] == 1
    assert "conditions" not in job["status"]
    assert "failed" not in job["status"]


def test_a_pod_that_is_too_big_waits_and_runs_when_a_node_is_added(living: Living) -> None:
    """Measured on kube-scheduler: `0/1 nodes are available: 1 Insufficient memory.` and the Job stays active."""
    living.job(container={"resources": {"requests": {"memory": "64Gi"}}})
    pod = living.until_pod(lambda pod: bool(condition(pod, "PodScheduled")))
    found = condition(pod, "PodScheduled")
    assert found
    assert (found["status"], found["reason"]) == ("False", "Unschedulable")
    assert found["message"].startswith("0/1 nodes are available: 1 Insufficient memory.")
    assert pod["status"]["phase"] == "Pending"
    # The scheduler tells why after it has said so in the status.
    living.settle()
    assert living.reasons(pod["metadata"]["name"]) == ["FailedScheduling"]
    assert living.get(JOBS, "work")["status"]["active"] == 1
    living.life.add_node(Node("big", memory="128Gi"))
    living.until_job("Complete")
    assert living.pods()[0]["spec"]["nodeName"] == "big"


def test_a_suspended_job_runs_nothing_and_begins_anew_when_resumed(living: Living) -> None:
    """KEP-2232: suspension deletes the active pods, which do not count as failed; resuming resets startTime."""
    living.job(container=shell("sleep 600"), suspend=True, active_deadline_seconds=600)
    job = living.until_job("Suspended")
    assert living.pods() == []
    assert "startTime" not in job["status"]
    living.store.update(JOBS, "default", "work", lambda job: job["spec"].update(suspend=False))
    living.until_pod(running)
    job = living.get(JOBS, "work")
    resumed = condition(job, "Suspended")
    assert resumed
    assert (resumed["status"], resumed["reason"]) == ("False", "JobResumed")
    assert "startTime" in job["status"]
    living.store.update(JOBS, "default", "work", lambda job: job["spec"].update(suspend=True))
    living.until(lambda: not living.pods())
    job = living.until_job("Suspended")
    assert "failed" not in job["status"]
    assert "active" not in job["status"]
    assert living.processes() == []
    assert {"Suspended", "Resumed", "SuccessfulDelete"} <= set(living.reasons("work"))


def test_a_job_that_is_resumed_has_all_of_its_time_again(tmp_path: Path) -> None:
    """batch/v1 JobStatus.startTime: reset every time a Job is resumed; activeDeadlineSeconds counts from it."""
    living = Living(tmp_path)
    jobs = Jobs(living.store, COMPRESSED)

    def change(*, suspend: bool) -> None:
        living.store.update(JOBS, "default", "work", lambda job: job["spec"].update(suspend=suspend))

    def failing(now: float) -> bool:
        jobs.reconcile(now)
        return holds(living.get(JOBS, "work"), "FailureTarget")

    living.store.create(NAMESPACES, {"metadata": {"name": "default"}})
    living.create(SERVICEACCOUNTS, {"metadata": {"name": "default"}})
    living.job(active_deadline_seconds=4)
    assert not failing(100.0)
    assert len(living.pods()) == 1
    long_ago = "2001-01-01T00:00:00Z"
    living.store.update(JOBS, "default", "work", lambda job: job["status"].update(startTime=long_ago))
    change(suspend=True)
    assert not failing(103.0)
    change(suspend=False)
    assert not failing(200.0)
    assert living.get(JOBS, "work")["status"]["startTime"] > long_ago
    assert not failing(203.9)
    assert failing(204.0)
    found = condition(living.get(JOBS, "work"), "FailureTarget")
    assert found
    assert found["reason"] == "DeadlineExceeded"


def test_an_oom_kill_is_137_and_fails_the_pod(living: Living) -> None:
    """Docs, "Assign Memory Resources": a container above its limit is killed: OOMKilled, exit code 137."""
    living.script(Run(oom=True, logs="so much data\n"))
    living.job(backoff_limit=0)
    living.until_job("Failed")
    (pod,) = living.pods()
    ended = pod["status"]["containerStatuses"][0]["state"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (137, "OOMKilled")
    assert living.logs(pod) == "so much data\n"


def test_a_denied_pull_succeeds_once_the_secret_is_mended(living: Living) -> None:
    """The kubelet reads pull secrets at each attempt: a mended Secret lets the next retry of the same pod pull."""
    living.registry.require_login(IMAGE.partition("/")[0], lambda _, password: password == "fresh")
    living.login("pull", "stale")
    living.job(pod={"imagePullSecrets": [{"name": "pull"}]})
    pod = living.until_passed(lambda pod: waiting(pod, "ErrImagePull"))
    assert "401 Unauthorized" in pod["status"]["containerStatuses"][0]["state"]["waiting"]["message"]
    living.until_pod(lambda pod: waiting(pod, "ImagePullBackOff"))
    living.login("pull", "fresh", replace=True)
    living.until_job("Complete")
    assert len(living.pods()) == 1
    results = [pull.result for pull in living.registry.pulls]
    assert results[-1] == "pulled"
    assert all("401 Unauthorized" in each for each in results[:-1])
    assert "stale" not in repr(living.registry.pulls)


def test_as_many_pods_run_at_a_time_as_parallelism_allows(living: Living) -> None:
    """Docs, "Parallel execution for Jobs": fixed completion count."""
    watch = living.store.watch(None, lambda resource: resource.key == JOBS.key)
    living.job(container=shell("sleep 0.1"), parallelism=2, completions=5)
    assert living.until_job("Complete")["status"]["succeeded"] == 5
    active = set()
    while event := watch.take(0):
        active.add(event.object.get("status", {}).get("active", 0))
    assert {0, 2} <= active <= {0, 1, 2}


def test_an_indexed_job_runs_each_index_once(living: Living) -> None:
    """Docs, "Completion mode": each pod has an index, in JOB_COMPLETION_INDEX too."""
    living.job(
        container=shell('echo "index $JOB_COMPLETION_INDEX"'), parallelism=2, completions=3, completion_mode="Indexed"
    )
    job = living.until_job("Complete")
    assert job["status"]["completedIndexes"] == "0-2"
    assert sorted(living.logs(pod) for pod in living.pods()) == ["index 0\n", "index 1\n", "index 2\n"]


def test_a_pod_that_is_deleted_under_a_job_is_counted_and_replaced(living: Living) -> None:
    """KEP-2307: the finalizer job-tracking keeps a pod until its end is counted."""
    living.job(container=shell("sleep 600"))
    first = living.until_pod(running)
    assert first["metadata"]["finalizers"] == [TRACKING]
    delete(living.store, PODS, "default", first["metadata"]["name"], grace=0)
    second = living.until_pod(lambda pod: running(pod) and pod["metadata"]["uid"] != first["metadata"]["uid"])
    assert living.get(JOBS, "work")["status"]["failed"] == 1
    living.until(lambda: [pod["metadata"]["name"] for pod in living.pods()] == [second["metadata"]["name"]])


def test_a_restart_in_place_counts_towards_the_backoff_limit(living: Living) -> None:
    """Docs, "Pod backoff failure policy": with OnFailure the container restarts of a running pod count."""
    living.job(container=shell("exit 1"), pod={"restartPolicy": "OnFailure"}, backoff_limit=2)
    job = living.until_job("Failed")
    found = condition(job, "Failed")
    assert found
    assert found["reason"] == "BackoffLimitExceeded"
    living.until(lambda: not living.pods())


def test_a_finished_job_goes_when_its_time_to_live_is_over(living: Living) -> None:
    """KEP-592: ttlSecondsAfterFinished deletes the Job with its pods."""
    living.job(ttl_seconds_after_finished=1)
    living.until_passed(lambda job: holds(job, "Complete"), JOBS)
    living.until(lambda: living.store.get(JOBS, "default", "work") is None)
    living.until(lambda: not living.pods())
