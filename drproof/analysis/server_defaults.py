"""What an API server of Kubernetes 1.27 to 1.34 sets by itself, for each kind that is restored: place and value.

What a live object has beside its manifest and is not in here, somebody has put there. A place is written as
`spec.ports[].protocol`; `*` as its last step is any member.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from drproof.formats import quantity

ENTRY: Final = "[]"
"""The step into any entry of a list."""

Around: TypeAlias = Sequence[Mapping[str, Any]]
"""What the manifest has on the way to a place: the object first, the map that lacks the member last."""

Allowed: TypeAlias = tuple[object, ...] | Callable[[str, object, Around], bool]
"""The values that a server sets, or what says of one whether it does: the member's name, the value, what is around."""

Places: TypeAlias = Mapping[str, Allowed]


class Defaults:
    """What servers set in objects of one kind."""

    def __init__(self, places: Places) -> None:
        everything = {**OF_EVERY_OBJECT, **places}
        self._allowed = {
            tuple(place.replace(ENTRY, f".{ENTRY}").split(".")): value for place, value in everything.items()
        }
        self._above = {steps[:length] for steps in self._allowed for length in range(1, len(steps))}

    def has(self, steps: tuple[str, ...], value: object, around: Around) -> bool:
        """Whether a server sets this value at a place where the manifest has none."""
        allowed = self._allowed.get(steps) or self._allowed.get((*steps[:-1], "*"), ())
        if callable(allowed):
            return allowed(steps[-1], value, around)
        # To Python, True is 1.
        return any(value == one and type(value) is type(one) for one in allowed)

    def below(self, steps: tuple[str, ...]) -> bool:
        """Whether a server sets anything inside of what is at a place."""
        return steps in self._above


def defaults_of(manifest: Mapping[str, Any]) -> Defaults | None:
    """Return what servers set in an object of this kind; None for kinds that nobody has looked at."""
    group = str(manifest.get("apiVersion")).rpartition("/")[0]
    return BY_KIND.get((group, str(manifest.get("kind"))))


def _any(name: str, value: object, around: Around) -> bool:
    """Allow what depends on the cluster, or is made anew by it."""
    del name, value, around
    return True


def _called(*patterns: str) -> Callable[[str, object, Around], bool]:
    """Allow members by their names: labels and annotations of controllers, and the marks of drproof."""
    allowed = re.compile("|".join((r"drproof\.io/.*", *patterns)))
    return lambda name, *_: bool(allowed.fullmatch(name))


def _as(sibling: str) -> Callable[[str, object, Around], bool]:
    """Allow the value of another member beside it."""
    return lambda _, value, around: value == around[-1].get(sibling)


def _account(name: str, value: object, around: Around) -> bool:
    """Allow the account under the other of its two names, and where there is none the namespace's own."""
    del name
    return value == (around[-1].get("serviceAccountName") or around[-1].get("serviceAccount") or "default")


def _as_the_limit(name: str, value: object, around: Around) -> bool:
    """Allow a request that is not said and is as high as its limit."""
    return quantity.same(value, (around[-2].get("limits") or {}).get(name))


def _as_on_the_host(name: str, value: object, around: Around) -> bool:
    """Allow a port of the host that is the container's, where a pod is on its host's network."""
    del name
    return around[-3].get("hostNetwork") is True and value == around[-1].get("containerPort")


def _folder(name: str, value: object, around: Around) -> bool:
    """Allow an empty folder for a volume that only has a name."""
    del name
    return value == {} and set(around[-1]) == {"name"}


def _address(name: str, value: object, around: Around) -> bool:
    """Allow any address, and none where the manifest wants none: `None` makes a Service headless."""
    del name
    return ("None" in (value if isinstance(value, list) else [value])) == (around[-1].get("clusterIP") == "None")


def _directions(name: str, value: object, around: Around) -> bool:
    """Allow what a policy speaks of: always of what comes in, of what goes out where it has rules for it."""
    del name
    return value == (["Ingress", "Egress"] if around[-1].get("egress") else ["Ingress"])


def _token(name: str, value: object, around: Around) -> bool:
    """Allow the credentials that a cluster makes for an account, by their name."""
    del name
    account = re.escape(str((around[0].get("metadata") or {}).get("name")))
    return isinstance(value, Mapping) and bool(
        re.fullmatch(rf"{account}-(token|dockercfg)-[a-z0-9]{{5}}", str(value.get("name")))
    )


def _within(prefix: str, places: Places) -> dict[str, Allowed]:
    return {f"{prefix}.{place}": value for place, value in places.items()}


RBAC: Final = "rbac.authorization.k8s.io"
OF_EVERY_OBJECT: Final[Places] = {
    "metadata.namespace": _any,
    "metadata.labels.*": _called(),
    "metadata.annotations.*": _called(),
}

HTTP: Final[Places] = {"httpGet.scheme": ("HTTP",), "httpGet.path": ("/",)}
PROBE: Final[Places] = {
    **HTTP,
    "timeoutSeconds": (1,),
    "periodSeconds": (10,),
    "successThreshold": (1,),
    "failureThreshold": (3,),
}
CONTAINER: Final[Places] = {
    "imagePullPolicy": ("Always", "IfNotPresent"),
    "terminationMessagePath": ("/dev/termination-log",),
    "terminationMessagePolicy": ("File",),
    "securityContext.procMount": ("Default",),
    "ports[].protocol": ("TCP",),
    "ports[].hostPort": _as_on_the_host,
    "env[].valueFrom.fieldRef.apiVersion": ("v1",),
    "env[].valueFrom.resourceFieldRef.divisor": ("0", 0),
    "resources.requests.*": _as_the_limit,
    **_within("livenessProbe", PROBE),
    **_within("readinessProbe", PROBE),
    **_within("startupProbe", PROBE),
    **_within("lifecycle.postStart", HTTP),
    **_within("lifecycle.preStop", HTTP),
}
MODE: Final = (0o644,)
VOLUME: Final[Places] = {
    "emptyDir": _folder,
    "secret.defaultMode": MODE,
    "configMap.defaultMode": MODE,
    "downwardAPI.defaultMode": MODE,
    "downwardAPI.items[].fieldRef.apiVersion": ("v1",),
    "downwardAPI.items[].resourceFieldRef.divisor": ("0", 0),
    "projected.defaultMode": MODE,
    "projected.sources[].downwardAPI.items[].fieldRef.apiVersion": ("v1",),
    "projected.sources[].downwardAPI.items[].resourceFieldRef.divisor": ("0", 0),
    # Servers give an hour; to the credentials that they mount themselves seven seconds more.
    "projected.sources[].serviceAccountToken.expirationSeconds": (3600, 3607),
    "ephemeral.volumeClaimTemplate.spec.volumeMode": ("Filesystem",),
    "image.pullPolicy": ("Always", "IfNotPresent"),
    "iscsi.iscsiInterface": ("default",),
    "azureDisk.cachingMode": ("ReadWrite",),
    "azureDisk.fsType": ("ext4",),
    "azureDisk.kind": ("Shared",),
    "azureDisk.readOnly": (False,),
}
POD_SPEC: Final[Places] = {
    "restartPolicy": ("Always",),
    "terminationGracePeriodSeconds": (30,),
    "dnsPolicy": ("ClusterFirst",),
    "schedulerName": ("default-scheduler",),
    "serviceAccount": _account,
    "serviceAccountName": _account,
    **_within("containers[]", CONTAINER),
    **_within("initContainers[]", CONTAINER),
    **_within("volumes[]", VOLUME),
}
TEMPLATE: Final = _within("spec.template.spec", POD_SPEC)

OF_A_JOB: Final = r"(batch\.kubernetes\.io/)?(controller-uid|job-name)"
JOB_SPEC: Final[Places] = {
    "parallelism": (1,),
    "completions": (1,),
    # Of a Job whose indexes have a limit each, the whole has none.
    "backoffLimit": (6, 2**31 - 1),
    "completionMode": ("NonIndexed",),
    "suspend": (False,),
    "manualSelector": (False,),
    "podReplacementPolicy": ("TerminatingOrFailed", "Failed"),
    "podFailurePolicy.rules[].onPodConditions[].status": ("True",),
    **_within("template.spec", POD_SPEC),
}


def _not_ready(key: str) -> dict[str, object]:
    return {
        "key": f"node.kubernetes.io/{key}",
        "operator": "Exists",
        "effect": "NoExecute",
        "tolerationSeconds": 300,
    }


RESIZE: Final = tuple({"resourceName": name, "restartPolicy": "NotRequired"} for name in ("cpu", "memory"))
POD: Final[Places] = {
    "metadata.name": _any,
    "metadata.generateName": _any,
    "metadata.ownerReferences": _any,
    "metadata.finalizers[]": ("batch.kubernetes.io/job-tracking",),
    "metadata.labels.*": _called(
        OF_A_JOB,
        r"batch\.kubernetes\.io/job-completion-index",
        r"pod-template-(hash|generation)",
        r"controller-revision-hash",
        r"statefulset\.kubernetes\.io/pod-name",
        r"apps\.kubernetes\.io/pod-index",
    ),
    "metadata.annotations.*": _called(
        r"batch\.kubernetes\.io/job-completion-index", r"cni\.projectcalico\.org/.*", r"k8s\.v1\.cni\.cncf\.io/.*"
    ),
    **_within("spec", POD_SPEC),
    "spec.containers[].resizePolicy[]": RESIZE,
    "spec.initContainers[].resizePolicy[]": RESIZE,
    "spec.enableServiceLinks": (True,),
    # An account's own pull secrets, where the pod has none.
    "spec.imagePullSecrets": _any,
    "spec.nodeName": _any,
    "spec.preemptionPolicy": ("PreemptLowerPriority",),
    "spec.priority": (0,),
    "spec.tolerations[]": (_not_ready("not-ready"), _not_ready("unreachable")),
}
SCALE_UP: Final = (
    {"type": "Pods", "value": 4, "periodSeconds": 15},
    {"type": "Percent", "value": 100, "periodSeconds": 15},
)
SERVICE: Final[Places] = {
    "metadata.finalizers[]": ("service.kubernetes.io/load-balancer-cleanup",),
    "spec.clusterIP": _address,
    "spec.clusterIPs": _address,
    "spec.ipFamilies": _any,
    "spec.ipFamilyPolicy": _any,
    "spec.type": ("ClusterIP",),
    "spec.sessionAffinity": ("None",),
    "spec.sessionAffinityConfig.clientIP.timeoutSeconds": (10800,),
    "spec.internalTrafficPolicy": ("Cluster",),
    "spec.externalTrafficPolicy": ("Cluster",),
    "spec.allocateLoadBalancerNodePorts": (True,),
    "spec.healthCheckNodePort": _any,
    "spec.ports[].protocol": ("TCP",),
    "spec.ports[].targetPort": _as("port"),
    "spec.ports[].nodePort": _any,
}
STATEFUL_SET: Final[Places] = {
    **TEMPLATE,
    "spec.replicas": (1,),
    "spec.revisionHistoryLimit": (10,),
    "spec.podManagementPolicy": ("OrderedReady",),
    "spec.updateStrategy.type": ("RollingUpdate",),
    "spec.updateStrategy.rollingUpdate.partition": (0,),
    "spec.updateStrategy.rollingUpdate.maxUnavailable": (1,),
    "spec.persistentVolumeClaimRetentionPolicy.whenDeleted": ("Retain",),
    "spec.persistentVolumeClaimRetentionPolicy.whenScaled": ("Retain",),
    "spec.volumeClaimTemplates[].apiVersion": ("v1",),
    "spec.volumeClaimTemplates[].kind": ("PersistentVolumeClaim",),
    "spec.volumeClaimTemplates[].spec.volumeMode": ("Filesystem",),
    "spec.volumeClaimTemplates[].status": _any,
}
AUTOSCALER: Final[Places] = {
    "spec.minReplicas": (1,),
    "spec.metrics": (
        [
            {
                "type": "Resource",
                "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}},
            }
        ],
    ),
    # As version 1 says the same.
    "spec.targetCPUUtilizationPercentage": (80,),
    "spec.behavior.scaleUp.stabilizationWindowSeconds": (0,),
    "spec.behavior.scaleUp.selectPolicy": ("Max",),
    "spec.behavior.scaleUp.policies": (list(SCALE_UP), list(reversed(SCALE_UP))),
    "spec.behavior.scaleDown.selectPolicy": ("Max",),
    "spec.behavior.scaleDown.policies": ([SCALE_UP[1]],),
}

BY_KIND: Final[Mapping[tuple[str, str], Defaults]] = {
    ("", "ConfigMap"): Defaults({}),
    ("", "Secret"): Defaults({"type": ("Opaque",)}),
    ("", "ServiceAccount"): Defaults({"secrets[]": _token}),
    ("", "Namespace"): Defaults(
        {"spec.finalizers": (["kubernetes"],), "metadata.labels.*": _called(r"kubernetes\.io/metadata\.name")}
    ),
    ("", "Pod"): Defaults(POD),
    ("", "PersistentVolumeClaim"): Defaults(
        {
            "metadata.finalizers[]": ("kubernetes.io/pvc-protection",),
            "spec.volumeName": _any,
            "spec.storageClassName": _any,
            "spec.volumeMode": ("Filesystem",),
            "spec.dataSource": _as("dataSourceRef"),
            "spec.dataSourceRef": _as("dataSource"),
            "metadata.annotations.*": _called(
                r"pv\.kubernetes\.io/(bind-completed|bound-by-controller)",
                r"volume\.(beta\.)?kubernetes\.io/(selected-node|storage-provisioner|storage-resizer)",
            ),
        }
    ),
    ("", "Service"): Defaults(SERVICE),
    (RBAC, "Role"): Defaults({}),
    (RBAC, "RoleBinding"): Defaults({"roleRef.apiGroup": (RBAC,), "subjects[].apiGroup": (RBAC,)}),
    ("apps", "Deployment"): Defaults(
        {
            **TEMPLATE,
            "spec.replicas": (1,),
            "spec.revisionHistoryLimit": (10,),
            "spec.progressDeadlineSeconds": (600,),
            "spec.strategy.type": ("RollingUpdate",),
            "spec.strategy.rollingUpdate.maxUnavailable": ("25%",),
            "spec.strategy.rollingUpdate.maxSurge": ("25%",),
            "metadata.annotations.*": _called(r"deployment\.kubernetes\.io/revision"),
        }
    ),
    ("apps", "StatefulSet"): Defaults(STATEFUL_SET),
    ("apps", "DaemonSet"): Defaults(
        {
            **TEMPLATE,
            "spec.revisionHistoryLimit": (10,),
            "spec.updateStrategy.type": ("RollingUpdate",),
            "spec.updateStrategy.rollingUpdate.maxUnavailable": (1,),
            "spec.updateStrategy.rollingUpdate.maxSurge": (0,),
            "metadata.annotations.*": _called(r"deprecated\.daemonset\.template\.generation"),
        }
    ),
    ("batch", "CronJob"): Defaults(
        {
            **_within("spec.jobTemplate.spec", JOB_SPEC),
            "spec.concurrencyPolicy": ("Allow",),
            "spec.suspend": (False,),
            "spec.successfulJobsHistoryLimit": (3,),
            "spec.failedJobsHistoryLimit": (1,),
        }
    ),
    ("batch", "Job"): Defaults(
        {
            **_within("spec", JOB_SPEC),
            "spec.selector.matchLabels.*": _called(OF_A_JOB),
            "spec.template.metadata.labels.*": _called(OF_A_JOB),
            "metadata.labels.*": _called(OF_A_JOB),
            "metadata.annotations.*": _called(r"batch\.kubernetes\.io/job-tracking"),
        }
    ),
    ("networking.k8s.io", "Ingress"): Defaults({"spec.ingressClassName": _any}),
    ("networking.k8s.io", "NetworkPolicy"): Defaults(
        {
            "spec.podSelector": ({},),
            "spec.policyTypes": _directions,
            "spec.ingress[].ports[].protocol": ("TCP",),
            "spec.egress[].ports[].protocol": ("TCP",),
        }
    ),
    ("autoscaling", "HorizontalPodAutoscaler"): Defaults(
        {
            **AUTOSCALER,
            "metadata.annotations.*": _called(r"autoscaling\.alpha\.kubernetes\.io/(conditions|current-metrics)"),
        }
    ),
    ("policy", "PodDisruptionBudget"): Defaults({}),
}
