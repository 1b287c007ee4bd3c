"""Every kind: it can be made, read back, listed as a table, applied, and has the rules and subresources of its own."""

import pytest

from drproof.embedded.kubernetes import resources as kinds
from drproof.embedded.kubernetes.resources import ALL, Object, Resource
from drproof.embedded.kubernetes.selectors import of_selector

from .conftest import CONFIGMAPS, DEPLOYMENTS, PODS, SERVICES, Running, config_map, deployment, job, pod_template
from .test_api_objects import cron_job

TABLE = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
RBAC = "rbac.authorization.k8s.io"
WORKLOAD = deployment()["spec"]
CONTENT: dict[str, Object] = {
    "Pod": {
        "spec": {
            "nodeSelector": {"nowhere": "yes"},
            "initContainers": [{"name": "first", "image": "a:v1"}],
            "containers": [
                {
                    "name": "main",
                    "image": "a:v1",
                    "resources": {"limits": {"cpu": "1", "memory": "1Gi"}},
                    "livenessProbe": {"httpGet": {"port": 80}},
                    "env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
                }
            ],
            "volumes": [
                {"name": "a"},
                {"name": "b", "secret": {"secretName": "s"}},
                {"name": "c", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}},
                {"name": "d", "downwardAPI": {"items": [{"path": "n", "fieldRef": {"fieldPath": "metadata.name"}}]}},
                {"name": "e", "hostPath": {"path": "/x"}},
            ],
        }
    },
    "Node": {"status": {"capacity": {"cpu": "1", "memory": "1Gi"}, "allocatable": {"cpu": "1", "memory": "1Gi"}}},
    "Secret": {"stringData": {"a": "b"}},
    "ConfigMap": {"data": {"a": "b"}},
    "Service": {"spec": {"type": "NodePort", "ports": [{"port": 80}], "selector": {"app": "a"}}},
    "ServiceAccount": {"imagePullSecrets": [{"name": "a"}]},
    "Event": {"involvedObject": {"kind": "Pod", "name": "a", "namespace": "default"}, "reason": "Tested"},
    "LimitRange": {"spec": {"limits": [{"type": "Container", "max": {"cpu": "1000m"}}]}},
    "ResourceQuota": {"spec": {"hard": {"pods": "10"}}},
    "PersistentVolumeClaim": {
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
            "storageClassName": "x",
        }
    },
    "PersistentVolume": {
        "spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/x"}}
    },
    "Job": {"spec": {**job()["spec"], "suspend": True}},
    "CronJob": {"spec": cron_job()["spec"]},
    "Deployment": {"spec": WORKLOAD},
    "ReplicaSet": {"spec": WORKLOAD},
    "StatefulSet": {
        "spec": {
            **WORKLOAD,
            "serviceName": "a",
            "volumeClaimTemplates": [{"metadata": {"name": "v"}, "spec": {"accessModes": ["ReadWriteOnce"]}}],
        }
    },
    "DaemonSet": {
        "spec": {
            "selector": WORKLOAD["selector"],
            "template": {
                **WORKLOAD["template"],
                "spec": {**WORKLOAD["template"]["spec"], "nodeSelector": {"no": "where"}},
            },
        }
    },
    "Role": {"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]},
    "ClusterRole": {"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]},
    "RoleBinding": {"roleRef": {"kind": "Role", "name": "a"}, "subjects": [{"kind": "User", "name": "u"}]},
    "ClusterRoleBinding": {
        "roleRef": {"kind": "ClusterRole", "name": "a"},
        "subjects": [{"kind": "Group", "name": "g"}],
    },
    "NetworkPolicy": {"spec": {"egress": [{"ports": [{"port": 53}]}]}},
    "Ingress": {"spec": {"defaultBackend": {"service": {"name": "a", "port": {"number": 80}}}}},
    "PodDisruptionBudget": {"spec": {"minAvailable": 1, "selector": {"matchLabels": {"a": "b"}}}},
    "StorageClass": {"provisioner": "example.com/disk"},
    "HorizontalPodAutoscaler": {
        "spec": {"maxReplicas": 3, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "a"}}
    },
}
DEFAULTS: dict[str, Object] = {
    "NetworkPolicy": {"spec": {"policyTypes": ["Ingress", "Egress"], "podSelector": {}}},
    "RoleBinding": {"roleRef": {"apiGroup": RBAC}, "subjects": [{"apiGroup": RBAC}]},
    "StorageClass": {"reclaimPolicy": "Delete", "volumeBindingMode": "Immediate"},
    "PriorityClass": {"value": 0, "preemptionPolicy": "PreemptLowerPriority"},
    "PersistentVolume": {"spec": {"persistentVolumeReclaimPolicy": "Retain", "volumeMode": "Filesystem"}},
    "PersistentVolumeClaim": {"spec": {"volumeMode": "Filesystem"}, "status": {"phase": "Pending"}},
    "DaemonSet": {"spec": {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1}}}},
    "StatefulSet": {
        "spec": {"podManagementPolicy": "OrderedReady", "updateStrategy": {"rollingUpdate": {"partition": 0}}}
    },
    "Namespace": {"spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}},
    "Pod": {
        "status": {"qosClass": "Burstable"},
        "spec": {
            "volumes": [
                {"emptyDir": {}},
                {"secret": {"defaultMode": 420}},
                {"projected": {"sources": [{"serviceAccountToken": {"expirationSeconds": 3607}}]}},
                {"downwardAPI": {"items": [{"fieldRef": {"apiVersion": "v1"}}]}},
                {"hostPath": {"type": ""}},
            ],
            "containers": [
                {
                    "resources": {"requests": {"cpu": "1", "memory": "1Gi"}},
                    "livenessProbe": {"httpGet": {"path": "/", "scheme": "HTTP"}, "periodSeconds": 10},
                }
            ],
        },
    },
}


def collection(resource: Resource) -> str:
    root = f"/apis/{resource.api_version}" if resource.group else "/api/v1"
    return f"{root}/namespaces/default/{resource.plural}" if resource.namespaced else f"{root}/{resource.plural}"


def covers(found: object, wanted: object) -> bool:
    """Whether all that is wanted is found, items of lists place by place."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(
            key in found and covers(found[key], each) for key, each in wanted.items()
        )
    if isinstance(wanted, list):
        return isinstance(found, list) and all(map(covers, found, wanted)) and len(found) == len(wanted)
    return found == wanted


@pytest.mark.parametrize("resource", ALL, ids=lambda each: each.kind)
def test_a_kind_is_made_read_back_applied_and_shown(running: Running, resource: Resource):
    """API docs, one page a kind; API concepts, "Receiving resources as Tables"."""
    body = {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": {"name": "sample"},
        **CONTENT.get(resource.kind, {}),
    }
    path = f"{collection(resource)}/sample"
    made = running.create(collection(resource), body, fieldValidation="Strict")
    assert covers(made, DEFAULTS.get(resource.kind, {})), made
    assert running.get(path)["metadata"]["uid"] == made["metadata"]["uid"]
    assert ("generation" in made["metadata"]) is resource.counts_generations
    table = running.call("GET", collection(resource), headers=TABLE).document
    names = [each["name"] for each in table["columnDefinitions"]]
    assert all(len(row["cells"]) == len(names) for row in table["rows"])
    assert any("sample" in map(str, row["cells"]) for row in table["rows"])
    body.pop("stringData", None)
    first = running.apply(path, body, force="true")
    again = running.apply(path, body, force="true")
    assert (first.status, again.status) == (200, 200), first.text
    assert owner_of(again.document) == owner_of(first.document)
    listed = running.get(collection(resource), fieldSelector="metadata.name=sample")
    assert (listed["kind"], len(listed["items"])) == (f"{resource.kind}List", 1)


def owner_of(document: Object) -> object:
    entries = document["metadata"].get("managedFields") or []
    return [(each["manager"], each["operation"], each["fieldsV1"]) for each in entries]


@pytest.mark.parametrize(
    ("resource", "change"),
    [
        (kinds.ROLEBINDINGS, {"roleRef": {"name": "b"}}),
        (kinds.CLUSTERROLEBINDINGS, {"roleRef": {"name": "b"}}),
        (kinds.PERSISTENTVOLUMECLAIMS, {"spec": {"storageClassName": "y"}}),
        (kinds.STORAGECLASSES, {"provisioner": "example.com/other"}),
        (kinds.PRIORITYCLASSES, {"value": 7}),
        (kinds.REPLICASETS, {"spec": {"selector": {"matchLabels": {"a": "b"}}}}),
    ],
    ids=lambda each: each.kind if isinstance(each, Resource) else "",
)
def test_what_a_kind_fixes_cannot_change(running: Running, resource: Resource, change: Object):
    """apis/*/validation, Validate…Update."""
    body = {"metadata": {"name": "sample"}, **CONTENT.get(resource.kind, {})}
    running.create(collection(resource), body)
    answer = running.patch(f"{collection(resource)}/sample", change)
    assert answer.is_status(422, "Invalid")


def test_a_claim_may_ask_for_more(running: Running):
    """Kubernetes docs, "Expanding Persistent Volumes Claims"."""
    running.create(
        collection(kinds.PERSISTENTVOLUMECLAIMS), {"metadata": {"name": "a"}, **CONTENT["PersistentVolumeClaim"]}
    )
    more = {"spec": {"resources": {"requests": {"storage": "2Gi"}}}}
    assert running.patch(f"{collection(kinds.PERSISTENTVOLUMECLAIMS)}/a", more).status == 200


def test_the_scale_of_a_workload_is_an_object_of_its_own(running: Running):
    """autoscaling/v1 Scale: GET, PUT with the version as lock, and the patches."""
    running.create(DEPLOYMENTS, deployment())
    path = f"{DEPLOYMENTS}/atlas/scale"
    held = running.get(path)
    assert (held["kind"], held["apiVersion"], held["spec"]) == ("Scale", "autoscaling/v1", {"replicas": 0})
    assert held["status"]["selector"] == "app=atlas"
    scaled = running.call("PUT", path, {**held, "spec": {"replicas": 2}})
    assert scaled.document["spec"] == {"replicas": 2}
    assert running.call("PUT", path, {**held, "spec": {"replicas": 3}}).is_status(409, "Conflict")
    operations = [{"op": "replace", "path": "/spec/replicas", "value": 4}]
    assert running.patch(path, operations, "json-patch+json").document["spec"] == {"replicas": 4}
    assert running.patch(path, {"spec": {"replicas": "x"}}, "merge-patch+json").is_status(400, "BadRequest")
    assert running.patch(path, {"spec": {"replicas": -1}}, "merge-patch+json").is_status(422, "Invalid")
    assert running.patch(path, {}, "apply-patch+yaml").is_status(415, "UnsupportedMediaType")
    assert running.call("GET", f"{DEPLOYMENTS}/none/scale").is_status(404, "NotFound")
    assert running.get(f"{DEPLOYMENTS}/atlas")["spec"]["replicas"] == 4


def test_a_pod_is_bound_once_and_evicted(running: Running):
    """v1 Binding, policy/v1 Eviction: what schedulers and `kubectl drain` do."""
    running.create(PODS, {"metadata": {"name": "p"}, **CONTENT["Pod"]})
    binding = {
        "apiVersion": "v1",
        "kind": "Binding",
        "metadata": {"name": "p"},
        "target": {"kind": "Node", "name": "n1"},
    }
    assert running.call("POST", f"{PODS}/p/binding", {"target": {}}).is_status(400, "BadRequest")
    assert running.call("POST", f"{PODS}/p/binding", binding).status == 201
    assert running.get(f"{PODS}/p")["spec"]["nodeName"] == "n1"
    assert running.call("POST", f"{PODS}/p/binding", binding).is_status(409, "Conflict")
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "p"}}
    assert running.call("POST", f"{PODS}/p/eviction", eviction, dryRun="All").status == 201
    assert "deletionTimestamp" not in running.get(f"{PODS}/p")["metadata"]
    assert running.call("POST", f"{PODS}/p/eviction", eviction).status == 201
    assert running.call("POST", f"{PODS}/none/eviction", eviction).is_status(404, "NotFound")


def test_a_namespace_is_finalized_by_a_subresource(running: Running):
    """API docs, Namespace: replace finalize."""
    running.create("/api/v1/namespaces", {"metadata": {"name": "dr"}})
    answer = running.call(
        "PUT", "/api/v1/namespaces/dr/finalize", {"metadata": {"name": "dr"}, "spec": {"finalizers": []}}
    )
    assert answer.status == 200
    assert "finalizers" not in answer.document["spec"] or answer.document["spec"]["finalizers"] == []
    assert running.call("PUT", "/api/v1/namespaces/dr/finalize", {"spec": {"finalizers": 7}}).is_status(
        400, "BadRequest"
    )


def test_primitive_lists_merge_and_lose_values(running: Running):
    """API conventions, "Strategic Merge Patch": $deleteFromPrimitiveList, $setElementOrder."""
    running.create(CONFIGMAPS, {**config_map(), "metadata": {"name": "settings", "finalizers": ["a/a", "a/b"]}})
    path = f"{CONFIGMAPS}/settings"
    added = running.patch(path, {"metadata": {"finalizers": ["a/c"]}})
    assert added.document["metadata"]["finalizers"] == ["a/a", "a/b", "a/c"]
    less = {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a/a"], "$setElementOrder/finalizers": ["a/c", "a/b"]}}
    assert running.patch(path, less).document["metadata"]["finalizers"] == ["a/c", "a/b"]
    for odd in ({"data": {"$patch": "dance"}}, {"$retainKeys": 7}):
        assert running.patch(path, odd).is_status(400, "BadRequest")
    assert running.patch(path, {"data": {"$patch": "replace", "z": "1"}}).document["data"] == {"z": "1"}
    assert "data" not in running.patch(path, {"data": {"$patch": "delete"}}).document
    force = running.patch(path, {}, force="true")
    assert force.is_status(422, "Invalid")


def test_json_patches_reach_into_lists(running: Running):
    """RFC 6901 and 6902: indices, `-` for the end."""
    body = {**config_map(), "metadata": {"name": "settings", "finalizers": ["a/a", "a/b"]}}
    running.create(CONFIGMAPS, body)
    operations = [
        {"op": "add", "path": "/metadata/finalizers/-", "value": "a/c"},
        {"op": "add", "path": "/metadata/finalizers/0", "value": "a/0"},
        {"op": "replace", "path": "/metadata/finalizers/1", "value": "a/1"},
        {"op": "remove", "path": "/metadata/finalizers/2"},
        {"op": "test", "path": "/metadata/annotations", "value": None},
    ]
    found = running.patch(f"{CONFIGMAPS}/settings", operations, "json-patch+json")
    assert found.document["metadata"]["finalizers"] == ["a/0", "a/1", "a/c"]
    odd = [{"op": "copy", "path": "/data"}]
    assert running.patch(f"{CONFIGMAPS}/settings", odd, "json-patch+json").is_status(400, "BadRequest")
    other = [{"op": "add", "path": "/metadata/finalizers/01", "value": "x/y"}]
    assert running.patch(f"{CONFIGMAPS}/settings", other, "json-patch+json").is_status(422, "Invalid")


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ({"key": "a", "operator": "In", "values": ["1"]}, True),
        ({"key": "a", "operator": "NotIn", "values": ["1"]}, False),
        ({"key": "a", "operator": "Exists"}, True),
        ({"key": "a", "operator": "DoesNotExist"}, False),
        ({"key": "b", "operator": "NotIn", "values": ["1"]}, True),
    ],
)
def test_label_selectors_have_expressions(expression: Object, found: bool):
    """meta/v1 LabelSelectorRequirement."""
    assert of_selector({"matchExpressions": [expression]})({"metadata": {"labels": {"a": "1"}}}) is found


def test_labels_compare_as_numbers(running: Running):
    """labels.Parse: > and < for integers."""
    for number in (1, 5, 9):
        running.create(CONFIGMAPS, {"metadata": {"name": f"n{number}", "labels": {"n": str(number)}}})
    names = [each["metadata"]["name"] for each in running.get(CONFIGMAPS, labelSelector="n>1,n<9")["items"]]
    assert names == ["n5"]


def test_services_have_ports_with_names_and_a_kind(running: Running):
    """apis/core/validation, ValidateService."""
    two: Object = {"metadata": {"name": "two"}, "spec": {"ports": [{"port": 1}, {"port": 2}]}}
    assert running.call("POST", SERVICES, two).is_status(422, "Invalid")
    two["spec"]["ports"] = [{"port": 1, "name": "a"}, {"port": 2, "name": "a"}]
    assert running.call("POST", SERVICES, two).is_status(422, "Invalid")
    assert running.call("POST", SERVICES, {"metadata": {"name": "x"}, "spec": {}}).is_status(422, "Invalid")
    odd = {"metadata": {"name": "x"}, "spec": {"type": "Pigeon", "ports": [{"port": 1}]}}
    assert running.call("POST", SERVICES, odd).is_status(422, "Invalid")
    named = {"metadata": {"name": "x"}, "spec": {"type": "ExternalName", "externalName": "a.example"}}
    assert "clusterIP" not in running.create(SERVICES, named)["spec"]
    headless = {"metadata": {"name": "h"}, "spec": {"clusterIP": "None"}}
    assert running.create(SERVICES, headless)["spec"]["clusterIPs"] == ["None"]
    ports = [
        running.create(SERVICES, {"metadata": {"name": n}, **CONTENT["Service"]})["spec"]["ports"][0] for n in "ab"
    ]
    assert len({each["nodePort"] for each in ports}) == 2


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"activeDeadlineSeconds": 0}, "spec.activeDeadlineSeconds"),
        ({"terminationGracePeriodSeconds": -1}, "spec.terminationGracePeriodSeconds"),
        ({"serviceAccountName": "No Body"}, "spec.serviceAccountName"),
        ({"volumes": [{"name": "V"}]}, "spec.volumes[0].name"),
        ({"volumes": [{"name": "v"}, {"name": "v"}]}, "spec.volumes[1].name"),
        ({"volumes": [{"name": "v", "secret": {}}]}, "spec.volumes[0].secret.secretName"),
        ({"volumes": [{"name": "v", "configMap": {}}]}, "spec.volumes[0].configMap.name"),
        ({"volumes": [{"name": "v", "emptyDir": {}, "hostPath": {"path": "/x"}}]}, "spec.volumes[0].hostPath"),
        ({"restartPolicy": "Perhaps"}, "spec.restartPolicy"),
    ],
)
def test_pods_have_rules(running: Running, spec: Object, field: str):
    """apis/core/validation, ValidatePodSpec."""
    body = {"metadata": {"name": "p"}, "spec": {**pod_template()["spec"], **spec}}
    running.create("/api/v1/namespaces/default/serviceaccounts", {"metadata": {"name": "somebody"}})
    answer = running.call(
        "POST",
        "/apis/batch/v1/namespaces/default/jobs",
        {"metadata": {"name": "j"}, "spec": {"template": {"spec": body["spec"]}}},
    )
    assert answer.is_status(422, "Invalid")
    assert f"spec.template.{field}" in {each["field"] for each in answer.document["details"]["causes"]}
