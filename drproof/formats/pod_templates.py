"""The pod templates inside of workloads, of whichever kind."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

from drproof.model.cluster import Manifest

PATHS = (("spec", "template", "spec"), ("spec", "jobTemplate", "spec", "template", "spec"))
CONTAINERS = ("initContainers", "containers")


def pod_spec(manifest: Manifest) -> Mapping[str, Any] | None:
    """Return what a workload says of its pods, or a pod of itself; None for an object that runs nothing."""
    if manifest["kind"] == "Pod":
        return manifest.get("spec") or {}
    for path in PATHS:
        found: Any = manifest
        for name in path:
            found = found.get(name) if isinstance(found, Mapping) else None
        if isinstance(found, Mapping) and found.get("containers"):
            return found
    return None


def containers(manifest: Manifest) -> Iterator[Mapping[str, Any]]:
    """Yield the containers of a workload, init containers first."""
    spec = pod_spec(manifest) or {}
    for field in CONTAINERS:
        yield from spec.get(field) or ()


def with_environment(manifest: Manifest, values: Mapping[str, str]) -> dict[str, Any]:
    """Return a workload whose containers have these variables, whatever was there under their names."""
    changed = deepcopy(dict(manifest))
    for container in containers(changed):
        others = [row for row in container.get("env") or () if row.get("name") not in values]
        rows = [{"name": name, "value": value} for name, value in values.items()]
        container["env"] = [*others, *rows]  # type: ignore[index] # a copy of ours
    return changed
