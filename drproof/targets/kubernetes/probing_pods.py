"""Probes of how a cluster runs things: Jobs, pods that cannot start, events, logs."""

from typing import Any

from drproof.model.cluster import EVENT, JOB, NODE, POD, Manifest
from drproof.model.errors import TargetError
from drproof.targets.kubernetes.ground import (
    Ground,
    NotShownError,
    Probe,
    condition,
    expect,
    job_spec,
)

PULLING = frozenset({"ErrImagePull", "ImagePullBackOff"})
TOO_MUCH = "1000Ti"
LINE = "drproof was here\n"


def job_template_immutable(ground: Ground) -> str:
    """A change of a Job's template."""
    # Suspended, it makes no pod.
    ground.create(ground.manifest(JOB, "job-template", spec=job_spec(suspend=True)))
    changed = ground.manifest(JOB, "job-template", spec=job_spec(suspend=True, image="registry.invalid/other:1"))
    try:
        # Applied, not replaced: the controller writes to a Job too, and that conflict is not what is asked for.
        ground.apply(changed)
    except TargetError as exc:
        expect(exc.code == "Invalid", f"expected Invalid, got {exc.code}")
        return "the change got Invalid"
    expect(holds=False, what="expected the template of a Job to stay, and it was changed")
    return ""


def pods_go_with_their_job(ground: Ground) -> str:
    """The pods of a Job that is removed."""
    job = ground.create(ground.manifest(JOB, "pods-go", spec=job_spec(nowhere=True)))
    ground.pod_of(job)
    ground.delete(job)
    ground.until(lambda: not ground.pods(job), "the pods of a Job that is removed to go too")
    return "its pod went too"


def unpullable_image(ground: Ground) -> str:
    """A Job whose image cannot be pulled."""
    if not any(condition(node, "Ready") for node in ground.cluster.list(NODE)):
        msg = "no node is ready: nothing is pulled"
        raise NotShownError(msg)
    job = ground.create(ground.manifest(JOB, "unpullable", spec=job_spec()))
    reasons: list[str] = []

    def backs_off(found: Manifest | None) -> bool:
        if _unscheduled(found).get("reason") == "Unschedulable":
            msg = f"no node takes a pod without demands: {_unscheduled(found).get('message', '')}"
            raise NotShownError(msg)
        reason = _waiting(found)
        if reason in PULLING and reason not in reasons:
            reasons.append(reason)
        return reason == "ImagePullBackOff"

    ground.wait(ground.pod_of(job), backs_off, "its pod to say ImagePullBackOff")
    now = ground.cluster.get(JOB, "unpullable", namespace=ground.namespace)
    expect(not condition(now, "Failed") and not condition(now, "Complete"), "expected the Job not to have ended")
    active = ((now or {}).get("status") or {}).get("active")
    expect(active == 1, f"expected the Job to say that 1 pod is active, got {active}")
    return f"the pod said {' and '.join(reasons)}; the Job still says active"


def deadline_ends_a_job(ground: Ground) -> str:
    """A Job whose pod never starts, with a deadline."""
    job = ground.create(ground.manifest(JOB, "deadline", spec=job_spec(nowhere=True, activeDeadlineSeconds=1)))
    ended = ground.wait(job, lambda found: bool(condition(found, "Failed")), "it to fail")
    reason = condition(ended, "Failed").get("reason")
    expect(reason == "DeadlineExceeded", f"expected the reason DeadlineExceeded, got {reason}")
    return "it failed with DeadlineExceeded"


def unschedulable_pod(ground: Ground) -> str:
    """A pod that needs more than there is."""
    pod = ground.start(_too_big(ground, "unschedulable"))
    said = ground.wait(
        pod, lambda found: _unscheduled(found).get("reason") == "Unschedulable", "it to be Unschedulable"
    )
    message = str(_unscheduled(said).get("message", ""))
    expect("Insufficient memory" in message, f"expected the message to say `Insufficient memory`, got {message!r}")
    return message[:120]


def events_readable(ground: Ground) -> str:
    """What the scheduler's events say."""
    pod = ground.start(_too_big(ground, "events"))
    uid = pod["metadata"]["uid"]

    def reasons() -> set[str]:
        events = ground.cluster.list(EVENT, namespace=ground.namespace)
        return {str(event.get("reason")) for event in events if event.get("involvedObject", {}).get("uid") == uid}

    ground.until(lambda: "FailedScheduling" in reasons(), "an event FailedScheduling of the pod")
    return ", ".join(sorted(reasons()))


def logs_after_the_end(ground: Ground) -> str:
    """The log of a container that has ended."""
    if not ground.image:
        msg = "needs an image with /bin/sh that the cluster can pull: --image REF"
        raise NotShownError(msg)
    command = ("/bin/sh", "-c", f"printf '%s\\n' '{LINE.strip()}'")
    job = ground.create(ground.manifest(JOB, "logs", spec=job_spec(image=ground.image, command=command)))
    ended = ground.wait(job, _has_ended, "it to end")
    name = str(ground.pod_of(job)["metadata"]["name"])
    expect(
        bool(condition(ended, "Complete")), f"expected it to complete, got {condition(ended, 'Failed').get('reason')}"
    )
    log = ground.cluster.logs(name, namespace=ground.namespace, container="main", limit_bytes=1 << 16)
    expect(log == LINE, f"expected the log {LINE!r}, got {log[:120]!r}")
    cut = ground.cluster.logs(name, namespace=ground.namespace, container="main", limit_bytes=7)
    expect(cut == LINE[:7], f"expected the first 7 bytes of the log, got {cut!r}")
    return "the log was whole, and bounded when asked"


def _has_ended(job: Manifest | None) -> bool:
    return bool(condition(job, "Complete") or condition(job, "Failed"))


def _too_big(ground: Ground, name: str) -> dict[str, Any]:
    container = {"name": "main", "image": "registry.invalid/x:1", "resources": {"requests": {"memory": TOO_MUCH}}}
    return ground.manifest(POD, name, spec={"restartPolicy": "Never", "containers": [container]})


def _waiting(pod: Manifest | None) -> str:
    statuses = ((pod or {}).get("status") or {}).get("containerStatuses") or ()
    return next((str(each["state"]["waiting"].get("reason")) for each in statuses if "waiting" in each["state"]), "")


def _unscheduled(pod: Manifest | None) -> dict[str, Any]:
    conditions = ((pod or {}).get("status") or {}).get("conditions") or ()
    found = (each for each in conditions if each["type"] == "PodScheduled" and each["status"] == "False")
    return next(found, {})


JOBS = "Kubernetes documentation: Jobs"

POD_PROBES = (
    Probe(
        name="job_template_immutable",
        claim="the template of a Job cannot be changed: 422 Invalid",
        source=JOBS,
        show=job_template_immutable,
    ),
    Probe(
        name="pods_go_with_their_job",
        claim="removing a Job with propagation Background removes its pods",
        source="Kubernetes documentation: Garbage Collection",
        show=pods_go_with_their_job,
    ),
    Probe(
        name="unpullable_image",
        claim="an image that cannot be pulled does not end a Job: its pod says ErrImagePull or ImagePullBackOff",
        source="Kubernetes documentation: Images, ImagePullBackOff",
        show=unpullable_image,
    ),
    Probe(
        name="deadline_ends_a_job",
        claim="activeDeadlineSeconds ends a Job whose pod never starts: DeadlineExceeded",
        source=f"{JOBS}, Job termination and cleanup",
        show=deadline_ends_a_job,
    ),
    Probe(
        name="unschedulable_pod",
        claim="a pod that needs more memory than there is says Unschedulable and Insufficient memory",
        source="Kubernetes documentation: Resource Management for Pods and Containers",
        show=unschedulable_pod,
    ),
    Probe(
        name="events_readable",
        claim="the events of a pod can be read",
        source="Kubernetes API reference: Event v1",
        show=events_readable,
    ),
    Probe(
        name="logs_after_the_end",
        claim="the log of a container can be read after its end, whole and bounded",
        source="Kubernetes documentation: Logging Architecture",
        show=logs_after_the_end,
    ),
)
