"""What a pod's spec must fulfil, in a Pod or in a template."""

import re
from collections.abc import Collection

from drproof.embedded.kubernetes import forms
from drproof.embedded.kubernetes.errors import Cause
from drproof.embedded.kubernetes.quantities import quantity
from drproof.embedded.kubernetes.resources import Object

_LAST_PORT = 65_535
_ENV_NAME = re.compile(r"[ -<>-~]+")
_PULL_POLICIES = ("Always", "IfNotPresent", "Never")
_RESTART_POLICIES = ("Always", "OnFailure", "Never")


def pod_spec_causes(
    spec: Object, path: str, restart: tuple[str, ...] = _RESTART_POLICIES, *, claims: Collection[str] = ()
) -> list[Cause]:
    """Return the defects of a pod's spec.

    `restart` names the restart policies that its owner allows, `claims` the volumes that its owner adds to each pod.
    """
    causes: list[Cause] = []
    volumes = _volume_causes(spec, f"{path}.volumes", causes) | set(claims)
    names: set[str] = set()
    if not spec.get("containers"):
        causes.append(forms.required(f"{path}.containers"))
    for field in ("initContainers", "containers"):
        for place, container in enumerate(spec.get(field) or []):
            here = f"{path}.{field}[{place}]"
            causes += _container_causes(container, here, volumes)
            if (name := container.get("name")) in names:
                causes.append(forms.duplicate(f"{here}.name", name))
            names.add(str(name))
    if (policy := spec.get("restartPolicy")) not in restart:
        causes.append(forms.unsupported(f"{path}.restartPolicy", policy, restart))
    if (deadline := spec.get("activeDeadlineSeconds")) is not None and not 1 <= deadline < 2**31:
        causes.append(
            forms.invalid(f"{path}.activeDeadlineSeconds", deadline, "must be between 1 and 2147483647, inclusive")
        )
    if (grace := spec.get("terminationGracePeriodSeconds")) is not None and grace < 0:
        causes.append(
            forms.invalid(f"{path}.terminationGracePeriodSeconds", grace, "must be greater than or equal to 0")
        )
    if (account := spec.get("serviceAccountName")) and (why := forms.subdomain(account)):
        causes.append(forms.invalid(f"{path}.serviceAccountName", account, why))
    return causes


def _volume_causes(spec: Object, path: str, causes: list[Cause]) -> set[str]:
    names: set[str] = set()
    for place, volume in enumerate(spec.get("volumes") or []):
        name, here = str(volume.get("name", "")), f"{path}[{place}]"
        if not name:
            causes.append(forms.required(f"{here}.name"))
        elif why := forms.dns_label(name):
            causes.append(forms.invalid(f"{here}.name", name, why))
        elif name in names:
            causes.append(forms.duplicate(f"{here}.name", name))
        names.add(name)
        if len(volume) > 2:  # noqa: PLR2004 — its name and its source
            causes.append(
                forms.forbidden(
                    f"{here}.{sorted(set(volume) - {'name'})[1]}", "may not specify more than 1 volume type"
                )
            )
        if "secret" in volume and not (volume["secret"] or {}).get("secretName"):
            causes.append(forms.required(f"{here}.secret.secretName"))
        if "configMap" in volume and not (volume["configMap"] or {}).get("name"):
            causes.append(forms.required(f"{here}.configMap.name"))
    return names


def _container_causes(container: Object, path: str, volumes: set[str]) -> list[Cause]:
    causes: list[Cause] = []
    if not (name := str(container.get("name", ""))):
        causes.append(forms.required(f"{path}.name"))
    elif why := forms.dns_label(name):
        causes.append(forms.invalid(f"{path}.name", name, why))
    image = container.get("image", "")
    if not image:
        causes.append(forms.required(f"{path}.image"))
    elif image != image.strip():
        causes.append(forms.invalid(f"{path}.image", image, "must not have leading or trailing whitespace"))
    if (policy := container.get("imagePullPolicy")) not in _PULL_POLICIES:
        causes.append(forms.unsupported(f"{path}.imagePullPolicy", policy, _PULL_POLICIES))
    causes += _port_causes(container, path) + _env_causes(container, path)
    causes += _mount_causes(container, path, volumes)
    return causes + _resource_causes(container.get("resources") or {}, f"{path}.resources")


def _mount_causes(container: Object, path: str, volumes: set[str]) -> list[Cause]:
    causes: list[Cause] = []
    seen: set[str] = set()
    for place, mount in enumerate(container.get("volumeMounts") or []):
        here = f"{path}.volumeMounts[{place}]"
        if not mount.get("name"):
            causes.append(forms.required(f"{here}.name"))
        elif mount["name"] not in volumes:
            causes.append(forms.absent(f"{here}.name", mount["name"]))
        if not (target := mount.get("mountPath")):
            causes.append(forms.required(f"{here}.mountPath"))
        elif target in seen:
            causes.append(forms.invalid(f"{here}.mountPath", target, "must be unique"))
        seen.add(str(target))
    return causes


def _port_causes(container: Object, path: str) -> list[Cause]:
    causes = []
    for place, port in enumerate(container.get("ports") or []):
        number, here = port.get("containerPort"), f"{path}.ports[{place}].containerPort"
        if not number:
            causes.append(forms.required(here))
        elif not 1 <= number <= _LAST_PORT:
            causes.append(forms.invalid(here, number, f"must be between 1 and {_LAST_PORT}, inclusive"))
    return causes


def _env_causes(container: Object, path: str) -> list[Cause]:
    causes = []
    for place, env in enumerate(container.get("env") or []):
        name, here = str(env.get("name", "")), f"{path}.env[{place}]"
        if not name:
            causes.append(forms.required(f"{here}.name"))
        elif not _ENV_NAME.fullmatch(name):
            why = "a valid environment variable name must consist only of printable ASCII characters other than '='"
            causes.append(forms.invalid(f"{here}.name", name, why))
        if env.get("value") and env.get("valueFrom"):
            causes.append(forms.invalid(f"{here}.valueFrom", "", "may not be specified when `value` is not empty"))
        for source in ("secretKeyRef", "configMapKeyRef"):
            reference = (env.get("valueFrom") or {}).get(source)
            if reference is not None and not reference.get("key"):
                causes.append(forms.required(f"{here}.valueFrom.{source}.key"))
    return causes


def _resource_causes(resources: Object, path: str) -> list[Cause]:
    causes = []
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    for field, amounts in (("limits", limits), ("requests", requests)):
        causes += [
            forms.invalid(f"{path}.{field}[{name}]", amount, "must be greater than or equal to 0")
            for name, amount in amounts.items()
            if quantity(amount) < 0
        ]
    return causes + [
        forms.invalid(f"{path}.requests", amount, f"must be less than or equal to {name} limit of {limits[name]}")
        for name, amount in requests.items()
        if name in limits and quantity(amount) > quantity(limits[name])
    ]
