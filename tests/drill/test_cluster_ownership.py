"""What is a drill's own in a cluster goes with it, and what is somebody else's stays: each case once was otherwise."""

import pytest

from drproof.embedded.kubernetes.resources import (
    CONFIGMAPS,
    JOBS,
    Resource,
)
from tests.drill.conftest import Operator
from tests.drill.given import KEPT, UNTIL_RESTORE, Document, theirs

# What is left, and what is destroyed.


@pytest.mark.exhaustive
def test_a_teardown_with_an_empty_kubeconfig_leaves_nothing_in_a_given_cluster(operator, given):
    first = operator.drill("--run-id", "first", *UNTIL_RESTORE, *KEPT, *given.words)
    assert first.status == 0, first.output

    down = operator.drill("--start-at", "teardown", "--receipt-dir", "reports/first", "--kubeconfig", "")

    refused = down.status != 0 and "kubeconfig" in down.output
    assert refused or given.marked() == [], down.output


@pytest.mark.exhaustive
def test_a_recount_finds_what_another_window_of_the_drill_made(operator, given):
    given.namespace()
    operator.drill("--run-id", "restored", *UNTIL_RESTORE, *KEPT, *given.words)
    operator.drill("--run-id", "validated", "--validate-only", *KEPT, "--receipt-dir", "reports/restored")

    down = operator.drill("--start-at", "teardown", "--receipt-dir", "reports/restored")

    assert given.marked() == [] or down.receipts["teardown"]["observed"]["residue"] != [], down.output


def test_a_drill_of_the_same_name_removes_nothing_of_another_drill(tmp_path_factory, given):
    one, other = (Operator(tmp_path_factory.mktemp(name)) for name in ("one", "other"))
    up = one.drill("--run-id", "up", *UNTIL_RESTORE, *KEPT, *given.words)
    assert up.status == 0, up.output
    before = given.marked()

    other.drill("--run-id", "up", *UNTIL_RESTORE, *given.words)

    assert given.marked() == before
    one.drill("--start-at", "teardown", "--receipt-dir", "reports/up")


@pytest.mark.exhaustive
def test_a_namespace_that_somebody_made_a_moment_before_is_not_removed(operator, given):
    def somebody() -> None:
        given.namespace()
        given.put(CONFIGMAPS, theirs("precious"))

    given.before("patch", "namespaces", somebody)
    # A create that finds the name taken must come to the same.
    given.before("create", "namespaces", somebody)

    drill = operator.drill(*UNTIL_RESTORE, *given.words)

    assert drill.outcomes["reach_cluster"] == "passed", drill.output
    assert given.store.get(CONFIGMAPS, "atlas", "precious") is not None


def test_what_others_put_into_the_drills_namespace_is_left(operator, given):
    operator.drill("--run-id", "kept", *UNTIL_RESTORE, *KEPT, *given.words)
    given.put(CONFIGMAPS, theirs("precious"))

    down = operator.drill("--start-at", "teardown", "--receipt-dir", "reports/kept")

    assert down.directory is not None, down.output
    assert given.store.get(CONFIGMAPS, "atlas", "precious") is not None


@pytest.mark.exhaustive
def test_a_job_of_others_is_not_removed_by_the_repair(operator, given):
    pod = {"restartPolicy": "Never", "containers": [{"name": "c", "image": "theirs"}]}
    names: list[str] = []

    def learn(resource: Resource, _: str, manifest: Document) -> None:
        if resource.kind == "Job":
            names.append(manifest["metadata"]["name"])

    def take_the_name() -> None:
        metadata = {"name": names[0], "namespace": "atlas"}
        given.put(JOBS, {"metadata": metadata, "spec": {"suspend": True, "template": {"spec": pod}}})

    given.cluster.mutators.append(learn)
    given.before("create", "jobs", take_the_name)

    operator.drill("--run-id", "kept", "--stop-after", "validate", *KEPT, *given.words)

    theirs = given.store.get(JOBS, "atlas", names[0])
    operator.drill("--start-at", "teardown", "--receipt-dir", "reports/kept")
    assert theirs is not None


@pytest.mark.exhaustive
def test_one_refused_removal_keeps_nothing_else_from_being_removed(operator, given):
    given.namespace()
    operator.drill("--run-id", "kept", *UNTIL_RESTORE, *KEPT, *given.words)
    given.forbid("delete", "cronjobs")

    down = operator.drill("--start-at", "teardown", "--receipt-dir", "reports/kept")

    assert down.status == 1
    assert given.marked() == ["CronJob/atlas-daily"]
