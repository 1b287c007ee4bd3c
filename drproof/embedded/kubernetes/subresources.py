"""Subresources that are objects of their own: scale, eviction, the finalizing of a namespace; and reviews."""

from drproof.embedded.kubernetes import deletion, documents
from drproof.embedded.kubernetes import resources as kinds
from drproof.embedded.kubernetes.errors import BadRequest, Conflict, NotFound, UnsupportedMediaType
from drproof.embedded.kubernetes.http import Answer, Request
from drproof.embedded.kubernetes.options import dry_run, manager
from drproof.embedded.kubernetes.patches import json_patch, merge
from drproof.embedded.kubernetes.resources import Object, Resource
from drproof.embedded.kubernetes.routes import Review, Target
from drproof.embedded.kubernetes.store import Store, copied
from drproof.embedded.kubernetes.writing import JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH, Intent, Writer

_SCALE_PATCHES = (JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH)


def scale(writer: Writer, request: Request, target: Target, resource: Resource) -> Answer:
    """Read or change how many replicas a workload has (autoscaling/v1 Scale)."""
    with writer.store.lock:
        old = writer.store.get(resource, target.namespace, target.name)
        if old is None:
            raise NotFound(resource.plural, resource.group, target.name)
        held = _scale_of(old)
        if target.verb == "get":
            return Answer(document=held)
        asked = _asked_scale(request, target, held)
        revision = (asked.get("metadata") or {}).get("resourceVersion")
        if revision and revision != old["metadata"]["resourceVersion"]:
            raise Conflict(resource.plural, resource.group, target.name)
        replicas = (asked.get("spec") or {}).get("replicas", 0)
        if type(replicas) is not int:
            raise BadRequest("Scale.spec.replicas must be a number")
        new = copied(old)
        new["spec"]["replicas"] = replicas
        # The scale of a workload is part of its spec: it is written as such.
        intent = Intent(request, resource, manager(request, "Update"))
        return Answer(document=_scale_of(writer.replace(intent, old, new).object))


def evict(store: Store, request: Request, target: Target) -> Answer:
    """Delete a pod as `kubectl drain` asks (policy/v1 Eviction)."""
    sent = documents.mapping(request) if request.body.strip() else {}
    options = sent.get("deleteOptions") or {}
    if not dry_run(request):
        grace = options.get("gracePeriodSeconds") if isinstance(options, dict) else None
        deletion.delete(
            store, kinds.PODS, target.namespace, target.name, grace=grace if isinstance(grace, int) else None
        )
    return Answer(201, {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"})


def bind(store: Store, request: Request, target: Target) -> Answer:
    """Put a pod on a node (v1 Binding), as a scheduler does."""
    node = (documents.mapping(request).get("target") or {}).get("name")
    if not isinstance(node, str) or not node:
        raise BadRequest("a Binding names its node in target.name")

    def put(pod: Object) -> None:
        if pod["spec"].get("nodeName"):
            why = f"pod {target.name} is already assigned to node {pod['spec']['nodeName']!r}"
            raise Conflict("pods/binding", "", target.name, why)
        pod["spec"]["nodeName"] = node

    store.update(kinds.PODS, target.namespace, target.name, put)
    return Answer(201, {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"})


def finalize(store: Store, request: Request, target: Target) -> Answer:
    """Change what a namespace that ends waits for."""
    wanted = (documents.mapping(request).get("spec") or {}).get("finalizers") or []
    if not isinstance(wanted, list):
        raise BadRequest("spec.finalizers is no list")

    def change(namespace: Object) -> None:
        namespace.setdefault("spec", {})["finalizers"] = wanted

    return Answer(document=store.update(kinds.NAMESPACES, "", target.name, change))


def review(request: Request, about: Review) -> Answer:
    """Answer what the caller may do (everything: it is the administrator), or who it is."""
    asked = documents.mapping(request)
    group_version = f"{about.group}/{about.version}"
    if asked.get("kind", about.kind) != about.kind or asked.get("apiVersion", group_version) != group_version:
        raise BadRequest(
            f"expected {about.kind} of {group_version}, got {asked.get('kind')} of {asked.get('apiVersion')}"
        )
    document: Object = {"kind": about.kind, "apiVersion": group_version, "metadata": {"creationTimestamp": None}}
    if about.kind == "SelfSubjectReview":
        document["status"] = {
            "userInfo": {"username": request.user, "groups": [*request.groups, "system:authenticated"]}
        }
    elif about.kind == "SelfSubjectRulesReview":
        everything = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
        paths = {"verbs": ["*"], "nonResourceURLs": ["*"]}
        document["spec"] = asked.get("spec") or {}
        document["status"] = {"resourceRules": [everything], "nonResourceRules": [paths], "incomplete": False}
    else:
        document["spec"] = asked.get("spec") or {}
        document["status"] = {"allowed": True}
    return Answer(201, document)


def _scale_of(obj: Object) -> Object:
    meta, spec = obj["metadata"], obj.get("spec") or {}
    chosen = ((spec.get("selector") or {}).get("matchLabels") or {}).items()
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {key: meta[key] for key in kept if key in meta},
        "spec": {"replicas": spec.get("replicas", 0)},
        "status": {
            "replicas": (obj.get("status") or {}).get("replicas", 0),
            "selector": ",".join(f"{key}={value}" for key, value in chosen),
        },
    }


def _asked_scale(request: Request, target: Target, held: Object) -> Object:
    if target.verb == "update":
        return documents.mapping(request)
    kind = request.media_type
    if kind not in _SCALE_PATCHES:
        raise UnsupportedMediaType(", ".join(_SCALE_PATCHES))
    patch = documents.body(request, accepted=_SCALE_PATCHES)
    patched = json_patch(held, patch) if kind == JSON_PATCH else merge(held, patch)
    if not isinstance(patched, dict):
        raise BadRequest("error decoding patch: a patch is an object")
    return patched
