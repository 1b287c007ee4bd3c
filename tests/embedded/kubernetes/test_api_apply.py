"""Server-side apply: fields, their owners, conflicts and what happens to fields that are let go (KEP-555)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drproof.embedded.kubernetes.apply import apply, checked
from drproof.embedded.kubernetes.fieldsets import leaves
from drproof.embedded.kubernetes.managed import Manager
from drproof.embedded.kubernetes.resources import CONFIGMAPS as MAPS
from drproof.embedded.kubernetes.resources import DEPLOYMENTS as RESOURCE
from drproof.embedded.kubernetes.resources import Object
from drproof.embedded.kubernetes.schema import of

from .conftest import ACCOUNTS, CONFIGMAPS, DEPLOYMENTS, JOBS, SECRETS, SERVICES, Running, config_map, deployment, job

PATH = f"{CONFIGMAPS}/settings"


def owners(document: Object) -> dict[tuple[str, str], Object]:
    return {(each["manager"], each["operation"]): each["fieldsV1"] for each in document["metadata"]["managedFields"]}


def test_applying_creates_and_then_changes_nothing(running: Running):
    """KEP-555: apply of an unchanged configuration is a no-op and keeps resourceVersion."""
    first = running.apply(PATH, config_map(a="1"))
    assert first.status == 201
    again = running.apply(PATH, config_map(a="1"))
    assert again.status == 200
    assert again.document == first.document
    assert owners(first.document) == {("drproof", "Apply"): {"f:data": {"f:a": {}}}}


def test_applying_a_workload_twice_keeps_its_version(running: Running):
    """KEP-555: defaults are nobody's, so that a second apply has nothing to change."""
    first = running.apply(f"{DEPLOYMENTS}/atlas", deployment())
    assert running.apply(f"{DEPLOYMENTS}/atlas", deployment()).document["metadata"]["generation"] == 1
    fields = owners(first.document)["drproof", "Apply"]["f:spec"]["f:template"]["f:spec"]["f:containers"]
    assert fields == {'k:{"name":"main"}': {".": {}, "f:name": {}, "f:image": {}}}
    made = running.apply(f"{JOBS}/work", {**job(), "spec": {**job()["spec"], "suspend": True}})
    assert made.status == 201
    assert running.apply(f"{JOBS}/work", {**job(), "spec": {**job()["spec"], "suspend": True}}).status == 200


def test_a_secret_that_is_applied_as_text_is_not_written_again(running: Running):
    """core/v1 Secret: stringData is never stored, so that what is owned is the data."""
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"a": "b"}}
    first = running.apply(f"{SECRETS}/s", body).document
    assert owners(first)["drproof", "Apply"] == {"f:data": {"f:a": {}}}
    assert running.apply(f"{SECRETS}/s", body).document == first


def test_a_field_of_another_manager_is_a_conflict_until_forced(running: Running):
    """KEP-555, "Conflicts": 409 lists managers and fields; force takes the fields over."""
    running.apply(PATH, config_map(a="1", b="1"))
    refused = running.apply(PATH, config_map(a="2", b="2"), manager="other")
    assert refused.is_status(409, "Conflict")
    message = refused.document["message"]
    assert message == 'Apply failed with 2 conflicts: conflicts with "drproof":\n- .data.a\n- .data.b'
    causes = refused.document["details"]["causes"]
    assert {(each["reason"], each["field"]) for each in causes} == {
        ("FieldManagerConflict", ".data.a"),
        ("FieldManagerConflict", ".data.b"),
    }
    taken = running.apply(PATH, config_map(a="2"), manager="other", force="true")
    assert owners(taken.document) == {
        ("drproof", "Apply"): {"f:data": {"f:b": {}}},
        ("other", "Apply"): {"f:data": {"f:a": {}}},
    }


def test_an_equal_value_is_shared(running: Running):
    """KEP-555: two appliers that agree on a value both own it; it stays when one lets go."""
    running.apply(PATH, config_map(a="1", b="1"))
    assert running.apply(PATH, config_map(a="1"), manager="other").status == 200
    left = running.apply(PATH, config_map(b="1"))
    assert left.document["data"] == {"a": "1", "b": "1"}
    gone = running.apply(PATH, config_map(), manager="other")
    assert gone.document["data"] == {"b": "1"}


def test_what_is_no_longer_applied_is_removed(running: Running):
    """KEP-555: fields that a manager stops applying are removed where nobody else owns them."""
    running.apply(PATH, config_map(a="1", b="1"))
    assert running.apply(PATH, config_map(a="1")).document["data"] == {"a": "1"}
    body = deployment()
    body["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "A", "value": "1"}]
    running.apply(f"{DEPLOYMENTS}/atlas", body)
    bare = running.apply(f"{DEPLOYMENTS}/atlas", deployment()).document
    assert "env" not in bare["spec"]["template"]["spec"]["containers"][0]


def test_updates_own_what_they_change_and_conflict_with_later_applies(running: Running):
    """KEP-555: PUT and PATCH own their changes as operation Update; they never conflict themselves."""
    running.apply(PATH, config_map(a="1", b="1"))
    changed = running.patch(PATH, {"data": {"a": "2"}}, fieldManager="editor").document
    assert owners(changed) == {
        ("drproof", "Apply"): {"f:data": {"f:b": {}}},
        ("editor", "Update"): {"f:data": {"f:a": {}}},
    }
    refused = running.apply(PATH, config_map(a="1", b="1"))
    assert refused.is_status(409, "Conflict")
    assert refused.document["message"] == 'Apply failed with 1 conflict: conflict with "editor" using v1: .data.a'
    assert running.apply(PATH, config_map(a="1", b="1"), force="true").document["data"] == {"a": "1", "b": "1"}


def test_lists_merge_by_their_keys(running: Running):
    """KEP-555, "Lists": items of listType=map have owners of their own."""
    running.apply(f"{DEPLOYMENTS}/atlas", deployment())
    sidecar = deployment()
    sidecar["spec"]["template"]["spec"]["containers"] = [{"name": "sidecar", "image": "atlas:v2"}]
    merged = running.apply(f"{DEPLOYMENTS}/atlas", sidecar, manager="mesh").document
    assert [each["name"] for each in merged["spec"]["template"]["spec"]["containers"]] == ["main", "sidecar"]
    sidecar["spec"]["template"]["spec"].pop("containers")
    gone = running.apply(f"{DEPLOYMENTS}/atlas", sidecar, manager="mesh").document
    assert [each["name"] for each in gone["spec"]["template"]["spec"]["containers"]] == ["main"]


def test_ports_are_told_apart_by_port_and_protocol(running: Running):
    """API docs, ServiceSpec.ports: x-kubernetes-list-map-keys port, protocol (default TCP)."""
    body = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "dns"}}
    both = [{"name": "t", "port": 53}, {"name": "u", "port": 53, "protocol": "UDP"}]
    first = running.apply(f"{SERVICES}/dns", {**body, "spec": {"ports": both}})
    assert first.status == 201
    one = running.apply(f"{SERVICES}/dns", {**body, "spec": {"ports": both[1:]}}).document
    assert [each["protocol"] for each in one["spec"]["ports"]] == ["UDP"]


def test_atomic_lists_have_one_owner(running: Running):
    """API docs: ServiceAccount.imagePullSecrets is atomic, so a second applier conflicts."""
    body = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
    first = running.apply(f"{ACCOUNTS}/default", {**body, "imagePullSecrets": [{"name": "a"}]})
    assert first.status == 200
    other = {**body, "imagePullSecrets": [{"name": "b"}]}
    assert running.apply(f"{ACCOUNTS}/default", other, manager="other").is_status(409, "Conflict")
    forced = running.apply(f"{ACCOUNTS}/default", other, manager="other", force="true")
    assert forced.document["imagePullSecrets"] == [{"name": "b"}]


def test_a_field_that_the_server_does_not_know_is_an_error_without_a_reason(running: Running):
    """Measured on kube-apiserver: 500, "field not declared in schema", no reason."""
    answer = running.apply(PATH, {**config_map(a="1"), "surprise": 1})
    assert answer.is_status(500, "")
    text = "failed to create typed patch object (default/settings; /v1, Kind=ConfigMap): "
    body = {**config_map(a="1"), "metadata": {"name": "settings", "namespace": "default"}, "surprise": 1}
    assert "field not declared in schema" in running.apply(PATH, body).document["message"]
    assert text.partition(" (")[0] in answer.document["message"]


def test_an_apply_needs_a_manager_and_no_managed_fields(running: Running):
    """apiserver, fieldManager: Required value: is required for apply patch; metadata.managedFields must be nil."""
    bare = running.patch(PATH, config_map(a="1"), "apply-patch+yaml")
    assert bare.is_status(422, "Invalid")
    assert "fieldManager: Required value" in bare.document["message"]
    made = running.apply(PATH, config_map(a="1")).document
    assert running.apply(PATH, made).is_status(400, "BadRequest")
    assert running.apply(PATH, {**config_map(), "metadata": "words"}).is_status(400, "BadRequest")


def test_duplicate_items_of_a_keyed_list_are_refused(running: Running):
    """structured-merge-diff: duplicate entries for key."""
    body = deployment()
    body["spec"]["template"]["spec"]["containers"] *= 2
    answer = running.apply(f"{DEPLOYMENTS}/atlas", body)
    assert answer.status == 500
    assert 'duplicate entries for key [name="main"]' in answer.document["message"]


def test_what_was_there_before_the_first_apply_conflicts(running: Running):
    """KEP-555, "before-first-apply": fields without a manager are owned by what was there before."""
    running.cluster.store.create(MAPS, {**config_map(a="1"), "metadata": {"name": "settings", "namespace": "default"}})
    refused = running.apply(PATH, config_map(a="2"))
    assert refused.is_status(409, "Conflict")
    assert '"before-first-apply" using v1: .data.a' in refused.document["message"]
    assert running.apply(PATH, config_map(a="1")).status == 200


def test_removing_a_field_brings_its_default_back(running: Running):
    """KEP-555: a field that nobody sets is defaulted again."""
    running.apply(f"{DEPLOYMENTS}/atlas", deployment(revisionHistoryLimit=2))
    back = running.apply(f"{DEPLOYMENTS}/atlas", deployment()).document
    assert back["spec"]["revisionHistoryLimit"] == 10


def test_managed_fields_can_be_reset(running: Running):
    """KEP-555, "Clearing managedFields": an empty list of a writer resets it."""
    running.apply(PATH, config_map(a="1"))
    operations = [{"op": "replace", "path": "/metadata/managedFields", "value": [{}]}]
    assert "managedFields" not in running.patch(PATH, operations, "json-patch+json").document["metadata"]


@pytest.mark.parametrize("name", ["status"])
def test_a_subresource_has_its_own_ownership(running: Running, name: str):
    """KEP-2155: managedFields of subresources name them."""
    running.apply(f"{DEPLOYMENTS}/atlas", deployment())
    body = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "atlas"},
        "status": {"collisionCount": 7},
    }
    answer = running.apply(f"{DEPLOYMENTS}/atlas/{name}", body, manager="probe", force="true")
    entries = {each["manager"]: each for each in answer.document["metadata"]["managedFields"]}
    assert entries["probe"]["subresource"] == "status"
    assert entries["probe"]["fieldsV1"] == {"f:status": {"f:collisionCount": {}}}
    assert answer.document["status"]["collisionCount"] == 7


VALUES = st.dictionaries(st.sampled_from("abc"), st.sampled_from(["1", "2"]), max_size=3)
CONTAINERS = st.dictionaries(st.sampled_from(["main", "side"]), VALUES, min_size=1)


def applied(containers: dict[str, dict[str, str]], labels: dict[str, str]) -> Object:
    held = [
        {"name": name, "env": [{"name": key, "value": value} for key, value in env.items()]}
        for name, env in containers.items()
    ]
    spec = {"template": {"spec": {"containers": held}}}
    meta = {"name": "a", "namespace": "default", "labels": labels}
    return checked(RESOURCE, {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec})


def fields(document: Object) -> dict[tuple[str, ...], object]:
    return leaves(of(RESOURCE), document)


@settings(deadline=None, max_examples=150)
@given(CONTAINERS, VALUES, CONTAINERS, VALUES, CONTAINERS, VALUES)
def test_whatever_is_applied_is_there_and_whatever_is_let_go_by_all_is_gone(
    first: dict[str, dict[str, str]],
    labels: dict[str, str],
    other: dict[str, dict[str, str]],
    other_labels: dict[str, str],
    second: dict[str, dict[str, str]],
    second_labels: dict[str, str],
):
    """KEP-555: the state after two managers is the union of what each applied last, and applying again is a no-op."""
    mine, theirs = Manager("mine", "Apply"), Manager("theirs", "Apply")
    live = apply(RESOURCE, mine, None, applied(first, labels), force=True)
    live = apply(RESOURCE, theirs, live, applied(other, other_labels), force=True)
    live = apply(RESOURCE, mine, live, applied(second, second_labels), force=True)
    wanted = fields(applied(second, second_labels))
    found = fields(live)
    assert wanted.items() <= found.items()
    assert found.keys() == wanted.keys() | fields(applied(other, other_labels)).keys()
    assert apply(RESOURCE, mine, live, applied(second, second_labels), force=False) == live
