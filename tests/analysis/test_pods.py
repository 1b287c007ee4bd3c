"""What Jobs, pods and events say, in the words that clusters use."""

import pytest

from drproof.analysis.pods import TAIL, Exit, ended, exits, images, pulled, waiting

DIGEST = "sha256:" + "ab" * 32
IMAGE = f"registry.example/app@{DIGEST}"


def pod(*statuses, init=(), **status):
    return {
        "metadata": {"name": "app-x2z4q", "namespace": "atlas", "uid": "pod-1"},
        "spec": {
            "initContainers": [{"name": "check", "image": "tool:1"}],
            "containers": [{"name": "app", "image": IMAGE}],
        },
        "status": {"containerStatuses": list(statuses), "initContainerStatuses": list(init), **status},
    }


def held(reason, message="", name="app"):
    return {"name": name, "state": {"waiting": {"reason": reason, "message": message}}}


def event(reason, message, *, about=None, key="involvedObject", text="message"):
    return {"reason": reason, text: message, key: about or {"uid": "pod-1", "fieldPath": "spec.containers{app}"}}


UNAUTHORIZED = (
    'failed to pull and unpack image "r/app:1": failed to resolve reference "r/app:1": pulling from host r failed with '
    "status code [manifests 1]: 401 Unauthorized"
)
NOT_FOUND = 'failed to pull and unpack image "r/app:1": failed to resolve reference "r/app:1": r/app:1: not found'


@pytest.mark.parametrize(
    ("reason", "message", "kind"),
    [
        ("ErrImagePull", UNAUTHORIZED, "image_pull_auth"),
        ("ErrImagePull", "no basic auth credentials", "image_pull_auth"),
        ("ImagePullBackOff", 'Back-off pulling image "r/app:1"', "image_pull_auth"),
        ("ImagePullBackOff", f'Back-off pulling image "r/app:1": ErrImagePull: {UNAUTHORIZED}', "image_pull_auth"),
        (
            "ErrImagePull",
            "pull access denied, repository does not exist or may require authorization: r/app:1: not found",
            "image_pull_auth",
        ),
        ("SomethingNew", UNAUTHORIZED, "image_pull_auth"),
        ("ErrImagePull", NOT_FOUND, "invalid_image"),
        ("ImagePullBackOff", "no match for platform in manifest: not found", "invalid_image"),
        ("InvalidImageName", "couldn't parse image name", "invalid_image"),
        ("ErrImageNeverPull", "", "invalid_image"),
        ("CreateContainerConfigError", 'secret "s" not found', "config_error"),
        ("RunContainerError", "exec: no such file", "config_error"),
    ],
)
def test_why_a_container_does_not_start_is_told_by_its_class(reason, message, kind):
    trouble = waiting(pod(held(reason, message), phase="Pending"))
    assert trouble is not None
    assert (trouble.kind, trouble.container, trouble.reason) == (kind, "app", reason)
    assert message.endswith(trouble.message)


def test_an_init_container_keeps_the_pod_waiting_too():
    trouble = waiting(pod(held("PodInitializing"), init=[held("ErrImagePull", "x", "check")], phase="Pending"))
    assert trouble is not None
    assert trouble.container == "check"


def test_the_end_of_a_long_message_is_kept():
    trouble = waiting(pod(held("ErrImagePull", "x" * 1000 + "401 Unauthorized\n")))
    assert trouble is not None
    assert len(trouble.message) == TAIL
    assert trouble.message.endswith("401 Unauthorized")


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("0/1 nodes are available: 1 Insufficient memory. no new claims to deallocate", "insufficient_memory"),
        ("0/2 nodes are available: 1 Insufficient cpu, 1 Insufficient memory.", "insufficient_memory"),
        ("0/1 nodes are available: 1 node(s) had untolerated taint.", "unschedulable"),
    ],
)
def test_a_pod_that_fits_on_no_node_says_what_is_short(message, kind):
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    trouble = waiting(pod(conditions=[condition], phase="Pending"))
    assert trouble is not None
    assert (trouble.kind, trouble.container, trouble.reason) == (kind, "", "Unschedulable")
    assert waiting(pod(conditions=[{**condition, "status": "True"}])) is None


MOUNT = 'MountVolume.SetUp failed for volume "conf" : configmap "conf" not found'


def test_a_volume_that_cannot_be_mounted_is_told_by_events_alone():
    starting = pod(held("ContainerCreating"), phase="Pending")
    trouble = waiting(starting, [event("FailedMount", MOUNT)])
    assert trouble is not None
    assert (trouble.kind, trouble.reason, trouble.message) == ("config_error", "FailedMount", MOUNT)
    assert waiting(starting) is None
    assert waiting(starting, [event("FailedMount", MOUNT, about={"uid": "pod-0"})]) is None
    assert waiting(starting, [event("FailedMount", "MountVolume.SetUp failed: failed to sync configmap cache")]) is None
    assert (
        waiting(pod({"name": "app", "state": {"running": {}}}, phase="Running"), [event("FailedMount", MOUNT)]) is None
    )


@pytest.mark.parametrize("reason", ["ContainerCreating", "PodInitializing", "CrashLoopBackOff"])
def test_a_pod_on_its_way_or_started_again_by_its_job_is_in_no_trouble(reason):
    assert waiting(pod(held(reason, "back-off 10s restarting failed container"))) is None
    assert waiting({"metadata": {"name": "new"}}) is None


def job(*conditions):
    return {"status": {"conditions": [{"type": name, "status": how, "reason": why} for name, how, why in conditions]}}


@pytest.mark.parametrize(
    ("one", "end"),
    [
        ({}, ""),
        (job(), ""),
        (job(("SuccessCriteriaMet", "True", "x")), ""),
        (job(("SuccessCriteriaMet", "True", "x"), ("Complete", "True", "x")), "Complete"),
        (job(("Complete", "False", "x")), ""),
        (job(("FailureTarget", "True", "DeadlineExceeded")), ""),
        (job(("FailureTarget", "True", "x"), ("Failed", "True", "DeadlineExceeded")), "Failed:DeadlineExceeded"),
        (job(("Failed", "True", None)), "Failed:"),
        (job(("Suspended", "True", "JobSuspended")), ""),
    ],
)
def test_a_job_has_ended_once_it_says_so_for_good(one, end):
    assert ended(one) == end


def test_exits_name_container_code_and_reason():
    done = {"name": "check", "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}
    killed = {"name": "app", "state": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}
    assert exits(pod(killed, init=[done])) == (Exit("check", 0, "Completed"), Exit("app", 137, "OOMKilled"))
    assert exits(pod({"name": "app", "state": {"running": {}}})) == ()
    assert exits({}) == ()


def test_a_container_between_two_starts_ended_as_it_last_did():
    before = {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}
    looping = {**held("CrashLoopBackOff"), "lastState": before}
    assert exits(pod(looping)) == (Exit("app", 137, "OOMKilled"),)
    assert exits(pod({"name": "app", "state": {"running": {}}, "lastState": before})) == ()


@pytest.mark.parametrize(
    ("image_id", "digest"),
    [
        (IMAGE, DIGEST),
        (f"docker-pullable://{IMAGE}", DIGEST),
        (DIGEST, ""),
        ("", ""),
        (f"{IMAGE}0", ""),
        (None, ""),
    ],
)
def test_what_runs_is_told_by_the_digest_of_its_repository(image_id, digest):
    status = {"name": "app", "image": "registry.example/app:resolved", "imageID": image_id}
    assert images(pod(status)) == {"app": (IMAGE, digest)}


def test_an_image_that_the_spec_does_not_name_is_the_one_of_the_status():
    assert images(pod({"name": "debug", "image": "tool:2"})) == {"debug": ("tool:2", "")}


FRESH = f'Successfully pulled image "{IMAGE}" in 1.2s (1.2s including waiting). Image size: 9 bytes.'
CACHED = f'Container image "{IMAGE}" already present on machine'


def test_an_image_came_from_the_registry_or_from_the_node():
    assert pulled([event("Pulled", FRESH)], pod()) == {"app": "registry"}
    assert pulled([event("Pulled", CACHED)], pod()) == {"app": "cache"}
    assert pulled([event("Pulled", CACHED), event("Pulled", FRESH), event("Pulled", CACHED)], pod()) == {
        "app": "registry"
    }
    init = {"uid": "pod-1", "fieldPath": "spec.initContainers{check}"}
    assert pulled([event("Pulled", CACHED, about=init, key="regarding", text="note")], pod()) == {"check": "cache"}


def test_an_event_of_another_pod_or_of_another_text_says_nothing():
    others = [
        event("Pulled", FRESH, about={"uid": "pod-0", "fieldPath": "spec.containers{app}"}),
        event("Pulled", "something new"),
        event("Pulling", FRESH),
        {"reason": "Pulled"},
    ]
    assert pulled(others, pod()) == {}


def test_an_event_without_container_counts_for_each_container_of_its_image():
    about = {"name": "app-x2z4q", "namespace": "atlas"}
    assert pulled([event("Pulled", FRESH, about=about)], pod()) == {"app": "registry"}
    tool = event("Pulled", 'Successfully pulled image "tool:1" in 1s', about=about)
    assert pulled([tool], pod()) == {"check": "registry"}
