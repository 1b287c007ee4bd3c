"""What each kind of object must fulfil, beyond the shape of its type."""

import base64
import binascii
import json
import re
from collections.abc import Callable

from drproof.embedded.kubernetes import forms, schema, selectors
from drproof.embedded.kubernetes import resources as kinds
from drproof.embedded.kubernetes.errors import BadRequest, Cause, Invalid
from drproof.embedded.kubernetes.pod_validation import pod_spec_causes
from drproof.embedded.kubernetes.resources import Object, Resource

DATA_MAX = 1024 * 1024
"""Bytes that a ConfigMap or Secret may hold."""
ANNOTATIONS_MAX = 256 * 1024
_CRON_NAME_MAX = 52
_MAY_BE_EMPTY = {("V1HTTPHeader", "value"), ("V1Sysctl", "value")}
_CONTROLLER_UID = "batch.kubernetes.io/controller-uid"
_CRON_FIELD = re.compile(r"[\d*/,\-?A-Za-z]+")
_SECRET_KEYS = {
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
}
_RBAC = (kinds.ROLES, kinds.ROLEBINDINGS, kinds.CLUSTERROLES, kinds.CLUSTERROLEBINDINGS)


def validate(resource: Resource, obj: Object) -> None:
    """Raise Invalid with every defect of a defaulted object."""
    causes = _metadata_causes(resource, obj["metadata"])
    check = _BY_KIND.get(resource.kind)
    found = check(obj) if check is not None else []
    named = {field for _, field, _ in found}
    general = [each for each in _required_causes(resource, obj) if each[1] not in named]
    if causes := causes + general + found:
        raise Invalid(resource.kind, resource.group, str(obj["metadata"].get("name", "")), causes)


def decoded(data: Object) -> dict[str, bytes]:
    """Return the bytes of a Secret's data; BadRequest where a value is not base64."""
    answer = {}
    for key, value in data.items():
        try:
            answer[key] = base64.b64decode(str(value), validate=True)
        except (binascii.Error, ValueError):
            raise BadRequest(
                'Secret in version "v1" cannot be handled as a Secret: illegal base64 data at input byte 0'
            ) from None
    return answer


def _metadata_causes(resource: Resource, meta: Object) -> list[Cause]:
    causes = []
    name = str(meta.get("name", ""))
    if not name:
        causes.append(forms.required("metadata.name", "name or generateName is required"))
    elif why := _name_rule(resource)(name):
        causes.append(forms.invalid("metadata.name", name, why))
    if resource is kinds.CRONJOBS and len(name) > _CRON_NAME_MAX:
        causes.append(forms.invalid("metadata.name", name, f"must be no more than {_CRON_NAME_MAX} characters"))
    causes += _label_causes(meta.get("labels") or {}, "metadata.labels")
    annotations = meta.get("annotations") or {}
    causes += [
        forms.invalid("metadata.annotations", key, why)
        for key in annotations
        if (why := forms.qualified_name(str(key).lower()))
    ]
    if sum(len(str(key).encode()) + len(str(value).encode()) for key, value in annotations.items()) > ANNOTATIONS_MAX:
        causes.append(forms.too_long("metadata.annotations", ANNOTATIONS_MAX))
    for place, owner in enumerate(meta.get("ownerReferences") or []):
        causes += [
            forms.invalid(f"metadata.ownerReferences[{place}].{field}", "", "must not be empty")
            for field in ("apiVersion", "kind", "name", "uid")
            if not owner.get(field)
        ]
    return causes + [
        forms.invalid("metadata.finalizers", each, why)
        for each in meta.get("finalizers") or []
        if (why := forms.qualified_name(each))
    ]


def _name_rule(resource: Resource) -> Callable[[str], str]:
    if resource in _RBAC:
        return forms.path_segment
    if resource is kinds.SERVICES:
        return forms.dns_1035_label
    return forms.dns_label if resource is kinds.NAMESPACES else forms.subdomain


def _label_causes(labels: Object, path: str) -> list[Cause]:
    keys = [forms.invalid(path, key, why) for key in labels if (why := forms.qualified_name(key))]
    return keys + [
        forms.invalid(path, value, why) for value in labels.values() if (why := forms.label_value(str(value)))
    ]


def _required_causes(resource: Resource, obj: Object) -> list[Cause]:
    shape = schema.of(resource)
    causes: list[Cause] = []
    for name, inner in shape.fields.items():
        if name not in {"metadata", "status", "apiVersion", "kind"} and name in obj:
            _collect_missing(inner, obj[name], name, causes)
    top = sorted(schema.required(shape.model) - {"metadata"}) if shape.model else []
    return causes + [forms.required(name) for name in top if not obj.get(name)]


def _collect_missing(shape: schema.Type, value: object, path: str, causes: list[Cause]) -> None:
    if isinstance(value, dict) and shape.model:
        causes += [
            forms.required(f"{path}.{name}")
            for name in sorted(schema.required(shape.model))
            if value.get(name) is None or (value[name] in ("", []) and (shape.model, name) not in _MAY_BE_EMPTY)
        ]
        for name, inner in shape.fields.items():
            if name in value:
                _collect_missing(inner, value[name], f"{path}.{name}", causes)
    elif isinstance(value, list):
        for place, each in enumerate(value):
            _collect_missing(shape.inner, each, f"{path}[{place}]", causes)
    elif isinstance(value, dict) and shape.form == "map":
        for key, each in value.items():
            _collect_missing(shape.inner, each, f"{path}[{key}]", causes)


def _config_map(obj: Object) -> list[Cause]:
    data, binary = obj.get("data") or {}, obj.get("binaryData") or {}
    causes = [forms.invalid(f"data[{key}]", key, why) for key in data if (why := forms.config_key(key))]
    causes += [forms.invalid(f"binaryData[{key}]", key, why) for key in binary if (why := forms.config_key(key))]
    causes += [
        forms.invalid(f"data[{key}]", key, "duplicate of key present in binaryData") for key in data if key in binary
    ]
    size = sum(len(str(each).encode()) for each in data.values()) + sum(len(each) * 3 // 4 for each in binary.values())
    return causes + ([forms.too_long("", DATA_MAX)] if size > DATA_MAX else [])


def _secret(obj: Object) -> list[Cause]:
    data, kind = decoded(obj.get("data") or {}), str(obj.get("type", ""))
    causes = [forms.invalid(f"data[{key}]", key, why) for key in data if (why := forms.config_key(key))]
    if sum(map(len, data.values())) > DATA_MAX:
        causes.append(forms.too_long("data", DATA_MAX))
    for key in _SECRET_KEYS.get(kind, ()):
        if key not in data:
            causes.append(forms.required(f"data[{key}]"))
        elif key.startswith(".docker"):
            try:
                json.loads(data[key])
            except ValueError as defect:
                redacted = "<secret contents redacted>"
                causes.append(forms.invalid(f"data[{key}]", redacted, str(defect)))
    if kind == "kubernetes.io/basic-auth" and not {"username", "password"} & set(data):
        causes += [forms.required("data[username]"), forms.required("data[password]")]
    return causes


def _pod(obj: Object) -> list[Cause]:
    return pod_spec_causes(obj.get("spec") or {}, "spec")


def _not_negative(spec: Object, path: str, *fields: str) -> list[Cause]:
    return [
        forms.invalid(f"{path}.{field}", spec[field], "must be greater than or equal to 0")
        for field in fields
        if isinstance(spec.get(field), int) and spec[field] < 0
    ]


def _job_spec(spec: Object, path: str) -> list[Cause]:
    counted = ("parallelism", "completions", "backoffLimit", "activeDeadlineSeconds", "ttlSecondsAfterFinished")
    causes = _not_negative(spec, path, *counted)
    mode = spec.get("completionMode", "NonIndexed")
    if mode not in {"NonIndexed", "Indexed"}:
        causes.append(forms.unsupported(f"{path}.completionMode", mode, ("NonIndexed", "Indexed")))
    template = spec.get("template") or {}
    causes += _label_causes((template.get("metadata") or {}).get("labels") or {}, f"{path}.template.labels")
    return causes + pod_spec_causes(template.get("spec") or {}, f"{path}.template.spec", ("OnFailure", "Never"))


def _job(obj: Object) -> list[Cause]:
    spec = obj.get("spec") or {}
    causes = _job_spec(spec, "spec")
    labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels") or {}
    if spec.get("manualSelector"):
        if not spec.get("selector"):
            causes.append(forms.required("spec.selector"))
    else:
        uid = obj["metadata"].get("uid")
        for key in ("controller-uid", _CONTROLLER_UID):
            if labels.get(key) != uid:
                causes.append(forms.invalid("spec.template.metadata.labels", labels, f"must be '{uid}'"))
        if spec.get("selector") != {"matchLabels": {_CONTROLLER_UID: uid}}:
            causes.append(forms.invalid("spec.selector", spec.get("selector"), "`selector` not auto-generated"))
    if not selectors.of_selector(spec.get("selector"))({"metadata": {"labels": labels}}):
        causes.append(
            forms.invalid("spec.template.metadata.labels", labels, "`selector` does not match template `labels`")
        )
    return causes


def _cron_job(obj: Object) -> list[Cause]:
    spec = obj.get("spec") or {}
    schedule = str(spec.get("schedule", ""))
    causes = _not_negative(
        spec, "spec", "startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit"
    )
    fields = schedule.split()
    if not schedule:
        causes.append(forms.required("spec.schedule"))
    elif not schedule.startswith("@") and len(fields) != 5:  # noqa: PLR2004 — minute, hour, day, month, weekday
        why = f"expected exactly 5 fields, found {len(fields)}: [{' '.join(fields)}]"
        causes.append(forms.invalid("spec.schedule", schedule, why))
    elif not schedule.startswith("@") and not all(map(_CRON_FIELD.fullmatch, fields)):
        causes.append(forms.invalid("spec.schedule", schedule, "failed to parse int from its fields"))
    policies = ("Allow", "Forbid", "Replace")
    if spec.get("concurrencyPolicy") not in policies:
        causes.append(forms.unsupported("spec.concurrencyPolicy", spec.get("concurrencyPolicy"), policies))
    return causes + _job_spec((spec.get("jobTemplate") or {}).get("spec") or {}, "spec.jobTemplate.spec")


def _workload(obj: Object) -> list[Cause]:
    spec = obj.get("spec") or {}
    causes = _not_negative(spec, "spec", "replicas", "minReadySeconds", "revisionHistoryLimit")
    selector, template = spec.get("selector"), spec.get("template") or {}
    labels = (template.get("metadata") or {}).get("labels") or {}
    if not selector:
        causes.append(forms.required("spec.selector"))
    elif not selectors.of_selector(selector)({"metadata": {"labels": labels}}):
        causes.append(
            forms.invalid("spec.template.metadata.labels", labels, "`selector` does not match template `labels`")
        )
    for field, kind in (("strategy", "Recreate"), ("updateStrategy", "OnDelete")):
        strategy = spec.get(field) or {}
        if strategy.get("type") == kind and strategy.get("rollingUpdate"):
            why = f"may not be specified when strategy `type` is '{kind}'"
            causes.append(forms.forbidden(f"spec.{field}.rollingUpdate", why))
    claims = {str((one.get("metadata") or {}).get("name", "")) for one in spec.get("volumeClaimTemplates") or ()}
    return causes + pod_spec_causes(template.get("spec") or {}, "spec.template.spec", ("Always",), claims=claims)


def _service(obj: Object) -> list[Cause]:
    spec = obj.get("spec") or {}
    kind, causes = str(spec.get("type")), []
    types = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
    if kind not in types:
        causes.append(forms.unsupported("spec.type", kind, types))
    ports = spec.get("ports") or []
    if not ports and kind != "ExternalName" and spec.get("clusterIP") != "None":
        causes.append(forms.required("spec.ports"))
    names: set[str] = set()
    for place, port in enumerate(ports):
        name, here = str(port.get("name", "")), f"spec.ports[{place}].name"
        if not name and len(ports) > 1:
            causes.append(forms.required(here))
        elif name and name in names:
            causes.append(forms.duplicate(here, name))
        names.add(name)
    return causes


_BY_KIND: dict[str, Callable[[Object], list[Cause]]] = {
    kinds.CONFIGMAPS.kind: _config_map,
    kinds.SECRETS.kind: _secret,
    kinds.PODS.kind: _pod,
    kinds.JOBS.kind: _job,
    kinds.CRONJOBS.kind: _cron_job,
    kinds.DEPLOYMENTS.kind: _workload,
    kinds.REPLICASETS.kind: _workload,
    kinds.STATEFULSETS.kind: _workload,
    kinds.DAEMONSETS.kind: _workload,
    kinds.SERVICES.kind: _service,
}
