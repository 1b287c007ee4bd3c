"""The real kubectl against the embedded API: its commands do what they do on any cluster."""

import json
import re
from pathlib import Path

import pytest
import yaml

from drproof.embedded.kubernetes.resources import Object
from tests.patience import PATIENCE, until
from tests.shares import FEW

from .conftest import IMAGE, Kubectl, Running, config_map, deployment, job, pod_template
from .test_api_objects import cron_job

pytestmark = pytest.mark.costly(days=FEW)

_KINDS: list[Object] = [
    {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "pull"}, "data": {"a": "Yg=="}},
    config_map(a="1", b="2"),
    cron_job(),
    deployment(),
]
MANIFESTS = "\n---\n".join(
    yaml.safe_dump({**each, "metadata": {**each["metadata"], "namespace": "dr"}}) for each in _KINDS
)
NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: dr}\n---\n"


@pytest.mark.parametrize("server_side", [False, True])
def test_apply_creates_and_then_finds_nothing_to_do(kubectl: Kubectl, server_side: bool):
    """kubectl reference, "apply"."""
    how = ("--server-side",) if server_side else ()
    first = kubectl("apply", *how, "-f", "-", given=NAMESPACE + MANIFESTS).stdout
    second = kubectl("apply", *how, "-f", "-", given=NAMESPACE + MANIFESTS).stdout
    ending, later = ("serverside-applied",) * 2 if server_side else ("created", "unchanged")
    assert [line.split()[-1] for line in first.splitlines()] == [ending] * 5
    assert [line.split()[-1] for line in second.splitlines()] == [later] * 5


def test_apply_removes_what_its_manifest_no_longer_says(kubectl: Kubectl):
    """kubectl docs, "Declarative Management": three-way merge with the last applied configuration."""
    kubectl("apply", "-f", "-", given=yaml.safe_dump(config_map(a="1", b="2")))
    changed = kubectl("apply", "-f", "-", given=yaml.safe_dump(config_map(a="3")))
    assert changed.stdout == "configmap/settings configured\n"
    assert json.loads(kubectl("get", "cm", "settings", "-o", "jsonpath={.data}").stdout) == {"a": "3"}


@pytest.mark.parametrize("how", [(), ("--server-side",)])
def test_a_manifest_that_changed_a_lot_is_what_there_is(kubectl: Kubectl, how: tuple[str, ...]):
    """kubectl docs, "How apply calculates differences and merges changes": lists merge by key, removals included."""
    before, after = deployment(), deployment()
    before["spec"]["template"]["spec"] = {
        "volumes": [{"name": "a", "emptyDir": {}}, {"name": "b", "emptyDir": {}}],
        "imagePullSecrets": [{"name": "one"}, {"name": "two"}],
        "containers": [
            {
                "name": "main",
                "image": IMAGE,
                "ports": [{"containerPort": 1}, {"containerPort": 2, "name": "two"}],
                "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
                "volumeMounts": [{"name": "a", "mountPath": "/a"}, {"name": "b", "mountPath": "/b"}],
                "command": ["a", "b"],
            },
            {"name": "side", "image": IMAGE},
        ],
    }
    after["spec"]["template"]["spec"] = {
        "volumes": [{"name": "b", "configMap": {"name": "c"}}],
        "imagePullSecrets": [{"name": "three"}, {"name": "two"}],
        "containers": [
            {"name": "first", "image": IMAGE},
            {
                "name": "main",
                "image": IMAGE,
                "ports": [{"containerPort": 2, "name": "zwei"}, {"containerPort": 3}],
                "env": [{"name": "B", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
                "volumeMounts": [{"name": "b", "mountPath": "/c"}],
                "command": ["z"],
            },
        ],
    }
    for body in (before, after):
        kubectl("apply", *how, "-f", "-", given=yaml.safe_dump(body))
        assert kubectl("diff", *how, "-f", "-", given=yaml.safe_dump(body)).stdout == ""
    pod = json.loads(kubectl("get", "deploy", "atlas", "-o", "json").stdout)["spec"]["template"]["spec"]
    main = next(each for each in pod["containers"] if each["name"] == "main")
    assert {each["name"] for each in pod["containers"]} == {"first", "main"}
    assert [(each["name"], "configMap" in each, "emptyDir" in each) for each in pod["volumes"]] == [("b", True, False)]
    assert {each["name"] for each in pod["imagePullSecrets"]} == {"two", "three"}
    assert [(each["name"], "value" in each) for each in main["env"]] == [("B", False)]
    assert sorted((each["containerPort"], each.get("name")) for each in main["ports"]) == [(2, "zwei"), (3, None)]
    assert [each["mountPath"] for each in main["volumeMounts"]] == ["/c"]
    assert main["command"] == ["z"]


def test_a_strategy_changes_its_kind_on_the_clients_side_only(kubectl: Kubectl):
    """Known of Kubernetes: `$retainKeys` clears the defaults of a strategy, server-side apply leaves them: 422."""
    recreated = yaml.safe_dump(deployment(strategy={"type": "Recreate"}))
    kubectl("apply", "-f", "-", given=yaml.safe_dump(deployment(strategy={"type": "RollingUpdate"})))
    kubectl("apply", "-f", "-", given=recreated)
    assert json.loads(kubectl("get", "deploy", "atlas", "-o", "jsonpath={.spec.strategy}").stdout) == {
        "type": "Recreate"
    }
    kubectl("apply", "--server-side", "-f", "-", given=yaml.safe_dump(deployment("other")))
    again = recreated.replace("atlas", "other").replace("other:v1", "atlas:v1")
    refused = kubectl("apply", "--server-side", "-f", "-", given=again, fails=True)
    assert "spec.strategy.rollingUpdate: Forbidden" in refused.stderr


def test_server_side_apply_takes_over_from_client_side_apply(kubectl: Kubectl):
    """KEP-555: kubectl migrates the ownership of its own client-side apply; others conflict."""
    kubectl("apply", "-f", "-", given=yaml.safe_dump(config_map(a="1")))
    kubectl("apply", "--server-side", "-f", "-", given=yaml.safe_dump(config_map(a="2")))
    asked = ("apply", "--server-side", "--field-manager=other", "-f", "-")
    refused = kubectl(*asked, given=yaml.safe_dump(config_map(a="3")), fails=True)
    assert 'conflict with "kubectl": .data.a' in refused.stderr
    kubectl(*asked, "--force-conflicts", given=yaml.safe_dump(config_map(a="3")))
    assert kubectl("get", "cm", "settings", "-o", "jsonpath={.data.a}").stdout == "3"


def test_diff_says_what_would_change(kubectl: Kubectl):
    """kubectl reference, "diff": exit status 1 for differences, by a server-side dry run."""
    kubectl("apply", "-f", "-", given=yaml.safe_dump(config_map(a="1")))
    assert kubectl("diff", "-f", "-", given=yaml.safe_dump(config_map(a="1"))).stdout == ""
    changed = kubectl("diff", "-f", "-", given=yaml.safe_dump(config_map(a="2")), fails=True).stdout
    assert '-  a: "1"' in changed
    assert '+  a: "2"' in changed
    assert kubectl("get", "cm", "settings", "-o", "jsonpath={.data.a}").stdout == "1"


def test_a_typing_error_is_refused_by_the_server(kubectl: Kubectl):
    """KEP-2885 server-side field validation: kubectl asks for Strict."""
    odd = {**config_map(), "dtaa": {}}
    refused = kubectl("apply", "-f", "-", given=yaml.safe_dump(odd), fails=True)
    assert 'strict decoding error: unknown field "dtaa"' in refused.stderr


def test_get_prints_in_every_form(kubectl: Kubectl):
    """kubectl reference, "get": tables, wide, yaml, json, name, jsonpath, selectors, all namespaces."""
    kubectl("apply", "-f", "-", given=NAMESPACE + MANIFESTS)
    kubectl("label", "cm", "settings", "-n", "dr", "tier=x")
    table = kubectl("get", "cj,deploy,cm,secret", "-n", "dr").stdout
    assert "NAME" in table
    assert "cronjob.batch/nightly   0 2 * * *" in table
    wide = kubectl("get", "cj", "-n", "dr", "-o", "wide").stdout
    assert IMAGE in wide
    assert "CONTAINERS" in wide
    assert yaml.safe_load(kubectl("get", "cm", "settings", "-n", "dr", "-o", "yaml").stdout)["data"]["a"] == "1"
    found = json.loads(kubectl("get", "cm", "-n", "dr", "-l", "tier=x", "-o", "json").stdout)
    assert [each["kind"] for each in found["items"]] == ["ConfigMap"]
    assert kubectl("get", "cm", "-n", "dr", "-l", "tier in (x)", "-o", "name").stdout == "configmap/settings\n"
    everywhere = kubectl("get", "cm", "-A", "--field-selector", "metadata.name=settings", "--no-headers").stdout
    assert everywhere.split()[:2] == ["dr", "settings"]
    assert kubectl("get", "nodes", "--no-headers").stdout.split()[:2] == ["n1", "Ready"]
    assert 'secrets "none" not found' in kubectl("get", "secret", "none", fails=True).stderr


def test_get_follows_changes(kubectl: Kubectl):
    """kubectl reference, "get -w": rows as they change."""
    kubectl("apply", "-f", "-", given=yaml.safe_dump(config_map(a="1")))
    with kubectl.begun("get", "cm", "settings", "-w", "--no-headers") as watch:
        assert watch.stdout
        assert watch.stdout.readline().split()[:2] == ["settings", "1"]
        kubectl("patch", "cm", "settings", "-p", '{"data":{"b":"2"}}')
        assert watch.stdout.readline().split()[:2] == ["settings", "2"]


def test_a_job_is_waited_for_read_and_deleted(kubectl: Kubectl):
    """kubectl reference, "wait", "logs", "delete --cascade"."""
    body = job(template=pod_template(command=["/bin/sh", "-c", "echo begun; sleep 0.5; echo done"]))
    kubectl("create", "-f", "-", given=yaml.safe_dump(body))
    kubectl("wait", "--for=condition=Complete", "job/work", "--timeout=120s")
    kubectl("wait", "--for=jsonpath={.status.succeeded}=1", "job/work", "--timeout=120s")
    assert kubectl("logs", "job/work").stdout == "begun\ndone\n"
    assert kubectl("logs", "job/work", "--tail=1").stdout == "done\n"
    assert kubectl("logs", "-f", "-l", "job-name=work").stdout == "begun\ndone\n"
    described = kubectl("describe", "job", "work").stdout
    assert "Completed" in described
    assert "SuccessfulCreate" in described
    assert "Pulled" in kubectl("describe", "pods", "-l", "job-name=work").stdout
    kubectl("delete", "job", "work", "--cascade=foreground", "--timeout=120s")
    assert kubectl("get", "pods", "--no-headers").stdout == ""


def test_a_wait_for_deletion_ends(kubectl: Kubectl, running: Running):
    """kubectl reference, "wait --for=delete"."""
    kubectl("apply", "-f", "-", given=yaml.safe_dump(config_map()))
    with kubectl.begun("wait", "--for=delete", "cm/settings", "--timeout=120s") as wait:
        until(lambda: any((call.verb, call.resource) == ("watch", "configmaps") for call in running.calls))
        kubectl("delete", "cm", "settings")
        assert wait.wait(PATIENCE) == 0
    assert kubectl("get", "cm", "settings", "--ignore-not-found").stdout == ""


def test_a_log_is_followed_while_it_is_written(kubectl: Kubectl, tmp_path: Path):
    """kubectl reference, "logs -f"."""
    go = tmp_path / "go"
    script = f"echo one; until test -e {go}; do sleep 0.02; done; echo two"
    kubectl("create", "-f", "-", given=yaml.safe_dump(job(template=pod_template(command=["/bin/sh", "-c", script]))))
    kubectl("wait", "--for=jsonpath={.status.ready}=1", "job/work", "--timeout=120s")
    with kubectl.begun("logs", "-f", "job/work") as logs:
        assert logs.stdout
        assert logs.stdout.readline() == "one\n"
        go.touch()
        assert logs.stdout.read() == "two\n"
        assert logs.wait(PATIENCE) == 0


@pytest.mark.parametrize(
    ("kind", "patch"),
    [
        ("strategic", '{"data":{"b":"2"}}'),
        ("merge", '{"data":{"b":"2"}}'),
        ("json", '[{"op":"add","path":"/data/b","value":"2"}]'),
    ],
)
def test_patch_takes_three_forms(kubectl: Kubectl, kind: str, patch: str):
    """kubectl reference, "patch --type"."""
    kubectl("apply", "-f", "-", given=yaml.safe_dump(config_map(a="1")))
    kubectl("patch", "cm", "settings", f"--type={kind}", "-p", patch)
    assert json.loads(kubectl("get", "cm", "settings", "-o", "jsonpath={.data}").stdout) == {"a": "1", "b": "2"}


def test_workloads_are_scaled_rolled_and_restarted(kubectl: Kubectl):
    """kubectl reference, "scale", "set image", "rollout"."""
    body = deployment()
    body["spec"]["template"]["spec"]["containers"][0]["command"] = ["/bin/sh", "-c", "sleep 600"]
    kubectl("apply", "-f", "-", given=yaml.safe_dump(body))
    kubectl("scale", "deploy", "atlas", "--replicas=2")
    kubectl("rollout", "status", "deploy/atlas", "--timeout=120s")
    assert kubectl("get", "deploy", "atlas", "-o", "jsonpath={.status.readyReplicas}").stdout == "2"
    kubectl("set", "env", "deploy/atlas", "A=1")
    kubectl("rollout", "status", "deploy/atlas", "--timeout=120s")
    assert kubectl("get", "deploy", "atlas", "--no-headers").stdout.split()[1] == "2/2"


def newer_than_protobuf(kubectl: Kubectl) -> bool:
    """Whether this kubectl writes typed objects in protobuf, which the server does not read."""
    agent = kubectl("get", "--raw", "/version", "-v=8").stderr
    found = re.search(r"kubectl/v1\.(\d+)", agent)
    assert found is not None
    return int(found[1]) >= 32


def test_a_node_is_cordoned_and_drained(kubectl: Kubectl):
    """kubectl reference, "cordon", "drain": eviction of what runs there; kubectl 1.32 evicts in protobuf, and is told."""
    body = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p"},
        **pod_template(command=["/bin/sh", "-c", "sleep 600"]),
    }
    kubectl("apply", "-f", "-", given=yaml.safe_dump(body))
    kubectl("wait", "--for=condition=Ready", "pod/p", "--timeout=120s")
    words = ("drain", "n1", "--force", "--timeout=120s")
    if newer_than_protobuf(kubectl):
        refused = kubectl(*words, fails=True)
        assert "accepted media types include: application/json" in refused.stderr
    else:
        kubectl(*words)
        assert kubectl("get", "pods", "--no-headers").stdout == ""
    assert "SchedulingDisabled" in kubectl("get", "node", "n1").stdout
    kubectl("uncordon", "n1")


def test_it_knows_the_server_and_its_kinds(kubectl: Kubectl):
    """kubectl reference, "version", "api-resources", "api-versions", "auth can-i", "cluster-info"."""
    version = json.loads(kubectl("version", "-o", "json").stdout)
    assert version["serverVersion"]["gitVersion"] == "v1.31.5+k3s1"
    kinds = kubectl("api-resources", "--no-headers", "-o", "name").stdout.split()
    assert {"pods", "jobs.batch", "cronjobs.batch", "deployments.apps"} <= set(kinds)
    assert "batch/v1" in kubectl("api-versions").stdout.split()
    assert kubectl("get", "all", "-A").stdout.count("service/kubernetes") == 1
    assert "is running at" in kubectl("cluster-info").stdout


def test_a_namespace_goes_with_all_that_is_in_it(kubectl: Kubectl):
    """kubectl reference, "delete namespace": waits until it is gone."""
    kubectl("apply", "-f", "-", given=NAMESPACE + MANIFESTS)
    assert "delet" in kubectl("delete", "ns", "dr", "--timeout=120s").stdout
    assert 'namespaces "dr" not found' in kubectl("get", "ns", "dr", fails=True).stderr


def test_dry_runs_of_the_server_write_nothing(kubectl: Kubectl):
    """kubectl reference, "--dry-run=server"."""
    done = kubectl("apply", "--dry-run=server", "-f", "-", given=yaml.safe_dump(config_map()))
    assert done.stdout == "configmap/settings created (server dry run)\n"
    kubectl("get", "cm", "settings", fails=True)


def test_an_immutable_field_is_explained(kubectl: Kubectl, running: Running):
    """kubectl prints the causes of 422."""
    kubectl("apply", "-f", "-", given=yaml.safe_dump(job(suspend=True)))
    other = job(template=pod_template(image="other:v1"), suspend=True)
    refused = kubectl("apply", "-f", "-", given=yaml.safe_dump(other), fails=True)
    assert 'The Job "work" is invalid' in refused.stderr
    assert "field is immutable" in refused.stderr
