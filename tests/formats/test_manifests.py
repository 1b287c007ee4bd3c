"""Manifests of a backup: what is read, what is refused, and what another cluster takes of them."""

import json
import time
from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drproof.formats import manifests
from drproof.formats.manifests import moved, namespaces, order, portable, read, sorted_out, suspended, unique
from drproof.model.cluster import named
from drproof.model.errors import FormatError


def manifest(kind, name="app", api_version="v1", *, metadata=None, **members):
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, **(metadata or {})}, **members}


def refused(function, *arguments, **options):
    with pytest.raises(FormatError) as caught:
        function(*arguments, **options)
    return caught.value.code


def test_yaml_documents_and_json_hold_the_same_manifests():
    one, two = manifest("ConfigMap", data={"a": "1"}), manifest("Service")
    yaml = (
        b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: app}\ndata: {a: '1'}\n---\n---\n" + json.dumps(two).encode()
    )
    assert read("manifests/app.yaml", yaml) == (one, two)
    assert read("manifests/app.json", json.dumps(one).encode()) == (one,)


def test_json_in_a_yaml_file_is_read_as_json():
    one = manifest("ConfigMap", data={"a": "🙂"})
    assert b"\\ud83d\\ude42" in json.dumps(one).encode()
    assert read("a.yaml", b"\n" + json.dumps(one, indent=2).encode()) == (one,)
    assert read("a.yml", b"{apiVersion: v1, kind: ConfigMap, metadata: {name: app}}") == (manifest("ConfigMap"),)
    assert refused(read, "a.yaml", b'{"a": 1, "a": 2}') == "json-duplicate-key"


def test_lists_are_flattened_and_the_items_of_a_typed_list_inherit_its_kind():
    bare = {"metadata": {"name": "app"}, "data": {}}
    inner = {"apiVersion": "v1", "kind": "List", "items": [manifest("Service")]}
    typed = {"apiVersion": "v1", "kind": "ConfigMapList", "items": [bare]}
    listed = {"apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": ""}, "items": [inner, typed]}
    assert read("a.json", json.dumps(listed).encode()) == (manifest("Service"), manifest("ConfigMap", data={}))
    assert read("a.json", b'{"apiVersion":"v1","kind":"List","items":[]}') == ()


def test_a_kind_that_only_ends_in_list_is_an_object():
    allowed = manifest("AllowList", api_version="example.org/v1beta1")
    assert read("a.json", json.dumps(allowed).encode()) == (allowed,)


def test_a_role_may_have_a_name_that_no_host_has():
    role = manifest("Role", "system:reader", "rbac.authorization.k8s.io/v1")
    assert read("a.json", json.dumps(role).encode()) == (role,)


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ("text", "manifest-shape"),
        ([manifest("Service")], "manifest-shape"),
        ({"kind": "Service", "metadata": {"name": "app"}}, "manifest-shape"),
        (manifest("Service", api_version="a/b/c"), "manifest-shape"),
        ({"apiVersion": "v1", "metadata": {"name": "app"}}, "manifest-shape"),
        (manifest("no kind"), "manifest-shape"),
        ({"apiVersion": "v1", "kind": "Service"}, "manifest-shape"),
        ({"apiVersion": "v1", "kind": "List", "items": {}}, "manifest-shape"),
        ({"apiVersion": "v1", "kind": "List", "items": [{"metadata": {"name": "a"}}]}, "manifest-shape"),
        (manifest("Service", metadata={"labels": {"number": 7}}), "manifest-shape"),
        (manifest("Service", metadata={"annotations": {"none": None}}), "manifest-shape"),
        (manifest("Service", metadata={"finalizers": [7]}), "manifest-shape"),
        (manifest("Service", metadata={"ownerReferences": ["me"]}), "manifest-shape"),
        ({"apiVersion": "v1", "kind": "Service", "metadata": {"generateName": "app-"}}, "manifest-name"),
        (manifest("Service", "App"), "manifest-name"),
        (manifest("Service", "app\n"), "manifest-name"),
        (manifest("Service", "../app"), "manifest-name"),
        (manifest("Service", "a" * 254), "manifest-name"),
        (manifest("Service", 7), "manifest-name"),
        (manifest("Role", "..", "rbac.authorization.k8s.io/v1"), "manifest-name"),
        (manifest("Service", metadata={"namespace": "a.b"}), "manifest-name"),
        (manifest("Service", metadata={"namespace": 7}), "manifest-name"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_is_no_manifest_is_refused_by_its_name(document, code):
    assert refused(read, "a.json", json.dumps(document).encode()) == code


def test_a_file_of_another_name_or_without_content_is_refused():
    assert refused(read, "manifests/README.md", b"{}") == "manifest-path"
    assert refused(read, "a.yaml", b"# nothing\n---\n") == "manifest-empty"
    assert refused(read, "a.yaml", b"a: yes") == "yaml-ambiguous"
    assert refused(read, "a.json", b"{") == "json-syntax"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | st.sampled_from(["app", "v1", "List", "Job", "Service", ""]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["apiVersion", "kind", "metadata", "items", "name", "labels", "spec", "ports", "template"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(JSON, st.sampled_from(["Service", "Job", "PersistentVolumeClaim", "ServiceAccount", "Deployment"]))
def test_whatever_a_manifest_holds_it_is_made_portable_or_refused_by_name(content, kind):
    members = content if isinstance(content, dict) else {"spec": content, "secrets": content}
    group = {"Job": "batch/v1", "Deployment": "apps/v1"}.get(kind, "v1")
    document = {**members, "apiVersion": group, "kind": kind, "metadata": members.get("metadata", {"name": "app"})}
    before = deepcopy(document)
    codes = set()
    try:
        for one in read("a.json", json.dumps(document).encode()):
            once = portable(one, namespace="atlas")
            assert portable(once, namespace="atlas") == once
    except FormatError as exc:
        codes.add(exc.code.partition("-")[0])
    assert codes <= {"manifest"}
    assert document == before


def test_a_portable_object_has_nothing_that_the_old_cluster_added():
    live = manifest(
        "Deployment",
        api_version="apps/v1",
        metadata={
            "namespace": "atlas",
            "uid": "u",
            "resourceVersion": "7",
            "generation": 3,
            "creationTimestamp": "2026-01-31T11:00:00Z",
            "managedFields": [{}],
            "selfLink": "/x",
            "ownerReferences": [{"uid": "o"}],
            "finalizers": ["example.org/ours", "foregroundDeletion"],
            "labels": {"app": "atlas"},
            "annotations": {
                "kubectl.kubernetes.io/last-applied-configuration": "{}",
                "objectset.rio.cattle.io/applied": "H4sI",
                "deployment.kubernetes.io/revision": "4",
                "ours": "kept",
            },
        },
        spec={"replicas": 1},
        status={"replicas": 1},
    )
    before = deepcopy(live)
    assert portable(live, namespace="atlas") == manifest(
        "Deployment",
        api_version="apps/v1",
        metadata={
            "namespace": "atlas",
            "finalizers": ["example.org/ours"],
            "labels": {"app": "atlas"},
            "annotations": {"ours": "kept"},
        },
        spec={"replicas": 1},
    )
    assert live == before


def test_an_object_without_a_namespace_is_put_into_the_one_and_no_empty_map_is_left():
    claim = manifest("ConfigMap", metadata={"annotations": {"kubectl.kubernetes.io/last-applied-configuration": ""}})
    assert portable(claim, namespace="atlas") == manifest("ConfigMap", metadata={"namespace": "atlas"})


def test_an_object_of_elsewhere_or_of_the_whole_cluster_is_refused():
    other = manifest("ConfigMap", metadata={"namespace": "kube-system"})
    assert refused(portable, other, namespace="atlas") == "manifest-namespace"
    assert refused(portable, manifest("ClusterRole"), namespace="atlas") == "manifest-scope"
    assert refused(portable, manifest("Namespace", "atlas"), namespace="atlas") == "manifest-scope"


def spec_of(live):
    return portable(live, namespace="atlas")["spec"]


def test_a_service_loses_addresses_and_node_ports_and_stays_headless():
    ports = [{"port": 80, "nodePort": 30080}]
    service = manifest(
        "Service",
        spec={"clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"], "healthCheckNodePort": 1, "ports": ports},
    )
    assert spec_of(service) == {"ports": [{"port": 80}]}
    headless = {"clusterIP": "None", "clusterIPs": ["None"], "ports": [{"port": 80}]}
    assert spec_of(manifest("Service", spec=headless)) == headless


def test_a_job_loses_the_selector_and_labels_of_its_controller():
    labels = {"controller-uid": "u", "batch.kubernetes.io/controller-uid": "u", "job-name": "app"}
    labels["batch.kubernetes.io/job-name"] = "app"
    job = manifest(
        "Job",
        api_version="batch/v1",
        metadata={"labels": {**labels, "app": "atlas"}},
        spec={
            "selector": {"matchLabels": {"controller-uid": "u"}},
            "template": {"metadata": {"creationTimestamp": None, "labels": labels}, "spec": {"containers": []}},
        },
    )
    result = portable(job, namespace="atlas")
    assert result["metadata"]["labels"] == {"app": "atlas"}
    assert result["spec"] == {"template": {"metadata": {}, "spec": {"containers": []}}}


def test_a_job_keeps_a_selector_that_a_person_gave_it():
    spec = {"manualSelector": True, "selector": {"matchLabels": {"app": "atlas"}}}
    assert spec_of(manifest("Job", api_version="batch/v1", spec=spec)) == spec


def test_a_claim_is_bound_to_no_volume_of_the_old_cluster():
    claim = manifest(
        "PersistentVolumeClaim",
        metadata={
            "finalizers": ["kubernetes.io/pvc-protection"],
            "annotations": {"pv.kubernetes.io/bind-completed": "yes", "volume.kubernetes.io/selected-node": "n"},
        },
        spec={"volumeName": "pv-1", "storageClassName": "local-path"},
    )
    assert portable(claim, namespace="atlas") == manifest(
        "PersistentVolumeClaim", metadata={"namespace": "atlas"}, spec={"storageClassName": "local-path"}
    )


def test_a_service_account_keeps_only_what_is_no_token_of_the_old_cluster():
    secrets = [{"name": "app-token-x2z4q"}, {"name": "app-dockercfg-x2z4q"}, {"name": "signing-key"}]
    pulls = [{"name": "ecr-pull"}]
    account = manifest("ServiceAccount", secrets=secrets, imagePullSecrets=pulls)
    result = portable(account, namespace="atlas")
    assert (result["secrets"], result["imagePullSecrets"]) == ([{"name": "signing-key"}], pulls)
    assert "secrets" not in portable({**account, "secrets": secrets[:2]}, namespace="atlas")


def test_a_part_of_another_shape_is_refused():
    assert refused(portable, manifest("Service", spec=[]), namespace="atlas") == "manifest-shape"
    assert refused(portable, manifest("Service", spec={"ports": [80]}), namespace="atlas") == "manifest-shape"


def test_what_others_depend_on_comes_first_and_equals_keep_their_order():
    mixed = [
        manifest("Widget", api_version="example.org/v1"),
        manifest("CronJob", api_version="batch/v1"),
        manifest("Deployment", "b", "apps/v1"),
        manifest("Deployment", "a", "apps/v1"),
        manifest("Service"),
        manifest("Secret"),
        manifest("ServiceAccount"),
        manifest("PersistentVolumeClaim"),
    ]
    assert [named(one) for one in order(mixed)] == [
        "ServiceAccount/app",
        "Secret/app",
        "PersistentVolumeClaim/app",
        "Service/app",
        "Deployment/b",
        "Deployment/a",
        "CronJob/app",
        "Widget/app",
    ]


def test_identical_copies_of_an_object_are_one_where_the_first_was():
    one, other = manifest("ConfigMap", data={"a": "1"}), manifest("Secret")
    elsewhere = manifest("ConfigMap", metadata={"namespace": "b"}, data={"a": "2"})
    borrowed = manifest("ConfigMap", api_version="example.org/v1")
    copy = dict(reversed(deepcopy(one).items()))
    assert unique([one, other, copy, elsewhere, borrowed, deepcopy(other)]) == (one, other, elsewhere, borrowed)
    assert unique([]) == ()


@pytest.mark.parametrize(("first", "second"), [("1", "2"), (1, True), (None, ""), (1, 1.5)])
def test_two_of_one_name_that_differ_are_refused(first, second):
    twice = [manifest("ConfigMap", data={"a": value}) for value in (first, second)]
    assert refused(unique, twice) == "manifest-duplicate"
    none = [manifest("ConfigMap", metadata={"namespace": name}) for name in (None, "")]
    assert refused(unique, none) == "manifest-duplicate"


def test_many_copies_are_told_apart_at_once():
    many = [manifest("ConfigMap", f"c{number % 10_000}", data={"a": "x" * 200}) for number in range(20_000)]
    began = time.process_time()
    assert len(unique(many)) == 10_000
    assert time.process_time() - began < 5


def test_the_namespaces_of_manifests_are_those_that_they_name():
    named_ones = [manifest("ConfigMap", metadata={"namespace": name}) for name in ("b", "a", "b", None, "")]
    assert namespaces([*named_ones, manifest("Secret")]) == ("a", "b")
    assert namespaces([]) == ()


def test_an_object_is_moved_into_another_namespace_and_nothing_else_changes():
    config = manifest("ConfigMap", metadata={"namespace": "atlas", "labels": {"a": "atlas"}}, data={"a": "atlas"})
    before = deepcopy(config)
    result = moved(config, source="atlas", target="atlas-dr")
    assert result == {**config, "metadata": {**config["metadata"], "namespace": "atlas-dr"}}
    assert config == before
    assert moved(manifest("Secret"), source="atlas", target="b")["metadata"]["namespace"] == "b"
    assert portable(result, namespace="atlas-dr") == result


def test_an_object_that_lies_elsewhere_is_not_moved():
    other = manifest("ConfigMap", metadata={"namespace": "kube-system"})
    assert refused(moved, other, source="atlas", target="b") == "manifest-namespace"


def test_accounts_of_the_old_namespace_move_with_a_role_binding():
    def binding(namespace, api_version="rbac.authorization.k8s.io/v1", kind="RoleBinding"):
        return manifest(
            kind,
            api_version=api_version,
            metadata={"namespace": "new" if namespace == "new" else "atlas"},
            subjects=[
                {"kind": "ServiceAccount", "name": "atlas", "namespace": namespace},
                {"kind": "ServiceAccount", "name": "other", "namespace": "other"},
                {"kind": "User", "name": f"system:serviceaccount:{namespace}:app"},
                {"kind": "Group", "name": f"system:serviceaccounts:{namespace}"},
                {"kind": "Group", "name": "system:serviceaccounts:other"},
                {"kind": "Group", "name": "system:serviceaccounts"},
                {"kind": "User", "name": "atlas"},
            ],
        )

    assert moved(binding("atlas"), source="atlas", target="new") == binding("new")
    borrowed = moved(binding("atlas", "example.org/v1"), source="atlas", target="new")
    assert borrowed["subjects"] == binding("atlas")["subjects"]
    assert (
        moved(binding("atlas", kind="Role"), source="atlas", target="new")["subjects"] == binding("atlas")["subjects"]
    )
    odd = manifest("RoleBinding", api_version="rbac.authorization.k8s.io/v1", subjects=["atlas"])
    assert refused(moved, odd, source="atlas", target="new") == "manifest-shape"


def test_what_stands_for_a_name_is_not_repeated_when_it_is_none():
    for document in (manifest({"a": "geheim"}), manifest("Secret", ["geheim"]), manifest("Secret", "G" * 64 + "eheim")):
        with pytest.raises(FormatError) as caught:
            read("a.json", json.dumps(document).encode())
        assert "eheim" not in str(caught.value)


def test_an_object_that_comes_twice_is_refused():
    twice = [manifest("ConfigMap", data={"a": "1"}), manifest("ConfigMap", data={"a": "2"})]
    assert refused(order, twice) == "manifest-duplicate"
    assert len(order([manifest("ConfigMap"), manifest("Secret")])) == 2


def test_kinds_are_restored_left_out_or_refused():
    config, widget = manifest("ConfigMap"), manifest("Widget", api_version="example.org/v1")
    lease = manifest("Lease", api_version="coordination.k8s.io/v1")
    assert sorted_out([widget, config, lease], kinds=["ConfigMap"], left_out=["Lease"]) == (
        (config,),
        (lease,),
        (widget,),
    )
    with pytest.raises(ValueError, match="ConfigMap"):
        sorted_out([], kinds=["ConfigMap"], left_out=["ConfigMap"])


def test_a_kind_that_borrows_a_name_of_kubernetes_is_refused():
    borrowed = manifest("Service", api_version="serving.example.org/v1")
    assert sorted_out([borrowed], kinds=["Service"], left_out=[]).refused == (borrowed,)


@pytest.mark.parametrize(
    "made",
    [
        manifest(
            "Job", api_version="batch/v1", metadata={"ownerReferences": [{"kind": "CronJob", "controller": True}]}
        ),
        manifest("ConfigMap", "kube-root-ca.crt"),
        manifest("Secret", type="kubernetes.io/service-account-token"),
    ],
    ids=named,
)
def test_what_each_cluster_makes_by_itself_is_left_out(made):
    assert sorted_out([made], kinds=["Job", "ConfigMap", "Secret"], left_out=[]).left_out == (made,)
    plain = {**made, "type": "Opaque", "metadata": {"name": "app", "ownerReferences": [{"kind": "CronJob"}]}}
    assert sorted_out([plain], kinds=["Job", "ConfigMap", "Secret"], left_out=[]).restorable == (plain,)


def test_a_suspended_cron_job_starts_nothing_and_others_are_as_they_were():
    cron = manifest("CronJob", api_version="batch/v1", spec={"schedule": "0 13 * * *", "suspend": False})
    assert suspended(cron)["spec"] == {"schedule": "0 13 * * *", "suspend": True}
    assert cron["spec"]["suspend"] is False
    deployment = manifest("Deployment", api_version="apps/v1", spec={"replicas": 1})
    assert suspended(deployment) == deployment


def test_every_kind_that_is_ordered_has_one_group():
    assert len(manifests.GROUPS) == len(manifests.KINDS)
