"""Lists and watches: selection, pages, resuming, bookmarks, and history that is gone ("Kubernetes API Concepts")."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from drproof.embedded.kubernetes.resources import Object
from tests.patience import PATIENCE, until

from .conftest import CONFIGMAPS, JOBS, PODS, Running, config_map, job, pod_template


def labelled(name: str, **labels: str) -> Object:
    return {**config_map(name), "metadata": {"name": name, "labels": labels}}


def names(document: Object) -> list[str]:
    return [each["metadata"]["name"] for each in document["items"] if each["metadata"]["name"] != "kube-root-ca.crt"]


@pytest.fixture
def three(running: Running) -> Running:
    running.create(CONFIGMAPS, labelled("a", tier="x", env="one"))
    running.create(CONFIGMAPS, labelled("b", tier="y"))
    running.create(CONFIGMAPS, labelled("c"))
    return running


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        ("tier=x", "a"),
        ("tier==y", "b"),
        ("tier!=x", "bc"),
        ("tier in (x,y)", "ab"),
        ("tier notin (x)", "bc"),
        ("tier", "ab"),
        ("!tier", "c"),
        ("tier,env=one", "a"),
        ("tier in (x, y),!env", "b"),
        ("", "abc"),
    ],
)
def test_label_selectors(three: Running, selector: str, found: str):
    """Kubernetes docs, "Labels and Selectors"."""
    assert names(three.get(CONFIGMAPS, labelSelector=selector)) == list(found)


@pytest.mark.parametrize(
    ("selector", "found"), [("metadata.name=b", "b"), ("metadata.name!=b,metadata.namespace=default", "ac")]
)
def test_field_selectors(three: Running, selector: str, found: str):
    """Kubernetes docs, "Field Selectors"."""
    assert names(three.get(CONFIGMAPS, fieldSelector=selector)) == list(found)


@pytest.mark.parametrize(
    "query", [{"fieldSelector": "data.a=1"}, {"labelSelector": "a in (b"}, {"fieldSelector": "words"}, {"limit": "x"}]
)
def test_a_selection_that_makes_no_sense_is_a_bad_request(running: Running, query: Object):
    """Kubernetes docs, "Field Selectors": unsupported field selectors are an error."""
    assert running.call("GET", CONFIGMAPS, **query).is_status(400, "BadRequest")


def test_pods_are_selected_by_phase_and_node(running: Running):
    """ToSelectableFields of pods: spec.nodeName, status.phase."""
    body = pod_template()
    body["spec"]["nodeSelector"] = {"nowhere": "yes"}
    running.create(PODS, {"metadata": {"name": "waits"}, **body})
    assert names(running.get(PODS, fieldSelector="status.phase=Pending,spec.nodeName=")) == ["waits"]
    assert names(running.get(PODS, fieldSelector="spec.nodeName=n1")) == []


def test_a_list_says_its_kind_and_its_items_do_not(running: Running):
    """API conventions, "Lists and Simple kinds": items of a typed list carry no kind."""
    running.create(CONFIGMAPS, config_map())
    found = running.get("/api/v1/configmaps")
    assert (found["kind"], found["apiVersion"]) == ("ConfigMapList", "v1")
    assert all({"kind", "apiVersion"}.isdisjoint(each) for each in found["items"])


def test_pages_belong_to_one_list(three: Running):
    """API concepts, "Retrieving large results sets in chunks": what is created meanwhile is in no later page."""
    selector: Object = {"labelSelector": "page", "limit": "2"}
    for name in "defgh":
        three.create(CONFIGMAPS, labelled(name, page="yes"))
    first = three.get(CONFIGMAPS, **selector)
    assert names(first) == ["d", "e"]
    three.create(CONFIGMAPS, labelled("fresh", page="yes"))
    second = three.get(CONFIGMAPS, **selector, **{"continue": first["metadata"]["continue"]})
    third = three.get(CONFIGMAPS, **selector, **{"continue": second["metadata"]["continue"]})
    assert names(second) + names(third) == ["f", "g", "h"]
    assert "continue" not in third["metadata"]
    assert second["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
    plain = three.get(CONFIGMAPS, limit="3")
    assert plain["metadata"]["remainingItemCount"] == 7


def test_pages_of_a_compacted_list_are_gone(three: Running):
    """API concepts: an expired continue token is 410 Gone."""
    first = three.get(CONFIGMAPS, limit="1")
    three.cluster.store.compact()
    three.create(CONFIGMAPS, config_map("later"))
    three.cluster.store.compact()
    token: Object = {"continue": first["metadata"]["continue"]}
    later = three.call("GET", CONFIGMAPS, limit="1", **token)
    assert later.is_status(410, "Expired")
    token["continue"] = "words"
    assert three.call("GET", CONFIGMAPS, **token).is_status(400, "BadRequest")


def test_a_watch_resumes_without_a_gap(running: Running):
    """API concepts, "Efficient detection of changes": list, then watch from the list's resourceVersion."""
    revision = running.get(CONFIGMAPS)["metadata"]["resourceVersion"]
    running.create(CONFIGMAPS, config_map(a="1"))
    running.patch(f"{CONFIGMAPS}/settings", {"data": {"a": "2"}})
    running.call("DELETE", f"{CONFIGMAPS}/settings")
    watch = running.watch(CONFIGMAPS, resourceVersion=revision)
    seen = [watch.next() for _ in range(3)]
    watch.close()
    assert [(kind, obj["data"]["a"]) for kind, obj in seen] == [("ADDED", "1"), ("MODIFIED", "2"), ("DELETED", "2")]
    versions = [int(obj["metadata"]["resourceVersion"]) for _, obj in seen]
    assert versions == sorted(set(versions))


def test_a_watch_without_a_version_begins_with_what_is_there(three: Running):
    """API concepts: resourceVersion unset starts with synthetic ADDED events."""
    watch = three.watch(CONFIGMAPS, labelSelector="tier")
    three.create(CONFIGMAPS, labelled("d", tier="z"))
    three.create(CONFIGMAPS, labelled("last", tier="z"))
    seen = [watch.next() for _ in range(4)]
    assert [(kind, obj["metadata"]["name"]) for kind, obj in seen] == [("ADDED", name) for name in (*"abd", "last")]
    watch.close()


def test_what_begins_or_ends_to_match_is_added_or_deleted(three: Running):
    """apiserver, cacher: a watch with a selector sees transitions as ADDED and DELETED."""
    revision = three.get(CONFIGMAPS)["metadata"]["resourceVersion"]
    watch = three.watch(CONFIGMAPS, labelSelector="tier=x", resourceVersion=revision)
    three.patch(f"{CONFIGMAPS}/b", {"metadata": {"labels": {"tier": "x"}}})
    three.patch(f"{CONFIGMAPS}/b", {"data": {"a": "1"}})
    three.patch(f"{CONFIGMAPS}/b", {"metadata": {"labels": {"tier": "y"}}})
    assert [watch.next()[0] for _ in range(3)] == ["ADDED", "MODIFIED", "DELETED"]
    watch.close()


def test_a_watch_from_a_compacted_version_says_gone(running: Running):
    """API concepts, "410 Gone responses": the client lists again."""
    revision = running.get(CONFIGMAPS)["metadata"]["resourceVersion"]
    running.create(CONFIGMAPS, config_map())
    running.cluster.store.compact()
    watch = running.watch(CONFIGMAPS, resourceVersion=revision)
    kind, status = watch.next()
    assert (kind, status["code"], status["reason"]) == ("ERROR", 410, "Expired")
    assert watch.response.read() == b""
    watch.close()


def test_bookmarks_mark_the_end_of_the_initial_events(three: Running):
    """KEP-3157 watch-list: sendInitialEvents, then a bookmark with k8s.io/initial-events-end."""
    query = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}
    watch = three.watch(CONFIGMAPS, labelSelector="tier", timeoutSeconds=1, **query)
    events = watch.rest()
    watch.close()
    assert [kind for kind, _ in events] == ["ADDED", "ADDED", "BOOKMARK", "BOOKMARK"]
    assert events[2][1]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
    assert int(events[3][1]["metadata"]["resourceVersion"]) >= int(events[1][1]["metadata"]["resourceVersion"])
    assert three.call("GET", CONFIGMAPS, watch="true", sendInitialEvents="true").is_status(422, "Invalid")


def test_a_watch_ends_when_it_said(running: Running):
    """API docs, timeoutSeconds: the watch is over, regularly, with its last chunk."""
    started = time.monotonic()
    watch = running.watch(JOBS, timeoutSeconds=1)
    assert watch.rest() == []
    watch.close()
    assert 0.9 < time.monotonic() - started < PATIENCE, "one that says nothing lasts for half an hour"


def test_a_version_of_the_future_is_a_timeout(running: Running):
    """API concepts, "Unavailable resource versions": 504, ResourceVersionTooLarge."""
    answer = running.call("GET", CONFIGMAPS, resourceVersion="99999999")
    assert answer.is_status(504, "Timeout")
    assert answer.document["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"


def test_a_collection_is_deleted_by_selector(three: Running):
    """API docs, deletecollection."""
    assert three.call("DELETE", CONFIGMAPS, labelSelector="tier").status == 200
    assert names(three.get(CONFIGMAPS)) == ["c"]


def test_tables_are_what_kubectl_prints(running: Running):
    """API concepts, "Receiving resources as Tables"."""
    running.create(JOBS, job(suspend=True))
    accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
    found = running.call("GET", JOBS, headers={"Accept": accept}).document
    assert found["kind"] == "Table"
    assert [each["name"] for each in found["columnDefinitions"]][:4] == ["Name", "Status", "Completions", "Duration"]
    (row,) = found["rows"]
    assert row["cells"][0::2][:2] == ["work", "0/1"]
    assert row["object"]["kind"] == "PartialObjectMetadata"


def test_protobuf_alone_is_not_acceptable(running: Running):
    """API concepts, "Alternate representations of resources": 406 for a form the server does not have."""
    only = running.call("GET", CONFIGMAPS, headers={"Accept": "application/vnd.kubernetes.protobuf"})
    assert only.is_status(406, "NotAcceptable")
    both = "application/vnd.kubernetes.protobuf,application/json"
    assert running.call("GET", CONFIGMAPS, headers={"Accept": both}).status == 200


def test_every_watcher_sees_every_change_once_and_in_order(running: Running):
    """API concepts: a watch is the sequence of changes, whoever writes at the same time."""
    revision = running.get(CONFIGMAPS)["metadata"]["resourceVersion"]
    watches = [running.watch(CONFIGMAPS, resourceVersion=revision) for _ in range(4)]

    def write(writer: int) -> None:
        connection = running.connect()
        for number in range(25):
            body = json.dumps(config_map(f"w{writer}-{number}"))
            connection.request("POST", CONFIGMAPS, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 201
        connection.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(write, range(6)))
    seen = [[watch.next() for _ in range(150)] for watch in watches]
    for watch in watches:
        watch.close()
    versions = [[int(obj["metadata"]["resourceVersion"]) for _, obj in each] for each in seen]
    assert all(each == versions[0] == sorted(set(each)) for each in versions)
    assert {obj["metadata"]["name"] for _, obj in seen[0]} == {f"w{w}-{n}" for w in range(6) for n in range(25)}


def test_a_watcher_that_hangs_up_costs_nothing_any_more(running: Running):
    """A client that goes away takes its thread and its subscription along."""

    def serving() -> int:
        return sum(each.name == "kubernetes-call" for each in threading.enumerate())

    watches = [running.watch(CONFIGMAPS) for _ in range(10)]
    for each in watches:
        each.next()
    assert serving() >= 10
    for each in watches:
        each.close()
    until(lambda: serving() == 0)
