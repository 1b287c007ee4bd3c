"""All that a cluster keeps, of whatever kind."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from drproof.embedded.kubernetes.cluster import Cluster as Embedded
from drproof.model.cluster import SERVICE_ACCOUNT
from drproof.model.errors import NotFoundError, TargetError
from drproof.targets.kubernetes import cluster as adapter
from drproof.targets.kubernetes.access import KubeconfigAccess
from drproof.targets.kubernetes.cluster import KubernetesCluster
from tests.targets.conftest import make_intent
from tests.targets.kubernetes.conftest import Scripted, status_document

VERBS = ["create", "delete", "get", "list", "watch"]
ALONE = (503, b"service unavailable")


# A cluster that keeps objects


@pytest.fixture
def real(embedded: Embedded, tmp_path: Path) -> Iterator[KubernetesCluster]:
    access = KubeconfigAccess(tmp_path)
    access.keep(embedded.kubeconfig(), source="arg_kubeconfig")
    opened = access.open(uid=embedded.uid)
    yield opened
    opened.close()


def marked(api_version: str, kind: str, name: str, space: str = "", **fields: Any) -> dict[str, Any]:
    place = {"namespace": space} if space else {}
    metadata = {"name": name, "labels": {"example.org/mark": name}, **place}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields}


def kinds(found: tuple[Any, ...]) -> list[tuple[str, str]]:
    return sorted((each["apiVersion"], each["kind"]) for each in found)


def test_objects_of_every_kind_are_found_by_their_label_once_each(real, calls):
    name = f"t-{make_intent().token[:8]}"
    rule = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
    pod = {"nodeSelector": {"example.org/no": "node"}, "containers": [{"name": "main", "image": "registry.test/x:1"}]}
    real.create(make_intent(), marked("v1", "Namespace", name))
    # A pod is refused until the namespace has got its account.
    real.wait(SERVICE_ACCOUNT, "default", namespace=name, until=lambda found: found is not None, timeout_ms=60_000)
    for manifest in (
        marked("v1", "Secret", name, name),
        marked("v1", "Pod", name, name, spec=pod),
        marked("networking.k8s.io/v1", "NetworkPolicy", name, name, spec={"podSelector": {}}),
        marked("rbac.authorization.k8s.io/v1", "ClusterRole", name, rules=[rule]),
        marked("rbac.authorization.k8s.io/v1", "Role", name, name, rules=[rule]),
    ):
        real.create(make_intent(), manifest)
    calls.clear()

    everywhere = real.everything(labels={"example.org/mark": name})
    there = real.everything(namespace=name, labels={"example.org/mark": name})
    other = real.everything(namespace="kube-system", labels={"example.org/mark": name})
    unmarked = real.everything(namespace=name)

    inside = [
        ("networking.k8s.io/v1", "NetworkPolicy"),
        ("rbac.authorization.k8s.io/v1", "Role"),
        ("v1", "Pod"),
        ("v1", "Secret"),
    ]
    assert kinds(there) == inside
    assert kinds(everywhere) == sorted([*inside, ("v1", "Namespace"), ("rbac.authorization.k8s.io/v1", "ClusterRole")])
    assert other == ()
    assert {("v1", "ServiceAccount"), ("v1", "ConfigMap"), *inside} <= set(kinds(unmarked)), "those of the cluster too"
    assert all(each["metadata"]["namespace"] == name for each in unmarked)
    assert not calls.changes()


def test_events_are_no_objects_that_anybody_left(real):
    name = f"t-{make_intent().token[:8]}"
    real.create(make_intent(), marked("v1", "Namespace", name))
    event = marked("v1", "Event", name, name, involvedObject={"kind": "Namespace", "name": name}, reason="Test")
    real.create(make_intent(), event)

    assert kinds(real.everything(labels={"example.org/mark": name})) == [("v1", "Namespace")]


# What a cluster says of its kinds


def resource(name: str, kind: str, *, namespaced: bool = True, verbs: list[str] | None = None) -> dict[str, Any]:
    return {"name": name, "kind": kind, "namespaced": namespaced, "verbs": VERBS if verbs is None else verbs}


class Served:
    """What the scripted server serves: groups with their versions, and one object of each kind."""

    def __init__(self, server: Scripted) -> None:
        self._server = server
        self._groups: list[dict[str, Any]] = []
        self.core(resource("secrets", "Secret"))

    def core(self, *resources: dict[str, Any]) -> None:
        self._answer("/api/v1", *resources)

    def group(self, name: str, **versions: list[dict[str, Any]]) -> None:
        """Serve a group whose last version is the preferred one."""
        known = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
        self._groups.append({"name": name, "versions": known, "preferredVersion": known[-1]})
        self._server.answers["GET", "/apis"] = (200, {"groups": self._groups})
        for version, resources in versions.items():
            self._answer(f"/apis/{name}/{version}", *resources)

    def _answer(self, base: str, *resources: dict[str, Any]) -> None:
        self._server.answers["GET", base] = (200, {"resources": list(resources)})
        for each in resources:
            self._server.answers["GET", f"{base}/{each['name']}"] = (200, {"items": [{"metadata": {"name": "x"}}]})


@pytest.fixture
def served(scripted: Scripted) -> Served:
    scripted.answers["GET", "/apis"] = (200, {"groups": []})
    return Served(scripted)


def test_what_is_no_kept_object_is_left_out(served, cluster):
    served.core(
        resource("secrets", "Secret"),
        resource("secrets/status", "Secret"),
        resource("events", "Event"),
        resource("bindings", "Binding", verbs=["create"]),
        resource("componentstatuses", "ComponentStatus", namespaced=False, verbs=["get", "list"]),
    )
    served.group("events.k8s.io", v1=[resource("events", "Event")])
    served.group("coordination.k8s.io", v1=[resource("leases", "Lease")])
    served.group("metrics.k8s.io", v1beta1=[resource("pods", "PodMetrics", verbs=["get", "list"])])
    served.group("example.org", v1=[resource("events", "Event"), resource("leases", "Lease")])

    expected = [("example.org/v1", "Event"), ("example.org/v1", "Lease"), ("v1", "Secret")]
    assert kinds(cluster.everything()) == expected, "of other groups they are objects as any"


def test_a_kind_is_there_once_in_the_preferred_version_or_in_the_one_that_has_it(served, cluster):
    served.group(
        "example.org",
        v1alpha1=[resource("widgets", "Widget"), resource("olds", "Old")],
        v2=[resource("widgets", "Widget")],
        v1=[resource("widgets", "Widget"), resource("news", "New")],
    )

    expected = [("example.org/v1", "New"), ("example.org/v1", "Widget"), ("example.org/v1alpha1", "Old")]
    assert kinds(cluster.everything()) == [*expected, ("v1", "Secret")]


def test_of_one_namespace_only_what_lies_in_namespaces_is_asked_for(served, scripted, cluster):
    served.core(resource("secrets", "Secret"), resource("nodes", "Node", namespaced=False))
    scripted.answers["GET", "/api/v1/namespaces/dr/secrets"] = (200, {"items": []})

    assert cluster.everything(namespace="dr", labels={"a": "b", "c": "d"}) == ()
    listed = [(path, query) for _, path, query in scripted.asked if "secrets" in path or "nodes" in path]
    assert listed == [("/api/v1/namespaces/dr/secrets", "limit=100&labelSelector=a%3Db%2Cc%3Dd")]


def test_a_kind_that_may_not_be_listed_is_named(served, scripted, cluster):
    served.group("example.org", v1=[resource("widgets", "Widget")])
    scripted.answers["GET", "/apis/example.org/v1/widgets"] = (403, status_document(403, "Forbidden", "cannot list"))

    with pytest.raises(TargetError, match="kubernetes:everything example.org/v1 Widget: Forbidden: cannot") as caught:
        cluster.everything()
    assert caught.value.code == "Forbidden"


def test_every_page_of_every_kind_is_asked_for(served, scripted, cluster, monkeypatch):
    monkeypatch.setattr(adapter, "PAGE", 1)
    first = (200, {"items": [{"metadata": {"name": "a"}}], "metadata": {"continue": "b"}})
    second = (200, {"items": [{"metadata": {"name": "b"}}], "metadata": {}})
    scripted.answers["GET", "/api/v1/secrets"] = lambda said: said.say(*(second if "continue" in said.path else first))

    assert [each["metadata"]["name"] for each in cluster.everything()] == ["a", "b"]


def aggregated(scripted: Scripted, name: str, spec: dict[str, Any]) -> None:
    scripted.answers["GET", f"/apis/apiregistration.k8s.io/v1/apiservices/{name}"] = (200, {"spec": spec})


def test_a_group_of_another_server_that_is_unavailable_keeps_nobody_from_counting(served, scripted, cluster):
    served.group("metrics.k8s.io", v1beta1=[resource("pods", "PodMetrics")])
    scripted.answers["GET", "/apis/metrics.k8s.io/v1beta1"] = ALONE
    aggregated(scripted, "v1beta1.metrics.k8s.io", {"service": {"name": "metrics-server"}})

    assert kinds(cluster.everything()) == [("v1", "Secret")]


@pytest.mark.parametrize("known", [True, False])
def test_an_unavailable_group_of_the_clusters_own_is_an_error_because_what_is_in_it_is_not_known(
    served, scripted, cluster, known
):
    served.group("apps", v1=[resource("deployments", "Deployment")])
    scripted.answers["GET", "/apis/apps/v1"] = ALONE
    if known:
        aggregated(scripted, "v1.apps", {"service": None})

    with pytest.raises(TargetError, match="kubernetes:discover apps/v1: ServiceUnavailable"):
        cluster.everything()


def test_a_group_that_went_meanwhile_has_no_objects(served, scripted, cluster):
    served.group("example.org", v1=[resource("widgets", "Widget")])
    del scripted.answers["GET", "/apis/example.org/v1"]

    assert kinds(cluster.everything()) == [("v1", "Secret")]


@pytest.mark.parametrize("path", ["/api/v1", "/apis"])
def test_a_cluster_that_does_not_say_what_it_serves_is_not_taken_for_an_empty_one(served, scripted, cluster, path):
    del scripted.answers["GET", path]
    with pytest.raises(NotFoundError, match="kubernetes:discover"):
        cluster.everything()

    for document in ({}, {"groups": [{"name": "x"}]}, {"resources": [{"name": "x"}]}, {"groups": 1, "resources": 1}):
        scripted.answers["GET", path] = (200, document)
        with pytest.raises(TargetError, match="Unreadable"):
            cluster.everything()


@pytest.mark.parametrize("page", [{}, {"items": 1}, {"items": [1]}, {"kind": "Status"}, {"items": [], "metadata": 1}])
def test_an_answer_that_is_no_list_is_not_taken_for_an_empty_one(served, scripted, cluster, page):
    scripted.answers["GET", "/api/v1/secrets"] = (200, page)

    with pytest.raises(TargetError, match="kubernetes:everything v1 Secret: Unreadable: the answer is no list"):
        cluster.everything()


def test_kinds_that_came_since_are_seen(served, cluster):
    assert kinds(cluster.everything()) == [("v1", "Secret")]
    served.group("example.org", v1=[resource("widgets", "Widget")])

    assert kinds(cluster.everything()) == [("example.org/v1", "Widget"), ("v1", "Secret")]


def test_one_connection_is_enough_for_all(served, scripted, cluster):
    for number in range(10):
        served.group(f"g{number}.example.org", v1=[resource("widgets", "Widget"), resource("gadgets", "Gadget")])
    before = scripted.connections

    assert len(cluster.everything()) == 21
    assert scripted.connections == before
