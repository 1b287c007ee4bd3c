"""What the API server fills in where a manifest leaves it open, as far as clients can observe it."""

from typing import Any

from drproof.embedded.kubernetes import resources as kinds
from drproof.embedded.kubernetes.resources import Object, Resource

_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_DEFAULT_MODE = 420
"""0644, as JSON writes it."""
_TOKEN_TTL = 3607


def set_defaults(resource: Resource, obj: Object) -> None:
    """Fill in an object in place (apis/*/v1/defaults.go of Kubernetes)."""
    if (fill := _BY_KIND.get(resource.kind)) is not None:
        fill(obj)


def pod_spec(spec: Object) -> None:
    """Fill in a pod's spec, in a Pod or in a template."""
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("terminationGracePeriodSeconds", 30)
    spec.setdefault("dnsPolicy", "ClusterFirst")
    spec.setdefault("securityContext", {})
    spec.setdefault("schedulerName", "default-scheduler")
    if "serviceAccount" in spec and not spec.get("serviceAccountName"):
        spec["serviceAccountName"] = spec["serviceAccount"]
    elif spec.get("serviceAccountName"):
        spec["serviceAccount"] = spec["serviceAccountName"]
    for container in _items(spec, "initContainers") + _items(spec, "containers"):
        _container(container)
    for volume in _items(spec, "volumes"):
        _volume(volume)


def image_pull_policy(image: str) -> str:
    """Return `Always` for `:latest` and untagged images, `IfNotPresent` for others; a digest is a version."""
    last = image.rpartition("/")[2]
    tag = last.partition("@")[0].partition(":")[2]
    if "@" in last:
        return "Always" if tag == "latest" else "IfNotPresent"
    return "Always" if tag in {"", "latest"} else "IfNotPresent"


def _container(container: Object) -> None:
    container.setdefault("resources", {})
    container.setdefault("terminationMessagePath", "/dev/termination-log")
    container.setdefault("terminationMessagePolicy", "File")
    container.setdefault("imagePullPolicy", image_pull_policy(str(container.get("image", ""))))
    resources = container["resources"]
    for name, amount in (resources.get("limits") or {}).items():
        resources.setdefault("requests", {}).setdefault(name, amount)
    for port in _items(container, "ports"):
        port.setdefault("protocol", "TCP")
    for env in _items(container, "env"):
        reference = (env.get("valueFrom") or {}).get("fieldRef")
        if reference is not None:
            reference.setdefault("apiVersion", "v1")
    for name in _PROBES:
        if (probe := container.get(name)) is not None:
            for key, value in (("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1)):
                probe.setdefault(key, value)
            probe.setdefault("failureThreshold", 3)
            if (action := probe.get("httpGet")) is not None:
                action.setdefault("scheme", "HTTP")
                action.setdefault("path", "/")


def _volume(volume: Object) -> None:
    if set(volume) == {"name"}:
        volume["emptyDir"] = {}
    for source in ("secret", "configMap", "downwardAPI", "projected"):
        if (found := volume.get(source)) is not None:
            found.setdefault("defaultMode", _DEFAULT_MODE)
            _references(_items(found, "items"))
            for each in _items(found, "sources"):
                _references(_items(each.get("downwardAPI") or {}, "items"))
                if (token := each.get("serviceAccountToken")) is not None:
                    token.setdefault("expirationSeconds", _TOKEN_TTL)
    if (path := volume.get("hostPath")) is not None:
        path.setdefault("type", "")


def _references(items: list[Object]) -> None:
    for item in items:
        if (reference := item.get("fieldRef")) is not None:
            reference.setdefault("apiVersion", "v1")


def _items(holder: Object, name: str) -> list[Object]:
    found = holder.get(name)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _template(spec: Object) -> Object:
    template: Object = spec.setdefault("template", {})
    pod_spec(template.setdefault("spec", {}))
    return template


def _pod(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    pod_spec(spec)
    spec.setdefault("enableServiceLinks", True)
    obj.setdefault("status", {}).setdefault("phase", "Pending")
    obj["status"].setdefault("qosClass", _quality(spec))


def _quality(spec: Object) -> str:
    """Return the quality-of-service class (core/v1/helper/qos)."""
    containers = _items(spec, "initContainers") + _items(spec, "containers")
    held: list[Object] = [each.get("resources") or {} for each in containers]
    if not any(each.get("limits") or each.get("requests") for each in held):
        return "BestEffort"
    guaranteed = all(
        {"cpu", "memory"} <= set(each.get("limits") or {}) and each.get("limits") == each.get("requests")
        for each in held
    )
    return "Guaranteed" if guaranteed else "Burstable"


def job_spec(spec: Object) -> None:
    """Fill in a Job's spec, in a Job or in a CronJob's template."""
    if "completions" not in spec and "parallelism" not in spec:
        spec["completions"] = 1
    spec.setdefault("parallelism", 1)
    if "backoffLimitPerIndex" in spec:
        spec.setdefault("backoffLimit", 2**31 - 1)
    spec.setdefault("backoffLimit", 6)
    spec.setdefault("completionMode", "NonIndexed")
    spec.setdefault("suspend", False)
    spec.setdefault("manualSelector", False)
    replacement = "Failed" if "podFailurePolicy" in spec else "TerminatingOrFailed"
    spec.setdefault("podReplacementPolicy", replacement)
    _template(spec)


def _job(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    job_spec(spec)
    obj.setdefault("status", {})


def _cron_job(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    spec.setdefault("concurrencyPolicy", "Allow")
    spec.setdefault("suspend", False)
    spec.setdefault("successfulJobsHistoryLimit", 3)
    spec.setdefault("failedJobsHistoryLimit", 1)
    template = spec.setdefault("jobTemplate", {})
    inner = template.setdefault("spec", {})
    # A template keeps a Job's own defaults open: they are filled in when the Job is made.
    _template(inner)
    obj.setdefault("status", {})


def _rolling(spec: Object, field: str, rolling: dict[str, Any]) -> None:
    strategy = spec.setdefault(field, {})
    strategy.setdefault("type", "RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        held = strategy.setdefault("rollingUpdate", {})
        for key, value in rolling.items():
            held.setdefault(key, value)


def _deployment(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    spec.setdefault("replicas", 1)
    spec.setdefault("revisionHistoryLimit", 10)
    spec.setdefault("progressDeadlineSeconds", 600)
    _rolling(spec, "strategy", {"maxUnavailable": "25%", "maxSurge": "25%"})
    _template(spec)
    obj.setdefault("status", {})


def _replica_set(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    spec.setdefault("replicas", 1)
    _template(spec)
    obj.setdefault("status", {}).setdefault("replicas", 0)


def _stateful_set(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    spec.setdefault("replicas", 1)
    spec.setdefault("revisionHistoryLimit", 10)
    spec.setdefault("podManagementPolicy", "OrderedReady")
    _rolling(spec, "updateStrategy", {"partition": 0})
    spec.setdefault("persistentVolumeClaimRetentionPolicy", {"whenDeleted": "Retain", "whenScaled": "Retain"})
    _template(spec)
    for claim in _items(spec, "volumeClaimTemplates"):
        claim.setdefault("kind", "PersistentVolumeClaim")
        claim.setdefault("apiVersion", "v1")
        claim.setdefault("spec", {}).setdefault("volumeMode", "Filesystem")
        claim.setdefault("status", {}).setdefault("phase", "Pending")
    obj.setdefault("status", {}).setdefault("replicas", 0)
    obj["status"].setdefault("availableReplicas", 0)


def _daemon_set(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    spec.setdefault("revisionHistoryLimit", 10)
    _rolling(spec, "updateStrategy", {"maxUnavailable": 1, "maxSurge": 0})
    _template(spec)
    status = obj.setdefault("status", {})
    for counter in ("currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady"):
        status.setdefault(counter, 0)


def _service(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    spec.setdefault("type", "ClusterIP")
    spec.setdefault("sessionAffinity", "None")
    for port in _items(spec, "ports"):
        port.setdefault("protocol", "TCP")
        if "port" in port:
            port.setdefault("targetPort", port["port"])
    if spec["type"] != "ExternalName":
        spec.setdefault("internalTrafficPolicy", "Cluster")
    if spec["type"] in {"NodePort", "LoadBalancer"}:
        spec.setdefault("externalTrafficPolicy", "Cluster")
    if spec["type"] == "LoadBalancer":
        spec.setdefault("allocateLoadBalancerNodePorts", True)
    obj.setdefault("status", {}).setdefault("loadBalancer", {})


def _namespace(obj: Object) -> None:
    finalizers = obj.setdefault("spec", {}).setdefault("finalizers", [])
    if not finalizers and "deletionTimestamp" not in obj["metadata"]:
        finalizers.append("kubernetes")
    obj.setdefault("status", {}).setdefault("phase", "Active")
    obj["metadata"].setdefault("labels", {})["kubernetes.io/metadata.name"] = obj["metadata"].get("name", "")


def _secret(obj: Object) -> None:
    obj.setdefault("type", "Opaque")


def _claim(obj: Object) -> None:
    obj.setdefault("spec", {}).setdefault("volumeMode", "Filesystem")
    obj.setdefault("status", {}).setdefault("phase", "Pending")


def _volume_object(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    spec.setdefault("persistentVolumeReclaimPolicy", "Retain")
    spec.setdefault("volumeMode", "Filesystem")
    obj.setdefault("status", {}).setdefault("phase", "Pending")


def _role_binding(obj: Object) -> None:
    reference = obj.get("roleRef")
    if isinstance(reference, dict):
        reference.setdefault("apiGroup", "rbac.authorization.k8s.io")
    for subject in _items(obj, "subjects"):
        if subject.get("kind") in {"User", "Group"}:
            subject.setdefault("apiGroup", "rbac.authorization.k8s.io")


def _network_policy(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    spec.setdefault("podSelector", {})
    if "policyTypes" not in spec:
        spec["policyTypes"] = ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]


def _storage_class(obj: Object) -> None:
    obj.setdefault("reclaimPolicy", "Delete")
    obj.setdefault("volumeBindingMode", "Immediate")


def _priority_class(obj: Object) -> None:
    obj.setdefault("value", 0)
    obj.setdefault("preemptionPolicy", "PreemptLowerPriority")


def _ingress(obj: Object) -> None:
    obj.setdefault("status", {}).setdefault("loadBalancer", {})


def _node(obj: Object) -> None:
    obj.setdefault("spec", {})
    obj.setdefault("status", {})


_BY_KIND = {
    kinds.PODS.kind: _pod,
    kinds.JOBS.kind: _job,
    kinds.CRONJOBS.kind: _cron_job,
    kinds.DEPLOYMENTS.kind: _deployment,
    kinds.REPLICASETS.kind: _replica_set,
    kinds.STATEFULSETS.kind: _stateful_set,
    kinds.DAEMONSETS.kind: _daemon_set,
    kinds.SERVICES.kind: _service,
    kinds.NAMESPACES.kind: _namespace,
    kinds.SECRETS.kind: _secret,
    kinds.PERSISTENTVOLUMECLAIMS.kind: _claim,
    kinds.PERSISTENTVOLUMES.kind: _volume_object,
    kinds.ROLEBINDINGS.kind: _role_binding,
    kinds.CLUSTERROLEBINDINGS.kind: _role_binding,
    kinds.NETWORKPOLICIES.kind: _network_policy,
    kinds.STORAGECLASSES.kind: _storage_class,
    kinds.PRIORITYCLASSES.kind: _priority_class,
    kinds.INGRESSES.kind: _ingress,
    kinds.NODES.kind: _node,
}
