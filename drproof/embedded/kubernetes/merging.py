"""How lists and maps of Kubernetes' own types merge: by which keys under server-side apply and strategic patches.

The source is the published OpenAPI document: `x-kubernetes-list-type`, `x-kubernetes-map-type`,
`x-kubernetes-patch-strategy` and `x-kubernetes-patch-merge-key`. What is not listed is atomic.
"""

Keys = tuple[str, ...]

_NAME: Keys = ("name",)
_TYPE: Keys = ("type",)

LIST_KEYS: dict[str, dict[str, Keys]] = {
    "V1ObjectMeta": {"ownerReferences": ("uid",)},
    "V1PodSpec": {
        "containers": _NAME,
        "initContainers": _NAME,
        "ephemeralContainers": _NAME,
        "volumes": _NAME,
        "imagePullSecrets": _NAME,
        "hostAliases": ("ip",),
        "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
        "resourceClaims": _NAME,
        "schedulingGates": _NAME,
    },
    "V1Container": {
        "ports": ("containerPort", "protocol"),
        "env": _NAME,
        "volumeMounts": ("mountPath",),
        "volumeDevices": ("devicePath",),
    },
    "V1PodStatus": {"conditions": _TYPE, "podIPs": ("ip",)},
    "V1ServiceSpec": {"ports": ("port", "protocol")},
    "V1ServiceAccount": {"secrets": _NAME},
    "V1NodeStatus": {"conditions": _TYPE, "addresses": _TYPE},
    "V1NamespaceStatus": {"conditions": _TYPE},
    "V1PersistentVolumeClaimStatus": {"conditions": _TYPE},
    "V1DeploymentStatus": {"conditions": _TYPE},
    "V1ReplicaSetStatus": {"conditions": _TYPE},
    "V1StatefulSetStatus": {"conditions": _TYPE},
    "V1DaemonSetStatus": {"conditions": _TYPE},
    "V1PodDisruptionBudgetStatus": {"conditions": _TYPE},
    "V2HorizontalPodAutoscalerStatus": {"conditions": _TYPE},
}
"""Lists whose items are told apart by keys under server-side apply: model, field, keys."""

SETS: dict[str, frozenset[str]] = {
    "V1ObjectMeta": frozenset({"finalizers"}),
    "V1NodeSpec": frozenset({"podCIDRs"}),
}
"""Lists of values whose order does not matter: each value has its own owners."""

ATOMIC_TYPES = frozenset(
    {
        "V1LabelSelector",
        "V1LocalObjectReference",
        "V1ObjectReference",
        "V1SecretKeySelector",
        "V1ConfigMapKeySelector",
        "V1ObjectFieldSelector",
        "V1ResourceFieldSelector",
        "V1NodeSelector",
        "V1NodeSelectorTerm",
        "V1OwnerReference",
        "V1TypedLocalObjectReference",
        "V1SecretReference",
        "V1RoleRef",
        "V1ScopeSelector",
        "V1EndpointAddress",
        "RbacV1Subject",
        "V2CrossVersionObjectReference",
    }
)
"""Types that one manager owns as a whole (`x-kubernetes-map-type: atomic`)."""

ATOMIC_MAPS: dict[str, frozenset[str]] = {
    "V1PodSpec": frozenset({"nodeSelector"}),
    "V1ServiceSpec": frozenset({"selector"}),
}
"""Maps that one manager owns as a whole."""

PATCH_KEYS: dict[str, dict[str, str]] = {
    "V1ObjectMeta": {"ownerReferences": "uid", "finalizers": ""},
    "V1PodSpec": {
        "containers": "name",
        "initContainers": "name",
        "ephemeralContainers": "name",
        "volumes": "name",
        "imagePullSecrets": "name",
        "hostAliases": "ip",
        "topologySpreadConstraints": "topologyKey",
        "resourceClaims": "name",
        "schedulingGates": "name",
    },
    "V1Container": {
        "ports": "containerPort",
        "env": "name",
        "volumeMounts": "mountPath",
        "volumeDevices": "devicePath",
    },
    "V1PodStatus": {"conditions": "type", "podIPs": "ip", "hostIPs": "ip"},
    "V1ServiceSpec": {"ports": "port"},
    "V1ServiceStatus": {"conditions": "type"},
    "V1ServiceAccount": {"secrets": "name"},
    "V1NodeSpec": {"podCIDRs": ""},
    "V1NodeStatus": {"conditions": "type", "addresses": "type"},
    "V1NamespaceStatus": {"conditions": "type"},
    "V1PersistentVolumeClaimStatus": {"conditions": "type"},
    "V1JobStatus": {"conditions": "type"},
    "V1DeploymentStatus": {"conditions": "type"},
    "V1ReplicaSetStatus": {"conditions": "type"},
    "V1StatefulSetStatus": {"conditions": "type"},
    "V1DaemonSetStatus": {"conditions": "type"},
    "V1PodDisruptionBudgetStatus": {"conditions": "type"},
}
"""Lists that strategic patches merge: by a key of their items, or by value where it is empty."""

KEY_DEFAULTS: dict[str, str] = {"protocol": "TCP"}
"""What a key is where an item leaves it out."""

QUANTITIES: dict[str, frozenset[str]] = {
    "V1ResourceRequirements": frozenset({"limits", "requests"}),
    "V1VolumeResourceRequirements": frozenset({"limits", "requests"}),
    "V1PodSpec": frozenset({"overhead"}),
    "V1NodeStatus": frozenset({"capacity", "allocatable"}),
    "V1LimitRangeItem": frozenset({"default", "defaultRequest", "max", "maxLimitRequestRatio", "min"}),
    "V1ResourceQuotaSpec": frozenset({"hard"}),
    "V1ResourceQuotaStatus": frozenset({"hard", "used"}),
    "V1PersistentVolumeSpec": frozenset({"capacity"}),
    "V1PersistentVolumeClaimStatus": frozenset({"capacity", "allocatedResources"}),
    "V1EmptyDirVolumeSource": frozenset({"sizeLimit"}),
    "V1ResourceFieldSelector": frozenset({"divisor"}),
    "V2MetricTarget": frozenset({"averageValue", "value"}),
}
"""Fields, or maps of them, that hold amounts."""

NOT_REQUIRED: dict[str, frozenset[str]] = {
    "V1StatefulSetSpec": frozenset({"serviceName"}),
    "V1NetworkPolicySpec": frozenset({"podSelector"}),
    "V1PriorityClass": frozenset({"value"}),
    "V1RoleRef": frozenset({"apiGroup"}),
    "V1LimitRangeSpec": frozenset({"limits"}),
}
"""Fields that the OpenAPI document requires and the server does not."""
