"""A drill whose cluster is asked by kubectl on its machine: the same claims, the same verdicts, and nothing taken away."""

import json

import pytest

pytestmark = pytest.mark.costly("a drill over SSM")

OVER_SSM = ("--cluster-access", "ssm")
LOOKING = ("reach_cluster", "inspect_cluster")


@pytest.fixture(scope="session")
def asked_there(shelf):
    """One whole drill over SSM, with the kubectl that this machine has; tests only look at it."""
    from tests.drill.conftest import Operator

    words = ("--run-id", "over-ssm", "--provisioner", "direct", *OVER_SSM)
    return shelf.drill("over-ssm", lambda folder: Operator(folder).drill(*words))


def test_it_proves_what_a_drill_by_kubeconfig_proves(asked_there, green):
    assert asked_there.status == 0, asked_there.output
    assert asked_there.closing["outcome"] == "proven"
    assert {name: row["status"] for name, row in asked_there.verdicts.items()} == {
        name: row["status"] for name, row in green.verdicts.items()
    }
    assert asked_there.outcomes == green.outcomes
    assert (asked_there.verified().status, asked_there.verified().problems) == (
        green.verified().status,
        green.verified().problems,
    )


def test_the_kubeconfig_stays_on_the_machine(asked_there):
    reached = asked_there.receipts["reach_cluster"]["observed"]
    runner = asked_there.receipts["resolve_runner"]["observed"]["instance_id"]

    assert (reached["source"], reached["server"]) == ("over_ssm", f"kubectl on {runner}")
    assert reached["uid"] == reached["machine_uid"] != ""
    journal = (asked_there.bundle / "journal.log").read_text(encoding="utf-8", errors="replace")
    assert "until [ -s etc/rancher/k3s/k3s.yaml ]" in journal, "it is waited for"
    assert "cat etc/rancher" not in journal
    assert "over SSM" in (asked_there.bundle / "proof.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("phase", LOOKING)
def test_a_phase_that_looks_asks_the_cluster_for_nothing_but_reading(asked_there, phase):
    receipt = asked_there.receipts[phase]
    within = [
        call
        for call in asked_there.calls
        if call["service"] == "kubernetes" and receipt["started_at"] <= call["at"] <= receipt["ended_at"]
    ]

    assert within
    assert {call["method"] for call in within} == {"GET"}


def test_what_was_changed_is_what_was_announced(asked_there, green):
    def changes(drill):
        return sorted(
            (call["method"], call["key"].rpartition("/")[0])
            for call in drill.calls
            if call["service"] == "kubernetes"
            and call["method"] not in {"GET", ""}
            and "dryRun" not in json.dumps(call)
        )

    assert changes(asked_there) != []
    assert {method for method, _ in changes(asked_there)} == {method for method, _ in changes(green)}


@pytest.mark.exhaustive
def test_a_drill_that_is_kept_up_goes_on_over_ssm_and_its_login_is_renewed_there(operator):
    up = operator.drill(
        *("--run-id", "up", "--stop-after", "bringup", "--teardown", "false", "--provisioner", "direct", *OVER_SSM)
    )
    assert up.status == 0, up.output
    restored = operator.drill(
        *("--run-id", "restored", "--start-at", "restore", "--stop-after", "restore", "--teardown", "false"),
        *("--receipt-dir", "reports/up"),
    )
    assert restored.status == 0, restored.output
    assert restored.receipts["reach_cluster"]["observed"]["source"] == "over_ssm", "as the window before"

    image = "111122223333.dkr.ecr.us-east-1.amazonaws.com/atlas@sha256:" + "ab" * 32
    words = ("pull-secret", "--namespace", "atlas", "--image-ref", image, "--service-account", "atlas")
    done = operator.cli(*words, "--drill", "reports/restored")
    assert done.returncode == 0, done.stderr
    assert f"cluster_uid={restored.receipts['reach_cluster']['observed']['uid']}" in done.stdout

    down = operator.drill("--start-at", "teardown", "--receipt-dir", "reports/restored")
    assert down.status == 0, down.output


@pytest.mark.exhaustive
def test_the_embedded_kubectl_gives_the_same_drill(operator, green):
    drill = operator.drill("--provisioner", "direct", *OVER_SSM, EMBEDDED_WORLD_KUBECTL="embedded")

    assert drill.status == 0, drill.output
    assert {name: row["status"] for name, row in drill.verdicts.items()} == {
        name: row["status"] for name, row in green.verdicts.items()
    }


@pytest.mark.exhaustive
def test_another_cluster_than_the_machines_own_is_refuted_over_ssm_too(operator):
    drill = operator.drill("--provisioner", "direct", "--scenario", "wrong-cluster", *OVER_SSM)

    assert drill.status == 1, drill.output
    assert drill.outcomes["reach_cluster"] == "failed"
    assert "another cluster answers" in drill.receipts["reach_cluster"]["reason"]


def test_what_belongs_to_a_kubeconfig_is_refused_where_none_is_used(operator):
    (operator.folder / "theirs.yaml").write_text("")

    drill = operator.drill("--kubeconfig", "theirs.yaml", *OVER_SSM)

    assert drill.status == 4, drill.output
    assert "recovery.cluster_access is ssm, and cluster.kubeconfig is set" in drill.output
    assert drill.directory is None
