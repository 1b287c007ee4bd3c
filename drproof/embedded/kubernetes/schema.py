"""The shapes of Kubernetes' own types, read from the models of the official client.

Importing the client costs a quarter of a second: it happens at the first question, once a process.
"""

import re
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from drproof.embedded.kubernetes import amounts, merging
from drproof.embedded.kubernetes.resources import Object, Resource
from drproof.embedded.kubernetes.store import copied

_MODELS = {
    "Event": "CoreV1Event",
    "HorizontalPodAutoscaler": "V2HorizontalPodAutoscaler",
}
_LIST = re.compile(r"^(?:List|list)\[(.*)\]$")
_MAP = re.compile(r"^(?:Dict\[str, ?|dict\(str, ?)(.*)[\])]$")
_SCALARS: dict[str, type] = {"str": str, "int": int, "bool": bool, "float": float, "bytes": str, "datetime": str}
_GO_NAMES = {
    "str": "string",
    "int": "int32",
    "bool": "bool",
    "float": "float64",
    "bytes": "[]uint8",
    "datetime": "Time",
}


@dataclass(frozen=True, slots=True)
class Type:
    """One shape: a scalar, `any`, `int-or-string`, `quantity`, a `list`, a `map`, or a `struct` with its model."""

    form: str
    item: "Type | None" = None
    model: str = ""
    keys: tuple[str, ...] = ()
    """What tells the items of a list apart under server-side apply; () is an atomic list."""
    is_set: bool = False
    atomic: bool = False
    """Whether server-side apply owns it as a whole."""
    patch_key: str | None = None
    """The key by which strategic patches merge a list, "" by value, None: the list is replaced."""

    @property
    def inner(self) -> "Type":
        """The shape of the items of a list or map."""
        return self.item or ANY

    @property
    def fields(self) -> dict[str, "Type"]:
        """The fields of a struct by their JSON name."""
        return _fields(self.model) if self.model else {}


ANY = Type("any")


@dataclass(slots=True)
class Read:
    """An object as its type reads it, and what that type does not know."""

    object: Object
    unknown: list[str] = field(default_factory=list)
    """Paths of unknown fields: `spec.template.spec.foo`."""
    wrong: list[str] = field(default_factory=list)
    """What has the wrong type, as a decoder words it."""


@cache
def of(resource: Resource) -> Type:
    """Return the shape of a kind of object; `any` where the client has no model of it."""
    name = _MODELS.get(resource.kind, f"{resource.version.capitalize()}{resource.kind}")
    return Type("struct", model=name) if _model(name) is not None else ANY


def read(resource: Resource, obj: Object) -> Read:
    """Return an object without nulls, empty lists and unknown fields, amounts in canonical form."""
    answer = Read({})
    answer.object = _read(of(resource), obj, "", answer, resource.kind)
    return answer


def required(model: str) -> frozenset[str]:
    """Return the JSON names of the fields that a struct must have."""
    return _required(model)


@cache
def _model(name: str) -> Any:  # noqa: ANN401 — classes of a library without types
    from kubernetes import client

    return getattr(client, name, None)


@cache
def _required(name: str) -> frozenset[str]:
    model = _model(name)
    known = getattr(model, "model_fields", {})
    found = {model.attribute_map[each] for each, about in known.items() if about.is_required()}
    return frozenset(found - merging.NOT_REQUIRED.get(name, frozenset()))


@cache
def _fields(name: str) -> dict[str, Type]:
    model = _model(name)
    return {
        written: _typed(name, written, declared, getattr(model, "model_fields", {}).get(attribute))
        for attribute, declared in model.openapi_types.items()
        for written in [model.attribute_map[attribute]]
    }


def _typed(owner: str, name: str, declared: str, about: Any) -> Type:  # noqa: ANN401 — as above
    amount = name in merging.QUANTITIES.get(owner, ())
    if found := _LIST.match(declared):
        return Type(
            "list",
            item=_plain(found[1]),
            keys=merging.LIST_KEYS.get(owner, {}).get(name, ()),
            is_set=name in merging.SETS.get(owner, ()),
            patch_key=merging.PATCH_KEYS.get(owner, {}).get(name),
        )
    if found := _MAP.match(declared):
        item = Type("quantity") if amount else _plain(found[1])
        return Type("map", item=item, atomic=name in merging.ATOMIC_MAPS.get(owner, ()))
    if amount:
        return Type("quantity")
    if declared == "object" and about is not None and "Annotated[int" in str(about.annotation):
        return Type("int-or-string")
    return _plain(declared)


def _plain(declared: str) -> Type:
    if declared in _SCALARS:
        return Type(declared)
    if declared == "object":
        return ANY
    if (found := _LIST.match(declared)) is not None:
        return Type("list", item=_plain(found[1]))
    if _model(declared) is None:
        return ANY
    return Type("struct", model=declared, atomic=declared in merging.ATOMIC_TYPES)


def _read(shape: Type, value: Any, path: str, answer: Read, kind: str) -> Any:  # noqa: ANN401 — any JSON value
    match shape.form:
        case "struct" if isinstance(value, dict):
            return _read_struct(shape, value, path, answer, kind)
        case "list" if isinstance(value, list):
            return [_read(shape.inner, each, f"{path}[{n}]", answer, kind) for n, each in enumerate(value)]
        case "map" if isinstance(value, dict):
            kept = {key: "" if each is None else each for key, each in value.items()}
            return {key: _read(shape.inner, each, f"{path}.{key}", answer, kind) for key, each in kept.items()}
        case "any":
            return copied(value)
        case "int-or-string" if isinstance(value, (int, str)) and not isinstance(value, bool):
            return value
        case "quantity" if isinstance(value, (int, float, str)) and not isinstance(value, bool):
            if not amounts.valid(str(value)):
                answer.wrong.append(amounts.RULE)
            return amounts.canonical(str(value))
        case "float" if isinstance(value, (int, float)) and not isinstance(value, bool):
            return value
        case _ if type(value) is _SCALARS.get(shape.form):
            return value
    answer.wrong.append(_mismatch(shape, value, path, kind))
    return value


def _read_struct(shape: Type, value: Object, path: str, answer: Read, kind: str) -> Object:
    fields = shape.fields
    result: Object = {}
    for name, each in value.items():
        here = f"{path}.{name}" if path else name
        inner = fields.get(name)
        if inner is None:
            answer.unknown.append(here)
        elif each is not None:
            read_value = _read(inner, each, here, answer, kind)
            if not (inner.form in {"list", "map"} and read_value in ([], {})):
                result[name] = read_value
    return result


def _mismatch(shape: Type, value: object, path: str, kind: str) -> str:
    given = {dict: "object", list: "array", str: "string", bool: "bool"}.get(type(value), "number")
    wanted = _GO_NAMES.get(shape.form, {"list": "[]", "map": "map"}.get(shape.form, shape.model or shape.form))
    where = re.sub(r"\[\d+\]", "", path)
    return f"json: cannot unmarshal {given} into Go struct field {kind}.{where} of type {wanted}"
