"""Deletion: at once, gracefully, with finalizers, and what becomes of dependents."""

import pytest

from drproof.embedded.kubernetes.resources import Object
from tests.patience import until

from .conftest import CONFIGMAPS, JOBS, PODS, Running, config_map, job, pod_template

BACKGROUND = {"propagationPolicy": "Background"}


def test_what_waits_for_nothing_is_gone_at_once(running: Running):
    """API docs, DELETE: a Status names what was deleted."""
    made = running.create(CONFIGMAPS, config_map())
    answer = running.call("DELETE", f"{CONFIGMAPS}/settings")
    assert answer.document["status"] == "Success"
    assert answer.document["details"] == {"name": "settings", "kind": "configmaps", "uid": made["metadata"]["uid"]}
    assert running.call("GET", f"{CONFIGMAPS}/settings").is_status(404, "NotFound")
    assert running.call("DELETE", f"{CONFIGMAPS}/settings").is_status(404, "NotFound")


def test_a_finalizer_holds_an_object(running: Running):
    """Kubernetes docs, "Finalizers": deletionTimestamp first, gone when the last finalizer is removed."""
    body = {**config_map(), "metadata": {"name": "held", "finalizers": ["example.com/hold"]}}
    running.create(CONFIGMAPS, body)
    marked = running.call("DELETE", f"{CONFIGMAPS}/held").document
    assert marked["metadata"]["deletionTimestamp"]
    assert marked["metadata"]["deletionGracePeriodSeconds"] == 0
    more = {"metadata": {"finalizers": ["example.com/hold", "example.com/late"]}}
    assert running.patch(f"{CONFIGMAPS}/held", more).is_status(422, "Invalid")
    freed = running.patch(f"{CONFIGMAPS}/held", {"metadata": {"finalizers": None}}, "merge-patch+json")
    assert freed.status == 200
    assert running.call("GET", f"{CONFIGMAPS}/held").is_status(404, "NotFound")


@pytest.mark.parametrize("condition", ["uid", "resourceVersion"])
def test_a_precondition_that_fails_is_a_conflict(running: Running, condition: str):
    """API docs, DeleteOptions.preconditions."""
    made = running.create(CONFIGMAPS, config_map())
    wrong = running.call("DELETE", f"{CONFIGMAPS}/settings", {"preconditions": {condition: "1"}})
    assert wrong.is_status(409, "Conflict")
    assert "Precondition failed" in wrong.document["message"]
    right = {"preconditions": {condition: made["metadata"][condition]}}
    assert running.call("DELETE", f"{CONFIGMAPS}/settings", right).status == 200


def finished(running: Running) -> bool:
    conditions = running.get(f"{JOBS}/work")["status"].get("conditions") or []
    return any(each["type"] == "Complete" for each in conditions)


def test_a_job_deleted_without_a_policy_leaves_its_pods(running: Running):
    """registry/batch/job/strategy.go, DefaultGarbageCollectionPolicy: orphan for batch/v1."""
    running.create(JOBS, job())
    until(lambda: finished(running))
    running.call("DELETE", f"{JOBS}/work")
    until(lambda: running.call("GET", f"{JOBS}/work").status == 404)
    (pod,) = running.get(PODS)["items"]
    assert "ownerReferences" not in pod["metadata"]


@pytest.mark.parametrize("policy", ["Background", "Foreground"])
def test_a_job_takes_its_pods_along_where_that_is_asked(running: Running, policy: str):
    """Kubernetes docs, "Use Cascading Deletion"."""
    running.create(JOBS, job())
    until(lambda: finished(running))
    running.call("DELETE", f"{JOBS}/work", {"propagationPolicy": policy})
    until(lambda: running.call("GET", f"{JOBS}/work").status == 404 and not running.get(PODS)["items"])


def test_a_running_pod_is_given_time(running: Running):
    """Kubernetes docs, "Termination of Pods": deletionTimestamp, the grace period, then gone."""
    running.create(PODS, {"metadata": {"name": "p"}, **pod_template(command=["/bin/sh", "-c", "sleep 600"])})
    until(lambda: running.get(f"{PODS}/p")["status"]["phase"] == "Running")
    marked = running.call("DELETE", f"{PODS}/p").document
    assert marked["metadata"]["deletionGracePeriodSeconds"] == 30
    until(lambda: running.call("GET", f"{PODS}/p").status == 404)


def test_an_unscheduled_pod_is_gone_at_once(running: Running):
    """registry/core/pod/strategy.go, CheckGracefulDelete: no node, no grace."""
    body = pod_template()
    body["spec"]["nodeSelector"] = {"nowhere": "yes"}
    running.create(PODS, {"metadata": {"name": "p"}, **body})
    assert running.call("DELETE", f"{PODS}/p").document["status"] == "Success"
    assert running.call("GET", f"{PODS}/p").status == 404


def test_a_namespace_ends_with_its_contents(running: Running):
    """Kubernetes docs, "Namespaces": Terminating until it is empty."""
    running.create("/api/v1/namespaces", {"metadata": {"name": "dr"}})
    running.create("/api/v1/namespaces/dr/configmaps", config_map())
    until(lambda: running.call("GET", "/api/v1/namespaces/dr/serviceaccounts/default").status == 200)
    assert running.call("DELETE", "/api/v1/namespaces/dr").document["status"]["phase"] == "Terminating"
    until(lambda: running.call("GET", "/api/v1/namespaces/dr").status == 404)
    assert running.get("/api/v1/namespaces/dr/configmaps")["items"] == []


@pytest.mark.parametrize("name", ["default", "kube-system", "kube-public"])
def test_the_namespaces_of_the_system_stay(running: Running, name: str):
    """Admission controller NamespaceLifecycle: this namespace may not be deleted."""
    assert running.call("DELETE", f"/api/v1/namespaces/{name}").is_status(403, "Forbidden")


@pytest.mark.parametrize(
    "body",
    [
        {"propagationPolicy": "Sideways"},
        {"propagationPolicy": ["Background"]},
        {"kind": "Pod"},
        {"gracePeriodSeconds": "soon"},
        {"preconditions": 7},
    ],
)
def test_options_that_make_no_sense_delete_nothing(running: Running, body: Object):
    """API conventions: options are validated before anything happens."""
    running.create(CONFIGMAPS, config_map())
    assert running.call("DELETE", f"{CONFIGMAPS}/settings", body).status in {400, 422}
    assert running.call("GET", f"{CONFIGMAPS}/settings").status == 200


def test_deleting_is_watched(running: Running):
    """API concepts: DELETED carries the last state, with the version of the deletion."""
    made = running.create(CONFIGMAPS, config_map(a="1"))
    watch = running.watch(CONFIGMAPS, resourceVersion=made["metadata"]["resourceVersion"])
    running.call("DELETE", f"{CONFIGMAPS}/settings")
    kind, last = watch.next()
    watch.close()
    assert (kind, last["data"]) == ("DELETED", {"a": "1"})
    assert int(last["metadata"]["resourceVersion"]) > int(made["metadata"]["resourceVersion"])
