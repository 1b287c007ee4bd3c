"""The probes of a cluster: on one that behaves they all succeed, on one that does not they say what is wrong."""

import json
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from drproof.embedded.kubernetes.cluster import Cluster as Embedded
from drproof.embedded.kubernetes.faults import Fault
from drproof.embedded.kubernetes.registry import Program
from drproof.embedded.kubernetes.scripts import Run, Script
from drproof.engine.effects import JournalledEffects
from drproof.evidence.journal import Journal
from drproof.model.cluster import CONFIG_MAP, DRILL_LABEL, NAMESPACE
from drproof.model.errors import AlreadyExistsError, Interruption, UnansweredError
from drproof.targets.kubernetes.access import KubeconfigAccess
from drproof.targets.kubernetes.cluster import KubernetesCluster
from drproof.targets.kubernetes.conformance import new_namespace, probes, run
from drproof.targets.kubernetes.ground import UNPULLABLE
from tests.patience import PATIENCE
from tests.shares import FEW
from tests.targets.conftest import make_intent
from tests.targets.kubernetes.conftest import IMAGE

pytestmark = pytest.mark.costly(days=FEW)

COMMAND = [sys.executable, "-u", "-c", "from drproof.cli import main; main()", "conformance"]
Effects = Callable[[str], JournalledEffects]
LONG_MS = int(1000 * PATIENCE)


@pytest.fixture
def cluster(embedded: Embedded, tmp_path: Path) -> Iterator[KubernetesCluster]:
    access = KubeconfigAccess(tmp_path)
    access.keep(embedded.kubeconfig(), source="arg_kubeconfig")
    opened = access.open()
    yield opened
    opened.close()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "journal.jsonl") as opened:
        yield opened


@pytest.fixture
def effects(journal: Journal) -> Effects:
    return lambda namespace: JournalledEffects(journal, drill_id=namespace, phase="conformance")


def test_a_cluster_that_behaves_shows_every_claim_and_nothing_is_left(cluster, effects, journal, calls):
    namespace = new_namespace()

    results = run(cluster, effects(namespace), namespace=namespace, image=IMAGE, patience_ms=LONG_MS)

    assert [(result.name, result.status, result.detail) for result in results if result.status != "ok"] == []
    assert [result.name for result in results] == [probe.name for probe in probes()]
    assert cluster.get(NAMESPACE, namespace) is None
    ours = [call for call in calls.changes() if call.user_agent.startswith("drproof/") and not call.dry_run]
    inside = [call for call in ours if (call.verb, call.resource) != ("create", "namespaces")]
    assert len(inside) == len(ours) - 1
    assert {call.namespace or call.name for call in inside} == {namespace}
    intents = [record for record in journal.records() if record["kind"] == "intent"]
    assert len(intents) == len(ours), "each change was journalled"
    assert all(namespace in record["resource"] for record in intents)


def test_every_probe_has_a_name_a_claim_and_a_source_of_its_own():
    assert all(probe.claim and probe.source for probe in probes())
    assert len({probe.name for probe in probes()}) == len(probes()) == len({probe.claim for probe in probes()})


def test_what_needs_an_image_is_not_shown_without_one(cluster, effects):
    namespace = new_namespace()

    results = run(cluster, effects(namespace), namespace=namespace, names=["logs_after_the_end"])

    assert [(result.name, result.status) for result in results] == [
        ("logs_after_the_end", "not_shown"),
        ("namespace_goes", "ok"),
    ]
    assert "--image REF" in results[0].detail


@pytest.mark.parametrize("name", ["unschedulable_pod", "events_readable"])
def test_a_pod_is_made_once_its_new_namespace_has_its_account(cluster, effects, embedded, monkeypatch, name):
    monkeypatch.setattr(embedded.life._namespaces, "account_seconds", 0.5)
    namespace = new_namespace()

    results = run(cluster, effects(namespace), namespace=namespace, names=[name], patience_ms=LONG_MS)

    assert [(result.status, result.detail) for result in results if result.status != "ok"] == []


# A probe that cannot fail shows nothing


def trimmed(resource: Any, operation: str, thing: dict[str, Any]) -> None:
    """Take the line ends away, as a hand that edits YAML does."""
    if resource.kind == "ConfigMap" and thing["metadata"]["name"] == "exact-bytes":
        thing["data"] = {key: text.rstrip() for key, text in thing["data"].items()}


def stamped(resource: Any, operation: str, thing: dict[str, Any]) -> None:
    if thing["metadata"].get("name") == "apply-again":
        thing["metadata"]["annotations"]["stamp"] = str(time.time_ns())


def listed_twice(resource: Any, operation: str, thing: dict[str, Any]) -> None:
    if thing["metadata"].get("name") == "pull-secrets":
        thing["imagePullSecrets"] = [{"name": "one"}, {"name": "other"}]


def same_image(resource: Any, operation: str, thing: dict[str, Any]) -> None:
    if resource.kind == "Job" and thing["metadata"]["name"] == "job-template":
        thing["spec"]["template"]["spec"]["containers"][0]["image"] = UNPULLABLE


def no_deadline(resource: Any, operation: str, thing: dict[str, Any]) -> None:
    if resource.kind == "Job":
        thing["spec"].pop("activeDeadlineSeconds", None)


def modest(resource: Any, operation: str, thing: dict[str, Any]) -> None:
    if resource.kind == "Pod":
        for container in thing["spec"]["containers"]:
            container.pop("resources", None)


@pytest.mark.parametrize(
    ("mutator", "name", "says"),
    [
        (trimmed, "exact_bytes", "changed: crlf, json, letters, looks-like-yaml, newline, newlines, spaces"),
        (stamped, "apply_again", "expected the resourceVersion to stay"),
        (listed_twice, "pull_secrets_replaced", r"expected the whole list .*got \['one', 'other'\]"),
        (same_image, "job_template_immutable", "expected the template of a Job to stay"),
        (no_deadline, "deadline_ends_a_job", "Job/deadline: expected it to fail within [0-9.]+ s"),
        (modest, "unschedulable_pod", "Pod/unschedulable: expected it to be Unschedulable within [0-9.]+ s"),
    ],
)
def test_a_cluster_that_changes_what_it_is_given_is_found_out(cluster, effects, embedded, mutator, name, says):
    embedded.mutators.append(mutator)
    try:
        found = one(cluster, effects, name)
    finally:
        embedded.mutators.remove(mutator)

    assert found.status == "failed", found
    assert re.search(says, found.detail), found.detail


def one(cluster: KubernetesCluster, effects: Effects, name: str, *, image: str = "") -> Any:
    """Return what a probe of little patience came to: of more, where this machine took too long to clear up after it."""
    for patience_ms in (1500, 15_000, LONG_MS):
        namespace = new_namespace()
        results = run(
            cluster, effects(namespace), namespace=namespace, names=[name], image=image, patience_ms=patience_ms
        )
        if results[-1].status == "ok":
            return results[0]
    pytest.fail(f"the namespace did not go: {results[-1]}")


@pytest.mark.parametrize(
    ("resource", "name"), [("nodes", "nodes_readable"), ("events", "events_readable"), ("pods", "unpullable_image")]
)
def test_what_the_user_may_not_read_is_named(cluster, effects, embedded, resource, name):
    def forbid(call: Any) -> Fault | None:
        if call.verb == "list" and call.resource == resource and call.user_agent.startswith("drproof/"):
            return Fault(status=403, reason="Forbidden", message=f"{resource} is forbidden")
        return None

    embedded.faults.append(forbid)
    try:
        found = one(cluster, effects, name)
    finally:
        embedded.faults.remove(forbid)

    assert (found.status, f"{resource} is forbidden" in found.detail) == ("failed", True), found


def test_an_image_that_can_be_pulled_after_all_is_found_out(cluster, effects, registry):
    digest = f"sha256:{'cd' * 32}"
    registry.push(
        "registry.invalid", "drproof/none", digest=digest, tags=("none",), program=Program(("/bin/sleep", "600"))
    )
    try:
        found = one(cluster, effects, "unpullable_image")
    finally:
        registry.remove("registry.invalid", "drproof/none", digest)

    assert (found.status, "expected its pod to say ImagePullBackOff" in found.detail) == ("failed", True), found


def test_a_log_that_is_not_what_was_written_is_found_out(cluster, effects, embedded):
    embedded.kubelet.script(
        Script(
            match=lambda pod: pod["metadata"].get("labels", {}).get("job-name") == "logs",
            runs=[Run(logs="something else\n")],
        )
    )
    found = one(cluster, effects, "logs_after_the_end", image=IMAGE)

    assert (found.status, "got 'something else" in found.detail) == ("failed", True), found


# Whatever happens, the namespace goes


def test_a_namespace_of_somebody_else_is_not_used_and_not_removed(cluster, effects):
    name = new_namespace()
    cluster.create(make_intent(), {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})

    with pytest.raises(AlreadyExistsError) as caught:
        run(cluster, effects(name), namespace=name)

    # What went wrong first is the error; that nobody removed it is told beside.
    assert any(name in note for note in caught.value.__notes__)
    assert cluster.get(NAMESPACE, name) is not None
    with pytest.raises(ValueError, match="is called drproof-conformance-"):
        run(cluster, effects("default"), namespace="default")


def test_a_run_that_is_interrupted_removes_its_namespace(cluster, effects, embedded):
    namespace = new_namespace()

    def interrupt(_: object) -> None:
        assert cluster.get(NAMESPACE, namespace) is not None
        raise Interruption("SIGTERM received", exit_status=143)

    with pytest.raises(Interruption):
        run(cluster, effects(namespace), namespace=namespace, heard=interrupt)
    assert cluster.get(NAMESPACE, namespace) is None


def test_an_interruption_stays_one_where_the_namespace_cannot_be_removed_and_says_what_may_be_left(
    cluster, effects, embedded
):
    namespace = new_namespace()

    def refuse(call: Any) -> Fault | None:
        return Fault(status=403, reason="Forbidden", message="not for you") if call.verb == "delete" else None

    def interrupt(_: object) -> None:
        embedded.faults.append(refuse)
        raise Interruption("SIGTERM received", exit_status=143)

    try:
        with pytest.raises(Interruption) as caught:
            run(cluster, effects(namespace), namespace=namespace, heard=interrupt)
    finally:
        embedded.faults.remove(refuse)

    (note,) = caught.value.__notes__
    assert note.startswith(f"the namespace {namespace} may be left: ")
    assert note.endswith(f"next: kubectl delete namespace {namespace}")


def test_a_server_that_is_lost_ends_the_run_and_what_was_made_goes(cluster, effects, embedded):
    namespace = new_namespace()

    def lose(call: Any) -> Fault | None:
        return Fault(reset=True) if call.resource == "configmaps" and call.verb == "patch" else None

    embedded.faults.append(lose)
    try:
        with pytest.raises(UnansweredError):
            run(cluster, effects(namespace), namespace=namespace)
    finally:
        embedded.faults.remove(lose)
    assert cluster.get(NAMESPACE, namespace) is None


def test_everything_that_is_made_says_to_which_run_it_belongs(cluster, effects, embedded):
    namespace = new_namespace()
    seen: list[dict[str, Any]] = []

    def look(result: Any) -> None:
        if result.name != "namespace_goes":
            seen.extend(
                dict(each) for each in cluster.list(CONFIG_MAP, namespace=namespace, labels={DRILL_LABEL: namespace})
            )

    run(cluster, effects(namespace), namespace=namespace, names=["exact_bytes", "conflict"], heard=look)

    assert {each["metadata"]["name"] for each in seen} == {"exact-bytes", "conflict"}


# The command


def command(kubeconfig: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    line = [*COMMAND, "--kubeconfig", str(kubeconfig), *arguments]
    return subprocess.run(line, capture_output=True, text=True, timeout=5 * PATIENCE, check=False)


@pytest.fixture
def kubeconfig(embedded: Embedded, tmp_path: Path) -> Path:
    path = tmp_path / "given.yaml"
    path.write_text(embedded.kubeconfig())
    return path


def test_the_command_says_each_claim_and_how_it_ended(kubeconfig, embedded):
    said = command(kubeconfig)

    assert said.returncode == 0, said.stdout + said.stderr
    assert f"UID {embedded.uid}" in said.stdout
    assert "ok         a dry run writes nothing" in said.stdout
    assert "not shown  the log of a container" in said.stdout
    assert f"{len(probes()) - 1} of {len(probes())} shown, 0 failed" in said.stdout


def test_the_command_fails_when_a_claim_does_and_its_document_says_which(kubeconfig, embedded):
    embedded.mutators.append(trimmed)
    try:
        said = command(kubeconfig, "--json")
    finally:
        embedded.mutators.remove(trimmed)

    assert said.returncode == 1, said.stdout + said.stderr
    document = json.loads(said.stdout)
    assert document["uid"] == embedded.uid
    assert [each["name"] for each in document["results"] if each["status"] == "failed"] == ["exact_bytes"]
    assert set(document["results"][0]) == {"name", "claim", "source", "status", "detail"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nonsense: true", "no current context"),
        ("[", "not YAML"),
        (None, "No such file"),
    ],
)
def test_the_command_is_misused_without_a_kubeconfig(tmp_path, text, says):
    path = tmp_path / "given.yaml"
    if text is not None:
        path.write_text(text)

    said = command(path)

    assert said.returncode == 2
    assert said.stderr.startswith("drproof: ")
    assert says in said.stderr
    assert "Traceback" not in said.stderr


def test_the_command_says_that_no_server_answers(kubeconfig, embedded):
    kubeconfig.write_text(embedded.kubeconfig(server="https://127.0.0.1:9"))

    said = command(kubeconfig)

    assert (said.returncode, "Unreachable" in said.stderr) == (2, True)
    assert "kubectl delete" not in said.stderr, "nothing was made"


def test_a_signal_ends_the_command_and_its_namespace(kubeconfig, cluster, embedded):
    held = threading.Event()

    def hold(call: Any) -> Fault | None:
        """Let the first object that it makes wait until the signal has come."""
        if (call.verb, call.resource) not in {("create", "configmaps"), ("patch", "configmaps")} or held.is_set():
            return None
        held.set()
        return Fault(hang_seconds=5 * PATIENCE)

    embedded.faults.append(hold)
    line = [*COMMAND, "--kubeconfig", str(kubeconfig)]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        namespace = process.stdout.readline().split()[-1]
        assert held.wait(PATIENCE)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=PATIENCE)
    embedded.faults.remove(hold)

    assert process.returncode == 143, errors
    assert "SIGTERM received" in errors
    assert namespace.startswith("drproof-conformance-")
    assert cluster.get(NAMESPACE, namespace) is None
