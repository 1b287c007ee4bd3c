"""Small facts about objects that several controllers need: conditions, owners, requirements."""

from typing import Any

from drproof.embedded.kubernetes.resources import Object, Resource
from drproof.embedded.kubernetes.store import timestamp


def key_of(obj: Object) -> tuple[str, str]:
    """Return an object's namespace and name."""
    meta = obj["metadata"]
    return str(meta.get("namespace", "")), str(meta["name"])


def owner_reference(resource: Resource, owner: Object) -> Object:
    """Return the reference that makes `owner` the controller of an object."""
    return {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def controller_of(obj: Object) -> Object | None:
    """Return the owner reference of an object's controller."""
    return next((each for each in obj["metadata"].get("ownerReferences", []) if each.get("controller")), None)


def controlled_by(obj: Object, uid: str) -> bool:
    """Whether the object with that uid is the object's controller."""
    owner = controller_of(obj)
    return owner is not None and owner["uid"] == uid


def being_deleted(obj: Object) -> bool:
    """Whether an object is on its way out."""
    return bool(obj["metadata"].get("deletionTimestamp"))


def condition(obj: Object, kind: str) -> Object | None:
    """Return a condition of an object's status."""
    found: list[Object] = obj.get("status", {}).get("conditions") or []
    return next((each for each in found if each["type"] == kind), None)


def holds(obj: Object, kind: str) -> bool:
    """Whether a condition of an object is True."""
    found = condition(obj, kind)
    return found is not None and found["status"] == "True"


def set_condition(status: Object, new: Object) -> None:
    """Put a condition into a status; its lastTransitionTime moves only when True, False or Unknown changes."""
    conditions: list[Object] = status.setdefault("conditions", [])
    for position, old in enumerate(conditions):
        if old["type"] == new["type"]:
            moved = old["status"] != new["status"]
            since = timestamp() if moved else old.get("lastTransitionTime", timestamp())
            conditions[position] = {**new, "lastTransitionTime": since}
            return
    conditions.append({**new, "lastTransitionTime": timestamp()})


def requirement_holds(requirement: Object, labels: dict[str, str]) -> bool:
    """Whether one expression of a selector (key, operator, values) holds of labels."""
    key, values = requirement["key"], requirement.get("values") or []
    held = labels.get(key)
    match requirement["operator"]:
        case "In":
            return held in values
        case "NotIn":
            return held not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
        case "Gt" | "Lt" as operator:
            return _compares(held, values, operator)
    return False


def _compares(held: str | None, values: list[Any], operator: str) -> bool:
    try:
        ours, theirs = int(held or ""), int(values[0])
    except (ValueError, IndexError):
        return False
    return ours > theirs if operator == "Gt" else ours < theirs
