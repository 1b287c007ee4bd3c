"""OpenAPI v3, as far as kubectl reads it: which kinds there are, and which parameters their writes take."""

import hashlib
import json
from functools import cache
from typing import Any

from drproof.embedded.kubernetes import resources as kinds
from drproof.embedded.kubernetes.resources import Resource

# Strategic merge patches are left out: kubectl then uses the merge keys of built-in types that it carries itself.
_PATCHES = ("application/json-patch+json", "application/merge-patch+json", "application/apply-patch+yaml")


def index(group_versions: list[str]) -> dict[str, Any]:
    """Return the document at `/openapi/v3`; the hashes tell clients when to read again what they hold."""
    paths = {each: {"serverRelativeURL": f"/openapi/v3/{each}?hash={_revision(each)}"} for each in group_versions}
    return {"paths": paths}


@cache
def _revision(group_version: str) -> str:
    *_, group, version = ("", *group_version.split("/"))
    text = json.dumps(document("" if group == "api" else group, version))
    return hashlib.sha256(text.encode()).hexdigest().upper()


def document(group: str, version: str) -> dict[str, Any]:
    """Return the document of one group and version."""
    paths: dict[str, Any] = {}
    for resource in kinds.ALL:
        if (resource.group, resource.version) == (group, version):
            paths |= _paths(resource)
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "v1.31.5+k3s1"},
        "paths": paths,
        "components": {"schemas": {}},
    }


def _paths(resource: Resource) -> dict[str, Any]:
    root = f"/apis/{resource.group}/{resource.version}" if resource.group else f"/api/{resource.version}"
    collection = (
        f"{root}/namespaces/{{namespace}}/{resource.plural}" if resource.namespaced else f"{root}/{resource.plural}"
    )
    json_body = {"content": {"application/json": {"schema": {"type": "object"}}}}
    patch_body = {"content": {each: {"schema": {"type": "object"}} for each in _PATCHES}}
    return {
        collection: {"get": _operation(resource, "list"), "post": _operation(resource, "post", json_body)},
        f"{collection}/{{name}}": {
            "get": _operation(resource, "get"),
            "put": _operation(resource, "put", json_body),
            "patch": _operation(resource, "patch", patch_body),
            "delete": _operation(resource, "delete"),
        },
    }


def _operation(resource: Resource, action: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    names = ["dryRun", "fieldManager", "fieldValidation"] if body else ["pretty"]
    operation: dict[str, Any] = {
        "operationId": f"{action}{resource.version.capitalize()}{resource.kind}",
        "parameters": [{"name": each, "in": "query", "schema": {"type": "string"}} for each in names],
        "responses": {"200": {"description": "OK"}},
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": {
            "group": resource.group,
            "version": resource.version,
            "kind": resource.kind,
        },
    }
    if body:
        operation["requestBody"] = body
    return operation
