"""The official client, typed and dynamic, against the embedded API: the facts that shaped drproof hold here too."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client, config, watch
from kubernetes.client import ApiException
from kubernetes.dynamic.exceptions import ConflictError, NotFoundError, UnprocessibleEntityError

from tests.patience import PATIENCE, until

from .conftest import IMAGE, Running, config_map, deployment, job, pod_template
from .test_api_objects import cron_job


@pytest.fixture
def api(running: Running) -> Any:
    held = config.new_client_from_config(str(running.kubeconfig))
    yield held
    held.close()


def test_the_kubeconfig_is_as_k3s_writes_it(running: Running):
    """k3s writes /etc/rancher/k3s/k3s.yaml: cluster, context and user are called `default`."""
    held = yaml.safe_load(running.cluster.kubeconfig())
    assert held["clusters"][0]["name"] == held["users"][0]["name"] == held["current-context"] == "default"
    assert held["clusters"][0]["cluster"]["server"] == f"https://{running.cluster.address}"
    other = yaml.safe_load(running.cluster.kubeconfig(server="https://localhost:7443"))
    assert other["clusters"][0]["cluster"]["server"] == "https://localhost:7443"


def test_localhost_is_a_name_of_the_server(running: Running, tmp_path: Path):
    """The certificate names 127.0.0.1, localhost and kubernetes."""
    port = running.cluster.address.rpartition(":")[2]
    file = tmp_path / "localhost"
    file.write_text(running.cluster.kubeconfig(server=f"https://localhost:{port}"))
    held = config.new_client_from_config(str(file))
    assert client.VersionApi(held).get_code().git_version == "v1.31.5+k3s1"
    held.close()


def test_the_typed_client_runs_a_job(api: Any):
    """Typed objects leave kind and apiVersion out, and are accepted."""
    batch: Any = client.BatchV1Api(api)
    core: Any = client.CoreV1Api(api)
    container = client.V1Container(name="main", image=IMAGE, command=["/bin/sh", "-c", "echo typed"])
    template = client.V1PodTemplateSpec(spec=client.V1PodSpec(containers=[container], restart_policy="Never"))
    body = client.V1Job(metadata=client.V1ObjectMeta(name="typed"), spec=client.V1JobSpec(template=template))
    made = batch.create_namespaced_job("default", body)
    assert made.spec.backoff_limit == 6
    until(lambda: batch.read_namespaced_job("typed", "default").status.succeeded == 1)
    (pod,) = core.list_namespaced_pod("default", label_selector="job-name=typed").items
    assert core.read_namespaced_pod_log(pod.metadata.name, "default") == "typed\n"
    batch.delete_namespaced_job("typed", "default", propagation_policy="Background")
    until(lambda: core.list_namespaced_pod("default").items == [])


def test_the_dynamic_client_keeps_what_models_would_refuse(dynamic: Any):
    """Dynamic objects are sent as they are: numbers as amounts, fields that the client does not know."""
    jobs = dynamic.resources.get(api_version="batch/v1", kind="Job")
    body = job("dynamic", template=pod_template(resources={"requests": {"cpu": 1}}), suspend=True)
    body["spec"]["template"]["spec"]["surprise"] = "x"
    made = jobs.create(body=body, namespace="default").to_dict()
    spec = made["spec"]["template"]["spec"]
    assert spec["containers"][0]["resources"]["requests"] == {"cpu": "1"}
    assert "surprise" not in spec


def test_the_dynamic_client_applies_idempotently(dynamic: Any):
    """Server-side apply twice: the same resourceVersion; another manager conflicts."""
    maps = dynamic.resources.get(api_version="v1", kind="ConfigMap")
    body = config_map("restored", a="1")
    body["metadata"]["namespace"] = "default"
    first = maps.server_side_apply(body=body, field_manager="drproof", force_conflicts=True)
    again = maps.server_side_apply(body=body, field_manager="drproof", force_conflicts=True)
    assert first.metadata.resourceVersion == again.metadata.resourceVersion
    body["data"]["a"] = "2"
    with pytest.raises(ConflictError):
        maps.server_side_apply(body=body, field_manager="other")
    odd = {**body, "surprise": 1}
    with pytest.raises(ApiException) as refused:
        maps.server_side_apply(body=odd, field_manager="drproof")
    assert refused.value.status == 500
    assert "field not declared in schema" in str(refused.value.body)


def test_a_dict_is_a_strategic_patch_and_a_list_a_json_patch(api: Any):
    """The typed client chooses the content type by the shape of the body."""
    apps: Any = client.AppsV1Api(api)
    core: Any = client.CoreV1Api(api)
    apps.create_namespaced_deployment("default", deployment())
    sidecar = {"spec": {"template": {"spec": {"containers": [{"name": "side", "image": IMAGE}]}}}}
    patched = apps.patch_namespaced_deployment("atlas", "default", sidecar)
    assert {each.name for each in patched.spec.template.spec.containers} == {"main", "side"}
    core.create_namespaced_config_map("default", config_map(a="1"))
    operations = [{"op": "replace", "path": "/data/a", "value": "2"}]
    assert core.patch_namespaced_config_map("settings", "default", operations).data == {"a": "2"}
    assert apps.patch_namespaced_deployment_scale("atlas", "default", {"spec": {"replicas": 3}}).spec.replicas == 3
    assert apps.read_namespaced_deployment("atlas", "default").spec.replicas == 3


def test_a_cron_job_is_frozen_and_its_status_read(api: Any):
    """Patching suspend is how a CronJob is frozen."""
    batch: Any = client.BatchV1Api(api)
    batch.create_namespaced_cron_job("default", cron_job())
    frozen = batch.patch_namespaced_cron_job("nightly", "default", {"spec": {"suspend": True}})
    assert frozen.spec.suspend is True
    assert [each.metadata.name for each in batch.list_cron_job_for_all_namespaces().items] == ["nightly"]


def test_refusals_are_exceptions_with_their_status(dynamic: Any, api: Any):
    """ApiException carries status and body; dynamic exceptions have a class each."""
    with pytest.raises(ApiException) as missing:
        client.CoreV1Api(api).read_namespaced_secret("none", "default")
    assert missing.value.status == 404
    maps = dynamic.resources.get(api_version="v1", kind="ConfigMap")
    with pytest.raises(NotFoundError):
        maps.get(name="none", namespace="default")
    maps.create(body=config_map(), namespace="default")
    with pytest.raises(ConflictError):
        maps.create(body=config_map(), namespace="default")
    with pytest.raises(UnprocessibleEntityError):
        maps.create(body=config_map("No"), namespace="default")


def test_a_watch_of_the_typed_client_follows(api: Any):
    """watch.Watch ends with its timeout and resumes by resourceVersion."""
    core: Any = client.CoreV1Api(api)
    core.create_namespaced_config_map("default", config_map(a="1"))
    seen = [
        (event["type"], event["object"].metadata.name)
        for event in watch.Watch().stream(
            core.list_namespaced_config_map, "default", field_selector="metadata.name=settings", timeout_seconds=1
        )
    ]
    assert seen == [("ADDED", "settings")]


def test_a_watch_from_lost_history_is_an_exception(running: Running, api: Any):
    """410 Gone: watch.Watch raises where the caller named the version."""
    core: Any = client.CoreV1Api(api)
    old = core.list_namespaced_config_map("default").metadata.resource_version
    core.create_namespaced_config_map("default", config_map())
    running.cluster.store.compact()
    with pytest.raises(ApiException) as gone:
        list(watch.Watch().stream(core.list_namespaced_config_map, "default", resource_version=old, timeout_seconds=2))
    assert gone.value.status == 410


def test_a_dynamic_watch_follows_a_job_to_its_end(dynamic: Any):
    """DynamicClient.watch, as a waiter uses it."""
    jobs = dynamic.resources.get(api_version="batch/v1", kind="Job")
    jobs.create(body=job("watched"), namespace="default")
    for event in jobs.watch(namespace="default", name="watched", timeout=int(PATIENCE)):
        conditions = event["object"].to_dict().get("status", {}).get("conditions") or []
        if any(each["type"] == "Complete" for each in conditions):
            break
    else:
        pytest.fail("the watch was over before it told of the end")


def test_an_identity_may_be_asked_for(api: Any):
    """SelfSubjectAccessReview: the administrator may."""
    attributes = client.V1ResourceAttributes(verb="create", group="batch", resource="jobs", namespace="default")
    review = client.V1SelfSubjectAccessReview(spec=client.V1SelfSubjectAccessReviewSpec(resource_attributes=attributes))
    authorization: Any = client.AuthorizationV1Api(api)
    assert authorization.create_self_subject_access_review(review).status.allowed is True
