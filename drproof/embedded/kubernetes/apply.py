"""Server-side apply: a manager states the fields it wants, and owns them (KEP-555)."""

import json
from typing import Any

from drproof.embedded.kubernetes import fieldsets, managed
from drproof.embedded.kubernetes.admission import encode_strings
from drproof.embedded.kubernetes.errors import ApiError, ApplyConflict, BadRequest
from drproof.embedded.kubernetes.fieldsets import Fields, Path
from drproof.embedded.kubernetes.managed import Manager, Owned, Ownership
from drproof.embedded.kubernetes.resources import SECRETS, Object, Resource
from drproof.embedded.kubernetes.schema import Type, of, read
from drproof.embedded.kubernetes.store import copied, timestamp

_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def checked(resource: Resource, applied: Object) -> Object:
    """Return what a manager applies, typed; 500 for fields that the schema does not declare, as the API answers."""
    meta = applied.get("metadata") or {}
    if not isinstance(meta, dict):
        raise BadRequest("metadata is no object")
    if meta.get("managedFields"):
        raise BadRequest("metadata.managedFields must be nil")
    found = read(resource, applied)
    defects = [f".{path}: field not declared in schema" for path in found.unknown] + found.wrong
    if resource is SECRETS and not found.wrong:
        # What is never stored cannot be owned: the data that it becomes is.
        encode_strings(found.object)
    shape = of(resource)
    _find_duplicates(shape, found.object, "", defects)
    if defects:
        name = "/".join(str(each) for each in (meta.get("namespace"), meta.get("name")) if each)
        what = f"failed to create typed patch object ({name}; {resource.api_version}, Kind={resource.kind})"
        listed = defects[0] if len(defects) == 1 else "errors:\n" + "".join(f"  {each}\n" for each in defects)
        raise ApiError(500, "", f"{what}: {listed}")
    return found.object


def apply(resource: Resource, manager: Manager, live: Object | None, applied: Object, *, force: bool) -> Object:
    """Return the next state of `live` (None: there is none) after a manager applied fields.

    Fields that it applied before and no longer does are removed where nobody else owns them. ApplyConflict where
    others own a field that would change, unless `force` takes it from them.
    """
    shape = of(resource)
    wanted = managed.written_by(resource, manager.subresource, frozenset(fieldsets.leaves(shape, applied)))
    base = live if live is not None else _identity(applied)
    ownership = managed.unowned_before(shape, resource, base) if live is not None else {}
    mine = ownership.get(manager, Owned(frozenset(), "", ""))
    others = {each: owned for each, owned in ownership.items() if each != manager}
    merged: Object = _merged(shape, base, _restricted(resource, manager, applied))
    before, after = fieldsets.leaves(shape, base), fieldsets.leaves(shape, merged)
    changed = frozenset(path for path, value in after.items() if path not in before or before[path] != value)
    conflicts = {each: owned.fields & changed for each, owned in others.items() if owned.fields & changed}
    contested = {each: paths - _handed_over(shape, manager, base) for each, paths in conflicts.items()}
    if any(contested.values()) and not force:
        raise _conflict({each: paths for each, paths in contested.items() if paths}, ownership)
    for each, taken in conflicts.items():
        held = others[each]
        others[each] = Owned(held.fields - taken, held.time, held.api_version)
    _prune(shape, merged, _abandoned(mine.fields - wanted, wanted, others))
    left = frozenset(fieldsets.leaves(shape, merged))
    gone = frozenset(before) - left
    for each, held in others.items():
        ownership[each] = Owned(held.fields - gone, held.time, held.api_version)
    same = mine.fields == wanted and not changed and not gone
    ownership[manager] = Owned(wanted, mine.time if same else timestamp(), resource.api_version)
    managed.write(merged, ownership)
    return merged


def _handed_over(shape: Type, manager: Manager, live: Object) -> Fields:
    """Return the fields that kubectl applied on the client's side: its server-side apply takes them without a conflict.

    Source: apimachinery, managedfields/internal/lastappliedmanager.go.
    """
    text = (live["metadata"].get("annotations") or {}).get(_LAST_APPLIED)
    if manager.name != "kubectl" or not isinstance(text, str):
        return frozenset()
    try:
        last = json.loads(text)
    except (ValueError, RecursionError):
        return frozenset()
    return frozenset(fieldsets.leaves(shape, last)) if isinstance(last, dict) else frozenset()


def _identity(applied: Object) -> Object:
    """Return the object that an apply creates, before its fields are applied."""
    meta = applied.get("metadata") or {}
    known = {key: meta[key] for key in ("name", "namespace") if key in meta}
    return {"apiVersion": applied.get("apiVersion"), "kind": applied.get("kind"), "metadata": known}


def _restricted(resource: Resource, manager: Manager, applied: Object) -> Object:
    """Return what of an applied object its endpoint writes."""
    if manager.subresource == "status":
        return {key: value for key, value in applied.items() if key == "status"}
    if "status" in resource.subresources:
        return {key: value for key, value in applied.items() if key != "status"}
    return applied


def _conflict(conflicts: dict[Manager, Fields], ownership: Ownership) -> ApplyConflict:
    count = sum(map(len, conflicts.values()))
    owners: list[tuple[str, str]] = []
    parts: list[str] = []
    for manager, paths in sorted(conflicts.items(), key=lambda each: each[0].name):
        described = manager.described(ownership[manager].api_version)
        fields = sorted(map(fieldsets.written, paths))
        owners += [(field, f"conflict with {described}") for field in fields]
        if len(fields) == 1:
            parts.append(f"conflict with {described}: {fields[0]}")
        else:
            parts.append(f"conflicts with {described}:\n" + "\n".join(f"- {field}" for field in fields))
    noun = "conflict" if count == 1 else "conflicts"
    return ApplyConflict(f"Apply failed with {count} {noun}: " + "\n".join(parts), owners)


def _merged(shape: Type, held: Any, applied: Any) -> Any:  # noqa: ANN401 — any JSON value
    if isinstance(applied, dict) and isinstance(held, dict) and fieldsets.granular(shape):
        result = copied(held)
        for name, value in applied.items():
            inner = fieldsets.field_shape(shape, name)
            result[name] = _merged(inner, held.get(name), value)
        return result
    if isinstance(applied, list) and isinstance(held, list) and (shape.keys or shape.is_set):
        return _merged_list(shape, held, applied)
    return copied(applied)


def _merged_list(shape: Type, held: list[Any], applied: list[Any]) -> list[Any]:
    def identity(item: object) -> str:
        return fieldsets.key_of(shape.keys, item) if shape.keys else fieldsets.value_of(item)

    wanted = {identity(each): each for each in applied}
    known = {identity(each): each for each in held}
    merged = {
        key: _merged(shape.inner, known[key], each) if key in known else copied(each) for key, each in wanted.items()
    }
    # What is applied comes in its order; what only the server has stays where it followed.
    result: list[Any] = []
    rest = list(wanted)
    for each in held:
        key = identity(each)
        if key not in wanted:
            result.append(copied(each))
        elif key in rest:
            place = rest.index(key) + 1
            result += [merged[name] for name in rest[:place]]
            rest = rest[place:]
    return result + [merged[name] for name in rest]


def _abandoned(dropped: Fields, wanted: Fields, others: Ownership) -> Fields:
    """Return the fields that a manager gave up and nobody holds, themselves or below."""
    held = {path for owned in others.values() for path in owned.fields} | wanted
    above = {path[:length] for path in held for length in range(1, len(path) + 1)}
    return frozenset(path for path in dropped if path not in above)


def _prune(shape: Type, obj: Object, paths: Fields) -> None:
    # What is around goes first: an item of a list is found by fields that would go with it.
    for path in sorted(paths, key=len):
        _remove(shape, obj, path)


def _remove(shape: Type, node: Any, path: Path) -> None:  # noqa: ANN401 — any JSON value
    """Take one field away, and what became empty by that."""
    segment, rest = path[0], path[1:]
    if segment.startswith("f:") and isinstance(node, dict):
        name = segment.removeprefix("f:")
        if rest and name in node:
            _remove(fieldsets.field_shape(shape, name), node[name], rest)
        if name in node and (not rest or node[name] in ({}, [])):
            del node[name]
    elif isinstance(node, list):
        for item in list(node):
            key = fieldsets.key_of(shape.keys, item) if shape.keys else fieldsets.value_of(item)
            if key == segment:
                if rest:
                    _remove(shape.inner, item, rest)
                else:
                    node.remove(item)


def _find_duplicates(shape: Type, value: object, path: str, defects: list[str]) -> None:
    if isinstance(value, dict):
        for name, each in value.items():
            _find_duplicates(fieldsets.field_shape(shape, name), each, f"{path}.{name}", defects)
    elif isinstance(value, list):
        seen: set[str] = set()
        for each in value:
            key = fieldsets.key_of(shape.keys, each) if shape.keys else ""
            if key and key in seen:
                defects.append(f"{path}: duplicate entries for key {fieldsets.written((key,))}")
            seen.add(key)
            _find_duplicates(shape.inner, each, path, defects)
