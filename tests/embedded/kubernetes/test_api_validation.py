"""What the API refuses in an object: rules of each kind, and what may not change any more."""

import base64
import json

import pytest

from drproof.embedded.kubernetes.resources import Object

from .conftest import (
    CONFIGMAPS,
    CRONJOBS,
    DEPLOYMENTS,
    JOBS,
    PODS,
    SECRETS,
    Running,
    config_map,
    deployment,
    job,
    pod_template,
)
from .test_api_objects import cron_job

PULL = "kubernetes.io/dockerconfigjson"


def refused(running: Running, path: str, body: Object) -> dict[str, str]:
    """Return the fields that are refused, and the reason of each."""
    answer = running.call("POST", path, body)
    assert answer.is_status(422, "Invalid"), answer.text
    return {each["field"]: each["reason"] for each in answer.document["details"]["causes"]}


@pytest.mark.parametrize("name", ["Upper", "a_b", "-a", "a-", "a..b", "x" * 254, "a/b", "ä"])
def test_names_are_subdomains(running: Running, name: str):
    """Kubernetes docs, "Object Names and IDs": DNS-1123 subdomains."""
    assert refused(running, CONFIGMAPS, config_map(name)) == {"metadata.name": "FieldValueInvalid"}


def test_namespaces_and_services_are_labels(running: Running):
    """Kubernetes docs, "Object Names and IDs": RFC 1123 and RFC 1035 label names."""
    assert "metadata.name" in refused(running, "/api/v1/namespaces", {"metadata": {"name": "a.b"}})
    service = {"metadata": {"name": "1st"}, "spec": {"ports": [{"port": 1}]}}
    assert "metadata.name" in refused(running, "/api/v1/namespaces/default/services", service)


def test_a_name_is_required(running: Running):
    """API docs, ObjectMeta: name or generateName."""
    body: Object = {"metadata": {}, "data": {}}
    assert refused(running, CONFIGMAPS, body) == {"metadata.name": "FieldValueRequired"}


@pytest.mark.parametrize(
    ("labels", "valid"),
    [
        ({"a": "b"}, True),
        ({"x.org/a": "B_c.d"}, True),
        ({"a": "no way"}, False),
        ({"-a": ""}, False),
        ({"a": "x" * 64}, False),
    ],
)
def test_labels_have_a_form(running: Running, labels: dict[str, str], valid: bool):
    """Kubernetes docs, "Labels and Selectors: Syntax and character set"."""
    body = {**config_map(), "metadata": {"name": "a", "labels": labels}}
    assert (running.call("POST", CONFIGMAPS, body).status == 201) is valid


@pytest.mark.parametrize("key", ["a b", "..", "a/b", "x" * 254])
def test_keys_of_configuration_have_a_form(running: Running, key: str):
    """Kubernetes docs, "ConfigMaps": keys of alphanumeric characters, -, _ or ."""
    assert refused(running, CONFIGMAPS, config_map(**{key: "x"})) == {f"data[{key}]": "FieldValueInvalid"}
    assert refused(running, SECRETS, {"metadata": {"name": "s"}, "stringData": {key: "x"}}) == {
        f"data[{key}]": "FieldValueInvalid"
    }


def test_configuration_is_at_most_a_mebibyte(running: Running):
    """Kubernetes docs, "ConfigMaps" and "Secrets": 1 MiB."""
    assert "FieldValueTooLong" in refused(running, CONFIGMAPS, config_map(a="x" * (2**20 + 1))).values()
    assert running.call("POST", CONFIGMAPS, config_map(a="x" * 2**20)).status == 201
    body = {"metadata": {"name": "s"}, "stringData": {"a": "x" * (2**20 + 1)}}
    assert refused(running, SECRETS, body) == {"data": "FieldValueTooLong"}


@pytest.mark.parametrize(
    ("data", "causes"),
    [
        ({}, {"data[.dockerconfigjson]": "FieldValueRequired"}),
        ({".dockerconfigjson": "{"}, {"data[.dockerconfigjson]": "FieldValueInvalid"}),
    ],
)
def test_a_pull_secret_holds_a_docker_config(running: Running, data: dict[str, str], causes: dict[str, str]):
    """Kubernetes docs, "Docker config Secrets": the key must be there, and must be JSON."""
    assert refused(running, SECRETS, {"metadata": {"name": "pull"}, "type": PULL, "stringData": data}) == causes


def test_what_a_pull_secret_holds_is_not_in_the_refusal(running: Running):
    """validation.go: <secret contents redacted>."""
    body = {"metadata": {"name": "pull"}, "type": PULL, "stringData": {".dockerconfigjson": "{hunter2"}}
    assert "hunter2" not in running.call("POST", SECRETS, body).text.decode()


def test_secret_data_is_base64(running: Running):
    """The decoder: illegal base64 data is a bad request."""
    answer = running.call("POST", SECRETS, {"metadata": {"name": "s"}, "data": {"a": "not base64!"}})
    assert answer.is_status(400, "BadRequest")
    assert "illegal base64 data" in answer.document["message"]


@pytest.mark.parametrize("path", [CONFIGMAPS, SECRETS])
def test_immutable_configuration_cannot_change(running: Running, path: str):
    """KEP-1412 immutable Secrets and ConfigMaps: neither the data nor the mark, only metadata."""
    value = base64.b64encode(b"1").decode()
    running.create(path, {"metadata": {"name": "fixed"}, "data": {"a": value}, "immutable": True})
    for change in ({"data": {"a": "Mg=="}}, {"immutable": None}, {"immutable": False}):
        assert running.patch(f"{path}/fixed", change, "merge-patch+json").is_status(422, "Invalid")
    assert running.patch(f"{path}/fixed", {"metadata": {"labels": {"a": "b"}}}).status == 200


def test_the_type_of_a_secret_stays(running: Running):
    """validation.go, ValidateSecretUpdate: type is immutable."""
    running.create(SECRETS, {"metadata": {"name": "s"}})
    assert running.patch(f"{SECRETS}/s", {"type": "example.com/other"}).is_status(422, "Invalid")


@pytest.mark.parametrize(
    ("container", "field", "reason"),
    [
        ({"image": ""}, "image", "FieldValueRequired"),
        ({"name": "Main"}, "name", "FieldValueInvalid"),
        ({"imagePullPolicy": "Sometimes"}, "imagePullPolicy", "FieldValueNotSupported"),
        ({"volumeMounts": [{"name": "v", "mountPath": "/v"}]}, "volumeMounts[0].name", "FieldValueNotFound"),
        ({"ports": [{"containerPort": 70000}]}, "ports[0].containerPort", "FieldValueInvalid"),
        ({"env": [{"name": "A=B"}]}, "env[0].name", "FieldValueInvalid"),
        ({"env": [{"value": "x"}]}, "env[0].name", "FieldValueRequired"),
        (
            {"resources": {"requests": {"memory": "2Gi"}, "limits": {"memory": "1Gi"}}},
            "resources.requests",
            "FieldValueInvalid",
        ),
        ({"resources": {"requests": {"cpu": "-1"}}}, "resources.requests[cpu]", "FieldValueInvalid"),
    ],
)
def test_containers_have_rules(running: Running, container: Object, field: str, reason: str):
    """apis/core/validation/validation.go, validateContainers."""
    causes = refused(running, JOBS, job(template=pod_template(**container)))
    assert causes == {f"spec.template.spec.containers[0].{field}": reason}


def test_a_pod_needs_containers_with_names_of_their_own(running: Running):
    """API docs: PodSpec.containers is required, names are unique."""
    empty = {"metadata": {"name": "p"}, "spec": {"containers": []}}
    assert refused(running, PODS, empty) == {"spec.containers": "FieldValueRequired"}
    twice = pod_template()
    twice["spec"]["containers"] *= 2
    assert refused(running, PODS, {"metadata": {"name": "p"}, **twice}) == {
        "spec.containers[1].name": "FieldValueDuplicate"
    }


def test_an_amount_that_is_none_is_a_bad_request(running: Running):
    """apimachinery, resource.ParseQuantity, in the decoder."""
    answer = running.call("POST", JOBS, job(template=pod_template(resources={"requests": {"cpu": "much"}})))
    assert answer.is_status(400, "BadRequest")
    assert "quantities must match the regular expression" in answer.document["message"]


def test_jobs_restart_their_pods_never_or_on_failure(running: Running):
    """Kubernetes docs, "Jobs: Pod Template": only Never or OnFailure."""
    template = pod_template()
    del template["spec"]["restartPolicy"]
    assert refused(running, JOBS, job(template=template)) == {
        "spec.template.spec.restartPolicy": "FieldValueNotSupported"
    }
    cron = cron_job()
    cron["spec"]["jobTemplate"]["spec"]["template"] = template
    assert "spec.jobTemplate.spec.template.spec.restartPolicy" in refused(running, CRONJOBS, cron)


def test_deployments_restart_their_pods_always_and_select_them(running: Running):
    """apps/validation: restartPolicy Always; the selector matches the template's labels."""
    body = deployment()
    body["spec"]["template"]["spec"]["restartPolicy"] = "Never"
    assert "spec.template.spec.restartPolicy" in refused(running, DEPLOYMENTS, body)
    body = deployment(selector={"matchLabels": {"app": "other"}})
    assert "spec.template.metadata.labels" in refused(running, DEPLOYMENTS, body)
    assert "spec.selector" in refused(running, DEPLOYMENTS, deployment(selector=None))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"schedule": "daily"}, "spec.schedule"),
        ({"schedule": ""}, "spec.schedule"),
        ({"concurrencyPolicy": "Perhaps"}, "spec.concurrencyPolicy"),
        ({"failedJobsHistoryLimit": -1}, "spec.failedJobsHistoryLimit"),
    ],
)
def test_cron_jobs_have_rules(running: Running, change: Object, field: str):
    """apis/batch/validation, ValidateCronJobCreate."""
    body = cron_job()
    body["spec"] |= change
    assert refused(running, CRONJOBS, body).keys() == {field}
    assert running.call("POST", CRONJOBS, cron_job("n" * 53)).is_status(422, "Invalid")


def test_a_job_selects_its_pods_by_its_uid(running: Running):
    """registry/batch/job/strategy.go, generateSelector."""
    made = running.create(JOBS, job(suspend=True))
    uid = made["metadata"]["uid"]
    assert made["spec"]["selector"] == {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}
    assert made["spec"]["template"]["metadata"]["labels"] == {
        "batch.kubernetes.io/controller-uid": uid,
        "batch.kubernetes.io/job-name": "work",
        "controller-uid": uid,
        "job-name": "work",
    }


def test_an_exported_job_has_to_be_cleaned_before_it_is_made_again(running: Running):
    """Measured on kube-apiserver: 422 until the generated selector and labels are stripped."""
    made = running.create(JOBS, job(suspend=True))
    made["metadata"] = {"name": "again"}
    del made["status"]
    causes = refused(running, JOBS, made)
    assert {"spec.selector", "spec.template.metadata.labels"} == set(causes)
    del made["spec"]["selector"], made["spec"]["template"]["metadata"]["labels"]
    assert running.call("POST", JOBS, made).status == 201


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"template": {"spec": {"containers": [{"name": "main", "image": "other:v1"}]}}}, "spec.template"),
        ({"completions": 3}, "spec.completions"),
        ({"selector": {"matchLabels": {"a": "b"}}}, "spec.selector"),
        ({"completionMode": "Indexed"}, "spec.completionMode"),
    ],
)
def test_what_makes_a_job_stays(running: Running, change: Object, field: str):
    """apis/batch/validation, ValidateJobUpdate: field is immutable."""
    running.create(JOBS, job(suspend=True))
    answer = running.patch(f"{JOBS}/work", {"spec": change})
    assert answer.is_status(422, "Invalid")
    assert field in {each["field"] for each in answer.document["details"]["causes"]}


def test_a_pod_changes_its_image_and_nothing_else(running: Running):
    """Kubernetes docs, "Pod update and replacement"."""
    running.create(PODS, {"metadata": {"name": "p"}, **pod_template()})
    image = {"spec": {"containers": [{"name": "main", "image": "other:v1"}]}}
    assert running.patch(f"{PODS}/p", image).status == 200
    command = {"spec": {"containers": [{"name": "main", "command": ["x"]}]}}
    answer = running.patch(f"{PODS}/p", command)
    assert answer.is_status(422, "Invalid")
    assert "pod updates may not change fields other than" in answer.document["message"]


def test_a_selector_stays(running: Running):
    """apps/v1: spec.selector is immutable."""
    running.create(DEPLOYMENTS, deployment())
    labels = {"app": "other"}
    change = {"spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}}}}
    answer = running.patch(f"{DEPLOYMENTS}/atlas", change)
    assert answer.is_status(422, "Invalid")
    assert "spec.selector" in {each["field"] for each in answer.document["details"]["causes"]}


def test_a_stateful_set_changes_only_what_it_may(running: Running):
    """apps/validation, ValidateStatefulSetUpdate."""
    path = "/apis/apps/v1/namespaces/default/statefulsets"
    spec = {**deployment()["spec"], "serviceName": "atlas"}
    running.create(path, {"metadata": {"name": "db"}, "spec": spec})
    assert running.patch(f"{path}/db", {"spec": {"replicas": 0, "minReadySeconds": 3}}).status == 200
    assert running.patch(f"{path}/db", {"spec": {"serviceName": "other"}}).is_status(422, "Invalid")


def test_a_refusal_names_every_defect(running: Running):
    """API conventions, "Response Status Kind": details.causes has one entry a field."""
    body = job(template=pod_template(image="", imagePullPolicy="x"), parallelism=-1)
    causes = refused(running, JOBS, body)
    assert {field.rpartition(".")[2] for field in causes} == {"image", "imagePullPolicy", "parallelism"}
    message = json.loads(running.call("POST", JOBS, body).text)["message"]
    assert message.startswith('Job.batch "work" is invalid: [')
