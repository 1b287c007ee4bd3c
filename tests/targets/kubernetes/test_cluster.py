"""The adapter against a cluster that keeps objects, runs Jobs and can be taken away."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from drproof.embedded.kubernetes.cluster import Cluster as Embedded
from drproof.embedded.kubernetes.faults import Fault
from drproof.model.cluster import (
    CONFIG_MAP,
    FIELD_MANAGER,
    JOB,
    NAMESPACE,
    NODE,
    POD,
    SECRET,
    Kind,
    Manifest,
)
from drproof.model.errors import AlreadyExistsError, NotFoundError, TargetError, UnansweredError
from drproof.targets.kubernetes import cluster as adapter
from drproof.targets.kubernetes.access import KubeconfigAccess
from drproof.targets.kubernetes.cluster import KubernetesCluster
from drproof.targets.kubernetes.errors import Asked
from drproof.targets.kubernetes.over_ssm.access import SsmAccess
from tests.patience import PATIENCE, until
from tests.targets.conftest import make_intent
from tests.targets.kubernetes import machines
from tests.targets.kubernetes.conftest import IMAGE

LONG_MS = int(1000 * PATIENCE)
NOWHERE = {"example.org/there-is-no": "such-node"}


CLIENT = "client"


@pytest.fixture(params=[CLIENT, *machines.KINDS])
def way(request: pytest.FixtureRequest) -> str:
    """How the cluster is reached: the official client, or over SSM by the real kubectl or by the embedded one."""
    return str(request.param)


@pytest.fixture
def cluster(embedded: Embedded, tmp_path: Path, way: str) -> Iterator[KubernetesCluster]:
    access: KubeconfigAccess | SsmAccess
    if way == CLIENT:
        access = KubeconfigAccess(tmp_path)
        access.keep(embedded.kubeconfig(), source="arg_kubeconfig")
    else:
        access = machines.access(machines.beside(embedded, tmp_path / "root", way))
    opened = access.open(uid=embedded.uid)
    yield opened
    opened.close()


@pytest.fixture
def space(cluster: KubernetesCluster) -> str:
    """A namespace of the test's own."""
    name = f"t-{make_intent().token[:8]}"
    cluster.create(make_intent(), {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    return name


def config_map(space: str, name: str = "state", **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": space}, "data": data}


def job(space: str, name: str = "job", *command: str, image: str = IMAGE, nowhere: bool = False) -> dict[str, Any]:
    container: dict[str, Any] = {"name": "main", "image": image, "command": list(command)}
    pod: dict[str, Any] = {"restartPolicy": "Never", "containers": [container]}
    if nowhere:
        pod["nodeSelector"] = NOWHERE
    spec = {"backoffLimit": 0, "template": {"spec": pod}}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name, "namespace": space}, "spec": spec}


def uid_of(manifest: Manifest | None) -> str:
    assert manifest is not None
    return str(manifest["metadata"]["uid"])


def test_it_says_which_cluster_it_is(cluster, embedded, way):
    assert cluster.identity.uid == embedded.uid
    assert (cluster.identity.context, cluster.identity.server) == (
        ("default", f"https://{embedded.address}") if way == CLIENT else ("", f"kubectl on {machines.INSTANCE}")
    )
    assert cluster.identity.version.startswith("v1.")
    cluster.assert_pinned()


def test_what_is_there_is_returned_and_what_is_not_is_none(cluster, space):
    made = cluster.create(make_intent(), config_map(space, a="1"))

    assert cluster.get(CONFIG_MAP, "state", namespace=space) == made
    assert made["data"] == {"a": "1"}
    assert cluster.get(CONFIG_MAP, "other", namespace=space) is None
    assert cluster.get(CONFIG_MAP, "state", namespace="no-such-namespace") is None
    assert cluster.get(NAMESPACE, "no-such-namespace") is None


def test_a_kind_that_the_cluster_does_not_know_is_an_error(cluster):
    with pytest.raises(NotFoundError, match="example.org/v1 Widget"):
        cluster.get(Kind(api_version="example.org/v1", kind="Widget"), "x", namespace="default")


def test_a_list_is_whole_whatever_its_length_and_says_what_its_items_are(cluster, space, monkeypatch, calls):
    for number in range(5):
        cluster.create(make_intent(), config_map(space, f"state-{number}"))
    monkeypatch.setattr(adapter, "PAGE", 2)
    calls.clear()

    found = cluster.list(CONFIG_MAP, namespace=space)

    assert {f"state-{number}" for number in range(5)} <= {each["metadata"]["name"] for each in found}
    assert {(each["apiVersion"], each["kind"]) for each in found} == {("v1", "ConfigMap")}
    assert len(calls.of("list")) == 3


def test_a_list_is_of_one_namespace_or_of_all_and_may_be_of_labels(cluster, space):
    marked = config_map(space, "marked")
    marked["metadata"]["labels"] = {"example.org/a": "1", "b": "2"}
    cluster.create(make_intent(), marked)
    cluster.create(make_intent(), config_map(space, "plain"))

    def names(**where: Any) -> set[str]:
        return {each["metadata"]["name"] for each in cluster.list(CONFIG_MAP, **where)}

    assert names(namespace=space, labels={"example.org/a": "1", "b": "2"}) == {"marked"}
    assert names(namespace=space, labels={"b": "3"}) == set()
    assert {"marked", "plain"} <= names()
    assert cluster.list(NODE)[0]["kind"] == "Node"


# Trying out


def test_trying_out_writes_nothing_and_needs_no_intent(cluster, space, calls):
    cluster.try_out(config_map(space, a="1"))

    assert cluster.get(CONFIG_MAP, "state", namespace=space) is None
    assert all(call.dry_run for call in calls.changes())


def test_a_field_that_the_server_does_not_know_is_named(cluster, space):
    wrong = job(space)
    wrong["spec"]["template"]["spec"]["containers"][0]["imagePullPolice"] = "Always"

    with pytest.raises(TargetError, match=r"kubernetes:try_out Job/.*/job: .*imagePullPolice") as caught:
        cluster.try_out(wrong)
    assert caught.value.code in {"BadRequest", "Invalid"}


def test_an_object_that_is_there_is_tried_as_a_change(cluster, space):
    made = cluster.create(make_intent(), job(space, nowhere=True))

    cluster.try_out(job(space, nowhere=True))
    with pytest.raises(TargetError, match="immutable") as caught:
        cluster.try_out(job(space, image="registry.test/other:2", nowhere=True))

    assert caught.value.code == "Invalid"
    assert uid_of(cluster.get(JOB, "job", namespace=space)) == uid_of(made)


def test_trying_out_in_a_namespace_that_is_not_there_says_so(cluster):
    with pytest.raises(NotFoundError, match='namespaces "no-such" not found'):
        cluster.try_out(config_map("no-such"))


# Changing


def test_applying_again_changes_nothing_and_applying_less_removes(cluster, space):
    first = cluster.apply(make_intent(), config_map(space, a="1", b="2"))
    second = cluster.apply(make_intent(), config_map(space, a="1", b="2"))
    third = cluster.apply(make_intent(), config_map(space, a="1"))

    assert first["metadata"]["resourceVersion"] == second["metadata"]["resourceVersion"]
    assert third["data"] == {"a": "1"}


def test_applying_takes_over_what_another_manager_wrote(cluster, space):
    path = f"/api/v1/namespaces/{space}/configmaps/state"
    cluster._wire.ask(
        Asked(call="test"),
        "PATCH",
        path,
        query=[("fieldManager", "another")],
        body=config_map(space, a="theirs"),
        content_type="application/apply-patch+yaml",
    )

    assert cluster.apply(make_intent(), config_map(space, a="ours"))["data"] == {"a": "ours"}


def test_every_change_is_preceded_by_a_look_at_who_answers_and_names_its_manager(cluster, space, calls, way):
    cluster.get(CONFIG_MAP, "state", namespace=space)
    calls.clear()
    made = cluster.create(make_intent(), config_map(space, a="1"))
    made = cluster.apply(make_intent(), config_map(space, a="2"))
    cluster.replace(make_intent(), {**made, "data": {"a": "3"}})
    cluster.delete(make_intent(), CONFIG_MAP, "state", namespace=space, uid=uid_of(made), timeout_ms=LONG_MS)

    # kubectl asks for the kinds in between.
    seen = [(call.verb, call.resource, call.name) for call in calls.all() if call.verb]
    look = ("get", "namespaces", "kube-system")
    assert [verb for verb, _, _ in seen if verb != "get"] == ["create", "patch", "update", "delete"]
    for number, (verb, _, _) in enumerate(seen):
        if verb != "get":
            assert seen[number - 1] == look, "each change was preceded by one look"
    assert [call.field_manager for call in calls.changes()][:3] == [FIELD_MANAGER] * 3
    agent = "drproof/" if way == CLIENT else "kubectl/"
    assert all(call.user_agent.startswith(agent) for call in calls.changes())


def test_a_name_that_is_taken_is_not_taken_again(cluster, space):
    cluster.create(make_intent(), config_map(space))
    with pytest.raises(AlreadyExistsError, match=f"kubernetes:create ConfigMap/{space}/state: AlreadyExists"):
        cluster.create(make_intent(), config_map(space))


def test_an_object_that_changed_since_it_was_read_is_not_overwritten(cluster, space):
    read = cluster.create(make_intent(), config_map(space, a="1"))
    cluster.replace(make_intent(), {**read, "data": {"a": "2"}})

    with pytest.raises(TargetError) as caught:
        cluster.replace(make_intent(), {**read, "data": {"a": "3"}})
    assert caught.value.code == "Conflict"
    assert type(caught.value) is TargetError


@pytest.mark.parametrize("lacks", ["name", "namespace", "resourceVersion"])
def test_what_the_caller_left_out_is_the_callers_mistake(cluster, space, lacks):
    whole = config_map(space)
    whole["metadata"]["resourceVersion"] = "1"
    del whole["metadata"][lacks]

    with pytest.raises(ValueError, match="lies in a namespace|without a name|no resourceVersion"):
        cluster.replace(make_intent(), whole)


def test_a_field_that_the_server_does_not_know_is_refused_by_an_apply_too(cluster, space):
    wrong = {**config_map(space), "datas": {}}

    with pytest.raises(TargetError) as caught:
        cluster.apply(make_intent(), wrong)
    assert (caught.value.code, type(caught.value)) == ("Invalid", TargetError)


def test_a_secret_is_in_no_message(cluster, space):
    wrong = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s", "namespace": space},
        "type": "kubernetes.io/dockerconfigjson",
        "stringData": {".dockerconfigjson": "hunter2-is-no-json"},
    }
    with pytest.raises(TargetError) as caught:
        cluster.create(make_intent(), wrong)
    assert "hunter2" not in str(caught.value)
    assert cluster.get(SECRET, "s", namespace=space) is None


# Removing


def test_a_job_goes_with_its_pods(cluster, space):
    made = cluster.create(make_intent(), job(space, nowhere=True))
    until(lambda: bool(cluster.list(POD, namespace=space)))

    cluster.delete(make_intent(), JOB, "job", namespace=space, uid=uid_of(made), timeout_ms=LONG_MS)

    assert cluster.get(JOB, "job", namespace=space) is None
    until(lambda: not cluster.list(POD, namespace=space))


def test_what_is_gone_already_is_as_wanted(cluster, space):
    cluster.delete(make_intent(), CONFIG_MAP, "never", namespace=space, uid="any", timeout_ms=LONG_MS)


def test_an_object_that_came_after_the_one_that_is_meant_is_left(cluster, space):
    first = cluster.create(make_intent(), config_map(space, a="1"))
    cluster.delete(make_intent(), CONFIG_MAP, "state", namespace=space, uid=uid_of(first), timeout_ms=LONG_MS)
    second = cluster.create(make_intent(), config_map(space, a="2"))

    cluster.delete(make_intent(), CONFIG_MAP, "state", namespace=space, uid=uid_of(first), timeout_ms=LONG_MS)

    assert uid_of(cluster.get(CONFIG_MAP, "state", namespace=space)) == uid_of(second)


def test_an_object_that_something_holds_is_named_with_what_holds_it(cluster, space):
    held = config_map(space)
    held["metadata"]["finalizers"] = ["example.org/hold"]
    made = cluster.create(make_intent(), held)

    # More time where this machine takes long to look at it once.
    for milliseconds in (300, 3000, 30_000):
        with pytest.raises(TargetError, match="Timeout: expected it to be gone within") as caught:
            cluster.delete(
                make_intent(), CONFIG_MAP, "state", namespace=space, uid=uid_of(made), timeout_ms=milliseconds
            )
        if "waits for" in str(caught.value):
            break
    assert "waits for example.org/hold" in str(caught.value)
    assert caught.value.code == "Timeout"
    assert not isinstance(caught.value, UnansweredError), "it is known what happened"

    going = cluster.get(CONFIG_MAP, "state", namespace=space)
    assert going is not None
    free = {**going, "metadata": {k: v for k, v in going["metadata"].items() if k != "finalizers"}}
    cluster.replace(make_intent(), free)
    assert cluster.get(CONFIG_MAP, "state", namespace=space) is None


def test_a_namespace_that_is_going_already_is_waited_for(cluster, calls):
    name = f"t-{make_intent().token[:8]}"
    made = cluster.create(make_intent(), {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    held = config_map(name)
    held["metadata"]["finalizers"] = ["example.org/hold"]
    cluster.create(make_intent(), held)
    with pytest.raises(TargetError) as first:
        cluster.delete(make_intent(), NAMESPACE, name, uid=uid_of(made), timeout_ms=200)
    assert first.value.code == "Timeout"

    def release() -> None:
        until(lambda: any((call.verb, call.resource) == ("delete", "namespaces") for call in calls.all()))
        going = cluster.get(CONFIG_MAP, "state", namespace=name)
        assert going is not None
        metadata = {k: v for k, v in going["metadata"].items() if k != "finalizers"}
        cluster.replace(make_intent(), {**going, "metadata": metadata})

    calls.clear()
    later = threading.Thread(target=release)
    later.start()
    cluster.delete(make_intent(), NAMESPACE, name, uid=uid_of(made), timeout_ms=LONG_MS)
    later.join()

    assert cluster.get(NAMESPACE, name) is None


def test_a_server_that_is_away_for_a_moment_does_not_end_the_wait_for_a_removal(cluster, space, embedded):
    held = config_map(space)
    held["metadata"]["finalizers"] = ["example.org/hold"]
    made = cluster.create(make_intent(), held)

    with gone_once(embedded, "get") as gone, pytest.raises(TargetError) as caught:
        cluster.delete(make_intent(), CONFIG_MAP, "state", namespace=space, uid=uid_of(made), timeout_ms=1500)
    assert gone.is_set()
    assert caught.value.code == "Timeout"
    until(lambda: answers(cluster))


# Waiting


@contextmanager
def gone_once(embedded: Embedded, verb: str) -> Iterator[threading.Event]:
    """The server goes away when it is asked for ConfigMaps in that way for the first time, and comes back."""
    gone = threading.Event()

    def go(call: Any) -> None:
        if (call.verb, call.resource) == (verb, "configmaps") and not gone.is_set():
            gone.set()
            embedded.restart(0.3)

    embedded.faults.append(go)
    yield gone
    embedded.faults.remove(go)


def answers(cluster: KubernetesCluster) -> bool:
    """Whether the server is there again."""
    try:
        cluster.assert_pinned()
    except TargetError:
        return False
    return True


def test_a_wait_ends_when_the_object_is_as_wanted(cluster, space):
    cluster.create(make_intent(), job(space, "job", "/bin/sh", "-c", "echo started; exit 3"))

    def failed(found: Manifest | None) -> bool:
        conditions = (found or {}).get("status", {}).get("conditions") or ()
        return any(each["type"] == "Failed" and each["status"] == "True" for each in conditions)

    ended = cluster.wait(JOB, "job", namespace=space, until=failed, timeout_ms=LONG_MS)

    assert ended is not None
    assert ended["status"]["failed"] == 1
    (pod,) = cluster.list(POD, namespace=space)
    name = pod["metadata"]["name"]
    assert cluster.logs(name, namespace=space, container="main", limit_bytes=1000) == "started\n"
    assert cluster.logs(name, namespace=space, container="main", limit_bytes=3) == "sta"


def test_a_container_that_has_not_started_has_no_log_yet(cluster, space):
    cluster.create(make_intent(), job(space, image="registry.invalid/none:1"))
    until(lambda: bool(cluster.list(POD, namespace=space)))
    (pod,) = cluster.list(POD, namespace=space)
    cluster.wait(
        POD,
        pod["metadata"]["name"],
        namespace=space,
        until=lambda found: bool((found or {}).get("status", {}).get("containerStatuses")),
        timeout_ms=LONG_MS,
    )

    with pytest.raises(TargetError, match="ContainerNotStarted") as caught:
        cluster.logs(pod["metadata"]["name"], namespace=space, container="main", limit_bytes=1000)
    assert caught.value.code == "ContainerNotStarted"


def test_a_wait_goes_on_when_the_server_was_away(cluster, space, embedded):
    cluster.create(make_intent(), config_map(space, a="1"))

    with gone_once(embedded, "watch") as gone:

        def meanwhile() -> None:
            assert gone.wait(PATIENCE)
            until(lambda: answers(cluster))
            cluster.apply(make_intent(), config_map(space, a="2"))

        later = threading.Thread(target=meanwhile)
        later.start()
        found = cluster.wait(
            CONFIG_MAP,
            "state",
            namespace=space,
            until=lambda now: now is not None and now["data"]["a"] == "2",
            timeout_ms=LONG_MS,
        )
        later.join()
    assert found is not None


def test_a_watch_whose_place_is_forgotten_is_expired(cluster, space, embedded):
    cluster.create(make_intent(), config_map(space, a="1"))

    def until(_: Manifest | None) -> bool:
        cluster.apply(make_intent(), config_map(space, a=make_intent().token))
        embedded.store.compact()
        return False

    with pytest.raises(TargetError) as caught:
        cluster.wait(CONFIG_MAP, "state", namespace=space, until=until, timeout_ms=LONG_MS)
    assert caught.value.code == "Expired"


# A server that fails


@pytest.mark.parametrize(
    ("fault", "reading", "changing"),
    [
        (Fault(status=503, reason="ServiceUnavailable", message="busy"), "ServiceUnavailable", "ServiceUnavailable"),
        (Fault(reset=True), "Unreachable", "Unanswered"),
        (Fault(status=403, reason="Forbidden", message="no"), "Forbidden", "Forbidden"),
    ],
)
def test_a_fault_of_the_server_is_told_as_what_it_is(cluster, space, embedded, fault, reading, changing):
    cluster.get(CONFIG_MAP, "state", namespace=space)

    def on_config_maps(call: Any) -> Fault | None:
        return fault if call.resource == "configmaps" else None

    embedded.faults.append(on_config_maps)
    try:
        with pytest.raises(TargetError) as read:
            cluster.get(CONFIG_MAP, "state", namespace=space)
        with pytest.raises(TargetError) as changed:
            cluster.apply(make_intent(), config_map(space))
    finally:
        embedded.faults.remove(on_config_maps)
    assert (read.value.code, changed.value.code) == (reading, changing)
    assert not isinstance(read.value, UnansweredError)
    assert isinstance(changed.value, UnansweredError) == (changing != "Forbidden")


def test_a_change_whose_answer_was_lost_is_unanswered_and_may_have_happened(cluster, space, embedded):
    def lose(call: Any) -> Fault | None:
        return Fault(reset=True, after=True) if call.verb == "create" and call.resource == "configmaps" else None

    embedded.faults.append(lose)
    try:
        with pytest.raises(UnansweredError):
            cluster.create(make_intent(), config_map(space, a="1"))
    finally:
        embedded.faults.remove(lose)
    assert cluster.get(CONFIG_MAP, "state", namespace=space) is not None
