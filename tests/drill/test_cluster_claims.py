"""What is not so is not proven, and what runs, runs once: each case once was sealed as proven."""

import base64
import json
import threading
import time

import pytest

from drproof.embedded.kubernetes.calls import Call
from drproof.embedded.kubernetes.resources import (
    CONFIGMAPS,
    CRONJOBS,
    JOBS,
    PODS,
    Resource,
)
from tests.drill.conftest import SECONDS
from tests.drill.given import (
    KEPT,
    Document,
    Given,
    baseline,
    runs,
    settings_of,
    shown_otherwise,
    theirs,
)
from tests.drill.test_cluster import IMAGE

# What is proven while it is not so.


def _change_a_key(given: Given) -> None:
    def change(found: Document) -> None:
        found["data"][min(found["data"])] = "{}"

    given.store.update(CONFIGMAPS, "atlas", "atlas-control-plane-scoring", change)


def _switch_publishing_on(given: Given) -> None:
    given.store.update(CONFIGMAPS, "atlas", "atlas-config", lambda found: found["data"].update(PUBLISH_S3="1"))


def _let_the_schedule_run(given: Given) -> None:
    given.store.update(CRONJOBS, "atlas", "atlas-daily", lambda found: found["spec"].update(suspend=False))


@pytest.mark.parametrize(
    "change",
    [
        _switch_publishing_on,
        *(pytest.param(one, marks=pytest.mark.exhaustive) for one in (_change_a_key, _let_the_schedule_run)),
    ],
)
def test_what_is_changed_between_look_and_job_is_not_proven(operator, given, change):
    given.before("create", "jobs", lambda: change(given))

    drill = operator.drill("--stop-after", "validate", *given.words)

    assert shown_otherwise(drill), drill.output


@pytest.mark.exhaustive
def test_a_job_whose_command_was_replaced_is_not_the_recovered_workload(operator, given):
    given.cluster.mutators.append(runs("echo ATLAS_RUN_ID=nothing-ran"))

    drill = operator.drill("--stop-after", "validate", *given.words)

    assert shown_otherwise(drill), drill.output


def test_a_secret_with_another_value_is_not_what_was_backed_up(operator, given):
    def mutate(resource: Resource, _: str, manifest: Document) -> None:
        if (resource.kind, manifest["metadata"].get("name")) == ("Secret", "atlas-secrets"):
            manifest["data"]["WEBHOOK_TOKEN"] = base64.b64encode(b"something else").decode()

    given.cluster.mutators.append(mutate)

    drill = operator.drill("--stop-after", "validate", *given.words)

    assert shown_otherwise(drill), drill.output


@pytest.mark.parametrize(
    "source",
    [
        {"env": [{"name": "PUBLISH_S3", "valueFrom": {"configMapKeyRef": {"name": "on", "key": "PUBLISH_S3"}}}]},
        {"envFrom": [{"configMapRef": {"name": "atlas-config"}}, {"configMapRef": {"name": "on"}}]},
    ],
    ids=["valueFrom", "envFrom"],
)
def test_a_workload_that_takes_its_switch_from_elsewhere_could_publish(operator, source):
    container = {"name": "web", "image": "@".join(("/".join(IMAGE[:2]), IMAGE[2])), **source}
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}}
    spec = {"replicas": 0, "selector": {"matchLabels": {"app": "web"}}, "template": template}
    metadata = {"name": "web", "namespace": "atlas"}
    switch = {**theirs("on"), "apiVersion": "v1", "kind": "ConfigMap", "data": {"PUBLISH_S3": "1"}}
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}
    baseline(operator, switch, deployment)

    drill = operator.drill("--stop-after", "validate")

    overrides = drill.receipts["restore"]["observed"]["overrides"]
    assert shown_otherwise(drill) or any("Deployment/web" in override for override in overrides), drill.output


@pytest.mark.exhaustive
def test_a_workload_that_became_privileged_is_not_what_was_backed_up(operator, given):
    def mutate(resource: Resource, _: str, manifest: Document) -> None:
        if resource.kind == "Deployment":
            pod = manifest["spec"]["template"]["spec"]
            pod["hostNetwork"] = True
            pod["containers"][0]["securityContext"] = {"privileged": True}
            pod["containers"][0]["lifecycle"] = {"postStart": {"exec": {"command": ["sh", "-c", "true"]}}}

    given.cluster.mutators.append(mutate)

    drill = operator.drill("--stop-after", "validate", *given.words)

    assert shown_otherwise(drill), drill.output


@pytest.mark.exhaustive
def test_a_workload_that_is_pointed_at_another_state_shows_no_recovery(operator):
    settings_of(operator, '[job.environment]\nATLAS_STATE_BUCKET = "{state_bucket}"\nATLAS_STATE_PREFIX = "nothing"\n')

    drill = operator.drill("--stop-after", "validate")

    refused = drill.status == 4 and "job.environment" in drill.output
    assert refused or shown_otherwise(drill), drill.output


@pytest.mark.exhaustive
def test_a_pod_that_only_carries_the_jobs_label_is_not_the_jobs(operator, given):
    def forge() -> None:
        (job,) = given.store.list(JOBS, "atlas")[0]
        spec = json.loads(json.dumps(job["spec"]["template"]["spec"]))
        spec["containers"][0]["command"] = ["sh", "-c", "echo ATLAS_RUN_ID=forged"]
        labels = {"job-name": job["metadata"]["name"]}
        time.sleep(1.1)
        given.put(PODS, {"metadata": {"name": "forged", "namespace": "atlas", "labels": labels}, "spec": spec})
        given.cluster.life.wake()

    given.cluster.mutators.append(runs("sleep 2; echo ATLAS_RUN_ID=real"))
    given.before("get", "jobs", lambda: threading.Thread(target=forge, daemon=True).start())

    drill = operator.drill("--stop-after", "validate", *given.words)

    observed = drill.receipts["validate"]["observed"]
    assert observed is None or observed["run_id"] == "real"


def test_a_restore_of_nothing_that_was_backed_up_is_not_proven(operator):
    left_out = ("Secret", "Deployment", "Service", "CronJob", "ServiceAccount", "Role", "RoleBinding", "ConfigMap")
    settings_of(
        operator,
        f'[cluster]\nleft_out = {json.dumps([*left_out, "Pod"])}\nkinds = ["StatefulSet"]\n'
        'service_account = "default"\n[job]\nsource = "inline"\narguments = ["run"]\n',
    )

    drill = operator.drill("--stop-after", "validate", "--skip-workload-assume")

    assert (drill.status == 4 and "left_out" in drill.output) or drill.verdicts["every_manifest_was_restored"][
        "status"
    ] != "proven", drill.output


# What runs twice.


def test_a_drill_that_is_finished_by_another_process_runs_the_workload_once(operator, pytestconfig):
    run = operator.start(
        "-p", "tests.drill.kill_at", "-m", "drill", "--target", "embedded", "--provisioner", "direct", "--run-id", "killed",
        "--stop-after", "validate", *KEPT, KILL_AT="86", PYTHONPATH=str(pytestconfig.rootpath),
    )  # fmt: skip
    run.communicate(timeout=SECONDS)
    journal = (operator.folder / "reports/killed/journal.log").read_text()
    assert "cluster.create" in journal, "the point lies behind the Job's creation"

    operator.cli("resume", "--finish", "reports/killed")

    calls = json.loads((operator.folder / "reports/killed/evidence/world.calls.json").read_bytes())
    made = [call for call in calls if call["action"] == "create jobs" and call["status"] == 201]
    gone = [call for call in calls if call["action"] == "delete jobs"]
    operator.drill("--start-at", "teardown", "--receipt-dir", "reports/killed")
    assert len(made) - len(gone) <= 1


@pytest.mark.exhaustive
def test_the_job_of_an_attempt_is_gone_before_the_next_one_begins(operator, given):
    attempts = [0]

    def count(call: Call) -> None:
        attempts[0] += (call.verb, call.resource, call.dry_run) == ("create", "jobs", False)

    given.cluster.faults.append(count)
    given.registry.faults.append(lambda *_: "401 Unauthorized" if attempts[0] < 3 else None)

    drill = operator.drill("--stop-after", "validate", "--run-id", "thrice", *KEPT, *given.words)

    there = [job["metadata"]["name"] for job in given.store.list(JOBS, "atlas")[0]]
    operator.drill("--start-at", "teardown", "--receipt-dir", "reports/thrice")
    assert drill.status == 0, drill.output
    assert len(there) == 1
