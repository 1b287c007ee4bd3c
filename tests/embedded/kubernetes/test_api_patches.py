"""Patches: JSON, merge and strategic, as "Update API Objects in Place Using kubectl patch" and the RFCs say."""

import pytest

from drproof.embedded.kubernetes.resources import Object

from .conftest import ACCOUNTS, CONFIGMAPS, CRONJOBS, DEPLOYMENTS, JOBS, Answer, Running, config_map, deployment, job

JSON = "json-patch+json"
MERGE = "merge-patch+json"
SIDECAR = {"name": "sidecar", "image": "atlas:v2"}


def containers(answer: Answer) -> list[Object]:
    assert answer.status == 200, answer.text
    return answer.document["spec"]["template"]["spec"]["containers"]


@pytest.fixture
def workload(running: Running) -> str:
    body = deployment()
    body["spec"]["template"]["spec"]["containers"][0]["env"] = [
        {"name": "A", "value": "1"},
        {"name": "B", "value": "2"},
    ]
    running.create(DEPLOYMENTS, body)
    return f"{DEPLOYMENTS}/atlas"


def of_template(**spec: object) -> Object:
    return {"spec": {"template": {"spec": spec}}}


def test_a_strategic_patch_merges_containers_by_name(running: Running, workload: str):
    """API docs, `patchStrategy: merge`, `patchMergeKey: name` of PodSpec.containers."""
    found = containers(running.patch(workload, of_template(containers=[SIDECAR])))
    assert {each["name"] for each in found} == {"main", "sidecar"}
    env = [{"name": "B", "value": "3"}, {"name": "C", "value": "4"}]
    merged = containers(running.patch(workload, of_template(containers=[{"name": "main", "env": env}])))
    (main,) = [each for each in merged if each["name"] == "main"]
    assert {each["name"]: each["value"] for each in main["env"]} == {"A": "1", "B": "3", "C": "4"}
    assert main["image"]


def test_a_merge_patch_replaces_lists(running: Running, workload: str):
    """RFC 7386: arrays are replaced as a whole."""
    found = containers(running.patch(workload, of_template(containers=[SIDECAR]), MERGE))
    assert [each["name"] for each in found] == ["sidecar"]


def test_a_strategic_patch_deletes_replaces_and_orders(running: Running, workload: str):
    """API conventions, "Strategic Merge Patch": $patch: delete, $patch: replace, $setElementOrder."""
    running.patch(workload, of_template(containers=[SIDECAR]))
    order = of_template(**{"$setElementOrder/containers": [{"name": "sidecar"}, {"name": "main"}]})
    assert [each["name"] for each in containers(running.patch(workload, order))] == ["sidecar", "main"]
    gone = of_template(containers=[{"$patch": "delete", "name": "main"}])
    assert [each["name"] for each in containers(running.patch(workload, gone))] == ["sidecar"]
    fresh = of_template(containers=[{"$patch": "replace"}, {"name": "only", "image": "atlas:v3"}])
    assert [each["name"] for each in containers(running.patch(workload, fresh))] == ["only"]
    env = of_template(containers=[{"name": "only", "env": [{"name": "X", "$patch": "delete"}]}])
    assert "env" not in containers(running.patch(workload, env))[0]


def test_retained_keys_clear_the_rest(running: Running, workload: str):
    """API conventions, "retainKeys Strategy": fields that are not listed are cleared."""
    patch = {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}
    assert running.patch(workload, patch).document["spec"]["strategy"] == {"type": "Recreate"}
    volumes = of_template(volumes=[{"name": "v", "emptyDir": {}}])
    running.patch(workload, volumes)
    other = of_template(volumes=[{"name": "v", "$retainKeys": ["name", "hostPath"], "hostPath": {"path": "/x"}}])
    spec = running.patch(workload, other).document["spec"]["template"]["spec"]
    assert spec["volumes"] == [{"name": "v", "hostPath": {"path": "/x", "type": ""}}]


def test_pull_secrets_of_an_account_are_replaced_and_those_of_pods_merged(running: Running, workload: str):
    """API docs: ServiceAccount.imagePullSecrets is atomic, PodSpec.imagePullSecrets merges by name."""
    path = f"{ACCOUNTS}/default"
    assert running.patch(path, {"imagePullSecrets": [{"name": "a"}]}).document["imagePullSecrets"] == [{"name": "a"}]
    assert running.patch(path, {"imagePullSecrets": [{"name": "b"}]}).document["imagePullSecrets"] == [{"name": "b"}]
    running.patch(workload, of_template(imagePullSecrets=[{"name": "a"}]))
    merged = running.patch(workload, of_template(imagePullSecrets=[{"name": "b"}])).document
    assert {each["name"] for each in merged["spec"]["template"]["spec"]["imagePullSecrets"]} == {"a", "b"}


def test_null_removes(running: Running):
    """RFC 7386 and strategic merge: null deletes the field, and a default comes back."""
    running.create(CONFIGMAPS, config_map(a="1", b="2"))
    path = f"{CONFIGMAPS}/settings"
    assert running.patch(path, {"data": {"a": None}}).document["data"] == {"b": "2"}
    assert "data" not in running.patch(path, {"data": None}, MERGE).document


def test_json_patches_apply_in_order_or_not_at_all(running: Running):
    """RFC 6902: operations in sequence; a failed test leaves everything as it was."""
    running.create(CONFIGMAPS, config_map(a="1"))
    path = f"{CONFIGMAPS}/settings"
    operations = [
        {"op": "test", "path": "/data/a", "value": "1"},
        {"op": "add", "path": "/metadata/labels", "value": {"x~y": "1"}},
        {"op": "copy", "from": "/data/a", "path": "/data/b"},
        {"op": "move", "from": "/data/a", "path": "/data/c"},
        {"op": "replace", "path": "/data/b", "value": "9"},
        {"op": "remove", "path": "/metadata/labels/x~0y"},
    ]
    found = running.patch(path, operations, JSON)
    assert found.document["data"] == {"b": "9", "c": "1"}
    assert "labels" not in found.document["metadata"]
    failing = [{"op": "add", "path": "/data/z", "value": "1"}, {"op": "test", "path": "/data/b", "value": "0"}]
    assert running.patch(path, failing, JSON).is_status(422, "Invalid")
    assert running.get(f"{CONFIGMAPS}/settings")["data"] == {"b": "9", "c": "1"}


@pytest.mark.parametrize(
    ("patch", "code"),
    [
        ([{"op": "remove", "path": "/data/none"}], 422),
        ([{"op": "replace", "path": "/data/none/deep", "value": 1}], 422),
        ([{"op": "add", "path": "/metadata/finalizers/7", "value": "a/b"}], 422),
        ([{"op": "dance", "path": "/data"}], 400),
        ([{"op": "add", "path": "data", "value": {}}], 400),
        ([{"op": "add", "path": "/data/a"}], 400),
        ([{"op": "replace", "path": "", "value": 7}], 400),
        ([{"op": "remove", "path": ""}], 400),
        (["words"], 400),
        ({"data": {}}, 400),
    ],
)
def test_a_json_patch_that_cannot_be_applied_is_refused(running: Running, patch: object, code: int):
    """RFC 6902, section 5, "Error Handling"; patch.go of the apiserver: 422 for operations, 400 for what is no patch."""
    running.create(CONFIGMAPS, config_map(a="1"))
    answer = running.patch(f"{CONFIGMAPS}/settings", patch, JSON)
    assert answer.is_status(code, "Invalid" if code == 422 else "BadRequest")


def test_a_patch_that_names_a_stale_version_is_a_conflict(running: Running):
    """API conventions: resourceVersion in a patch is a precondition."""
    old = running.create(CONFIGMAPS, config_map(a="1"))
    path, lock = f"{CONFIGMAPS}/settings", {"metadata": {"resourceVersion": old["metadata"]["resourceVersion"]}}
    assert running.patch(path, {**lock, "data": {"a": "2"}}, MERGE).status == 200
    assert running.patch(path, {**lock, "data": {"a": "3"}}, MERGE).is_status(409, "Conflict")


def test_an_unknown_kind_of_patch_is_an_unsupported_media_type(running: Running):
    """API conventions, "PATCH operations": 415 names the four that exist."""
    running.create(CONFIGMAPS, config_map())
    answer = running.patch(f"{CONFIGMAPS}/settings", {}, "json")
    assert answer.is_status(415, "UnsupportedMediaType")
    assert "application/apply-patch+yaml" in answer.document["message"]


def test_a_patch_cannot_rename(running: Running):
    """registry/rest/update.go: metadata.name is immutable."""
    running.create(CONFIGMAPS, config_map())
    answer = running.patch(f"{CONFIGMAPS}/settings", {"metadata": {"name": "other"}})
    assert answer.is_status(422, "Invalid")


def test_a_suspended_cron_job_is_resumed_by_a_patch(running: Running):
    """Kubernetes docs, "CronJob: Schedule suspension": suspend is a field of the spec."""
    from .test_api_objects import cron_job

    running.create(CRONJOBS, cron_job())
    path = f"{CRONJOBS}/nightly"
    assert running.patch(path, {"spec": {"suspend": True}}).document["spec"]["suspend"] is True
    assert (
        running.patch(path, [{"op": "replace", "path": "/spec/suspend", "value": False}], JSON).document["spec"][
            "suspend"
        ]
        is False
    )


def test_a_job_can_be_suspended_but_not_rewritten(running: Running):
    """batch/v1: spec.template is immutable, suspend is not."""
    running.create(JOBS, job(suspend=True))
    assert running.patch(f"{JOBS}/work", {"spec": {"parallelism": 2}}).status == 200
    answer = running.patch(f"{JOBS}/work", of_template(containers=[{"name": "main", "image": "other:v1"}]))
    assert answer.is_status(422, "Invalid")
    assert answer.document["details"]["causes"][0]["field"] == "spec.template"
