"""What clients ask first: the version, the groups, their resources, and whether the server is well."""

from typing import Any

from drproof.embedded.kubernetes import openapi
from drproof.embedded.kubernetes import resources as kinds
from drproof.embedded.kubernetes.errors import UnknownPath
from drproof.embedded.kubernetes.http import Answer
from drproof.embedded.kubernetes.resources import Resource
from drproof.embedded.kubernetes.routes import REVIEWS

VERSION = {
    "major": "1",
    "minor": "31",
    "gitVersion": "v1.31.5+k3s1",
    "gitCommit": "56ec5dd4d012c1d5ffed3ac9ae32a4d2ca6f7f44",
    "gitTreeState": "clean",
    "buildDate": "2025-01-28T19:08:40Z",
    "goVersion": "go1.22.10",
    "compiler": "gc",
    "platform": "linux/arm64",
}
_VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
_TEXT = "text/plain; charset=utf-8"


def answer(path: tuple[str, ...]) -> Answer:
    """Return the document at a path that is no resource; UnknownPath."""
    match path:
        case ():
            paths = ["/api", "/api/v1", "/apis", *(f"/apis/{name}" for name in _groups()), "/healthz", "/version"]
            return Answer(document={"paths": paths})
        case ("version",):
            return Answer(document=VERSION)
        case ("healthz" | "livez" | "readyz", *_):
            return Answer(text=b"ok", content_type=_TEXT)
        case ("api",):
            return Answer(document=_core_versions())
        case ("apis",):
            groups = [_group(name, version) for name, version in _groups().items()]
            return Answer(document={"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
        case ("apis", group) if group in _groups():
            document = {"kind": "APIGroup", "apiVersion": "v1", **_group(group, _groups()[group])}
            return Answer(document=document)
        case ("api", "v1"):
            return Answer(document=_resources("", "v1"))
        case ("apis", group, version) if _groups().get(group) == version:
            return Answer(document=_resources(group, version))
        case ("openapi", "v3", *rest):
            return _openapi(tuple(rest))
    raise UnknownPath


def _openapi(path: tuple[str, ...]) -> Answer:
    match path:
        case ():
            return Answer(document=openapi.index(_group_versions()))
        case ("api", "v1"):
            return Answer(document=openapi.document("", "v1"))
        case ("apis", group, version) if _groups().get(group) == version:
            return Answer(document=openapi.document(group, version))
    raise UnknownPath


def _groups() -> dict[str, str]:
    """Return the named groups and the version that each has."""
    named = {each.group: each.version for each in kinds.ALL if each.group}
    return named | {each.group: each.version for each in REVIEWS}


def _group_versions() -> list[str]:
    return ["api/v1", *(f"apis/{group}/{version}" for group, version in _groups().items())]


def _core_versions() -> dict[str, Any]:
    addresses = [{"clientCIDR": "0.0.0.0/0", "serverAddress": "127.0.0.1:6443"}]
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": addresses}


def _group(name: str, version: str) -> dict[str, Any]:
    held = {"groupVersion": f"{name}/{version}", "version": version}
    return {"name": name, "versions": [held], "preferredVersion": held}


def _resources(group: str, version: str) -> dict[str, Any]:
    found = [
        each
        for resource in kinds.ALL
        if (resource.group, resource.version) == (group, version)
        for each in _described(resource)
    ]
    found += [
        {
            "name": each.plural,
            "singularName": each.kind.lower(),
            "namespaced": False,
            "kind": each.kind,
            "verbs": ["create"],
        }
        for each in REVIEWS
        if (each.group, each.version) == (group, version)
    ]
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": f"{group}/{version}" if group else version,
        "resources": sorted(found, key=lambda each: str(each["name"])),
    }


def _described(resource: Resource) -> list[dict[str, Any]]:
    about: dict[str, Any] = {
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": _VERBS,
    }
    if resource.short_names:
        about["shortNames"] = list(resource.short_names)
    if resource.categories:
        about["categories"] = list(resource.categories)
    return [about, *(_subresource(resource, each) for each in sorted(resource.subresources))]


def _subresource(resource: Resource, name: str) -> dict[str, Any]:
    about: dict[str, Any] = {
        "name": f"{resource.plural}/{name}",
        "singularName": "",
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": ["get", "patch", "update"],
    }
    if name == "scale":
        about |= {"group": "autoscaling", "version": "v1", "kind": "Scale"}
    elif name == "log":
        about["verbs"] = ["get"]
    elif name == "finalize":
        about["verbs"] = ["update"]
    return about
