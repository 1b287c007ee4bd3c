"""Sets of fields, and which of them a manager owns: `metadata.managedFields` (KEP-555 server-side apply).

A field is a path of segments as FieldsV1 writes them: `f:name` a field, `k:{"name":"x"}` an item of a keyed list,
`v:"x"` a value of a set. A path that ends at a struct or item means that the manager owns its existence.
"""

import json
from collections.abc import Iterable
from typing import Any

from drproof.embedded.kubernetes import merging
from drproof.embedded.kubernetes.resources import Object
from drproof.embedded.kubernetes.schema import ANY, Type

Path = tuple[str, ...]
Fields = frozenset[Path]

_NOT_OWNED: Fields = frozenset(
    {
        ("f:apiVersion",),
        ("f:kind",),
        *(
            ("f:metadata", f"f:{name}")
            for name in (
                "name",
                "namespace",
                "uid",
                "creationTimestamp",
                "resourceVersion",
                "generation",
                "managedFields",
                "selfLink",
                "deletionTimestamp",
                "deletionGracePeriodSeconds",
            )
        ),
    }
)


def leaves(shape: Type, obj: Object) -> dict[Path, object]:
    """Return the fields of an object, those that nobody owns left out, with their values (None for an item itself)."""
    found: dict[Path, object] = {}
    _collect(shape, obj, (), found)
    return {path: value for path, value in found.items() if path[:1] not in _NOT_OWNED and path[:2] not in _NOT_OWNED}


def key_of(keys: tuple[str, ...], item: object) -> str:
    """Return the segment of an item of a keyed list."""
    held = item if isinstance(item, dict) else {}
    named = {key: held.get(key, merging.KEY_DEFAULTS.get(key)) for key in keys}
    return "k:" + json.dumps({k: named[k] for k in sorted(named) if named[k] is not None}, separators=(",", ":"))


def value_of(item: object) -> str:
    """Return the segment of a value of a set."""
    return "v:" + json.dumps(item, separators=(",", ":"))


def _collect(shape: Type, value: object, path: Path, found: dict[Path, object]) -> None:
    if isinstance(value, dict) and granular(shape):
        if not value and path:
            found[path] = {}
        for name, each in value.items():
            _collect(field_shape(shape, name), each, (*path, f"f:{name}"), found)
    elif isinstance(value, list) and (shape.keys or shape.is_set):
        for each in value:
            here = (*path, key_of(shape.keys, each) if shape.keys else value_of(each))
            found[here] = None
            if shape.keys:
                _collect(shape.inner, each, here, found)
    else:
        found[path] = value


def granular(shape: Type) -> bool:
    """Whether the parts of an object of this shape have owners of their own."""
    return shape.form in {"struct", "map"} and not shape.atomic


def field_shape(shape: Type, name: str) -> Type:
    """Return the shape of a field of a struct or map."""
    return shape.inner if shape.form == "map" else shape.fields.get(name, ANY)


def to_fields_v1(fields: Iterable[Path]) -> Object:
    """Return a set of fields as `fieldsV1` writes it."""
    known = frozenset(fields)
    tree: dict[str, Any] = {}
    for path in sorted(known):
        node = tree
        for place, segment in enumerate(path):
            node = node.setdefault(segment, {})
            # Something below it is owned too: what is owned itself says so.
            if place + 1 < len(path) and path[: place + 1] in known:
                node["."] = {}
    for path in known:
        if path[-1].startswith("k:"):
            node = tree
            for segment in path:
                node = node[segment]
            node["."] = {}
    return tree


def from_fields_v1(tree: object) -> Fields:
    """Return the fields that a `fieldsV1` means."""
    found: set[Path] = set()

    def walk(node: object, path: Path) -> None:
        if not isinstance(node, dict) or not node:
            if path:
                found.add(path)
            return
        for segment, inner in node.items():
            if segment == ".":
                found.add(path)
            else:
                walk(inner, (*path, segment))

    walk(tree, ())
    return frozenset(found)


def written(path: Path) -> str:
    """Return a path as messages write it: `.spec.template.spec.containers[name="x"].image`."""
    text = ""
    for segment in path:
        kind, _, rest = segment.partition(":")
        if kind == "f":
            text += f".{rest}"
        elif kind == "k":
            pairs = ",".join(f"{key}={json.dumps(value)}" for key, value in json.loads(rest).items())
            text += f"[{pairs}]"
        else:
            text += f"[={rest}]"
    return text
