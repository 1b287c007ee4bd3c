"""What nobody may change once an object is there."""

from collections.abc import Callable

from drproof.embedded.kubernetes import forms
from drproof.embedded.kubernetes import resources as kinds
from drproof.embedded.kubernetes.errors import Cause, Invalid
from drproof.embedded.kubernetes.resources import Object, Resource
from drproof.embedded.kubernetes.store import copied

_FIELD = "field is immutable"
_POD_RULE = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)
_STATEFUL_SET_FIELDS = (
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
)
_SUSPENDED_TEMPLATE = ("nodeSelector", "tolerations", "affinity", "schedulingGates")


def check_change(resource: Resource, old: Object, new: Object) -> None:
    """Raise Invalid where `new` changes what must stay as it is in `old`."""
    if (check := _BY_KIND.get(resource.kind)) is not None and (causes := check(old, new)):
        raise Invalid(resource.kind, resource.group, str(old["metadata"]["name"]), causes)


def _same(old: Object, new: Object, *fields: str, path: str = "spec", why: str = _FIELD) -> list[Cause]:
    return [
        forms.invalid(f"{path}.{field}" if path else field, new.get(field), why)
        for field in fields
        if old.get(field) != new.get(field)
    ]


def _specs(old: Object, new: Object) -> tuple[Object, Object]:
    return old.get("spec") or {}, new.get("spec") or {}


def _configuration(old: Object, new: Object) -> list[Cause]:
    causes = _same(old, new, "type", path="") if "type" in old else []
    if not old.get("immutable"):
        return causes
    if not new.get("immutable"):
        causes.append(forms.forbidden("immutable", "field is immutable when `immutable` is set"))
    return causes + [
        forms.forbidden(field, "field is immutable when `immutable` is set")
        for field in ("data", "binaryData")
        if (old.get(field) or {}) != (new.get(field) or {})
    ]


def _job(old: Object, new: Object) -> list[Cause]:
    before, after = _specs(old, new)
    fixed = ["selector", "completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy"]
    elastic = after.get("completionMode") == "Indexed" and after.get("completions") == after.get("parallelism")
    if not elastic:
        fixed.insert(0, "completions")
    causes = _same(before, after, *fixed)
    template, wanted = copied(before.get("template") or {}), copied(after.get("template") or {})
    if before.get("suspend") and not (old.get("status") or {}).get("startTime"):
        # KEP-2926: where a Job's pods go may change while it has never run.
        for each in (template, wanted):
            for field in _SUSPENDED_TEMPLATE:
                each.get("spec", {}).pop(field, None)
            for field in ("labels", "annotations"):
                each.get("metadata", {}).pop(field, None)
    if template != wanted:
        causes.append(forms.invalid("spec.template", after.get("template"), _FIELD))
    return causes


def _pod(old: Object, new: Object) -> list[Cause]:
    before, after = copied(_specs(old, new)[0]), copied(_specs(old, new)[1])
    for each in (before, after):
        each.pop("activeDeadlineSeconds", None)
        for field in ("containers", "initContainers"):
            for container in each.get(field) or []:
                container.pop("image", None)
    held, wanted = before.pop("tolerations", None) or [], after.pop("tolerations", None) or []
    if before != after or any(each not in wanted for each in held):
        return [forms.forbidden("spec", _POD_RULE)]
    return []


def _service(old: Object, new: Object) -> list[Cause]:
    before, after = _specs(old, new)
    if "ExternalName" in {before.get("type"), after.get("type")} or not before.get("clusterIP"):
        return []
    if before["clusterIP"] != after.get("clusterIP"):
        held = [after.get("clusterIP")]
        return [forms.invalid("spec.clusterIPs[0]", held, "may not change once set")]
    return []


def _selected(old: Object, new: Object) -> list[Cause]:
    return _same(*_specs(old, new), "selector")


def _stateful_set(old: Object, new: Object) -> list[Cause]:
    before, after = (
        {key: value for key, value in each.items() if key not in _STATEFUL_SET_FIELDS} for each in _specs(old, new)
    )
    if before == after:
        return []
    named = ", ".join(f"'{each}'" for each in _STATEFUL_SET_FIELDS[:-1])
    why = f"updates to statefulset spec for fields other than {named} and '{_STATEFUL_SET_FIELDS[-1]}' are forbidden"
    return [forms.forbidden("spec", why)]


def _role_reference(old: Object, new: Object) -> list[Cause]:
    return _same(old, new, "roleRef", path="", why="cannot change roleRef")


def _claim(old: Object, new: Object) -> list[Cause]:
    before, after = copied(_specs(old, new)[0]), copied(_specs(old, new)[1])
    for each in (before, after):
        each.get("resources", {}).pop("requests", None)
        each.pop("volumeAttributesClassName", None)
        each.pop("volumeName", None)
    if before == after:
        return []
    why = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"
    return [forms.forbidden("spec", why)]


def _storage_class(old: Object, new: Object) -> list[Cause]:
    return [
        forms.forbidden(field, f"updates to {field} are forbidden.")
        for field in ("provisioner", "parameters", "reclaimPolicy", "volumeBindingMode")
        if old.get(field) != new.get(field)
    ]


def _priority_class(old: Object, new: Object) -> list[Cause]:
    return [
        forms.forbidden(field, f"may not be changed in an update of a PriorityClass ({field})")
        for field in ("value", "preemptionPolicy")
        if old.get(field) != new.get(field)
    ]


_BY_KIND: dict[str, Callable[[Object, Object], list[Cause]]] = {
    kinds.CONFIGMAPS.kind: _configuration,
    kinds.SECRETS.kind: _configuration,
    kinds.JOBS.kind: _job,
    kinds.PODS.kind: _pod,
    kinds.SERVICES.kind: _service,
    kinds.DEPLOYMENTS.kind: _selected,
    kinds.REPLICASETS.kind: _selected,
    kinds.DAEMONSETS.kind: _selected,
    kinds.STATEFULSETS.kind: _stateful_set,
    kinds.ROLEBINDINGS.kind: _role_reference,
    kinds.CLUSTERROLEBINDINGS.kind: _role_reference,
    kinds.PERSISTENTVOLUMECLAIMS.kind: _claim,
    kinds.STORAGECLASSES.kind: _storage_class,
    kinds.PRIORITYCLASSES.kind: _priority_class,
}
