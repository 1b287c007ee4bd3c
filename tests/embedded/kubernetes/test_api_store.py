"""The store below the API: revisions, history and copies, as etcd and the watch cache keep them."""

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drproof.embedded.kubernetes import amounts
from drproof.embedded.kubernetes import store as module
from drproof.embedded.kubernetes.errors import AlreadyExists, Conflict, Expired, NotFound
from drproof.embedded.kubernetes.patches import merge
from drproof.embedded.kubernetes.quantities import quantity
from drproof.embedded.kubernetes.resources import CONFIGMAPS, JOBS, NAMESPACES, Object
from drproof.embedded.kubernetes.store import Store
from tests.patience import PATIENCE, until


def settle(name: str = "a", **data: str) -> Object:
    return {"metadata": {"name": name, "namespace": "default"}, "data": data}


def put(key: str, value: str):
    def change(obj: Object) -> None:
        obj.setdefault("data", {})[key] = value

    return change


@pytest.fixture
def store() -> Store:
    return Store()


def test_every_write_has_a_revision_of_its_own(store: Store):
    """etcd: one counter for the whole store, strictly growing."""
    made = [store.create(CONFIGMAPS, settle(name)) for name in "abc"]
    made.append(store.update(CONFIGMAPS, "default", "a", put("x", "1")))
    made.append(store.remove(CONFIGMAPS, "default", "b"))
    versions = [int(each["metadata"]["resourceVersion"]) for each in made]
    assert versions == list(range(versions[0], versions[0] + 5))
    assert store.list(CONFIGMAPS)[1] == versions[-1]


def test_what_is_read_or_given_cannot_change_what_is_stored(store: Store):
    """Values in and out are copies."""
    given = settle(a="1")
    made = store.create(CONFIGMAPS, given)
    watch = store.watch(store.revision - 1, lambda _: True)
    event = watch.take(0)
    assert event is not None
    for each in (given, made, event.object, store.get(CONFIGMAPS, "default", "a"), store.list(CONFIGMAPS)[0][0]):
        assert each is not None
        each["data"]["a"] = "spoiled"
    found = store.get(CONFIGMAPS, "default", "a")
    assert found is not None
    assert found["data"] == {"a": "1"}


def test_a_failing_change_changes_nothing(store: Store):
    """A read-modify-write is atomic: what raises leaves the object as it was."""
    store.create(CONFIGMAPS, settle(a="1"))
    before = store.revision

    def fail(obj: Object) -> None:
        obj["data"]["a"] = "2"
        raise ValueError

    with pytest.raises(ValueError):
        store.update(CONFIGMAPS, "default", "a", fail)
    found = store.get(CONFIGMAPS, "default", "a")
    assert found is not None
    assert (found["data"], store.revision) == ({"a": "1"}, before)


def test_refusals_are_those_of_the_api(store: Store):
    """API conventions: 404, 409 AlreadyExists, 409 Conflict."""
    made = store.create(CONFIGMAPS, settle())
    with pytest.raises(AlreadyExists):
        store.create(CONFIGMAPS, settle())
    store.update(CONFIGMAPS, "default", "a", put("x", "1"), resource_version=made["metadata"]["resourceVersion"])
    with pytest.raises(Conflict):
        store.update(CONFIGMAPS, "default", "a", put("x", "2"), resource_version=made["metadata"]["resourceVersion"])
    with pytest.raises(NotFound):
        store.update(CONFIGMAPS, "default", "b", put("x", "2"))
    with pytest.raises(NotFound):
        store.remove(CONFIGMAPS, "default", "b")


def test_identity_cannot_be_written(store: Store):
    """Name, uid, creationTimestamp, resourceVersion and generation are the store's."""
    made = store.create(JOBS, {"metadata": {"name": "a", "namespace": "default"}, "spec": {"x": 1}})

    def spoil(obj: Object) -> None:
        obj["metadata"] |= {"name": "b", "uid": "x", "resourceVersion": "7", "generation": 9, "creationTimestamp": ""}
        obj["kind"] = "Other"

    assert store.update(JOBS, "default", "a", spoil) == made


def test_the_last_finalizer_frees_what_is_being_deleted(store: Store):
    """registry/generic/registry/store.go, deleteWithoutFinalizers."""

    def mark(obj: Object) -> None:
        obj["metadata"] |= {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["a/b"]}

    def free(obj: Object) -> None:
        del obj["metadata"]["finalizers"]

    store.create(CONFIGMAPS, settle())
    store.update(CONFIGMAPS, "default", "a", mark)
    watch = store.watch(None, lambda _: True)
    store.update(CONFIGMAPS, "default", "a", free)
    assert store.get(CONFIGMAPS, "default", "a") is None
    event = watch.take(0)
    assert event is not None
    assert event.type == "DELETED"
    assert watch.take(0) is None


def test_history_is_bounded_and_gone_at_once_when_compacted(store: Store, monkeypatch: pytest.MonkeyPatch):
    """etcd compaction: a revision before it cannot be watched from."""
    monkeypatch.setattr(module, "HISTORY", 3)
    start = store.revision
    slow = store.watch(None, lambda _: True)
    for number in range(5):
        store.create(CONFIGMAPS, settle(f"a{number}"))
    with pytest.raises(Expired):
        store.watch(start, lambda _: True)
    with pytest.raises(Expired):
        slow.take(0)
    held = store.watch(store.revision - 3, lambda _: True)
    assert [event.object["metadata"]["name"] for _ in range(3) if (event := held.take(0))] == ["a2", "a3", "a4"]
    store.compact()
    assert held.take(0) is None
    with pytest.raises(Expired):
        store.watch(store.revision - 1, lambda _: True)
    store.watch(store.revision, lambda _: True)


def test_a_subscription_waits_and_ends(store: Store):
    """A watch blocks until something happens or it is closed, from any thread."""
    watch = store.watch(None, lambda resource: resource is CONFIGMAPS)
    seen: list[str] = []

    def read() -> None:
        for event in watch:
            seen.append(event.object["metadata"]["name"])  # noqa: PERF401 — one by one is what is tested

    reader = threading.Thread(target=read)
    reader.start()
    store.create(NAMESPACES, {"metadata": {"name": "n"}})
    store.create(CONFIGMAPS, settle())
    until(lambda: seen)
    assert reader.is_alive(), "it waits for the next one"
    watch.close()
    reader.join(PATIENCE)
    assert (seen, reader.is_alive()) == (["a"], False)


def test_writers_at_once_lose_no_update(store: Store):
    """One lock: increments by many threads all count."""
    store.create(CONFIGMAPS, settle(n="0"))

    def add(obj: Object) -> None:
        obj["data"]["n"] = str(int(obj["data"]["n"]) + 1)

    def work() -> None:
        for _ in range(100):
            store.update(CONFIGMAPS, "default", "a", add)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    found = store.get(CONFIGMAPS, "default", "a")
    assert found is not None
    assert found["data"]["n"] == "400"


@settings(deadline=None)
@given(st.from_regex(r"[0-9]{1,6}(\.[0-9]{1,3})?(m|k|M|G|Ki|Mi|Gi|e3|E)?", fullmatch=True))
def test_a_canonical_amount_is_the_same_amount(text: str):
    """resource.Quantity: the canonical form changes the writing, never the value, and stays as it is."""
    written = amounts.canonical(text)
    assert quantity(written) == quantity(text)
    assert amounts.canonical(written) == written


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(json, json)
def test_a_merge_patch_twice_is_the_same_as_once(target: object, patch: object):
    """RFC 7386: merging is idempotent."""
    once = merge(target, patch)
    assert merge(once, patch) == once
