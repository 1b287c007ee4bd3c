"""Who owns which fields of an object: keeping `metadata.managedFields` up to date (KEP-555 server-side apply)."""

from dataclasses import dataclass, replace

from drproof.embedded.kubernetes import fieldsets
from drproof.embedded.kubernetes.fieldsets import Fields
from drproof.embedded.kubernetes.resources import Object, Resource
from drproof.embedded.kubernetes.schema import Type, of
from drproof.embedded.kubernetes.store import timestamp

BEFORE_FIRST_APPLY = "before-first-apply"


@dataclass(frozen=True, slots=True)
class Manager:
    """Who writes, and how: `Apply` or `Update`, on the object or on a subresource."""

    name: str
    operation: str
    subresource: str = ""

    def described(self, api_version: str) -> str:
        """Return how conflicts name it."""
        text = f'"{self.name}"'
        if self.subresource:
            text += f' with subresource "{self.subresource}"'
        return f"{text} using {api_version}" if self.operation == "Update" else text


@dataclass(frozen=True, slots=True)
class Owned:
    """The fields of one manager, and when it changed them last."""

    fields: Fields
    time: str
    api_version: str


Ownership = dict[Manager, Owned]


def of_object(obj: Object) -> Ownership:
    """Return who owns what; managers in the order of their entries."""
    found: Ownership = {}
    for entry in obj["metadata"].get("managedFields") or []:
        if isinstance(entry, dict) and entry.get("manager") is not None:
            manager = Manager(str(entry["manager"]), str(entry.get("operation")), str(entry.get("subresource", "")))
            fields = fieldsets.from_fields_v1(entry.get("fieldsV1"))
            found[manager] = Owned(fields, str(entry.get("time", "")), str(entry.get("apiVersion", "")))
    return found


def write(obj: Object, ownership: Ownership) -> None:
    """Put who owns what into an object; managers of nothing are left out."""
    entries = [
        {
            "manager": manager.name,
            "operation": manager.operation,
            "apiVersion": owned.api_version,
            **({"time": owned.time} if owned.time else {}),
            "fieldsType": "FieldsV1",
            "fieldsV1": fieldsets.to_fields_v1(owned.fields),
            **({"subresource": manager.subresource} if manager.subresource else {}),
        }
        for manager, owned in ownership.items()
        if owned.fields
    ]
    if entries:
        obj["metadata"]["managedFields"] = entries
    else:
        obj["metadata"].pop("managedFields", None)


def written_by(resource: Resource, subresource: str, fields: Fields) -> Fields:
    """Return the fields that an endpoint writes: `status` writes status, the object all but status."""
    if subresource == "status":
        return frozenset(path for path in fields if path[0] == "f:status")
    if "status" in resource.subresources:
        return frozenset(path for path in fields if path[0] != "f:status")
    return fields


def track_update(resource: Resource, manager: Manager, old: Object | None, new: Object) -> None:
    """Note in `new` what its writer changed: changed fields are the writer's, removed ones nobody's."""
    shape = of(resource)
    ownership = _base(old, new)
    before = fieldsets.leaves(shape, old) if old is not None else {}
    after = fieldsets.leaves(shape, new)
    changed = frozenset(path for path, value in after.items() if path not in before or before[path] != value)
    changed = written_by(resource, manager.subresource, changed)
    gone = frozenset(before) - frozenset(after)
    now = timestamp()
    for each, owned in ownership.items():
        lost = gone if each == manager else gone | changed
        if owned.fields & lost:
            ownership[each] = replace(owned, fields=owned.fields - lost)
    if changed:
        held = ownership.get(manager, Owned(frozenset(), "", ""))
        ownership[manager] = Owned(held.fields | changed, now, resource.api_version)
    write(new, ownership)


def _base(old: Object | None, new: Object) -> Ownership:
    """Return the entries to go on from: those that the writer sends (an empty list resets them), or those held."""
    sent = new["metadata"].get("managedFields")
    if sent is None:
        return of_object(old) if old is not None else {}
    return of_object(new)


def unowned_before(shape: Type, resource: Resource, live: Object) -> Ownership:
    """Return the ownership of a live object for a first apply: what no manager is noted for was there before."""
    ownership = of_object(live)
    if not ownership:
        fields = written_by(resource, "", frozenset(fieldsets.leaves(shape, live)))
        if fields:
            held = Owned(fields, "", resource.api_version)
            ownership[Manager(BEFORE_FIRST_APPLY, "Update")] = held
    return ownership
