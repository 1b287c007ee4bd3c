"""Writes: create, update, patch, apply and delete, with dry runs, field validation and optimistic concurrency."""

from collections.abc import Callable
from dataclasses import dataclass, field

from drproof.embedded.kubernetes import apply, deletion, documents, forms, managed, patches, schema, strategic
from drproof.embedded.kubernetes import resources as kinds
from drproof.embedded.kubernetes.admission import admit
from drproof.embedded.kubernetes.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    UnsupportedMediaType,
)
from drproof.embedded.kubernetes.http import Request
from drproof.embedded.kubernetes.managed import Manager
from drproof.embedded.kubernetes.options import delete_options, dry_run, field_validation, manager, options_invalid
from drproof.embedded.kubernetes.resources import Object, Resource
from drproof.embedded.kubernetes.store import Store, copied

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"
PATCHES = (JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH, APPLY_PATCH)
_PROTECTED = frozenset({"default", "kube-system", "kube-public", "kube-node-lease"})
_SYSTEM_FIELDS = ("uid", "resourceVersion", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds")

Mutator = Callable[[Resource, str, Object], None]


@dataclass(slots=True)
class Written:
    """What a write did."""

    status: int
    object: Object
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Intent:
    """A write that is understood: by whom, and which fields of it are not known."""

    request: Request
    resource: Resource
    manager: Manager
    unknown: list[str] = field(default_factory=list)

    def warnings(self) -> list[str]:
        """Return what its writer is warned of."""
        return [f'unknown field "{each}"' for each in self.unknown]


@dataclass(frozen=True, slots=True)
class Writer:
    """The writes of one store; `mutators` change objects (resource, CREATE or UPDATE) as a webhook would."""

    store: Store
    mutators: list[Mutator]

    def create(self, request: Request, resource: Resource, namespace: str) -> Written:
        """Create the object of a request."""
        sent = documents.mapping(request)
        _check_kind(resource, sent)
        found = _decoded(request, resource, sent)
        obj = found.object
        meta = _metadata(obj)
        _check_namespace(resource, meta, namespace)
        if meta.get("resourceVersion"):
            raise BadRequest("resourceVersion should not be set on objects to be created")
        for name in (*_SYSTEM_FIELDS, "managedFields", "generation", "selfLink"):
            meta.pop(name, None)
        return self._create(Intent(request, resource, manager(request, "Update"), found.unknown), obj)

    def update(self, request: Request, resource: Resource, namespace: str, name: str, subresource: str = "") -> Written:
        """Replace an object, or the part of it that is a subresource."""
        sent = documents.mapping(request)
        _check_kind(resource, sent)
        found = _decoded(request, resource, sent)
        meta = _metadata(found.object)
        _check_namespace(resource, meta, namespace)
        given = meta.setdefault("name", name)
        if given != name:
            raise BadRequest(f"the name of the object ({given}) does not match the name on the URL ({name})")
        with self.store.lock:
            old = self._existing(resource, namespace, name)
            who = manager(request, "Update", subresource)
            return self.replace(Intent(request, resource, who, found.unknown), old, found.object)

    def patch(self, request: Request, resource: Resource, namespace: str, name: str, subresource: str = "") -> Written:
        """Patch an object by any of the four kinds of patches; server-side apply may create it."""
        kind = request.media_type
        if kind not in PATCHES:
            raise UnsupportedMediaType(", ".join(PATCHES))
        if request.flag("force") and kind != APPLY_PATCH:
            raise options_invalid("force", "Forbidden: may not be specified for non-apply patch")
        if kind == APPLY_PATCH:
            return self._apply(request, resource, namespace, name, subresource)
        patch = documents.body(request, accepted=PATCHES)
        if kind != JSON_PATCH and not isinstance(patch, dict):
            raise BadRequest("error decoding patch: a patch is an object")
        with self.store.lock:
            old = self._existing(resource, namespace, name)
            new = patched(resource, kind, old, patch)
            _check_kind(resource, new)
            found = _decoded(request, resource, new)
            _check_unmoved(resource, old, _metadata(found.object))
            who = manager(request, "Update", subresource)
            return self.replace(Intent(request, resource, who, found.unknown), old, found.object)

    def delete(self, request: Request, resource: Resource, namespace: str, name: str) -> Object:
        """Delete an object; return it while it stays, a Status when it is gone."""
        options = delete_options(request)
        if resource is kinds.NAMESPACES and name in _PROTECTED:
            raise Forbidden(resource.plural, "", name, "this namespace may not be deleted")
        old = self._existing(resource, namespace, name)
        if not options.dry_run:
            last, gone = deletion.delete(
                self.store,
                resource,
                namespace,
                name,
                propagation=options.propagation,
                grace=options.grace,
                uid=options.uid,
                resource_version=options.resource_version,
            )
            if not gone:
                return last
        details: Object = {"name": name, "kind": resource.plural, "uid": old["metadata"]["uid"]}
        if resource.group:
            details["group"] = resource.group
        return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}

    def _existing(self, resource: Resource, namespace: str, name: str) -> Object:
        found = self.store.get(resource, namespace, name)
        if found is None:
            raise NotFound(resource.plural, resource.group, name)
        return found

    def _create(self, intent: Intent, obj: Object) -> Written:
        resource, warnings = intent.resource, intent.warnings()
        if "status" in resource.subresources:
            obj.pop("status", None)
        for mutate in list(self.mutators):
            mutate(resource, "CREATE", obj)
        with self.store.lock:
            new = admit(self.store, resource, obj)
            if intent.manager.operation != "Apply":
                managed.track_update(resource, intent.manager, None, new)
            made = self.store.create(resource, new, dry_run=dry_run(intent.request))
        return Written(201, made, warnings)

    def replace(self, intent: Intent, old: Object, new: Object) -> Written:
        """Store the next state of an object, under the store's lock."""
        resource, warnings = intent.resource, intent.warnings()
        meta, before = _metadata(new), old["metadata"]
        name = str(before["name"])
        if (uid := meta.get("uid")) and uid != before["uid"]:
            why = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {before['uid']}"
            raise Conflict(resource.plural, resource.group, name, why)
        if (revision := meta.get("resourceVersion")) and revision != before["resourceVersion"]:
            raise Conflict(resource.plural, resource.group, name)
        new = _parts_of(resource, intent.manager.subresource, old, new)
        _keep_system_fields(resource, old, new)
        for mutate in list(self.mutators):
            mutate(resource, "UPDATE", new)
        new = copied(new) if intent.manager.subresource == "status" else admit(self.store, resource, new, old=old)
        if intent.manager.operation != "Apply":
            managed.track_update(resource, intent.manager, old, new)

        def change(obj: Object) -> None:
            obj.clear()
            obj.update(new)

        namespace, dry = str(before.get("namespace", "")), dry_run(intent.request)
        return Written(200, self.store.update(resource, namespace, name, change, dry_run=dry), warnings)

    def _apply(self, request: Request, resource: Resource, namespace: str, name: str, subresource: str) -> Written:
        if not request.parameter("fieldManager"):
            raise options_invalid("fieldManager", "Required value: is required for apply patch")
        applied = documents.mapping(request, accepted=(APPLY_PATCH,))
        _check_kind(resource, applied, needed=True)
        applied = apply.checked(resource, applied)
        meta = _metadata(applied)
        _check_namespace(resource, meta, namespace)
        if meta.setdefault("name", name) != name:
            raise BadRequest(f"the name of the object ({meta['name']}) does not match the name on the URL ({name})")
        who = manager(request, "Apply", subresource)
        with self.store.lock:
            live = self.store.get(resource, namespace, name)
            if live is None and (subresource or meta.get("uid") or meta.get("resourceVersion")):
                raise NotFound(resource.plural, resource.group, name)
            merged = apply.apply(resource, who, live, applied, force=request.flag("force"))
            if live is None:
                return self._create(Intent(request, resource, who), merged)
            for fixed in ("uid", "resourceVersion"):
                merged["metadata"][fixed] = meta.get(fixed, live["metadata"][fixed])
            return self.replace(Intent(request, resource, who), live, merged)


def patched(resource: Resource, kind: str, old: Object, patch: object) -> Object:
    """Return an object after a JSON, merge or strategic patch."""
    if kind == JSON_PATCH:
        return patches.json_patch(old, patch)
    if kind == MERGE_PATCH:
        result: Object = patches.merge(old, patch)
        return result
    return strategic.strategic(schema.of(resource), old, patch if isinstance(patch, dict) else {})


def _metadata(obj: Object) -> Object:
    meta = obj.setdefault("metadata", {})
    if not isinstance(meta, dict):
        raise BadRequest("metadata is no object")
    return meta


def _check_kind(resource: Resource, obj: Object, *, needed: bool = False) -> None:
    kind, version = obj.get("kind"), obj.get("apiVersion")
    if needed and not kind:
        raise BadRequest("Object 'Kind' is missing in the applied configuration")
    if needed and not version:
        raise BadRequest("Object 'apiVersion' is missing in the applied configuration")
    if (kind or resource.kind) != resource.kind or (version or resource.api_version) != resource.api_version:
        raise BadRequest(
            f"{kind} in version {version!r} cannot be handled as a {resource.kind}: the API version in the data "
            f"({version}, Kind={kind}) does not match the expected API version ({resource.api_version}, "
            f"Kind={resource.kind})"
        )
    obj["kind"], obj["apiVersion"] = resource.kind, resource.api_version


def _check_namespace(resource: Resource, meta: Object, namespace: str) -> None:
    given = meta.get("namespace")
    if not resource.namespaced:
        meta.pop("namespace", None)
        return
    if given and given != namespace:
        raise BadRequest("the namespace of the provided object does not match the namespace sent on the request")
    meta["namespace"] = namespace


def _check_unmoved(resource: Resource, old: Object, meta: Object) -> None:
    causes = [
        forms.invalid(f"metadata.{field}", meta.get(field), "field is immutable")
        for field in ("name", "namespace")
        if meta.get(field) != old["metadata"].get(field)
    ]
    if causes:
        raise Invalid(resource.kind, resource.group, str(old["metadata"]["name"]), causes)


def _decoded(request: Request, resource: Resource, sent: Object) -> schema.Read:
    asked = field_validation(request)
    found = schema.read(resource, sent)
    what = f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}'
    if found.wrong:
        raise BadRequest(f"{what}: {found.wrong[0]}")
    if found.unknown and asked == "Strict":
        listed = ", ".join(f'unknown field "{each}"' for each in found.unknown)
        raise BadRequest(f"{what}: strict decoding error: {listed}")
    if asked == "Ignore":
        found.unknown.clear()
    return found


def _parts_of(resource: Resource, subresource: str, old: Object, new: Object) -> Object:
    """Return what an endpoint may write: `status` only status, the object all but status."""
    if subresource == "status":
        result = copied(old)
        if "status" in new:
            result["status"] = new["status"]
        if "managedFields" in new["metadata"]:
            result["metadata"]["managedFields"] = new["metadata"]["managedFields"]
        return result
    result = dict(new)
    if "status" in resource.subresources:
        result.pop("status", None)
        if "status" in old:
            result["status"] = copied(old["status"])
    return result


def _keep_system_fields(resource: Resource, old: Object, new: Object) -> None:
    meta, before = new["metadata"], old["metadata"]
    for name in (*_SYSTEM_FIELDS, "generation", "namespace"):
        if name in before:
            meta[name] = before[name]
        else:
            meta.pop(name, None)
    added = set(meta.get("finalizers") or []) - set(before.get("finalizers") or [])
    if added and "deletionTimestamp" in before:
        why = f"no new finalizers can be added if the object is being deleted, found new finalizers {sorted(added)}"
        raise Invalid(resource.kind, resource.group, str(before["name"]), [forms.forbidden("metadata.finalizers", why)])
