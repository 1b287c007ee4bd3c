"""Pods as a kubelet runs them: real processes in their own root, with what the manifest gives them and nothing else."""

import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from drproof.embedded.kubernetes.deletion import delete
from drproof.embedded.kubernetes.objects import condition, holds
from drproof.embedded.kubernetes.pace import COMPRESSED
from drproof.embedded.kubernetes.resources import PODS, Object
from drproof.embedded.kubernetes.scripts import Run, Script
from tests.patience import PATIENCE

from .living import DIGEST, HOST, IMAGE, Living, ended, running, shell, waiting


@pytest.fixture
def living(tmp_path: Path) -> Iterator[Living]:
    with Living(tmp_path, AWS_ROLE="instance") as found:
        yield found


def test_a_failing_init_container_fails_the_pod_and_nothing_else_starts(living: Living) -> None:
    """Docs, "Init Containers": with restartPolicy Never the pod fails."""
    living.pod(pod={"initContainers": [{"name": "first", "image": IMAGE, **shell("exit 4")}]})
    pod = living.until_pod(ended)
    assert pod["status"]["phase"] == "Failed"
    assert waiting(pod, "PodInitializing")
    assert not holds(pod, "Initialized")


def test_a_crashing_container_is_restarted_at_once_and_then_backs_off(tmp_path: Path) -> None:
    """Docs, "Pod lifecycle: container restarts": the first is immediate, then CrashLoopBackOff, with both logs kept."""
    with Living(tmp_path, pace=replace(COMPRESSED, backoff_first=600.0)) as living:
        living.pod(container=shell("echo run; exit 2"), pod={"restartPolicy": "Always"})
        pod = living.until_pod(lambda pod: waiting(pod, "CrashLoopBackOff"))
        status = pod["status"]["containerStatuses"][0]
        assert status["restartCount"] == 1
        assert status["lastState"]["terminated"]["exitCode"] == 2
        assert status["state"]["waiting"]["message"].startswith("back-off 600s restarting failed container=main")
        assert pod["status"]["phase"] == "Running"
        assert not holds(pod, "Ready")
        assert living.logs(pod) == living.logs(pod, previous=True) == "run\n"
        assert "BackOff" in living.reasons("solo")


def test_a_crashing_container_is_restarted_later_each_time(living: Living) -> None:
    """Docs, "Pod lifecycle: container restarts": the back-off is exponential."""
    living.pod(container=shell("exit 2"), pod={"restartPolicy": "Always"})

    def waits_for(delay: str, pod: Object) -> bool:
        status = (pod["status"].get("containerStatuses") or [{"state": {}}])[0]
        return str(status["state"].get("waiting", {}).get("message")).startswith(f"back-off {delay} ")

    for restarts, delay in ((1, "0.5s"), (2, "1s")):
        pod = living.until_passed(partial(waits_for, delay))
        assert pod["status"]["containerStatuses"][0]["restartCount"] == restarts


def test_on_failure_restarts_what_failed_and_leaves_what_succeeded(living: Living) -> None:
    """Docs, "Pod lifecycle": restartPolicy OnFailure."""
    living.script(Run(exit_code=1), Run(exit_code=0))
    living.pod(pod={"restartPolicy": "OnFailure"})
    pod = living.until_pod(ended)
    assert pod["status"]["phase"] == "Succeeded"
    assert pod["status"]["containerStatuses"][0]["restartCount"] == 1


def test_a_running_pod_is_ready_and_says_where_it_runs(living: Living) -> None:
    """core/v1 PodStatus."""
    living.pod(container=shell("sleep 600"), pod={"restartPolicy": "Always"})
    pod = living.until_pod(lambda pod: holds(pod, "Ready"))
    status = pod["status"]
    assert status["phase"] == "Running"
    assert {kind: holds(pod, kind) for kind in ("PodScheduled", "Initialized", "ContainersReady")} == dict.fromkeys(
        ("PodScheduled", "Initialized", "ContainersReady"), True
    )
    (container,) = status["containerStatuses"]
    assert container["imageID"] == f"{HOST}/atlas@{DIGEST}"
    assert (container["ready"], container["started"], container["restartCount"]) == (True, True, 0)
    assert container["containerID"].startswith("containerd://")
    assert status["podIP"].startswith("10.42.0.")
    assert status["hostIP"]
    assert status["startTime"]


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ({}, "BestEffort"),
        ({"requests": {"cpu": "100m"}}, "Burstable"),
        ({"limits": {"cpu": "1", "memory": "1Gi"}}, "Guaranteed"),
        ({"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m"}}, "Burstable"),
    ],
)
def test_the_quality_of_service_follows_from_requests_and_limits(
    living: Living, resources: Object, expected: str
) -> None:
    """Docs, "Pod Quality of Service Classes"."""
    living.pod(container={"resources": resources})
    assert living.until_pod(ended)["status"]["qosClass"] == expected


def ended_by_deletion(living: Living, container: Object) -> tuple[Object, float]:
    """Run a container that says when it is ready, delete its pod; its last state, and how long that took."""
    living.pod(container=container)
    # Only what it says shows that a shell has set its trap.
    living.until_pod(lambda pod: running(pod) and living.logs(pod) == "ready\n")
    watch = living.store.watch(None, lambda resource: resource.key == PODS.key)
    begun = time.monotonic()
    gone, at_once = delete(living.store, PODS, "default", "solo")
    assert not at_once
    assert gone["metadata"]["deletionGracePeriodSeconds"] == 30
    while (event := watch.take(PATIENCE)) and event.type != "DELETED":
        pass
    assert event
    return event.object["status"], time.monotonic() - begun


def test_a_deleted_pod_gets_sigterm_and_may_end_by_itself(tmp_path: Path) -> None:
    """Docs, "Pod lifecycle: termination": a process that ends in time is not killed."""
    with Living(tmp_path, pace=replace(COMPRESSED, grace_max=600.0)) as living:
        polite = shell("trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.01; done")
        status, _ = ended_by_deletion(living, polite)
    assert status["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 0
    assert status["phase"] == "Succeeded"


def test_a_deleted_pod_is_killed_after_its_grace_period(living: Living) -> None:
    """Docs, "Pod lifecycle: termination": SIGKILL, not sooner; the grace period is compressed by the pace."""
    status, took = ended_by_deletion(living, shell("trap '' TERM; echo ready; while :; do sleep 0.05; done"))
    assert status["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 137
    assert status["phase"] == "Failed"
    assert took >= COMPRESSED.grace_max


def test_a_pod_that_is_deleted_by_force_leaves_no_process(living: Living) -> None:
    """Docs, "Forced Pod termination": the object goes at once, the kubelet kills what runs."""
    living.pod(container=shell("trap '' TERM; sleep 600 & setsid sleep 601; sleep 602"))
    living.until_pod(running)
    living.until(lambda: len(living.processes()) >= 3)
    _, at_once = delete(living.store, PODS, "default", "solo", grace=0)
    assert at_once
    living.until(lambda: living.processes() == [])


def test_a_container_ends_with_its_first_process_wherever_the_others_fled(living: Living) -> None:
    """A container is a PID namespace: with its first process all others end."""
    living.pod(container=shell("setsid sleep 600 & sleep 601 & exit 0"))
    living.until_pod(ended)
    assert living.processes() == []


def test_a_pod_has_a_deadline_of_its_own(living: Living) -> None:
    """core/v1 PodSpec.activeDeadlineSeconds."""
    living.pod(container=shell("sleep 600"), pod={"activeDeadlineSeconds": 1})
    pod = living.until_pod(ended)
    assert (pod["status"]["phase"], pod["status"]["reason"]) == ("Failed", "DeadlineExceeded")
    assert living.processes() == []


def test_a_script_says_how_a_container_hangs_lies_about_its_image_or_really_runs(living: Living) -> None:
    """Scripts stand in for what an image does; each Run is one attempt, the last one stays."""
    other = "sha256:" + "c3" * 32
    living.script(Run(hang=True), Run(image_digest=other, environment={"EXTRA": "given"}))
    living.pod("hangs", shell("echo $EXTRA"))
    living.until_pod(running)
    assert living.processes() == []
    delete(living.store, PODS, "default", "hangs")
    living.until(lambda: not living.pods())
    for name in ("first", "second"):
        living.pod(name, shell("echo $EXTRA"))
        living.until(lambda: all(ended(pod) for pod in living.pods()))
        pod = living.get(PODS, name)
        assert living.logs(pod) == "given\n"
        assert pod["status"]["containerStatuses"][0]["imageID"] == f"{HOST}/atlas@{other}"


def test_a_scripted_pull_error_is_one_attempt(living: Living) -> None:
    """The next retry asks the registry."""
    living.script(Run(pull_error="rpc error: code = Unknown desc = 500 Internal Server Error"), Run(really=True))
    living.pod(container=shell("echo well"))
    pod = living.until_passed(lambda pod: waiting(pod, "ErrImagePull"))
    assert "500 Internal Server Error" in pod["status"]["containerStatuses"][0]["state"]["waiting"]["message"]
    assert living.logs(living.until_pod(ended)) == "well\n"


def test_a_script_is_about_the_pods_that_match_and_the_container_that_it_names(living: Living) -> None:
    """Of two scripts that match, the one that was given last speaks."""
    kubelet = living.life.kubelet
    kubelet.script(Script(match=lambda _: True, runs=[Run(exit_code=9)]))
    kubelet.script(
        Script(match=lambda pod: pod["metadata"]["name"] == "one", runs=[Run(exit_code=1)], container="side")
    )
    side = {"containers": [{"name": "main", "image": IMAGE}, {"name": "side", "image": IMAGE}]}
    living.pod("one", pod=side)
    living.pod("two", pod=side)
    living.until(lambda: all(ended(pod) for pod in living.pods()))
    codes = {
        pod["metadata"]["name"]: [
            each["state"]["terminated"]["exitCode"] for each in pod["status"]["containerStatuses"]
        ]
        for pod in living.pods()
    }
    assert codes == {"one": [9, 1], "two": [9, 0]}


def test_a_run_that_contradicts_itself_is_refused() -> None:
    """Both an outcome and a process cannot be."""
    with pytest.raises(ValueError, match="either really runs or has an outcome"):
        Run(exit_code=0, really=True)
    with pytest.raises(ValueError, match="at least one Run"):
        Script(match=lambda _: True, runs=[])


def test_the_conditions_of_a_pod_say_when_it_is_over(living: Living) -> None:
    """kubelet status/generate.go: PodCompleted and PodFailed."""
    living.pod("good", shell("exit 0"))
    living.pod("bad", shell("exit 1"))
    living.until(lambda: all(ended(pod) for pod in living.pods()))
    found = {name: condition(living.get(PODS, name), "Ready") for name in ("good", "bad")}
    assert {name: each and each["reason"] for name, each in found.items()} == {
        "good": "PodCompleted",
        "bad": "PodFailed",
    }
