"""Objects through the API: created, read, replaced, deleted, as the API conventions say."""

import base64
import re

import pytest

from drproof.embedded.kubernetes.resources import Object

from .conftest import (
    ACCOUNTS,
    CONFIGMAPS,
    CRONJOBS,
    DEPLOYMENTS,
    JOBS,
    PODS,
    SECRETS,
    SERVICES,
    Running,
    config_map,
    deployment,
    job,
    pod_template,
)


def test_a_created_object_has_identity_and_version(running: Running):
    """API conventions, "Metadata": uid, resourceVersion and creationTimestamp are the system's."""
    made = running.create(CONFIGMAPS, config_map(a="1"))
    meta = made["metadata"]
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", meta["uid"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", meta["creationTimestamp"])
    assert int(meta["resourceVersion"]) > 0
    assert meta["namespace"] == "default"
    assert running.get(f"{CONFIGMAPS}/settings") == made


def test_a_name_is_taken_once(running: Running):
    """API conventions, "HTTP Status codes": 409 StatusConflict, reason AlreadyExists."""
    running.create(CONFIGMAPS, config_map())
    second = running.call("POST", CONFIGMAPS, config_map())
    assert second.is_status(409, "AlreadyExists")
    assert second.document["message"] == 'configmaps "settings" already exists'
    assert second.document["details"] == {"name": "settings", "kind": "configmaps"}


def test_names_can_be_generated(running: Running):
    """API conventions, "Idempotency": generateName is a prefix of a unique name."""
    body = {**config_map(), "metadata": {"generateName": "run-"}}
    names = {running.create(CONFIGMAPS, body)["metadata"]["name"] for _ in range(5)}
    assert len(names) == 5
    assert all(re.fullmatch(r"run-[bcdfghjklmnpqrstvwxz2456789]{5}", each) for each in names)


def test_a_stale_replace_is_a_conflict(running: Running):
    """API conventions, "Concurrency control and consistency": resourceVersion is the optimistic lock."""
    old = running.create(CONFIGMAPS, config_map(a="1"))
    fresh = running.call("PUT", f"{CONFIGMAPS}/settings", {**old, "data": {"a": "2"}})
    assert fresh.status == 200
    stale = running.call("PUT", f"{CONFIGMAPS}/settings", {**old, "data": {"a": "3"}})
    assert stale.is_status(409, "Conflict")
    assert "the object has been modified" in stale.document["message"]
    assert running.get(f"{CONFIGMAPS}/settings")["data"] == {"a": "2"}


def test_a_replace_without_a_version_is_unconditional(running: Running):
    """API conventions: a client that leaves resourceVersion out overwrites whatever there is."""
    old = running.create(CONFIGMAPS, config_map(a="1"))
    new = running.call("PUT", f"{CONFIGMAPS}/settings", config_map(a="2"))
    assert new.status == 200
    assert new.document["metadata"]["uid"] == old["metadata"]["uid"]


def test_a_replace_with_another_uid_is_a_conflict(running: Running):
    """registry/rest/update.go: a uid in the object is a precondition."""
    old = running.create(CONFIGMAPS, config_map(a="1"))
    old["metadata"]["uid"] = "00000000-0000-4000-8000-000000000000"
    answer = running.call("PUT", f"{CONFIGMAPS}/settings", old)
    assert answer.is_status(409, "Conflict")
    assert "Precondition failed: UID in precondition" in answer.document["message"]


@pytest.mark.parametrize("kind", ["merge-patch+json", "strategic-merge-patch+json"])
def test_a_write_that_changes_nothing_keeps_the_version(running: Running, kind: str):
    """API conventions: an unchanged object is not written, its resourceVersion stays."""
    old = running.create(CONFIGMAPS, config_map(a="1"))
    assert running.call("PUT", f"{CONFIGMAPS}/settings", old).document == old
    assert running.patch(f"{CONFIGMAPS}/settings", {"data": {"a": "1"}}, kind).document == old


def test_a_generation_counts_changes_of_the_spec_only(running: Running):
    """API conventions, "Metadata": generation is the sequence of the desired state."""
    running.create(CRONJOBS, cron_job())
    path = f"{CRONJOBS}/nightly"
    assert running.patch(path, {"metadata": {"labels": {"a": "b"}}}).document["metadata"]["generation"] == 1
    assert running.patch(path, {"spec": {"suspend": True}}).document["metadata"]["generation"] == 2
    last = {"status": {"lastScheduleTime": "2026-01-01T00:00:00Z"}}
    assert running.patch(f"{path}/status", last).document["metadata"]["generation"] == 2


def test_status_is_written_by_its_own_subresource_only(running: Running):
    """API conventions, "Spec and Status": the main resource ignores status, /status ignores the rest."""
    running.create(CRONJOBS, cron_job())
    path, last = f"{CRONJOBS}/nightly", {"lastScheduleTime": "2026-01-01T00:00:00Z"}
    assert running.patch(path, {"status": last}, "merge-patch+json").document["status"] == {}
    both = {"status": last, "spec": {"suspend": True}}
    written = running.patch(f"{path}/status", both, "merge-patch+json").document
    assert (written["status"], written["spec"]["suspend"]) == (last, False)


def test_a_dry_run_answers_and_writes_nothing(running: Running):
    """API concepts, "Dry-run": admitted and validated, never stored."""
    before = running.get(CONFIGMAPS)["metadata"]["resourceVersion"]
    made = running.create(CONFIGMAPS, config_map("new", a="1"), dryRun="All")
    assert made["data"] == {"a": "1"}
    assert made["metadata"]["uid"]
    assert running.call("GET", f"{CONFIGMAPS}/new").is_status(404, "NotFound")
    running.create(CONFIGMAPS, config_map(a="1"))
    path = f"{CONFIGMAPS}/settings"
    assert running.patch(path, {"data": {"a": "2"}}, dryRun="All").document["data"] == {"a": "2"}
    assert running.apply(path, config_map(a="3"), dryRun="All", force="true").document["data"] == {"a": "3"}
    assert running.call("PUT", path, config_map(a="4"), dryRun="All").document["data"] == {"a": "4"}
    assert running.call("DELETE", path, dryRun="All").document["status"] == "Success"
    assert running.call("DELETE", path, {"kind": "DeleteOptions", "dryRun": ["All"]}).status == 200
    assert running.get(path)["data"] == {"a": "1"}
    assert int(running.get(CONFIGMAPS)["metadata"]["resourceVersion"]) == int(before) + 1
    assert "resourceVersion" not in made["metadata"]
    running.create(CRONJOBS, cron_job())
    dry = running.patch(f"{CRONJOBS}/nightly", {"spec": {"suspend": True}}, dryRun="All").document["metadata"]
    assert dry["generation"] == 2
    assert running.get(f"{CRONJOBS}/nightly")["metadata"]["generation"] == 1
    assert running.call("POST", CONFIGMAPS, config_map(a="1"), dryRun="All").is_status(409, "AlreadyExists")
    assert running.call("POST", CONFIGMAPS, config_map("x"), dryRun="Some").is_status(422, "Invalid")


def test_unknown_fields_are_dropped_with_a_warning_ignored_or_refused(running: Running):
    """API concepts, "Field validation": Warn by default, Ignore, Strict."""
    body = {**config_map("odd"), "surprise": 1}
    strict = running.call("POST", CONFIGMAPS, body, fieldValidation="Strict")
    assert strict.is_status(400, "BadRequest")
    assert 'strict decoding error: unknown field "surprise"' in strict.document["message"]
    silent = running.call("POST", CONFIGMAPS, body, fieldValidation="Ignore", dryRun="All")
    assert "Warning" not in silent.headers
    warned = running.call("POST", CONFIGMAPS, body)
    assert warned.headers["Warning"] == '299 - "unknown field \\"surprise\\""'
    assert "surprise" not in warned.document


def test_a_wrong_type_is_a_bad_request(running: Running):
    """The decoder of the API server: json: cannot unmarshal … into Go struct field …"""
    answer = running.call("POST", CONFIGMAPS, config_map(a=1))  # type: ignore[arg-type] # the defect
    assert answer.is_status(400, "BadRequest")
    assert "cannot unmarshal number into Go struct field ConfigMap.data.a of type string" in answer.document["message"]


def test_a_version_may_not_be_created(running: Running):
    """apiserver, storage: resourceVersion should not be set on objects to be created (an export has to be cleaned)."""
    made = running.create(CONFIGMAPS, config_map())
    made["metadata"]["name"] = "copy"
    assert running.call("POST", CONFIGMAPS, made).is_status(400, "BadRequest")
    del made["metadata"]["resourceVersion"]
    copy = running.create(CONFIGMAPS, made)
    assert copy["metadata"]["uid"] != made["metadata"]["uid"]


def test_a_secret_takes_text_and_answers_base64(running: Running):
    """core/v1 Secret: stringData is write-only and merged into data."""
    body = {"metadata": {"name": "s"}, "stringData": {"a": "b"}, "data": {"c": "ZA=="}}
    made = running.create(SECRETS, body)
    assert made["data"] == {"a": base64.b64encode(b"b").decode(), "c": "ZA=="}
    assert made["type"] == "Opaque"
    assert "stringData" not in made


def test_amounts_are_answered_in_canonical_form(running: Running):
    """apimachinery, resource.Quantity: 1000m is 1, 1024Mi is 1Gi; numbers are accepted."""
    amounts = {"requests": {"cpu": 1, "memory": "1024Mi"}, "limits": {"cpu": "1000m", "memory": "1.5Gi"}}
    made = running.create(JOBS, job(template=pod_template(resources=amounts), suspend=True))
    (container,) = made["spec"]["template"]["spec"]["containers"]
    assert container["resources"] == {
        "requests": {"cpu": "1", "memory": "1Gi"},
        "limits": {"cpu": "1", "memory": "1536Mi"},
    }


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("atlas", "Always"),
        ("atlas:latest", "Always"),
        ("atlas:v1", "IfNotPresent"),
        ("host:5000/atlas", "Always"),
        ("atlas@sha256:" + "0" * 64, "IfNotPresent"),
    ],
)
def test_the_default_of_a_pull_policy_follows_the_tag(running: Running, image: str, policy: str):
    """Kubernetes docs, "Images": Default image pull policy."""
    made = running.create(JOBS, job(template=pod_template(image=image)), dryRun="All")
    assert made["spec"]["template"]["spec"]["containers"][0]["imagePullPolicy"] == policy


def test_defaults_are_filled_in(running: Running):
    """apis/batch/v1/defaults.go, apis/core/v1/defaults.go, apis/apps/v1/defaults.go."""
    spec = running.create(JOBS, job(), dryRun="All")["spec"]
    found = {key: spec[key] for key in ("parallelism", "completions", "backoffLimit", "suspend", "completionMode")}
    assert found == {
        "parallelism": 1,
        "completions": 1,
        "backoffLimit": 6,
        "suspend": False,
        "completionMode": "NonIndexed",
    }
    pod = spec["template"]["spec"]
    assert (pod["terminationGracePeriodSeconds"], pod["dnsPolicy"]) == (30, "ClusterFirst")
    cron = running.create(CRONJOBS, cron_job(), dryRun="All")["spec"]
    assert (cron["concurrencyPolicy"], cron["suspend"]) == ("Allow", False)
    assert (cron["successfulJobsHistoryLimit"], cron["failedJobsHistoryLimit"]) == (3, 1)
    strategy = running.create(DEPLOYMENTS, deployment(), dryRun="All")["spec"]["strategy"]
    assert strategy == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}}


def test_services_get_an_address_that_stays(running: Running):
    """Kubernetes docs, "Service ClusterIP allocation"; registry/core/service, patchAllocatedValues."""
    body = {"metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}}
    made = running.create(SERVICES, body)
    assert made["spec"]["clusterIP"].startswith("10.43.")
    assert made["spec"]["ports"] == [{"port": 80, "protocol": "TCP", "targetPort": 80}]
    kept = running.call("PUT", f"{SERVICES}/web", body)
    assert kept.document["spec"]["clusterIP"] == made["spec"]["clusterIP"]
    other = running.patch(f"{SERVICES}/web", {"spec": {"clusterIP": "10.43.99.99"}}, "merge-patch+json")
    assert other.is_status(422, "Invalid")
    second = running.create(SERVICES, {**body, "metadata": {"name": "other"}})
    assert second["spec"]["clusterIP"] != made["spec"]["clusterIP"]


def test_pods_get_the_secrets_of_their_account(running: Running):
    """Kubernetes docs, "Configure Service Accounts": imagePullSecrets of the account, unless the pod has its own."""
    running.patch(f"{ACCOUNTS}/default", {"imagePullSecrets": [{"name": "pull"}]})
    bare = running.create(PODS, {"metadata": {"name": "bare"}, **pod_template()})
    assert bare["spec"]["serviceAccountName"] == "default"
    assert bare["spec"]["imagePullSecrets"] == [{"name": "pull"}]
    template = pod_template()
    template["spec"]["imagePullSecrets"] = [{"name": "own"}]
    own = running.create(PODS, {"metadata": {"name": "own"}, **template})
    assert own["spec"]["imagePullSecrets"] == [{"name": "own"}]
    stranger = pod_template()
    stranger["spec"]["serviceAccountName"] = "nobody"
    refused = running.call("POST", PODS, {"metadata": {"name": "stranger"}, **stranger})
    assert refused.is_status(403, "Forbidden")
    assert 'serviceaccount "nobody" not found' in refused.document["message"]


def test_pods_tolerate_a_node_that_is_lost_for_a_while(running: Running):
    """Admission plugins DefaultTolerationSeconds and Priority."""
    spec = running.create(PODS, {"metadata": {"name": "p"}, **pod_template()}, dryRun="All")["spec"]
    assert (spec["priority"], spec["preemptionPolicy"]) == (0, "PreemptLowerPriority")
    assert {each["key"]: each["tolerationSeconds"] for each in spec["tolerations"]} == {
        "node.kubernetes.io/not-ready": 300,
        "node.kubernetes.io/unreachable": 300,
    }
    everything = pod_template()
    everything["spec"]["tolerations"] = [{"operator": "Exists"}]
    made = running.create(PODS, {"metadata": {"name": "q"}, **everything}, dryRun="All")
    assert made["spec"]["tolerations"] == [{"operator": "Exists"}]


def test_nothing_is_created_in_a_namespace_that_is_missing_or_ends(running: Running):
    """Admission controller NamespaceLifecycle: 404, and 403 with cause NamespaceTerminating."""
    missing = running.call("POST", "/api/v1/namespaces/gone/configmaps", config_map())
    assert missing.is_status(404, "NotFound")
    assert missing.document["message"] == 'namespaces "gone" not found'
    running.create("/api/v1/namespaces", {"metadata": {"name": "ends"}})
    held = {"metadata": {"name": "held", "finalizers": ["example.com/hold"]}}
    running.create("/api/v1/namespaces/ends/configmaps", held)
    assert running.call("DELETE", "/api/v1/namespaces/ends").document["status"]["phase"] == "Terminating"
    late = running.call("POST", "/api/v1/namespaces/ends/configmaps", config_map())
    assert late.is_status(403, "Forbidden")
    assert late.document["details"]["causes"][0]["reason"] == "NamespaceTerminating"


def test_mutators_act_before_validation(running: Running):
    """Kubernetes docs, "Admission control phases": mutation first, then validation of what it left."""

    def spoil(resource, operation, obj):
        if resource.kind == "ConfigMap" and operation == "CREATE":
            obj["data"]["bad key"] = "x"

    running.cluster.mutators.append(spoil)
    assert running.call("POST", CONFIGMAPS, config_map(a="1")).is_status(422, "Invalid")
    running.cluster.mutators[:] = [lambda resource, operation, obj: obj["metadata"].update(labels={"by": operation})]
    assert running.create(CONFIGMAPS, config_map(a="1"))["metadata"]["labels"] == {"by": "CREATE"}
    assert running.patch(f"{CONFIGMAPS}/settings", {"data": {"a": "2"}}).document["metadata"]["labels"] == {
        "by": "UPDATE"
    }


def cron_job(name: str = "nightly") -> Object:
    spec = {"schedule": "0 2 * * *", "jobTemplate": {"spec": {"template": pod_template()}}}
    return {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": name}, "spec": spec}
