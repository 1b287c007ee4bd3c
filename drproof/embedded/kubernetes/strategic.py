"""Strategic merge patches: merge patches that know which lists merge, and by which key.

Source: "Strategic Merge Patch" of the Kubernetes API conventions, and its directives `$patch`, `$retainKeys`,
`$setElementOrder/…` and `$deleteFromPrimitiveList/…`.
"""

from typing import Any

from drproof.embedded.kubernetes.errors import BadRequest
from drproof.embedded.kubernetes.resources import Object
from drproof.embedded.kubernetes.schema import ANY, Type
from drproof.embedded.kubernetes.store import copied

_ORDER = "$setElementOrder/"
_TAKE = "$deleteFromPrimitiveList/"
_DIRECTIVES = frozenset({"delete", "replace", "merge"})


def strategic(shape: Type, target: Object, patch: Object) -> Object:
    """Return an object after a strategic merge patch; BadRequest for directives that make no sense."""
    result = _merge_map(shape, copied(target), patch)
    return {} if result is None else result


def _merge_map(shape: Type, target: Object, patch: Object) -> Object | None:
    directive = _directive(patch)
    if directive == "delete":
        return None
    if directive == "replace":
        return {key: _plain(value) for key, value in patch.items() if key != "$patch"}
    target = _retained(target, patch.get("$retainKeys"))
    fields = shape.fields
    for key, value in patch.items():
        if key.startswith(_TAKE):
            _take_from(target, key.removeprefix(_TAKE), value)
    for key, value in patch.items():
        if not key.startswith("$"):
            _merge_field(fields.get(key, shape.inner if shape.form == "map" else ANY), target, key, value)
    for key, value in patch.items():
        if key.startswith(_ORDER):
            name = key.removeprefix(_ORDER)
            _order(fields.get(name, ANY), target, name, value)
    return target


def _retained(target: Object, kept: object) -> Object:
    if kept is None:
        return target
    if not isinstance(kept, list):
        raise BadRequest("$retainKeys must be a list")
    return {key: value for key, value in target.items() if key in kept}


def _merge_field(shape: Type, target: Object, key: str, value: object) -> None:
    if value is None:
        target.pop(key, None)
    elif isinstance(value, dict):
        held = target.get(key)
        merged = _merge_map(shape, held if isinstance(held, dict) else {}, value)
        if merged is None:
            target.pop(key, None)
        else:
            target[key] = merged
    elif isinstance(value, list):
        target[key] = _merge_list(shape, target.get(key), value)
    else:
        target[key] = value


def _merge_list(shape: Type, held: object, patch: list[Any]) -> list[Any]:
    directives = [each for each in patch if isinstance(each, dict) and set(each) == {"$patch"}]
    if any(_directive(each) == "replace" for each in directives):
        return [_plain(each) for each in patch if each not in directives]
    if shape.patch_key is None or not isinstance(held, list):
        # A list that does not merge is replaced; a list that is new is merged with nothing.
        held = []
    if shape.patch_key is None:
        return [_plain(each) for each in patch]
    if not shape.patch_key:
        return held + [each for each in patch if each not in held]
    return _merge_by_key(shape, held, patch)


def _merge_by_key(shape: Type, held: list[Any], patch: list[Any]) -> list[Any]:
    key = str(shape.patch_key)
    result = list(held)
    for each in patch:
        if not isinstance(each, dict):
            raise BadRequest(f"expected objects in a list that merges by {key!r}")
        if key not in each:
            raise BadRequest(f"map: {each} does not contain declared merge key: {key}")
        place = next((n for n, old in enumerate(result) if isinstance(old, dict) and old.get(key) == each[key]), None)
        if place is None:
            if _directive(each) != "delete":
                made = _merge_map(shape.inner, {}, each)
                result += [] if made is None else [made]
            continue
        merged = _merge_map(shape.inner, result[place], each)
        result[place : place + 1] = [] if merged is None else [merged]
    return result


def _directive(patch: Object) -> str:
    directive = patch.get("$patch", "")
    if directive and directive not in _DIRECTIVES:
        raise BadRequest(f"Unknown patch type: {directive}")
    return str(directive)


def _plain(value: Any) -> Any:  # noqa: ANN401 — any JSON value
    """Return a value without directives and nulls, as it is where there is nothing to merge with."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items() if each is not None and not key.startswith("$")}
    return [_plain(each) for each in value] if isinstance(value, list) else value


def _take_from(target: Object, name: str, values: object) -> None:
    held = target.get(name)
    if isinstance(held, list) and isinstance(values, list):
        target[name] = [each for each in held if each not in values]


def _order(shape: Type, target: Object, name: str, wanted: object) -> None:
    """Sort a merged list as the patch asks; items that only the server has stay behind what they followed."""
    held = target.get(name)
    if not isinstance(held, list) or not isinstance(wanted, list) or shape.patch_key is None:
        return
    key = shape.patch_key

    def identity(item: object) -> object:
        return item.get(key) if key and isinstance(item, dict) else item

    places = [identity(each) for each in wanted]
    asked = sorted((each for each in held if identity(each) in places), key=lambda each: places.index(identity(each)))
    asked_ids = [identity(each) for each in asked]
    result = list(asked)
    for place, each in enumerate(held):
        if identity(each) in asked_ids:
            continue
        follows = [identity(before) for before in held[:place] if before in result]
        where = max((n + 1 for n, item in enumerate(result) if identity(item) in follows), default=0)
        result.insert(where if follows else len(result), each)
    target[name] = result
