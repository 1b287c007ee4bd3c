"""Whether a live object is what its manifest says."""

import base64
import hmac
from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drproof.analysis.covering import differences, projected

CONTAINER = {
    "name": "app",
    "image": "registry/app@sha256:aa",
    "env": [
        {"name": "MODE", "value": "live"},
        {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
    ],
    "ports": [{"containerPort": 80}],
    "resources": {"requests": {"cpu": "1000m", "memory": "512Mi"}, "limits": {"cpu": 2}},
    "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
}
POD = {
    "containers": [CONTAINER],
    "initContainers": [{"name": "one", "image": "i"}, {"name": "two", "image": "i"}],
    "volumes": [{"name": "tmp", "emptyDir": {}}, {"name": "conf", "configMap": {"name": "conf"}}],
}
MANIFEST = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "app", "namespace": "atlas", "labels": {"app": "atlas"}},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "atlas"}},
        "template": {"metadata": {"labels": {"app": "atlas"}}, "spec": POD},
    },
}


def as_stored(manifest):
    """Return a Deployment as a server stores and answers it."""
    live = deepcopy(manifest)
    live["metadata"] |= {
        "uid": "u",
        "resourceVersion": "7",
        "generation": 1,
        "creationTimestamp": "2026-01-31T11:00:00Z",
        "managedFields": [{}],
        "annotations": {"deployment.kubernetes.io/revision": "1"},
    }
    live["metadata"]["labels"]["drproof.io/drill"] = "ab"
    live["status"] = {"replicas": 2}
    live["spec"] |= {"progressDeadlineSeconds": 600, "strategy": {"type": "RollingUpdate"}}
    pod = live["spec"]["template"]["spec"]
    pod |= {"restartPolicy": "Always", "securityContext": {}, "dnsPolicy": "ClusterFirst"}
    pod["volumes"][1]["configMap"]["defaultMode"] = 420
    for container in pod["containers"] + pod["initContainers"]:
        container |= {"imagePullPolicy": "IfNotPresent", "terminationMessagePath": "/dev/termination-log"}
    app = pod["containers"][0]
    app["ports"][0]["protocol"] = "TCP"
    app["resources"] = {"requests": {"cpu": "1", "memory": 536870912}, "limits": {"cpu": "2"}}
    return live


def changed(*path, to=..., add=...):
    """Return the stored Deployment with the value at a path changed, removed, or a list there added to."""
    live = as_stored(MANIFEST)
    *above, last = path
    here = live
    for name in above:
        here = here[name]
    if add is not ...:
        here[last].append(add)
    elif to is ...:
        del here[last]
    else:
        here[last] = to
    return live


TEMPLATE = ("spec", "template", "spec")
APP = (*TEMPLATE, "containers", 0)
IN_APP = "spec.template.spec.containers[app]"


def test_what_a_server_adds_is_no_difference():
    assert differences(MANIFEST, as_stored(MANIFEST)) == ()


@pytest.mark.parametrize(
    ("live", "path"),
    [
        (changed("spec", "replicas", to=1), "spec.replicas"),
        (changed("spec", "replicas", to="2"), "spec.replicas"),
        (changed("spec", "replicas"), "spec.replicas: missing"),
        (changed("metadata", "labels", to={}), "metadata.labels.app: missing"),
        (changed("metadata", "labels"), "metadata.labels.app: missing"),
        (changed("metadata", "namespace", to="other"), "metadata.namespace"),
        (changed("spec", "selector", "matchLabels", "tier", to="x"), "spec.selector.matchLabels.tier: extra"),
        (changed("spec", "template", to="text"), "spec.template"),
        (changed(*APP, "image", to="other"), f"{IN_APP}.image"),
        (changed(*APP, "env", 0, "value", to="test"), f"{IN_APP}.env[MODE].value"),
        (changed(*APP, "env", 0), f"{IN_APP}.env[MODE]: missing"),
        (changed(*APP, "env", add={"name": "MORE", "value": "x"}), f"{IN_APP}.env[MORE]: extra"),
        (changed(*APP, "env", 0, "valueFrom", to={}), f"{IN_APP}.env[MODE].valueFrom: extra"),
        (changed(*APP, "command", to=["sh"]), f"{IN_APP}.command[0]: extra"),
        (changed(*APP, "envFrom", to=[{"secretRef": {"name": "s"}}]), f"{IN_APP}.envFrom[0]: extra"),
        (changed(*APP, "ports", 0, "containerPort", to=81), f"{IN_APP}.ports[80]: missing"),
        (changed(*APP, "ports", add={"containerPort": 80, "protocol": "UDP"}), f"{IN_APP}.ports[80/UDP]: extra"),
        (changed(*APP, "resources", "requests", "cpu", to="999m"), f"{IN_APP}.resources.requests.cpu"),
        (changed(*APP, "volumeMounts", 0, "readOnly", to=True), f"{IN_APP}.volumeMounts[/tmp].readOnly: extra"),
        (changed(*APP, "volumeMounts", 0, "mountPath", to="/x"), f"{IN_APP}.volumeMounts[/tmp]: missing"),
        (changed(*TEMPLATE, "containers", add={"name": "spy"}), "spec.template.spec.containers[spy]: extra"),
        (changed(*TEMPLATE, "volumes", 0, to={"name": "tmp", "hostPath": {}}), "spec.template.spec.volumes[tmp].hostPath: extra"),
        (changed(*TEMPLATE, "volumes", 1), "spec.template.spec.volumes[conf]: missing"),
        (changed(*TEMPLATE, "initContainers", to=[{"name": "two", "image": "i"}, {"name": "one", "image": "i"}]), "spec.template.spec.initContainers: order"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_what_is_not_as_the_manifest_says_is_named_by_its_path(live, path):
    assert path in differences(MANIFEST, live)


def test_what_runs_beside_a_manifest_that_asks_for_nothing_is_a_difference():
    bare = {"kind": "Pod", "spec": {"containers": [{"name": "app"}]}}
    live = {
        "kind": "Pod",
        "spec": {
            "containers": [{"name": "app", "env": [{"name": "A"}], "volumeMounts": [{"name": "v", "mountPath": "/v"}]}],
            "initContainers": [{"name": "spy"}],
            "volumes": [{"name": "v"}],
        },
    }
    assert differences(bare, live) == (
        "spec.containers[app].env[A]: extra",
        "spec.containers[app].volumeMounts[/v]: extra",
        "spec.initContainers[spy]: extra",
        "spec.volumes[v]: extra",
    )


WHERE = "/var/run/secrets/kubernetes.io/serviceaccount"
SOURCES = [
    {"serviceAccountToken": {"path": "token"}},
    {"configMap": {"name": "kube-root-ca.crt"}},
    {"serviceAccountToken": {}, "configMap": {}, "downwardAPI": {}},
]
CREDENTIALS = {"name": "kube-api-access-x2z4q", "projected": {"sources": SOURCES}}
MOUNT = {"name": "kube-api-access-x2z4q", "mountPath": WHERE, "readOnly": True}


def test_the_credentials_that_a_server_mounts_are_no_difference():
    live = as_stored(MANIFEST)
    pod = live["spec"]["template"]["spec"]
    pod["volumes"].append(CREDENTIALS)
    pod["containers"][0]["volumeMounts"].append(MOUNT)
    assert differences(live, as_stored(MANIFEST)) == ()
    pod["initContainers"][0]["volumeMounts"] = [MOUNT]
    assert differences(MANIFEST, live) == ()


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("volumes", {"name": CREDENTIALS["name"], "hostPath": {"path": "/"}}),
        ("volumes", {**CREDENTIALS, "hostPath": {"path": "/"}}),
        ("volumes", {**CREDENTIALS, "projected": {"sources": [{"secret": {"name": "s"}}]}}),
        ("volumes", {**CREDENTIALS, "projected": "text"}),
        ("volumes", {**CREDENTIALS, "name": "more"}),
        ("containers", CREDENTIALS),
        ("containers", MOUNT),
    ],
)
def test_what_only_has_the_name_of_credentials_is_a_difference(name, entry):
    live = as_stored(MANIFEST)
    live["spec"]["template"]["spec"][name].append(entry)
    assert differences(MANIFEST, live) == (f"spec.template.spec.{name}[{entry['name']}]: extra",)
    app = as_stored(MANIFEST)
    app["spec"]["template"]["spec"]["containers"][0]["volumeMounts"].append({**MOUNT, "mountPath": "/app"})
    assert differences(MANIFEST, app) == (f"{IN_APP}.volumeMounts[/app]: extra",)


def test_a_volume_that_only_has_a_name_is_an_empty_folder():
    live = {"spec": {"volumes": [{"name": "v", "emptyDir": {}}]}}
    assert differences({"spec": {"volumes": [{"name": "v"}]}}, live) == ()
    host = {"spec": {"volumes": [{"name": "v", "hostPath": {"path": "/"}}]}}
    assert differences(host, live) == ("spec.volumes[v].hostPath: missing", "spec.volumes[v].emptyDir: extra")


def test_what_a_server_numbers_and_dates_is_no_difference_even_where_a_manifest_has_it():
    wanted = {
        "metadata": {"uid": "old", "resourceVersion": "1", "creationTimestamp": None, "name": "app"},
        "status": {},
    }
    assert differences(wanted, as_stored(MANIFEST)) == ()
    assert differences({"spec": {"uid": "old", "replicas": None}}, {"spec": {"uid": "new", "replicas": 3}}) == (
        "spec.uid",
    )


def test_entries_of_another_shape_are_a_difference_and_no_error():
    for name in ("env", "volumes", "volumeMounts", "containers"):
        wanted, live = {"spec": {name: ["text"]}}, {"spec": {name: [{"name": "text"}]}}
        assert differences(wanted, live) == (f"spec.{name}[0]",)
        assert differences(live, wanted) == (f"spec.{name}[0]",)
        assert differences({"spec": {name: []}}, wanted) == (f"spec.{name}[0]: extra",)


def test_entries_are_told_apart_by_name_not_by_place():
    live = as_stored(MANIFEST)
    for name in ("env", "ports", "volumeMounts"):
        live["spec"]["template"]["spec"]["containers"][0][name].reverse()
    live["spec"]["template"]["spec"]["volumes"].reverse()
    assert differences(MANIFEST, live) == ()


def test_a_list_without_names_is_compared_place_by_place():
    rule = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}
    role = {"kind": "Role", "rules": [rule]}
    more = {"kind": "Role", "rules": [{**rule, "verbs": ["get", "delete", "list"]}, rule]}
    assert differences(role, more) == ("rules[0].verbs[1]", "rules[0].verbs[2]: extra", "rules[1]: extra")
    assert differences(more, role) == ("rules[0].verbs[1]", "rules[0].verbs[2]: missing", "rules[1]: missing")


def test_entries_of_one_name_are_compared_place_by_place():
    twice = [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]
    wanted = {"spec": {"containers": [{"name": "app", "env": twice}]}}
    live = {"spec": {"containers": [{"name": "app", "env": twice[:1]}]}}
    assert differences(wanted, live) == ("spec.containers[app].env[1]: missing",)


def test_what_a_server_keeps_not_because_it_is_empty_is_no_difference():
    wanted = {"spec": {"hostNetwork": False, "nodeSelector": {}, "tolerations": [], "weight": 0, "none": None}}
    assert differences(wanted, {"spec": {}}) == ()
    assert differences({"spec": {"hostNetwork": False}}, {"spec": {"hostNetwork": True}}) == ("spec.hostNetwork",)
    assert differences({"metadata": {"labels": {"a": ""}}}, {"metadata": {}}) == ("metadata.labels.a: missing",)


def test_only_quantities_are_compared_by_value():
    assert differences({"spec": {"port": "80"}}, {"spec": {"port": 80}}) == ("spec.port",)
    assert differences({"spec": {"on": 1}}, {"spec": {"on": True}}) == ("spec.on",)
    assert differences({"metadata": {"labels": {"divisor": "1"}}}, {"metadata": {"labels": {"divisor": "1000m"}}})
    hard = {"spec": {"hard": {"requests.cpu": "1"}}}
    assert differences(hard, {"spec": {"hard": {"requests.cpu": "1000m"}}}) == ()


CONFIG = {"kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a.json": "{}\n"}, "binaryData": {"b": "//8="}}


def test_a_config_map_is_compared_byte_by_byte():
    assert differences(CONFIG, deepcopy(CONFIG)) == ()
    assert differences(CONFIG, {**CONFIG, "data": {"a.json": "{}"}}) == ("data[a.json]",)
    assert differences(CONFIG, {**CONFIG, "data": {"a.json": "{}\n", "b.c": ""}}) == ("data[b.c]: extra",)
    assert differences(CONFIG, {**CONFIG, "binaryData": {}}) == ("binaryData.b: missing",)
    assert differences(CONFIG, {**CONFIG, "binaryData": {"b": "AAA="}}) == ("binaryData.b",)
    assert differences({"kind": "ConfigMap"}, {"kind": "ConfigMap", "data": {"a": ""}}) == ("data.a: extra",)


def test_a_secret_is_compared_by_what_it_holds_and_no_value_is_told():
    wanted = {"kind": "Secret", "data": {"a": "aGVsbG8="}, "stringData": {"b": "hidden"}}
    assert differences(wanted, {"kind": "Secret", "data": {"a": "aGVsbG8=\n", "b": "aGlkZGVu"}}) == ()
    found = differences(wanted, {"kind": "Secret", "data": {"a": "aGVsbG8h", "c": "aGlkZGVu"}})
    assert found == ("data.a", "data.b: missing", "data.c: extra")


def test_ignored_paths_do_not_count_nor_what_lies_below():
    live = changed(*APP, "image", to="other")
    live["spec"]["replicas"] = 1
    assert differences(MANIFEST, live, ignored=["spec.replicas"]) == (f"{IN_APP}.image",)
    assert differences(MANIFEST, live, ignored=["spec.template.spec.containers[*].image", "spec.replicas"]) == ()
    assert differences(MANIFEST, live, ignored=["spec"]) == ()
    assert differences(MANIFEST, live, ignored=["spec.rep", "spec.template.spec.containers[other]"]) == (
        "spec.replicas",
        f"{IN_APP}.image",
    )


def test_no_more_differences_are_told_than_asked_for_and_the_rest_is_counted():
    wanted = {"data": {f"k{number:02d}": "1" for number in range(30)}}
    found = differences(wanted, {"data": {}}, limit=5)
    assert found == ("data.k00: missing", "data.k01: missing", "data.k02: missing", "data.k03: missing", "and 26 more")
    assert differences(wanted, {"data": {}}, limit=30)[-1] == "data.k29: missing"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["", "1", "1000m", "app"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["containers", "env", "name", "limits", "labels", "selector", "ports", "volumes", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)
OBJECTS = st.fixed_dictionaries({"kind": st.sampled_from(["ConfigMap", "Secret", "Pod"]), "spec": JSON, "data": JSON})


@given(OBJECTS)
def test_every_object_covers_itself(one):
    assert differences(one, deepcopy(one)) == ()


@given(OBJECTS, OBJECTS)
def test_any_two_objects_can_be_compared_and_neither_is_changed(one, other):
    before = deepcopy((one, other))
    assert len(differences(one, other, limit=3)) <= 3
    assert (one, other) == before


def test_a_projection_keeps_what_does_not_change_by_itself():
    live = as_stored(MANIFEST)
    live["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] = "{}"
    before = deepcopy(live)
    kept = projected(live)
    assert differences(MANIFEST, kept) == ()
    assert set(kept) == {"apiVersion", "kind", "metadata", "spec"}
    assert set(kept["metadata"]) == {"name", "namespace", "labels", "annotations"}
    assert kept["metadata"]["annotations"] == {"deployment.kubernetes.io/revision": "1"}
    assert live == before


def encoded(value):
    return base64.b64encode(value).decode()


def test_a_projection_of_a_secret_holds_no_value_in_any_form():
    hidden = encoded(b"hidden")
    secret = {
        "kind": "Secret",
        "metadata": {
            "name": "s",
            "annotations": {
                "kubectl.kubernetes.io/last-applied-configuration": hidden,
                "objectset.rio.cattle.io/applied": hidden,
                "example.org/copy": hidden,
                "example.org/none": "",
                "drproof.io/drill-id": "up",
            },
        },
        "type": "Opaque",
        "immutable": True,
        "data": {"a": hidden, "b": ""},
        "stringData": {"c": "hidden"},
        "more": {"d": hidden},
        "text": hidden,
        "none": None,
    }
    before = deepcopy(secret)
    assert projected(secret) == {
        "kind": "Secret",
        "metadata": {
            "name": "s",
            "annotations": {
                "example.org/copy": "<secret>",
                "example.org/none": "<empty>",
                "drproof.io/drill-id": "up",
            },
        },
        "type": "Opaque",
        "immutable": True,
        "data": {"a": "<secret>", "b": "<empty>"},
        "stringData": {"c": "<secret>"},
        "more": {"d": "<secret>"},
        "text": "<secret>",
        "none": None,
    }
    assert secret == before


def test_a_projection_of_anything_else_loses_only_copies_of_the_whole():
    kept = {"example.org/copy": "text"}
    applied = {"objectset.rio.cattle.io/applied": "H4sI", "kubectl.kubernetes.io/last-applied-configuration": "{}"}
    config = {"kind": "ConfigMap", "metadata": {"annotations": {**kept, **applied}}, "data": {"a": "b"}}
    assert projected(config, tag=tagged) == {"kind": "ConfigMap", "metadata": {"annotations": kept}, "data": {"a": "b"}}
    assert projected({**config, "metadata": {"annotations": applied}})["metadata"] == {}


def tagged(value):
    return f"hmac-sha256:{hmac.new(b'key', value, 'sha256').hexdigest()}"


@pytest.mark.parametrize("field", ["data", "stringData"])
def test_equal_tags_stand_for_equal_values_and_others_for_others(field):
    def secret(value):
        return {"kind": "Secret", field: {"a": encoded(value) if field == "data" else value.decode(), "b": ""}}

    kept = projected(secret(b"hidden"), tag=tagged)
    assert kept[field] == {"a": tagged(b"hidden"), "b": tagged(b"")}
    for other in ("data", "stringData"):
        live = projected(
            {"kind": "Secret", other: {"a": encoded(b"hidden") if other == "data" else "hidden", "b": ""}}, tag=tagged
        )
        assert differences(kept, live) == ()
        assert differences(live, projected(secret(b"else"), tag=tagged)) == ("data.a",)


def test_what_is_no_base64_and_no_text_is_tagged_as_the_text_that_it_is():
    odd = {
        "kind": "Secret",
        "data": {"a": "no*base64", "b": None, "c": 7, "e": "\ud800"},
        "stringData": {"d": "\ud800"},
    }
    assert projected(odd, tag=tagged) == {
        "kind": "Secret",
        "metadata": {},
        "data": {"a": tagged(b"no*base64"), "b": tagged(b""), "c": tagged(b"7"), "e": tagged(b"\xed\xa0\x80")},
        "stringData": {"d": tagged(b"\xed\xa0\x80")},
    }


def test_a_text_is_taken_as_it_is_even_where_it_could_be_base64():
    text = {"kind": "Secret", "stringData": {"a": "aGVsbG8="}}
    assert differences(text, {"kind": "Secret", "data": {"a": encoded(b"aGVsbG8=")}}) == ()
    assert differences(text, {"kind": "Secret", "data": {"a": "aGVsbG8="}}) == ("data.a",)
    assert projected(text, tag=tagged)["stringData"] == {"a": tagged(b"aGVsbG8=")}
    annotated = projected({"kind": "Secret", "metadata": {"annotations": {"a": "aGVsbG8="}}}, tag=tagged)
    assert annotated["metadata"]["annotations"] == {"a": tagged(b"aGVsbG8=")}


def test_annotations_of_a_secret_are_compared_by_their_tags():
    def secret(text):
        return projected({"kind": "Secret", "metadata": {"annotations": {"copy": text}}}, tag=tagged)

    assert secret("a")["metadata"]["annotations"] == {"copy": tagged(b"a")}
    assert differences(secret("a"), secret("a")) == ()
    assert differences(secret("a"), secret("b")) == ("metadata.annotations.copy",)


def test_finalizers_are_told_apart_by_their_texts():
    def held(*finalizers):
        return {"kind": "Widget", "metadata": {"finalizers": list(finalizers)}}

    assert differences(held("a", "b"), held("b", "a")) == ()
    assert differences(held("a"), held("b", "a")) == ("metadata.finalizers[b]: extra",)
    assert differences(held("a", "b"), held("b")) == ("metadata.finalizers[a]: missing",)


def test_of_a_kind_that_nobody_has_looked_at_only_what_runs_is_asked_for():
    wanted = {"kind": "Widget", "spec": {"selector": {"a": "1"}, "containers": [{"name": "app"}]}}
    more = {"selector": {"a": "1", "b": ""}, "size": 3, "containers": [{"name": "app", "tty": True, "args": ["x"]}]}
    assert differences(wanted, {**wanted, "spec": more}) == ("spec.containers[app].args[0]: extra",)
