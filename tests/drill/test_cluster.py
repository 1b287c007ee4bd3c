"""The recovery cluster in a drill: reached, restored into, looked at, and left as it was found."""

import json
import stat
from pathlib import Path

import pytest

from drproof.embedded.kubernetes.calls import Call
from drproof.embedded.kubernetes.cluster import Cluster
from drproof.embedded.kubernetes.nodes import Node
from drproof.embedded.kubernetes.registry import Program, Registry
from drproof.embedded.kubernetes.resources import (
    ALL,
    CONFIGMAPS,
    JOBS,
    NAMESPACES,
    SECRETS,
    SERVICEACCOUNTS,
)
from drproof.model.cluster import DRILL_LABEL
from tests.patience import until

IMAGE = (
    "111122223333.dkr.ecr.us-east-1.amazonaws.com",
    "atlas",
    "sha256:82a4c71257ed19c867e4c94949aca606de10ab64d8b98509caf40155e0bfed80",
)
CHANGING = {"create", "update", "patch", "delete", "deletecollection"}


class Given:
    """A cluster of the operator's, with its kubeconfig in a file, and every call that was made to it."""

    def __init__(self, folder: Path) -> None:
        self.calls: list[Call] = []
        registry = Registry()
        registry.push(IMAGE[0], IMAGE[1], digest=IMAGE[2], program=Program(entrypoint=("true",)))
        self.cluster = Cluster(
            folder / "cluster", nodes=(Node("theirs"),), registry=registry, on_call=self.calls.append
        )
        self.cluster.start()
        self.words = ("--kubeconfig", str(folder / "theirs.yaml"), "--cluster-uid", self.cluster.uid)
        self.kubeconfig = folder / "theirs.yaml"
        self.kubeconfig.write_text(self.cluster.kubeconfig())

    @property
    def changes(self) -> list[Call]:
        return [call for call in self.calls if call.verb in CHANGING and not call.dry_run]

    def versions(self) -> dict[str, str]:
        """Return the resource version of everything in the recovery namespace, and of the namespace."""
        kinds = [resource for resource in ALL if resource.namespaced and resource.kind != "Event"]
        found = [one for resource in kinds for one in self.cluster.store.list(resource, "atlas")[0]]
        found += [one for one in self.cluster.store.list(NAMESPACES)[0] if one["metadata"]["name"] == "atlas"]
        return {f"{one['kind']}/{one['metadata']['name']}": one["metadata"]["resourceVersion"] for one in found}

    def objects(self) -> list[str]:
        """Return what carries a drill's label."""
        found = [one for resource in ALL for one in self.cluster.store.list(resource)[0]]
        marked = [one for one in found if DRILL_LABEL in (one["metadata"].get("labels") or {})]
        return [f"{one['kind']}/{one['metadata']['name']}" for one in marked]


@pytest.fixture
def given(tmp_path):
    found = Given(tmp_path)
    yield found
    found.cluster.stop()


def _kept_up(operator, run_id, *words):
    drill = operator.drill("--run-id", run_id, "--teardown", "false", *words)
    assert drill.status == 0, drill.output
    return drill


def test_a_restore_that_is_run_twice_changes_no_resource_version(operator, given):
    first = _kept_up(operator, "first", "--stop-after", "restore", *given.words)
    restored = {one["name"] for one in first.receipts["restore"]["observed"]["objects"]}
    # The cluster's own controllers write the status of what was restored a moment later.
    until(lambda: given.cluster.life.at_rest)
    before = given.versions()
    asked = len(given.changes)

    again = ("--start-at", "restore", "--stop-after", "restore", "--receipt-dir", "reports/first")
    second = _kept_up(operator, "second", *again)

    assert given.versions() == before
    assert restored < before.keys() | {"Namespace/atlas"}
    assert given.changes[asked:] == [], "what is as it must be is not written again, and the login still lives"
    assert second.receipts["restore"]["observed"]["namespace_created"] is True
    down = operator.drill("--start-at", "teardown", "--receipt-dir", "reports/second")
    assert down.status == 0, down.output
    assert given.objects() == []


def test_the_kubeconfig_is_private_is_found_again_and_goes_with_the_teardown(operator):
    up = _kept_up(operator, "up", "--stop-after", "bringup")
    kept = operator.folder / "reports/up.private/kubeconfig.yaml"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
    assert up.receipts["reach_cluster"]["observed"]["source"] == "bringup_generated"
    text = kept.read_text()
    key = next(line.split()[1] for line in text.splitlines() if "client-key-data" in line)
    assert "127.0.0.1" in text, "the name that the certificate speaks for is kept"
    assert up.receipts["reach_cluster"]["observed"]["server"].startswith("https://127.")
    assert "https://127.0.0.1:" not in text, "the machine's own address was rewritten"

    restored = _kept_up(
        operator, "restored", "--start-at", "restore", "--stop-after", "restore", "--receipt-dir", "reports/up"
    )

    assert restored.receipts["reach_cluster"]["observed"]["source"] == "receipt_dir_autoload"
    for bundle in (up.bundle, restored.bundle):
        for path in bundle.rglob("*"):
            assert not path.is_file() or key.encode() not in path.read_bytes(), path
    assert key not in up.output + restored.output
    down = operator.drill("--start-at", "teardown", "--receipt-dir", "reports/restored")
    assert down.status == 0, down.output
    assert list((operator.folder / "reports").glob("*.private")) == []


def test_a_given_cluster_is_restored_into_and_left_as_it_was(operator, given):
    store = given.cluster.store
    before = {resource.key: len(store.list(resource)[0]) for resource in (NAMESPACES, CONFIGMAPS, SECRETS, JOBS)}

    restored = operator.drill("--stop-after", "restore", *given.words)

    assert restored.status == 0, restored.output
    reached = restored.receipts["reach_cluster"]["observed"]
    assert (reached["source"], reached["uid"]) == ("arg_kubeconfig", given.cluster.uid)
    assert any(call.resource == "namespaces" and call.name == "atlas" for call in given.changes), "it was restored into"
    assert given.objects() == []
    after = {resource.key: len(store.list(resource)[0]) for resource in (NAMESPACES, CONFIGMAPS, SECRETS, JOBS)}
    assert after == before
    torn = restored.receipts["teardown"]["observed"]
    assert "cluster-object" in {item["kind"] for item in torn["before"]}
    assert torn["residue"] == []


def test_what_was_there_in_a_namespace_of_others_stays_there(operator, given):
    store = given.cluster.store
    given_space = {"metadata": {"name": "atlas"}, "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}}
    store.create(NAMESPACES, given_space)
    store.create(CONFIGMAPS, {"metadata": {"name": "theirs", "namespace": "atlas"}, "data": {"a": "b"}})

    restored = operator.drill("--stop-after", "restore", *given.words)

    assert restored.status == 0, restored.output
    assert restored.receipts["restore"]["observed"]["namespace_created"] is False
    assert given.objects() == []
    assert store.get(NAMESPACES, "", "atlas") is not None
    assert store.get(CONFIGMAPS, "atlas", "theirs")["data"] == {"a": "b"}


@pytest.mark.exhaustive
def test_an_account_of_others_keeps_its_pull_secrets_and_loses_ours_again(operator, given):
    (operator.folder / "drproof.toml").write_text('target = "embedded"\n[cluster]\nservice_account = "theirs"\n')
    store = given.cluster.store
    store.create(
        NAMESPACES,
        {"metadata": {"name": "atlas"}, "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}},
    )
    links = [{"name": "mirror"}, {"name": "other"}]
    store.create(SERVICEACCOUNTS, {"metadata": {"name": "theirs", "namespace": "atlas"}, "imagePullSecrets": links})
    seen = []

    def watch(call):
        account = store.get(SERVICEACCOUNTS, "atlas", "theirs")
        seen.append([row["name"] for row in account["imagePullSecrets"]])

    given.cluster.faults.append(watch)
    restored = operator.drill("--stop-after", "restore", *given.words)

    assert restored.status == 0, restored.output
    assert ["mirror", "other", "ecr-pull"] in seen
    assert store.get(SERVICEACCOUNTS, "atlas", "theirs")["imagePullSecrets"] == links


@pytest.mark.exhaustive
def test_an_object_of_others_is_not_overwritten(operator, given):
    store = given.cluster.store
    store.create(
        NAMESPACES,
        {"metadata": {"name": "atlas"}, "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}},
    )
    store.create(CONFIGMAPS, {"metadata": {"name": "atlas-settings-3", "namespace": "atlas"}, "data": {"number": "99"}})

    refused = operator.drill("--stop-after", "restore", *given.words)

    assert refused.status == 1
    assert refused.outcomes["restore"] == "failed"
    assert "ConfigMap/atlas-settings-3 is in atlas already" in refused.receipts["restore"]["reason"]
    assert store.get(CONFIGMAPS, "atlas", "atlas-settings-3")["data"] == {"number": "99"}
    assert given.objects() == [], "what was restored before that was removed again"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--cluster-uid", "00000000-0000-4000-8000-000000000000"), "another cluster answers"),
        (("--context", "nobody"), "nobody"),
        (("--cluster-uid", ""), "nothing says that it is the one that is meant"),
    ],
)
def test_another_cluster_than_the_one_that_was_meant_is_refused_before_anything_changes(operator, given, words, said):
    refused = operator.drill(*given.words, *words)

    assert refused.status == 4, refused.output
    assert refused.directory is None
    assert said in refused.output
    assert "next:" in refused.output
    assert given.changes == []


def test_a_given_kubeconfig_that_would_start_a_process_is_refused_and_starts_none(operator, given):
    mark = operator.folder / "a-process-was-started"
    head = given.kubeconfig.read_text().partition("users:")[0]
    given.kubeconfig.write_text(
        f"{head}users:\n- name: default\n  user:\n    exec:\n      apiVersion: client.authentication.k8s.io/v1\n"
        f"      command: touch\n      args: ['{mark}']\n      interactiveMode: Never\n"
    )

    refused = operator.drill(*given.words)

    assert refused.status == 4, refused.output
    assert refused.directory is None
    assert "would start 'touch'" in refused.output
    assert not mark.exists()
    assert given.calls == []


@pytest.mark.exhaustive
def test_a_kubeconfig_with_exec_on_the_machine_starts_no_process_anywhere(injected):
    drill = injected("kubeconfig-with-exec")

    assert drill.outcomes["reach_cluster"] == "failed"
    assert drill.receipts["reach_cluster"]["cause"] == "guard"
    assert list(drill.bundle.parents[1].rglob("a-process-was-started")) == []


def test_a_wrong_cluster_sees_no_change(injected):
    drill = injected("wrong-cluster")

    asked = [call for call in drill.calls if call["service"] == "kubernetes"]
    assert [call for call in asked if call["action"].split()[0] in CHANGING] == []
    assert drill.inventory["clusters"] == []


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"kind: Config\n",
        *(pytest.param(one, marks=pytest.mark.exhaustive) for one in (b"", b"\xff\xfe", b"a: [1\n")),
    ],
)
def test_what_is_no_kubeconfig_is_refused_with_the_next_step(operator, content):
    path = operator.folder / "theirs.yaml"
    if content is not None:
        path.write_bytes(content)

    refused = operator.drill("--kubeconfig", str(path))

    assert refused.status == 4, refused.output
    assert refused.directory is None
    assert "next:" in refused.output
    assert "Traceback" not in refused.output


def test_the_registrys_password_is_in_no_byte_that_anybody_may_read(operator, given):
    kept = operator.drill("--run-id", "kept", "--stop-after", "restore", "--teardown", "false", *given.words)
    assert kept.status == 0, kept.output
    import base64

    config = given.cluster.store.get(SECRETS, "atlas", "ecr-pull")["data"][".dockerconfigjson"]
    (login,) = json.loads(base64.b64decode(config))["auths"].values()
    values = [config, login["auth"], base64.b64decode(login["auth"]).decode().partition(":")[2]]
    assert all(len(value) > 100 for value in values)

    for path in operator.folder.rglob("*"):
        if path.is_file() and path.name != "theirs.yaml":
            data = path.read_bytes()
            assert not any(value.encode() in data for value in values), path
    assert not any(value in kept.output for value in values)
    operator.drill("--start-at", "teardown", "--receipt-dir", "reports/kept")
    assert given.objects() == []


def test_diagnostics_list_the_cluster(operator):
    looked = operator.drill("--diagnostics-only")

    assert looked.status == 0, looked.output
    seen = looked.receipts["diagnose"]["observed"]
    assert [node["ready"] for node in seen["nodes"]] == [True]
    assert seen["pods"] == []
    assert looked.inventory["clusters"] == []


@pytest.mark.exhaustive
def test_without_the_workload_s_cronjob_the_settings_say_what_runs(operator):
    (operator.folder / "drproof.toml").write_text(
        'target = "embedded"\n[job]\narguments = ["run", "--profile", "cs"]\n'
    )

    drill = operator.drill("--scenario", "cronjob-missing", "--skip-workload-assume")

    assert drill.status == 0, drill.output
    assert drill.receipts["validate"]["observed"]["source"] == "inline"
    assert "workload_cronjob_is_there[atlas-daily]" not in drill.verdicts


@pytest.mark.exhaustive
def test_no_process_of_a_container_outlives_the_drill(injected):
    drill = injected("validation-job-hangs")

    assert drill.outcomes["validate"] == "failed"
    private = drill.bundle.with_name(drill.bundle.name + ".private")
    until(lambda: not _processes_below(private))


def _processes_below(folder: Path) -> list[str]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            place, command = str((entry / "cwd").readlink()), (entry / "cmdline").read_bytes()
        except OSError:
            # It is another's, or it has ended.
            continue
        if place.startswith(str(folder)):
            found.append(command.replace(b"\0", b" ").decode())
    return found
