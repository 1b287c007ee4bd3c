"""What a container gets: variables, volumes, a root of its own, and words that lead there."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from drproof.embedded.kubernetes.deletion import delete
from drproof.embedded.kubernetes.objects import holds
from drproof.embedded.kubernetes.resources import CONFIGMAPS, PERSISTENTVOLUMECLAIMS, PODS, SECRETS, Object

from .living import HOST, IMAGE, Living, ended, shell, waiting


@pytest.fixture
def living(tmp_path: Path) -> Iterator[Living]:
    with Living(tmp_path, AWS_ROLE="instance") as found:
        yield found


def output(living: Living, container: Object, pod: Object | None = None) -> str:
    living.pod("said", container, pod)
    return living.logs(living.until_pod(ended))


def test_a_container_has_its_variables_the_nodes_and_nothing_of_the_world(
    living: Living, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment of a container is what its image, manifest and node give it."""
    monkeypatch.setenv("WORLD_SECRET", "leaks")
    lines = output(living, shell("env") | {"env": [{"name": "OWN", "value": "mine"}]}).splitlines()
    variables = dict(line.split("=", 1) for line in lines)
    assert variables["OWN"] == "mine"
    assert variables["AWS_ROLE"] == "instance"
    assert variables["HOSTNAME"] == "said"
    assert set(variables) <= {
        "OWN", "AWS_ROLE", "HOSTNAME", "PATH", "LANG", "HOME", "TMPDIR", "PWD", "SHLVL", "OLDPWD", "_",
        "CONTAINER_ROOT", "CONTAINER_ID",
    }  # fmt: skip


def test_variables_come_from_secrets_config_maps_fields_and_each_other(living: Living) -> None:
    """Docs, "Define Environment Variables for a Container", "Define Dependent Environment Variables"."""
    living.create(SECRETS, {"metadata": {"name": "db"}, "stringData": {"password": "hunter2"}})
    living.create(CONFIGMAPS, {"metadata": {"name": "app"}, "data": {"MODE": "fast"}})
    env = [
        {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}},
        {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
        {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "BOTH", "value": "$(NODE)/$(POD)/$$(NODE)/$(NONE)"},
        {"name": "ABSENT", "valueFrom": {"configMapKeyRef": {"name": "app", "key": "none", "optional": True}}},
    ]
    container = {
        "command": ["/bin/sh", "-c", 'echo "$P_MODE $PASSWORD $BOTH $1 ${ABSENT-unset}"', "sh", "$(P_MODE)!"],
        "env": env,
        "envFrom": [{"prefix": "P_", "configMapRef": {"name": "app"}}],
    }
    assert output(living, container) == "fast hunter2 n1/said/$(NODE)/$(NONE) fast! unset\n"


def test_a_mounted_script_runs_by_the_path_that_the_manifest_names(living: Living) -> None:
    """Words that begin with a mount path lie below the container's root; python3 is the world's own."""
    living.create(CONFIGMAPS, {"metadata": {"name": "tools"}, "data": {"report.py": "import sys; print(sys.argv[1:])"}})
    container = {
        "command": ["python3", "/drproof/report.py", "/other/path"],
        "volumeMounts": [{"name": "tools", "mountPath": "/drproof"}],
    }
    said = output(living, container, {"volumes": [{"name": "tools", "configMap": {"name": "tools"}}]})
    assert said == "['/other/path']\n"


def test_the_containers_of_a_pod_share_its_volumes_and_init_containers_come_first(living: Living) -> None:
    """Docs, "Init Containers": each runs to completion, in order, before the others start."""
    mount = {"volumeMounts": [{"name": "state", "mountPath": "/app/state"}]}
    pod = {
        "volumes": [{"name": "state", "emptyDir": {}}],
        "initContainers": [
            {"name": "first", "image": IMAGE, **shell("echo one > app/state/log"), **mount},
            {"name": "second", "image": IMAGE, **shell('echo two >> "$STATE/log"'), **mount}
            | {"env": [{"name": "STATE", "value": "/app/state"}]},
        ],
    }
    assert output(living, shell("cat app/state/log") | mount, pod) == "one\ntwo\n"
    (found,) = living.pods()
    assert [each["state"]["terminated"]["reason"] for each in found["status"]["initContainerStatuses"]] == [
        "Completed"
    ] * 2
    assert holds(found, "Initialized")


def test_secrets_are_files_with_the_modes_and_names_that_are_asked_for(living: Living) -> None:
    """Docs, "Secrets: using Secrets as files": items, defaultMode, mode; an optional one may be absent."""
    living.create(SECRETS, {"metadata": {"name": "keys"}, "stringData": {"a": "A", "b": "B"}})
    secret = {"secretName": "keys", "defaultMode": 0o400, "items": [{"key": "a", "path": "deep/a.txt"}]}
    volumes = [{"name": "keys", "secret": secret}, {"name": "none", "secret": {"secretName": "no", "optional": True}}]
    mounts = [{"name": "keys", "mountPath": "/keys"}, {"name": "none", "mountPath": "/none"}]
    script = "cd keys; find . -type f -exec stat -c '%n %a' {} +; cat deep/a.txt; ls ../none"
    assert output(living, shell(script) | {"volumeMounts": mounts}, {"volumes": volumes}) == "./deep/a.txt 400\nA"


def test_a_host_path_lies_on_the_nodes_disk_and_outlives_the_pod(living: Living) -> None:
    """Docs, "Volumes: hostPath"; the disk is a folder of the node, never this machine's."""
    volumes = [{"name": "disk", "hostPath": {"path": "/srv/state", "type": "DirectoryOrCreate"}}]
    container = shell("echo kept > srv/file") | {"volumeMounts": [{"name": "disk", "mountPath": "/srv"}]}
    output(living, container, {"volumes": volumes})
    assert (living.life.kubelet.host_folder("n1") / "srv/state/file").read_text() == "kept\n"


def test_a_claim_is_bound_when_its_pod_has_a_node_and_its_content_outlives_the_pod(living: Living) -> None:
    """k3s local-path: WaitForFirstConsumer, a folder of the node."""
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    living.create(PERSISTENTVOLUMECLAIMS, {"metadata": {"name": "data"}, "spec": claim})
    living.until(lambda: living.reasons("data") == ["WaitForFirstConsumer"])
    assert living.get(PERSISTENTVOLUMECLAIMS, "data")["status"]["phase"] == "Pending"
    pod = {"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]}
    mounts = {"volumeMounts": [{"name": "data", "mountPath": "/data"}]}
    living.pod("writer", shell("echo kept > data/file") | mounts, pod)
    living.until_pod(ended)
    assert living.get(PERSISTENTVOLUMECLAIMS, "data")["status"]["phase"] == "Bound"
    delete(living.store, PODS, "default", "writer")
    living.until(lambda: not living.pods())
    assert output(living, shell("cat data/file") | mounts, pod) == "kept\n"


@pytest.mark.parametrize("kind", ["configMap", "secret"])
def test_a_pod_waits_for_a_missing_volume_and_goes_on_when_it_is_there(living: Living, kind: str) -> None:
    """Measured on kubelets: the container stays ContainerCreating, FailedMount says why."""
    source = {"configMap": {"name": "late"}, "secret": {"secretName": "late"}}[kind]
    living.pod(container=shell("exit 0"), pod={"volumes": [{"name": "late", kind: source}]})
    living.until(lambda: "FailedMount" in living.reasons("solo"))
    pod = living.get(PODS, "solo")
    assert waiting(pod, "ContainerCreating")
    message = dict(living.events("solo"))["FailedMount"]
    assert message == f'MountVolume.SetUp failed for volume "late" : {kind.lower()} "late" not found'
    living.create(CONFIGMAPS if kind == "configMap" else SECRETS, {"metadata": {"name": "late"}})
    living.until_pod(ended)


def test_a_missing_key_is_a_configuration_error_until_it_is_there(living: Living) -> None:
    """kubelet: CreateContainerConfigError, looked at again."""
    living.create(SECRETS, {"metadata": {"name": "db"}, "stringData": {"user": "u"}})
    reference = {"secretKeyRef": {"name": "db", "key": "password"}}
    living.pod(container=shell("echo $PASSWORD") | {"env": [{"name": "PASSWORD", "valueFrom": reference}]})
    pod = living.until_pod(lambda pod: waiting(pod, "CreateContainerConfigError"))
    message = pod["status"]["containerStatuses"][0]["state"]["waiting"]["message"]
    assert message == "couldn't find key password in Secret default/db"
    living.store.update(SECRETS, "default", "db", lambda secret: secret["data"].update(password="cHc="))
    assert living.logs(living.until_pod(ended)) == "pw\n"


def test_what_cannot_be_run_is_a_start_error(living: Living) -> None:
    """containerd: reason StartError, exit code 128, runc's text."""
    living.pod(container={"command": ["no-such-program"]})
    pod = living.until_pod(ended)
    state = pod["status"]["containerStatuses"][0]["state"]["terminated"]
    assert (state["exitCode"], state["reason"]) == (128, "StartError")
    assert 'exec: "no-such-program": executable file not found in $PATH' in state["message"]


def test_an_image_without_a_program_needs_a_command(living: Living) -> None:
    """containerd: `no command specified`."""
    other = "sha256:" + "b2" * 32
    living.registry.push(HOST, "empty", digest=other)
    living.pod(container={"image": f"{HOST}/empty@{other}"})
    pod = living.until_pod(lambda pod: waiting(pod, "CreateContainerError"))
    assert "no command specified" in pod["status"]["containerStatuses"][0]["state"]["waiting"]["message"]


def test_output_is_kept_up_to_a_bound_and_the_rest_is_drained(living: Living) -> None:
    """A kubelet bounds a container's log at 10 MiB."""
    living.pod(container=shell("head -c 12000000 /dev/zero; exit 5"))
    pod = living.until_pod(ended)
    assert len(living.logs(pod)) == 10 * 2**20
    assert pod["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 5


def test_mounts_and_sub_paths_lead_nowhere_outside(living: Living) -> None:
    """validation refuses `..`; where it does not, the kubelet keeps inside the volume."""
    mounts = [
        {"name": "v", "mountPath": "/a/../../../../../escaped"},
        {"name": "v", "mountPath": "/part", "subPath": "x"},
    ]
    container = shell("ls; echo in > part/file; cat escaped/x/file") | {"volumeMounts": mounts}
    said = output(living, container, {"volumes": [{"name": "v", "emptyDir": {}}]})
    assert said.splitlines() == ["dev", "escaped", "part", "tmp", "in"]
    assert not os.path.lexists("/escaped")


def test_one_key_can_be_mounted_as_a_file_beside_what_the_image_holds(living: Living) -> None:
    """Docs, "Volumes: using subPath"."""
    living.create(CONFIGMAPS, {"metadata": {"name": "app"}, "data": {"app.yaml": "mode: fast"}})
    mounts = [{"name": "app", "mountPath": "/etc/app/app.yaml", "subPath": "app.yaml"}]
    container = {"command": ["cat", "/etc/app/app.yaml"], "volumeMounts": mounts}
    assert output(living, container, {"volumes": [{"name": "app", "configMap": {"name": "app"}}]}) == "mode: fast"


def test_a_mount_inside_another_volume_never_removes_what_lies_there(living: Living) -> None:
    """On a real node the inner mount hides it; here the pod says that it cannot be made, and nothing is lost."""
    kept = living.life.kubelet.host_folder("n1") / "srv/inner/file"
    kept.parent.mkdir(parents=True)
    kept.write_text("kept")
    volumes = [{"name": "outer", "hostPath": {"path": "/srv"}}, {"name": "inner", "emptyDir": {}}]
    mounts = [{"name": "inner", "mountPath": "/data/inner"}, {"name": "outer", "mountPath": "/data"}]
    living.pod(container=shell("exit 0") | {"volumeMounts": mounts}, pod={"volumes": volumes})
    living.until_pod(lambda pod: waiting(pod, "CreateContainerError"))
    assert kept.read_text() == "kept"
    kept.unlink()
    assert living.until_pod(ended)["status"]["phase"] == "Succeeded"


def test_a_variable_that_no_process_can_have_keeps_only_its_container_from_starting(living: Living) -> None:
    """One bad pod never stops the others of its node."""
    living.create(SECRETS, {"metadata": {"name": "raw"}, "data": {"bytes": "AAE="}})
    reference = {"secretKeyRef": {"name": "raw", "key": "bytes"}}
    living.pod("bad", shell("exit 0") | {"env": [{"name": "RAW", "valueFrom": reference}]})
    living.until_pod(lambda pod: waiting(pod, "CreateContainerError"))
    living.pod("good", shell("exit 0"))
    living.until(lambda: ended(living.get(PODS, "good")))


@pytest.mark.parametrize(
    ("policy", "script", "expected"),
    [
        ("File", 'echo said > "$CONTAINER_ROOT/dev/termination-log"; exit 1', "said\n"),
        ("FallbackToLogsOnError", "echo first; echo last; exit 1", "first\nlast\n"),
        ("FallbackToLogsOnError", "echo well", None),
        ("File", "echo first; exit 1", None),
    ],
)
def test_a_container_may_leave_a_termination_message(
    living: Living, policy: str, script: str, expected: str | None
) -> None:
    """Docs, "Determine the Reason for Pod Failure": terminationMessagePath, terminationMessagePolicy."""
    living.pod(container=shell(script) | {"terminationMessagePolicy": policy})
    state = living.until_pod(ended)["status"]["containerStatuses"][0]["state"]["terminated"]
    assert state.get("message") == expected
