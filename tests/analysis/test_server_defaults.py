"""What a server sets by itself is no difference, and whatever else is there beside the manifest is one.

The objects are as `kubectl get -o yaml` shows them on servers of Kubernetes 1.27 to 1.34.
"""

from copy import deepcopy

import pytest

from drproof.analysis.covering import differences

RBAC = "rbac.authorization.k8s.io"
APP = {"matchLabels": {"app": "app"}}
POD = {"containers": [{"name": "app", "image": "i"}]}
TEMPLATE = {"metadata": {"labels": {"app": "app"}}, "spec": POD}
GROUPS = {
    **dict.fromkeys(("Deployment", "StatefulSet", "DaemonSet"), "apps/v1"),
    **dict.fromkeys(("CronJob", "Job"), "batch/v1"),
    **dict.fromkeys(("Role", "RoleBinding"), f"{RBAC}/v1"),
    **dict.fromkeys(("Ingress", "NetworkPolicy"), "networking.k8s.io/v1"),
    "HorizontalPodAutoscaler": "autoscaling/v2",
    "PodDisruptionBudget": "policy/v1",
}


def manifest(kind, spec=None, /, **members):
    held = {"spec": spec} if spec is not None else {}
    metadata = {"name": "app", **members.pop("metadata", {})}
    return {"apiVersion": GROUPS.get(kind, "v1"), "kind": kind, "metadata": metadata, **deepcopy(held), **members}


def grown(wanted, path, value):
    """Return an object with one thing more: a member, or an entry where the path ends with `+`."""
    live = deepcopy(wanted)
    *above, last = path
    here = live
    for step in above:
        here = here.setdefault(step, {}) if isinstance(here, dict) else here[step]
    if last == "+":
        here.append(value)
    else:
        here[last] = value
    return live


IN_A_TEMPLATE = ("spec", "template", "spec")
IN_APP = (*IN_A_TEMPLATE, "containers", 0)
DEPLOYMENT = manifest("Deployment", {"selector": APP, "template": TEMPLATE})
STATEFUL_SET = manifest(
    "StatefulSet", {"serviceName": "app", "selector": APP, "template": TEMPLATE, "volumeClaimTemplates": [{}]}
)
DAEMON_SET = manifest("DaemonSet", {"selector": APP, "template": TEMPLATE})
JOB = manifest("Job", {"template": TEMPLATE})
CRON_JOB = manifest("CronJob", {"schedule": "0 13 * * *", "jobTemplate": {"spec": {"template": TEMPLATE}}})
LONE_POD = manifest("Pod", POD)
SERVICE = manifest("Service", {"ports": [{"port": 80}]})
CLAIM = manifest("PersistentVolumeClaim", {"accessModes": ["ReadWriteOnce"]})
POLICY = manifest("NetworkPolicy", {"podSelector": {}, "policyTypes": ["Ingress"]})
SCALER = manifest("HorizontalPodAutoscaler", {"maxReplicas": 3})
ACCOUNT = manifest("ServiceAccount")
BINDING = manifest("RoleBinding", roleRef={"kind": "Role", "name": "r"}, subjects=[{"kind": "User", "name": "u"}])
BUDGET = manifest("PodDisruptionBudget", {"minAvailable": 1})


def with_container(wanted=DEPLOYMENT, **members):
    return grown(wanted, (*IN_APP,), {**POD["containers"][0], **members})


def with_volume(**members):
    return grown(DEPLOYMENT, (*IN_A_TEMPLATE, "volumes"), [{"name": "v", **members}])


VOLUME = (*IN_A_TEMPLATE, "volumes", 0)
HTTP = {"httpGet": {"port": 80}}
LIMITED = with_container(resources={"limits": {"cpu": "1", "memory": "1Gi"}})
SHARED = with_container(ports=[{"containerPort": 80}])
ON_THE_HOST = grown(SHARED, (*IN_A_TEMPLATE, "hostNetwork"), True)
FIELD = with_container(env=[{"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}])
HEADLESS = grown(SERVICE, ("spec", "clusterIP"), "None")
EGRESS = manifest("NetworkPolicy", {"podSelector": {}, "egress": [{"to": [{"podSelector": {}}]}]})
BEHAVIOUR = {
    "scaleUp": {
        "stabilizationWindowSeconds": 0,
        "selectPolicy": "Max",
        "policies": [
            {"type": "Pods", "value": 4, "periodSeconds": 15},
            {"type": "Percent", "value": 100, "periodSeconds": 15},
        ],
    },
    "scaleDown": {"selectPolicy": "Max", "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}]},
}
CPU = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}
LABELS_OF_A_JOB = {"controller-uid": "u", "job-name": "app", "batch.kubernetes.io/controller-uid": "u"}


@pytest.mark.parametrize(
    ("wanted", "path", "value"),
    [
        (DEPLOYMENT, ("metadata", "namespace"), "atlas"),
        (DEPLOYMENT, ("metadata", "annotations"), {"deployment.kubernetes.io/revision": "4"}),
        (DEPLOYMENT, ("metadata", "labels"), {"drproof.io/drill": "ab"}),
        (DEPLOYMENT, ("metadata", "generation"), 4),
        (DEPLOYMENT, ("status",), {"replicas": 1}),
        (DEPLOYMENT, ("spec", "replicas"), 1),
        (
            DEPLOYMENT,
            ("spec", "strategy"),
            {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
        ),
        (DEPLOYMENT, ("spec", "progressDeadlineSeconds"), 600),
        (DEPLOYMENT, ("spec", "template", "metadata", "creationTimestamp"), None),
        (DEPLOYMENT, (*IN_A_TEMPLATE, "securityContext"), {}),
        (DEPLOYMENT, (*IN_A_TEMPLATE, "schedulerName"), "default-scheduler"),
        (DEPLOYMENT, (*IN_A_TEMPLATE, "terminationGracePeriodSeconds"), 30),
        (grown(DEPLOYMENT, (*IN_A_TEMPLATE, "serviceAccountName"), "a"), (*IN_A_TEMPLATE, "serviceAccount"), "a"),
        (grown(DEPLOYMENT, (*IN_A_TEMPLATE, "serviceAccount"), "a"), (*IN_A_TEMPLATE, "serviceAccountName"), "a"),
        (DEPLOYMENT, (*IN_APP, "imagePullPolicy"), "Always"),
        (DEPLOYMENT, (*IN_APP, "terminationMessagePath"), "/dev/termination-log"),
        (DEPLOYMENT, (*IN_APP, "resources"), {}),
        (DEPLOYMENT, (*IN_APP, "command"), []),
        (LIMITED, (*IN_APP, "resources", "requests"), {"cpu": "1000m", "memory": "1Gi"}),
        (SHARED, (*IN_APP, "ports", 0, "protocol"), "TCP"),
        (ON_THE_HOST, (*IN_APP, "ports", 0, "hostPort"), 80),
        (FIELD, (*IN_APP, "env", 0, "valueFrom", "fieldRef", "apiVersion"), "v1"),
        (with_container(readinessProbe=HTTP), (*IN_APP, "readinessProbe", "httpGet", "path"), "/"),
        (with_container(livenessProbe=HTTP), (*IN_APP, "livenessProbe", "failureThreshold"), 3),
        (with_container(startupProbe=HTTP), (*IN_APP, "startupProbe", "httpGet", "scheme"), "HTTP"),
        (with_container(securityContext={"runAsUser": 1}), (*IN_APP, "securityContext", "procMount"), "Default"),
        (with_volume(), (*VOLUME, "emptyDir"), {}),
        (with_volume(configMap={"name": "c"}), (*VOLUME, "configMap", "defaultMode"), 420),
        (with_volume(secret={"secretName": "s"}), (*VOLUME, "secret", "defaultMode"), 420),
        (with_volume(hostPath={"path": "/"}), (*VOLUME, "hostPath", "type"), ""),
        (
            with_volume(projected={"sources": [{"serviceAccountToken": {"path": "t"}}]}),
            (*VOLUME, "projected", "sources", 0, "serviceAccountToken", "expirationSeconds"),
            3600,
        ),
        (STATEFUL_SET, ("spec", "podManagementPolicy"), "OrderedReady"),
        (STATEFUL_SET, ("spec", "updateStrategy"), {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}),
        (
            STATEFUL_SET,
            ("spec", "persistentVolumeClaimRetentionPolicy"),
            {"whenDeleted": "Retain", "whenScaled": "Retain"},
        ),
        (
            STATEFUL_SET,
            ("spec", "volumeClaimTemplates", 0),
            {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "metadata": {"creationTimestamp": None},
                "spec": {"volumeMode": "Filesystem"},
                "status": {"phase": "Pending"},
            },
        ),
        (DAEMON_SET, ("spec", "updateStrategy"), {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}),
        (DAEMON_SET, ("metadata", "annotations"), {"deprecated.daemonset.template.generation": "1"}),
        (JOB, ("spec", "backoffLimit"), 6),
        (JOB, ("spec", "manualSelector"), False),
        (JOB, ("spec", "podReplacementPolicy"), "TerminatingOrFailed"),
        (JOB, ("spec", "selector"), {"matchLabels": {"batch.kubernetes.io/controller-uid": "u"}}),
        (JOB, ("spec", "template", "metadata", "labels"), {"app": "app", **LABELS_OF_A_JOB}),
        (JOB, ("metadata", "labels"), LABELS_OF_A_JOB),
        (JOB, ("metadata", "annotations"), {"batch.kubernetes.io/job-tracking": ""}),
        (CRON_JOB, ("spec", "concurrencyPolicy"), "Allow"),
        (CRON_JOB, ("spec", "suspend"), False),
        (CRON_JOB, ("spec", "failedJobsHistoryLimit"), 1),
        (CRON_JOB, ("spec", "jobTemplate", "metadata"), {"creationTimestamp": None}),
        (
            CRON_JOB,
            ("spec", "jobTemplate", "spec", "template", "spec", "containers", 0, "terminationMessagePolicy"),
            "File",
        ),
        (LONE_POD, ("spec", "serviceAccountName"), "default"),
        (LONE_POD, ("spec", "nodeName"), "n1"),
        (LONE_POD, ("spec", "priority"), 0),
        (
            LONE_POD,
            ("spec", "tolerations"),
            [
                {
                    "key": "node.kubernetes.io/not-ready",
                    "operator": "Exists",
                    "effect": "NoExecute",
                    "tolerationSeconds": 300,
                }
            ],
        ),
        (LONE_POD, ("metadata", "labels"), {"batch.kubernetes.io/job-name": "app", "pod-template-hash": "5d8"}),
        (SERVICE, ("spec", "type"), "ClusterIP"),
        (SERVICE, ("spec", "clusterIP"), "10.0.0.1"),
        (SERVICE, ("spec", "clusterIPs"), ["10.0.0.1"]),
        (HEADLESS, ("spec", "clusterIPs"), ["None"]),
        (SERVICE, ("spec", "ipFamilies"), ["IPv4"]),
        (SERVICE, ("spec", "ports", 0), {"port": 80, "protocol": "TCP", "targetPort": 80, "nodePort": 30080}),
        (SERVICE, ("metadata", "finalizers"), ["service.kubernetes.io/load-balancer-cleanup"]),
        (CLAIM, ("spec", "volumeName"), "pvc-1"),
        (CLAIM, ("spec", "storageClassName"), "local-path"),
        (CLAIM, ("spec", "volumeMode"), "Filesystem"),
        (CLAIM, ("metadata", "finalizers"), ["kubernetes.io/pvc-protection"]),
        (
            CLAIM,
            ("metadata", "annotations"),
            {
                "pv.kubernetes.io/bind-completed": "yes",
                "pv.kubernetes.io/bound-by-controller": "yes",
                "volume.kubernetes.io/selected-node": "n1",
                "volume.beta.kubernetes.io/storage-provisioner": "rancher.io/local-path",
                "volume.kubernetes.io/storage-provisioner": "rancher.io/local-path",
            },
        ),
        (grown(CLAIM, ("spec", "dataSource"), {"name": "s"}), ("spec", "dataSourceRef"), {"name": "s"}),
        (manifest("Secret", data={}), ("type",), "Opaque"),
        (ACCOUNT, ("secrets",), [{"name": "app-token-x2z4q"}]),
        (BINDING, ("roleRef", "apiGroup"), RBAC),
        (BINDING, ("subjects", 0, "apiGroup"), RBAC),
        (manifest("Ingress", {"rules": []}), ("spec", "ingressClassName"), "traefik"),
        (manifest("NetworkPolicy", {}), ("spec", "podSelector"), {}),
        (manifest("NetworkPolicy", {"podSelector": {}}), ("spec", "policyTypes"), ["Ingress"]),
        (EGRESS, ("spec", "policyTypes"), ["Ingress", "Egress"]),
        (POLICY, ("spec", "ingress"), []),
        (SCALER, ("spec", "minReplicas"), 1),
        (SCALER, ("spec", "metrics"), [CPU]),
        (SCALER, ("spec", "behavior"), BEHAVIOUR),
        (BUDGET, ("status",), {"desiredHealthy": 1}),
    ],
)
def test_what_a_server_sets_by_itself_is_no_difference(wanted, path, value):
    assert differences(wanted, grown(wanted, path, value)) == ()


SPEC = "spec.template.spec"
EXEC = {"exec": {"command": ["sh", "-c", "id"]}}


@pytest.mark.parametrize(
    ("wanted", "path", "value", "told"),
    [
        # As whom it runs, and what it may reach.
        (DEPLOYMENT, (*IN_APP, "securityContext"), {"privileged": True}, f"{SPEC}.containers[app].securityContext.privileged"),
        (with_container(securityContext={}), (*IN_APP, "securityContext", "privileged"), True, f"{SPEC}.containers[app].securityContext.privileged"),
        (DEPLOYMENT, (*IN_A_TEMPLATE, "securityContext"), {"runAsUser": 0}, f"{SPEC}.securityContext"),
        (DEPLOYMENT, (*IN_A_TEMPLATE, "hostNetwork"), True, f"{SPEC}.hostNetwork"),
        (DEPLOYMENT, (*IN_A_TEMPLATE, "serviceAccountName"), "admin", f"{SPEC}.serviceAccountName"),
        (DEPLOYMENT, (*IN_A_TEMPLATE, "automountServiceAccountToken"), False, f"{SPEC}.automountServiceAccountToken"),
        (DEPLOYMENT, (*IN_A_TEMPLATE, "hostAliases"), [{"ip": "10.0.0.1", "hostnames": ["db"]}], f"{SPEC}.hostAliases[0]"),
        (DEPLOYMENT, (*IN_A_TEMPLATE, "nodeSelector"), {"disk": ""}, f"{SPEC}.nodeSelector.disk"),
        # What runs.
        (DEPLOYMENT, (*IN_APP, "lifecycle"), {"postStart": EXEC}, f"{SPEC}.containers[app].lifecycle.postStart.exec"),
        (DEPLOYMENT, (*IN_APP, "livenessProbe"), {**EXEC, "timeoutSeconds": 1}, f"{SPEC}.containers[app].livenessProbe.exec"),
        (with_container(startupProbe=HTTP), (*IN_APP, "startupProbe", "exec"), EXEC["exec"], f"{SPEC}.containers[app].startupProbe.exec"),
        (DEPLOYMENT, (*IN_A_TEMPLATE, "ephemeralContainers"), [{"name": "spy", "image": "i"}], f"{SPEC}.ephemeralContainers[spy]"),
        (DEPLOYMENT, (*IN_APP, "workingDir"), "/tmp", f"{SPEC}.containers[app].workingDir"),
        (DEPLOYMENT, (*IN_APP, "imagePullPolicy"), "Never", f"{SPEC}.containers[app].imagePullPolicy"),
        (DEPLOYMENT, ("spec", "replicas"), 0, "spec.replicas"),
        (DEPLOYMENT, ("spec", "replicas"), True, "spec.replicas"),
        (DEPLOYMENT, ("spec", "paused"), True, "spec.paused"),
        (DEPLOYMENT, ("spec", "strategy"), {"type": "Recreate"}, "spec.strategy.type"),
        (DEPLOYMENT, ("spec", "template", "metadata", "annotations"), {"inject": ""}, "spec.template.metadata.annotations.inject"),
        (JOB, ("spec", "template", "metadata", "labels", "app.kubernetes.io/x"), "", "spec.template.metadata.labels[app.kubernetes.io/x]"),
        (JOB, ("spec", "ttlSecondsAfterFinished"), 0, "spec.ttlSecondsAfterFinished"),
        (JOB, ("spec", "selector"), {"matchLabels": {"app": "x"}}, "spec.selector.matchLabels.app"),
        (CRON_JOB, ("spec", "suspend"), True, "spec.suspend"),
        (STATEFUL_SET, ("spec", "volumeClaimTemplates", 0, "spec", "storageClassName"), "x", "spec.volumeClaimTemplates[0].spec.storageClassName"),
        (LIMITED, (*IN_APP, "resources", "requests"), {"cpu": "2"}, f"{SPEC}.containers[app].resources.requests.cpu"),
        (LIMITED, (*IN_APP, "resources", "requests"), {"other": "1"}, f"{SPEC}.containers[app].resources.requests.other"),
        (LIMITED, (*IN_APP, "resources", "limits", "pods"), "1", f"{SPEC}.containers[app].resources.limits.pods"),
        (SHARED, (*IN_APP, "ports", 0, "hostPort"), 80, f"{SPEC}.containers[app].ports[80].hostPort"),
        (ON_THE_HOST, (*IN_APP, "ports", 0, "hostPort"), 81, f"{SPEC}.containers[app].ports[80].hostPort"),
        (with_volume(configMap={"name": "c"}), (*VOLUME, "configMap", "optional"), True, f"{SPEC}.volumes[v].configMap.optional"),
        (with_volume(configMap={"name": "c"}), (*VOLUME, "emptyDir"), {}, f"{SPEC}.volumes[v].emptyDir"),
        (with_volume(), (*VOLUME, "emptyDir"), {"medium": "Memory"}, f"{SPEC}.volumes[v].emptyDir"),
        (with_volume(hostPath={"path": "/"}), (*VOLUME, "hostPath", "type"), "Socket", f"{SPEC}.volumes[v].hostPath.type"),
        (LONE_POD, ("spec", "serviceAccountName"), "admin", "spec.serviceAccountName"),
        (LONE_POD, ("spec", "tolerations"), [{"operator": "Exists"}], "spec.tolerations[0]"),
        # What is let in, and who may do what.
        (POLICY, ("spec", "ingress"), [{}], "spec.ingress[0]"),
        (manifest("NetworkPolicy", {"podSelector": {}}), ("spec", "policyTypes"), ["Ingress", "Egress"], "spec.policyTypes[0]"),
        (EGRESS, ("spec", "policyTypes"), ["Ingress"], "spec.policyTypes[0]"),
        (EGRESS, ("spec", "egress", 0, "to", 0, "namespaceSelector"), {}, "spec.egress[0].to[0].namespaceSelector"),
        (manifest("Role"), ("rules",), [{"verbs": ["*"]}], "rules[0]"),
        (manifest("RoleBinding"), ("subjects",), [{"kind": "User", "name": "u"}], "subjects[0]"),
        (BINDING, ("subjects", 0, "namespace"), "other", "subjects[0].namespace"),
        (ACCOUNT, ("imagePullSecrets",), [{"name": "other"}], "imagePullSecrets[other]"),
        (ACCOUNT, ("secrets",), [{"name": "other-token-x2z4q"}], "secrets[0]"),
        (ACCOUNT, ("secrets",), ["app-token-x2z4q"], "secrets[0]"),
        (SERVICE, ("spec", "type"), "LoadBalancer", "spec.type"),
        (SERVICE, ("spec", "externalIPs"), ["1.2.3.4"], "spec.externalIPs[0]"),
        (SERVICE, ("spec", "selector"), {"app": ""}, "spec.selector"),
        (SERVICE, ("spec", "clusterIP"), "None", "spec.clusterIP"),
        (SERVICE, ("spec", "clusterIPs"), ["None"], "spec.clusterIPs[0]"),
        (HEADLESS, ("spec", "clusterIPs"), ["10.0.0.1"], "spec.clusterIPs[0]"),
        (SERVICE, ("spec", "ports", 0, "targetPort"), 81, "spec.ports[80].targetPort"),
        (SERVICE, ("metadata", "annotations"), {"service.beta.kubernetes.io/x": ""}, "metadata.annotations[service.beta.kubernetes.io/x]"),
        (BUDGET, ("spec", "selector"), {}, "spec.selector"),
        # What it holds.
        (CLAIM, ("spec", "dataSource"), {"name": "other"}, "spec.dataSource"),
        (CLAIM, ("spec", "volumeMode"), "Block", "spec.volumeMode"),
        (CLAIM, ("metadata", "finalizers"), ["kubernetes.io/pvc-protection", "x"], "metadata.finalizers[x]"),
        (manifest("ConfigMap"), ("immutable",), True, "immutable"),
        (manifest("Secret"), ("type",), "other", "type"),
        (manifest("ConfigMap"), ("metadata", "deletionTimestamp"), "2026-01-31T11:00:00Z", "metadata.deletionTimestamp"),
        (manifest("ConfigMap"), ("metadata", "ownerReferences"), [{"uid": "o"}], "metadata.ownerReferences[0]"),
        (SCALER, ("spec", "minReplicas"), 0, "spec.minReplicas"),
        (SCALER, ("spec", "behavior"), {"scaleUp": {"selectPolicy": "Disabled"}}, "spec.behavior.scaleUp.selectPolicy"),
        (manifest("Ingress", {}), ("spec", "rules"), [{"host": "h"}], "spec.rules[0]"),
    ],
)  # fmt: skip
def test_what_no_server_sets_by_itself_is_told_by_its_path(wanted, path, value, told):
    assert f"{told}: extra" in differences(wanted, grown(wanted, path, value))


def test_defaults_are_known_of_a_kind_in_its_own_group_alone():
    borrowed = {**SERVICE, "apiVersion": "serving.example.org/v1"}
    more = grown(borrowed, ("spec", "externalIPs"), ["1.2.3.4"])
    assert differences(borrowed, more) == ()
    assert differences({**SERVICE, "apiVersion": "v1"}, {**more, "apiVersion": "v1"}) == ("spec.externalIPs[0]: extra",)
    assert differences({"kind": "Service", "spec": {}}, {"kind": "Service", "spec": {"type": "NodePort"}}) == ("spec.type: extra",)  # fmt: skip


def test_what_a_manifest_leaves_open_with_a_null_is_no_request_for_nothing():
    assert differences(grown(DEPLOYMENT, ("spec", "replicas"), None), grown(DEPLOYMENT, ("spec", "replicas"), 1)) == ()
    assert differences(grown(DEPLOYMENT, ("spec", "replicas"), None), grown(DEPLOYMENT, ("spec", "replicas"), 2)) == (
        "spec.replicas: extra",
    )
