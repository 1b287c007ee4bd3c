"""Images as nodes get them: references, logins, caches, and the words of containerd when they do not."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from drproof.embedded.kubernetes.images import Images
from drproof.embedded.kubernetes.nodes import Node
from drproof.embedded.kubernetes.registry import Login, Program, PullRefusedError, Reference, Registry
from drproof.embedded.kubernetes.resources import NODES, PODS, SECRETS, Object
from drproof.embedded.kubernetes.scripts import Run
from drproof.embedded.kubernetes.store import Store
from tests.patience import PATIENCE

from .living import DIGEST, ECHO, HOST, IMAGE, Living, ended, shell, waiting

OTHER = "sha256:" + "d4" * 32


@pytest.fixture
def living(tmp_path: Path) -> Iterator[Living]:
    with Living(tmp_path) as found:
        yield found


def message(pod: Object) -> str:
    return str(pod["status"]["containerStatuses"][0]["state"]["waiting"]["message"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nginx", "docker.io/library/nginx:latest"),
        ("team/app:v1", "docker.io/team/app:v1"),
        ("localhost/app", "localhost/app:latest"),
        ("registry:5000/a/b", "registry:5000/a/b:latest"),
        (f"{HOST}/atlas@{DIGEST}", f"{HOST}/atlas@{DIGEST}"),
        (f"ghcr.io/a/b:v1@{DIGEST}", f"ghcr.io/a/b:v1@{DIGEST}"),
    ],
)
def test_short_names_are_written_out_as_containerd_does(text: str, expected: str) -> None:
    """distribution/reference, ParseDockerRef."""
    assert str(Reference.parse(text)) == expected


@pytest.mark.parametrize("text", ["", "UPPER", "a b", "host/a@sha256:12", "host/a:", "-a", "a//b", "x" * 600])
def test_what_is_no_reference_is_refused(text: str) -> None:
    """distribution/reference: invalid reference format."""
    with pytest.raises(ValueError, match="invalid reference format"):
        Reference.parse(text)


def pulled(registry: Registry, text: str, *logins: Login, architecture: str = "arm64") -> str:
    return registry.pull(Reference.parse(text), logins, "n1", architecture).identity


def registry() -> Registry:
    found = Registry()
    found.push(HOST, "atlas", tags=("v1",), digest=DIGEST, program=ECHO)
    return found


def test_an_image_is_served_by_tag_and_by_digest_and_a_tag_moves() -> None:
    """OCI distribution: tags are mutable, digests are not."""
    found = registry()
    assert pulled(found, f"{HOST}/atlas:v1") == pulled(found, IMAGE) == IMAGE
    found.push(HOST, "atlas", tags=("v1",), digest=OTHER)
    assert pulled(found, f"{HOST}/atlas:v1") == f"{HOST}/atlas@{OTHER}"
    assert pulled(found, IMAGE) == IMAGE
    found.remove(HOST, "atlas", DIGEST)
    with pytest.raises(PullRefusedError, match="not found"):
        pulled(found, IMAGE)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            f"{HOST}/atlas:none",
            f'reference "{HOST}/atlas:none": {HOST}/atlas:none: not found',
        ),
        (
            "nowhere.example/a:v1",
            '"https://nowhere.example/v2/a/manifests/v1": dial tcp: lookup nowhere.example: no such host',
        ),
    ],
)
def test_what_is_not_there_is_said_in_containerds_words(text: str, expected: str) -> None:
    """containerd: `not found`; Go's dialer: `no such host`."""
    with pytest.raises(PullRefusedError) as refused:
        pulled(registry(), text)
    assert str(refused.value).endswith(expected)


def test_an_image_of_another_architecture_has_no_match() -> None:
    """containerd: `no match for platform in manifest: not found`."""
    found = registry()
    found.push(HOST, "atlas", tags=("amd",), digest=OTHER, architectures=("amd64",))
    with pytest.raises(PullRefusedError, match="no match for platform in manifest: not found"):
        pulled(found, f"{HOST}/atlas:amd")
    assert pulled(found, f"{HOST}/atlas:amd", architecture="amd64") == f"{HOST}/atlas@{OTHER}"


def test_a_login_that_does_not_pass_is_401_and_no_password_is_kept() -> None:
    """rancher/rke2#3462: `failed with status code [manifests TAG]: 401 Unauthorized`."""
    found = registry()
    found.require_login(HOST, lambda user, password: (user, password) == ("AWS", "fresh"))
    for logins in ((), (Login("AWS", "stale"),)):
        with pytest.raises(PullRefusedError) as refused:
            pulled(found, f"{HOST}/atlas:v1", *logins)
        assert str(refused.value).endswith(
            f"pulling from host {HOST} failed with status code [manifests v1]: 401 Unauthorized"
        )
    assert pulled(found, f"{HOST}/atlas:v1", Login("AWS", "stale"), Login("AWS", "fresh")) == IMAGE
    assert [pull.user for pull in found.pulls] == ["", "AWS", "AWS"]
    assert "fresh" not in repr((found.pulls, Login("AWS", "fresh")))


def test_a_fault_of_the_registry_is_why_a_pull_fails() -> None:
    """Scenarios put what a registry answers in bad times into `faults`."""
    found = registry()
    found.faults.append(lambda reference, node: f"toomanyrequests: {reference.repository} on {node}")
    with pytest.raises(
        PullRefusedError, match=r"failed with status code \[manifests sha256:a1.*\]: toomanyrequests: atlas on n1"
    ):
        pulled(found, IMAGE)


def logins(auths: Object, image: str, *, kind: str = ".dockerconfigjson") -> list[Login]:
    store = Store()
    text = json.dumps({"auths": auths} if kind == ".dockerconfigjson" else auths)
    data = {kind: base64.b64encode(text.encode()).decode()}
    store.create(SECRETS, {"metadata": {"name": "pull", "namespace": "default"}, "data": data})
    pod = {"metadata": {"namespace": "default"}, "spec": {"imagePullSecrets": [{"name": "pull"}, {"name": "none"}]}}
    return list(Images(store, Registry()).logins(pod, Reference.parse(image)))


@pytest.mark.parametrize(
    ("address", "image", "applies"),
    [
        (HOST, IMAGE, True),
        (f"https://{HOST}", IMAGE, True),
        (f"https://{HOST}/v2/", IMAGE, True),
        ("*.dkr.ecr.us-east-1.amazonaws.com", IMAGE, True),
        (f"{HOST}/atlas", IMAGE, True),
        (f"{HOST}/atl", IMAGE, False),
        (HOST.replace("east", "west"), IMAGE, False),
        ("https://index.docker.io/v1/", "nginx", True),
        ("https://index.docker.io/v1/", IMAGE, False),
    ],
)
def test_credentials_are_used_for_the_registry_that_they_are_for(address: str, image: str, applies: bool) -> None:
    """Docs, "Images: interpretation of config.json": hosts, wildcards and path prefixes."""
    expected = [Login("AWS", "pw")] if applies else []
    assert logins({address: {"username": "AWS", "password": "pw"}}, image) == expected


def test_credentials_are_read_in_each_form_and_malformed_ones_give_none() -> None:
    """kubernetes.io/dockerconfigjson and kubernetes.io/dockercfg; `auth` is Base64 of user:password."""
    auth = base64.b64encode(b"AWS:p:w").decode()
    assert logins({HOST: {"auth": auth}}, IMAGE) == [("AWS", "p:w")]
    assert logins({HOST: {"auth": auth}}, IMAGE, kind=".dockercfg") == [("AWS", "p:w")]
    assert logins({HOST: {"auth": "%%"}, "other": 3}, IMAGE) == []


def test_a_cached_image_passes_with_a_broken_secret_unless_it_is_always_pulled(living: Living) -> None:
    """Docs, "Images: imagePullPolicy": with IfNotPresent what the node holds needs no registry."""
    living.pod("warm", {"image": f"{HOST}/atlas:v1"})
    living.until(lambda: ended(living.get(PODS, "warm")))
    living.registry.require_login(HOST, lambda *_: False)
    living.pod("cached", shell("exit 0"))
    living.until(lambda: ended(living.get(PODS, "cached")))
    assert dict(living.events("cached"))["Pulled"] == f'Container image "{IMAGE}" already present on machine'
    living.pod("asks", {"imagePullPolicy": "Always"})
    pod = living.until(lambda: next((p for p in living.pods() if waiting(p, "ImagePullBackOff")), None))
    assert pod["metadata"]["name"] == "asks"
    assert living.registry.pulls[0].result == "pulled"
    assert "Pulling" not in living.reasons("cached")


def test_failing_pulls_alternate_between_error_and_back_off(living: Living) -> None:
    """kubelet images/image_manager.go: ErrImagePull, then ImagePullBackOff until the next attempt, later each time."""
    watch = living.store.watch(None, lambda resource: resource.key == PODS.key)
    living.pod(container={"image": f"{HOST}/atlas:none"})
    seen: list[str] = []
    while len(seen) < 6:
        event = watch.take(PATIENCE)
        assert event, seen
        for each in event.object.get("status", {}).get("containerStatuses", []):
            reason = each["state"]["waiting"]["reason"]
            seen += [reason] if seen[-1:] != [reason] else []
    assert seen == ["ContainerCreating", *["ErrImagePull", "ImagePullBackOff"] * 2, "ErrImagePull"]
    assert len(living.registry.pulls) >= 3
    said = living.events("solo")
    assert ("BackOff", f'Back-off pulling image "{HOST}/atlas:none"') in said
    assert {"Error: ErrImagePull", "Error: ImagePullBackOff"} <= {text for reason, text in said if reason == "Failed"}


def test_a_kubelet_whose_turn_comes_late_still_passes_through_the_back_off(tmp_path: Path) -> None:
    """However slow the node: ImagePullBackOff and CrashLoopBackOff precede the next attempt, each once at least."""
    living = Living(tmp_path)
    living.store.create(NODES, Node("n1").document(0))
    absent = {"spec": {"nodeName": "n1", "containers": [{"name": "main", "image": f"{HOST}/atlas:none"}]}}
    crashes = {"spec": {"nodeName": "n1", "restartPolicy": "Always", "containers": [{"name": "main", "image": IMAGE}]}}
    for name, pod in (("absent", absent), ("crashes", crashes)):
        living.store.create(PODS, {"metadata": {"name": name, "namespace": "default", "labels": {}}} | pod)
    living.script(Run(exit_code=1))
    states: dict[str, list[str]] = {"absent": [], "crashes": []}
    for turn in range(12):
        # Between two turns more time goes by than any delay lasts.
        living.life.kubelet.reconcile(turn * 3600.0)
        for name, passed in states.items():
            (said,) = living.get(PODS, name)["status"]["containerStatuses"]
            reason = said["state"].get("waiting", {}).get("reason", *said["state"])
            passed.extend([reason] if passed[-1:] != [reason] else [])
    assert states["absent"][:4] == ["ErrImagePull", "ImagePullBackOff"] * 2
    # The first restart is at once.
    at_once, backed_off = ["running", "terminated"], ["running", "terminated", "CrashLoopBackOff"]
    assert states["crashes"][:8] == [*at_once, *backed_off * 2]


def test_an_image_that_may_not_be_pulled_has_to_be_there(living: Living) -> None:
    """imagePullPolicy Never: ErrImageNeverPull."""
    living.pod(container={"imagePullPolicy": "Never"})
    pod = living.until_pod(lambda pod: waiting(pod, "ErrImageNeverPull"))
    assert message(pod) == f'Container image "{IMAGE}" is not present with pull policy of Never'
    assert living.registry.pulls == ()


def test_a_name_that_is_no_reference_is_said_and_never_asked_for(living: Living) -> None:
    """kubelet: InvalidImageName, event InspectFailed."""
    living.pod(container={"image": "Not/Valid:name:twice"})
    pod = living.until_pod(lambda pod: waiting(pod, "InvalidImageName"))
    assert "couldn't parse image name" in message(pod)
    assert "InspectFailed" in living.reasons("solo")
    assert living.registry.pulls == ()


def test_a_pull_secret_that_is_not_there_is_said(living: Living) -> None:
    """kubelet: FailedToRetrieveImagePullSecret; the pull is attempted all the same."""
    living.pod(pod={"imagePullSecrets": [{"name": "gone"}]})
    living.until_pod(ended)
    assert (
        "Unable to retrieve some image pull secrets (gone)"
        in dict(living.events("solo"))["FailedToRetrieveImagePullSecret"]
    )


def test_a_node_lists_its_images_and_each_node_has_its_own(living: Living) -> None:
    """core/v1 NodeStatus.images."""
    living.life.add_node(Node("n2"))
    living.pod("one", {"image": f"{HOST}/atlas:v1"}, {"nodeSelector": {"kubernetes.io/hostname": "n1"}})
    living.until(lambda: ended(living.get(PODS, "one")))
    (found,) = living.get(NODES, "n1")["status"]["images"]
    assert found["names"] == [IMAGE, f"{HOST}/atlas:v1"]
    assert living.get(NODES, "n2")["status"]["images"] == []


def test_command_and_args_replace_entrypoint_and_cmd(living: Living) -> None:
    """Docs, "Define a Command and Arguments for a Container": the four cases."""
    program = Program(
        entrypoint=("/bin/echo", "entry"), arguments=("default",), files={"/app/run.sh": "echo from the image"}
    )
    living.registry.push(HOST, "words", digest=OTHER, program=program)
    cases: dict[str, tuple[Object, str]] = {
        "neither": ({}, "entry default\n"),
        "args": ({"args": ["given"]}, "entry given\n"),
        "command": ({"command": ["/bin/echo", "only"]}, "only\n"),
        "both": ({"command": ["/bin/echo"], "args": ["all"]}, "all\n"),
        "file": ({"command": ["/bin/sh", "/app/run.sh"]}, "from the image\n"),
    }
    for name, (container, _) in cases.items():
        living.pod(name, {"image": f"{HOST}/words@{OTHER}"} | container)
    living.until(lambda: all(ended(pod) for pod in living.pods()))
    assert {name: living.logs(living.get(PODS, name)) for name in cases} == {
        name: said for name, (_, said) in cases.items()
    }
