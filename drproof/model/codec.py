"""Values to plain JSON and back, and the JSON Schema of a value's type.

The type is the only authority: what is written, what is read and what the published schema says come
from the same annotations.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, TypeVar, cast

import msgspec

from drproof.model.errors import EvidenceError

JSON: TypeAlias = "bool | int | str | list[JSON] | dict[str, JSON] | None"

T = TypeVar("T")
MAX_INTEGER = 2**53 - 1
"""The largest integer that every JSON reader keeps exactly (RFC 8785, section 3.2.2.3)."""


def encode(value: object) -> Any:  # noqa: ANN401 — any plain JSON
    """Return `value` as plain JSON: dicts, lists, strings, integers, booleans and null."""
    return msgspec.json.decode(msgspec.json.encode(value, enc_hook=_as_list))


def _as_list(value: object) -> object:
    """Return a sequence that keeps its items in a way of its own as a list of them."""
    if isinstance(value, Sequence):
        return list(value)
    msg = f"a {type(value).__name__} is no JSON"
    raise TypeError(msg)


def decode(kind: type[T] | Callable[..., T], value: object) -> T:
    """Return plain JSON as a value of `kind`.

    Raises:
        EvidenceError: `shape`, when the JSON is not of that type.
    """
    try:
        return cast("T", msgspec.convert(value, kind))
    except msgspec.ValidationError as exc:
        name = getattr(kind, "__name__", str(kind))
        raise EvidenceError("shape", f"not a {name}: {exc}") from exc


def schema_of(kind: Any, *, uri: str, title: str) -> dict[str, Any]:  # noqa: ANN401 — also generic aliases
    """Return the JSON Schema (2020-12) of `kind`: closed objects and bounded integers throughout."""
    (reference,), definitions = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    schema: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": uri,
        "title": title,
        **reference,
    }
    if definitions:
        schema["$defs"] = definitions
    _close(schema)
    return schema


def _close(node: object) -> None:
    """Forbid unknown members and unsafe integers everywhere in a schema."""
    if isinstance(node, list):
        for item in node:
            _close(item)
    if isinstance(node, dict):
        if node.get("type") == "object" and "properties" in node:
            node.setdefault("additionalProperties", False)
        if node.get("type") == "integer":
            node.setdefault("maximum", MAX_INTEGER)
            node.setdefault("minimum", -MAX_INTEGER)
        for child in node.values():
            _close(child)
